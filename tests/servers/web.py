"""A web server that answers what it is told, path by path, over http or https.

with web_server() as web:
    web.answers["/"] = Page(b"hello", headers={"x-release": "42"})
    web.answers["/slow"] = lambda handler: ...     # writes to handler.wfile whatever it likes
    web.url("/"), web.address                      # http://127.0.0.1:4711/, 127.0.0.1:4711
    web.asked                                      # [Asked("GET", "/", {"host": ...}, b"", sni)]
"""

from __future__ import annotations

import contextlib
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Page:
    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str | list[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Asked:
    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    sni: str


Answers = Page | list[Page] | Callable[[Any], None]
"""Of a list, each is given once, the last one from then on."""


def moved(to: str, status: int = 301, **headers: str) -> Page:
    return Page(b"moved", status, {"location": to, **headers})


class Web(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def __init__(self, tls: ssl.SSLContext | None, host: str) -> None:
        super().__init__((host, 0), _Handler)
        self.answers: dict[str, Answers] = {}
        self.asked: list[Asked] = []
        self.stopped = threading.Event()
        self._tls = tls
        if tls:
            tls.sni_callback = _note_name

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def url(self, path: str = "/", host: str = "127.0.0.1") -> str:
        return f"{'https' if self._tls else 'http'}://{host}:{self.port}{path}"

    def get_request(self) -> Any:
        connection, address = super().get_request()
        if self._tls:  # the handshake is the handler's: a client that drags it out holds up nobody else
            connection = self._tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        return connection, address

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is what these tests are about."""

    def shutdown_request(self, request: Any) -> None:
        with contextlib.suppress(OSError):
            super().shutdown_request(request)

    def answer_to(self, path: str) -> Page | Callable[[Any], None]:
        answer = self.answers.get(path.partition("?")[0], Page(b"nothing here", 404, {"content-type": "text/plain"}))
        if isinstance(answer, list):
            return answer.pop(0) if len(answer) > 1 else answer[0]
        return answer


def _note_name(connection: Any, name: str | None, _: Any) -> None:
    connection.noted_name = name or ""


class _Handler(BaseHTTPRequestHandler):
    server: Web
    protocol_version = "HTTP/1.1"

    def _answer(self) -> None:
        length = int(self.headers.get("content-length") or 0)
        headers = {name.lower(): value for name, value in self.headers.items()}
        sni = getattr(self.connection, "noted_name", "")
        self.server.asked.append(Asked(self.command, self.path, headers, self.rfile.read(length), sni))
        answer = self.server.answer_to(self.path)
        if callable(answer):
            answer(self)
            self.close_connection = True  # without a word: what was written may be no answer at all
        else:
            self._send(answer)

    def _send(self, page: Page) -> None:
        self.send_response(page.status)
        for name, values in page.headers.items():
            for value in [values] if isinstance(values, str) else values:
                self.send_header(name, value)
        if "content-length" not in page.headers:
            self.send_header("content-length", str(len(page.body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(page.body)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("do_"):
            return self._answer
        raise AttributeError(name)

    def log_message(self, *_: Any) -> None: ...


@contextmanager
def web_server(tls: ssl.SSLContext | None = None, host: str = "127.0.0.1") -> Iterator[Web]:
    web = Web(tls, host)
    thread = threading.Thread(target=web.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield web
    finally:
        web.stopped.set()
        web.shutdown()
        thread.join()
        web.server_close()
