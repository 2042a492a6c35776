"""A bucket that has to be made first."""

from __future__ import annotations

import pytest

from ropeway.errors import BucketMissing, Cancelled
from ropeway.outcome import Run
from ropeway.s3 import buckets
from ropeway.s3.buckets import make, name_problem
from tests.s3.boto_kit import NO_RETRIES, each_engine, engine_at
from tests.servers.misbehaving import Answer, s3_error

pytestmark = each_engine

MISSING = s3_error(404, "NoSuchBucket")
EMPTY = Answer(200, body=b"<ListBucketResult><Name>new-bucket</Name><KeyCount>0</KeyCount></ListBucketResult>")


@pytest.fixture(autouse=True)
def soon(monkeypatch):
    monkeypatch.setattr(buckets, "PAUSES", (0.01, 0.01, 0.01))


@pytest.mark.parametrize("name", ["abc", "a.b-c", "1site", "x" * 63])
def test_names_that_s3_takes(name):
    assert name_problem(name) == ""


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("ab", "3 to 63"),
        ("x" * 64, "3 to 63"),
        ("Site", "lower-case"),
        ("my_site", "lower-case"),
        ("-site", "at either end"),
        ("site.", "at either end"),
        ("a..b", "two dots"),
        ("192.168.5.4", "IP address"),
        ("xn--site", "xn--…"),
        ("site-s3alias", "…-s3alias"),
        ("site--x-s3", "…--x-s3"),
        ("arn:aws:s3:eu-west-1:123456789012:accesspoint/site", "access point"),
    ],
)
def test_names_that_it_does_not_take(name, why):
    assert why in name_problem(name)


def made(server, run):
    with engine_at(server.url, **NO_RETRIES) as engine:
        make(engine, "new-bucket", "us-east-1", run, object_lock=False)


def test_a_bucket_that_was_made_is_waited_for(misbehaving):
    misbehaving.on(Answer(200), method="PUT")
    misbehaving.on(MISSING, method="GET", times=2)
    misbehaving.on(EMPTY, method="GET")
    made(misbehaving, Run())
    assert [request.method for request in misbehaving.requests] == ["PUT", "GET", "GET", "GET"]


def test_one_that_never_appears_is_an_error_after_a_while(misbehaving):
    misbehaving.on(Answer(200), method="PUT")
    misbehaving.on(MISSING, method="GET")
    with pytest.raises(BucketMissing):
        made(misbehaving, Run())
    assert len(misbehaving.requests) == 5


def test_who_may_not_list_it_does_not_wait(misbehaving):
    misbehaving.on(Answer(200), method="PUT")
    misbehaving.on(s3_error(403, "AccessDenied"), method="GET")
    made(misbehaving, Run())
    assert len(misbehaving.requests) == 2


def test_waiting_ends_with_the_task(misbehaving, monkeypatch):
    monkeypatch.setattr(buckets, "PAUSES", (60,))
    run = Run()

    def asked(_):
        run.cancellation.ask("enough")
        return MISSING

    misbehaving.on(Answer(200), method="PUT")
    misbehaving.on(asked, method="GET")
    with pytest.raises(Cancelled, match="enough"):
        made(misbehaving, run)
