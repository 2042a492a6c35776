"""A store over TLS, with a certificate of an authority that nobody knows."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import trustme

LISTING = b"<ListBucketResult><Name>shop</Name><IsTruncated>false</IsTruncated></ListBucketResult>"


class _Lists(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.server.asked += 1  # type: ignore[attr-defined]
        self.send_response(200)
        self.send_header("Content-Length", str(len(LISTING)))
        self.end_headers()
        self.wfile.write(LISTING)

    def log_message(self, format: str, *args: object) -> None: ...


class TlsStore(ThreadingHTTPServer):
    """`handshakes` counts those begun, `asked` the requests that came through."""

    handshakes = asked = 0

    def __init__(self, certificate: trustme.LeafCert) -> None:
        super().__init__(("127.0.0.1", 0), _Lists)
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        certificate.configure_cert(self.context)

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}"

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    def get_request(self) -> Any:
        connection, address = super().get_request()
        self.handshakes += 1
        return self.context.wrap_socket(connection, server_side=True), address

    def handle_error(self, *_: object) -> None:
        """Refused handshakes are what is tested."""


@contextmanager
def tls_store(certificate: trustme.LeafCert) -> Iterator[TlsStore]:
    server = TlsStore(certificate)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
