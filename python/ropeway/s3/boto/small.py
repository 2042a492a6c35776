"""Small objects that are read and written whole, on conditions: what Ropeway keeps of its own in a bucket."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from contextlib import closing
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any

from botocore.exceptions import ClientError, IncompleteReadError

from ropeway.errors import ConditionFailed, IntegrityError
from ropeway.s3 import actions
from ropeway.s3.answered import told
from ropeway.s3.arrival import unasked
from ropeway.s3.boto.line import Line
from ropeway.s3.boto.parameters import of_headers, of_location
from ropeway.s3.boto.receive import BROKEN, PAUSES
from ropeway.s3.checksums import in_base64, plain_etag, proof_in
from ropeway.s3.engine import Condition, Headers, Small
from ropeway.s3.versions import version_in

AGAIN = "Run again; when it fails again, the object or the way to it is damaged."


def read(line: Line, bucket: str, key: str, most: int) -> Small | None:
    doing = f"read s3://{bucket}/{key}"
    with line.asking(doing, actions.of_head(), bucket):
        for pause in PAUSES:
            try:
                return _read(line, bucket, key, most)
            except BROKEN:
                line.stop.sleep(pause)
        return _read(line, bucket, key, most)


def _read(line: Line, bucket: str, key: str, most: int) -> Small | None:
    mode = {"ChecksumMode": "ENABLED"} if line.checksums else {}
    try:
        answer = line.client.get_object(**of_location(bucket, key), **mode)
    except line.client.exceptions.NoSuchKey:
        return None
    with closing(answer["Body"]):
        body = _body(answer, most, f"s3://{bucket}/{key}")
    return _small(body, answer, f"read s3://{bucket}/{key}")


def _body(answer: Mapping[str, Any], most: int, name: str) -> bytes:
    if answer["ResponseMetadata"]["HTTPStatusCode"] == HTTPStatus.PARTIAL_CONTENT:
        raise unasked(name, AGAIN)
    length = answer.get("ContentLength")
    if length is not None and length > most:
        raise _too_long(name, f"{length:,}", most)
    body: bytes = answer["Body"].read(most + 1)
    if len(body) > most:
        raise _too_long(name, f"{len(body):,} or more", most)
    if length is not None and len(body) != length:
        raise IncompleteReadError(actual_bytes=len(body), expected_bytes=length)
    if proof := proof_in(answer):
        digest = proof.start()
        digest.update(body)
        proof.check(digest, name, advice=AGAIN)
    return body


def _too_long(name: str, held: str, most: int) -> IntegrityError:
    return IntegrityError(
        f"{name} holds {held} bytes, and at most {most:,} were expected.",
        advice="It was not written by Ropeway, or by a newer one.",
    )


def _small(body: bytes, answer: Mapping[str, Any], doing: str) -> Small:
    date = told(answer["ResponseMetadata"]["HTTPHeaders"], "date", doing)
    told(answer, "ETag", doing)
    modified = answer["LastModified"].timestamp() if "LastModified" in answer else 0.0
    return Small(body, plain_etag(answer), version_in(answer), parsedate_to_datetime(date).timestamp(), modified)


# --- writing -------------------------------------------------------------------------------------------------------------


def write(line: Line, bucket: str, key: str, body: bytes, *, headers: Headers, condition: Condition) -> Small:
    name = f"s3://{bucket}/{key}"
    doing = f"write {name}"
    with line.asking(doing, actions.of_put(headers), bucket):
        try:
            answer = line.client.put_object(
                **of_location(bucket, key), **of_headers(headers), **_checksum(line, body), **_of(condition), Body=body
            )
        except ClientError as error:
            if not _refused(error, condition):
                raise
            return _own(line, bucket, key, body, error) or _nobody(doing, error)
        if proof := proof_in(answer):
            digest = proof.start()
            digest.update(body)
            proof.check(digest, name, advice="What S3 holds is damaged: run again to replace it.")
        return _small(body, answer, doing)


def _of(condition: Condition) -> dict[str, str]:
    if condition.absent:
        return {"IfNoneMatch": "*"}
    return {"IfMatch": f'"{condition.etag}"'} if condition.etag else {}


def _checksum(line: Line, body: bytes) -> dict[str, str]:
    return {"ChecksumAlgorithm": "CRC32", "ChecksumCRC32": in_base64(zlib.crc32(body))} if line.checksums else {}


def _refused(error: ClientError, condition: Condition) -> bool:
    """S3 user guide, "How to prevent object overwrites with conditional writes"."""
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
    code = error.response.get("Error", {}).get("Code")
    if not (condition.absent or condition.etag):
        return False
    return status == 412 or code == "ConditionalRequestConflict" or (bool(condition.etag) and code == "NoSuchKey")


def _own(line: Line, bucket: str, key: str, body: bytes, error: ClientError) -> Small | None:
    """What is there, where an earlier attempt wrote it whose answer was lost."""
    if not error.response.get("ResponseMetadata", {}).get("RetryAttempts", 0):
        return None
    try:
        there = line.client.head_object(**of_location(bucket, key))
    except line.client.exceptions.ClientError as absent:
        if absent.response["ResponseMetadata"]["HTTPStatusCode"] == HTTPStatus.NOT_FOUND:
            return None
        raise
    if there["ContentLength"] != len(body):
        return None
    found = read(line, bucket, key, most=len(body))
    return found if found and found.body == body else None


def _nobody(doing: str, error: ClientError) -> Small:
    answered = error.response["Error"]
    raise ConditionFailed(
        doing,
        code=str(answered.get("Code", "")),
        answer=str(answered.get("Message", "")),
        request_id=str(error.response.get("ResponseMetadata", {}).get("RequestId", "")),
        advice="Somebody else wrote or deleted it meanwhile.",
    ) from error
