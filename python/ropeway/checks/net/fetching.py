"""What an HTTP server answers, in bounded time and bounded memory.

By urllib3, which AWS's own library stands on. Redirects are followed here, because each step of the way is told, and because
what was meant for one server (headers, a certificate, the address of `resolve`) must not go to another one.
"""

from __future__ import annotations

import http.cookiejar
import time
import urllib.request
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urldefrag, urljoin

import urllib3
from urllib3.exceptions import HTTPError, ProtocolError

from ropeway.checks.asking import Asking
from ropeway.checks.finding import excerpt
from ropeway.checks.net.dialling import Line, NoAnswer
from ropeway.checks.net.messages import Answer, Hop, Request, is_web_address, origin, split_address
from ropeway.checks.net.reaching import manager_of, words
from ropeway.checks.net.unpacking import PIECE, unpacked
from ropeway.outcome import counted
from ropeway.version import VERSION

if TYPE_CHECKING:
    from typing_extensions import Self

REDIRECTS = {301, 302, 303, 307, 308}
Route = tuple[object, ...]


def fetch(request: Request, asking: Asking) -> Answer:
    """One answer, over a connection of its own. Raises what `Browser.fetch` raises."""
    with Browser(asking) as browser:
        return browser.fetch(request)


class Browser:
    """Cookies, and connections that are used again, as long as an attempt lasts."""

    def __init__(self, asking: Asking) -> None:
        self._asking = asking
        self._line = Line(asking)
        self._jar = http.cookiejar.CookieJar()
        self._managers: dict[Route, urllib3.PoolManager] = {}

    def __enter__(self) -> Self:
        self._line.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        for manager in self._managers.values():
            manager.clear()
        self._line.__exit__(*error)

    @property
    def is_over(self) -> bool:
        """Whether the attempt's time is."""
        return self._line.over

    def fetch(self, request: Request) -> Answer:
        """Raises NoAnswer where there is none; LocalFileError for a CA file or certificate, InputError for a proxy."""
        began = time.monotonic()
        hops: list[Hop] = []
        while True:
            answer = self._after(hops, request)
            following = _next(request, answer, len(hops))
            if not following:
                return replace(answer, seconds=time.monotonic() - began, hops=tuple(hops), cookies=tuple(self._jar))
            hops.append(Hop(answer.status, request.url, following.url))
            request = following

    def _after(self, hops: list[Hop], request: Request) -> Answer:
        try:
            return self._once(request)
        except NoAnswer as none:
            if hops:
                none.got += f", after a redirect from {hops[-1].url}"
            raise

    def _once(self, request: Request) -> Answer:
        """A connection that was used before may be closed by the other side just now: then another one is made."""
        used = _route(request) in self._managers
        try:
            return self._answered(request)
        except NoAnswer as broken:
            if not used or self._line.cut or not isinstance(broken.__cause__, ProtocolError) or request.body:
                raise
            return self._answered(request)

    def _answered(self, request: Request) -> Answer:
        sent = urllib.request.Request(request.url, method=request.method)  # noqa: S310 - never opened: the jar chooses cookies by it
        self._jar.add_cookie_header(sent)
        try:
            response = _sent(self._manager(request), request, sent.get_header("Cookie") or "", self._line)
            try:
                self._jar.extract_cookies(response, sent)
                body, whole = _body(response, request.most_bytes)
            finally:
                response.close()
        except (HTTPError, OSError) as error:
            raise self._line.too_late() if self._line.cut else words(error, self._line) from error
        if self._line.cut:  # a body without a length ends where the connection does
            raise self._line.too_late()
        headers = tuple((name.lower(), value) for name, value in response.headers.iteritems())
        return Answer(request.url, response.status, response.reason or "", headers, body, whole)

    def _manager(self, request: Request) -> urllib3.PoolManager:
        route = _route(request)
        if route not in self._managers:
            self._managers[route] = manager_of(request, self._asking, self._line)
        return self._managers[route]


def _route(request: Request) -> Route:
    """What a connection is made by: requests that have it in common can share one."""
    trust = (request.ca_file, request.verify, request.certificate, request.key)
    return (*origin(request.url), request.resolve, *trust)


def _sent(manager: urllib3.PoolManager, request: Request, cookies: str, line: Line) -> Any:
    headers = {"User-Agent": f"ropeway/{VERSION}", "Accept-Encoding": "gzip, deflate"}
    ours = {name.title(): value for name, value in request.headers.items()}
    if together := "; ".join(filter(None, (ours.get("Cookie"), cookies))):
        ours["Cookie"] = together
    return manager.urlopen(
        request.method,
        request.url,
        body=request.body or None,
        headers={**headers, **ours},
        redirect=False,
        retries=False,
        preload_content=False,
        timeout=line.left,
    )


def _body(response: Any, most: int) -> tuple[bytes, bool]:
    kept = bytearray()
    for piece in unpacked(response.stream(PIECE, decode_content=False), response.headers.get("content-encoding", "")):
        kept += piece
        if len(kept) > most:
            return bytes(kept[:most]), False
    return bytes(kept), True


# --- redirects ---------------------------------------------------------------------------------------------------------------


def _next(request: Request, answer: Answer, followed: int) -> Request | None:
    """The request that a redirect leads to (RFC 9110, 15.4). Raises NoAnswer for one that leads nowhere."""
    location = answer.header("location")
    if answer.status not in REDIRECTS or not location or not request.redirects:
        return None
    url = _joined(request.url, location.encode("latin-1").decode("utf-8", "replace"))
    if not is_web_address(url):
        raise NoAnswer(f"a redirect from {request.url} to {excerpt(url)!r}, which is no http address", _REDIRECT)
    if followed >= request.redirects:
        raise NoAnswer(f"more than {counted(request.redirects, 'redirect')}, the last one to {excerpt(url)}", _REDIRECT)
    method, body = request.method, request.body
    if answer.status == 303 or (answer.status in {301, 302} and method == "POST"):
        method, body = "HEAD" if method == "HEAD" else "GET", b""
    return replace(towards(request, url), method=method, body=body)


def towards(request: Request, url: str) -> Request:
    """The same request to another address. What was meant for one server does not go to another one, but for the body."""
    following = replace(request, url=url, resolve=_resolve_of(request, url))
    if _is_same_server(request.url, url):
        return following
    headers = {name: value for name, value in request.headers.items() if name.lower().startswith("accept")}
    return replace(following, headers=headers, certificate="", key="", key_password="")


def _joined(url: str, location: str) -> str:
    try:
        return urldefrag(urljoin(url, location)).url
    except ValueError:  # half a pair of brackets
        return location


def _is_same_server(old: str, new: str) -> bool:
    """The change from http to https is none of another server."""
    before, after = origin(old), origin(new)
    return before == after or (before[0] == "http" and after[0] == "https" and before[1] == after[1])


def _resolve_of(request: Request, url: str) -> str:
    """The address is one of the host; its port is one of the first URL."""
    old, new = origin(request.url), origin(url)
    if not request.resolve or old[1] != new[1]:
        return ""
    return request.resolve if old == new else split_address(request.resolve, 0)[0]


_REDIRECT = "See where the redirects are configured, and whether two of them point at each other."
