"""A customer's key (SSE-C) encrypts, and nothing of it is printed: not in the debug log, not in JSON, not in an error."""

from __future__ import annotations

import base64
import hashlib

import pytest

from tests.secrecy import CUSTOMER_KEY, secret

KEY = bytes.fromhex(CUSTOMER_KEY)
OTHER = bytes.fromhex(secret("SSE-C key", bytes(range(32)).hex()))


def traces_of(key: bytes) -> set[str]:
    """How a key might show."""
    md5 = base64.b64encode(hashlib.md5(key).digest()).decode()
    return {key.hex(), key.hex().upper(), base64.b64encode(key).decode(), repr(key)[2:-1], md5}


@pytest.fixture
def aws(embedded_tls, certificate_authority, monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", embedded_tls.connection.access_key_id)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", embedded_tls.connection.secret_access_key)
    monkeypatch.setenv("AWS_REGION", embedded_tls.region)
    monkeypatch.setenv("AWS_CA_BUNDLE", str(certificate_authority))
    monkeypatch.setenv("ROPEWAY_CUSTOMER_KEY", KEY.hex())
    return ("--endpoint-url", embedded_tls.endpoint_url, "--key-management", "customerManaged", "--debug")


@pytest.fixture
def site(tmp_path):
    (tmp_path / "dist").mkdir()
    (tmp_path / "dist" / "small").write_bytes(b"1")
    (tmp_path / "dist" / "large").write_bytes(bytes(9 << 20))
    return tmp_path / "dist"


def assert_nothing_of(key: bytes, *answers) -> None:
    for answer in answers:
        assert [trace for trace in traces_of(key) if trace in answer.out + answer.err] == []


def test_a_whole_round_shows_nothing_of_the_key(ropeway, aws, site, bucket, tmp_path):
    up = ropeway("s3", "upload", site, f"s3://{bucket}", *aws)
    again = ropeway("s3", "upload", site, f"s3://{bucket}", *aws, "--skip-unchanged", "--json")
    down = ropeway("s3", "download", f"s3://{bucket}", tmp_path / "back", *aws, "--json")
    assert [answer.code for answer in (up, again, down)] == [0, 0, 0], up.err + again.err + down.err
    assert (tmp_path / "back" / "large").read_bytes() == bytes(9 << 20)
    assert again.json["plan"]["totals"][0]["reason"] == "unchanged"
    assert "x-amz-server-side-encryption-customer-key=***" in up.err.lower(), "the debug log was there to be looked at"
    assert_nothing_of(KEY, up, again, down)


def test_the_wrong_key_fails_and_shows_nothing_of_either(ropeway, aws, site, bucket, tmp_path, monkeypatch):
    ropeway("s3", "upload", site, f"s3://{bucket}", *aws)
    monkeypatch.setenv("ROPEWAY_CUSTOMER_KEY", OTHER.hex())
    down = ropeway("s3", "download", f"s3://{bucket}", tmp_path / "back", *aws)
    assert down.code == 1
    assert_nothing_of(KEY, down)
    assert_nothing_of(OTHER, down)


@pytest.mark.parametrize("broken", [KEY.hex()[:-2], KEY.hex()[:-1], KEY.hex()[:-1] + "g"])
def test_a_key_that_is_none_is_refused_without_being_shown(ropeway, aws, site, bucket, broken, monkeypatch):
    monkeypatch.setenv("ROPEWAY_CUSTOMER_KEY", broken)
    answer = ropeway("s3", "upload", site, f"s3://{bucket}", *aws)
    assert answer.code == 2
    assert broken not in answer.out + answer.err
    assert broken[:16] not in answer.out + answer.err
