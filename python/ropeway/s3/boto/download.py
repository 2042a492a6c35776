"""Objects become files: one request for a small object, ranges or parts at once for others, and proof that all of it arrived.

What proves it: a checksum of the bytes, or of the checksums of their parts, if it can be computed here; else the ETag where it
is an MD5; else the length alone. docs/verification.md has the table.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from ropeway.errors import IntegrityError, RopewayError
from ropeway.s3.boto.checksums import Crc32, Digest, Proof, composite_in, joined, plain_etag, proof_in
from ropeway.s3.boto.flow import Job, Request, advise
from ropeway.s3.boto.line import Line
from ropeway.s3.boto.receive import (
    NOT_KEPT,
    Stamp,
    Stretch,
    asking,
    check_pinned,
    name,
    of_range,
    pinned,
    receive,
    stamp_of,
)
from ropeway.s3.boto.temporary import Temporary
from ropeway.s3.engine import Get

MIB = 1 << 20
WHOLE = 16 * MIB
"""Bytes up to which an object is fetched in one request."""
RANGE = 8 * MIB
"""Bytes of a range of a larger one."""


@dataclass(frozen=True)
class Look:
    """What HEAD says of a large object: a proof of its bytes, or, with `parts` more than 0, of the digests of so many parts."""

    of: Stamp
    proof: Proof | None
    parts: int = 0


def download(line: Line, get: Get) -> Job[str]:
    """Returns the id of the version that arrived."""
    file = Temporary(get.path)
    try:
        if get.size <= WHOLE and not _sent_in_parts(get):
            (of,) = yield [partial(_at_once, line, get, file)]
        else:
            of = yield from _in_ranges(line, get, file)
    except Exception as error:
        _discard(file, error)
        raise
    return str(of.version_id)


def _sent_in_parts(get: Get) -> bool:
    """By its ETag. Its proof may be a digest of its parts' digests: only HEAD tells of those, and only parts can be held against it."""
    return "-" in get.etag


def _discard(file: Temporary, error: Exception) -> None:
    try:
        file.discard()
    except RopewayError as failure:
        if not isinstance(error, RopewayError):
            raise failure from error
        advise(error, f"Its temporary file is left: {failure.message}")


def _at_once(line: Line, get: Get, file: Temporary) -> Stamp:
    file.open(get.size)
    of = receive(line, get, file, {}).of
    _keep(get, file, of)
    return of


def _keep(get: Get, file: Temporary, of: Stamp) -> None:
    file.keep(of.modified if get.keep_modified else None)


# --- in ranges -----------------------------------------------------------------------------------------------------------


def _in_ranges(line: Line, get: Get, file: Temporary) -> Job[Stamp]:
    (look,) = yield [partial(_look, line, get, file)]
    stretches = yield (_by_parts if look.parts else _by_ranges)(line, get, file, look)
    yield [partial(_finish, line, get, file, look, stretches)]
    of: Stamp = look.of
    return of


def _look(line: Line, get: Get, file: Temporary) -> Look:
    with asking(line, get):
        answer = line.client.head_object(**pinned(line, get))
        check_pinned(get, answer)
        look = Look(stamp_of(answer), proof_in(answer))
        if not look.proof and (composite := composite_in(answer)) and _gives_parts(line, get, composite[1]):
            look = Look(look.of, *composite)
    file.open(get.size)
    return look


def _gives_parts(line: Line, get: Get, count: int) -> bool:
    """Whether the store lets an object be read part by part, as it was sent."""
    answer = line.client.head_object(**pinned(line, get, match=False), PartNumber=1)
    return answer.get("PartsCount") == count and plain_etag(answer) == get.etag


def _by_parts(line: Line, get: Get, file: Temporary, look: Look) -> Iterator[Request]:
    """Each part's answer says where it belongs."""
    for number in range(1, look.parts + 1):
        yield partial(receive, line, get, file, {"PartNumber": number}, look.proof.start() if look.proof else None)


def _by_ranges(line: Line, get: Get, file: Temporary, look: Look) -> Iterator[Request]:
    hashed = look.proof and look.proof.algorithm == "CRC32"
    for start in range(0, get.size, RANGE):
        how = of_range(start, min(start + RANGE, get.size))
        yield partial(receive, line, get, file, how, Crc32() if hashed else None)


def _finish(line: Line, get: Get, file: Temporary, look: Look, stretches: Sequence[Stretch]) -> None:
    _check_whole(get, stretches)
    if look.proof:
        look.proof.check(_whole(line, file, look, look.proof, stretches), name(get), advice=NOT_KEPT)
    _keep(get, file, look.of)


def _whole(line: Line, file: Temporary, look: Look, proof: Proof, stretches: Sequence[Stretch]) -> Digest:
    if look.parts:
        return _of_digests(proof.start(), stretches)
    return _joined(stretches) if proof.algorithm == "CRC32" else _read_back(line, file, proof.start())


def _of_digests(whole: Digest, stretches: Sequence[Stretch]) -> Digest:
    for stretch in stretches:
        whole.update(stretch.digest.digest() if stretch.digest else b"")
    return whole


def _check_whole(get: Get, stretches: Sequence[Stretch]) -> None:
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


def _joined(stretches: Sequence[Stretch]) -> Crc32:
    whole = Crc32()
    for stretch in stretches:
        if isinstance(stretch.digest, Crc32):
            whole.value = joined(whole.value, stretch.digest.value, stretch.end - stretch.start)
    return whole


def _read_back(line: Line, file: Temporary, digest: Digest) -> Digest:
    offset = 0
    while block := file.read(offset):
        line.stop.check()
        digest.update(block)
        offset += len(block)
    return digest
