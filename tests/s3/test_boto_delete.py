"""Keys are deleted, and each tells what became of it."""

from __future__ import annotations

import hashlib
import re
from base64 import b64encode

import pytest

from ropeway.errors import AccessDenied, AwsError, BucketMissing, Cancelled, NetworkError
from ropeway.outcome import Cancellation
from tests.s3.boto_kit import NO_RETRIES, each_engine, engine_at, tune, until_no_request_is_left
from tests.servers.cable import cable
from tests.servers.misbehaving import Answer, s3_error

pytestmark = each_engine


@pytest.fixture
def faulty(misbehaving, embedded):
    misbehaving.upstream = embedded.endpoint_url
    return misbehaving


def keys(s3, bucket):
    return [entry["Key"] for entry in s3.list_objects_v2(Bucket=bucket).get("Contents", [])]


def refused(*errors, deleted=()):
    """The answer to DeleteObjects, (key, code) for each key that was not deleted."""
    told = "".join(
        f"<Error><Key>{key}</Key><Code>{code}</Code><Message>{code}</Message></Error>" for key, code in errors
    )
    return Answer(200, {"x-amz-request-id": "REQ42"}, f"<DeleteResult>{told}</DeleteResult>".encode())


def test_each_key_is_told_in_the_order_given_and_an_absent_one_is_no_error(server, store):
    bucket, s3 = store
    for key in ("a", "b/c", "ü &<>\"'+%", "kept"):
        s3.put_object(Bucket=bucket, Key=key, Body=b"")
    asked = ["ü &<>\"'+%", "absent", "b/c", "a"]
    with engine_at(server) as engine:
        assert list(engine.delete(bucket, asked)) == [(key, None) for key in asked]
    assert keys(s3, bucket) == ["kept"]


def test_a_thousand_go_in_one_request_and_requests_follow_one_another(faulty, s3, bucket):
    asked = [f"{number:04}" for number in range(2001)]
    for key in asked[::100]:
        s3.put_object(Bucket=bucket, Key=key, Body=b"")
    with engine_at(faulty.url) as engine:
        assert list(engine.delete(bucket, asked)) == [(key, None) for key in asked]
    assert [request.body.count(b"<Key>") for request in faulty.requests] == [1000, 1000, 1]
    assert all(b"<Quiet>true</Quiet>" in request.body for request in faulty.requests)
    assert faulty.peak == 1
    assert keys(s3, bucket) == []


def test_nothing_to_delete_asks_nothing(misbehaving):
    with engine_at(misbehaving.url) as engine:
        assert list(engine.delete("bucket", [])) == []
    assert misbehaving.requests == []


def test_whoever_stops_asking_has_no_more_deleted(faulty, s3, bucket):
    asked = [f"{number:04}" for number in range(1500)]
    s3.put_object(Bucket=bucket, Key="1400", Body=b"")
    with engine_at(faulty.url) as engine:
        deleted = engine.delete(bucket, asked)
        next(deleted)
        deleted.close()
    assert len(faulty.requests) == 1
    assert keys(s3, bucket) == ["1400"]


@pytest.mark.parametrize("bad", ["\x01", "a\x00b"[:1] + "\x1f", "\ufffe", "\x7f\x0c"])
def test_a_key_that_xml_cannot_carry_is_deleted_alone(faulty, s3, bucket, bad):
    s3.put_object(Bucket=bucket, Key="good", Body=b"")
    s3.put_object(Bucket=bucket, Key=f"bad{bad}", Body=b"")
    with engine_at(faulty.url) as engine:
        assert list(engine.delete(bucket, [f"bad{bad}", "good"])) == [(f"bad{bad}", None), ("good", None)]
    assert sorted(request.method for request in faulty.requests) == ["DELETE", "POST"]
    assert keys(s3, bucket) == []


@pytest.mark.parametrize("key", ["line\nbreak", "carriage\rreturn", "tab\tstop", "\U0001f388"])
def test_a_key_with_what_xml_escapes_goes_with_the_others(faulty, s3, bucket, key):
    s3.put_object(Bucket=bucket, Key=key, Body=b"")
    with engine_at(faulty.url) as engine:
        assert list(engine.delete(bucket, [key])) == [(key, None)]
    assert [request.method for request in faulty.requests] == ["POST"]
    assert keys(s3, bucket) == []


