"""A yes to a body that was not sent whole is none: neither in the place of 100 (Continue), nor midway."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator

import pytest

from ropeway.errors import NetworkError
from tests.s3.boto_kit import engine_at, put, transfer
from tests.s3.wire_kit import WIRE

MIB = 1 << 20
wire_only = pytest.mark.parametrize("engine_kind", [WIRE], indirect=True, ids=["wire"])


def yes(head: str) -> bytes:
    """With the checksum that the request has told: what a store would answer that has all of it."""
    told = next(line for line in head.split("\r\n") if line.lower().startswith("x-amz-checksum-crc32:"))
    return f'HTTP/1.1 200 OK\r\netag: "x-1"\r\n{told}\r\ncontent-length: 0\r\n\r\n'.encode()


def at_once(connection: socket.socket, head: str) -> None:
    connection.sendall(yes(head))
    with contextlib.suppress(TimeoutError):
        connection.recv(1)  # until the other side closes


def midway(connection: socket.socket, head: str) -> None:
    connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
    connection.recv(1000)
    connection.sendall(yes(head))
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")  # a reset


@pytest.fixture
def answering() -> Iterator[Callable[[Callable[[socket.socket, str], None]], str]]:
    with socket.create_server(("127.0.0.1", 0)) as server, contextlib.ExitStack() as ended:

        def serve(answer: Callable[[socket.socket, str], None]) -> str:
            def run() -> None:
                with contextlib.suppress(OSError):
                    while True:
                        connection, _ = server.accept()
                        with connection:
                            connection.settimeout(5)
                            head = b""
                            while not head.endswith(b"\r\n\r\n"):
                                head += connection.recv(1)
                            answer(connection, head.decode("latin-1"))

            threading.Thread(target=run, daemon=True).start()
            ended.callback(server.shutdown, socket.SHUT_RDWR)
            return f"http://127.0.0.1:{server.getsockname()[1]}"

        yield serve


@wire_only
@pytest.mark.parametrize("answer", [at_once, midway], ids=["in the place of 100", "midway"])
def test_a_yes_to_a_body_that_was_not_sent_is_no_upload(engine_kind, answering, tmp_path, monkeypatch, answer):
    engine_kind.hurry(monkeypatch)
    path = tmp_path / "large"
    path.write_bytes(bytes(7 * MIB))
    with engine_at(answering(answer), retries={"mode": "standard", "total_max_attempts": 2}) as engine:  # noqa: SIM117
        with pytest.raises(NetworkError, match=r"it says yes \(200\) to a body that was not sent whole"):
            transfer(engine, put(path, "bucket", "large"))
