"""Objects are deleted, a thousand a request: each key comes back with what became of it (S3 API reference, DeleteObjects)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from ropeway.errors import AwsError, RopewayError
from ropeway.s3.jobs.hands import Hands
from ropeway.s3.keys import fits_in_xml

MOST = 1000
"""Keys of a request."""
PAUSES = (0.2, 0.6, 2.0, 5.0)
"""Seconds before those keys are asked for again that failed for want of S3's own time; after the last it is an error."""
PASSING = {"InternalError", "SlowDown", "ServiceUnavailable", "OperationAborted"}

Deleted = list[tuple[str, RopewayError | None]]


async def delete(hands: Hands, bucket: str, keys: Sequence[str]) -> Deleted:
    """At most MOST keys."""
    errors: dict[str, RopewayError] = {}
    if together := [key for key in keys if fits_in_xml(key)]:
        errors = await _together(hands, bucket, together)
    if alone := [key for key in keys if not fits_in_xml(key)]:
        refused = await hands.gather(hands.delete_one(bucket, key) for key in alone)
        errors |= {key: error for key, error in zip(alone, refused, strict=True) if error}
    return [(key, errors.get(key)) for key in keys]


async def _together(hands: Hands, bucket: str, keys: Sequence[str]) -> dict[str, RopewayError]:
    errors = await hands.delete_many(bucket, keys)
    for pause in PAUSES:
        passing = [key for key, error in errors.items() if isinstance(error, AwsError) and error.code in PASSING]
        if not passing:
            break
        await hands.sleep(pause)
        again = await hands.delete_many(bucket, passing)
        errors = {key: error for key, error in errors.items() if key not in passing} | again
    return errors


def doing(bucket: str, keys: Sequence[str]) -> str:
    return f"delete {len(keys):,} objects of s3://{bucket}, from {keys[0]} to {keys[-1]}"


def refused(
    entries: Iterable[Mapping[str, Any]],
    bucket: str,
    keys: Sequence[str],
    told: Callable[[Mapping[str, Any], str], RopewayError],
) -> dict[str, RopewayError]:
    """Each key that the answer names as refused. `told` puts one into words, and reads on from "Could not". Raises AwsError for any other key."""
    asked, errors = set(keys), {}
    for entry in entries:
        if (key := str(entry.get("Key", ""))) not in asked:
            words = f"of {key!r}, which was not to be deleted: {entry.get('Message', '')}"
            raise AwsError(doing(bucket, keys), code=str(entry.get("Code", "")), answer=words)
        errors[key] = told(entry, f"delete s3://{bucket}/{key}")
    return errors
