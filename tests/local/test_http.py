"""The HTTP server of the embedded AWS, byte by byte."""

from __future__ import annotations

import http.client
import socket
import ssl
from collections.abc import Iterator
from typing import Any

import pytest

from ropeway.local.http import Server


def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    """Says what it was asked; `/unread` leaves the body where it is."""
    body = b"" if environ["PATH_INFO"] == "/unread" else environ["wsgi.input"].read()
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [f"{environ['REQUEST_METHOD']} {environ['RAW_URI']} ".encode(), body]


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server(application)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def connection(server) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        yield connection


def until(connection: socket.socket, end: bytes) -> bytes:
    received = b""
    while not received.endswith(end):
        received += (more := connection.recv(4096))
        assert more, f"closed after {received!r}"
    return received


def test_a_connection_serves_request_after_request(connection):
    for number in range(3):
        connection.sendall(f"PUT /{number} HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbody".encode())
        answer = until(connection, b"body")
        assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
        assert f"PUT /{number} body".encode() in answer


def test_the_address_arrives_as_it_was_sent(connection):
    connection.sendall(b"GET /a%2Fb/..//c?d=%20 HTTP/1.1\r\nHost: x\r\n\r\n")
    assert until(connection, b"%20 ").endswith(b"GET /a%2Fb/..//c?d=%20 ")


def test_a_body_in_chunks_is_read(connection):
    connection.sendall(
        b"PUT /k HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nbod\r\n1\r\ny\r\n0\r\n\r\n"
    )
    until(connection, b"PUT /k body")
    connection.sendall(b"GET /next HTTP/1.1\r\nHost: x\r\n\r\n")
    until(connection, b"GET /next ")


def test_a_body_nobody_read_is_not_taken_for_the_next_request(connection):
    connection.sendall(b"PUT /unread HTTP/1.1\r\nHost: x\r\nContent-Length: 26\r\n\r\nGET /body HTTP/1.1\r\n\r\nxxxx")
    until(connection, b"PUT /unread ")
    connection.sendall(b"GET /next HTTP/1.1\r\nHost: x\r\n\r\n")
    until(connection, b"GET /next ")


def test_a_body_is_asked_for_once_when_it_is_wanted(connection):
    connection.sendall(b"PUT /k HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n")
    assert until(connection, b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
    connection.sendall(b"body")
    assert until(connection, b"PUT /k body").startswith(b"HTTP/1.1 200 OK\r\n")


def test_a_body_that_is_not_wanted_is_not_asked_for_and_the_connection_says_so(connection):
    connection.sendall(b"PUT /unread HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n")
    answer = until(connection, b"PUT /unread ")
    assert b"100 Continue" not in answer
    assert b"\r\nConnection: close\r\n" in answer
    assert connection.recv(1) == b""


def test_head_has_no_body(connection):
    connection.sendall(b"HEAD /k HTTP/1.1\r\nHost: x\r\n\r\nGET /next HTTP/1.1\r\nHost: x\r\n\r\n")
    assert b"HEAD /k" not in until(connection, b"GET /next ")


def test_an_old_client_gets_its_answer_and_the_end(connection):
    connection.sendall(b"GET /k HTTP/1.0\r\n\r\n")
    until(connection, b"GET /k ")
    assert connection.recv(1) == b""


def test_stopping_ends_connections_that_are_open(server, connection):
    connection.sendall(b"GET /k HTTP/1.1\r\nHost: x\r\n\r\n")
    until(connection, b"GET /k ")
    server.stop()
    assert connection.recv(1) == b""
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", server.port))


def test_nothing_is_printed(server, connection, capfd):
    connection.sendall(b"GET /k HTTP/1.1\r\nHost: x\r\n\r\n")
    until(connection, b"GET /k ")
    connection.sendall(b"NONSENSE\r\n\r\n")
    connection.recv(4096)
    assert capfd.readouterr() == ("", "")


def test_a_client_that_does_not_trust_the_certificate_leaves_the_server_alive(embedded_tls, certificate_authority):
    host, port = "127.0.0.1", int(embedded_tls.endpoint_url.rpartition(":")[2])
    with socket.create_connection((host, port)) as plain, pytest.raises(ssl.SSLCertVerificationError):
        ssl.create_default_context().wrap_socket(plain, server_hostname=host)
    trusting = http.client.HTTPSConnection(
        host, port, context=ssl.create_default_context(cafile=str(certificate_authority))
    )
    trusting.request("GET", "/")
    assert trusting.getresponse().status in {200, 403}
    trusting.close()
