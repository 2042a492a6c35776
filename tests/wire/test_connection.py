"""One connection after the other: TLS, proxies in TLS, several addresses, sessions, and heads that hold no second request."""

import contextlib
import socket
import ssl
import threading
from dataclasses import replace
from types import SimpleNamespace

import pytest

from ropeway.aws.connection import AwsInputs, Network
from ropeway.aws.session import connect
from ropeway.aws.trust import tls_context
from ropeway.errors import NetworkError, TlsError
from ropeway.outcome import Cancellation
from ropeway.s3.engine import Headers, Terms
from ropeway.s3.wire import WireEngine
from ropeway.wire import dialling
from ropeway.wire.connection import Request, Wire
from ropeway.wire.loop import Loop, Task
from ropeway.wire.origin import Origin
from ropeway.wire.request import head_of
from tests.aws.tls import tls_store
from tests.s3.boto_kit import CONNECTION, engine_at, get, noise, put, transfer, well
from tests.s3.wire_kit import WIRE
from tests.servers.proxy import forward_proxy

MIB = 1 << 20
pytestmark = [
    pytest.mark.parametrize("engine_kind", [WIRE], indirect=True, ids=["wire"]),
    pytest.mark.usefixtures("engine_kind"),
]


def engine_over(embedded_tls, network):
    aws = connect(
        AwsInputs(endpoint_url=embedded_tls.endpoint_url, region_name="us-east-1"), CONNECTION, network=network
    )
    return WireEngine(aws.s3, concurrency=4, on=Terms())


def there_and_back(engine, folder, bucket):
    for name, size in (("small", 5000), ("large", 9 * MIB)):
        (folder / name).write_bytes(noise(size))
    well(transfer(engine, put(folder / "small", bucket, "small"), put(folder / "large", bucket, "large")))
    sizes = {entry.key: entry.size for entry in engine.list(bucket, "")}
    work = [replace(get(bucket, key, folder / "down" / key, b""), size=size, etag="") for key, size in sizes.items()]
    well(transfer(engine, *work))
    assert all((folder / "down" / name).read_bytes() == (folder / name).read_bytes() for name in ("small", "large"))


def test_bytes_go_up_and_come_back_over_tls(embedded_tls, bucket, certificate_authority, tmp_path):
    there_and_back(engine_over(embedded_tls, Network(ca_file=str(certificate_authority))), tmp_path, bucket)


def test_tls_goes_through_a_proxy_that_is_itself_spoken_to_in_tls(
    embedded_tls, bucket, certificate_authority, tmp_path, request
):
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    request.getfixturevalue("_authority").issue_cert("127.0.0.1").configure_cert(tls)
    # Loopback is reached without a proxy; to 0.0.0.0 there may be one, and it leads here too.
    store = replace(embedded_tls, endpoint_url=embedded_tls.endpoint_url.replace("127.0.0.1", "0.0.0.0"))
    with forward_proxy(login="user:p@ss", tls=tls) as proxy:
        network = Network(proxy_url=proxy.url, ca_file=str(certificate_authority))
        there_and_back(engine_over(store, network), tmp_path, bucket)
    assert {asked.partition(" ")[0] for asked in proxy.asked} == {"CONNECT"}
    assert not proxy.turned_away


def test_a_certificate_that_nobody_vouches_for_ends_the_run_at_once(embedded_tls, bucket):
    with pytest.raises(TlsError, match=r"the certificate of 127\.0\.0\.1:\d+ is not trusted"):
        list(engine_over(embedded_tls, Network()).list(bucket, ""))


def test_a_name_that_a_certificate_has_in_its_common_name_alone_is_nobodys(certificate_authority, request):
    with tls_store(request.getfixturevalue("_authority").issue_cert(common_name="localhost")) as store:
        url = store.url.replace("127.0.0.1", "localhost")
        engine = engine_over(SimpleNamespace(endpoint_url=url), Network(ca_file=str(certificate_authority)))
        with pytest.raises(TlsError, match=r"the certificate of localhost:\d+ is another's"):
            list(engine.list("bucket", ""))
    assert not store.asked


