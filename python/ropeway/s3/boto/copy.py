"""Copies on the server's side: the requests."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from botocore.exceptions import ClientError

from ropeway.errors import AwsError
from ropeway.s3.boto.line import Line
from ropeway.s3.boto.multipart import was_retried
from ropeway.s3.boto.parameters import of_begun, of_customer_key, of_headers, of_location
from ropeway.s3.engine import Copy
from ropeway.s3.jobs.copy import CHANGED, changed, copied
from ropeway.s3.jobs.hands import Begun, Making
from ropeway.s3.parts import Part
from ropeway.s3.versions import of_version


def copy_object(line: Line, making: Making, copy: Copy) -> Mapping[str, Any] | AwsError:
    checksum = {"ChecksumAlgorithm": "CRC32"} if line.checksums else {}
    try:
        with _asking(line, making, copy):
            answer = line.client.copy_object(
                **of_location(copy.bucket, copy.key),
                **_of_source(copy),
                **of_headers(copy.headers),
                **checksum,
                MetadataDirective="REPLACE",
                TaggingDirective="REPLACE",
            )
    except AwsError as error:
        if error.code == CHANGED and was_retried(error.__cause__):
            return error
        raise
    return {**answer, "ETag": answer.get("CopyObjectResult", {}).get("ETag", "")}


def copy_part(line: Line, begun: Begun, copy: Copy, number: int, *, start: int, end: int) -> Part:
    with _asking(line, begun.making, copy):
        answer = line.client.upload_part_copy(
            **of_begun(begun), **_of_source(copy), PartNumber=number, CopySourceRange=f"bytes={start}-{end - 1}"
        )
    part = copied(answer.get("CopyPartResult", {}), begun.making.doing, number, end - start)
    line.sent(part.length)
    return part


def _of_source(copy: Copy) -> dict[str, Any]:
    where = of_location(copy.source_bucket, copy.source_key) | of_version(copy.source_version_id)
    key = {f"CopySource{name}": value for name, value in of_customer_key(copy.source_customer_key).items()}
    return {"CopySource": where, "CopySourceIfMatch": f'"{copy.etag}"', **key}


@contextmanager
def _asking(line: Line, making: Making, copy: Copy) -> Iterator[None]:
    with line.making(making):
        try:
            yield
        except ClientError as error:
            meta = error.response.get("ResponseMetadata", {})
            if meta.get("HTTPStatusCode") == 412:
                raise changed(copy, making.doing, meta.get("RequestId", "")) from error
            raise