@pytest.mark.parametrize("checksums", [True, False])
def test_what_is_to_be_deleted_is_proved_by_a_checksum(server, store, misbehaving, checksums):
    """S3 demands one; stores that know no CRC32 take the MD5."""
    bucket, s3 = store
    misbehaving.upstream = server.endpoint_url
    s3.put_object(Bucket=bucket, Key="a", Body=b"")
    with engine_at(server, checksums=checksums) as engine:
        assert list(engine.delete(bucket, ["a"])) == [("a", None)]
    assert keys(s3, bucket) == []
    misbehaving.on(refused())
    with engine_at(misbehaving.url, checksums=checksums) as engine:
        list(engine.delete(bucket, ["a"]))
    (request,) = misbehaving.requests
    md5 = b64encode(hashlib.md5(request.body).digest()).decode()
    assert ("x-amz-checksum-crc32" in request.headers, request.headers.get("content-md5")) == (
        (True, None) if checksums else (False, md5)
    )


def test_a_key_that_is_refused_comes_with_its_error_and_the_others_go(misbehaving):
    misbehaving.on(refused(("b", "AccessDenied"), ("c", "InternalError")), times=1)
    misbehaving.on(refused())
    with engine_at(misbehaving.url) as engine:
        told = dict(engine.delete("bucket", ["a", "b", "c"]))
    assert (told["a"], told["c"]) == (None, None)
    assert isinstance(told["b"], AccessDenied)
    assert str(told["b"]).startswith(
        "Could not delete s3://bucket/b: AWS answered AccessDenied: AccessDenied (request id REQ42)."
    )
    assert "The identity needs s3:DeleteObject on bucket bucket." in str(told["b"])
    assert [re.findall("<Key>(.*?)</Key>", request.body.decode()) for request in misbehaving.requests] == [
        ["a", "b", "c"],
        ["c"],
    ]


def test_what_passes_is_asked_for_again_only_so_often(misbehaving, monkeypatch):
    tune(monkeypatch, passing=(0.01, 0.01))
    misbehaving.on(refused(("a", "SlowDown")))
    with engine_at(misbehaving.url) as engine:
        ((_, error),) = engine.delete("bucket", ["a"])
    assert isinstance(error, AwsError)
    assert error.code == "SlowDown"
    assert len(misbehaving.requests) == 3


def test_an_error_of_a_key_that_was_not_to_be_deleted_is_not_taken_for_success(misbehaving):
    misbehaving.on(refused(("z", "AccessDenied")))
    with engine_at(misbehaving.url) as engine, pytest.raises(AwsError, match="'z', which was not to be deleted"):
        list(engine.delete("bucket", ["a"]))


@pytest.mark.parametrize("body", [b"", b"<html><body>Welcome</body></html>"], ids=["nothing", "a page"])
@pytest.mark.parametrize("key", ["a", "\x01"])
def test_what_says_yes_and_is_not_s3_has_deleted_nothing(misbehaving, body, key):
    misbehaving.on(Answer(200, {"Content-Type": "text/html"}, body))
    with (
        engine_at(misbehaving.url, **NO_RETRIES) as engine,
        pytest.raises(NetworkError, match="says yes, but not from S3"),
    ):
        list(engine.delete("bucket", [key]))


@pytest.mark.parametrize("key", ["a", "\x01"])
def test_a_bucket_that_is_not_there_is_raised(server, key):
    with engine_at(server) as engine, pytest.raises(BucketMissing):
        list(engine.delete("ropeway-absent-bucket", [key]))


def test_a_whole_request_that_is_denied_is_raised(misbehaving):
    misbehaving.on(s3_error(403, "AccessDenied"))
    with (
        engine_at(misbehaving.url, **NO_RETRIES) as engine,
        pytest.raises(AccessDenied, match="delete 2 objects of s3://bucket"),
    ):
        list(engine.delete("bucket", ["a", "b"]))


def test_deleting_can_be_cancelled_while_the_network_is_stuck(embedded, bucket, monkeypatch):
    tune(monkeypatch, grace=0.2)
    cancellation = Cancellation()
    with cable(embedded.endpoint_url) as line, engine_at(line.url, **NO_RETRIES) as engine:
        line.dead("down", after=0)
        deleted = engine.delete(bucket, ["a"], cancellation=cancellation)
        cancellation.ask("enough")
        with pytest.raises(Cancelled, match="enough"):
            list(deleted)
    until_no_request_is_left()
