"""Web servers that the kinds ask, and the time that they have for it.

web            over http            secure    over https, known as WWW, with a certificate that `certificate_authority` vouches for
serve_tls      over https, with a certificate of the test's own
clock          by which an attempt runs out of time: it stands still until it is told to go
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from types import SimpleNamespace
from typing import Any

import pytest
import trustme

from ropeway.aws.connection import AwsInputs, Connection, Network
from ropeway.aws.session import Aws, connect
from ropeway.checks.asking import Asking
from ropeway.checks.net import dialling
from ropeway.checks.net.dialling import Line
from tests.checks.kinds.aws_kit import aws, client_of, silent, without
from tests.servers.web import Web, web_server

__all__ = ["aws", "client_of", "silent", "without"]

WWW = "www.example.com"


def behind(proxy_url: str, ca_file: str = "") -> Aws:
    """Whoever asks is on an agent with this proxy."""
    network = Network(proxy_url=proxy_url, ca_file=ca_file)
    return connect(AwsInputs(region_name="eu-west-1"), Connection("nobody", "AKIDEXAMPLE", "secret"), network=network)


class Clock:
    def __init__(self) -> None:
        self._gone: float | None = None

    def now(self) -> float:
        return 0.0 if self._gone is None else time.monotonic() - self._gone

    def go(self, leap: float = 0.0) -> None:
        """From there on as the real one does."""
        self._gone = time.monotonic() - leap


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Until it goes, sockets alone run out of time: names are found and connections made, however slow this machine is."""
    clock = Clock()
    monkeypatch.setattr(Asking, "left", property(lambda asking: asking.timeout))
    monkeypatch.setattr(dialling, "time", SimpleNamespace(monotonic=clock.now))
    return clock


@pytest.fixture
def goes_once_connected(monkeypatch: pytest.MonkeyPatch, clock: Clock) -> None:
    connect = Line.connect

    def connected(line: Line, *there: Any) -> Any:
        connection = connect(line, *there)
        clock.go()
        return connection

    monkeypatch.setattr(Line, "connect", connected)


@pytest.fixture
def web() -> Iterator[Web]:
    with web_server() as running:
        yield running


@pytest.fixture
def serve_tls() -> Iterator[Callable[..., Web]]:
    """`require` is an authority whose clients alone are let in."""
    with ExitStack() as stack:

        def serve(certificate: trustme.LeafCert, require: trustme.CA | None = None) -> Web:
            tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            certificate.configure_cert(tls)
            if require:
                require.configure_trust(tls)
                tls.verify_mode = ssl.CERT_REQUIRED
            return stack.enter_context(web_server(tls))

        yield serve


@pytest.fixture
def authority(_authority: trustme.CA) -> trustme.CA:
    """The one that `certificate_authority` is the file of."""
    return _authority


@pytest.fixture
def secure(authority: trustme.CA, serve_tls: Callable[..., Web]) -> Web:
    return serve_tls(authority.issue_cert(WWW))