def test_a_second_connection_takes_up_the_session_of_the_first(embedded_tls, bucket, certificate_authority):
    engine = engine_over(embedded_tls, Network(ca_file=str(certificate_authority)))
    list(engine.list(bucket, ""))
    wire = engine._own.wire
    (kept,) = [each for idle in wire._idle.values() for each in idle]
    kept.close()
    wire._idle.clear()
    list(engine.list(bucket, ""))
    ((again,),) = wire._idle.values()
    assert again.transport._tls.session_reused


def test_what_nobody_asked_for_is_no_answer_to_the_next_request(certificate_authority, request):
    """Not where an answer has filled the buffer to its end, either, and what came with it still lies in TLS."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    request.getfixturevalue("_authority").issue_cert("127.0.0.1").configure_cert(tls)

    def said(body):
        return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)

    def talk(plain):
        with contextlib.suppress(OSError), tls.wrap_socket(plain, server_side=True) as connection:
            while head := connection.recv(4096):
                connection.sendall(said(head.split()[1]) + said(b"/old"))

    def serve():
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=talk, args=(server.accept()[0],), daemon=True).start()

    def asked(target):
        ended = []
        ask = wire.ask(Origin("127.0.0.1", server.getsockname()[1], True), Request("GET", target, {"host": "h"}))
        loop.step(Task(ask, lambda _, *end: ended.append(end)))
        while not ended:
            loop.round(1.0)
        ((answer, error),) = ended
        return error or bytes(answer.body)

    loop = Loop()
    wire = Wire(loop, lambda: tls_context(str(certificate_authority)))
    wire.buffer = memoryview(bytearray(len(said(b"/one"))))
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=serve, daemon=True).start()
        assert [asked("/one"), asked("/two")] == [b"/one", b"/two"]
        server.shutdown(socket.SHUT_RDWR)


def test_an_address_that_does_not_answer_leaves_its_place_to_the_next(embedded, s3, bucket, monkeypatch):
    real = dialling._resolved
    s3.put_object(Bucket=bucket, Key="key", Body=b"")

    def several(host, port):
        ((family, _), *_), there = real(host, 9), real(host, port)
        return [(family, ("127.0.0.1", 9)), *there]

    monkeypatch.setattr(dialling, "_resolved", several)
    with engine_at(embedded) as engine:
        assert all([entry.key for entry in engine.list(bucket, "")] == ["key"] for _ in range(3))


def test_a_name_that_nobody_knows_is_told_by_name(embedded):
    once = {"total_max_attempts": 1}
    with (
        engine_at("http://nowhere.invalid:9", retries=once) as engine,
        pytest.raises(NetworkError, match=r"the name nowhere\.invalid:9 cannot be resolved"),
    ):
        list(engine.list("bucket", ""))


@pytest.mark.parametrize(
    ("target", "headers"),
    [
        ("/a\r\nX: y", {}),
        ("/a b", {}),
        ("/a", {"x": "1\r\ny: 2"}),
        ("/a", {"x": "1\ny: 2"}),
        ("/a", {"x": "1\ry"}),
        ("/a", {"x": "\0"}),
        ("/a", {"x y": "1"}),
        ("/a", {"x: 1\r\ny": "2"}),
        ("/a", {"": "1"}),
    ],
)
def test_a_head_that_could_be_read_as_two_is_not_made(target, headers):
    with pytest.raises(ValueError, match="it cannot be sent"):
        head_of("GET", target, headers)


def test_a_header_with_a_line_break_never_leaves_this_machine(misbehaving, tmp_path):
    (tmp_path / "file").write_bytes(b"x")
    work = replace(put(tmp_path / "file", "bucket", "key"), headers=Headers(cache_control="a\r\nx-evil: 1"))
    with engine_at(misbehaving.url) as engine:
        (done,) = engine.transfer([work], lambda _: None, Cancellation())
    assert "it cannot be sent" in str(done.error)
    assert misbehaving.requests == []
