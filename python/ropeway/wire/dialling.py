"""A new connection to an origin: its name, its addresses, the proxy before it, its certificate."""

from __future__ import annotations

import os
import socket
import ssl
from collections.abc import Callable
from functools import partial
from typing import Any

from ropeway.wire.failures import (
    Closed,
    Failure,
    Malformed,
    NoAnswerInTime,
    NoConnectionInTime,
    ProxyRefused,
    ProxyUnreachable,
    ProxyUntrusted,
    Unreachable,
    Untrusted,
)
from ropeway.wire.loop import WRITE, Channel, Loop, Socket, ready
from ropeway.wire.origin import Origin, Proxy, bracketed
from ropeway.wire.request import head_of
from ropeway.wire.response import Reader
from ropeway.wire.transport import Plain, Tls, Transport

CONNECT = 10.0
"""Seconds until the other side has taken a connection; the next address is tried after a third of them."""
SLOWEST = 1024.0
"""Bytes a second: what comes more slowly is given up after a minute."""
KNOWN = 60.0
"""Seconds for which the addresses of a name are remembered."""
Address = tuple[int, tuple[Any, ...]]
"""A family of addresses, and an address as `socket` has it."""


class Dialler:
    """Makes the connections of one loop. `context` makes up its mind about certificates; answers of proxies arrive in `buffer`."""

    def __init__(
        self, loop: Loop, context: Callable[[], ssl.SSLContext], *, buffer: memoryview, scratch: memoryview
    ) -> None:
        self._loop = loop
        self._context = context
        self._buffer = buffer
        self._scratch = scratch
        self._sessions: dict[Origin, ssl.SSLSession] = {}
        self._addresses: dict[tuple[str, int], tuple[float, list[Address]]] = {}
        self._turn = 0

    async def dial(self, origin: Origin) -> Transport:
        """Raises a Failure."""
        proxy = origin.proxy
        try:
            channel = await self._dial(proxy.host if proxy else origin.host, proxy.port if proxy else origin.port)
        except (OSError, Failure) as error:
            raise _unreached(error, proxy).at(origin.name, origin.through) from error
        try:
            return await self._prepare(origin, Plain(self._loop, channel, self._scratch))
        except (OSError, Failure) as error:
            self._loop.close(channel)
            raise _unprepared(error).at(origin.name, origin.through) from error
        except BaseException:
            self._loop.close(channel)
            raise

    def remember(self, origin: Origin, transport: Transport) -> None:
        """The next connection resumes this one's session (RFC 8446, section 2.2)."""
        if isinstance(transport, Tls) and origin not in self._sessions and transport.session:
            self._sessions[origin] = transport.session

    # --- TCP -------------------------------------------------------------------------------------------------------------

    async def _dial(self, host: str, port: int) -> Channel:
        addresses = await self._resolve(host, port)
        self._turn += 1
        error: Exception = OSError("no address")
        for number in range(len(addresses)):
            family, address = addresses[(self._turn + number) % len(addresses)]
            patience = CONNECT if number == len(addresses) - 1 else CONNECT / 3
            try:
                return await self._reach(family, address, patience)
            except (OSError, NoConnectionInTime) as failure:
                error = failure
        self._addresses.pop((host, port), None)
        raise error

    async def _resolve(self, host: str, port: int) -> list[Address]:
        """IPv6 and IPv4, in the system's order (RFC 6724)."""
        until, known = self._addresses.get((host, port), (0.0, []))
        if until < self._loop.now:
            known = (
                _resolved(host, port) if _is_literal(host) else await self._loop.apart(partial(_resolved, host, port))
            )
            self._addresses[host, port] = (self._loop.now + KNOWN, known)
        return known

    async def _reach(self, family: int, address: tuple[Any, ...], patience: float) -> Channel:
        sock = Socket(family, socket.SOCK_STREAM)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        channel = self._loop.open(sock, lambda: None)
        channel.be_patient(self._loop.now, patience)
        try:
            try:
                sock.connect(address)
            except BlockingIOError:
                await ready(channel, WRITE)
                if failed := sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
                    raise OSError(failed, os.strerror(failed)) from None
        except NoAnswerInTime:
            self._loop.close(channel)
            raise NoConnectionInTime from None
        except BaseException:
            self._loop.close(channel)
            raise
        channel.be_patient(self._loop.now, CONNECT, SLOWEST)
        return channel

    # --- what lies on top of it --------------------------------------------------------------------------------------------

    async def _prepare(self, origin: Origin, transport: Transport) -> Transport:
        if origin.proxy:
            transport = await self._through(origin.proxy, origin, transport)
        return (
            await self._tls(transport, origin.host.rstrip("."), self._sessions.get(origin)) if origin.tls else transport
        )

    async def _through(self, proxy: Proxy, origin: Origin, transport: Transport) -> Transport:
        try:
            if proxy.tls:
                transport = await self._tls(transport, proxy.host, None)
        except (ssl.SSLError, ssl.CertificateError) as wrong:
            raise ProxyUntrusted(why=wrong) from wrong
        return await self._tunnel(proxy, origin, transport) if origin.tls else transport

    async def _tunnel(self, proxy: Proxy, origin: Origin, transport: Transport) -> Transport:
        """RFC 9110, section 9.3.6. Nothing may come after the answer but what the origin says."""
        authority = f"{bracketed(origin.host)}:{origin.port}"
        login = {"proxy-authorization": proxy.login} if proxy.login else {}
        reader = Reader("CONNECT")
        await transport.send(head_of("CONNECT", authority, {"host": authority, **login}))
        while not reader.begun:
            count = await transport.receive(self._buffer)
            reader.feed(self._buffer[:count]) if count else reader.end()
        if reader.answer.status >= 300:
            raise ProxyRefused(status=reader.answer.status, login=bool(proxy.login))
        if reader.excess:
            raise Malformed(why=ValueError("a proxy that speaks in its origin's place"))
        return transport

    async def _tls(self, transport: Transport, name: str, session: ssl.SSLSession | None) -> Tls:
        tls = Tls(transport, self._context(), name, self._scratch, session)
        await tls.shake_hands()
        return tls


def _resolved(host: str, port: int) -> list[Address]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [(int(family), address) for family, _, _, _, address in found]


def _is_literal(host: str) -> bool:
    return ":" in host or host.replace(".", "").isdigit()


def _unreached(error: Exception, proxy: Proxy | None) -> Failure:
    if isinstance(error, Failure):
        return error
    return ProxyUnreachable(why=error) if proxy else Unreachable(why=error)


def _unprepared(error: Exception) -> Failure:
    if isinstance(error, NoAnswerInTime):
        return NoConnectionInTime()
    if isinstance(error, Failure):
        return error
    return Untrusted(why=error) if isinstance(error, ssl.SSLError) else Closed(why=error)
