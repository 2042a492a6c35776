"""The object engine on boto3."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import partial
from typing import Any, Literal

from botocore.exceptions import ClientError

from ropeway.errors import BucketMissing, Cancelled, CredentialsError, NetworkError, RopewayError, WrongRegion
from ropeway.outcome import Cancellation
from ropeway.s3 import actions
from ropeway.s3.boto import terms
from ropeway.s3.boto.answered import check_last, check_page
from ropeway.s3.boto.checksums import plain_etag
from ropeway.s3.boto.download import download
from ropeway.s3.boto.flow import Flow, Job, R, Request, Stop
from ropeway.s3.boto.line import Line, asking_by, watch
from ropeway.s3.boto.parameters import of_customer_key, of_location, to_head
from ropeway.s3.boto.upload import upload
from ropeway.s3.boto.versions import check_version, of_version, shown
from ropeway.s3.engine import CustomerKey, Head, Listed, Pairs, Put, Sent, Terms, Transfer, Transferred

CONCERN_ALL = (BucketMissing, Cancelled, CredentialsError, NetworkError, WrongRegion)
"""The other objects would meet the same: these are raised, where an object's own error is told in its result."""


BUSY = (0.5, 1.0, 2.0)
"""Seconds to wait while somebody else makes the bucket (another stage of the same pipeline): S3 answers OperationAborted to all but one."""


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
        while True:
            (page,) = self._flow(
                [_page_job(partial(self._page, pages, bucket, prefix))], cancellation or Cancellation()
            )
            if page is None:
                break
            yield from map(_listed, page.get("Contents", ()))
            last = page
        check_last(last, _listing(bucket, prefix))

    def _page(self, pages: Iterator[Any], bucket: str, prefix: str) -> Any:
        with self._asking(_listing(bucket, prefix), actions.LIST, bucket):
            if page := next(pages, None):
                check_page(page, _listing(bucket, prefix))
            return page

    def probe(self, bucket: str, prefix: str) -> None:
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
        jobs = (self._head_job(bucket, key, customer_key, asked.get(key, "")) for key in keys)
        return self._flow(jobs, cancellation or Cancellation())

    def _head_job(
        self, bucket: str, key: str, customer_key: CustomerKey | None, version_id: str
    ) -> Job[tuple[str, Head | None]]:
        (head,) = yield [partial(self._head, bucket, key, customer_key, version_id)]
        return key, head

    def _head(self, bucket: str, key: str, customer_key: CustomerKey | None, version_id: str) -> Head | None:
        mode = {"ChecksumMode": "ENABLED"} if self._checksums else {}
        what = of_location(bucket, key) | of_version(version_id) | of_customer_key(customer_key)
        doing = f"look at {shown(bucket, key, version_id)}"
        with self._asking(doing, actions.of_head(version_id), bucket):
            try:
                answer = self._client.head_object(**what, **mode)
            except ClientError as error:
                if error.response["ResponseMetadata"]["HTTPStatusCode"] == 404:
                    return None
                raise
        check_version(answer, version_id, doing)
        return to_head(answer, customer_key)

    def tags(self, bucket: str, key: str) -> Pairs:
        with self._asking(f"read the tags of s3://{bucket}/{key}", actions.TAGS, bucket):
            answer = self._client.get_object_tagging(**of_location(bucket, key))
        return tuple(sorted((tag["Key"], tag["Value"]) for tag in answer["TagSet"]))

    # --- writing -----------------------------------------------------------------------------------------------------------

    def transfer(self, work: Iterable[Transfer], sent: Sent, cancellation: Cancellation) -> Iterator[Transferred]:
        stop = Stop(cancellation)
        line = Line(self._client, self._terms, self._checksums, sent, stop)
        return self._flow(_Transfers(line).jobs(work), cancellation, stop)

    def create_bucket(self, bucket: str, region: str, *, object_lock: bool = False) -> None:
        """us-east-1 is the one region that may not be named (API reference, CreateBucket)."""
        where = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
        lock = {"ObjectLockEnabledForBucket": True} if object_lock else {}
        needed = actions.of_create_bucket(object_lock=object_lock)
        with self._asking(f"create the bucket {bucket} in {region} (CreateBucket)", needed, bucket):
            try:
                _when_free(partial(self._client.create_bucket, Bucket=bucket, **where, **lock))
            except self._client.exceptions.BucketAlreadyOwnedByYou:
                return

    # --- how ---------------------------------------------------------------------------------------------------------------

    def _flow(self, jobs: Iterable[Job[R]], cancellation: Cancellation, stop: Stop | None = None) -> Iterator[R]:
        stop = stop or Stop(cancellation)
        return Flow(jobs, width=self._concurrency, stop=stop, cancellation=cancellation).results()

    def _asking(self, doing: str, needed: tuple[str, ...], bucket: str) -> AbstractContextManager[None]:
        return asking_by(self._client, self._terms, doing, needed, bucket)


class _Transfers:
    """The jobs of one run. After the first error no further one is begun."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self._failed = False

    def jobs(self, work: Iterable[Transfer]) -> Iterator[Job[Transferred]]:
        for transfer in work:
            if self._failed:
                return
            yield self._job(transfer)

    def _job(self, work: Transfer) -> Job[Transferred]:
        began = time.monotonic()
        error, version_id = None, ""
        try:
            version_id = yield from upload(self._line, work) if isinstance(work, Put) else download(self._line, work)
        except CONCERN_ALL:
            raise
        except RopewayError as failure:
            self._failed = True
            error = failure
        return Transferred(work, time.monotonic() - began, error, version_id)


def _when_free(create: Request) -> Any:
    for pause in BUSY:
        try:
            return create()
        except ClientError as error:
            if error.response["Error"].get("Code") != "OperationAborted":
                raise
        time.sleep(pause)
    return create()


def _listing(bucket: str, prefix: str) -> str:
    return f"list s3://{bucket}/{prefix}"


def _page_job(page: Request) -> Job[Any]:
    (answer,) = yield [page]
    return answer


def _listed(entry: Any) -> Listed:
    return Listed(
        key=entry["Key"],
        size=entry["Size"],
        etag=plain_etag(entry),
        storage_class=entry.get("StorageClass", ""),
        modified=entry["LastModified"].timestamp(),
    )
