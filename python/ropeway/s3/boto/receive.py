"""A stretch of an object's bytes, received into a file, and taken up again where the connection broke."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError, IncompleteReadError, ReadTimeoutError, ResponseStreamingError
from urllib3.exceptions import HTTPError

from ropeway.errors import AwsError, IntegrityError, RopewayError
from ropeway.s3 import actions
from ropeway.s3.boto.answered import told
from ropeway.s3.boto.checksums import Digest, Proof, plain_etag, proof_in
from ropeway.s3.boto.line import Line
from ropeway.s3.boto.parameters import modified_in, of_customer_key, of_location
from ropeway.s3.boto.temporary import Temporary
from ropeway.s3.boto.versions import check_version, of_version, shown, version_in
from ropeway.s3.engine import Get

BLOCK = 256 * 1024
"""Bytes received at once."""
PAUSES = (0.1, 0.3, 1.0, 3.0)
"""Seconds before a body that broke off is taken up again; after the last it is an error. (Requests botocore retries itself.)"""
BROKEN = (ReadTimeoutError, ResponseStreamingError, IncompleteReadError, HTTPError)
"""What comes out of a body when the connection breaks."""
NOT_KEPT = "Nothing of it was kept. Run again; when it fails again, the object or the way to it is damaged."


@dataclass(frozen=True)
class Stamp:
    """Which version an answer is about, and when it was written to (nanoseconds since 1970)."""

    version_id: str
    modified: int | None


def stamp_of(answer: Mapping[str, Any]) -> Stamp:
    return Stamp(version_in(answer), modified_in(answer))


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


def receive(line: Line, get: Get, file: Temporary, how: Mapping[str, Any], digest: Digest | None = None) -> Stretch:
    """What GetObject gives with `how` (a Range or a PartNumber), written to its place in `file` and taken in by `digest`.

    With neither it is the whole object, and verified by what the answer says of it. A stretch that broke off goes on by a Range
    from there: the pinned ETag says that it is the same object.
    """
    with asking(line, get):
        with _answer(line, get, how) as answer:
            stretch = _begun(get, answer, how, digest)
            broken = _take(line, file, stretch, answer)
        for pause in PAUSES:
            if broken is None:
                break
            line.stop.sleep(pause)
            broken = _take_rest(line, get, file, stretch)
        if broken is not None:
            raise broken
    if stretch.proof and stretch.digest:
        stretch.proof.check(stretch.digest, name(get), advice=NOT_KEPT)
    return stretch


def of_range(start: int, end: int) -> dict[str, str]:
    """`end` is not included; in HTTP it is."""
    return {"Range": f"bytes={start}-{end - 1}"}


@contextmanager
def _answer(line: Line, get: Get, how: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    answer = line.client.get_object(**pinned(line, get), **how)
    with closing(answer["Body"]):
        yield answer


def _begun(get: Get, answer: Mapping[str, Any], how: Mapping[str, Any], digest: Digest | None) -> Stretch:
    start, end = _span(get, answer, how)
    proof = None if how else proof_in(answer)
    return Stretch(start, end, start, proof.start() if proof else digest, stamp_of(answer), proof)


def _span(get: Get, answer: Mapping[str, Any], how: Mapping[str, Any]) -> tuple[int, int]:
    """From where to where the answer's bytes go. Raises when they are not those that were asked for."""
    check_pinned(get, answer)
    length = answer.get("ContentLength", get.size)
    start, end, total = _content_range(answer) or (0, length, length)
    if total != get.size:
        raise _of_another_length(get, total)
    if how.get("Range") not in {None, *of_range(start, end).values()}:
        raise IntegrityError(
            f"Could not download {name(get)}: asked for {how['Range']}, the store answered with bytes={start}-{end - 1}.",
            advice="A store that cannot give ranges cannot be downloaded from in parts, nor after a broken connection.",
        )
    return start, end


def _content_range(answer: Mapping[str, Any]) -> tuple[int, int, int] | None:
    """RFC 9110, section 14.4."""
    found = re.fullmatch(r"bytes (\d+)-(\d+)/(\d+)", answer.get("ContentRange", ""))
    return (int(found[1]), int(found[2]) + 1, int(found[3])) if found else None


def _take_rest(line: Line, get: Get, file: Temporary, stretch: Stretch) -> Exception | None:
    how = of_range(stretch.at, stretch.end)
    with _answer(line, get, how) as answer:
        _span(get, answer, how)
        return _take(line, file, stretch, answer)


def _take(line: Line, file: Temporary, stretch: Stretch, answer: Mapping[str, Any]) -> Exception | None:
    """Returns what broke it off, if something did."""
    while stretch.at < stretch.end:
        line.stop.check()
        try:
            block = answer["Body"].read(min(BLOCK, stretch.end - stretch.at))
        except BROKEN as error:
            return error
        if not block:
            return IncompleteReadError(
                actual_bytes=stretch.at - stretch.start, expected_bytes=stretch.end - stretch.start
            )
        file.write(stretch.at, block)
        if stretch.digest:
            stretch.digest.update(block)
        stretch.at += len(block)
        line.sent(len(block))
    return None


# --- asking for the version that was planned -------------------------------------------------------------------------------


def name(get: Get) -> str:
    return shown(get.bucket, get.key, get.version_id)


def pinned(line: Line, get: Get, *, match: bool = True) -> dict[str, Any]:
    """What every GET and HEAD of the object asks with: what the plan saw, and checksums."""
    seen = {"IfMatch": f'"{get.etag}"'} if get.etag and match else {}
    mode = {"ChecksumMode": "ENABLED"} if line.checksums else {}
    what = of_location(get.bucket, get.key) | of_version(get.version_id)
    return what | of_customer_key(get.customer_key) | seen | mode


def check_pinned(get: Get, answer: Mapping[str, Any]) -> None:
    """For stores that do not know If-Match, or versions; and for what is no store. Raises AwsError, NetworkError."""
    check_version(answer, get.version_id, _doing(get))
    if get.etag:
        told(answer, "ETag", _doing(get))
        if plain_etag(answer) != get.etag:
            raise _changed(get)


@contextmanager
def asking(line: Line, get: Get) -> Iterator[None]:
    with line.asking(_doing(get), actions.of_get(get.version_id), get.bucket):
        try:
            yield
        except ClientError as error:
            meta = error.response.get("ResponseMetadata", {})
            if meta.get("HTTPStatusCode") == 412:
                raise _changed(get, meta.get("RequestId", "")) from error
            raise


def _doing(get: Get) -> str:
    return f"download {name(get)} to {get.path}"


def _of_another_length(get: Get, total: int) -> RopewayError:
    """By its ETag it may be the one that was planned."""
    if not get.etag:
        return _changed(get)
    return IntegrityError(
        f"{name(get)} did not arrive whole: the store gives {total:,} of its {get.size:,} bytes.", advice=NOT_KEPT
    )


def _changed(get: Get, request_id: str = "") -> AwsError:
    return AwsError(
        _doing(get),
        code="PreconditionFailed",
        answer="the object is not the one any more that was there when the download was planned",
        request_id=request_id,
        advice="Run again to get the one that is there now.",
    )
