"""Small objects that are read and written whole, on conditions: what Ropeway keeps of its own in a bucket."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Mapping
from functools import partial
from http import HTTPStatus

from ropeway.errors import AwsError, ConditionFailed, IntegrityError
from ropeway.s3 import actions
from ropeway.s3.answered import told
from ropeway.s3.arrival import unasked
from ropeway.s3.checksums import in_base64, plain_etag, proof_in
from ropeway.s3.engine import Condition, Headers, Small
from ropeway.s3.wire.call import Call
from ropeway.s3.wire.headers import http_time, named, of_headers
from ropeway.s3.wire.line import Line
from ropeway.s3.wire.receive import PAUSES
from ropeway.wire.failures import Failure

AGAIN = "Run again; when it fails again, the object or the way to it is damaged."


async def read(line: Line, bucket: str, key: str, most: int) -> Small | None:
    name = f"s3://{bucket}/{key}"
    for pause in (*PAUSES, None):
        call = Call("GetObject", "GET", bucket, key, f"read {name}", actions.of_head())
        call.headers = {"x-amz-checksum-mode": "ENABLED"} if line.checksums else {}
        try:
            answer = await line.ask(call, partial(_check_size, call, most))
        except AwsError as error:
            if error.code == "NoSuchKey":
                return None
            raise
        except Failure as broken:
            if pause is None:
                raise line.told(call, broken) from broken
            await line.wire.loop.sleep(pause)
        else:
            break
    _check_size(call, most, answer.status, {"content-length": str(len(answer.body))})
    return _small(bytes(answer.body), answer.headers, name, call.doing, AGAIN)


def _check_size(call: Call, most: int, status: int, headers: Mapping[str, str]) -> None:
    call.sinking = status < 300
    if status == HTTPStatus.PARTIAL_CONTENT:
        raise unasked(f"s3://{call.bucket}/{call.key}", AGAIN)
    if call.sinking and (length := int(headers.get("content-length", 0))) > most:
        raise IntegrityError(
            f"s3://{call.bucket}/{call.key} holds {length:,} bytes, and at most {most:,} were expected.",
            advice="It was not written by Ropeway, or by a newer one.",
        )


def _small(body: bytes, headers: Mapping[str, str], name: str, doing: str, advice: str) -> Small:
    answer = named(headers)
    if proof := proof_in(answer):
        digest = proof.start()
        digest.update(body)
        proof.check(digest, name, advice=advice)
    told(answer, "ETag", doing)
    date = http_time(told(headers, "date", doing))
    modified = http_time(headers.get("last-modified", ""))
    return Small(body, plain_etag(answer), headers.get("x-amz-version-id", ""), date, modified)


# --- writing -------------------------------------------------------------------------------------------------------------


async def write(line: Line, bucket: str, key: str, body: bytes, *, headers: Headers, condition: Condition) -> Small:
    name = f"s3://{bucket}/{key}"
    call = Call("PutObject", "PUT", bucket, key, f"write {name}", actions.of_put(headers))
    call.body, call.hash = body, hashlib.sha256(body).hexdigest()
    checksum = {"x-amz-checksum-crc32": in_base64(zlib.crc32(body))} if line.checksums else {}
    call.headers = {**of_headers(headers), **checksum, **_of(condition)}
    try:
        answer = await line.ask(call)
    except AwsError as error:
        if not _is_refusal(error, call, condition):
            raise
        own = await _own(line, bucket, key, body) if call.attempts > 1 else None
        if own is None:
            raise _by_another(error, call) from error
        return own
    return _small(body, answer.headers, name, call.doing, "What S3 holds is damaged: run again to replace it.")


def _of(condition: Condition) -> dict[str, str]:
    if condition.absent:
        return {"if-none-match": "*"}
    return {"if-match": f'"{condition.etag}"'} if condition.etag else {}


def _is_refusal(error: AwsError, call: Call, condition: Condition) -> bool:
    """S3 user guide, "How to prevent object overwrites with conditional writes"."""
    if not (condition.absent or condition.etag):
        return False
    conflict = (call.refused is not None and call.refused.status == 412) or error.code == "ConditionalRequestConflict"
    return conflict or (bool(condition.etag) and error.code == "NoSuchKey")


async def _own(line: Line, bucket: str, key: str, body: bytes) -> Small | None:
    """What is there, where an earlier attempt wrote it whose answer was lost."""
    there = await read(line, bucket, key, most=1 << 24)
    return there if there and there.body == body else None


def _by_another(error: AwsError, call: Call) -> ConditionFailed:
    refused = call.refused
    return ConditionFailed(
        call.doing,
        code=error.code,
        answer=refused.words if refused else "",
        request_id=error.request_id,
        advice="Somebody else wrote or deleted it meanwhile.",
    )
