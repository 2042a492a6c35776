"""A server that answers what a test tells it to: faults, delays, half answers; alone, or in front of a real S3.

misbehaving.on(s3_error(503, "SlowDown"), method="PUT", target=r"partNumber=2", times=2)
misbehaving.upstream = embedded.endpoint_url    # whatever no rule is for goes there
"""

from __future__ import annotations

import contextlib
import http.client
import re
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Request:
    """What arrived. `target` is path and query as they were sent; header names are lower case."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class Answer:
    """What goes back. `delay` is seconds before the first byte; `cut` closes the connection after that many bytes of the body;
    `hang_up` closes it without a byte, `reset` rudely so."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    delay: float = 0.0
    cut: int | None = None
    hang_up: bool = False
    reset: bool = False


def s3_error(status: int, code: str, message: str = "", *, delay: float = 0.0, **fields: str) -> Answer:
    """An error as S3 words it; `fields` are further elements (Region="eu-west-1")."""
    extra = "".join(f"<{name}>{value}</{name}>" for name, value in fields.items())
    body = f"<Error><Code>{code}</Code><Message>{message or code}</Message>{extra}<RequestId>REQ42</RequestId></Error>"
    headers = {"Content-Type": "application/xml", "x-amz-request-id": "REQ42"}
    return Answer(status, headers, body.encode(), delay)


@dataclass
class Rule:
    answer: Answer | Callable[[Request], Answer]
    method: str
    target: re.Pattern[str]
    skip: int
    times: int | None

    def takes(self, request: Request) -> bool:
        if self.method not in ("", request.method) or not self.target.search(request.target) or self.times == 0:
            return False
        if self.skip:
            self.skip -= 1
            return False
        if self.times is not None:
            self.times -= 1
        return True


class Misbehaving:
    """`requests` holds all that arrived, in order; `peak` the most that were in flight at once."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.peak = 0
        self.upstream = ""
        self._in_flight = 0
        self._rules: list[Rule] = []
        self._lock = threading.Lock()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.owner = self

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def on(
        self,
        answer: Answer | Callable[[Request], Answer],
        *,
        method: str = "",
        target: str = "",
        skip: int = 0,
        times: int | None = None,
    ) -> None:
        """Answer so (or as the function says) to requests of this method whose path and query match; after the first `skip`, `times` times (None: always).

        Rules are asked in the order in which they were made.
        """
        self._rules.append(Rule(answer, method, re.compile(target), skip, times))

    def take(self, request: Request) -> Answer:
        with self._lock:
            self.requests.append(request)
            rule = next((rule for rule in self._rules if rule.takes(request)), None)
        if rule:
            return rule.answer(request) if callable(rule.answer) else rule.answer
        if self.upstream:
            return _forwarded(self.upstream, request)
        return s3_error(501, "NoRule", f"no rule for {request.method} {request.target}".replace("&", " "))

    @contextmanager
    def counted(self) -> Iterator[None]:
        with self._lock:
            self._in_flight += 1
            self.peak = max(self.peak, self._in_flight)
        try:
            yield
        finally:
            with self._lock:
                self._in_flight -= 1


def together(count: int, answer: Answer) -> Callable[[Request], Answer]:
    """The answer to all of so many requests once they are in flight at once; to none of them otherwise."""
    gate = threading.Barrier(count, timeout=60)

    def given(_: Request) -> Answer:
        gate.wait()
        return answer

    return given


@contextmanager
def misbehaving_server() -> Iterator[Misbehaving]:
    misbehaving = Misbehaving()
    server = misbehaving._server
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield misbehaving
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _forwarded(upstream: str, request: Request) -> Answer:
    """The answer of the real server. The Host header stays as it was: the signature covers it."""
    with contextlib.closing(http.client.HTTPConnection(urlsplit(upstream).netloc, timeout=60)) as connection:
        headers = {name: value for name, value in request.headers.items() if name not in {"expect", "connection"}}
        connection.request(request.method, request.target, request.body, headers)
        answer = connection.getresponse()
        kept = {name: value for name, value in answer.getheaders() if name.lower() != "connection"}
        return Answer(answer.status, kept, answer.read())


class _Server(ThreadingHTTPServer):
    owner: Misbehaving
    daemon_threads = False  # so that server_close waits for them
    request_queue_size = 1024

    def __init__(self, *args: object) -> None:
        super().__init__(*args)
        self._open: set[socket.socket] = set()
        self.rude: set[socket.socket] = set()

    def process_request(self, request: socket.socket, client_address: object) -> None:
        self._open.add(request)
        super().process_request(request, client_address)

    def close_request(self, request: socket.socket) -> None:
        self._open.discard(request)
        super().close_request(request)

    def shutdown_request(self, request: socket.socket) -> None:
        if request in self.rude:  # no goodbye: closing alone sends a reset, by SO_LINGER
            self.rude.discard(request)
            self.close_request(request)
        else:
            super().shutdown_request(request)

    def server_close(self) -> None:
        for request in list(self._open):
            with contextlib.suppress(OSError):
                request.shutdown(socket.SHUT_RDWR)
        super().server_close()

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that went away is what many tests are about."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def do(self) -> None:
        with self.server.owner.counted():
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            answer = self.server.owner.take(Request(self.command, self.path, headers, body))
            time.sleep(answer.delay)
            self._send(answer)

    do_GET = do_HEAD = do_PUT = do_POST = do_PATCH = do_DELETE = do_OPTIONS = do  # noqa: N815

    def _send(self, answer: Answer) -> None:
        self.close_connection |= answer.hang_up or answer.reset or answer.cut is not None
        if answer.reset:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.server.rude.add(self.connection)
        if answer.hang_up or answer.reset:
            return
        self.send_response_only(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        given = {name.lower() for name in answer.headers}
        if "date" not in given:
            self.send_header("Date", self.date_time_string())
        if not {"content-length", "transfer-encoding"} & given:
            self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body[: answer.cut])

    def log_message(self, format: str, *args: object) -> None: ...
