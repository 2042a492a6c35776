"""Listings, heads and requests that S3 does not give or take. (What holds for each engine is in test_boto_engine.py.)"""

import pytest

from ropeway.errors import InputError, NetworkError
from tests.s3.boto_kit import NO_RETRIES, copied, put, transfer, well
from tests.s3.wire_kit import WIRE
from tests.servers.misbehaving import Answer

GOOD = {"Key": "a", "Size": "1", "LastModified": "2026-01-01T00:00:00Z"}


def listed(misbehaving, more="false", **fields):
    entry = "".join(f"<{name}>{text}</{name}>" for name, text in (GOOD | fields).items())
    body = f"<ListBucketResult><IsTruncated>{more}</IsTruncated><Contents>{entry}</Contents></ListBucketResult>"
    misbehaving.on(Answer(body=body.encode()))
    with WIRE.at(misbehaving.url, **NO_RETRIES) as engine:
        return list(engine.list("bucket", ""))


@pytest.mark.parametrize(("field", "text"), [("Size", "x"), ("Size", "-1"), ("Size", "1_0"), ("LastModified", "never")])
def test_a_size_or_a_time_that_is_none_is_not_from_s3(misbehaving, field, text):
    with pytest.raises(NetworkError, match=rf"not from S3 \(a (size|time) is '{text}'"):
        listed(misbehaving, **{field: text})


def test_times_are_taken_as_http_writes_them_too(misbehaving):
    (entry,) = listed(misbehaving, LastModified="Thu, 01 Jan 2026 00:00:00 GMT")
    assert entry.modified == 1767225600.0


@pytest.mark.parametrize(
    ("name", "text"), [("x-amz-tagging-count", "x"), ("x-amz-object-lock-retain-until-date", "soon")]
)
def test_a_head_that_nobody_can_read_is_an_error_and_no_crash(misbehaving, name, text):
    misbehaving.on(Answer(200, {"ETag": '"e"', name: text}))
    with (
        WIRE.at(misbehaving.url, **NO_RETRIES) as engine,
        pytest.raises(NetworkError, match=r"look at s3://bucket/key: .*not from S3"),
    ):
        list(engine.heads("bucket", ["key"]))


def test_metadata_that_would_break_a_line_are_refused_before_anything_is_sent(misbehaving, tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"data")
    with WIRE.at(misbehaving.url, **NO_RETRIES) as engine:
        (result,) = transfer(engine, put(path, "bucket", "key", metadata=(("name", "a\r\nx-amz-acl: public-read"),)))
    assert isinstance(result.error, InputError)
    assert "upload" in str(result.error)
    assert "holds a line break" in str(result.error)
    assert misbehaving.requests == []


def test_the_version_of_a_source_is_one_value_whatever_is_in_it(misbehaving):
    body = b"<CopyObjectResult><ETag>8d777f385d3dfec8815d20f7496026dc</ETag></CopyObjectResult>"
    misbehaving.on(Answer(200, {}, body))
    with WIRE.at(misbehaving.url, **NO_RETRIES) as engine:
        well(transfer(engine, copied("bucket", "key", "copy", b"data", source_version_id="a&b c")))
    assert misbehaving.requests[0].headers["x-amz-copy-source"] == "bucket/key?versionId=a%26b%20c"
