"""A null S3: answers at once, keeps no byte. What a client costs by itself is all that is left to measure.

It takes PUT and multipart uploads (hashes the bodies, refuses a wrong CRC32, forgets them), lists, and serves objects of any
size that are made of zeros, ranges of them too. It knows no buckets, no signatures and no errors of its own.

    python -m bench.null_s3 --objects 10000x4096 --objects 1x5368709120 --delay 0.03

prints its address, and serves until its stdin ends. GET /-/counts answers what it has seen as JSON.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import contextlib
import json
import re
import sys
import threading
import zlib
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from urllib.parse import parse_qsl, quote, unquote, urlsplit
from xml.sax.saxutils import escape

from ropeway.s3.checksums import joined

BLOCK = 1 << 18
ZEROS = bytes(BLOCK)


@dataclass(frozen=True)
class Stored:
    """What is left of an object, or of a part."""

    size: int
    crc: int

    @property
    def checksum(self) -> str:
        return base64.b64encode(self.crc.to_bytes(4, "big")).decode()

    @property
    def etag(self) -> str:
        """Not an MD5, and not taken for one."""
        return f'"null-{self.crc:08x}-{self.size}"'


@lru_cache(maxsize=64)
def zeros(size: int) -> Stored:
    crc, block = 0, zlib.crc32(ZEROS)
    for _ in range(size // BLOCK):
        crc = joined(crc, block, BLOCK)
    return Stored(size, zlib.crc32(ZEROS[: size % BLOCK], crc))


@dataclass
class NullS3:
    """`objects` by key, `peak` the most requests in flight by method, `delay` seconds before each answer.

    Those for objects are answered only once so many of a method are in flight `together`.
    """

    objects: dict[str, Stored] = field(default_factory=dict)
    delay: float = 0.0
    together: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    peak: Counter[str] = field(default_factory=Counter)
    uploads: dict[str, dict[int, Stored]] = field(default_factory=dict)
    url: str = ""
    open: set[asyncio.StreamWriter] = field(default_factory=set)
    _in_flight: Counter[str] = field(default_factory=Counter)
    _enough: defaultdict[str, asyncio.Event] = field(default_factory=lambda: defaultdict(asyncio.Event))
    _sorted: list[str] = field(default_factory=list)

    @contextmanager
    def counted(self, method: str) -> Iterator[None]:
        self.counts[method] += 1
        self._in_flight[method] += 1
        self.peak[method] = max(self.peak[method], self._in_flight[method])
        if self._in_flight[method] >= self.together:
            self._enough[method].set()
        try:
            yield
        finally:
            self._in_flight[method] -= 1

    async def waited(self, request: Request) -> None:
        await asyncio.sleep(self.delay)
        if request.key and request.method in {"PUT", "GET"}:
            await self._enough[request.method].wait()

    def add(self, count: int, size: int) -> None:
        self.objects |= {f"{size}/{number:06}": zeros(size) for number in range(count)}

    def in_order(self) -> list[str]:
        if len(self._sorted) != len(self.objects):
            self._sorted = sorted(self.objects)
        return self._sorted


@dataclass(frozen=True)
class Request:
    method: str
    key: str
    query: dict[str, str]
    headers: dict[str, str]


@dataclass(frozen=True)
class Answer:
    """`zeros` is how many bytes of nothing follow instead of `body`."""

    status: str = "200 OK"
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    zeros: int = 0


# --- the connection ----------------------------------------------------------------------------------------------------


async def serve(null: NullS3, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """One connection, request after request."""
    null.open.add(writer)
    try:
        while head := await _head(reader):
            request = _parsed(head)
            with null.counted(request.method):
                if request.headers.get("expect") == "100-continue":
                    writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
                body = await _body(reader, request)
                await null.waited(request)
                await _send(writer, request.method, answer(null, request, body))
    except ConnectionError:
        pass  # a client may go
    finally:
        null.open.discard(writer)
        writer.close()


async def _head(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return b""


def _parsed(head: bytes) -> Request:
    first, *lines = head.decode("latin-1").rstrip().split("\r\n")
    method, target, _ = first.split(" ")
    headers = dict(line.split(": ", 1) if ": " in line else (line.rstrip(":"), "") for line in lines)
    parts = urlsplit(target)
    _, _, key = parts.path.lstrip("/").partition("/")
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    return Request(method, unquote(key), query, {name.lower(): value for name, value in headers.items()})


@dataclass(frozen=True)
class Body:
    stored: Stored
    text: bytes


async def _body(reader: asyncio.StreamReader, request: Request) -> Body:
    """Hashed and dropped, but for what a POST says."""
    left = size = int(request.headers.get("content-length", 0))
    crc, text = 0, b""
    while left:
        block = await reader.read(min(left, BLOCK))
        if not block:
            raise ConnectionResetError
        crc = zlib.crc32(block, crc)
        left -= len(block)
        if request.method == "POST":
            text += block
    return Body(Stored(size, crc), text)


async def _send(writer: asyncio.StreamWriter, method: str, answer: Answer) -> None:
    headers = {"Content-Length": str(answer.zeros or len(answer.body)), "x-amz-request-id": "NULL"} | answer.headers
    lines = [f"HTTP/1.1 {answer.status}", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
    writer.write("\r\n".join(lines).encode())
    if method != "HEAD":
        writer.write(answer.body)
        for start in range(0, answer.zeros, BLOCK):
            writer.write(ZEROS[: answer.zeros - start])
            await writer.drain()
    await writer.drain()


# --- the answers ---------------------------------------------------------------------------------------------------------


def answer(null: NullS3, request: Request, body: Body) -> Answer:
    if request.key == "counts" and not request.query:
        return Answer(
            body=json.dumps({"counts": null.counts, "peak": null.peak, "objects": len(null.objects)}).encode()
        )
    if request.method in {"PUT", "POST", "DELETE"}:
        return _written(null, request, body)
    if not request.key:
        return _listed(null, request.query)
    if (stored := null.objects.get(request.key)) is None:
        return _error("404 Not Found", "NoSuchKey")
    return _read(request, stored)


def _written(null: NullS3, request: Request, body: Body) -> Answer:
    upload = request.query.get("uploadId", "")
    if request.method == "POST" and "uploads" in request.query:
        return _begun(null)
    if request.method == "POST":
        return _completed(null, request.key, upload)
    if request.method == "DELETE":
        null.uploads.pop(upload, None)
        return Answer("204 No Content")
    return _put(null, request, body.stored)


def _put(null: NullS3, request: Request, stored: Stored) -> Answer:
    if request.headers.get("x-amz-checksum-crc32", stored.checksum) != stored.checksum:
        return _error("400 Bad Request", "BadDigest")
    if upload := request.query.get("uploadId"):
        null.uploads[upload][int(request.query["partNumber"])] = stored
    elif request.key:
        null.objects[request.key] = stored
    return Answer(headers={"ETag": stored.etag, "x-amz-checksum-crc32": stored.checksum})


def _begun(null: NullS3) -> Answer:
    id = f"upload-{len(null.uploads)}-{null.counts['POST']}"
    null.uploads[id] = {}
    body = f"<InitiateMultipartUploadResult><UploadId>{id}</UploadId></InitiateMultipartUploadResult>"
    return Answer(
        headers={"x-amz-checksum-algorithm": "CRC32", "x-amz-checksum-type": "FULL_OBJECT"}, body=body.encode()
    )


def _completed(null: NullS3, key: str, upload: str) -> Answer:
    whole = Stored(0, 0)
    for _, part in sorted(null.uploads.pop(upload).items()):
        whole = Stored(whole.size + part.size, joined(whole.crc, part.crc, part.size))
    null.objects[key] = whole
    body = (
        f"<CompleteMultipartUploadResult><ETag>{whole.etag}</ETag><ChecksumCRC32>{whole.checksum}</ChecksumCRC32>"
        "<ChecksumType>FULL_OBJECT</ChecksumType></CompleteMultipartUploadResult>"
    )
    return Answer(body=body.encode())


def _read(request: Request, stored: Stored) -> Answer:
    headers = {"ETag": stored.etag, "Last-Modified": "Sat, 01 Jan 2000 00:00:00 GMT", "Accept-Ranges": "bytes"}
    if wanted := re.fullmatch(r"bytes=(\d+)-(\d+)", request.headers.get("range", "")):
        first, last = int(wanted[1]), min(int(wanted[2]), stored.size - 1)
        headers["Content-Range"] = f"bytes {first}-{last}/{stored.size}"
        return Answer("206 Partial Content", headers, zeros=last - first + 1)
    headers |= {"x-amz-checksum-crc32": stored.checksum, "x-amz-checksum-type": "FULL_OBJECT"}
    return Answer(headers=headers, zeros=stored.size)


def _listed(null: NullS3, query: dict[str, str]) -> Answer:
    after = query.get("continuation-token", "")
    most = int(query.get("max-keys", 1000))
    keys = [key for key in null.in_order() if key.startswith(query.get("prefix", "")) and key > after]
    page = keys[:most]
    more = f"<NextContinuationToken>{escape(page[-1])}</NextContinuationToken>" if len(keys) > most else ""
    body = (
        "<ListBucketResult><EncodingType>url</EncodingType>"
        f"<IsTruncated>{'true' if more else 'false'}</IsTruncated>{more}"
        f"{''.join(_entry(key, null.objects[key]) for key in page)}</ListBucketResult>"
    )
    return Answer(headers={"Content-Type": "application/xml"}, body=body.encode())


def _entry(key: str, stored: Stored) -> str:
    return (
        f"<Contents><Key>{quote(key)}</Key><LastModified>2000-01-01T00:00:00.000Z</LastModified><ETag>{escape(stored.etag)}</ETag>"
        f"<Size>{stored.size}</Size><StorageClass>STANDARD</StorageClass></Contents>"
    )


def _error(status: str, code: str) -> Answer:
    return Answer(status, body=f"<Error><Code>{code}</Code><Message>{code}</Message></Error>".encode())


# --- running it --------------------------------------------------------------------------------------------------------------


@contextmanager
def running(null: NullS3) -> Iterator[NullS3]:
    """Serve in a thread of this process; `null.url` is where."""
    ready = threading.Event()
    loop = asyncio.new_event_loop()
    over = asyncio.Event()

    async def main() -> None:
        async with await _listen(null):
            ready.set()
            await over.wait()
            await _hang_up(null)

    thread = threading.Thread(target=lambda: loop.run_until_complete(main()), name="null-s3")
    thread.start()
    try:
        ready.wait()
        yield null
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join()
        loop.close()


async def _listen(null: NullS3) -> asyncio.Server:
    server = await asyncio.start_server(
        lambda *streams: serve(null, *streams), "127.0.0.1", 0, limit=BLOCK, backlog=1024
    )
    null.url = "http://127.0.0.1:{1}".format(*server.sockets[0].getsockname())
    return server


async def _hang_up(null: NullS3) -> None:
    """Whoever waits on a connection sees its end."""
    for writer in null.open:
        writer.transport.abort()
    await asyncio.gather(*(asyncio.all_tasks() - {asyncio.current_task()}))


async def _until_stdin_ends(null: NullS3) -> None:
    async with await _listen(null):
        print(null.url, flush=True)
        await asyncio.to_thread(sys.stdin.read)
        await _hang_up(null)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m bench.null_s3", description="A null S3 to measure clients against."
    )
    parser.add_argument(
        "--objects", action="append", default=[], metavar="COUNTxSIZE", help="objects of zeros to serve"
    )
    parser.add_argument("--delay", type=float, default=0.0, metavar="SECONDS", help="before each answer")
    given = parser.parse_args(arguments)
    null = NullS3(delay=given.delay)
    for objects in given.objects:
        null.add(*map(int, objects.split("x")))
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_until_stdin_ends(null))


if __name__ == "__main__":
    main()
