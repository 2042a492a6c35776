"""What is told when AWS gives no answer: real sockets that refuse, hang, hang up, or speak something else."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import botocore.session
import pytest
from botocore.exceptions import BotoCoreError

from ropeway.aws.answers import asking, put_into_words
from ropeway.aws.connection import Network
from ropeway.aws.session import connect
from ropeway.errors import CredentialsError, InputError, IntegrityError, NetworkError, RopewayError
from tests.aws.asked import KEYS, ONCE, connection, inputs, list_bucket
from tests.servers.misbehaving import Answer, Misbehaving

DOING = "list s3://shop/"


def s3(url: str, *, network: Network | None = None, **config: Any) -> Any:
    aws = connect(inputs(endpoint_url=url), connection(**KEYS), network=network)
    return aws.client("s3", **ONCE, **config)


def told(url: str, *, network: Network | None = None, **config: Any) -> RopewayError:
    """The error that a user gets when a bucket is listed there."""
    client = s3(url, network=network, **config)
    with pytest.raises(RopewayError) as raised, asking(DOING):
        client.list_objects_v2(Bucket="shop")
    return raised.value


def host(url: str) -> str:
    return url.partition("://")[2]


@pytest.fixture
def closed_port() -> Iterator[str]:
    """An address on which nobody listens, held so that nobody does meanwhile."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{held.getsockname()[1]}"


