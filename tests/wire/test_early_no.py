"""An answer to a body that is still being sent is read at once; one that never ends is given up."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from ropeway.aws.connection import AwsInputs, Network
from ropeway.aws.session import connect
from ropeway.errors import NetworkError
from ropeway.s3.wire import WireEngine, multipart
from ropeway.wire import connection
from ropeway.wire.loop import Loop, Socket, Task
from ropeway.wire.transport import Plain
from tests.s3.boto_kit import CONNECTION, noise, put, transfer, tune, well
from tests.s3.wire_kit import WIRE

MIB = 1 << 20
DENIED = b"<Error><Code>AccessDenied</Code><Message>not you</Message></Error>"
Answer = Callable[[socket.socket, str], None]
pytestmark = [
    pytest.mark.parametrize("engine_kind", [WIRE], indirect=True, ids=["wire"]),
    pytest.mark.usefixtures("engine_kind"),
]


@pytest.fixture
def serving(_authority, certificate_authority) -> Iterator[Callable[..., WireEngine]]:
    """An engine before a server that reads heads alone: `answer` has the connection from there on."""
    with socket.create_server(("127.0.0.1", 0)) as server, contextlib.ExitStack() as ended:

        def serve(answer: Answer, *, tls: bool = False) -> WireEngine:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            _authority.issue_cert("127.0.0.1").configure_cert(context)

            def run() -> None:
                with contextlib.suppress(OSError):
                    while True:
                        accepted, _ = server.accept()
                        threading.Thread(target=talk, args=(accepted,), daemon=True).start()

            def talk(accepted: socket.socket) -> None:
                with contextlib.suppress(OSError), contextlib.ExitStack() as open_ones:
                    open_ones.enter_context(accepted)
                    accepted.settimeout(20)
                    spoken = (
                        open_ones.enter_context(context.wrap_socket(accepted, server_side=True)) if tls else accepted
                    )
                    while head := _head(spoken):
                        answer(spoken, head)

            threading.Thread(target=run, daemon=True).start()
            ended.callback(server.shutdown, socket.SHUT_RDWR)
            url = f"http{'s' if tls else ''}://127.0.0.1:{server.getsockname()[1]}"
            network = Network(ca_file=str(certificate_authority))
            aws = connect(AwsInputs(endpoint_url=url, region_name="us-east-1"), CONNECTION, network=network)
            return WireEngine(aws.s3, concurrency=1)

        yield serve


def _head(spoken: socket.socket) -> str:
    head = b""
    while not head.endswith(b"\r\n\r\n") and (byte := spoken.recv(1)):
        head += byte
    return head.decode("latin-1")


def _said(status: str, body: bytes = b"", *more: str) -> bytes:
    return "\r\n".join([f"HTTP/1.1 {status}", f"content-length: {len(body)}", *more, "", ""]).encode() + body


def _body(spoken: socket.socket, head: str) -> bytes:
    length = next(int(line[15:]) for line in head.lower().split("\r\n") if line.startswith("content-length:"))
    body = b""
    while len(body) < length:
        body += spoken.recv(1 << 16)
    return body


@pytest.mark.parametrize("tls", [False, True], ids=["http", "tls"])
def test_a_no_that_comes_while_the_body_is_sent_is_heard_though_nobody_reads_the_rest(
    serving, tmp_path, monkeypatch, tls
):
    """Such a server used to be waited for until patience ended, and its no was never read."""
    gone = threading.Event()

    def refuse(spoken: socket.socket, head: str) -> None:
        spoken.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        spoken.recv(1000)
        spoken.sendall(_said("403 Forbidden", DENIED))
        gone.wait(20)  # reads no more, and does not close

    monkeypatch.setattr(connection, "IDLE", 3.0)
    path = tmp_path / "large"
    path.write_bytes(bytes(8 * MIB))
    (done,) = transfer(serving(refuse, tls=tls), put(path, "bucket", "large"))
    gone.set()
    assert "AccessDenied" in str(done.error)


@pytest.mark.parametrize("tls", [False, True], ids=["http", "tls"])
def test_a_100_that_comes_late_is_no_answer_to_the_body(serving, tmp_path, monkeypatch, tls):
    def late(spoken: socket.socket, head: str) -> None:
        time.sleep(0.2)  # by now it is sent unasked, and waits for room
        spoken.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        time.sleep(0.2)
        arrived.append(_body(spoken, head))
        crc = next(line for line in head.split("\r\n") if line.startswith("x-amz-checksum-crc32:"))
        spoken.sendall(_said("200 OK", b"", 'etag: "x-1"', crc))

    arrived: list[bytes] = []
    monkeypatch.setattr(connection, "CONTINUE", 0.05)
    path = tmp_path / "large"
    path.write_bytes(noise(8 * MIB))
    well(transfer(serving(late, tls=tls), put(path, "bucket", "large")))
    assert arrived == [path.read_bytes()]


def test_a_server_that_knows_no_asking_first_is_sent_the_body(serving, tmp_path):
    """RFC 9110, section 10.1.1: 417 is not the last word."""
    heads: list[str] = []

    def strict(spoken: socket.socket, head: str) -> None:
        heads.append(head.lower())
        if "expect:" in head.lower():
            return spoken.sendall(_said("417 Expectation Failed", b"", "connection: close"))
        _body(spoken, head)
        crc = next(line for line in head.split("\r\n") if line.startswith("x-amz-checksum-crc32:"))
        return spoken.sendall(_said("200 OK", b"", 'etag: "x-1"', crc))

    path = tmp_path / "large"
    path.write_bytes(noise(2 * MIB))
    engine = serving(strict)
    well(transfer(engine, put(path, "bucket", "a"), put(path, "bucket", "b")))
    assert ["expect:" in head for head in heads] == [True, False, False]


def test_blanks_in_the_place_of_an_answer_are_waited_for_until_an_end(serving, tmp_path, monkeypatch, engine_kind):
    """S3 sends some while it completes an upload. A server that sends nothing else used to be waited for as long as it did."""
    ended = threading.Event()

    def trickle(spoken: socket.socket, head: str) -> None:
        if head.startswith("POST") and "uploads=" in head:
            spoken.sendall(_said("200 OK", b"<R><UploadId>u</UploadId></R>"))
        elif head.startswith("PUT"):
            _body(spoken, head)
            spoken.sendall(_said("200 OK", b"", 'etag: "p"'))
        elif head.startswith("DELETE"):
            spoken.sendall(_said("204 No Content"))
        else:
            _body(spoken, head)
            document = b"<CompleteMultipartUploadResult><ETag>x-1</ETag></CompleteMultipartUploadResult>"
            spoken.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n")
            for _ in range(60):
                spoken.sendall(b" ")
                if ended.wait(0.05):
                    return
            spoken.sendall(document.rjust(940))

    engine_kind.hurry(monkeypatch)
    tune(monkeypatch, single=MIB)
    monkeypatch.setattr(multipart, "LONG", 0.3)
    path = tmp_path / "large"
    path.write_bytes(bytes(MIB + 1))
    with pytest.raises(NetworkError):
        well(transfer(serving(trickle), put(path, "bucket", "large")))
    ended.set()


def test_a_socket_that_takes_nothing_though_it_said_it_would_is_asked_again():
    """select(2), Linux: what is said to be ready may block all the same."""

    class Reluctant(Socket):
        refusals = 3

        def send(self, data, flags=0):
            if self.refusals:
                self.refusals -= 1
                raise BlockingIOError
            return super().send(data, flags)

    loop = Loop()
    one, other = socket.socketpair()
    with other:
        reluctant = Reluctant(fileno=one.detach())
        channel = loop.open(reluctant, lambda: None)
        channel.be_patient(loop.now, 5.0)
        ends: list[tuple[object, BaseException | None]] = []
        transport = Plain(loop, channel, memoryview(bytearray(10)))
        task = Task(transport.send(b"hello"), lambda _, result, error: ends.append((result, error)))
        loop.step(task)
        while not ends:
            loop.round(0.1)
        assert ends == [(None, None)]
        assert other.recv(10) == b"hello"
        loop.close(channel)
