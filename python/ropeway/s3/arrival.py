"""Bytes of an object on their way into a file: which are asked for, which have come, and whether together they are the object."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ropeway.errors import AwsError, IntegrityError, RopewayError
from ropeway.s3.answered import told
from ropeway.s3.checksums import Crc32, Digest, Proof, joined, plain_etag
from ropeway.s3.engine import Get
from ropeway.s3.versions import check_version, shown

NOT_KEPT = "Nothing of it was kept. Run again; when it fails again, the object or the way to it is damaged."


@dataclass(frozen=True)
class Stamp:
    """Which version an answer is about, when it was written to (nanoseconds since 1970), and its ETag."""

    version_id: str
    modified: int | None
    etag: str


@dataclass
class Stretch:
    """The bytes from `start` to `end` (not included), of which those before `at` have arrived and `digest` has seen them.

    `proof` is what the store says of them, where that is asked for; `of` is what it says of the object.
    """

    start: int
    end: int
    at: int
    digest: Digest | None
    of: Stamp
    proof: Proof | None = None


# --- from where to where --------------------------------------------------------------------------------------------------


def of_range(start: int, end: int) -> dict[str, str]:
    """`end` is not included; in HTTP it is."""
    return {"Range": f"bytes={start}-{end - 1}"}


def span(get: Get, answer: Mapping[str, Any], how: Mapping[str, Any]) -> tuple[int, int]:
    """From where to where the answer's bytes go. Raises when they are not those that were asked for."""
    check_pinned(get, answer)
    if how:  # by nothing else do several answers belong together
        told(answer, "ETag", doing(get))
    length = answer.get("ContentLength", get.size)
    start, end, total = content_range(answer) or (0, length, length)
    if total != get.size:
        raise _of_another_length(get, total)
    if how.get("Range") not in {None, *of_range(start, end).values()}:
        raise IntegrityError(
            f"Could not download {name(get)}: asked for {how['Range']}, the store answered with bytes={start}-{end - 1}.",
            advice="A store that cannot give ranges cannot be downloaded from in parts, nor after a broken connection.",
        )
    if not how and (start, end) != (0, total):
        raise unasked(name(get), NOT_KEPT)
    return start, end


def content_range(answer: Mapping[str, Any]) -> tuple[int, int, int] | None:
    """RFC 9110, section 14.4."""
    found = re.fullmatch(r"bytes (\d+)-(\d+)/(\d+)", answer.get("ContentRange", ""))
    return (int(found[1]), int(found[2]) + 1, int(found[3])) if found else None


def unasked(what: str, advice: str) -> IntegrityError:
    """A part of an object that all was asked of (RFC 9110, section 15.3.7)."""
    return IntegrityError(f"{what} did not arrive whole: the store answered with a part of it, unasked.", advice=advice)


# --- the version that was planned -----------------------------------------------------------------------------------------


def name(get: Get) -> str:
    return shown(get.bucket, get.key, get.version_id)


def check_pinned(get: Get, answer: Mapping[str, Any]) -> None:
    """For stores that do not know If-Match, or versions; and for what is no store. Raises AwsError, NetworkError."""
    if get.version_id:
        check_version(answer, get.version_id, doing(get))
    if get.etag and plain_etag(answer) != get.etag:
        told(answer, "ETag", doing(get))
        raise changed(get)


def pinned_by(get: Get, of: Stamp) -> Get:
    """What the first answer was about is what all others have to be about, where the plan knew no ETag."""
    return get if get.etag else replace(get, etag=of.etag)


def doing(get: Get) -> str:
    return f"download {name(get)} to {get.path}"


def _of_another_length(get: Get, total: int) -> RopewayError:
    """By its ETag it may be the one that was planned."""
    if not get.etag:
        return changed(get)
    return IntegrityError(
        f"{name(get)} did not arrive whole: the store gives {total:,} of its {get.size:,} bytes.", advice=NOT_KEPT
    )


def changed(get: Get, request_id: str = "") -> AwsError:
    return AwsError(
        doing(get),
        code="PreconditionFailed",
        answer="the object is not the one any more that was there when the download was planned",
        request_id=request_id,
        advice="Run again to get the one that is there now.",
    )


# --- the whole ------------------------------------------------------------------------------------------------------------


def check_whole(get: Get, stretches: Sequence[Stretch]) -> None:
    """Ranges are what was asked for; parts lie where the store says."""
    at = 0
    for stretch in sorted(stretches, key=lambda stretch: stretch.start):
        if stretch.start != at:
            raise IntegrityError(
                f"{name(get)} did not arrive whole: its parts do not meet at byte {at:,}.", advice=NOT_KEPT
            )
        at = stretch.end
    if at != get.size:
        raise IntegrityError(f"{name(get)} did not arrive whole: its parts end at byte {at:,}.", advice=NOT_KEPT)


def of_digests(whole: Digest, stretches: Sequence[Stretch]) -> Digest:
    for stretch in stretches:
        whole.update(stretch.digest.digest() if stretch.digest else b"")
    return whole


def joined_up(stretches: Sequence[Stretch]) -> Crc32:
    whole = Crc32()
    for stretch in stretches:
        if isinstance(stretch.digest, Crc32):
            whole.value = joined(whole.value, stretch.digest.value, stretch.end - stretch.start)
    return whole
