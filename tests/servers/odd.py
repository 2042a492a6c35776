"""A small S3 in memory that speaks HTTP in odd ways: whole in meaning, strange or broken in manner.

with odd_server() as odd:
    odd.speak(closing_silently)                   # every answer so
    odd.speak(cut_short, times=3, method="GET")   # the next three answers to a GET, the others plainly
    odd.objects["key"]                            # what has arrived, byte for byte

A manner is a coroutine that is given the Talk and writes the answer. Whatever arrives with a wrong CRC32 is refused.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import random
import socket
import struct
import threading
import zlib
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, quote, unquote, urlsplit
from xml.sax.saxutils import escape


@dataclass(frozen=True)
class Asked:
    method: str
    target: str
    headers: dict[str, str]

    @property
    def key(self) -> str:
        return unquote(urlsplit(self.target).path.lstrip("/").partition("/")[2])

    @property
    def query(self) -> dict[str, str]:
        return dict(parse_qsl(urlsplit(self.target).query, keep_blank_values=True))

    @property
    def length(self) -> int:
        return int(self.headers.get("content-length", 0))


@dataclass(frozen=True)
class Said:
    status: str = "200 OK"
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass
class Talk:
    """One request, and the means to answer it. `said` reads the body first, and does what is asked."""

    odd: Odd
    asked: Asked
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    _body: bytes | None = None
    _said: Said | None = None

    async def body(self) -> bytes:
        if self._body is None:
            if self.asked.headers.get("expect") == "100-continue":
                self.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            self._body = await self.reader.readexactly(self.asked.length)
        return self._body

    async def said(self) -> Said:
        if self._said is None:
            self._said = self.odd.answer(self.asked, await self.body())
        return self._said

    def write(self, data: bytes) -> None:
        self.writer.write(data)

    def reset(self) -> None:
        """No goodbye: the other side sees ECONNRESET."""
        end: socket.socket = self.writer.get_extra_info("socket")
        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()
        raise ConnectionResetError


SMUGGLED = b'HTTP/1.1 200 OK\r\nContent-Length: 4\r\nETag: "smuggled"\r\n\r\nevil'

Manner = Callable[[Talk], Awaitable[None]]


def head(said: Said, **more: str) -> bytes:
    """With the length, unless `more` gives it; an underscore in a name stands for a hyphen, and an empty value leaves the header out."""
    given = {name.replace("_", "-"): value for name, value in more.items()}
    headers = {"x-amz-request-id": "ODD42", "content-length": str(len(said.body))} | said.headers | given
    lines = [f"{name}: {value}" for name, value in headers.items() if value]
    return "\r\n".join([f"HTTP/1.1 {said.status}", *lines, "", ""]).encode()


def _shown(talk: Talk, said: Said) -> bytes:
    return b"" if talk.asked.method == "HEAD" else said.body


async def plainly(talk: Talk) -> None:
    said = await talk.said()
    talk.write(head(said) + _shown(talk, said))


# --- odd, and right: a client has to take it ------------------------------------------------------------------------------


async def closing_silently(talk: Talk) -> None:
    """Each connection carries one answer, and nobody says so."""
    await plainly(talk)
    await talk.writer.drain()
    talk.writer.close()


async def closing_aloud(talk: Talk) -> None:
    said = await talk.said()
    talk.write(head(said, connection="close") + _shown(talk, said))
    await talk.writer.drain()
    talk.writer.close()


async def half_closing(talk: Talk) -> None:
    """It says no more after this answer, but goes on listening."""
    await plainly(talk)
    await talk.writer.drain()
    talk.writer.write_eof()


async def with_interim_answers(talk: Talk) -> None:
    await talk.body()
    talk.write(
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
    )
    await plainly(talk)


async def in_chunks(talk: Talk) -> None:
    """With extensions and trailers, one byte in the first chunk."""
    said = await talk.said()
    if talk.asked.method == "HEAD" or said.status[:3] in {"204", "304"}:
        return await plainly(talk)
    chunks = [said.body[:1], *(said.body[at : at + 1000] for at in range(1, len(said.body), 1000))]
    talk.write(head(said, content_length="", transfer_encoding="chunked"))
    for chunk in filter(None, chunks):
        talk.write(b'%X;part="1";last\r\n%s\r\n' % (len(chunk), chunk))
    talk.write(b"0\r\nx-amz-trailer: of no concern\r\n\r\n")
    return None


async def a_byte_at_a_time(talk: Talk) -> None:
    said = await talk.said()
    for byte in head(said):
        talk.write(bytes([byte]))
        await talk.writer.drain()
        await asyncio.sleep(0)
    talk.write(_shown(talk, said))


async def with_a_body_to_head(talk: Talk) -> None:
    """What a HEAD may never have (RFC 9110, section 9.3.2): the client must not take it for its next answer."""
    said = await talk.said()
    talk.write(head(said) + _shown(talk, said) + (SMUGGLED if talk.asked.method == "HEAD" else b""))


async def with_an_answer_too_many(talk: Talk) -> None:
    said = await talk.said()
    talk.write(head(said) + _shown(talk, said) + SMUGGLED)


async def with_an_answer_too_many_later(talk: Talk) -> None:
    """When the connection lies idle already."""
    await plainly(talk)
    await talk.writer.drain()
    await asyncio.sleep(0.02)
    talk.write(SMUGGLED)
    talk.odd.unasked += 1


# --- broken: a client has to try again --------------------------------------------------------------------------------------


async def hanging_up(talk: Talk) -> None:
    """After all of the request had come, and was done."""
    await talk.said()
    talk.writer.close()


async def half_closed_midway(talk: Talk) -> None:
    said = await talk.said()
    whole = head(said) + _shown(talk, said)
    talk.write(whole[: len(whole) // 2])
    await talk.writer.drain()
    talk.writer.write_eof()


async def resetting_midway(talk: Talk) -> None:
    said = await talk.said()
    talk.write(head(said) + _shown(talk, said)[: len(said.body) // 2])
    await talk.writer.drain()
    talk.reset()


async def resetting_at_once(talk: Talk) -> None:
    """Before the body was read."""
    talk.reset()


async def refusing_early(talk: Talk) -> None:
    """503 before the body was read, which then is not read at all (RFC 9112, section 9.6)."""
    body = b"<Error><Code>SlowDown</Code><Message>Reduce your request rate.</Message></Error>"
    talk.write(head(Said("503 Slow Down", body=body), connection="close") + body)
    await talk.writer.drain()
    talk.writer.write_eof()
    with contextlib.suppress(ConnectionError, asyncio.TimeoutError):
        await asyncio.wait_for(talk.reader.read(), 0.2)
    talk.writer.close()


async def with_two_lengths(talk: Talk) -> None:
    said = await talk.said()
    talk.write(head(said).replace(b"\r\n\r\n", b"\r\nContent-Length: 1\r\n\r\n", 1) + _shown(talk, said))


async def with_length_and_chunks(talk: Talk) -> None:
    said = await talk.said()
    talk.write(head(said, transfer_encoding="chunked") + b"%x\r\n%s\r\n0\r\n\r\n" % (len(said.body), said.body))


async def folded(talk: Talk) -> None:
    """obs-fold (RFC 9112, section 5.2)."""
    said = await talk.said()
    talk.write(head(said).replace(b"ODD42", b"ODD42\r\n and more", 1) + _shown(talk, said))


async def with_bare_line_feeds(talk: Talk) -> None:
    said = await talk.said()
    talk.write(head(said).replace(b"\r\n", b"\n") + _shown(talk, said))
    await talk.writer.drain()
    talk.writer.close()


async def with_endless_headers(talk: Talk) -> None:
    await talk.said()
    talk.write(b"HTTP/1.1 200 OK\r\n")
    with contextlib.suppress(ConnectionError):
        for number in range(1_000_000):
            talk.write(b"x-%d: and no end\r\n" % number)
            if number % 1000 == 0:
                await talk.writer.drain()


async def in_html(talk: Talk) -> None:
    """As a load balancer says that there is nobody behind it."""
    await talk.body()
    said = Said("502 Bad Gateway", {"content-type": "text/html"}, b"<html><body>502</body></html>")
    talk.write(head(said) + _shown(talk, said))


async def trickling(talk: Talk) -> None:
    """A slow loris: it never stands still, and never gets anywhere."""
    await talk.said()
    with contextlib.suppress(ConnectionError):
        talk.write(b"HTTP/1.1 200 OK\r\nx-slow: ")
        for _ in range(600):
            talk.write(b"x")
            await talk.writer.drain()
            await asyncio.sleep(0.05)


async def silent(talk: Talk) -> None:
    """It takes all and says nothing."""
    await talk.said()
    await talk.reader.read()


def redirecting_to(url: str) -> Manner:
    """307, to another server."""

    async def redirecting(talk: Talk) -> None:
        await talk.body()
        body = b"<Error><Code>TemporaryRedirect</Code><Message>Please re-send this request.</Message></Error>"
        said = Said("307 Temporary Redirect", {"location": f"{url}{talk.asked.target}"}, body)
        talk.write(head(said) + _shown(talk, said))

    return redirecting


def resetting_at_random(share: float, seed: int) -> Manner:
    """So many of all connections' answers end in a reset: before the body is read, after it, or within the answer."""
    chance = random.Random(seed)

    async def resetting(talk: Talk) -> None:
        if chance.random() >= share:
            return await plainly(talk)
        talk.odd.resets += 1
        return await chance.choice([resetting_at_once, resetting_midway, _resetting_after])(talk)

    return resetting


