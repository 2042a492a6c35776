"""Objects become other objects on the server's side: one request up to 5 GB, parts above."""

from __future__ import annotations

from collections.abc import Awaitable, Iterator, Mapping
from functools import partial
from typing import Any

from ropeway.errors import AwsError, IntegrityError
from ropeway.s3 import actions
from ropeway.s3.answered import told
from ropeway.s3.checksums import etag_is_md5, from_base64, has_plain_etag, plain_etag
from ropeway.s3.compare_headers import has_tags, same_headers
from ropeway.s3.engine import Copy
from ropeway.s3.jobs.hands import Begun, Hands, Making
from ropeway.s3.jobs.multipart import DAMAGED, in_parts
from ropeway.s3.parts import MIB, Part, part_size
from ropeway.s3.versions import shown, version_in

AT_ONCE = 5 * 1024 * MIB
"""Bytes that one request copies at most (S3 user guide, "Copying, moving, and renaming objects")."""
PART = 256 * MIB
"""Bytes of a part: copied in seconds, and many at a time."""
CHANGED = "PreconditionFailed"


async def copy(hands: Hands, copy: Copy) -> str:
    """Returns the id of the version that was made."""
    doing = f"copy {_source(copy)} to s3://{copy.bucket}/{copy.key}"
    making = Making(copy, doing, actions.of_copy(copy.headers, copy.source_version_id))
    if copy.size > AT_ONCE:
        return await in_parts(hands, making, partial(_parts, hands, copy))
    answer = await hands.copy_object(making, copy)
    if isinstance(answer, AwsError):
        answer = await _found(hands, copy, answer)
    else:
        told(answer, "ETag", making.doing)
        await _verify(hands, making, copy, answer)
    hands.sent(copy.size)
    return version_in(answer)


def _source(copy: Copy) -> str:
    return shown(copy.source_bucket, copy.source_key, copy.source_version_id)


def changed(copy: Copy, doing: str, request_id: str) -> AwsError:
    return AwsError(
        doing,
        code=CHANGED,
        answer=f"{_source(copy)} is not the one any more that was there when the copy was planned",
        request_id=request_id,
        advice="Run again to copy the one that is there now.",
    )


def _onto_itself(copy: Copy) -> bool:
    return (copy.source_bucket, copy.source_key) == (copy.bucket, copy.key) and not copy.source_version_id


async def _found(hands: Hands, copy: Copy, error: AwsError) -> Mapping[str, Any]:
    """The object's own word that it was copied onto itself. Raises `error` where it does not give it: ACL and tags are in no HEAD."""
    asked = copy.headers
    if _onto_itself(copy) and not asked.acl:
        head = await hands.look(copy.bucket, copy.key, asked.customer_key)
        alike = head and head.size == copy.size and same_headers(copy, head, least_lock=asked.lock_until)
        if head and alike and not has_tags(copy, head):
            return {"VersionId": head.version_id}
    raise error


async def _verify(hands: Hands, making: Making, copy: Copy, answer: Mapping[str, Any]) -> None:
    """By the ETags, where both are MD5s of the bytes: the answer says that of the copy, of its source only a HEAD.

    A source that was copied onto itself cannot be asked any more; one under a customer's key has no such ETag.
    """
    alike = plain_etag(answer) == copy.etag or "-" in copy.etag or not etag_is_md5(answer)
    if alike or _onto_itself(copy) or copy.source_customer_key:
        return
    source = await hands.look(copy.source_bucket, copy.source_key, None, copy.source_version_id)
    if source is None or source.etag != copy.etag:  # for stores that do not know x-amz-copy-source-if-match
        raise changed(copy, making.doing, "")
    if has_plain_etag(source):
        raise IntegrityError(
            f"{making.name} is no copy of {_source(copy)}: its MD5 is {plain_etag(answer)}, and not {copy.etag}.",
            advice=DAMAGED,
        )


def _parts(hands: Hands, copy: Copy, begun: Begun) -> Iterator[Awaitable[Part]]:
    step = part_size(copy.size, PART)
    for number, start in enumerate(range(0, copy.size, step), 1):
        yield hands.copy_part(begun, copy, number, start=start, end=min(start + step, copy.size))


def copied(result: Mapping[str, Any], doing: str, number: int, length: int) -> Part:
    """The part that UploadPartCopy speaks of."""
    etag, crc = told(result, "ETag", doing), result.get("ChecksumCRC32", "")
    known = int.from_bytes(from_base64(crc), "big") if crc else None
    return Part(number, length, etag, known, echoed=known is not None)
