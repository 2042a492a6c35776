"""What an engine does for jobs: one request each, its answer in AWS's own words, its refusal an error of ours."""

from __future__ import annotations

from collections.abc import Awaitable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from ropeway.errors import AwsError, RopewayError
from ropeway.s3.arrival import Stamp, Stretch
from ropeway.s3.checksums import Digest
from ropeway.s3.engine import Copy, CustomerKey, Get, Head, Put, Sent
from ropeway.s3.files import Same
from ropeway.s3.parts import Part
from ropeway.s3.temporary import Temporary

T = TypeVar("T")


@dataclass(frozen=True)
class Making:
    """What is made: `doing` reads on from "Could not", `needed` are the IAM actions."""

    work: Put | Copy
    doing: str
    needed: tuple[str, ...]

    @property
    def name(self) -> str:
        return f"s3://{self.work.bucket}/{self.work.key}"


@dataclass(frozen=True)
class Begun:
    """A multipart upload that was begun. `whole` says that the store keeps a checksum of the whole object, not of its parts'.

    `began` is when, by the store's clock (seconds since 1970; 0 where it has none).
    """

    making: Making
    id: str
    whole: bool
    began: float


class Hands(Protocol):
    """All of them raise RopewayErrors."""

    @property
    def sent(self) -> Sent: ...

    def gather(self, asked: Iterable[Awaitable[T]]) -> Awaitable[list[T]]:
        """What these hands give, many at once, in their order; the first error once none is on its way any more."""
        ...

    def cleaning_up(self) -> None:
        """What the job asks for from here on is done in any case."""
        ...

    def sleep(self, seconds: float) -> Awaitable[None]: ...

    def look(
        self, bucket: str, key: str, customer_key: CustomerKey | None = None, version_id: str = ""
    ) -> Awaitable[Head | None]: ...

    # --- up ----------------------------------------------------------------------------------------------------------------

    def put(self, making: Making, put: Put) -> Awaitable[str]:
        """The whole file in one request. The id of the version that was made."""
        ...

    def send_part(
        self, begun: Begun, put: Put, same: Same, number: int, *, offset: int, length: int
    ) -> Awaitable[Part]: ...

    def begin(self, making: Making) -> Awaitable[Begun]: ...

    def complete(self, begun: Begun, parts: Sequence[Part], whole: str) -> Awaitable[Mapping[str, Any] | AwsError]:
        """`whole` is the CRC32 of the object, if the store compares it. An error is an answer where an attempt before it may have
        been the one that succeeded: an upload that is completed is unknown.
        """
        ...

    def abort(self, begun: Begun) -> Awaitable[None]:
        """Twice: a part that was on its way during the first may be stored after it (API reference, AbortMultipartUpload)."""
        ...

    # --- down --------------------------------------------------------------------------------------------------------------

    def head(self, get: Get, part: int = 0) -> Awaitable[tuple[Mapping[str, Any], Stamp]]:
        """Of the version that was planned; or of one part of it, whatever its ETag."""
        ...

    def receive(
        self, get: Get, file: Temporary, how: Mapping[str, Any], digest: Digest | None = None
    ) -> Awaitable[Stretch]: ...

    def read_back(self, file: Temporary, digest: Digest) -> Awaitable[Digest]: ...

    # --- on the server's side ------------------------------------------------------------------------------------------------

    def copy_object(self, making: Making, copy: Copy) -> Awaitable[Mapping[str, Any] | AwsError]:
        """An error is an answer where an attempt before it may have been the one that succeeded: a source that is the target, too, is
        another one after it.
        """
        ...

    def copy_part(self, begun: Begun, copy: Copy, number: int, *, start: int, end: int) -> Awaitable[Part]: ...

    def delete_many(self, bucket: str, keys: Sequence[str]) -> Awaitable[dict[str, RopewayError]]:
        """The keys that were refused, each with why."""
        ...

    def delete_one(self, bucket: str, key: str) -> Awaitable[RopewayError | None]: ...

    def create_bucket(self, bucket: str, region: str, *, object_lock: bool) -> Awaitable[None]: ...
