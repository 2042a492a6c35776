"""Copies on the server's side: the requests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ropeway.errors import AwsError
from ropeway.s3.engine import Copy
from ropeway.s3.jobs.copy import CHANGED, changed, copied
from ropeway.s3.jobs.hands import Begun, Making
from ropeway.s3.parts import Part
from ropeway.s3.wire import xml
from ropeway.s3.wire.call import Call
from ropeway.s3.wire.headers import named, of_customer_key, of_headers
from ropeway.s3.wire.line import Line
from ropeway.s3.wire.multipart import LONG
from ropeway.wire.response import Answer
from ropeway.wire.sigv4 import encoded_path, encoded_query

REPLACE = {"x-amz-metadata-directive": "REPLACE", "x-amz-tagging-directive": "REPLACE"}


async def copy_object(line: Line, making: Making, copy: Copy) -> Mapping[str, Any] | AwsError:
    checksum = {"x-amz-checksum-algorithm": "CRC32"} if line.checksums else {}
    call = Call("CopyObject", "PUT", copy.bucket, copy.key, making.doing, making.needed)
    call.headers = {**of_headers(copy.headers), **_of_source(line, copy), **checksum, **REPLACE}
    try:
        answer = await _asked(line, call, copy)
    except AwsError as error:
        if error.code == CHANGED and call.attempts > 1:
            return error
        raise
    return named(answer.headers) | {"ETag": xml.read(answer.body).of("CopyObjectResult").get("ETag", "")}


async def copy_part(line: Line, begun: Begun, copy: Copy, number: int, *, start: int, end: int) -> Part:
    making = begun.making
    call = Call("UploadPartCopy", "PUT", copy.bucket, copy.key, making.doing, making.needed)
    call.query = encoded_query({"partNumber": str(number), "uploadId": begun.id})
    stretch = {"x-amz-copy-source-range": f"bytes={start}-{end - 1}"}
    call.headers = {**of_customer_key(copy.headers.customer_key), **_of_source(line, copy), **stretch}
    result = xml.read((await _asked(line, call, copy)).body).of("CopyPartResult")
    part = copied(result, making.doing, number, end - start)
    line.sent(part.length)
    return part


def _of_source(line: Line, copy: Copy) -> dict[str, str]:
    """S3 API reference, CopyObject: an access point goes by its ARN and /object/."""
    between = "/object/" if copy.source_bucket.startswith("arn:") else "/"
    version = f"?{encoded_query({'versionId': copy.source_version_id})}" if copy.source_version_id else ""
    owner = line.store.terms.bucket_owner
    return {
        "x-amz-copy-source": f"{encoded_path(f'{copy.source_bucket}{between}{copy.source_key}')}{version}",
        "x-amz-copy-source-if-match": f'"{copy.etag}"',
        **of_customer_key(copy.source_customer_key, "x-amz-copy-source-"),
        **({"x-amz-source-expected-bucket-owner": owner} if owner else {}),
    }


async def _asked(line: Line, call: Call, copy: Copy) -> Answer:
    call.may_contradict, call.patience, call.accepted = True, LONG, frozenset({412})
    answer = await line.ask(call)
    if answer.status == 412:
        raise changed(copy, call.doing, answer.headers.get("x-amz-request-id", ""))
    return answer
