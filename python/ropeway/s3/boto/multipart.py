"""Uploads in parts: the requests that begin, complete and abort them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from email.utils import parsedate_to_datetime
from typing import Any

from botocore.exceptions import ClientError

from ropeway.errors import AwsError
from ropeway.s3 import actions
from ropeway.s3.answered import told
from ropeway.s3.boto.line import Line
from ropeway.s3.boto.parameters import of_begun, of_headers, of_location, of_put
from ropeway.s3.checksums import in_base64
from ropeway.s3.engine import Put
from ropeway.s3.jobs.hands import Begun, Making
from ropeway.s3.parts import Part


def begin(line: Line, making: Making) -> Begun:
    wanted = {"ChecksumAlgorithm": "CRC32", "ChecksumType": "FULL_OBJECT"} if line.checksums else {}
    work = making.work
    headers = of_put(work) if isinstance(work, Put) else of_headers(work.headers)
    with line.making(making):
        answer = line.client.create_multipart_upload(**of_location(work.bucket, work.key), **headers, **wanted)
    date = answer["ResponseMetadata"]["HTTPHeaders"].get("date")
    return Begun(
        making,
        told(answer, "UploadId", making.doing),
        whole=answer.get("ChecksumType") == "FULL_OBJECT",
        began=parsedate_to_datetime(date).timestamp() if date else 0.0,
    )


def complete(line: Line, begun: Begun, parts: Sequence[Part], whole: str) -> Mapping[str, Any] | AwsError:
    size = begun.making.work.size
    proving = {"ChecksumCRC32": whole, "ChecksumType": "FULL_OBJECT", "MpuObjectSize": size} if whole else {}
    listed = {"Parts": [_listed(part) for part in parts]}
    try:
        with line.making(begun.making):
            answer = line.client.complete_multipart_upload(**of_begun(begun), **proving, MultipartUpload=listed)
    except AwsError as error:
        if error.code == "NoSuchUpload" and was_retried(error.__cause__):
            return error
        raise
    told(answer, "ETag", begun.making.doing)
    return answer  # type: ignore[no-any-return]


def _listed(part: Part) -> dict[str, Any]:
    crc = {"ChecksumCRC32": in_base64(part.crc)} if part.crc is not None and part.echoed else {}
    return {"PartNumber": part.number, "ETag": part.etag, **crc}


def was_retried(error: BaseException | None) -> bool:
    return isinstance(error, ClientError) and error.response.get("ResponseMetadata", {}).get("RetryAttempts", 0) > 0


def abort(line: Line, begun: Begun) -> None:
    making = begun.making
    where = of_location(making.work.bucket, making.work.key) | {"UploadId": begun.id}
    with line.asking(f"abort the upload to {making.name}", actions.ABORT, making.work.bucket):
        line.client.abort_multipart_upload(**where)
        line.client.abort_multipart_upload(**where)
