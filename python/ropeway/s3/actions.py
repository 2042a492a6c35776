"""Which IAM actions a request needs, for the message when it is denied.

AWS names the one that is missing, but not to other accounts' identities, not in answers to HEAD, and other stores never do.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from ropeway.s3.engine import Headers

LIST = ("s3:ListBucket",)
TAGS = ("s3:GetObjectTagging",)
ABORT = ("s3:AbortMultipartUpload",)
DELETE = ("s3:DeleteObject",)


@lru_cache(maxsize=64)  # thousands of files share theirs
def of_put(headers: Headers) -> tuple[str, ...]:
    """S3 API reference, PutObject, "Permissions"; user guide, "Locking objects with Object Lock"."""
    return ("s3:PutObject", *_of_headers(headers))


def _of_headers(headers: Headers) -> Iterator[str]:
    if headers.tags:
        yield "s3:PutObjectTagging"
    if headers.acl:
        yield "s3:PutObjectAcl"
    if headers.lock_mode:
        yield "s3:PutObjectRetention"
    if headers.legal_hold:
        yield "s3:PutObjectLegalHold"
    if headers.sse.startswith("aws:kms"):
        yield "kms:GenerateDataKey"


def of_get(version_id: str = "") -> tuple[str, ...]:
    return ("s3:GetObjectVersion" if version_id else "s3:GetObject",)


def of_copy(headers: Headers, source_version_id: str = "") -> tuple[str, ...]:
    """S3 API reference, CopyObject, "Permissions": to read the source and to write the target."""
    return (*of_get(source_version_id), *of_put(headers))


def of_head(version_id: str = "") -> tuple[str, ...]:
    """An object that is not there is denied, too, to who may not list the bucket (S3 API reference, HeadObject)."""
    return (*of_get(version_id), *LIST)


def of_create_bucket(*, object_lock: bool) -> tuple[str, ...]:
    """S3 API reference, CreateBucket, "Permissions"."""
    locking = ("s3:PutBucketObjectLockConfiguration", "s3:PutBucketVersioning") if object_lock else ()
    return ("s3:CreateBucket", *locking)
