"""A forward proxy: CONNECT for https, the whole address for http, with a password if wanted, and a DNS of its own.

with forward_proxy(login="user:p@ss", hosts=("store.example",)) as proxy:
    Network(proxy_url=proxy.url)      # the login is in it
    proxy.asked                       # ["CONNECT store.example:4711", "GET http://store.example:4712/bucket?list-type=2"]
"""

from __future__ import annotations

import base64
import contextlib
import http.client
import select
import socket
import ssl
import threading
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import quote, urlsplit


class ForwardProxy(ThreadingHTTPServer):
    """`asked` holds what it was asked for by whoever was let in; `turned_away` counts the others.

    `hosts` are the names that it knows, all of them this machine; what it does not know, it answers with 503, as Squid does.
    `refuse` is a status to answer everything with; a proxy that `hangs_up` does so instead of answering.
    """

    daemon_threads = False  # so that server_close waits for them
    request_queue_size = 256

    def __init__(
        self, *, login: str, hosts: Collection[str], refuse: int, hangs_up: bool, tls: ssl.SSLContext | None
    ) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.asked: list[str] = []
        self.turned_away = 0
        self.login = login
        self.hosts = {*hosts, "0.0.0.0"}
        self.refuse = refuse
        self.hangs_up = hangs_up
        self._tls = tls
        self._open: set[socket.socket] = set()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.server_address[1]}"

    @property
    def url(self) -> str:
        user, _, password = self.login.partition(":")
        login = f"{quote(user, safe='')}:{quote(password, safe='')}@" if self.login else ""
        return f"{'https' if self._tls else 'http'}://{login}{self.address}"

    def get_request(self) -> Any:
        connection, address = super().get_request()
        if self._tls:
            connection = self._tls.wrap_socket(connection, server_side=True)
        self._open.add(connection)
        return connection, address

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def server_close(self) -> None:
        for connection in list(self._open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        super().server_close()

    def handle_error(self, *_: object) -> None:
        """Clients that go away are what many tests are about."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: ForwardProxy

    def do_CONNECT(self) -> None:
        if not self._may_pass():
            return
        host, _, port = self.path.rpartition(":")
        if not self._knows(host):
            return
        with socket.create_connection(("127.0.0.1", int(port))) as upstream:
            self.send_response(200, "Connection established")
            self.end_headers()
            _carry(self.connection, upstream)
        self.close_connection = True

    def do(self) -> None:
        address = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if not (self._may_pass() and self._knows(address.hostname or "")):
            return
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", address.port or 80, timeout=60)) as upstream:
            kept = {name: value for name, value in self.headers.items() if name.lower() not in HOP_BY_HOP}
            upstream.request(self.command, address._replace(scheme="", netloc="").geturl(), body, kept)
            answer = upstream.getresponse()
            self._answer(answer.status, answer.read(), dict(answer.getheaders()))

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = do  # noqa: N815

    def _may_pass(self) -> bool:
        if self.server.hangs_up:
            self.close_connection = True
            return False
        if self.server.refuse:
            self._say(self.server.refuse)
            return False
        if self.server.login and self.headers.get("Proxy-Authorization") != _basic(self.server.login):
            self.server.turned_away += 1
            self._say(407)
            return False
        self.server.asked.append(f"{self.command} {self.path}")
        return True

    def _knows(self, host: str) -> bool:
        if host not in self.server.hosts:
            self._say(503)
        return host in self.server.hosts

    def _say(self, status: int) -> None:
        self._answer(
            status, b"<html><body>The proxy has something to say.</body></html>", {"Content-Type": "text/html"}
        )

    def _answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            if name.lower() not in HOP_BY_HOP | {"content-length"}:
                self.send_header(name, value)
        length = headers.get("Content-Length", "0") if self.command == "HEAD" else str(len(body))
        self.send_header("Content-Length", length)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None: ...


HOP_BY_HOP = {"connection", "expect", "proxy-authorization", "proxy-connection", "transfer-encoding", "server", "date"}


def _basic(login: str) -> str:
    return f"Basic {base64.b64encode(login.encode()).decode()}"


def _carry(one: socket.socket, other: socket.socket) -> None:
    """Bytes both ways until one side is done. (A TLS socket may hold bytes that select does not see.)"""
    ways = {one: other, other: one}
    while True:
        pending = [end for end in ways if isinstance(end, ssl.SSLSocket) and end.pending()]
        for end in pending or select.select(list(ways), [], [])[0]:
            if not (block := end.recv(65536)):
                return
            ways[end].sendall(block)


@contextmanager
def forward_proxy(
    *,
    login: str = "",
    hosts: Collection[str] = (),
    refuse: int = 0,
    hangs_up: bool = False,
    tls: ssl.SSLContext | None = None,
) -> Iterator[ForwardProxy]:
    proxy = ForwardProxy(login=login, hosts=hosts, refuse=refuse, hangs_up=hangs_up, tls=tls)
    thread = threading.Thread(target=proxy.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield proxy
    finally:
        proxy.shutdown()
        thread.join()
        proxy.server_close()
