"""Are the headers of an object those that are asked for? What S3 fills in by itself (the bucket's encryption) is not asked for.

HEAD shows no ACL: that of an object counts as the one that is asked for. Tags are not in a HEAD either, only how many there are.
"""

from __future__ import annotations

from dataclasses import fields
from operator import attrgetter

from ropeway.s3 import modified
from ropeway.s3.encryption import KMS
from ropeway.s3.engine import Copy, Head, Headers, Put
from ropeway.s3.locks import as_locked
from ropeway.s3.stores import OWN_CLASSES

OTHERWISE = {
    "metadata", "acl", "sse", "kms_key_id", "tags", "storage_class", "customer_key", "lock_mode", "lock_until", "legal_hold",
}  # fmt: skip
PLAIN = attrgetter(*(field.name for field in fields(Headers) if field.name not in OTHERWISE))
"""What is compared by being equal: all that is not said here to be compared otherwise, or not at all."""


def same_headers(work: Put | Copy, head: Head, *, least_lock: str) -> bool:
    """All but tags. `least_lock` is the time until which the object must be locked."""
    asked, there = work.headers, head.headers
    return (
        _encrypted(asked, there)
        and as_locked(asked, there, least_lock)
        and _same_metadata(work, there)
        and PLAIN(asked) == PLAIN(there)
        and _class(asked) == _class(there)
    )


def has_tags(work: Put | Copy, head: Head) -> bool:
    """Whether tags have to be compared: some are asked for, or there."""
    return bool(work.headers.tags or head.tag_count)


def under_any_key(asked: Headers, there: Headers) -> tuple[str, ...]:
    """The KMS key of what is there, where none was named: it was not compared with the one that is meant, the account's aws/s3.

    Its ARN is known to KMS alone, and asking there is a right (kms:DescribeKey) that an upload does not need.
    """
    return (there.kms_key_id,) if asked.sse == KMS and not asked.kms_key_id and there.kms_key_id else ()


def _encrypted(asked: Headers, there: Headers) -> bool:
    """S3 tells a key's ARN, never the alias it was asked by: with an alias the headers always count as changed."""
    return not asked.sse or (asked.sse == there.sse and there.kms_key_id.endswith(asked.kms_key_id))


def _same_metadata(work: Put | Copy, there: Headers) -> bool:
    """With `keep_modified` a time must be there, whichever: a fresh checkout has new ones, and they say nothing of the bytes."""
    kept = dict(there.metadata)
    keeps = isinstance(work, Put) and work.keep_modified
    timed = kept.pop(modified.NAME, None) is not None if keeps else True
    return timed and kept == dict(work.headers.metadata)


def _class(headers: Headers) -> str:
    return "STANDARD" if headers.storage_class in {"", *OWN_CLASSES} else headers.storage_class
