"""An answer of HTTP/1.1 as it comes in, block by block: a function of its bytes alone (RFC 9112, RFC 9110).

Strict where two readers could read two things: a length said twice, a length beside chunks, a line that is folded or ends with a
bare line feed. What ends because the connection does is never a success.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from ropeway.wire.failures import Closed, CutShort, Malformed

MOST_HEAD = 64 * 1024
"""Bytes of a head, of a chunk's line and of trailers."""
USUAL_HEAD = 4 * 1024
"""Bytes in which the end of one mostly lies: they are looked through where they came."""
MOST_BODY = 32 * 1024 * 1024
"""Bytes of a body that is kept: a page of 1,000 keys of 1,024 escaped bytes has 4 MB."""
MOST_ERROR = 1 << 20
"""Bytes of a body that says no: whoever sends more wants memory, of each of many connections."""
MOST_TALK = 16 * 1024
"""Bytes about chunks beyond what their data are worth: extensions, which say nothing here."""
MOST_INTERIM = 20
"""1xx answers before the one that counts."""

# RFC 9112, sections 4 and 5; RFC 9110, section 5.6.2 (token). No line is folded, none holds a control that ends lines elsewhere.
TEXT = rb"[^\0-\x08\x0a-\x1f\x7f]*"
FIELD = rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+:" + TEXT
HEAD = re.compile(rb"HTTP/1\.([01]) ([1-5][0-9]{2})(?: " + TEXT + rb")?\r\n((?:" + FIELD + rb"\r\n)*)")
TRAILER = re.compile(FIELD)
CHUNK = re.compile(rb"([0-9a-fA-F]{1,15})[ \t]*(?:;" + TEXT + rb")?")
LENGTH = re.compile(r"[0-9]{1,18}")

Sink = Callable[[memoryview], object]
Choose = Callable[[int, Mapping[str, str]], Sink | None]
"""Asked when the head is there: what takes the body; None keeps it."""


