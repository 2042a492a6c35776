"""A call on its way: clocks, credentials that are renewed, pauses, tokens, and where a redirect may lead."""

import time
import traceback
from calendar import timegm
from dataclasses import replace
from email.utils import formatdate

import pytest

from ropeway.aws.connection import AwsInputs
from ropeway.aws.session import connect
from ropeway.errors import AwsError, CredentialsError, RopewayError
from ropeway.s3.engine import Terms
from ropeway.s3.wire import WireEngine, retries
from ropeway.s3.wire.headers import http_time
from ropeway.s3.wire.retries import CAPACITY, COST, Tokens, pause
from ropeway.s3.wire.store import Place, Store
from ropeway.wire.level import Level
from ropeway.wire.sigv4 import Credentials
from tests.s3.boto_kit import CONNECTION
from tests.servers.misbehaving import Answer, s3_error

PAGE = Answer(body=b"<ListBucketResult><IsTruncated>false</IsTruncated><Name>b</Name></ListBucketResult>")


def engine_of(server, credentials=None, attempts=3, renew=lambda: None):
    aws = connect(AwsInputs(endpoint_url=server.url, region_name="us-east-1"), CONNECTION)

    def address(bucket):
        found = replace(aws.s3(bucket), attempts=attempts)
        return replace(found, credentials=credentials, renew=renew) if credentials else found

    return WireEngine(address, concurrency=4, on=Terms())


@pytest.fixture(autouse=True)
def hurried(monkeypatch):
    monkeypatch.setattr(retries, "LONGEST", 0.0)


def test_a_clock_that_is_wrong_is_set_by_the_stores_and_stays_set(misbehaving):
    skewed = s3_error(403, "RequestTimeTooSkewed", "The difference is too large.")
    skewed.headers["Date"] = formatdate(time.time() + 7200, usegmt=True)
    misbehaving.on(skewed, times=1)
    misbehaving.on(PAGE)
    engine = engine_of(misbehaving)
    assert [list(engine.list("bucket", "")) for _ in range(2)] == [[], []]
    dates = [request.headers["x-amz-date"] for request in misbehaving.requests]
    assert len(dates) == 3
    assert dates[1] > dates[0]
    assert dates[2] >= dates[1]


def test_a_clock_that_is_wrong_is_set_for_all_that_are_under_way(misbehaving):
    ahead = 7200

    def answer(request):
        signed = timegm(time.strptime(request.headers["x-amz-date"], "%Y%m%dT%H%M%SZ"))
        if abs(time.time() + ahead - signed) < 900:
            return Answer(body=b"<Tagging><TagSet/></Tagging>")
        skewed = s3_error(403, "RequestTimeTooSkewed", "The difference is too large.", delay=0.1)
        skewed.headers["Date"] = formatdate(time.time() + ahead, usegmt=True)
        return skewed

    misbehaving.on(answer)
    assert len(list(engine_of(misbehaving).tags("bucket", [f"key{number}" for number in range(20)]))) == 20


def test_a_store_that_finds_every_clock_wrong_is_told_so_once(misbehaving):
    misbehaving.on(s3_error(403, "RequestTimeTooSkewed", "The difference is too large."))
    with pytest.raises(CredentialsError, match="RequestTimeTooSkewed"):
        list(engine_of(misbehaving).list("bucket", ""))
    assert len(misbehaving.requests) == 1


def test_credentials_that_were_renewed_meanwhile_are_tried(misbehaving):
    keys = [Credentials("AKIAOLD", "s")]

    def expired(_):
        keys.append(Credentials("AKIANEW", "s"))
        return s3_error(400, "ExpiredToken", "The provided token has expired.")

    misbehaving.on(expired, times=1)
    misbehaving.on(PAGE)
    assert list(engine_of(misbehaving, lambda: keys[-1]).list("bucket", "")) == []
    assert ["AKIANEW" in request.headers["authorization"] for request in misbehaving.requests] == [False, True]


