"""An HTTP/1.1 server for moto's application: connections stay open, nothing is printed, stopping leaves nothing behind.

werkzeug's own server closes the connection after each answer, and waits 10 ms before it does.
"""

from __future__ import annotations

import contextlib
import io
import logging
import socket
import socketserver
import ssl
import threading
from collections.abc import Callable, Iterable
from typing import Any

from moto.moto_server.werkzeug_app import MotoRequestHandler
from werkzeug.serving import DechunkedInput, ThreadedWSGIServer

Environ = dict[str, Any]
Wsgi = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]

log = logging.getLogger(__name__)


UNKNOWN = 1 << 62
"""The length of a body in chunks: it ends by itself."""


class Body(io.RawIOBase):
    """The body of one request: it ends where it ends, and asks for itself (`100 Continue`) when it is first read."""

    def __init__(self, source: Any, length: int, ask: Callable[[], None] | None) -> None:
        self._source = source
        self._left = length
        self._ask = ask

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._begin()
        count: int = self._source.readinto(memoryview(buffer)[: self._left])
        self._left -= count
        return count

    def readall(self) -> bytes:
        """At once where the length is known: otherwise a large body is read in small pieces, then joined, twice in memory."""
        if self._left == UNKNOWN:
            return super().readall()
        self._begin()
        content: bytes = self._source.read(self._left)
        self._left -= len(content)
        return content

    def _begin(self) -> None:
        if self._ask:
            self._ask()
            self._ask = None

    def drain(self) -> bool:
        """Read what nobody read. False when the client still waits to be asked for it: then only closing helps."""
        while not self._ask and self.read(1 << 20):
            pass
        return not self._ask


class Handler(MotoRequestHandler):  # type: ignore[misc] # moto's types are left out, see pyproject.toml
    """One connection, request after request. moto's own handler makes the WSGI environment."""

    protocol_version = "HTTP/1.1"
    # Head and body are two writes: with Nagle the second would wait 40 ms for an acknowledgement.
    disable_nagle_algorithm = True
    rbufsize = 256 * 1024

    def handle_expect_100(self) -> bool:
        return True  # the body does, once it is wanted

    def run_wsgi(self) -> None:
        environ: Environ = self.make_environ()
        body = self._body(environ)
        environ |= {"wsgi.input": io.BufferedReader(body), "wsgi.input_terminated": True}
        status, headers, content = _answer(self.server.app, environ)
        self.close_connection |= not body.drain()
        self._send(status, headers, content)

    def _body(self, environ: Environ) -> Body:
        ask = self._ask if environ.get("HTTP_EXPECT", "").lower() == "100-continue" else None
        if isinstance(environ["wsgi.input"], DechunkedInput):
            return Body(environ["wsgi.input"], UNKNOWN, ask)
        length = int(environ.get("CONTENT_LENGTH") or 0)
        return Body(self.rfile, length, ask if length else None)

    def _ask(self) -> None:
        self.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def _send(self, status: str, headers: list[tuple[str, str]], content: bytes) -> None:
        code, _, words = status.partition(" ")
        named = {name.lower() for name, _ in headers}
        self.send_response_only(int(code), words)
        for name, value in headers:
            self.send_header(name, value)
        if "date" not in named:
            self.send_header("Date", self.date_time_string())
        if "content-length" not in named and code not in {"204", "304"}:
            self.send_header("Content-Length", str(len(content)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def log(self, type: str, message: str, *args: Any) -> None:
        log.debug("%s: " + message, type, *args)  # noqa: G003


def _answer(app: Wsgi, environ: Environ) -> tuple[str, list[tuple[str, str]], bytes]:
    """Status, headers and content as the application gives them: moto's are whole in memory anyway."""
    begun: list[Any] = []
    parts = app(environ, lambda *head: begun.extend(head))
    try:
        content = b"".join(parts)
    finally:
        if hasattr(parts, "close"):
            parts.close()
    return begun[0], begun[1], content


class Server(ThreadedWSGIServer):
    """A thread for each connection, on 127.0.0.1, at a port that is free. `stop` ends them all."""

    request_queue_size = 1024

    def __init__(self, app: Wsgi, tls: ssl.SSLContext | None = None) -> None:
        super().__init__("127.0.0.1", 0, app, Handler, ssl_context=tls)
        self._connections: dict[socket.socket, threading.Thread] = {}
        self._thread = threading.Thread(target=self.serve_forever, args=(0.05,), name="ropeway-local", daemon=True)

    def server_bind(self) -> None:
        # http.server asks the resolver for the name of 127.0.0.1 here; some machines take seconds for the answer.
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address[:2]  # type: ignore[assignment]

    @property
    def url(self) -> str:
        return f"{'https' if self.ssl_context else 'http'}://127.0.0.1:{self.port}"

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self.shutdown()
        self._thread.join()
        for connection, thread in list(self._connections.items()):
            with contextlib.suppress(OSError):  # closed by its own thread a moment ago
                connection.shutdown(socket.SHUT_RDWR)
            thread.join()

    def process_request(self, request: Any, client_address: Any) -> None:
        thread = threading.Thread(target=self.process_request_thread, args=(request, client_address), daemon=True)
        self._connections[request] = thread
        thread.start()

    def close_request(self, request: Any) -> None:
        self._connections.pop(request, None)
        super().close_request(request)
