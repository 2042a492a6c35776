"""The object engine on boto3."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from functools import partial
from typing import Any, Literal

from botocore.exceptions import ClientError

from ropeway.errors import BucketMissing, Cancelled, CredentialsError, NetworkError, RopewayError, WrongRegion
from ropeway.outcome import Cancellation
from ropeway.s3.boto.checksums import plain_etag
from ropeway.s3.boto.download import download
from ropeway.s3.boto.flow import Flow, Job, R, Request, Stop
from ropeway.s3.boto.line import Line, asking_by, watch
from ropeway.s3.boto.parameters import of_customer_key, of_location, to_head
from ropeway.s3.boto.upload import upload
from ropeway.s3.engine import CustomerKey, Head, Listed, Pairs, Put, Sent, Transfer, Transferred

CONCERN_ALL = (BucketMissing, Cancelled, CredentialsError, NetworkError, WrongRegion)
"""The other objects would meet the same: these are raised, where an object's own error is told in its result."""


class BotoEngine:
    """`concurrency` is how many requests are in flight at most; the client's pool should hold as many connections.

    Without `checksums` none are sent or asked for; the client's own `request_checksum_calculation` should say the same.
    """

    name: Literal["boto3", "wire"] = "boto3"

    def __init__(self, client: Any, *, concurrency: int, checksums: bool = True) -> None:
        self._client = client
        self._concurrency = concurrency
        self._checksums = checksums
        watch(client)

    # --- reading -----------------------------------------------------------------------------------------------------------

    def list(self, bucket: str, prefix: str, *, cancellation: Cancellation | None = None) -> Iterator[Listed]:
        pages = iter(self._client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix))
        while True:
            (page,) = self._flow(
                [_page_job(partial(self._page, pages, bucket, prefix))], cancellation or Cancellation()
            )
            if page is None:
                return
            yield from map(_listed, page.get("Contents", ()))

    def _page(self, pages: Iterator[Any], bucket: str, prefix: str) -> Any:
        with self._asking(f"list s3://{bucket}/{prefix}", "s3:ListBucket", bucket):
            return next(pages, None)

    def probe(self, bucket: str, prefix: str) -> None:
        with self._asking(f"list s3://{bucket}/{prefix}", "s3:ListBucket", bucket):
            self._client.list_objects_v2(Bucket=bucket, Prefix=prefix, MaxKeys=1)

    def heads(
        self,
        bucket: str,
        keys: Sequence[str],
        customer_key: CustomerKey | None = None,
        *,
        cancellation: Cancellation | None = None,
    ) -> Iterator[tuple[str, Head | None]]:
        jobs = (self._head_job(bucket, key, customer_key) for key in keys)
        return self._flow(jobs, cancellation or Cancellation())

    def _head_job(self, bucket: str, key: str, customer_key: CustomerKey | None) -> Job[tuple[str, Head | None]]:
        (head,) = yield [partial(self._head, bucket, key, customer_key)]
        return key, head

    def _head(self, bucket: str, key: str, customer_key: CustomerKey | None) -> Head | None:
        mode = {"ChecksumMode": "ENABLED"} if self._checksums else {}
        with self._asking(f"look at s3://{bucket}/{key}", "s3:GetObject", bucket):
            try:
                answer = self._client.head_object(**of_location(bucket, key), **of_customer_key(customer_key), **mode)
            except ClientError as error:
                if error.response["ResponseMetadata"]["HTTPStatusCode"] == 404:
                    return None
                raise
        return to_head(answer, customer_key)

    def tags(self, bucket: str, key: str) -> Pairs:
        with self._asking(f"read the tags of s3://{bucket}/{key}", "s3:GetObjectTagging", bucket):
            answer = self._client.get_object_tagging(**of_location(bucket, key))
        return tuple(sorted((tag["Key"], tag["Value"]) for tag in answer["TagSet"]))

    # --- writing -----------------------------------------------------------------------------------------------------------

    def transfer(self, work: Iterable[Transfer], sent: Sent, cancellation: Cancellation) -> Iterator[Transferred]:
        stop = Stop(cancellation)
        return self._flow(_Transfers(Line(self._client, self._checksums, sent, stop)).jobs(work), cancellation, stop)

    def create_bucket(self, bucket: str, region: str) -> None:
        """us-east-1 is the one region that may not be named (API reference, CreateBucket)."""
        where = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
        with self._asking(f"create the bucket {bucket} in {region} (CreateBucket)", "s3:CreateBucket", bucket):
            try:
                self._client.create_bucket(Bucket=bucket, **where)
            except self._client.exceptions.BucketAlreadyOwnedByYou:
                return

    # --- how ---------------------------------------------------------------------------------------------------------------

    def _flow(self, jobs: Iterable[Job[R]], cancellation: Cancellation, stop: Stop | None = None) -> Iterator[R]:
        stop = stop or Stop(cancellation)
        return Flow(jobs, width=self._concurrency, stop=stop, cancellation=cancellation).results()

    def _asking(self, doing: str, action: str, bucket: str) -> AbstractContextManager[None]:
        return asking_by(self._client, doing, action, bucket)


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
        error = None
        try:
            yield from upload(self._line, work) if isinstance(work, Put) else download(self._line, work)
        except CONCERN_ALL:
            raise
        except RopewayError as failure:
            self._failed = True
            error = failure
        return Transferred(work, time.monotonic() - began, error)


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
