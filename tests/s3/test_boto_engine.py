"""Listing, looking, tags, probing and making buckets."""

import pytest

from ropeway.errors import AwsError, BucketMissing, Cancelled, CredentialsError, NetworkError, RopewayError
from ropeway.outcome import Cancellation
from tests.s3.boto_kit import NO_RETRIES, each_engine, engine_at, tune, until_no_request_is_left
from tests.servers.cable import cable
from tests.servers.misbehaving import Answer, s3_error, together

pytestmark = each_engine


@pytest.fixture
def engine(embedded, engine_kind):
    with engine_at(embedded) as engine:
        yield engine


def test_a_listing_has_what_begins_with_the_prefix_in_key_order(engine, s3, bucket):
    keys = [f"site/{number:03}" for number in range(25)]
    for key in [*keys, "sitemap", "other"]:
        s3.put_object(Bucket=bucket, Key=key, Body=key.encode(), StorageClass="STANDARD_IA")
    listed = list(engine.list(bucket, "site/"))
    assert [entry.key for entry in listed] == keys
    assert listed[0].size == len("site/000")
    assert listed[0].storage_class == "STANDARD_IA"
    assert listed[0].etag == s3.head_object(Bucket=bucket, Key="site/000")["ETag"].strip('"')
    assert listed[0].modified == s3.head_object(Bucket=bucket, Key="site/000")["LastModified"].timestamp()


def test_pages_are_fetched_as_they_are_wanted(misbehaving):
    misbehaving.on(page("b", "c"), target="continuation-token=after-a")
    misbehaving.on(page("a", more="after-a"))
    with engine_at(misbehaving.url) as engine:
        listed = engine.list("bucket", "")
        assert next(listed).key == "a"
        assert len(misbehaving.requests) == 1
        assert [entry.key for entry in listed] == ["b", "c"]
        assert len(misbehaving.requests) == 2


def page(*keys, more=""):
    entry = "<Contents><Key>{}</Key><Size>1</Size><LastModified>2020-01-01T00:00:00Z</LastModified></Contents>"
    token = f"<IsTruncated>true</IsTruncated><NextContinuationToken>{more}</NextContinuationToken>" if more else ""
    return Answer(body=f"<ListBucketResult>{token}{''.join(map(entry.format, keys))}</ListBucketResult>".encode())


@pytest.mark.parametrize("more", ["", "<NextMarker>a</NextMarker>"])
def test_a_listing_that_breaks_off_is_not_taken_for_all_there_is(misbehaving, more):
    """Botocore takes it for the last page; some older stores know markers alone."""
    one = page("a").body.decode()
    misbehaving.on(Answer(body=one.replace("<Contents>", f"<IsTruncated>true</IsTruncated>{more}<Contents>").encode()))
    with engine_at(misbehaving.url) as engine:
        listed = engine.list("bucket", "")
        assert next(listed).key == "a"
        with pytest.raises(AwsError, match=r"Could not list s3://bucket/: .*there are more objects than it listed"):
            next(listed)


@pytest.mark.parametrize("said", ["TRUE", "1", ""])
def test_a_listing_that_may_go_on_is_not_taken_for_all_there_is(misbehaving, said):
    more = f"<IsTruncated>{said}</IsTruncated><NextContinuationToken>b</NextContinuationToken><Contents>"
    misbehaving.on(Answer(body=page("a").body.decode().replace("<Contents>", more).encode()))
    with (
        engine_at(misbehaving.url, **NO_RETRIES) as engine,
        pytest.raises(NetworkError, match=rf"not from S3 \(IsTruncated is '{said}'\)"),
    ):
        list(engine.list("bucket", ""))


@pytest.mark.parametrize("key", ["other/secret", ""])
def test_what_was_not_asked_for_is_not_listed(misbehaving, key):
    """A download would name it by what comes after the prefix; what is gone from a folder would be deleted."""
    misbehaving.on(page("mine/a", key))
    with engine_at(misbehaving.url) as engine, pytest.raises(NetworkError, match=f"not from S3 .it lists '{key}'"):
        list(engine.list("bucket", "mine/"))


