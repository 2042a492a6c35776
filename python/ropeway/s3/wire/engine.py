"""The object engine on the wire."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Literal

from ropeway.aws.session import S3Address
from ropeway.errors import RopewayError
from ropeway.outcome import Cancellation
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
from ropeway.s3.jobs.delete import MOST, delete
from ropeway.s3.jobs.transfers import Transfers
from ropeway.s3.wire import look, small
from ropeway.s3.wire.hands import Hands
from ropeway.s3.wire.line import Line
from ropeway.s3.wire.store import Store
from ropeway.wire.aside import Aside
from ropeway.wire.connection import Wire
from ropeway.wire.flow import Flow, Job, R
from ropeway.wire.level import Level, affordable
from ropeway.wire.loop import Loop


def _told_to_nobody(_: int) -> None: ...


class WireEngine:
    """`address` tells where a bucket is asked and who signs; `concurrency` is how many requests are in flight at most, as far as this
    process may have as many connections.

    May be used from several threads: each has a loop and connections of its own.
    """

    name: Literal["boto3", "wire"] = "wire"

    def __init__(
        self,
        address: Callable[[str], S3Address],
        *,
        concurrency: int,
        checksums: bool = True,
        on: Terms | None = None,
    ) -> None:
        self._store = Store(address, on or Terms(), checksums, Level(affordable(concurrency)))
        self._own = threading.local()

    # --- reading -----------------------------------------------------------------------------------------------------------

    def list(self, bucket: str, prefix: str, *, cancellation: Cancellation | None = None) -> Iterator[Listed]:
        line = self._line()
        page = self._ask(look.page(line, bucket, prefix), line, cancellation)
        while page.more:
            yield from page.found
            before, page = page.more, self._ask(look.page(line, bucket, prefix, page.more), line, cancellation)
            if page.more == before:
                break
        yield from page.found
        page.check_last(bucket, prefix)

    def probe(self, bucket: str, prefix: str, *, cancellation: Cancellation | None = None) -> None:
        line = self._line()
        self._ask(look.page(line, bucket, prefix, most=1), line, cancellation)

    def heads(
        self,
        bucket: str,
        keys: Sequence[str],
        customer_key: CustomerKey | None = None,
        *,
        versions: Mapping[str, str] | None = None,
        cancellation: Cancellation | None = None,
    ) -> Iterator[tuple[str, Head | None]]:
        line, asked = self._line(), versions or {}
        jobs = (look.head(line, bucket, key, customer_key, asked.get(key, "")) for key in keys)
        return self._flow(jobs, line, cancellation)

    def tags(
        self, bucket: str, keys: Sequence[str], *, cancellation: Cancellation | None = None
    ) -> Iterator[tuple[str, Pairs]]:
        line = self._line()
        return self._flow((look.tags(line, bucket, key) for key in keys), line, cancellation)

    def read(self, bucket: str, key: str, *, most: int, cancellation: Cancellation | None = None) -> Small | None:
        line = self._line()
        return self._ask(small.read(line, bucket, key, most), line, cancellation)

    # --- writing -----------------------------------------------------------------------------------------------------------

    def transfer(self, work: Iterable[Transfer], sent: Sent, cancellation: Cancellation) -> Iterator[Transferred]:
        line = self._line(sent)
        return self._flow(Transfers(Hands(line)).jobs(work), line, cancellation)

    def delete(
        self, bucket: str, keys: Sequence[str], *, cancellation: Cancellation | None = None
    ) -> Iterator[tuple[str, RopewayError | None]]:
        line = self._line()
        for at in range(0, len(keys), MOST):
            yield from self._ask(delete(Hands(line), bucket, keys[at : at + MOST]), line, cancellation)

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
        line = self._line()
        job = small.write(line, bucket, key, body, headers=headers, condition=condition or Condition())
        return self._ask(job, line, cancellation)

    def create_bucket(
        self, bucket: str, region: str, *, object_lock: bool = False, cancellation: Cancellation | None = None
    ) -> None:
        line = self._line()
        self._ask(create_bucket(Hands(line), bucket, region, object_lock=object_lock), line, cancellation)

    # --- how ---------------------------------------------------------------------------------------------------------------

    def _line(self, sent: Sent = _told_to_nobody) -> Line:
        own = self._own
        if not hasattr(own, "wire"):
            own.wire = Wire(Loop(), self._store.context)
            own.aside = Aside(own.wire, self._store.context)
        return Line(self._store, own.wire, sent, own.aside)

    def _flow(self, jobs: Iterable[Job[R]], line: Line, cancellation: Cancellation | None) -> Iterator[R]:
        line.flow = flow = Flow(line.wire.loop, self._store.level, jobs, cancellation or Cancellation())
        with self._own.aside:
            yield from flow.results()

    def _ask(self, job: Job[R], line: Line, cancellation: Cancellation | None) -> R:
        """One job, which a cancellation ends as it ends many."""
        (answer,) = self._flow([job], line, cancellation)
        return answer
