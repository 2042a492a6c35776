"""Small objects, read and written whole: what Ropeway keeps of its own, and who was there first."""

from __future__ import annotations

import time
from email.utils import formatdate

import pytest

from ropeway.errors import AccessDenied, BucketMissing, Cancelled, ConditionFailed, IntegrityError, NetworkError
from ropeway.outcome import Cancellation
from ropeway.s3.engine import Condition, Headers
from tests.s3.boto_kit import (
    FEW_RETRIES,
    NO_RETRIES,
    each_engine,
    engine_at,
    tune,
    until_no_request_is_left,
)
from tests.servers.cable import cable
from tests.servers.misbehaving import Answer, _forwarded, s3_error

pytestmark = each_engine

ABSENT = Condition(absent=True)
JSON = Headers(content_type="application/json")


@pytest.fixture
def faulty(misbehaving, embedded):
    misbehaving.upstream = embedded.endpoint_url
    return misbehaving


def unheard(server, times=1):
    """It is written, and nobody hears of it."""

    def lose(request):
        _forwarded(server.upstream, request)
        return Answer(hang_up=True)

    server.on(lose, method="PUT", times=times)


def test_what_is_written_is_read_again_with_its_etag_and_the_servers_time(server, store):
    bucket, s3 = store
    with engine_at(server) as engine:
        written = engine.write(bucket, ".ropeway/lock", b"mine", JSON)
        read = engine.read(bucket, ".ropeway/lock", most=100)
    assert read.body == written.body == b"mine"
    assert read.etag == written.etag == s3.head_object(Bucket=bucket, Key=".ropeway/lock")["ETag"].strip('"')
    assert s3.head_object(Bucket=bucket, Key=".ropeway/lock")["ContentType"] == "application/json"
    assert abs(read.date - time.time()) < 60
    assert abs(written.date - time.time()) < 60


def test_the_time_is_the_servers_own_whatever_this_machine_says(misbehaving):
    told = {"ETag": '"e"', "Date": formatdate(1e9, usegmt=True)}
    misbehaving.on(Answer(200, told), method="PUT")
    misbehaving.on(Answer(200, told, b"data"), method="GET")
    with engine_at(misbehaving.url) as engine:
        assert engine.read("bucket", "key", most=4).date == 1e9
        assert engine.write("bucket", "key", b"data", JSON).date == 1e9


def test_versions_are_told(embedded, s3, bucket):
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    with engine_at(embedded) as engine:
        written = engine.write(bucket, "key", b"data", JSON)
        assert engine.read(bucket, "key", most=4).version_id == written.version_id != ""


def test_what_is_not_there_is_none_and_a_bucket_that_is_not_there_is_an_error(server, store):
    bucket, _ = store
    with engine_at(server) as engine:
        assert engine.read(bucket, "absent", most=1) is None
        with pytest.raises(BucketMissing):
            engine.read("ropeway-absent-bucket", "key", most=1)


def test_more_than_was_expected_is_not_read(faulty, s3, bucket):
    s3.put_object(Bucket=bucket, Key="key", Body=b"12345")
    with engine_at(faulty.url) as engine:
        assert engine.read(bucket, "key", most=5).body == b"12345"
        with pytest.raises(IntegrityError, match=f"s3://{bucket}/key holds 5 bytes, and at most 4 were expected"):
            engine.read(bucket, "key", most=4)


def test_an_answer_without_a_length_is_read_to_its_end_and_no_further_than_was_expected(misbehaving):
    misbehaving.on(Answer(200, {"ETag": '"e"', "Transfer-Encoding": "chunked"}, b"5\r\n12345\r\n0\r\n\r\n"))
    with engine_at(misbehaving.url, **NO_RETRIES) as engine:
        assert engine.read("bucket", "key", most=5).body == b"12345"
        with pytest.raises(IntegrityError, match="at most 4 were expected"):
            engine.read("bucket", "key", most=4)


def test_bytes_that_are_not_those_of_their_checksum_are_not_believed(misbehaving):
    misbehaving.on(Answer(200, {"ETag": '"e"', "x-amz-checksum-crc32": "AAAAAA=="}, b"data"))
    with engine_at(misbehaving.url, **NO_RETRIES) as engine, pytest.raises(IntegrityError, match="s3://bucket/key"):
        engine.read("bucket", "key", most=4)


def test_a_part_that_nobody_asked_for_is_not_taken_for_the_whole(misbehaving):
    misbehaving.on(Answer(206, {"ETag": '"e"', "Content-Range": "bytes 0-3/10"}, b"data"))
    with (
        engine_at(misbehaving.url, **NO_RETRIES) as engine,
        pytest.raises(IntegrityError, match="a part of it, unasked"),
    ):
        engine.read("bucket", "key", most=10)


def test_an_answer_that_breaks_off_is_asked_for_again(faulty, s3, bucket, monkeypatch):
    tune(monkeypatch, pauses=(0.01, 0.01))
    s3.put_object(Bucket=bucket, Key="key", Body=b"12345")
    faulty.on(Answer(200, {"ETag": '"e"', "Content-Length": "5"}, b"12345", cut=2), method="GET", times=2)
    with engine_at(faulty.url, **NO_RETRIES) as engine:
        assert engine.read(bucket, "key", most=5).body == b"12345"
        faulty.on(Answer(200, {"ETag": '"e"'}, b"12345", cut=2), method="GET", target="other")
        with pytest.raises(NetworkError, match="read s3://"):
            engine.read(bucket, "other", most=5)


