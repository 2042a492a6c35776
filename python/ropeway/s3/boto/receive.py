"""A stretch of an object's bytes, received into a file, and taken up again where the connection broke."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from typing import Any

from botocore.exceptions import ClientError, IncompleteReadError, ReadTimeoutError, ResponseStreamingError
from urllib3.exceptions import HTTPError

from ropeway.s3 import actions
from ropeway.s3.arrival import NOT_KEPT, Stamp, Stretch, changed, doing, name, of_range, pinned_by, span
from ropeway.s3.boto.line import Line
from ropeway.s3.boto.parameters import modified_in, of_customer_key, of_location
from ropeway.s3.checksums import Digest, plain_etag, proof_in
from ropeway.s3.engine import Get
from ropeway.s3.temporary import Temporary
from ropeway.s3.versions import of_version, version_in

BLOCK = 256 * 1024
"""Bytes received at once."""
PAUSES = (0.1, 0.3, 1.0, 3.0)
"""Seconds before a body that broke off is taken up again; after the last it is an error. (Requests botocore retries itself.)"""
BROKEN = (ReadTimeoutError, ResponseStreamingError, IncompleteReadError, HTTPError)
"""What comes out of a body when the connection breaks."""


def stamp_of(answer: Mapping[str, Any]) -> Stamp:
    return Stamp(version_in(answer), modified_in(answer), plain_etag(answer))


def receive(line: Line, get: Get, file: Temporary, how: Mapping[str, Any], digest: Digest | None = None) -> Stretch:
    """What GetObject gives with `how` (a Range or a PartNumber), written to its place in `file` and taken in by `digest`.

    With neither it is the whole object, and verified by what the answer says of it. A stretch that broke off goes on by a Range
    from there: the pinned ETag says that it is the same object.
    """
    with asking(line, get):
        with _answer(line, get, how) as answer:
            stretch = _begun(get, answer, how, digest)
            broken = _take(line, file, stretch, answer)
        get = pinned_by(get, stretch.of)
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


@contextmanager
def _answer(line: Line, get: Get, how: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    answer = line.client.get_object(**pinned(line, get), **how)
    with closing(answer["Body"]):
        yield answer


def _begun(get: Get, answer: Mapping[str, Any], how: Mapping[str, Any], digest: Digest | None) -> Stretch:
    start, end = span(get, answer, how)
    proof = None if how else proof_in(answer)
    return Stretch(start, end, start, proof.start() if proof else digest, stamp_of(answer), proof)


def _take_rest(line: Line, get: Get, file: Temporary, stretch: Stretch) -> Exception | None:
    how = of_range(stretch.at, stretch.end)
    with _answer(line, get, how) as answer:
        span(get, answer, how)
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


def head(line: Line, get: Get, part: int) -> tuple[Mapping[str, Any], Stamp]:
    with asking(line, get):
        how = {"PartNumber": part} if part else {}
        answer = line.client.head_object(**pinned(line, get, match=not part), **how)
    return answer, stamp_of(answer)


# --- asking for the version that was planned -------------------------------------------------------------------------------


def pinned(line: Line, get: Get, *, match: bool = True) -> dict[str, Any]:
    """What every GET and HEAD of the object asks with: what the plan saw, and checksums."""
    seen = {"IfMatch": f'"{get.etag}"'} if get.etag and match else {}
    mode = {"ChecksumMode": "ENABLED"} if line.checksums else {}
    what = of_location(get.bucket, get.key) | of_version(get.version_id)
    return what | of_customer_key(get.customer_key) | seen | mode


@contextmanager
def asking(line: Line, get: Get) -> Iterator[None]:
    with line.asking(doing(get), actions.of_get(get.version_id), get.bucket):
        try:
            yield
        except ClientError as error:
            meta = error.response.get("ResponseMetadata", {})
            if meta.get("HTTPStatusCode") == 412:
                raise changed(get, meta.get("RequestId", "")) from error
            raise