def test_a_listing_that_goes_round_in_circles_has_an_end(misbehaving):
    misbehaving.on(page("a", more="same"))
    with engine_at(misbehaving.url) as engine, pytest.raises(RopewayError):
        list(engine.list("bucket", ""))
    assert len(misbehaving.requests) == 2


@pytest.mark.parametrize("body", [b"", b"<html><body>Welcome</body></html>"], ids=["nothing", "a page"])
@pytest.mark.parametrize("ask", ["list", "probe"])
def test_what_answers_yes_and_is_no_listing_is_no_empty_bucket(misbehaving, ask, body):
    misbehaving.on(Answer(200, {"Content-Type": "text/html"}, body))
    with engine_at(misbehaving.url) as engine, pytest.raises(NetworkError, match="says yes, but not from S3"):
        list(getattr(engine, ask)("bucket", "") or ())


def test_an_empty_bucket_lists_nothing_and_can_be_probed(engine, bucket):
    assert list(engine.list(bucket, "")) == []
    assert engine.probe(bucket, "site/") is None


@pytest.mark.parametrize("ask", ["list", "probe"])
def test_a_bucket_that_is_not_there_is_said_to_be_missing(engine, ask):
    with pytest.raises(
        BucketMissing, match=r"Could not list s3://ropeway-absent-bucket/site/: AWS answered NoSuchBucket"
    ):
        list(getattr(engine, ask)("ropeway-absent-bucket", "site/") or ())


def test_heads_tell_of_each_key_and_none_of_those_that_are_not_there(engine, s3, bucket):
    for number in range(20):
        s3.put_object(Bucket=bucket, Key=str(number), Body=b"x" * number, ChecksumAlgorithm="CRC32")
    heads = dict(engine.heads(bucket, [str(number) for number in range(30)]))
    assert {key: head.size for key, head in heads.items() if head} == {str(number): number for number in range(20)}
    assert {key for key, head in heads.items() if head is None} == {str(number) for number in range(20, 30)}
    assert heads["0"].checksums == (("CRC32", "AAAAAA=="),)


def test_heads_are_asked_for_many_at_a_time(misbehaving, embedded, bucket):
    misbehaving.on(together(8, s3_error(404, "NoSuchKey")), method="HEAD")
    with engine_at(misbehaving.url, concurrency=8) as engine:
        assert len(list(engine.heads(bucket, [str(number) for number in range(16)]))) == 16
    assert misbehaving.peak == 8


def test_an_error_that_is_not_absence_is_raised_from_heads(misbehaving):
    misbehaving.on(s3_error(403, "AccessDenied"), method="HEAD")
    with engine_at(misbehaving.url, **NO_RETRIES) as engine, pytest.raises(AwsError, match="look at s3://bucket/key"):
        list(engine.heads("bucket", ["key"]))


@pytest.mark.parametrize("status", [200, 404])
def test_a_web_page_is_neither_an_object_nor_the_absence_of_one(misbehaving, status):
    """As a captive portal answers, or a web server at a wrong address."""
    misbehaving.on(Answer(status, {"Content-Type": "text/html; charset=utf-8"}, b"<html>Welcome</html>"))
    with engine_at(misbehaving.url, **NO_RETRIES) as engine, pytest.raises(NetworkError, match="not from S3"):
        list(engine.heads("bucket", ["key"]))


def test_a_head_without_a_length_is_none(misbehaving):
    misbehaving.on(Answer(200, {"ETag": '"e"', "Transfer-Encoding": "chunked"}), method="HEAD")
    with engine_at(misbehaving.url, **NO_RETRIES) as engine, pytest.raises(NetworkError, match="no Content-Length"):
        list(engine.heads("bucket", ["key"]))


def test_a_web_page_that_says_yes_has_made_no_bucket(misbehaving):
    misbehaving.on(Answer(200, {"Content-Type": "text/html"}, b"<html>Welcome</html>"))
    with engine_at(misbehaving.url, **NO_RETRIES) as engine, pytest.raises(NetworkError, match="not from S3"):
        engine.create_bucket("bucket", "eu-west-1")


