"""The object engine on boto3."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import partial
from typing import Any, Literal

from ropeway.errors import RopewayError
from ropeway.outcome import Cancellation
from ropeway.s3 import actions
from ropeway.s3.answered import check_last, check_listed, check_page, check_truncated
from ropeway.s3.boto import look, small, terms
from ropeway.s3.boto.flow import Ask, Flow, Job, R, Stop
from ropeway.s3.boto.hands import Hands
from ropeway.s3.boto.line import Line, asking_by, watch
from ropeway.s3.checksums import plain_etag
from ropeway.s3.engine import (
    Condition,
    CustomerKey,
    Head,
    Headers,
    Listed,
    Pairs,
    Sent,
    Small,
    Terms,
    Transfer,
    Transferred,
)
from ropeway.s3.jobs.buckets import create_bucket
from ropeway.s3.jobs.delete import MOST as MOST_DELETED
from ropeway.s3.jobs.delete import delete
from ropeway.s3.jobs.transfers import Transfers


def _told_to_nobody(_: int) -> None: ...


class BotoEngine:
    """`concurrency` is how many requests are in flight at most; the client's pool should hold as many connections.

    Without `checksums` none are sent or asked for; the client's own `request_checksum_calculation` should say the same.
    """

    name: Literal["boto3", "wire"] = "boto3"

    def __init__(self, client: Any, *, concurrency: int, checksums: bool = True, on: Terms | None = None) -> None:
        self._client = client
        self._concurrency = concurrency
        self._checksums = checksums
        self._terms = on or Terms()
        watch(client)
        terms.keep(client, self._terms)

    # --- reading -----------------------------------------------------------------------------------------------------------

    def list(self, bucket: str, prefix: str, *, cancellation: Cancellation | None = None) -> Iterator[Listed]:
        pages = iter(self._client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix))
        last: Mapping[str, Any] = {}
        line = self._line(cancellation)
        while page := self._ask(partial(self._page, pages, bucket, prefix), line):
            yield from (_listed(entry, bucket, prefix) for entry in page.get("Contents", ()))
            last = page
        check_last(last, _listing(bucket, prefix))

    def _page(self, pages: Iterator[Any], bucket: str, prefix: str) -> Any:
        with self._asking(_listing(bucket, prefix), actions.LIST, bucket):
            if page := next(pages, None):
                check_page(page, _listing(bucket, prefix))
                check_truncated(page["ResponseMetadata"]["IsTruncated"], _listing(bucket, prefix))
            return page

    def probe(self, bucket: str, prefix: str, *, cancellation: Cancellation | None = None) -> None:
        self._ask(partial(self._probe, bucket, prefix), self._line(cancellation))

    def _probe(self, bucket: str, prefix: str) -> None:
        with self._asking(_listing(bucket, prefix), actions.LIST, bucket):
            check_page(self._client.list_objects_v2(Bucket=bucket, Prefix=prefix, MaxKeys=1), _listing(bucket, prefix))

    def heads(
        self,
        bucket: str,
        keys: Sequence[str],
        customer_key: CustomerKey | None = None,
        *,
        versions: Mapping[str, str] | None = None,
        cancellation: Cancellation | None = None,
    ) -> Iterator[tuple[str, Head | None]]:
        asked = versions or {}
        line = self._line(cancellation)
        jobs = (_of_key(key, partial(look.head, line, bucket, key, customer_key, asked.get(key, ""))) for key in keys)
        return self._flow(jobs, line)

    def tags(
        self, bucket: str, keys: Sequence[str], *, cancellation: Cancellation | None = None
    ) -> Iterator[tuple[str, Pairs]]:
        line = self._line(cancellation)
        return self._flow((_of_key(key, partial(look.tags, line, bucket, key)) for key in keys), line)

    def read(self, bucket: str, key: str, *, most: int, cancellation: Cancellation | None = None) -> Small | None:
        line = self._line(cancellation)
        return self._ask(partial(small.read, line, bucket, key, most), line)

    # --- writing -----------------------------------------------------------------------------------------------------------

    def transfer(self, work: Iterable[Transfer], sent: Sent, cancellation: Cancellation) -> Iterator[Transferred]:
        line = self._line(cancellation, sent)
        return self._flow(Transfers(Hands(line)).jobs(work), line)

    def delete(
        self, bucket: str, keys: Sequence[str], *, cancellation: Cancellation | None = None
    ) -> Iterator[tuple[str, RopewayError | None]]:
        line = self._line(cancellation)
        for at in range(0, len(keys), MOST_DELETED):
            yield from self._one(delete(Hands(line), bucket, keys[at : at + MOST_DELETED]), line)

    def write(
        self,
        bucket: str,
        key: str,
        body: bytes,
        headers: Headers,
        condition: Condition | None = None,
        *,
        cancellation: Cancellation | None = None,
    ) -> Small:
        line = self._line(cancellation)
        return self._ask(
            partial(small.write, line, bucket, key, body, headers=headers, condition=condition or Condition()), line
        )

    def create_bucket(
        self, bucket: str, region: str, *, object_lock: bool = False, cancellation: Cancellation | None = None
    ) -> None:
        self._one(create_bucket(Hands(line := self._line(cancellation)), bucket, region, object_lock=object_lock), line)

    # --- how ---------------------------------------------------------------------------------------------------------------

    def _line(self, cancellation: Cancellation | None, sent: Sent = _told_to_nobody) -> Line:
        return Line(self._client, self._terms, self._checksums, sent, Stop(cancellation or Cancellation()))

    def _flow(self, jobs: Iterable[Job[R]], line: Line) -> Iterator[R]:
        return Flow(jobs, width=self._concurrency, stop=line.stop).results()

    def _one(self, job: Job[R], line: Line) -> R:
        """One job, which a cancellation ends as it ends many."""
        (answer,) = self._flow([job], line)
        return answer

    def _ask(self, request: Callable[[], R], line: Line) -> R:
        return self._one(_of_one(Ask(request)), line)

    def _asking(self, doing: str, needed: tuple[str, ...], bucket: str) -> AbstractContextManager[None]:
        return asking_by(self._client, self._terms, doing, needed, bucket)


def _listing(bucket: str, prefix: str) -> str:
    return f"list s3://{bucket}/{prefix}"


async def _of_one(ask: Ask[R]) -> R:
    return await ask


async def _of_key(key: str, request: Callable[[], R]) -> tuple[str, R]:
    return key, await Ask(request)


def _listed(entry: Any, bucket: str, prefix: str) -> Listed:
    return Listed(
        key=check_listed(entry.get("Key", ""), prefix, _listing(bucket, prefix)),
        size=entry["Size"],
        etag=plain_etag(entry),
        storage_class=entry.get("StorageClass", ""),
        modified=entry["LastModified"].timestamp(),
    )
