"""Large objects in the embedded AWS: the right bytes, and few of them in memory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.local.peaks import BODY, MB, PARTS

ROOT = Path(__file__).parents[2]
CONTENT = [os.urandom(size) for size in PARTS]
WHOLE = b"".join(CONTENT)


@pytest.fixture
def large(s3, bucket) -> str:
    """An object of four parts."""
    upload = s3.create_multipart_upload(Bucket=bucket, Key="large")["UploadId"]
    etags = [
        s3.upload_part(Bucket=bucket, Key="large", UploadId=upload, PartNumber=number, Body=part)["ETag"]
        for number, part in enumerate(CONTENT, 1)
    ]
    listed = {"Parts": [{"PartNumber": number, "ETag": etag} for number, etag in enumerate(etags, 1)]}
    finish = {"Bucket": bucket, "Key": "large", "UploadId": upload, "MultipartUpload": listed}
    s3.complete_multipart_upload(**finish)
    return bucket


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


@pytest.fixture(scope="module")
def peaks() -> dict[str, int]:
    """Bytes, by what was asked. In a process of their own: what else this one has running takes memory meanwhile."""
    command = [sys.executable, "-m", "tests.local.peaks"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=True)
    return json.loads(done.stdout)


def test_parts_are_joined_one_after_the_other(peaks):
    assert peaks["joining"] < 0.8 * sum(PARTS)


def test_a_small_range_costs_little_memory(peaks):
    assert peaks["range"] < 4 * MB


def test_a_body_is_in_memory_once_on_its_way_in(peaks):
    assert peaks["body"] < 1.6 * BODY  # moto makes the ETag from two blocks of 16 MB


def test_an_upload_that_is_aborted_is_gone(s3, bucket):
    upload = s3.create_multipart_upload(Bucket=bucket, Key="k")["UploadId"]
    s3.upload_part(Bucket=bucket, Key="k", UploadId=upload, PartNumber=1, Body=CONTENT[0])
    s3.abort_multipart_upload(Bucket=bucket, Key="k", UploadId=upload)
    assert "Uploads" not in s3.list_multipart_uploads(Bucket=bucket)
