"""A bucket that is not there yet, and is made when the plan is applied: until then it reads as an empty one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from ropeway.aws.session import Aws
from ropeway.errors import BucketMissing
from ropeway.outcome import Cancellation, Reason, Run, Step
from ropeway.s3 import buckets
from ropeway.s3.engine import CustomerKey, Head, Listed, ObjectEngine, Small
from ropeway.s3.keys import folder_prefix


@dataclass(frozen=True)
class MakeBucket:
    bucket: str


def making(engine: ObjectEngine, bucket: str, prefix: str, cancellation: Cancellation) -> Step[Any] | None:
    """The step that makes the bucket; None where it is there. Raises InputError for a name that S3 would refuse."""
    there = buckets.is_there(engine, bucket, folder_prefix(prefix), may_make=True, cancellation=cancellation)
    return None if there else Step("create", f"s3://{bucket}", Reason.NEW, 0, MakeBucket(bucket))


def make(engine: ObjectEngine, bucket: str, aws: Aws, run: Run) -> None:
    try:
        buckets.make(engine, bucket, aws.region, run, object_lock=False)
    except BucketMissing as never:
        raise never.advised("It was made, and S3 does not find it yet: run again.") from None


def as_empty(engine: ObjectEngine, bucket: str) -> ObjectEngine:
    """The engine, for which there is nothing in the bucket. Nothing is written by it: whoever has made the bucket plans anew."""
    return cast("ObjectEngine", _Empty(engine, bucket))


class _Empty:
    def __init__(self, engine: ObjectEngine, bucket: str) -> None:
        self._engine = engine
        self._bucket = bucket
        self.name = engine.name

    def list(self, bucket: str, prefix: str, *, cancellation: Cancellation | None = None) -> Iterator[Listed]:
        if bucket != self._bucket:
            yield from self._engine.list(bucket, prefix, cancellation=cancellation)

    def heads(
        self,
        bucket: str,
        keys: Sequence[str],
        customer_key: CustomerKey | None = None,
        *,
        versions: Mapping[str, str] | None = None,
        cancellation: Cancellation | None = None,
    ) -> Iterator[tuple[str, Head | None]]:
        if bucket == self._bucket:
            yield from ((key, None) for key in keys)
        else:
            yield from self._engine.heads(bucket, keys, customer_key, versions=versions, cancellation=cancellation)

    def read(self, bucket: str, key: str, *, most: int, cancellation: Cancellation | None = None) -> Small | None:
        if bucket == self._bucket:
            return None
        return self._engine.read(bucket, key, most=most, cancellation=cancellation)

    def probe(self, bucket: str, prefix: str, *, cancellation: Cancellation | None = None) -> None:
        """The redirect bucket is another one, and is asked for."""
        self._engine.probe(bucket, prefix, cancellation=cancellation)
