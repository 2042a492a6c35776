"""Headers and heads in boto3's words."""

from dataclasses import replace
from datetime import datetime, timedelta, timezone

import botocore.session
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ropeway.s3.boto.parameters import of_headers, of_put, to_head
from ropeway.s3.engine import CustomerKey, Headers, Put

FULL = Headers(
    content_type="text/html; charset=utf-8",
    cache_control="no-cache",
    content_encoding="gzip",
    content_disposition="inline",
    content_language="de",
    metadata=(("build", "7"), ("town", "München")),
    tags=(("team", "web & more"), ("cost", "a=b")),
    storage_class="STANDARD_IA",
    acl="public-read",
    sse="aws:kms",
    kms_key_id="alias/site",
    expires="Wed, 01 Jan 2020 00:00:00 GMT",
    website_redirect="/other",
    customer_key=CustomerKey(b"k" * 32),
    lock_mode="GOVERNANCE",
    lock_until="2099-01-01T00:00:00Z",
    legal_hold=True,
)


def test_every_header_is_sent_under_its_name():
    assert of_headers(FULL) == {
        "ContentType": "text/html; charset=utf-8",
        "CacheControl": "no-cache",
        "ContentEncoding": "gzip",
        "ContentDisposition": "inline",
        "ContentLanguage": "de",
        "Metadata": {"build": "7", "town": "=?utf-8?q?M=C3=BCnchen?="},
        "Tagging": "team=web%20%26%20more&cost=a%3Db",
        "StorageClass": "STANDARD_IA",
        "ACL": "public-read",
        "ServerSideEncryption": "aws:kms",
        "SSEKMSKeyId": "alias/site",
        "Expires": "Wed, 01 Jan 2020 00:00:00 GMT",
        "WebsiteRedirectLocation": "/other",
        "SSECustomerAlgorithm": "AES256",
        "SSECustomerKey": b"k" * 32,
        "ObjectLockMode": "GOVERNANCE",
        "ObjectLockRetainUntilDate": "2099-01-01T00:00:00Z",
        "ObjectLockLegalHoldStatus": "ON",
    }


def test_both_ways_of_sending_know_every_header():
    model = botocore.session.get_session().get_service_model("s3")
    for operation in ("PutObject", "CreateMultipartUpload"):
        assert set(of_headers(FULL)) <= set(model.operation_model(operation).input_shape.members)


def test_an_empty_header_is_not_sent():
    assert of_headers(Headers()) == {}


@given(st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1).filter(lambda text: "=?" not in text))
def test_metadata_in_any_script_comes_back_as_it_was(text):
    sent = of_headers(Headers(metadata=(("name", text),)))["Metadata"]
    assert sent["name"].isascii()
    assert to_head({"ContentLength": 0, "Metadata": sent}).headers.metadata == (("name", text),)


@pytest.mark.parametrize("value", ["=?moon?B?YWJj?=", "=?utf-8?B?/////w==?=", "=?utf-8?q?=ff?=", "=?utf-8?B?YWJjZ?="])
def test_metadata_that_only_look_encoded_stay_as_they_are(value):
    metadata = {"foreign": value}
    assert to_head({"ContentLength": 0, "Metadata": metadata}).headers.metadata == (("foreign", value),)


def test_names_of_metadata_are_lower_case_however_a_store_writes_them():
    assert to_head({"ContentLength": 0, "Metadata": {"Build": "7"}}).headers.metadata == (("build", "7"),)


@given(st.text(st.sampled_from("=?utf-8moonBQbq/+_ae1 "), max_size=40))
def test_no_metadata_break_a_head(text):
    to_head({"ContentLength": 0, "Metadata": {"foreign": f"=?{text}"}})


def test_a_head_tells_size_etag_headers_and_checksums():
    head = to_head(
        {
            "ContentLength": 7,
            "ETag": '"abc"',
            "ContentType": "text/css",
            "Metadata": {"b": "2", "a": "1"},
            "TagCount": 2,
            "ChecksumCRC32": "AAAAAA==",
            "ChecksumType": "FULL_OBJECT",
            "ServerSideEncryption": "AES256",
            "Restore": 'ongoing-request="true"',
            "ObjectLockMode": "COMPLIANCE",
            "ObjectLockRetainUntilDate": datetime(2099, 1, 1, 1, tzinfo=timezone(timedelta(hours=1))),
            "ObjectLockLegalHoldStatus": "ON",
            "LastModified": datetime(2026, 1, 1, tzinfo=timezone.utc),
            "VersionId": "v1",
        }
    )
    assert head.size == 7
    assert head.etag == "abc"
    assert head.headers == Headers(
        content_type="text/css",
        metadata=(("a", "1"), ("b", "2")),
        sse="AES256",
        lock_mode="COMPLIANCE",
        lock_until="2099-01-01T00:00:00Z",
        legal_hold=True,
    )
    assert (head.modified, head.version_id) == (1767225600.0, "v1")
    assert (head.tag_count, head.restore) == (2, 'ongoing-request="true"')
    assert (head.checksums, head.checksum_type) == ((("CRC32", "AAAAAA=="),), "FULL_OBJECT")


def test_the_time_of_a_file_goes_into_the_metadata_when_it_is_to_be_kept():
    put = Put("a", "shop", "a", 1, 1_712_345_678_500_000_000, Headers(metadata=(("build", "7"),)), keep_modified=True)
    assert of_put(put)["Metadata"] == {"build": "7", "mtime": "1712345678.5"}
    assert of_put(replace(put, keep_modified=False))["Metadata"] == {"build": "7"}