async def _resetting_after(talk: Talk) -> None:
    """What was asked is done, and nobody learns of it."""
    await talk.said()
    talk.reset()


# --- the server ------------------------------------------------------------------------------------------------------------


@dataclass
class _Rule:
    manner: Manner
    method: str
    target: str
    times: int | None

    def takes(self, asked: Asked) -> bool:
        if self.method not in ("", asked.method) or self.target not in asked.target or self.times == 0:
            return False
        self.times = self.times and self.times - 1
        return True


@dataclass
class Odd:
    """`objects` by key. `asked` holds every request that came, `connections` counts those that were made, `unasked` answers to no request."""

    objects: dict[str, bytes] = field(default_factory=dict)
    uploads: dict[str, dict[int, bytes]] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)
    connections: int = 0
    resets: int = 0
    unasked: int = 0
    url: str = ""
    _rules: list[_Rule] = field(default_factory=list)
    _begun: int = 0

    def speak(self, manner: Manner, *, method: str = "", target: str = "", times: int | None = None) -> None:
        """So are answered the requests of this method (all) whose target has this text in it, `times` times (None: always). First rule first."""
        self._rules.append(_Rule(manner, method, target, times))

    @property
    def attempts(self) -> Counter[str]:
        """How often each thing was asked for."""
        return Counter(f"{asked.method} {asked.target}" for asked in self.asked)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while asked := await _asked(reader):
                self.asked.append(asked)
                manner = next((rule.manner for rule in self._rules if rule.takes(asked)), plainly)
                talk = Talk(self, asked, reader, writer)
                await manner(talk)
                await talk.body()
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # a client may go, and a test may end
        finally:
            writer.close()

    # --- what S3 answers ---------------------------------------------------------------------------------------------------

    def answer(self, asked: Asked, body: bytes) -> Said:
        if asked.method == "PUT":
            return self._put(asked, body)
        if asked.method == "POST":
            return self._begin(asked) if "uploads" in asked.query else self._complete(asked)
        if asked.method == "DELETE":
            self.uploads.pop(asked.query.get("uploadId", ""), None)
            return Said("204 No Content", {"content-length": ""})
        return self._read(asked) if asked.key else self._listed(asked)

    def _put(self, asked: Asked, body: bytes) -> Said:
        crc = _crc(body)
        if asked.headers.get("x-amz-checksum-crc32", crc) != crc:
            return _error("400 Bad Request", "BadDigest")
        if upload := asked.query.get("uploadId"):
            if upload not in self.uploads:
                return _error("404 Not Found", "NoSuchUpload")
            self.uploads[upload][int(asked.query["partNumber"])] = body
        else:
            self.objects[asked.key] = body
        return Said(headers={"ETag": _etag(body), "x-amz-checksum-crc32": crc})

    def _begin(self, asked: Asked) -> Said:
        self._begun += 1
        id = f"upload-{self._begun}"
        self.uploads[id] = {}
        body = f"<InitiateMultipartUploadResult><UploadId>{id}</UploadId></InitiateMultipartUploadResult>"
        return Said(
            headers={"x-amz-checksum-algorithm": "CRC32", "x-amz-checksum-type": "FULL_OBJECT"}, body=body.encode()
        )

    def _complete(self, asked: Asked) -> Said:
        parts = self.uploads.pop(asked.query["uploadId"], None)
        if parts is None:
            return _error("404 Not Found", "NoSuchUpload")
        whole = self.objects[asked.key] = b"".join(body for _, body in sorted(parts.items()))
        body = (
            f"<CompleteMultipartUploadResult><ETag>{escape(_etag(whole))}</ETag><ChecksumCRC32>{_crc(whole)}</ChecksumCRC32>"
            "<ChecksumType>FULL_OBJECT</ChecksumType></CompleteMultipartUploadResult>"
        )
        return Said(body=body.encode())

    def _read(self, asked: Asked) -> Said:
        data = self.objects.get(asked.key)
        if data is None:
            return _error("404 Not Found", "NoSuchKey")
        headers = {"ETag": _etag(data), "Last-Modified": "Sat, 01 Jan 2000 00:00:00 GMT", "Content-Type": "text/plain"}
        if "range" in asked.headers:
            first, last = (int(end) for end in asked.headers["range"].removeprefix("bytes=").split("-"))
            span = f"bytes {first}-{min(last, len(data) - 1)}/{len(data)}"
            return Said("206 Partial Content", headers | {"Content-Range": span}, data[first : last + 1])
        headers |= {"x-amz-checksum-crc32": _crc(data), "x-amz-checksum-type": "FULL_OBJECT"}
        return Said(headers=headers, body=data)

    def _listed(self, asked: Asked) -> Said:
        prefix, most = asked.query.get("prefix", ""), int(asked.query.get("max-keys", 1000))
        after = asked.query.get("continuation-token", "")
        keys = sorted(key for key in self.objects if key.startswith(prefix) and key > after)
        more = f"<NextContinuationToken>{escape(keys[most - 1])}</NextContinuationToken>" if len(keys) > most else ""
        body = (
            f"<ListBucketResult><EncodingType>url</EncodingType><IsTruncated>{'true' if more else 'false'}</IsTruncated>{more}"
            f"{''.join(_entry(key, self.objects[key]) for key in keys[:most])}</ListBucketResult>"
        )
        return Said(headers={"Content-Type": "application/xml"}, body=body.encode())