def test_credentials_that_the_store_calls_expired_are_renewed_once_for_all_that_are_under_way(misbehaving):
    keys = [Credentials("AKIAOLD", "s")]

    def answer(request):
        old = "AKIAOLD" in request.headers["authorization"]
        return (
            s3_error(400, "ExpiredToken", "The provided token has expired.")
            if old
            else Answer(body=b"<Tagging><TagSet/></Tagging>")
        )

    misbehaving.on(answer)
    engine = engine_of(misbehaving, lambda: keys[-1], renew=lambda: keys.append(Credentials("AKIANEW", "s")))
    assert len(list(engine.tags("bucket", [f"key{number}" for number in range(20)]))) == 20
    assert len(keys) == 2


def test_credentials_that_stay_expired_are_not_tried_again(misbehaving):
    misbehaving.on(s3_error(400, "ExpiredToken", "The provided token has expired."))
    with pytest.raises(CredentialsError, match="ExpiredToken"):
        list(engine_of(misbehaving).list("bucket", ""))
    assert len(misbehaving.requests) == 1


def test_a_store_that_is_asked_too_much_is_asked_again(misbehaving):
    """By the status that all servers know: R2 and gateways have it, and not always S3's words."""
    misbehaving.on(Answer(429, body=b"Too many requests"), times=2)
    misbehaving.on(PAGE)
    assert list(engine_of(misbehaving).list("bucket", "")) == []


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_what_passes_is_tried_as_often_as_was_asked_for(misbehaving, status):
    misbehaving.on(s3_error(status, "InternalError"))
    with pytest.raises(AwsError):
        list(engine_of(misbehaving, attempts=4).list("bucket", ""))
    assert len(misbehaving.requests) == 4


@pytest.mark.parametrize("code", ["AccessDenied", "NoSuchBucket", "InvalidRequest"])
def test_what_stays_is_asked_once(misbehaving, code):
    misbehaving.on(s3_error(400, code))
    with pytest.raises(RopewayError):
        list(engine_of(misbehaving).list("bucket", ""))
    assert len(misbehaving.requests) == 1


def test_the_owner_and_who_pays_are_said_with_every_request_but_that_which_makes_the_bucket(misbehaving):
    misbehaving.on(PAGE, method="GET")
    misbehaving.on(Answer(200), method="PUT")
    aws = connect(AwsInputs(endpoint_url=misbehaving.url, region_name="us-east-1"), CONNECTION)
    engine = WireEngine(aws.s3, concurrency=1, on=Terms("123456789012", requester_pays=True))
    engine.probe("bucket", "")
    engine.create_bucket("bucket", "us-east-1")
    said = [
        {"x-amz-expected-bucket-owner", "x-amz-request-payer"} <= set(each.headers) for each in misbehaving.requests
    ]
    assert said == [True, False]


# --- pauses and tokens ---------------------------------------------------------------------------------------------------


def test_pauses_grow_and_have_an_end(monkeypatch):
    monkeypatch.setattr(retries, "LONGEST", 20.0)
    monkeypatch.setattr(retries.random, "random", lambda: 1.0)
    assert [pause(attempt, {}) for attempt in (1, 2, 3, 5, 9)] == [1.0, 2.0, 4.0, 16.0, 20.0]


@pytest.mark.parametrize(
    ("asked", "least"),
    [("7", 7.0), ("999", 20.0), ("3600", 20.0), ("soon", 0.0), ("-1", 0.0), ("", 0.0), ("\xb2", 0.0)],
)
def test_no_pause_is_shorter_than_the_server_asks_for_within_reason(monkeypatch, asked, least):
    monkeypatch.setattr(retries, "LONGEST", 20.0)
    monkeypatch.setattr(retries.random, "random", lambda: 0.0)
    assert pause(1, {"retry-after": asked}) == least


