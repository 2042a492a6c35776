"""Are the headers of an object those that are asked for? What S3 fills in by itself (the bucket's encryption) is not asked for.

HEAD shows no ACL: that of an object counts as the one that is asked for.
"""

from __future__ import annotations

from dataclasses import replace

from ropeway.s3 import modified
from ropeway.s3.engine import Head, Headers, ObjectEngine, Put
from ropeway.s3.locks import as_locked
from ropeway.s3.stores import OWN_CLASSES


def same_headers(put: Put, head: Head, engine: ObjectEngine, *, least_lock: str) -> bool:
    """`least_lock` is the time until which the object must be locked. The engine is asked for tags, as far as there are some."""
    asked, there = put.headers, head.headers
    return (
        _encrypted(asked, there)
        and as_locked(asked, there, least_lock)
        and _same_metadata(put, there)
        and _comparable(asked) == _comparable(there)
        and asked.tags == (engine.tags(put.bucket, put.key) if asked.tags or head.tag_count else ())
    )


def _encrypted(asked: Headers, there: Headers) -> bool:
    """S3 tells a key's ARN, never the alias it was asked by: with an alias the headers always count as changed."""
    return not asked.sse or (asked.sse == there.sse and there.kms_key_id.endswith(asked.kms_key_id))


def _same_metadata(put: Put, there: Headers) -> bool:
    """With `keep_modified` a time must be there, whichever: a fresh checkout has new ones, and they say nothing of the bytes."""
    kept = dict(there.metadata)
    timed = kept.pop(modified.NAME, None) is not None if put.keep_modified else True
    return timed and kept == dict(put.headers.metadata)


def _comparable(headers: Headers) -> Headers:
    """What is compared by being equal."""
    return replace(
        headers,
        metadata=(),
        acl="",
        sse="",
        kms_key_id="",
        tags=(),
        storage_class="STANDARD" if headers.storage_class in {"", *OWN_CLASSES} else headers.storage_class,
        customer_key=None,
        lock_mode="",
        lock_until="",
        legal_hold=False,
    )
