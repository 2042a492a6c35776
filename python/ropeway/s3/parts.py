"""The parts that a large object is made of, whoever sends or copies them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ropeway.errors import RopewayError
from ropeway.s3.checksums import joined

MIB = 1 << 20
MOST_PARTS = 10_000
"""S3 user guide, "Amazon S3 multipart upload limits"."""
CLOCKS = 5.0
"""Seconds by which a store's own clocks may differ."""


@dataclass(frozen=True, slots=True)
class Part:
    """A part that arrived. `crc` is None where none is known; `echoed` where the store tells it, too."""

    number: int
    length: int
    etag: str
    crc: int | None
    echoed: bool


def part_size(size: int, least: int) -> int:
    """Bytes: whole MiB, so that there are at most 10,000 parts."""
    return max(least, -(-size // MOST_PARTS // MIB) * MIB)


def crc_of(parts: Iterable[Part]) -> int | None:
    crc = 0
    for part in parts:
        if part.crc is None:
            return None
        crc = joined(crc, part.crc, part.length)
    return crc


def is_of_upload(began: float, modified: float) -> bool:
    """Whether an object may be what came of an upload: it is as old as that, or younger. Both by the store's clock.

    S3 user guide, "Working with object metadata": an object that was sent in parts is dated by the beginning of its upload.
    """
    return modified >= began - CLOCKS


def left_over(name: str, id: str, failure: RopewayError) -> str:
    return (
        f"The parts of {name} that had been sent are still kept, and cost, as aborting their upload {id} failed: "
        f"{failure.message} Abort it with `aws s3api abort-multipart-upload`, or let a lifecycle rule of the bucket do it "
        "(AbortIncompleteMultipartUpload)."
    )
