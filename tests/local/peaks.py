"""A program: what large objects cost the embedded AWS in memory, measured in a process in which nothing else runs.

Prints JSON: the most bytes that were in use at once, more than before, client and server together, by what was asked.
"""

from __future__ import annotations

import http.client
import json
import sys
import tracemalloc
from collections.abc import Callable
from typing import Any

import boto3

from ropeway.local.embedded import EmbeddedAws
from ropeway.local.server import embedded

MB = 1024 * 1024
PARTS = (6 * MB, 5 * MB, 5 * MB, 7)
BODY = 80 * MB
SIGNED = "AWS4-HMAC-SHA256 Credential=AKIAAAAAAAAAAAAAAAAA/20260101/us-east-1/s3/aws4_request"


def peak_of(act: Callable[[], object]) -> int:
    tracemalloc.start()
    act()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


def joining(s3: Any, bucket: str) -> int:
    upload = s3.create_multipart_upload(Bucket=bucket, Key="large")["UploadId"]
    asked = {"Bucket": bucket, "Key": "large", "UploadId": upload}
    sent = [s3.upload_part(**asked, PartNumber=at, Body=bytes(size)) for at, size in enumerate(PARTS, 1)]
    listed = [{"PartNumber": number, "ETag": part["ETag"]} for number, part in enumerate(sent, 1)]
    return peak_of(lambda: s3.complete_multipart_upload(**asked, MultipartUpload={"Parts": listed}))


def a_small_range(s3: Any, bucket: str) -> int:
    asked = {"Bucket": bucket, "Key": "large", "Range": "bytes=7000000-7000099"}

    def read() -> None:
        s3.get_object(**asked)["Body"].read()

    return peak_of(read)


def a_body(aws: EmbeddedAws, bucket: str) -> int:
    body = bytes(BODY)

    def put() -> None:
        connection = http.client.HTTPConnection(aws.endpoint_url.partition("//")[2])
        connection.request("PUT", f"/{bucket}/k", body, {"Authorization": SIGNED})
        answer = connection.getresponse()
        if (answer.status, answer.read()) != (200, b""):
            raise AssertionError(answer.status)
        connection.close()

    return peak_of(put)


def main() -> None:
    with embedded() as aws:
        keys = aws.connection
        s3 = boto3.client(
            "s3",
            endpoint_url=aws.endpoint_url,
            region_name=aws.region,
            aws_access_key_id=keys.access_key_id,
            aws_secret_access_key=keys.secret_access_key,
        )
        s3.create_bucket(Bucket="large")
        peaks = {"joining": joining(s3, "large"), "range": a_small_range(s3, "large"), "body": a_body(aws, "large")}
    sys.stdout.write(json.dumps(peaks))


if __name__ == "__main__":
    main()