@contextmanager
def saying(words: bytes) -> Iterator[str]:
    """A server that says the same to everybody who connects and speaks, and hangs up."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            with suppress(OSError):
                while True:
                    with server.accept()[0] as taken:
                        taken.recv(65536)
                        taken.sendall(words)

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
        server.shutdown(socket.SHUT_RDWR)
        thread.join()


# --- the way there -------------------------------------------------------------------------------------------------------


def test_a_closed_port(closed_port: str) -> None:
    error = told(closed_port)
    assert type(error) is NetworkError
    assert error.message == f"Could not list s3://shop/: {host(closed_port)} cannot be reached (Connection refused)."
    assert error.advice.startswith("Check the endpoint URL, firewalls, and that there is a way out")


def test_a_name_that_nobody_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    error = told("http://store.example:9000")
    assert type(error) is NetworkError
    assert error.message == (
        "Could not list s3://shop/: the name store.example:9000 cannot be resolved (Name or service not known)."
    )
    assert error.advice == "Check the region, the endpoint URL and this machine's DNS."


def test_nobody_takes_the_connection() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as server:
        waiting = [socket.socket() for _ in range(4)]
        for client in waiting:
            client.setblocking(False)
            client.connect_ex(server.getsockname())
        error = told(f"http://127.0.0.1:{server.getsockname()[1]}", connect_timeout=0.2)
        for client in waiting:
            client.close()
    assert type(error) is NetworkError
    assert "did not take the connection in time." in error.message


def test_nobody_answers(misbehaving: Misbehaving) -> None:
    told_so = threading.Event()
    misbehaving.on(lambda _: told_so.wait(60) and Answer(200))
    error = told(misbehaving.url, read_timeout=0.1)
    told_so.set()
    assert type(error) is NetworkError
    assert error.message.endswith(f"{host(misbehaving.url)} took the request but did not answer in time.")


@pytest.mark.parametrize("rude", [Answer(hang_up=True), Answer(reset=True)])
def test_the_other_side_hangs_up(misbehaving: Misbehaving, rude: Answer) -> None:
    misbehaving.on(rude)
    error = told(misbehaving.url)
    assert type(error) is NetworkError
    assert error.message.endswith(f"{host(misbehaving.url)} closed the connection before it had answered.")


def test_an_answer_that_ends_in_the_middle(misbehaving: Misbehaving) -> None:
    misbehaving.on(Answer(200, body=b"0123456789", cut=4))
    body = s3(misbehaving.url).get_object(Bucket="shop", Key="a.txt")["Body"]
    with pytest.raises(NetworkError) as raised, asking("download s3://shop/a.txt"):
        body.read()
    assert "in the middle of an answer (Connection broken: IncompleteRead(4 bytes read, 6 more expected))." in str(
        raised.value
    )


def test_an_answer_that_stops_in_the_middle(misbehaving: Misbehaving) -> None:
    with saying(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n0123") as url:
        body = s3(url).get_object(Bucket="shop", Key="a.txt")["Body"]
        body.set_socket_timeout(0.2)
        with pytest.raises(NetworkError), asking("download s3://shop/a.txt"):
            body.read()


def test_a_web_page_where_a_store_should_be(misbehaving: Misbehaving) -> None:
    misbehaving.on(Answer(200, {"Content-Type": "text/html"}, b"<!doctype html><p>Welcome<br>to the console"))
    error = told(misbehaving.url)
    assert type(error) is NetworkError
    assert error.message == "Could not list s3://shop/: what came back (500) is a web page, no answer of AWS."
    assert error.advice.startswith("Check the endpoint URL (it must be the store's API, not its web page)")


def test_something_else_where_sts_should_be(misbehaving: Misbehaving, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", misbehaving.url)
    misbehaving.on(Answer(200, {"Content-Type": "text/plain"}, b"hello"))
    with pytest.raises(NetworkError, match="what answered does not speak AWS's protocol"):
        connect(inputs(), connection(**KEYS)).identity()


def test_no_path_and_no_signature_of_an_address_is_told(closed_port: str) -> None:
    client = s3(closed_port)
    url = client.generate_presigned_url("get_object", {"Bucket": "shop", "Key": "a.txt"})
    import botocore.awsrequest
    import botocore.httpsession

    request = botocore.awsrequest.AWSRequest("GET", url).prepare()
    with pytest.raises(NetworkError) as raised, asking(DOING):
        botocore.httpsession.URLLib3Session().send(request)
    assert "Signature" not in str(raised.value)


# --- credentials, inputs, bytes ------------------------------------------------------------------------------------------


def test_a_client_without_credentials_says_what_to_give(misbehaving: Misbehaving) -> None:
    client = botocore.session.Session().create_client("s3", "eu-west-1", endpoint_url=misbehaving.url)
    with (
        pytest.raises(
            CredentialsError, match=r"Could not list s3://shop/: there are no AWS credentials. In a pipeline"
        ),
        asking(DOING),
    ):
        client.list_objects_v2(Bucket="shop")


@pytest.mark.parametrize("given", [{"Bucket": "no such name"}, {}])
def test_what_no_request_can_be_made_of_is_an_input_error_in_one_line(misbehaving: Misbehaving, given: Any) -> None:
    with pytest.raises(InputError) as raised, asking(DOING):
        s3(misbehaving.url).list_objects_v2(**given)
    [problem] = raised.value.problems
    assert problem.startswith("Could not list s3://shop/: Parameter validation failed: ") or "Invalid bucket" in problem
    assert "\n" not in problem


def test_an_access_point_that_cannot_be_used_is_an_input_error() -> None:
    aws = connect(inputs(region_name="eu-west-1"), connection(**KEYS))
    with pytest.raises(InputError, match="Could not list s3://shop/: "), asking(DOING):
        list_bucket(aws, "arn:aws:s3:eu-west-1:111122223333:accesspoint/")


def test_bytes_that_do_not_fit_their_checksum_are_an_integrity_error(misbehaving: Misbehaving) -> None:
    misbehaving.on(Answer(200, {"x-amz-checksum-crc32": "AAAAAA=="}, b"hello"))
    body = s3(misbehaving.url).get_object(Bucket="shop", Key="a.txt")["Body"]
    with (
        pytest.raises(
            IntegrityError, match=r"the bytes that arrived are not those that were sent \(Expected checksum AAAAAA=="
        ),
        asking(DOING),
    ):
        body.read()


def test_an_error_of_botocore_that_is_none_of_these_keeps_its_words() -> None:
    class Novel(BotoCoreError):
        fmt = "Something {what}"

    error = put_into_words(Novel(what="new"), DOING)
    assert type(error) is RopewayError
    assert str(error) == "Could not list s3://shop/: Something new."
