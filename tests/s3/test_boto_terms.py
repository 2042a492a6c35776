"""Whose bucket it must be, and who pays: said by every request."""

from __future__ import annotations

import pytest

from ropeway.errors import AccessDenied
from ropeway.outcome import Cancellation
from ropeway.s3.boto import BotoEngine
from ropeway.s3.engine import Terms
from tests.s3.boto_kit import Sent, boto_only, each_engine, engine_at, get, noise, put, transfer, well

pytestmark = each_engine

OWNER = "123456789012"
LARGE = (8 << 20) + 1
TERMS = Terms(OWNER, requester_pays=True)


@pytest.fixture
def engine(misbehaving, embedded, engine_kind):
    misbehaving.upstream = embedded.endpoint_url
    with engine_at(misbehaving.url, terms=TERMS) as engine:
        yield engine


def headers_of(misbehaving) -> set[tuple[str | None, str | None]]:
    names = ("x-amz-expected-bucket-owner", "x-amz-request-payer")
    return {tuple(request.headers.get(name) for name in names) for request in misbehaving.requests}


def test_every_request_says_both(engine, misbehaving, bucket, tmp_path):
    (tmp_path / "small").write_bytes(b"small")
    large = noise(LARGE)
    (tmp_path / "large").write_bytes(large)
    well(
        transfer(
            engine,
            put(tmp_path / "small", bucket, "small", tags=(("a", "b"),)),
            put(tmp_path / "large", bucket, "large"),
        )
    )
    engine.probe(bucket, "")
    assert [entry.key for entry in engine.list(bucket, "")] == ["large", "small"]
    assert len(list(engine.heads(bucket, ["small", "large", "absent"]))) == 3
    assert list(engine.tags(bucket, ["small"])) == [("small", (("a", "b"),))]
    well(transfer(engine, get(bucket, "small", tmp_path / "back", b"small")))
    asked = {request.method for request in misbehaving.requests}
    assert asked == {"PUT", "POST", "GET", "HEAD"}
    assert headers_of(misbehaving) == {(OWNER, "requester")}


def test_an_upload_that_is_given_up_says_both(engine, misbehaving, bucket, tmp_path):
    (tmp_path / "large").write_bytes(bytes(LARGE))
    cancelled = Cancellation()
    work = put(tmp_path / "large", bucket, "large")
    results = engine.transfer([work], lambda _: cancelled.ask("enough"), cancelled)
    with pytest.raises(Exception, match="enough"):
        list(results)
    assert "DELETE" in {request.method for request in misbehaving.requests}
    assert headers_of(misbehaving) == {(OWNER, "requester")}


def test_neither_is_said_unless_asked_for(misbehaving, embedded, bucket):
    misbehaving.upstream = embedded.endpoint_url
    with engine_at(misbehaving.url) as engine:
        engine.probe(bucket, "")
    assert headers_of(misbehaving) == {(None, None)}


def test_making_a_bucket_has_no_owner_to_expect(engine, s3, bucket):
    engine.create_bucket(f"{bucket}-new", "us-east-1")
    assert s3.head_bucket(Bucket=f"{bucket}-new")


def test_a_bucket_of_another_account_is_refused_and_the_message_says_which_was_expected(embedded, bucket, tmp_path):
    (tmp_path / "a").write_bytes(b"a")
    with engine_at(embedded, terms=Terms("999999999999")) as engine:
        (result,) = transfer(engine, put(tmp_path / "a", bucket, "a"), sent=Sent())
    assert isinstance(result.error, AccessDenied)
    assert "Or the bucket does not belong to account 999999999999 (expectedBucketOwner)." in str(result.error)


@boto_only
def test_an_engine_is_made_twice_on_one_client_with_the_same_terms(embedded, bucket):
    with engine_at(embedded, terms=TERMS) as engine:
        again = BotoEngine(engine._client, concurrency=1, on=TERMS)
        assert list(again.list(bucket, "")) == []
