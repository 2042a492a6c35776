"""Objects become other objects on the server's side: which one is copied, what goes with it, and what is said when it cannot."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ropeway.errors import AwsError, Cancelled, IntegrityError, NetworkError
from ropeway.outcome import Cancellation
from ropeway.s3.engine import CustomerKey, Get, Headers, Terms
from tests.s3.boto_kit import (
    FEW_RETRIES,
    NO_RETRIES,
    Sent,
    boto_only,
    copied,
    each_engine,
    engine_at,
    noise,
    put,
    put_in_parts,
    transfer,
    tune,
    well,
)
from tests.servers.misbehaving import Answer, _forwarded, s3_error

pytestmark = each_engine

MIB = 1 << 20
ONE, OTHER = CustomerKey(b"1" * 32), CustomerKey(b"2" * 32)
RESULT = "<CopyObjectResult><ETag>{}</ETag><LastModified>2026-01-01T00:00:00Z</LastModified></CopyObjectResult>"


@pytest.fixture
def in_parts(monkeypatch, engine_kind):
    """Objects of more than 6 MiB are copied in parts of 5 MiB here."""
    tune(monkeypatch, copied=6 * MIB, copied_part=5 * MIB)


@pytest.fixture
def faulty(misbehaving, embedded):
    misbehaving.upstream = embedded.endpoint_url
    return misbehaving


def body_of(s3, bucket, key):
    return s3.get_object(Bucket=bucket, Key=key)["Body"].read()


def keys(s3, bucket):
    return [entry["Key"] for entry in s3.list_objects_v2(Bucket=bucket).get("Contents", [])]


def uploads(s3, bucket):
    return s3.list_multipart_uploads(Bucket=bucket).get("Uploads", [])


@pytest.mark.parametrize("size", [0, 1000, 12 * MIB], ids=["empty", "at once", "in parts"])
def test_a_copy_has_the_bytes_of_its_source_and_headers_of_its_own(server, store, in_parts, size):
    bucket, s3 = store
    data, sent = noise(size), Sent()
    s3.put_object(
        Bucket=bucket, Key="a ü+&.txt", Body=data, CacheControl="no-cache", Metadata={"old": "1"}, Tagging="old=1"
    )
    headers = Headers(content_type="text/html", metadata=(("town", "München"),), tags=(("team", "web site"),))
    with engine_at(server) as engine:
        well(transfer(engine, copied(bucket, "a ü+&.txt", "site/b", data, headers=headers), sent=sent))
        ((_, head),) = engine.heads(bucket, ["site/b"])
        assert list(engine.tags(bucket, ["site/b"])) == [("site/b", (("team", "web site"),))]
    assert body_of(s3, bucket, "site/b") == data
    assert (head.headers.content_type, head.headers.metadata) == ("text/html", (("town", "München"),))
    assert head.headers.cache_control == ""
    assert sent.total == size


def test_a_copy_onto_itself_changes_the_headers_alone(server, store):
    bucket, s3 = store
    s3.put_object(Bucket=bucket, Key="key", Body=b"data", CacheControl="no-cache", Tagging="old=1")
    with engine_at(server) as engine:
        well(transfer(engine, copied(bucket, "key", "key", b"data", headers=Headers(cache_control="max-age=60"))))
        ((_, head),) = engine.heads(bucket, ["key"])
        assert list(engine.tags(bucket, ["key"])) == [("key", ())]
    assert body_of(s3, bucket, "key") == b"data"
    assert head.headers.cache_control == "max-age=60"


def lost(faulty, before):
    """The answer to the first copy, after `before` has been done."""

    def answer(request):
        before(request)
        return Answer(hang_up=True)

    faulty.on(answer, method="PUT", target="key", times=1)


def test_a_copy_onto_itself_whose_answer_was_lost_is_done(faulty, s3, bucket, engine_kind, monkeypatch):
    """Under KMS its ETag is another one by it: the second attempt finds no source with the one that was planned."""
    engine_kind.hurry(monkeypatch)
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    etag = s3.put_object(Bucket=bucket, Key="key", Body=b"data", ServerSideEncryption="aws:kms")["ETag"].strip('"')
    lost(faulty, lambda request: _forwarded(faulty.upstream, request))
    headers, sent = Headers(content_type="text/html", cache_control="max-age=60", sse="aws:kms"), Sent()
    with engine_at(faulty.url, **FEW_RETRIES) as engine:
        (result,) = transfer(
            engine, replace(copied(bucket, "key", "key", b"data", headers=headers), etag=etag), sent=sent
        )
        well([result])
    head = s3.head_object(Bucket=bucket, Key="key")
    assert (head["CacheControl"], head["VersionId"], sent.total) == ("max-age=60", result.version_id, 4)
    assert len(s3.list_object_versions(Bucket=bucket)["Versions"]) == 2


@pytest.mark.parametrize(
    "other",
    [
        {"Body": b"wide", "CacheControl": "no-cache"},
        {"Body": b"longer", "CacheControl": "max-age=60"},
        {"Body": b"wide", "CacheControl": "max-age=60", "Tagging": "by=others"},
    ],
    ids=["headers", "size", "tags"],
)
def test_a_copy_onto_itself_over_what_others_wrote_meanwhile_is_an_error(
    faulty, s3, bucket, engine_kind, monkeypatch, other
):
    engine_kind.hurry(monkeypatch)
    s3.put_object(Bucket=bucket, Key="key", Body=b"data")
    lost(faulty, lambda _: s3.put_object(Bucket=bucket, Key="key", ContentType="text/html", **other))
    headers = Headers(content_type="text/html", cache_control="max-age=60")
    with engine_at(faulty.url, **FEW_RETRIES) as engine:
        (result,) = transfer(engine, copied(bucket, "key", "key", b"data", headers=headers))
    assert "is not the one any more that was there when the copy was planned" in str(result.error)
    assert body_of(s3, bucket, "key") == other["Body"]


def test_what_an_object_is_kept_as_can_change_with_a_copy(embedded, s3, acl_bucket):
    s3.put_object(Bucket=acl_bucket, Key="key", Body=b"data")
    headers = Headers(storage_class="STANDARD_IA", acl="public-read", sse="AES256", website_redirect="/there")
    with engine_at(embedded) as engine:
        well(transfer(engine, copied(acl_bucket, "key", "copy", b"data", headers=headers)))
    head = s3.head_object(Bucket=acl_bucket, Key="copy")
    assert head["StorageClass"] == "STANDARD_IA"
    assert head["ServerSideEncryption"] == "AES256"
    assert head["WebsiteRedirectLocation"] == "/there"
    grants = s3.get_object_acl(Bucket=acl_bucket, Key="copy")["Grants"]
    assert "READ" in [grant["Permission"] for grant in grants if grant["Grantee"].get("URI", "").endswith("AllUsers")]


@pytest.mark.parametrize("size", [1000, 12 * MIB], ids=["at once", "in parts"])
def test_a_copy_can_be_locked(embedded, s3, bucket, in_parts, size):
    locked = f"{bucket}-locked"
    s3.create_bucket(Bucket=locked, ObjectLockEnabledForBucket=True)
    s3.put_object(Bucket=bucket, Key="key", Body=noise(size))
    headers = Headers(lock_mode="GOVERNANCE", lock_until="2099-01-31T00:00:00Z", legal_hold=True)
    with engine_at(embedded) as engine:
        well(transfer(engine, replace(copied(bucket, "key", "copy", noise(size), headers=headers), bucket=locked)))
        ((_, head),) = engine.heads(locked, ["copy"])
    kept = head.headers
    assert (kept.lock_mode, kept.lock_until, kept.legal_hold) == ("GOVERNANCE", "2099-01-31T00:00:00Z", True)


@pytest.mark.parametrize("size", [1000, 12 * MIB], ids=["at once", "in parts"])
def test_an_older_version_is_copied_and_the_new_one_is_told(embedded, s3, bucket, in_parts, size):
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    old = s3.put_object(Bucket=bucket, Key="key", Body=noise(size))["VersionId"]
    s3.put_object(Bucket=bucket, Key="key", Body=b"new")
    with engine_at(embedded) as engine:
        (result,) = transfer(engine, copied(bucket, "key", "key", noise(size), source_version_id=old))
        well([result])
    assert result.version_id == s3.head_object(Bucket=bucket, Key="key")["VersionId"]
    assert result.version_id != old
    assert body_of(s3, bucket, "key") == noise(size)


@pytest.mark.parametrize("size", [1000, 12 * MIB], ids=["at once", "in parts"])
def test_customer_keys_are_of_the_source_the_target_or_both(embedded, bucket, tmp_path, in_parts, size):
    data = noise(size)
    (tmp_path / "file").write_bytes(data)
    with engine_at(embedded) as engine:
        well(transfer(engine, put(tmp_path / "file", bucket, "one", customer_key=ONE)))
        ((_, head),) = engine.heads(bucket, ["one"], ONE)
        work = copied(bucket, "one", "other", data, headers=Headers(customer_key=OTHER), source_customer_key=ONE)
        well(transfer(engine, replace(work, etag=head.etag)))
        ((_, head),) = engine.heads(bucket, ["other"], OTHER)
        well(transfer(engine, Get(bucket, "other", str(tmp_path / "back"), size, head.etag, OTHER)))
    assert (tmp_path / "back").read_bytes() == data


@pytest.mark.parametrize("size", [1000, 12 * MIB], ids=["at once", "in parts"])
def test_a_source_that_is_another_one_by_now_is_not_copied(server, store, in_parts, size):
    bucket, s3 = store
    s3.put_object(Bucket=bucket, Key="key", Body=noise(size, 1))
    with engine_at(server) as engine:
        (result,) = transfer(engine, copied(bucket, "key", "copy", noise(size)))
    assert isinstance(result.error, AwsError)
    assert result.error.code == "PreconditionFailed"
    assert f"Could not copy s3://{bucket}/key to s3://{bucket}/copy: AWS answered PreconditionFailed" in str(
        result.error
    )
    assert "Run again to copy the one that is there now." in str(result.error)
    assert keys(s3, bucket) == ["key"]
    assert uploads(s3, bucket) == []


def test_a_source_that_is_gone_is_an_error_that_names_both(server, store):
    bucket, s3 = store
    with engine_at(server) as engine:
        (result,) = transfer(engine, copied(bucket, "absent", "copy", b""))
    assert isinstance(result.error, AwsError)
    assert f"copy s3://{bucket}/absent to s3://{bucket}/copy" in str(result.error)
    assert keys(s3, bucket) == []


def test_a_copy_in_parts_has_a_checksum_of_the_whole_object(embedded, s3, bucket, in_parts):
    data = noise(12 * MIB)
    s3.put_object(Bucket=bucket, Key="key", Body=data, ChecksumAlgorithm="CRC32")
    with engine_at(embedded) as engine:
        well(transfer(engine, copied(bucket, "key", "copy", data)))
    one, two = (s3.head_object(Bucket=bucket, Key=key, ChecksumMode="ENABLED") for key in ("key", "copy"))
    assert two["ETag"] != one["ETag"]
    assert two["ChecksumType"] == "FULL_OBJECT"
    assert two["ChecksumCRC32"] == one["ChecksumCRC32"]


def test_an_object_that_was_sent_in_parts_is_copied_at_once(server, store):
    bucket, s3 = store
    parts = [noise(5 * MIB, 1), noise(100, 2)]
    put_in_parts(s3, bucket, "key", parts, None, None)
    with engine_at(server) as engine:
        (listed,) = engine.list(bucket, "")
        well(transfer(engine, replace(copied(bucket, "key", "copy", b"".join(parts)), etag=listed.etag)))
    assert body_of(s3, bucket, "copy") == b"".join(parts)


@pytest.mark.parametrize("size", [1000, 12 * MIB], ids=["at once", "in parts"])
def test_an_error_inside_a_200_is_no_copy_and_tried_again(faulty, s3, bucket, in_parts, size):
    s3.put_object(Bucket=bucket, Key="key", Body=noise(size))
    faulty.on(s3_error(200, "InternalError", "We encountered an internal error."), method="PUT", target="copy", times=1)
    with engine_at(faulty.url, **FEW_RETRIES) as engine:
        well(transfer(engine, copied(bucket, "key", "copy", noise(size))))
    assert body_of(s3, bucket, "copy") == noise(size)


def test_an_error_inside_a_200_on_and_on_fails_the_copy(faulty, s3, bucket):
    s3.put_object(Bucket=bucket, Key="key", Body=b"data")
    faulty.on(s3_error(200, "InternalError", "We encountered an internal error."), method="PUT", target="copy")
    with engine_at(faulty.url, **NO_RETRIES) as engine:
        (result,) = transfer(engine, copied(bucket, "key", "copy", b"data"))
    assert "InternalError: We encountered an internal error" in str(result.error)


def test_an_error_that_came_after_many_blanks_and_has_an_etag_is_no_copy(misbehaving):
    error = b"<Error><Code>InvalidRequest</Code><Message>No.</Message><ETag>e</ETag></Error>"
    misbehaving.on(Answer(200, {}, b'<?xml version="1.0"?>' + b" " * 1100 + error))
    with engine_at(misbehaving.url, **NO_RETRIES) as engine:
        (result,) = transfer(engine, copied("bucket", "key", "copy", b"data"))
    assert "InvalidRequest: No." in str(result.error)


def test_what_says_yes_and_is_not_s3_has_copied_nothing(misbehaving):
    misbehaving.on(Answer(200, {"Content-Type": "text/html"}, b"<html>Welcome</html>"))
    with engine_at(misbehaving.url, **NO_RETRIES) as engine, pytest.raises(NetworkError, match="copy s3://bucket/key"):
        transfer(engine, copied("bucket", "key", "copy", b"data"))


def test_a_copy_with_other_bytes_than_its_source_is_an_error(faulty, s3, bucket):
    s3.put_object(Bucket=bucket, Key="key", Body=b"data")
    faulty.on(Answer(200, body=RESULT.format('"' + "0" * 32 + '"').encode()), method="PUT", target="copy")
    with engine_at(faulty.url, **NO_RETRIES) as engine:
        (result,) = transfer(engine, copied(bucket, "key", "copy", b"data"))
    assert isinstance(result.error, IntegrityError)
    assert f"s3://{bucket}/copy is no copy of s3://{bucket}/key" in str(result.error)


def test_a_source_under_kms_has_another_etag_than_its_copy_and_that_is_no_error(embedded, s3, bucket):
    etag = s3.put_object(Bucket=bucket, Key="key", Body=b"data", ServerSideEncryption="aws:kms")["ETag"].strip('"')
    work = copied(bucket, "key", "copy", b"data", headers=Headers(sse="AES256"))
    with engine_at(embedded) as engine:
        well(transfer(engine, replace(work, etag=etag)))
    assert s3.head_object(Bucket=bucket, Key="copy")["ETag"].strip('"') != etag


@boto_only
def test_a_store_that_does_not_know_the_condition_is_checked_by_the_etags(faulty, s3, bucket):
    def unconditionally(request):
        headers = {name: value for name, value in request.headers.items() if name != "x-amz-copy-source-if-match"}
        return _forwarded(faulty.upstream, replace(request, headers=headers))

    s3.put_object(Bucket=bucket, Key="key", Body=b"other")
    faulty.on(unconditionally, method="PUT")
    with engine_at(faulty.url, **NO_RETRIES) as engine:
        (result,) = transfer(engine, copied(bucket, "key", "copy", b"data"))
        well(transfer(engine, copied(bucket, "key", "good", b"other")))
    assert isinstance(result.error, AwsError)
    assert result.error.code == "PreconditionFailed"


def test_owner_and_payer_are_said_of_both_ends(faulty, s3, bucket, in_parts):
    s3.put_object(Bucket=bucket, Key="key", Body=noise(12 * MIB))
    s3.put_object(Bucket=bucket, Key="small", Body=b"small")
    with engine_at(faulty.url, terms=Terms("123456789012", requester_pays=True)) as engine:
        well(transfer(engine, copied(bucket, "key", "c1", noise(12 * MIB)), copied(bucket, "small", "c2", b"small")))
    asked = [request.headers for request in faulty.requests if "x-amz-copy-source" in request.headers]
    assert len(asked) == 4
    assert {headers["x-amz-source-expected-bucket-owner"] for headers in asked} == {"123456789012"}
    assert {request.headers["x-amz-expected-bucket-owner"] for request in faulty.requests} == {"123456789012"}
    assert {headers["x-amz-request-payer"] for headers in asked} == {"requester"}


def test_a_cancelled_copy_leaves_no_parts(embedded, s3, bucket, in_parts):
    s3.put_object(Bucket=bucket, Key="key", Body=noise(12 * MIB))
    cancellation = Cancellation()
    with engine_at(embedded, concurrency=1) as engine, pytest.raises(Cancelled, match="enough"):
        list(
            engine.transfer(
                [copied(bucket, "key", "copy", noise(12 * MIB))], lambda _: cancellation.ask("enough"), cancellation
            )
        )
    assert uploads(s3, bucket) == []
    assert keys(s3, bucket) == ["key"]


def test_a_part_that_cannot_be_copied_aborts_the_rest(faulty, s3, bucket, in_parts):
    s3.put_object(Bucket=bucket, Key="key", Body=noise(12 * MIB))
    faulty.on(s3_error(403, "AccessDenied"), method="PUT", target="partNumber=2")
    with engine_at(faulty.url, **NO_RETRIES) as engine:
        (result,) = transfer(engine, copied(bucket, "key", "copy", noise(12 * MIB)))
    assert "The identity needs s3:GetObject and s3:PutObject" in str(result.error)
    assert uploads(s3, bucket) == []
