"""Bytes over a socket, plain or in TLS.

TLS runs over memory (ssl.MemoryBIO), so that one read takes many records, and one fits in another (a proxy that is spoken to in TLS
itself).
"""

from __future__ import annotations

import errno
import os
import ssl
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from io import FileIO
from typing import Any, Protocol

from ropeway.wire.failures import Closed, Unreadable
from ropeway.wire.loop import READ, WRITE, Channel, Loop, ready

BLOCK = 256 * 1024
"""Bytes that are read, hashed or encrypted at once."""
STEP = 1 << 20
"""Bytes that a system which copies by itself is asked to send at once."""


@dataclass
class Slice:
    """A stretch of a file as the body of a request.

    `sent` is told of each step, and of a step back when it is sent anew; `check` is asked before each, and may raise.
    """

    file: FileIO
    offset: int
    length: int
    sent: Callable[[int], object]
    check: Callable[[], object]
    _told: int = 0

    def begin(self) -> None:
        if self._told:
            self.moved(-self._told)

    def moved(self, count: int) -> None:
        self._told += count
        self.sent(count)

    def read(self, at: int, buffer: memoryview) -> int:
        """Fill it from byte `at` of the slice on, as far as that can be done at once. Raises Unreadable."""
        try:
            self.file.seek(self.offset + at)
            count = self.file.readinto(buffer[: self.length - at])
        except OSError as error:
            raise Unreadable(error) from error
        return self.some(count, at)

    def some(self, count: int, at: int) -> int:
        if not count:
            raise Unreadable(at=self.offset + at)
        return count


Overheard = Callable[[], Coroutine[Any, Any, None]]


class Transport(Protocol):
    """What lies under a connection. A buffer is filled and taken up without a pause between: all of a loop share it."""

    channel: Channel

    @property
    def pending(self) -> bool:
        """Whether something lies here that the system shows no more and nobody has taken."""
        ...

    async def send(self, data: bytes | memoryview) -> None: ...
    async def send_slice(self, body: Slice) -> None:
        """Raises Unreadable."""
        ...

    def listen(self, overheard: Overheard | None) -> None:
        """From now on `overheard` is awaited when something comes while a send has to wait."""
        ...

    async def overhear(self, buffer: memoryview) -> int | None:
        """What has come, as `receive`; None where it says nothing yet."""
        ...

    async def receive(self, buffer: memoryview) -> int:
        """At least one byte; 0 at the end."""
        ...


class Plain:
    """TCP, non-blocking."""

    pending = False

    def __init__(self, loop: Loop, channel: Channel, scratch: memoryview) -> None:
        self._loop = loop
        self.channel = channel
        self._scratch = scratch
        self._full = False
        self._overheard: Overheard | None = None

    def listen(self, overheard: Overheard | None) -> None:
        self._overheard = overheard

    async def overhear(self, buffer: memoryview) -> int | None:
        return await self.receive(buffer)

    async def send(self, data: bytes | memoryview) -> None:
        count = self._some(data)
        while count < len(data):
            await self._writable()
            data = memoryview(data)[count:]
            count = self._some(data)
            self.channel.moved(self._loop.now, count)

    def _some(self, data: bytes | memoryview) -> int:
        try:
            return self.channel.sock.send(data)
        except BlockingIOError:
            return 0

    async def _writable(self) -> None:
        while not await ready(self.channel, READ | WRITE if self._overheard else WRITE) & WRITE:
            if self._overheard:
                await self._overheard()

    async def send_slice(self, body: Slice) -> None:
        at = 0
        while at < body.length:
            body.check()
            try:
                moved = self._some_of(body, at)
            except BlockingIOError:
                await self._writable()
                continue
            at += moved
            self.channel.moved(self._loop.now, moved)
            body.moved(moved)

    def _some_of(self, body: Slice, at: int) -> int:
        """From the file into the socket without a copy, where the system can."""
        if not hasattr(os, "sendfile"):
            return self.channel.sock.send(self._scratch[: body.read(at, self._scratch)])
        sock, most = self.channel.sock.fileno(), min(body.length - at, STEP)
        try:
            return body.some(os.sendfile(sock, body.file.fileno(), body.offset + at, most), at)
        except OSError as error:
            if error.errno == errno.EIO:  # a socket has no such error
                raise Unreadable(error) from error
            raise

    async def receive(self, buffer: memoryview) -> int:
        if not self._full:
            await ready(self.channel, READ)
        try:
            count = self.channel.sock.recv_into(buffer)
        except BlockingIOError:
            await ready(self.channel, READ)
            count = self.channel.sock.recv_into(buffer)
        self._full = count == len(buffer)
        self.channel.moved(self._loop.now, count)
        return count


