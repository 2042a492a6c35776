"""What jobs ask for, by boto3: each is a request that a thread of the flow does."""

from __future__ import annotations

from collections.abc import Awaitable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar, cast

from ropeway.errors import AwsError, RopewayError
from ropeway.s3.arrival import Stamp, Stretch
from ropeway.s3.boto import copy, delete, look, multipart, receive, upload
from ropeway.s3.boto.flow import Ask, Request, together
from ropeway.s3.boto.line import Line
from ropeway.s3.checksums import Digest
from ropeway.s3.engine import Copy, CustomerKey, Get, Head, Put, Sent
from ropeway.s3.files import Same
from ropeway.s3.jobs.hands import Begun, Making
from ropeway.s3.parts import Part
from ropeway.s3.temporary import Temporary

T = TypeVar("T")


class Hands:
    def __init__(self, line: Line) -> None:
        self._line = line

    @property
    def sent(self) -> Sent:
        return self._line.sent

    def gather(self, asked: Iterable[Awaitable[T]]) -> Awaitable[list[T]]:
        return together(cast("Iterable[Request]", asked))

    def cleaning_up(self) -> None:
        """What is asked for after an error is: the flow knows."""

    def sleep(self, seconds: float) -> Ask[None]:
        return Ask(partial(self._line.stop.sleep, seconds))

    def look(
        self, bucket: str, key: str, customer_key: CustomerKey | None = None, version_id: str = ""
    ) -> Ask[Head | None]:
        return Ask(partial(look.head, self._line, bucket, key, customer_key, version_id))

    def put(self, making: Making, put: Put) -> Ask[str]:
        return Ask(partial(upload.put_whole, self._line, making, put))

    def send_part(self, begun: Begun, put: Put, same: Same, number: int, *, offset: int, length: int) -> Ask[Part]:
        return Ask(partial(upload.send_part, self._line, begun, put, same, number, offset=offset, length=length))

    def begin(self, making: Making) -> Ask[Begun]:
        return Ask(partial(multipart.begin, self._line, making))

    def complete(self, begun: Begun, parts: Sequence[Part], whole: str) -> Ask[Mapping[str, Any] | AwsError]:
        return Ask(partial(multipart.complete, self._line, begun, parts, whole))

    def abort(self, begun: Begun) -> Ask[None]:
        return Ask(partial(multipart.abort, self._line, begun))

    def head(self, get: Get, part: int = 0) -> Ask[tuple[Mapping[str, Any], Stamp]]:
        return Ask(partial(receive.head, self._line, get, part))

    def receive(self, get: Get, file: Temporary, how: Mapping[str, Any], digest: Digest | None = None) -> Ask[Stretch]:
        return Ask(partial(receive.receive, self._line, get, file, how, digest))

    def read_back(self, file: Temporary, digest: Digest) -> Ask[Digest]:
        return Ask(partial(_read_back, self._line, file, digest))

    def copy_object(self, making: Making, work: Copy) -> Ask[Mapping[str, Any] | AwsError]:
        return Ask(partial(copy.copy_object, self._line, making, work))

    def copy_part(self, begun: Begun, work: Copy, number: int, *, start: int, end: int) -> Ask[Part]:
        return Ask(partial(copy.copy_part, self._line, begun, work, number, start=start, end=end))

    def delete_many(self, bucket: str, keys: Sequence[str]) -> Ask[dict[str, RopewayError]]:
        return Ask(partial(delete.delete_many, self._line, bucket, keys))

    def delete_one(self, bucket: str, key: str) -> Ask[RopewayError | None]:
        return Ask(partial(delete.delete_one, self._line, bucket, key))

    def create_bucket(self, bucket: str, region: str, *, object_lock: bool) -> Ask[None]:
        return Ask(partial(look.create_bucket, self._line, bucket, region, object_lock=object_lock))


def _read_back(line: Line, file: Temporary, digest: Digest) -> Digest:
    offset = 0
    while block := file.read(offset):
        line.stop.check()
        digest.update(block)
        offset += len(block)
    return digest
