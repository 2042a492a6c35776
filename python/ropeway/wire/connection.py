"""Connections to an origin: made, kept, and used for one request after the other (RFC 9112, section 9)."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from math import inf

from ropeway.wire.dialling import SLOWEST, Dialler
from ropeway.wire.failures import AnsweredEarly, Closed, CutShort, Failure, Malformed, NoAnswerInTime, Untrusted
from ropeway.wire.loop import Loop
from ropeway.wire.origin import Origin
from ropeway.wire.request import head_of
from ropeway.wire.response import Answer, Choose, Reader
from ropeway.wire.transport import BLOCK, Slice, Transport

IDLE = 60.0
"""Seconds without a byte, or with too few."""
CONTINUE = 1.0
"""Seconds to wait for 100 (Continue), which a server need not know (RFC 9110, section 10.1.1)."""
ARRIVING = 1 << 20
"""Bytes that are taken up at once, as far as they have come: with each block the threads of two loops wait for one another."""
SAFE = frozenset({"GET", "HEAD"})


@dataclass
class Request:
    """`headers` are complete but for the length. `ask_first` saves a body that is not wanted (Expect: 100-continue).

    `patience` are the seconds in all for an answer that may take longer than others (0: as they all may); `replays` counts how often it was sent anew because a kept
    connection had ended meanwhile.
    """

    method: str
    target: str
    headers: dict[str, str] = field(repr=False)
    body: bytes | Slice = field(default=b"", repr=False)
    ask_first: bool = False
    patience: float = 0.0
    replays: int = 0


class Connection:
    """One connection that stands. `used` says that it has carried an answer before."""

    def __init__(self, wire: Wire, origin: Origin, transport: Transport) -> None:
        self.origin = origin
        self.transport = transport
        self.used = False
        self.kept_at = 0
        self._wire = wire
        self._through = origin.proxy if origin.proxy and not origin.tls else None

    async def exchange(self, request: Request, reader: Reader) -> None:
        loop, channel = self._wire.loop, self.transport.channel
        channel.be_patient(loop.now, request.patience or IDLE, inf if request.patience else SLOWEST)
        head, body, whole = self._head(request), request.body, False
        try:
            if isinstance(body, bytes):
                await self.transport.send(head + body if body else head)
                whole = True
            else:
                whole = await self._send_slice(request, head, body, reader)
            if loop.current:
                loop.current.commit(request.method not in SAFE)
        except (BrokenPipeError, ConnectionResetError, AnsweredEarly):  # 403 to a body that it does not want
            await self._receive_what_is_left(reader)
        while not reader.done:
            self._fed(reader, await self.transport.receive(self._wire.buffer))
        if (
            not whole and reader.answer.status < 300
        ):  # RFC 9110, section 10.1.1, lets a server answer early; a yes it cannot be
            raise Malformed(why=ValueError(f"it says yes ({reader.answer.status}) to a body that was not sent whole"))
        self.used = True

    async def _send_slice(self, request: Request, head: bytes, body: Slice, reader: Reader) -> bool:
        """Whether all of it was handed over."""
        body.begin()
        await self.transport.send(head)
        if request.ask_first and not await self._is_wanted(reader):
            reader.reusable = False
            return False
        self.transport.listen(partial(self._overhear, reader))
        await self.transport.send_slice(body)
        self.transport.listen(None)
        return True

    async def _overhear(self, reader: Reader) -> None:
        """RFC 9112, section 9.5: who sends a body watches for an answer. A late 100 (Continue) is none."""
        if (count := await self.transport.overhear(self._wire.buffer)) is None:
            return
        self._fed(reader, count)
        if reader.begun:
            raise AnsweredEarly

    def _head(self, request: Request) -> bytes:
        headers, target = request.headers, request.target
        length = len(request.body) if isinstance(request.body, bytes) else request.body.length
        if length or request.method in {"PUT", "POST"}:
            headers["content-length"] = str(length)
        headers.pop("expect", None)
        if request.ask_first:
            headers["expect"] = "100-continue"
        if self._through:  # RFC 9112, section 3.2.2: the whole address, for a proxy
            target = f"http://{self.origin.name}{target}"
            if self._through.login:
                headers["proxy-authorization"] = self._through.login
        return head_of(request.method, target, headers)

    async def _is_wanted(self, reader: Reader) -> bool:
        """Whether the server takes the body. One that does not answer to the question is not asked again."""
        channel, loop = self.transport.channel, self._wire.loop
        patience = channel.until - loop.now
        channel.be_patient(loop.now, CONTINUE)
        try:
            while not (reader.go_on or reader.begun):
                self._fed(reader, await self.transport.receive(self._wire.buffer))
        except NoAnswerInTime:
            self._wire.deaf.add(self.origin)
        channel.be_patient(loop.now, patience, SLOWEST)
        return not reader.begun

    def _fed(self, reader: Reader, count: int) -> None:
        if count:
            self._wire.received += count
            reader.feed(self._wire.buffer[:count])
        else:
            reader.end()

    async def _receive_what_is_left(self, reader: Reader) -> None:
        try:
            while not reader.done:
                self._fed(reader, await self.transport.receive(self._wire.buffer))
        except OSError as gone:
            raise Closed(why=gone) from gone
        reader.reusable = False

    def is_quiet(self) -> bool:
        """Whether neither its end has come nor what nobody asked for."""
        try:
            self.transport.channel.sock.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return True
        except OSError:
            return False
        return False

    def close(self) -> None:
        self._wire.loop.close(self.transport.channel)


class Wire:
    """All connections of one loop. `context` makes up its mind about certificates; `buffer` is where answers arrive."""

    def __init__(self, loop: Loop, context: Callable[[], ssl.SSLContext]) -> None:
        self.loop = loop
        self.buffer = memoryview(bytearray(ARRIVING))
        self.deaf: set[Origin] = set()
        self.received = 0
        self.scratch = memoryview(bytearray(BLOCK))
        self._dialler = Dialler(loop, context, buffer=self.buffer, scratch=self.scratch)
        self._idle: dict[Origin, list[Connection]] = {}

    async def ask(self, origin: Origin, request: Request, choose: Choose | None = None) -> Answer:
        """Raises a Failure where no whole answer came. What a kept connection did not answer to, as it had ended, is sent anew on a new one: those that
        were kept beside it have often ended with it.
        """
        request.ask_first = request.ask_first and origin not in self.deaf
        ended = False
        while True:
            connection = (None if ended else self._kept(origin)) or await self._new(origin)
            reader = Reader(request.method, choose)
            try:
                await connection.exchange(request, reader)
            except (OSError, Failure) as error:
                connection.close()
                if connection.used and not reader.heard and not isinstance(error, NoAnswerInTime):
                    request.replays += 1
                    ended = True
                    continue
                raise _broken(error, reader).at(origin.name, origin.through) from error
            except BaseException:
                connection.close()
                raise
            finally:
                if self.loop.current:
                    self.loop.current.commit(False)
            self._keep(connection, reader)
            if (
                reader.answer.status == 417 and request.ask_first
            ):  # RFC 9110, section 10.1.1: the same without asking first
                self.deaf.add(origin)
                request.ask_first = False
                continue
            return reader.answer

    async def _new(self, origin: Origin) -> Connection:
        connection = Connection(self, origin, await self._dialler.dial(origin))
        connection.transport.channel.surprise = lambda: self._drop(connection)
        return connection

    # --- kept connections --------------------------------------------------------------------------------------------------

    def _kept(self, origin: Origin) -> Connection | None:
        """The one that was used last: it is the least likely to have ended. What came meanwhile is no answer to what will be asked."""
        kept = self._idle.get(origin)
        while kept:
            connection = kept.pop()
            if connection.kept_at == self.loop.rounds or connection.is_quiet():
                return connection
            connection.close()
        return None

    def _keep(self, connection: Connection, reader: Reader) -> None:
        if not reader.reusable or connection.transport.pending:  # what nobody asked for would be the next answer
            return connection.close()
        self._dialler.remember(connection.origin, connection.transport)
        connection.kept_at = self.loop.rounds
        self._idle.setdefault(connection.origin, []).append(connection)
        return self.loop.watch(connection.transport.channel)

    def _drop(self, connection: Connection) -> None:
        """Something came on an idle connection: its end, or what nobody asked for."""
        kept = self._idle.get(connection.origin, [])
        if connection in kept:
            kept.remove(connection)
            connection.close()


def _broken(error: Exception, reader: Reader) -> Failure:
    if isinstance(error, Failure):
        return error
    if isinstance(error, ssl.SSLError) and not isinstance(error, ssl.SSLEOFError):
        return Untrusted(why=error)
    return CutShort(why=error) if reader.heard else Closed(why=error)