def _entry(key: str, data: bytes) -> str:
    return (
        f"<Contents><Key>{quote(key)}</Key><LastModified>2000-01-01T00:00:00.000Z</LastModified><ETag>{escape(_etag(data))}</ETag>"
        f"<Size>{len(data)}</Size><StorageClass>STANDARD</StorageClass></Contents>"
    )


def _error(status: str, code: str) -> Said:
    body = f"<Error><Code>{code}</Code><Message>{code}</Message><RequestId>ODD42</RequestId></Error>"
    return Said(status, {"Content-Type": "application/xml"}, body.encode())


def _etag(data: bytes) -> str:
    return f'"{hashlib.md5(data, usedforsecurity=False).hexdigest()}"'


def _crc(data: bytes) -> str:
    return base64.b64encode(zlib.crc32(data).to_bytes(4, "big")).decode()


async def _asked(reader: asyncio.StreamReader) -> Asked | None:
    try:
        first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").rstrip("\r\n").split("\r\n")
    except asyncio.IncompleteReadError:
        return None
    method, target, _ = first.split(" ")
    headers = (line.partition(":") for line in lines)
    return Asked(method, target, {name.lower(): value.strip() for name, _, value in headers})


@contextmanager
def odd_server() -> Iterator[Odd]:
    """In a thread of this process; ended, with all that hangs in it, when the test is."""
    odd = Odd()
    loop = asyncio.new_event_loop()
    ready, over = threading.Event(), asyncio.Event()

    async def main() -> None:
        server = await asyncio.start_server(odd.serve, "127.0.0.1", 0, backlog=1024)
        odd.url = "http://127.0.0.1:{1}".format(*server.sockets[0].getsockname())
        ready.set()
        await over.wait()
        server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    thread = threading.Thread(target=lambda: loop.run_until_complete(main()), name="odd-server")
    thread.start()
    ready.wait()
    try:
        yield odd
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join()
        loop.close()
