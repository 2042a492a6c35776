"""The way to an HTTP server: straight to an address, or through the proxy; whom to trust; and what stood in the way, in words."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable
from functools import partial
from typing import Any
from urllib.parse import unquote, urlsplit

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import DecodeError, ProxyError, SSLError
from urllib3.exceptions import TimeoutError as Urllib3TimeoutError

from ropeway.checks.asking import Asking
from ropeway.checks.finding import excerpt
from ropeway.checks.net.dialling import Line, NoAnswer
from ropeway.checks.net.messages import Request, basic, split_address
from ropeway.checks.net.trusting import trusting, trusting_anybody
from ropeway.checks.net.unpacking import CutOff

Dial = Callable[[str, int], socket.socket]


def manager_of(request: Request, asking: Asking, line: Line) -> urllib3.PoolManager:
    way = asking.way(request.url)
    bundle = way.ca_file if isinstance(way.ca_file, str) else None
    ours = (request.certificate, request.key, request.key_password)
    if request.verify and way.ca_file is not False:
        tls = trusting(bundle, request.ca_file, *ours)
    else:
        tls = trusting_anybody(*ours)
    if not way.proxy_url or request.resolve:
        return _dialling(urllib3.PoolManager(ssl_context=tls), request.url, partial(_straight, line, request.resolve))
    proxy = urllib3.ProxyManager(
        way.proxy_url,
        proxy_headers=login_of(way.proxy_url, asking),
        proxy_ssl_context=trusting_anybody() if way.ca_file is False else trusting(bundle, ""),
        ssl_context=tls,
    )
    return _dialling(proxy, request.url, partial(to_proxy, line))


def _dialling(manager: urllib3.PoolManager, url: str, dial: Dial) -> urllib3.PoolManager:
    pool: Any = manager.connection_from_url(url)
    pool.ConnectionCls = partial(_DIALLING[pool.ConnectionCls], dial=dial)
    return manager


def _straight(line: Line, resolve: str, host: str, port: int) -> socket.socket:
    return line.connect(*(split_address(resolve, port) if resolve else (host, port)))


def to_proxy(line: Line, host: str, port: int) -> socket.socket:
    try:
        return line.connect(host, port)
    except NoAnswer as silent:
        raise NoAnswer(f"{silent.got}, the proxy", PROXY, verdict="error") from silent


def login_of(proxy_url: str, asking: Asking) -> dict[str, str]:
    proxy = urlsplit(proxy_url)
    if proxy.username is None:
        return {}
    user, password = unquote(proxy.username), asking.secret(unquote(proxy.password or ""))
    return {"proxy-authorization": basic(user, password)}


class _Plain(HTTPConnection):
    """A connection that is dialled for it: to an address of our choice, in the time that is left."""

    def __init__(self, *arguments: Any, dial: Dial, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self._dial = dial

    def _new_conn(self) -> socket.socket:
        return self._dial(self._dns_host, self.port)


class _Secure(HTTPSConnection):
    """The same, for https."""

    def __init__(self, *arguments: Any, dial: Dial, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self._dial = dial

    def connect(self) -> None:
        super().connect()
        self.is_verified = True  # nothing but a warning hangs on it, and who takes any certificate has asked for that

    def _new_conn(self) -> socket.socket:
        return self._dial(self._dns_host, self.port)


_DIALLING = {HTTPConnection: _Plain, HTTPSConnection: _Secure}


def words(error: Exception, line: Line) -> NoAnswer:
    if isinstance(error, ProxyError):
        return NoAnswer(f"no way through the proxy: {error.original_error}", PROXY, verdict="error")
    if isinstance(error, SSLError):
        return untrusted(error.args[0])
    if isinstance(error, (TimeoutError, Urllib3TimeoutError)):
        return line.too_late()
    if isinstance(error, CutOff):
        return NoAnswer(f"a body that is cut off: its {error} breaks off before its end", _CUT_OFF)
    if isinstance(error, DecodeError):
        return NoAnswer("a body that is not encoded as the header content-encoding says", _DECODING)
    reason = error.args[-1] if error.args else error
    return NoAnswer(f"no whole answer: {excerpt(str(reason))}", _BROKEN)


def tunnel(line: Line, asking: Asking, proxy_url: str, host: str, port: int) -> socket.socket:
    """A connection through the proxy, to speak whatever one likes (RFC 9110, 9.3.6). Raises NoAnswer."""
    proxy = urlsplit(proxy_url)
    if proxy.scheme != "http":
        raise NoAnswer(
            "a proxy that speaks TLS itself", "Let the addresses of this check be reached without it.", verdict="error"
        )
    connection = to_proxy(line, proxy.hostname or "", proxy.port or 80)
    authority = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    try:
        words = _connected(connection, authority, login_of(proxy_url, asking))
    except TimeoutError as late:
        connection.close()
        raise line.too_late() from late
    except OSError as broken:
        words = str(broken.strerror or broken).lower()
    if words.startswith("200"):
        return connection
    connection.close()
    if line.cut:
        raise line.too_late()
    raise NoAnswer(f"no way through the proxy: {excerpt(words) or 'it hung up'}", PROXY, verdict="error")


def _connected(connection: socket.socket, authority: str, headers: dict[str, str]) -> str:
    """What the first line says after the version of HTTP. Who listens behind it does not speak first, so that nothing of theirs is read here."""
    lines = [
        f"CONNECT {authority} HTTP/1.1",
        f"Host: {authority}",
        *(f"{name}: {value}" for name, value in headers.items()),
    ]
    connection.sendall("\r\n".join([*lines, "", ""]).encode("latin-1"))
    head = b""
    while b"\r\n\r\n" not in head and len(head) < 1 << 16 and (piece := connection.recv(4096)):
        head += piece
    return head.partition(b"\r\n")[0].partition(b" ")[2].decode("latin-1")


def untrusted(error: Exception) -> NoAnswer:
    """Why TLS did not come about, from the error of Python's ssl."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return NoAnswer(f"a certificate that is not trusted: {error.verify_message.rstrip('.')}", _UNTRUSTED)
    reason = getattr(error, "reason", None) or error
    return NoAnswer(f"no TLS connection: {str(reason).lower().replace('_', ' ')}", _NO_TLS)


PROXY = "The agent's settings, or HTTPPROXY and HTTPSPROXY, name this proxy: see whether it is up, and whether it lets this machine through."
_REDIRECT = "See where the redirects are configured, and whether two of them point at each other."
_DECODING = (
    "The server, or a cache before it, names an encoding that the body does not have: see how the object was uploaded."
)
_CUT_OFF = "See whether the file was uploaded whole, and what a cache before the server keeps of it."
_BROKEN = "The server, or a balancer before it, ended the connection: its log says why."
_UNTRUSTED = (
    "Visitors are warned of it, too: see which certificate is installed there, with the intermediate ones. "
    "For an authority of your own, name its file in caFile."
)
_NO_TLS = "See whether this port speaks TLS, and which versions of it; and whether it wants a client certificate."
