"""Large objects in the embedded AWS: the right bytes, and few of them in memory."""

from __future__ import annotations

import http.client
import os
import tracemalloc
from collections.abc import Callable

import pytest

MB = 1024 * 1024
PARTS = [os.urandom(6 * MB), os.urandom(5 * MB), os.urandom(5 * MB), b"the end"]
WHOLE = b"".join(PARTS)


@pytest.fixture
def large(s3, bucket) -> str:
    """An object of four parts."""
    upload = s3.create_multipart_upload(Bucket=bucket, Key="large")["UploadId"]
    etags = [
        s3.upload_part(Bucket=bucket, Key="large", UploadId=upload, PartNumber=number, Body=part)["ETag"]
        for number, part in enumerate(PARTS, 1)
    ]
    listed = {"Parts": [{"PartNumber": number, "ETag": etag} for number, etag in enumerate(etags, 1)]}
    finish = {"Bucket": bucket, "Key": "large", "UploadId": upload, "MultipartUpload": listed}
    assert peak_of(lambda: s3.complete_multipart_upload(**finish)) < 0.8 * len(WHOLE)
    return bucket


def peak_of(act: Callable[[], object]) -> int:
    """Bytes that were in use at once, more than before, in this process: server and client."""
    tracemalloc.start()
    act()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


def test_parts_are_joined_in_order(s3, large):
    assert s3.get_object(Bucket=large, Key="large")["Body"].read() == WHOLE
    assert s3.head_object(Bucket=large, Key="large")["ContentLength"] == len(WHOLE)


@pytest.mark.parametrize(
    ("asked", "begin", "end"),
    [
        ("bytes=0-0", 0, 1),
        (f"bytes={6 * MB - 2}-{6 * MB + 1}", 6 * MB - 2, 6 * MB + 2),
        ("bytes=-7", len(WHOLE) - 7, len(WHOLE)),
        (f"bytes={16 * MB}-", 16 * MB, len(WHOLE)),
        (f"bytes=5-{99 * MB}", 5, len(WHOLE)),
    ],
)
def test_a_range_holds_its_bytes(s3, large, asked, begin, end):
    got = s3.get_object(Bucket=large, Key="large", Range=asked)
    assert got["ContentRange"] == f"bytes {begin}-{end - 1}/{len(WHOLE)}"
    assert got["Body"].read() == WHOLE[begin:end]


def test_a_range_that_is_none_gives_the_whole(s3, large):
    assert s3.get_object(Bucket=large, Key="large", Range="bytes=a-b")["Body"].read() == WHOLE


def test_a_small_range_costs_little_memory(s3, large):
    asked = {"Bucket": large, "Key": "large", "Range": "bytes=7000000-7000099"}

    def read() -> None:
        s3.get_object(**asked)["Body"].read()

    assert peak_of(read) < 4 * MB


def test_a_body_is_in_memory_once_on_its_way_in(embedded, s3, bucket):
    body = bytes(80 * MB)
    signed = "AWS4-HMAC-SHA256 Credential=AKIAAAAAAAAAAAAAAAAA/20260101/us-east-1/s3/aws4_request"

    def put() -> None:
        connection = http.client.HTTPConnection(embedded.endpoint_url.partition("//")[2])
        connection.request("PUT", f"/{bucket}/k", body, {"Authorization": signed})
        answer = connection.getresponse()
        assert (answer.status, answer.read()) == (200, b"")
        connection.close()

    assert peak_of(put) < 1.6 * len(body)  # moto makes the ETag from two blocks of 16 MB
    assert s3.head_object(Bucket=bucket, Key="k")["ContentLength"] == len(body)


def test_an_upload_that_is_aborted_is_gone(s3, bucket):
    upload = s3.create_multipart_upload(Bucket=bucket, Key="k")["UploadId"]
    s3.upload_part(Bucket=bucket, Key="k", UploadId=upload, PartNumber=1, Body=PARTS[0])
    s3.abort_multipart_upload(Bucket=bucket, Key="k", UploadId=upload)
    assert "Uploads" not in s3.list_multipart_uploads(Bucket=bucket)