@dataclass
class Answer:
    """Names of headers are in lower case; one that came several times has its values joined by commas (RFC 9110, section 5.3)."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict, repr=False)
    body: bytearray = field(default_factory=bytearray, repr=False)


NONE = Answer()


class Reader:
    """Reads the answer to one request. `done` when all of it is there, `begun` when its head is, `go_on` after a 100 (Continue).

    `reusable` says whether the connection may carry another request, `heard` whether any byte came, `excess` whether more came than
    the answer. No reader holds itself (its state is a function, no method of its own): thousands would wait for the collector of cycles.
    """

    def __init__(self, method: str, choose: Choose | None = None, most: int = MOST_BODY) -> None:
        self.answer = NONE
        self.begun = self.done = self.go_on = self.heard = self.excess = False
        self.reusable = True
        self._method = method
        self._choose = choose
        self._most = most
        self._sink: Sink | None = None
        self._left = 0
        self._interim = self._talk = 0
        self._line = bytearray()
        self._state = Reader._in_head

    def feed(self, data: memoryview) -> None:
        """Raises Malformed, and what the sink raises."""
        self.heard = True
        while data and not self.done:
            data = self._state(self, data)
        if data:  # nobody asked for it
            self.excess, self.reusable = True, False

    def end(self) -> None:
        """The connection has ended. Raises Closed or CutShort unless the answer may end so, or had ended already."""
        self.reusable = False
        if self._state is Reader._until_closed:
            self.done = True
        elif not self.heard:
            raise Closed
        elif not self.done:
            raise CutShort(why=EOFError(f"{self._left:,} bytes more expected" if self._left else "more expected"))

    # --- the head ------------------------------------------------------------------------------------------------------

    def _in_head(self, data: memoryview) -> memoryview:
        head, data = self._until(data, b"\r\n\r\n")
        if head is not None:
            self._read_head(head + b"\r\n")
        return data

    def _read_head(self, head: bytes) -> None:
        if not (found := HEAD.fullmatch(head)):
            raise _malformed(f"no head of an answer: {head[:80]!r}")
        status = int(found[2])
        if status < 200:
            return self._read_interim(status)
        self.begun = True
        self.answer = Answer(status, _fields(found[3].decode("latin-1")))
        self._frame(last=found[1] == b"0")
        return None

    def _read_interim(self, status: int) -> None:
        """RFC 9110, section 15.2. Nobody asks for 101 (Switching Protocols) here."""
        self._interim += 1
        if status == 101 or self._interim > MOST_INTERIM:
            raise _malformed(f"{self._interim} interim answers, the last a {status}")
        self.go_on |= status == 100

    def _frame(self, *, last: bool) -> None:
        """How long the body is: RFC 9112, section 6.3, and section 9.3 for whether the connection lasts."""
        headers, status = self.answer.headers, self.answer.status
        if last or "connection" in headers:
            options = {option.strip().lower() for option in headers.get("connection", "").split(",")}
            self.reusable = "keep-alive" in options if last else "close" not in options
        coding, length = headers.get("transfer-encoding"), headers.get("content-length")
        if length is not None and not LENGTH.fullmatch(length):
            raise _malformed(f"a length of {length[:40]!r}")
        if coding is not None and (length is not None or last or coding.lower() != "chunked"):
            raise _malformed(f"a transfer coding of {coding[:40]!r}, and a length of {length}")
        if self._method == "HEAD" or status in {204, 304} or (self._method == "CONNECT" and status < 300):
            self.done = True
            return
        self._sink = self._choose and self._choose(status, headers)
        if coding is not None:
            self._state = Reader._in_chunk_line
        elif length is not None:
            self._left, self._state = int(length), Reader._in_body
            self.done = not self._left
        elif status < 300:
            raise CutShort(why=EOFError("an answer that does not say how long it is"))
        else:
            self._state = Reader._until_closed

    # --- the body ------------------------------------------------------------------------------------------------------

    def _in_body(self, data: memoryview) -> memoryview:
        taken = data[: self._left]
        self._take(taken)
        self._left -= len(taken)
        self.done = not self._left
        return data[len(taken) :]

    def _until_closed(self, data: memoryview) -> memoryview:
        self._take(data)
        return data[len(data) :]

    def _take(self, data: memoryview) -> None:
        if self._sink is not None:
            self._sink(data)
            return
        most = self._most if self.answer.status < 300 else min(self._most, MOST_ERROR)
        if len(self.answer.body) + len(data) > most:
            raise _malformed(f"a body of more than {most:,} bytes")
        self.answer.body += data

    # --- chunks: RFC 9112, section 7.1 -----------------------------------------------------------------------------------

    def _in_chunk_line(self, data: memoryview) -> memoryview:
        line, data = self._until(data, b"\r\n")
        if line is not None:
            if not (found := CHUNK.fullmatch(line)):
                raise _malformed(f"no head of a chunk: {line[:40]!r}")
            self._left = int(found[1], 16)
            self._talk = max(0, self._talk + len(line) - 16 - self._left)
            if self._talk > MOST_TALK:
                raise _malformed("more about chunks than in them")
            self._state = Reader._in_chunk if self._left else Reader._in_trailers
        return data

    def _in_chunk(self, data: memoryview) -> memoryview:
        data = self._in_body(data)
        if self.done:
            self.done, self._state = False, Reader._after_chunk
        return data

    def _after_chunk(self, data: memoryview) -> memoryview:
        line, data = self._until(data, b"\r\n")
        if line is not None:
            if line:
                raise _malformed("a chunk that is longer than it says")
            self._state = Reader._in_chunk_line
        return data

    def _in_trailers(self, data: memoryview) -> memoryview:
        """They say nothing here that counts."""
        line, data = self._until(data, b"\r\n")
        if line is not None:
            self._left += len(line)
            if self._left > MOST_HEAD:
                raise _malformed("trailers without an end")
            if line and not TRAILER.fullmatch(line):
                raise _malformed(f"no trailer: {line[:40]!r}")
            self.done = not line
        return data

    def _until(self, data: memoryview, mark: bytes) -> tuple[bytes | None, memoryview]:
        """What stands before `mark`, and what comes after it; None as long as it has not come."""
        if not self._line and (end := (line := bytes(data[:USUAL_HEAD])).find(mark)) >= 0:
            return line[:end], data[end + len(mark) :]
        before = len(self._line)
        self._line += data[: MOST_HEAD + len(mark) - before]
        end = self._line.find(mark, max(0, before - len(mark) + 1))
        if end < 0:
            if len(self._line) > MOST_HEAD:
                raise _malformed("a line or a head without an end")
            return None, data[len(self._line) - before :]
        line = bytes(self._line[:end])
        self._line.clear()
        return line, data[end + len(mark) - before :]


def _fields(lines: str) -> dict[str, str]:
    fields: dict[str, str] = {}
    for line in lines.split("\r\n")[:-1]:
        name, _, value = line.partition(":")
        name, value = name.lower(), value.strip(" \t")
        if name not in fields:
            fields[name] = value
        elif name in {"content-length", "transfer-encoding"}:  # RFC 9112, section 6.3: refused, equal or not
            raise _malformed(f"{name} twice")
        else:
            fields[name] = f"{fields[name]}, {value}"
    return fields


def _malformed(what: str) -> Malformed:
    return Malformed(why=ValueError(what))
