"""Answers of HTTP, good and bad, and what must hold whatever the reader is fed.

The oracle is h11, a reader that shares no line with ours: what ours calls an answer, h11 has to read as the same answer. The other way
round ours may be stricter, and is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import h11

from ropeway.wire.failures import Closed, CutShort, Malformed
from ropeway.wire.response import MOST_HEAD, Reader

METHODS = ("GET", "HEAD", "PUT", "POST", "DELETE", "CONNECT")
MOST_BODY = 1 << 20

SEEDS = (
    b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
    b'HTTP/1.1 200 OK\r\nETag: "9b2cf535f27731c974343645a3985328"\r\nx-amz-request-id: 4442587FB7D0A2F9\r\nContent-Length: 0\r\n\r\n',
    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6;name=value\r\n world\r\n0\r\nx-amz-checksum-crc32: AAAAAA==\r\n\r\n",
    b"HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 0-1/5\r\nContent-Length: 2\r\nconnection: Keep-Alive\r\n\r\nhe",
    b"HTTP/1.1 503 Slow Down\r\nRetry-After: 1\r\nContent-Length: 36\r\n\r\n<Error><Code>SlowDown</Code></Error>",
    b"HTTP/1.0 502 Bad Gateway\r\nContent-Type: text/html\r\n\r\n<html>proxy</html>",
    b"HTTP/1.1 307 Temporary Redirect\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 304 Not Modified\r\nContent-Length: 12345\r\n\r\n",
    b"HTTP/1.1 200 \r\nA: 1\r\nA: 2\r\nContent-Length:\t3 \r\n\r\nabc",
    b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
    b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nA: 1\r\n folded\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 200 OK\nContent-Length: 5\n\nhello",
)


@dataclass(frozen=True)
class Read:
    """What came of feeding an answer: a whole one, or the kind of failure."""

    failure: str = ""
    status: int = 0
    body: bytes = b""
    reusable: bool = False
    excess: bool = False
    go_on: bool = False


def blocks(data: bytes, size: int) -> Iterator[memoryview]:
    """Of `size` bytes each, the last one less; 0: all at once."""
    view = memoryview(data)
    for start in range(0, len(data), size or max(1, len(data))):
        yield view[start : start + (size or len(data))]


def read(data: bytes, method: str, size: int = 0) -> tuple[Read, int]:
    """All of `data`, then the end of the connection; and after how many bytes it was done. Whatever else is raised is a crash."""
    reader = Reader(method, most=MOST_BODY)
    fed = taken = 0
    try:
        for block in blocks(data, size):
            if reader.done:
                break
            reader.feed(block)
            fed += len(block)
            assert len(reader._line) <= MOST_HEAD + 4
            assert len(reader.answer.body) <= MOST_BODY
        taken = fed
        reader.end()
    except (Malformed, Closed, CutShort) as failure:
        return Read(type(failure).__name__), taken
    assert reader.done
    answer = reader.answer
    return Read("", answer.status, bytes(answer.body), reader.reusable, reader.excess, reader.go_on), taken


def check(data: bytes, method: str, size: int) -> Read:
    """What must hold of every input. `size` (1 to 256) is that of the blocks in which it comes, and decides where it is cut off, too."""
    whole, _ = read(data, method)
    split, _ = read(data, method, size)
    assert _outcome(whole) == _outcome(split), (whole, split)
    if not whole.failure:
        _check_truncated(data, method, size, whole)
        _check_with_h11(data, method, whole)
    return whole


def _outcome(found: Read) -> tuple[object, ...]:
    """Without what depends on how it came: whether bytes that nobody asked for had come with the last block."""
    return found.failure, found.status, found.body, found.go_on


def _check_truncated(data: bytes, method: str, size: int, whole: Read) -> None:
    """What begins an answer is none, unless all of it had come by then, or only the end of the connection ends it (RFC 9112, section 6.3)."""
    shorter, _ = read(data[: len(data) * size // 257], method)
    until_closed = whole.status >= 300 and whole.body.startswith(shorter.body) and shorter.status == whole.status
    assert shorter.failure or until_closed or _outcome(shorter) == _outcome(whole), (whole, shorter)


# --- the oracle ------------------------------------------------------------------------------------------------------------


def _check_with_h11(data: bytes, method: str, ours: Read) -> None:
    try:
        theirs = by_h11(data, method)
    except h11.RemoteProtocolError as error:
        refused = str(error)
    else:
        assert theirs == (ours.status, ours.body), (theirs, ours)
        return
    assert _only_stricter(data, refused), (refused, ours)


def by_h11(data: bytes, method: str) -> tuple[int, bytes]:
    """Raises RemoteProtocolError."""
    connection = h11.Connection(h11.CLIENT, max_incomplete_event_size=1 << 20)
    target, length = ("host:1", []) if method == "CONNECT" else ("/", [("Content-Length", "0")])
    connection.send(h11.Request(method=method, target=target, headers=[("Host", "host"), *length]))
    connection.send(h11.EndOfMessage())
    connection.receive_data(data)
    connection.receive_data(b"")
    status, body = 0, bytearray()
    while True:
        event = connection.next_event()
        if isinstance(event, h11.Response):
            status = event.status_code
        elif isinstance(event, h11.Data):
            body += event.data
        elif isinstance(event, h11.EndOfMessage) or event is h11.PAUSED:
            return status, bytes(body)
        elif event is h11.NEED_DATA or isinstance(event, h11.ConnectionClosed):
            raise h11.RemoteProtocolError("not all of it came")


ASIDE = re.compile(
    rb"(?is)HTTP/1\.[01] 1\d\d.*(transfer-encoding|content-length)|\r\n0+[ \t]*(;[^\r\n]*)?\r\n.*(transfer-encoding|content-length)"
)
STRICTER = {
    "illegal chunk header": re.compile(rb"[0-9a-fA-F][ \t]+;"),
    "Transfer-Encoding": ASIDE,
    "Content-Length": ASIDE,
}
"""Where h11 refuses what RFC 9112 lets a reader take, and when. A space before a chunk's extension: section 7.1.1. Lengths and codings in
trailers and in 1xx answers say nothing: ours drops both unread (RFC 9110, sections 6.5.1 and 15.2)."""


def _only_stricter(data: bytes, refused: str) -> bool:
    return any(words in refused and when.search(data) for words, when in STRICTER.items())