def test_tokens_come_to_an_end_and_come_back_with_success():
    tokens = Tokens()
    assert sum(tokens.take(COST) for _ in range(1000)) == CAPACITY // COST
    for _ in range(COST):
        tokens.give_back(0)
    assert [tokens.take(COST), tokens.take(COST)] == [True, False]


# --- redirects -----------------------------------------------------------------------------------------------------------

AWS, REGIONAL = "https://new.s3.eu-west-1.amazonaws.com", "https://new.s3-eu-west-1.amazonaws.com/key"


@pytest.mark.parametrize(
    ("at", "location", "followed"),
    [
        (AWS, REGIONAL, True),
        (AWS, "https://evil.example/key", False),
        (AWS, "https://amazonaws.com.evil.example/key", False),
        (AWS, "https://old.s3.eu-west-1.amazonaws.com/key", False),
        (AWS, "https://ec2-203-0-113-1.compute-1.amazonaws.com/key", False),
        (AWS, "https://new.execute-api.eu-west-1.amazonaws.com/key", False),
        (AWS, "https://evil.example\\.amazonaws.com/key", False),
        (AWS, "https://new.s3.eu-west-1.amazonaws.com:8443/key", False),
        (AWS, "https://who@new.s3.eu-west-1.amazonaws.com/key", False),
        (AWS, "https://[::1/key", False),
        (AWS, "http://new.s3-eu-west-1.amazonaws.com/key", False),
        (AWS, "", False),
        (AWS, "/key", False),
        ("http://127.0.0.1:9000", "http://127.0.0.1:9001/key", False),
        ("https://store.example", REGIONAL, False),
    ],
)
def test_a_redirect_leads_from_aws_to_aws_and_nowhere_else(at, location, followed):
    aws = connect(AwsInputs(endpoint_url="http://127.0.0.1:9", region_name="eu-west-1"), CONNECTION)
    store = Store(lambda bucket: replace(aws.s3(bucket), url=at), Terms(), True, Level(1))
    there = store.place("new").moved(location)
    assert (there is not None) is followed
    if there:
        assert isinstance(there, Place)
        assert there.origin.name == "new.s3-eu-west-1.amazonaws.com"


# --- times -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seconds", [0, 951782400, 1709164800, 1767225599, 4102444800])
def test_a_date_is_read_as_it_is_written(seconds):
    assert http_time(formatdate(seconds, usegmt=True)) == seconds


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yesterday",
        "Sat, 01 Jan 0000 00:00:00 GMT",
        "Sun, 06 Nov 1994",
        "Sun, 06 Foo 1994 08:49:37 GMT",
        "1994-11-06T08:49:37Z",
    ],
)
def test_what_is_no_date_is_no_time(text):
    assert http_time(text) == 0.0


def test_what_s3_quotes_of_a_request_is_in_no_trace_of_a_crash(misbehaving):
    quoted = {"CanonicalRequest": "x-amz-security-token:QUOTEDTOKEN"}
    misbehaving.on(s3_error(403, "SignatureDoesNotMatch", **quoted))
    with pytest.raises(RopewayError) as failure:
        list(engine_of(misbehaving).list("bucket", ""))
    refused = failure.value.__cause__
    assert refused.document.top["CanonicalRequest"].endswith("QUOTEDTOKEN")
    shown = "".join(traceback.format_exception(failure.type, failure.value, failure.tb))
    assert "QUOTEDTOKEN" not in f"{shown} {refused!r} {refused.answer!r}"
    assert "Refused: 403" in shown


def test_words_without_an_end_are_told_in_part(misbehaving):
    misbehaving.on(s3_error(403, "AccessDenied", "no " * 100_000))
    with pytest.raises(AwsError) as failure:
        list(engine_of(misbehaving).list("bucket", ""))
    assert "AccessDenied: no no no" in str(failure.value)
    assert len(str(failure.value)) < 2_000