def test_tags_come_sorted(engine, s3, bucket):
    s3.put_object(Bucket=bucket, Key="key", Body=b"", Tagging="b=2&a=1")
    assert dict(engine.tags(bucket, ["key"])) == {"key": (("a", "1"), ("b", "2"))}


@pytest.mark.parametrize("region", ["us-east-1", "eu-central-1"])
def test_a_bucket_is_made_in_its_region_and_making_it_again_is_fine(embedded, s3, bucket, region):
    name = f"{bucket}-{region}"
    with engine_at(embedded, region=region) as engine:
        engine.create_bucket(name, region)
        engine.create_bucket(name, region)
    assert s3.get_bucket_location(Bucket=name)["LocationConstraint"] == (None if region == "us-east-1" else region)


def test_a_bucket_of_somebody_else_is_an_error_that_says_which_call_failed(misbehaving):
    misbehaving.on(s3_error(409, "BucketAlreadyExists", "The requested bucket name is not available."), method="PUT")
    with engine_at(misbehaving.url) as engine, pytest.raises(AwsError) as failure:
        engine.create_bucket("taken", "us-east-1")
    assert "create the bucket taken in us-east-1 (CreateBucket): AWS answered BucketAlreadyExists" in str(failure.value)
    assert "choose another name" in str(failure.value)


@pytest.mark.parametrize("times", [1, 100])
def test_a_bucket_that_somebody_else_makes_at_this_moment_is_waited_for(
    misbehaving, embedded, s3, bucket, monkeypatch, times
):
    tune(monkeypatch, busy=(0.01, 0.01))
    misbehaving.upstream = embedded.endpoint_url
    misbehaving.on(s3_error(409, "OperationAborted"), method="PUT", times=times)
    with engine_at(misbehaving.url) as engine:
        if times == 1:
            engine.create_bucket(f"{bucket}-new", "us-east-1")
            assert s3.head_bucket(Bucket=f"{bucket}-new")
        else:
            with pytest.raises(AwsError, match="OperationAborted"):
                engine.create_bucket(f"{bucket}-new", "us-east-1")
    assert len(misbehaving.requests) == min(times, 2) + 1


def test_credentials_that_are_refused_are_raised_from_any_of_them(misbehaving):
    misbehaving.on(s3_error(403, "InvalidAccessKeyId"))
    with engine_at(misbehaving.url, **NO_RETRIES) as engine:
        for ask in (
            lambda: list(engine.list("bucket", "")),
            lambda: engine.probe("bucket", ""),
            lambda: list(engine.tags("bucket", ["key"])),
            lambda: engine.create_bucket("bucket", "us-east-1"),
        ):
            with pytest.raises(CredentialsError):
                ask()


def test_an_endpoint_that_is_not_there_is_a_matter_of_the_network():
    with engine_at("http://127.0.0.1:9", **NO_RETRIES) as engine, pytest.raises(NetworkError, match=r"127\.0\.0\.1:9"):
        list(engine.heads("bucket", ["key"]))


@pytest.mark.parametrize(
    "ask",
    [
        lambda engine, bucket, cancellation: engine.list(bucket, "", cancellation=cancellation),
        lambda engine, bucket, cancellation: engine.heads(bucket, ["a", "b"], cancellation=cancellation),
    ],
    ids=["list", "heads"],
)
def test_reading_can_be_cancelled_while_the_network_is_stuck(embedded, bucket, monkeypatch, ask):
    tune(monkeypatch, grace=0.2)
    cancellation = Cancellation()
    with cable(embedded.endpoint_url) as line, engine_at(line.url, **NO_RETRIES) as engine:
        line.dead("down", after=0)
        found = ask(engine, bucket, cancellation)
        cancellation.ask("enough")
        with pytest.raises(Cancelled, match="enough"):
            list(found)
    until_no_request_is_left()
