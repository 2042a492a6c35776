"""What jobs ask for, on the wire."""

from __future__ import annotations

from collections.abc import Awaitable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar

from ropeway.errors import AwsError, RopewayError
from ropeway.s3.arrival import Stamp, Stretch
from ropeway.s3.checksums import Digest
from ropeway.s3.engine import Copy, CustomerKey, Get, Head, Put, Sent
from ropeway.s3.files import Same
from ropeway.s3.jobs.hands import Begun, Making
from ropeway.s3.parts import Part
from ropeway.s3.temporary import Temporary
from ropeway.s3.wire import copy, delete, look, multipart, receive, upload
from ropeway.s3.wire.line import LARGE, Line
from ropeway.wire.flow import Job

T = TypeVar("T")


class Hands:
    def __init__(self, line: Line) -> None:
        self._line = line

    @property
    def sent(self) -> Sent:
        return self._line.sent

    def gather(self, asked: Iterable[Awaitable[T]]) -> Job[list[T]]:
        jobs: Iterable[Any] = asked
        return self._line.flow.gather(jobs)

    def cleaning_up(self) -> None:
        self._line.flow.cleaning_up()

    def sleep(self, seconds: float) -> Job[None]:
        return self._line.wire.loop.sleep(seconds)

    async def look(
        self, bucket: str, key: str, customer_key: CustomerKey | None = None, version_id: str = ""
    ) -> Head | None:
        return (await look.head(self._line, bucket, key, customer_key, version_id))[1]

    def put(self, making: Making, put: Put) -> Job[str]:
        if put.size < LARGE:
            return upload.put_whole(self._line, making, put)
        return self._line.by_turns(lambda line: upload.put_whole(line, making, put))

    def send_part(self, begun: Begun, put: Put, same: Same, number: int, *, offset: int, length: int) -> Job[Part]:
        send = partial(upload.send_part, begun, put, same, number, offset=offset, length=length)
        return self._line.by_turns(send)

    def begin(self, making: Making) -> Job[Begun]:
        return multipart.begin(self._line, making)

    def complete(self, begun: Begun, parts: Sequence[Part], whole: str) -> Job[Mapping[str, Any] | AwsError]:
        return multipart.complete(self._line, begun, parts, whole)

    def abort(self, begun: Begun) -> Job[None]:
        return multipart.abort(self._line, begun)

    def head(self, get: Get, part: int = 0) -> Job[tuple[Mapping[str, Any], Stamp]]:
        return receive.head(self._line, get, part)

    def receive(self, get: Get, file: Temporary, how: Mapping[str, Any], digest: Digest | None = None) -> Job[Stretch]:
        if not how and get.size < LARGE:
            return receive.receive(self._line, get, file, how, digest)
        return self._line.by_turns(partial(receive.receive, get=get, file=file, how=how, digest=digest))

    async def read_back(self, file: Temporary, digest: Digest) -> Digest:
        """Block by block, with a turn for all others between."""
        offset = 0
        while block := file.read(offset):
            digest.update(block)
            offset += len(block)
            await self.sleep(0)
            self._line.flow.check()
        return digest

    def copy_object(self, making: Making, work: Copy) -> Job[Mapping[str, Any] | AwsError]:
        return copy.copy_object(self._line, making, work)

    def copy_part(self, begun: Begun, work: Copy, number: int, *, start: int, end: int) -> Job[Part]:
        return copy.copy_part(self._line, begun, work, number, start=start, end=end)

    def delete_many(self, bucket: str, keys: Sequence[str]) -> Job[dict[str, RopewayError]]:
        return delete.delete_many(self._line, bucket, keys)

    def delete_one(self, bucket: str, key: str) -> Job[RopewayError | None]:
        return delete.delete_one(self._line, bucket, key)

    def create_bucket(self, bucket: str, region: str, *, object_lock: bool) -> Job[None]:
        return look.create_bucket(self._line, bucket, region, object_lock=object_lock)