class Tls:
    """TLS over another transport. `scratch` is where records arrive and blocks are read: one for all connections of a loop."""

    def __init__(
        self,
        inner: Transport,
        context: ssl.SSLContext,
        name: str,
        scratch: memoryview,
        session: ssl.SSLSession | None = None,
    ) -> None:
        self._inner = inner
        self.channel = inner.channel
        self._scratch = scratch
        self._arrived, self._leaving = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._arrived, self._leaving, server_hostname=name, session=session)
        self._read: Callable[[int, memoryview], int] = self._tls.read  # type: ignore[assignment] # into a buffer it gives a count

    @property
    def session(self) -> ssl.SSLSession | None:
        """For the next connection: TLS 1.3 tells it after the handshake only."""
        return self._tls.session

    @property
    def pending(self) -> bool:
        return bool(self._arrived.pending or self._tls.pending() or self._inner.pending)

    async def shake_hands(self) -> None:
        """Raises ssl.SSLError, ssl.CertificateError, Closed."""
        while True:
            try:
                self._tls.do_handshake()
            except ssl.SSLWantReadError:
                await self._flush()
                if not await self._fill():
                    raise Closed from None
            except ssl.SSLError:
                await self._flush()  # tells the other side why
                raise
            else:
                return await self._flush()

    async def send(self, data: bytes | memoryview) -> None:
        self._tls.write(data)
        await self._flush()

    async def send_slice(self, body: Slice) -> None:
        at = 0
        while at < body.length:
            body.check()
            count = body.read(at, self._scratch)
            await self.send(self._scratch[:count])  # encrypted before anybody else has a turn
            at += count
            body.moved(count)

    def listen(self, overheard: Overheard | None) -> None:
        self._inner.listen(overheard)

    async def overhear(self, buffer: memoryview) -> int | None:
        """A ticket for the next session says nothing."""
        if not (count := await self._inner.overhear(self._scratch)):
            return count
        self._arrived.write(self._scratch[:count])
        try:
            return self._take(buffer)
        except ssl.SSLWantReadError:
            return None
        except ssl.SSLZeroReturnError:
            return 0

    async def receive(self, buffer: memoryview) -> int:
        while True:
            if not (self._arrived.pending or self._tls.pending()) and not await self._fill():
                return 0
            try:
                return self._take(buffer)
            except ssl.SSLWantReadError:  # half a record
                if not await self._fill():
                    return 0
            except ssl.SSLZeroReturnError:
                return 0

    def _take(self, buffer: memoryview) -> int:
        """As many records as have come and fit."""
        count = self._read(len(buffer), buffer)
        while count < len(buffer) and (self._arrived.pending or self._tls.pending()):
            try:
                more = self._read(len(buffer) - count, buffer[count:])
            except (ssl.SSLWantReadError, ssl.SSLZeroReturnError):
                break
            count += more
        return count

    async def _flush(self) -> None:
        if self._leaving.pending:
            await self._inner.send(self._leaving.read())

    async def _fill(self) -> int:
        count = await self._inner.receive(self._scratch)
        if count:
            self._arrived.write(self._scratch[:count])
        return count
