"""The kind `s3-object`, asked of objects in the embedded AWS."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import json
from collections.abc import Callable
from typing import Any

import pytest

from ropeway.aws.session import Aws
from ropeway.checks.finding import Finding
from ropeway.checks.kinds import s3_object
from ropeway.checks.kinds.s3_object import KIND, s3_address
from ropeway.checks.nodes import Mistakes
from tests.checks.asking import ask, settings_of

BODY = b"<h1>Welcome</h1>"
SHA256 = hashlib.sha256(BODY).hexdigest()


@pytest.fixture
def asked(aws: Aws, s3: Any, bucket: str) -> Callable[..., Finding]:
    s3.put_object(
        Bucket=bucket,
        Key="site/index.html",
        Body=BODY,
        ContentType="text/html; charset=utf-8",
        CacheControl="no-cache, public",
        Metadata={"release": "42"},
        StorageClass="STANDARD_IA",
        ChecksumAlgorithm="SHA256",
    )

    def question(key: str = "site/index.html", **given: Any) -> Finding:
        return ask(KIND, json.dumps({"object": f"s3://{bucket}/{key}", **given}), aws, timeout=20)

    return question


def test_an_object_that_is_there_passes(asked):
    finding = asked()

    assert (finding.verdict, finding.expected) == ("pass", "an object")
    assert finding.got == "one of 16 bytes, text/html; charset=utf-8"
    assert finding.request_ids


PASSES = [
    {"size": 16, "minSize": "1 bytes", "maxSize": "1 KB"},
    {"headers": {"Content-Type": "text/html; charset=utf-8", "cache-control": {"contains": "no-cache"}}},
    {"headers": {"content-encoding": {"absent": True}, "x-amz-storage-class": {"matches": "_IA$"}}},
    {"metadata": {"Release": "42", "commit": {"absent": True}}},
    {"sha256": SHA256},
    {"sha256": base64.b64encode(bytes.fromhex(SHA256)).decode()},
    {"maxAge": "1h", "minAge": "0"},
]


@pytest.mark.parametrize("given", PASSES, ids=str)
def test_what_is_expected_of_an_object_passes(asked, given: Any):
    finding = asked(**given)
    assert finding.verdict == "pass", finding


FAILS = [
    ({"size": 17}, "17 bytes", "16 bytes"),
    ({"minSize": "1 KB"}, "1,024 bytes or more", "16 bytes"),
    ({"maxSize": 3}, "3 bytes or less", "16 bytes"),
    (
        {"headers": {"content-type": "text/html"}},
        'header content-type "text/html"',
        'header content-type "text/html; charset=utf-8"',
    ),
    ({"headers": {"content-encoding": "gzip"}}, 'header content-encoding "gzip"', "no header content-encoding"),
    ({"metadata": {"release": "43"}}, 'metadata release "43"', 'metadata release "42"'),
    ({"metadata": {"commit": "abc"}}, 'metadata commit "abc"', "no metadata commit"),
    ({"sha256": "0" * 64}, f"SHA-256 {'0' * 64}", f"SHA-256 {SHA256}"),
    ({"minAge": "1d"}, "written 1d ago or earlier", "written "),
]


@pytest.mark.parametrize(("given", "expected", "got"), FAILS, ids=[str(row[0]) for row in FAILS])
def test_what_is_not_as_expected_fails_and_says_what_it_is_instead(asked, given: Any, expected: str, got: str):
    finding = asked(**given)

    assert (finding.verdict, finding.expected) == ("fail", expected)
    assert finding.got.startswith(got)


def test_an_object_of_an_earlier_deploy_fails(asked, monkeypatch):
    later = dt.datetime.now(dt.timezone.utc) + dt.timedelta(hours=2)
    monkeypatch.setattr(s3_object, "parsedate_to_datetime", lambda _: later)
    finding = asked(maxAge="1h")

    assert (finding.verdict, finding.expected) == ("fail", "written within 1h")
    assert finding.got.startswith(
        ("written 120 min 0 s ago (", "written 119 min 59 s ago (", "written 120 min 1 s ago (")
    )
    assert finding.advice.startswith("This deploy did not write it")


def test_an_object_that_is_missing_fails(asked):
    finding = asked("site/about.html")

    assert (finding.verdict, finding.expected, finding.got) == ("fail", "an object", "no object")
    assert finding.advice.startswith("See whether the deploy uploaded it, and under this very key")
    assert asked("site/about.html", absent=True).verdict == "pass"


def test_an_object_that_must_be_gone_fails(asked):
    finding = asked(absent=True)
    assert (finding.verdict, finding.expected) == ("fail", "no object")
    assert finding.got == "one of 16 bytes, text/html; charset=utf-8"


def test_a_bucket_that_is_missing_is_an_error_even_where_no_object_is_expected(aws):
    finding = ask(KIND, "{object: s3://no-such-bucket-anywhere/key, absent: true}", aws)

    assert finding.verdict == "error"
    assert finding.got.startswith("Could not look for the bucket no-such-bucket-anywhere: AWS answered 404")


def test_a_version_that_was_replaced_can_be_asked_for(asked, s3, bucket):
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    first = s3.put_object(Bucket=bucket, Key="app.js", Body=b"1")["VersionId"]
    s3.put_object(Bucket=bucket, Key="app.js", Body=b"22")
    gone = s3.delete_object(Bucket=bucket, Key="app.js")["VersionId"]

    assert asked("app.js", version=first, size=1).verdict == "pass"
    assert asked("app.js").got == "no object"
    finding = asked("app.js", version=gone)
    assert (finding.verdict, finding.got) == ("fail", "a delete marker")


def test_a_checksum_that_s3_does_not_keep_is_an_error(asked, s3, bucket):
    s3.put_object(Bucket=bucket, Key="plain.txt", Body=BODY, ChecksumAlgorithm="CRC32")
    finding = asked("plain.txt", sha256=SHA256)

    assert (finding.verdict, finding.got) == ("error", "no SHA-256 that S3 keeps of it")
    assert finding.advice.startswith("Upload it with the checksum SHA256")


def test_a_checksum_of_parts_is_none_of_the_whole(asked, s3, bucket):
    upload = s3.create_multipart_upload(Bucket=bucket, Key="big.bin", ChecksumAlgorithm="SHA256")["UploadId"]
    part = s3.upload_part(
        Bucket=bucket, Key="big.bin", UploadId=upload, PartNumber=1, Body=BODY, ChecksumAlgorithm="SHA256"
    )
    parts = [{"PartNumber": 1, "ETag": part["ETag"], "ChecksumSHA256": part["ChecksumSHA256"]}]
    s3.complete_multipart_upload(Bucket=bucket, Key="big.bin", UploadId=upload, MultipartUpload={"Parts": parts})
    finding = asked("big.bin", sha256=SHA256)

    assert (finding.verdict, finding.got) == ("error", "a SHA-256 of its parts, not of all of it")


@pytest.mark.parametrize(("action", "key"), [("s3:GetObject", "site/index.html"), ("s3:ListBucket", "nowhere")])
def test_a_permission_that_is_missing_is_an_error_that_names_it(asked, without, bucket, action: str, key: str):
    finding = ask(KIND, f"{{object: 's3://{bucket}/{key}', absent: true}}", without(action))

    assert finding.verdict == "error"
    assert "403" in finding.got
    assert action in finding.advice


def test_an_older_version_needs_a_permission_of_its_own(without, s3, bucket):
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    version = s3.put_object(Bucket=bucket, Key="old.txt", Body=BODY)["VersionId"]
    finding = ask(KIND, f"{{object: 's3://{bucket}/old.txt', version: {version}}}", without("s3:GetObjectVersion"))

    assert finding.verdict == "error"
    assert "s3:GetObjectVersion" in finding.advice


def test_an_aws_that_does_not_answer_is_an_error(silent, bucket):
    finding = ask(KIND, f"object: s3://{bucket}/key", silent)
    assert finding.verdict == "error"
    assert finding.got.startswith(f"Could not look at s3://{bucket}/key: ")


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("object: my-bucket/key", "object is 'my-bucket/key'; write it as s3://bucket/path"),
        ("object: s3://my-bucket/", "object is 's3://my-bucket/'"),
        ("{object: s3://b/k, sha256: abc}", "sha256 is 'abc', which is no SHA-256"),
        ("{object: s3://b/k, absent: true, size: 1}", "absent stands alone, but there is size, too"),
        ("{object: s3://b/k, metadata: {a: {}}}", "There is nothing to compare with"),
    ],
)
def test_mistakes_of_the_suite(given: str, words: str):
    with pytest.raises(Mistakes, match=words):
        settings_of(KIND, given)


def test_each_object_is_a_target_of_its_own():
    given = settings_of(KIND, "object: ['s3://b/k', 's3://arn:aws:s3:eu-west-1:123456789012:accesspoint/site/a/b']")
    assert KIND.targets(given) == ("s3://b/k", "s3://arn:aws:s3:eu-west-1:123456789012:accesspoint/site/a/b")
    assert KIND.subject(given, KIND.targets(given)[0]).endswith(" is there")


def test_an_access_point_is_named_by_its_arn():
    arn = "arn:aws:s3:eu-west-1:123456789012:accesspoint/site"
    assert s3_address(f"s3://{arn}/a/b") == (arn, "a/b")
