"""A proxy that drops its tunnels: TLS through CONNECT breaks off under way, in either direction, and all arrives, equal."""

import pytest

from ropeway.aws.connection import AwsInputs, Network
from ropeway.aws.session import connect
from ropeway.errors import NetworkError
from ropeway.s3.boto import BotoEngine
from ropeway.s3.wire import WireEngine
from tests.s3.boto_kit import BOTO, each_engine, get, noise, put, transfer, well
from tests.servers.cable import cable
from tests.servers.proxy import forward_proxy

pytestmark = each_engine
FILES = 20
ATTEMPTS = 6


@pytest.fixture(autouse=True)
def _hurried(engine_kind, monkeypatch):
    engine_kind.hurry(monkeypatch)
    engine_kind.tune(monkeypatch, pauses=(0.0, 0.0))


@pytest.fixture
def tunnelled(embedded_tls, certificate_authority, engine_kind, monkeypatch):
    """An engine whose store lies behind a proxy, the line to the proxy, and the proxy."""
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", str(ATTEMPTS))
    with forward_proxy(hosts=("store",)) as proxy, cable(proxy.url) as line:
        port = embedded_tls.endpoint_url.rpartition(":")[2]
        inputs = AwsInputs(endpoint_url=f"https://store:{port}", region_name="us-east-1")
        network = Network(proxy_url=line.url, ca_file=str(certificate_authority))
        aws = connect(inputs, embedded_tls.connection, network=network)
        if engine_kind is BOTO:
            yield BotoEngine(aws.client("s3", max_pool_connections=4), concurrency=4), line, proxy
        else:
            yield WireEngine(aws.s3, concurrency=4), line, proxy


@pytest.mark.parametrize("way", ["up", "down"])
@pytest.mark.parametrize("after", [0, 1500, 40_000])
def test_tunnels_that_drop_are_dug_again(tunnelled, s3, bucket, tmp_path, way, after):
    """Within CONNECT, within the handshake, and within what is sent and answered."""
    engine, line, proxy = tunnelled
    for number in range(FILES):
        (tmp_path / f"{number}").write_bytes(noise(9000, number))
    line.cut(way, after=after, times=3)
    well(transfer(engine, *(put(tmp_path / f"{number}", bucket, f"{number}") for number in range(FILES))))
    line.cut(way, after=after, times=3)
    gets = [get(bucket, f"{n}", tmp_path / "down" / f"{n}", noise(9000, n)) for n in range(FILES)]
    well(transfer(engine, *gets))
    assert line.broken.is_set()
    for number in range(FILES):
        assert s3.get_object(Bucket=bucket, Key=f"{number}")["Body"].read() == noise(9000, number)
        assert (tmp_path / "down" / f"{number}").read_bytes() == noise(9000, number)
    assert len(proxy.asked) <= 4 + 4 + 2 * 3 * 2
    assert all(asked.startswith("CONNECT store:") for asked in proxy.asked)


def test_what_tls_finds_damaged_on_its_way_is_asked_for_again(tunnelled, s3, bucket):
    engine, line, _ = tunnelled
    keys = [f"{number:02}-{'long' * 50}" for number in range(40)]
    for key in keys:
        s3.put_object(Bucket=bucket, Key=key, Body=b"")
    line.damage("down", after=12_000)  # within the first answer
    assert [entry.key for entry in engine.list(bucket, "")] == keys
    assert line.broken.is_set()


def test_a_proxy_that_drops_every_tunnel_is_an_error_after_a_few(tunnelled, bucket, tmp_path):
    engine, line, _ = tunnelled
    (tmp_path / "file").write_bytes(noise(9000))
    line.cut("down", after=1500, times=1000)
    with pytest.raises(NetworkError):
        well(transfer(engine, put(tmp_path / "file", bucket, "key")))
