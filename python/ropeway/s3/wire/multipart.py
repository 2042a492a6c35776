"""Uploads in parts: the requests that begin, complete and abort them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ropeway.errors import AwsError
from ropeway.s3 import actions
from ropeway.s3.answered import told
from ropeway.s3.checksums import in_base64
from ropeway.s3.engine import Put
from ropeway.s3.jobs.hands import Begun, Making
from ropeway.s3.parts import Part
from ropeway.s3.wire import xml
from ropeway.s3.wire.call import Call
from ropeway.s3.wire.headers import http_time, of_customer_key, of_headers, of_time
from ropeway.s3.wire.line import Line
from ropeway.wire.sigv4 import encoded_query

LONG = 900.0
"""Seconds that S3 may take to complete an upload or to copy: it sends blanks meanwhile."""


async def begin(line: Line, making: Making) -> Begun:
    wanted = {"x-amz-checksum-algorithm": "CRC32", "x-amz-checksum-type": "FULL_OBJECT"} if line.checksums else {}
    work = making.work
    call = Call("CreateMultipartUpload", "POST", work.bucket, work.key, making.doing, making.needed, query="uploads=")
    call.headers = of_headers(work.headers) | (of_time(work) if isinstance(work, Put) else {}) | wanted
    answer = await line.ask(call)
    whole = answer.headers.get("x-amz-checksum-type") == "FULL_OBJECT"
    result = xml.read(answer.body).top  # gofakes3 (rclone) calls the document otherwise
    return Begun(making, told(result, "UploadId", making.doing), whole, http_time(answer.headers.get("date", "")))


async def complete(line: Line, begun: Begun, parts: Sequence[Part], whole: str) -> Mapping[str, Any] | AwsError:
    call = _call(begun, "CompleteMultipartUpload", "POST", _listing(parts))
    call.headers = _proving(begun, whole)
    call.may_contradict, call.patience = True, LONG
    try:
        answer = await line.ask(call)
    except AwsError as error:
        if error.code == "NoSuchUpload" and call.attempts > 1:
            return error
        raise
    result = xml.read(answer.body).of("CompleteMultipartUploadResult")
    told(result, "ETag", call.doing)
    return result | {"VersionId": answer.headers.get("x-amz-version-id", "")}


def _call(begun: Begun, operation: str, method: str, body: bytes = b"") -> Call:
    making, work = begun.making, begun.making.work
    query = encoded_query({"uploadId": begun.id})
    call = Call(operation, method, work.bucket, work.key, making.doing, making.needed, query=query, body=body)
    call.hash = hashlib.sha256(body).hexdigest()
    return call


def _proving(begun: Begun, whole: str) -> dict[str, str]:
    work = begun.making.work
    proving = {
        "x-amz-checksum-crc32": whole,
        "x-amz-checksum-type": "FULL_OBJECT",
        "x-amz-mp-object-size": str(work.size),
    }
    key = of_customer_key(work.headers.customer_key)
    return {**key, **(proving if whole else {}), "content-type": "application/xml"}


def _listing(parts: Iterable[Part]) -> bytes:
    return f'<CompleteMultipartUpload xmlns="{xml.NAMESPACE}">{"".join(map(_listed, parts))}</CompleteMultipartUpload>'.encode()


def _listed(part: Part) -> str:
    crc = xml.element("ChecksumCRC32", in_base64(part.crc)) if part.crc is not None and part.echoed else ""
    return f"<Part>{xml.element('ETag', part.etag)}{crc}<PartNumber>{part.number}</PartNumber></Part>"


async def abort(line: Line, begun: Begun) -> None:
    for _ in range(2):
        call = _call(begun, "AbortMultipartUpload", "DELETE")
        call.doing, call.needed = f"abort the upload to {begun.making.name}", actions.ABORT
        await line.ask(call)
