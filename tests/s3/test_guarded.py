"""Customer's keys and the ways they may take."""

import pytest

from ropeway.errors import InputError
from ropeway.s3.engine import CustomerKey, Headers
from ropeway.s3.guarded import check_guarded
from tests.s3.boto_kit import NO_RETRIES, copied, each_engine, engine_at, get, put, transfer

ONE = CustomerKey(b"1" * 32)
KEYED = ["host", "X-Amz-Server-Side-Encryption-Customer-Key"]


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"data")
    return path


@each_engine
@pytest.mark.parametrize("what", ["put", "get", "source of a copy", "target of a copy"])
def test_a_customers_key_does_not_leave_in_the_clear_whoever_named_the_endpoint(monkeypatch, file, what):
    """Nobody is even looked for: the name has no address (RFC 6761)."""
    work = {
        "put": put(file, "bucket", "key", customer_key=ONE),
        "get": get("bucket", "key", file.with_name("down"), b"data", customer_key=ONE),
        "source of a copy": copied("bucket", "key", "copy", b"data", source_customer_key=ONE),
        "target of a copy": copied("bucket", "key", "copy", b"data", headers=Headers(customer_key=ONE)),
    }[what]
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://store.invalid")
    with engine_at("", **NO_RETRIES) as engine:
        (result,) = transfer(engine, work)
    assert isinstance(result.error, InputError)
    assert str(result.error) == (
        "The customer's key would travel to store.invalid in the clear: the endpoint's address has to begin with https://."
    )


@each_engine
def test_it_does_not_with_a_head_either():
    with engine_at("http://store.invalid", **NO_RETRIES) as engine, pytest.raises(InputError, match="in the clear"):
        list(engine.heads("bucket", ["key"], ONE))


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost", "bucket.localhost"])
def test_on_this_machine_nothing_travels(host):
    check_guarded(host, KEYED, tls=False)


@pytest.mark.parametrize("host", ["127.0.0.1.example.com", "localhost.example.com", "10.0.0.1"])
def test_elsewhere_it_does_but_for_tls(host):
    check_guarded(host, KEYED, tls=True)
    check_guarded(host, ["host"], tls=False)
    with pytest.raises(InputError):
        check_guarded(host, KEYED, tls=False)