@pytest.mark.parametrize("ask", ["read", "write"])
def test_what_says_yes_and_is_not_s3_has_neither_kept_nor_given_anything(misbehaving, ask):
    misbehaving.on(Answer(200, {"Content-Type": "text/html"}, b"<html>Welcome</html>"))
    with (
        engine_at(misbehaving.url, **NO_RETRIES) as engine,
        pytest.raises(NetworkError, match="says yes, but not from S3"),
    ):
        engine.read("bucket", "key", most=100) if ask == "read" else engine.write("bucket", "key", b"data", JSON)


# --- who was there first -----------------------------------------------------------------------------------------------------


def test_only_the_first_writes_where_nothing_is(server, store):
    bucket, _ = store
    with engine_at(server) as engine:
        engine.write(bucket, "lock", b"mine", JSON, ABSENT)
        with pytest.raises(ConditionFailed) as failed:
            engine.write(bucket, "lock", b"yours", JSON, ABSENT)
        assert engine.read(bucket, "lock", most=10).body == b"mine"
    assert str(failed.value).startswith(f"Could not write s3://{bucket}/lock: AWS answered PreconditionFailed: ")
    assert "Somebody else wrote or deleted it meanwhile." in str(failed.value)


def test_only_who_knows_what_is_there_writes_over_it(server, store):
    bucket, _ = store
    with engine_at(server) as engine:
        one = engine.write(bucket, "lock", b"one", JSON, ABSENT)
        two = engine.write(bucket, "lock", b"two", JSON, Condition(etag=one.etag))
        with pytest.raises(ConditionFailed):
            engine.write(bucket, "lock", b"three", JSON, Condition(etag=one.etag))
        assert engine.read(bucket, "lock", most=10).body == b"two"
        engine.write(bucket, "lock", b"three", JSON, Condition(etag=two.etag))


def test_what_was_deleted_meanwhile_is_not_written_over(server, store):
    bucket, s3 = store
    with engine_at(server) as engine:
        one = engine.write(bucket, "lock", b"one", JSON, ABSENT)
        s3.delete_object(Bucket=bucket, Key="lock")
        with pytest.raises(ConditionFailed):
            engine.write(bucket, "lock", b"two", JSON, Condition(etag=one.etag))
        assert engine.read(bucket, "lock", most=10) is None


def test_a_conflict_with_another_write_under_way_is_a_condition_that_failed(misbehaving):
    misbehaving.on(
        s3_error(
            409, "ConditionalRequestConflict", "The conditional request cannot succeed due to a conflicting operation."
        )
    )
    with engine_at(misbehaving.url) as engine, pytest.raises(ConditionFailed, match="ConditionalRequestConflict"):
        engine.write("bucket", "lock", b"mine", JSON, ABSENT)
    assert len(misbehaving.requests) == 1


@pytest.mark.parametrize("over", [False, True], ids=["absent", "etag"])
def test_ones_own_write_whose_answer_was_lost_is_told_apart_by_the_next_attempt(faulty, s3, bucket, over):
    with engine_at(faulty.url, **FEW_RETRIES) as engine:
        condition = Condition(etag=engine.write(bucket, "lock", b"old", JSON).etag) if over else ABSENT
        unheard(faulty)
        written = engine.write(bucket, "lock", b"mine", JSON, condition)
    assert written.body == b"mine"
    assert written.etag == s3.head_object(Bucket=bucket, Key="lock")["ETag"].strip('"')


def test_somebody_elses_write_before_the_next_attempt_is_not_taken_for_ones_own(faulty, s3, bucket):
    def overtaken(request):
        s3.put_object(Bucket=bucket, Key="lock", Body=b"yours, and longer")
        return Answer(hang_up=True)

    faulty.on(overtaken, method="PUT", times=1)
    with engine_at(faulty.url, **FEW_RETRIES) as engine, pytest.raises(ConditionFailed):
        engine.write(bucket, "lock", b"mine", JSON, ABSENT)
    assert s3.get_object(Bucket=bucket, Key="lock")["Body"].read() == b"yours, and longer"


def test_a_write_that_may_have_been_lost_altogether_is_a_matter_of_the_network(misbehaving):
    misbehaving.on(Answer(hang_up=True))
    with (
        engine_at(misbehaving.url, **NO_RETRIES) as engine,
        pytest.raises(NetworkError, match="write s3://bucket/lock"),
    ):
        engine.write("bucket", "lock", b"mine", JSON, ABSENT)


def test_a_write_that_is_denied_names_the_action(misbehaving):
    misbehaving.on(s3_error(403, "AccessDenied"))
    with engine_at(misbehaving.url, **NO_RETRIES) as engine, pytest.raises(AccessDenied, match="s3:PutObject"):
        engine.write("bucket", "lock", b"mine", JSON)


@pytest.mark.parametrize(
    "ask",
    [
        lambda engine, bucket, cancellation: engine.read(bucket, "key", most=1, cancellation=cancellation),
        lambda engine, bucket, cancellation: engine.write(bucket, "key", b"", JSON, cancellation=cancellation),
        lambda engine, bucket, cancellation: engine.probe(bucket, "", cancellation=cancellation),
        lambda engine, bucket, cancellation: engine.create_bucket(bucket, "us-east-1", cancellation=cancellation),
        lambda engine, bucket, cancellation: list(engine.tags(bucket, ["a"], cancellation=cancellation)),
    ],
    ids=["read", "write", "probe", "create_bucket", "tags"],
)
def test_each_of_them_can_be_cancelled_while_the_network_is_stuck(embedded, bucket, monkeypatch, ask):
    tune(monkeypatch, grace=0.2)
    cancellation = Cancellation()
    with cable(embedded.endpoint_url) as line, engine_at(line.url, **NO_RETRIES) as engine:
        line.dead("down", after=0)
        cancellation.ask("enough")
        with pytest.raises(Cancelled, match="enough"):
            ask(engine, bucket, cancellation)
    until_no_request_is_left()
