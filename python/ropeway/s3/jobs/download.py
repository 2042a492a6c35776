"""Objects become files: one request for a small object, ranges or parts at once for others, and proof that all of it arrived.

What proves it: a checksum of the bytes, or of the checksums of their parts, if it can be computed here; else the ETag where it
is an MD5; else the length alone. docs/verification.md has the table.
"""

from __future__ import annotations

from collections.abc import Awaitable, Iterator, Sequence
from dataclasses import dataclass

from ropeway.errors import RopewayError
from ropeway.s3.arrival import (
    NOT_KEPT,
    Stamp,
    Stretch,
    check_pinned,
    check_whole,
    joined_up,
    name,
    of_digests,
    of_range,
    pinned_by,
)
from ropeway.s3.checksums import Crc32, Digest, Proof, composite_in, plain_etag, proof_in
from ropeway.s3.engine import Get
from ropeway.s3.jobs.hands import Hands
from ropeway.s3.jobs.multipart import advise
from ropeway.s3.parts import MIB
from ropeway.s3.temporary import Temporary

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


async def download(hands: Hands, get: Get) -> str:
    """Returns the id of the version that arrived."""
    file = Temporary(get.path)
    try:
        # By its ETag it was sent in parts: its proof may be a digest of their digests, of which only HEAD tells.
        at_once = get.size <= WHOLE and "-" not in get.etag
        of = await (_at_once(hands, get, file) if at_once else _in_ranges(hands, get, file))
        file.keep(of.modified if get.keep_modified else None, only_new=get.only_new)
    except BaseException as error:
        _discard(file, error)
        raise
    return of.version_id


def _discard(file: Temporary, error: BaseException) -> None:
    try:
        file.discard()
    except RopewayError as failure:
        if not isinstance(error, RopewayError):
            raise failure from error
        advise(error, f"Its temporary file is left: {failure.message}")


async def _at_once(hands: Hands, get: Get, file: Temporary) -> Stamp:
    file.open()
    return (await hands.receive(get, file, {})).of


# --- in ranges -----------------------------------------------------------------------------------------------------------


async def _in_ranges(hands: Hands, get: Get, file: Temporary) -> Stamp:
    look = await _look(hands, get)
    get = pinned_by(get, look.of)
    file.open(get.size)
    stretches = await hands.gather((_by_parts if look.parts else _by_ranges)(hands, get, file, look))
    check_whole(get, stretches)
    if look.proof:
        look.proof.check(await _whole(hands, file, look, look.proof, stretches), name(get), advice=NOT_KEPT)
    return look.of


async def _look(hands: Hands, get: Get) -> Look:
    answer, of = await hands.head(get)
    check_pinned(get, answer)
    look, get = Look(of, proof_in(answer)), pinned_by(get, of)
    if not look.proof and (composite := composite_in(answer)) and await _gives_parts(hands, get, composite[1]):
        return Look(of, *composite)
    return look


async def _gives_parts(hands: Hands, get: Get, count: int) -> bool:
    """Whether the store lets an object be read part by part, as it was sent."""
    answer, _ = await hands.head(get, part=1)
    return str(answer.get("PartsCount")) == str(count) and plain_etag(answer) == get.etag


def _by_parts(hands: Hands, get: Get, file: Temporary, look: Look) -> Iterator[Awaitable[Stretch]]:
    """Each part's answer says where it belongs."""
    for number in range(1, look.parts + 1):
        yield hands.receive(get, file, {"PartNumber": number}, look.proof.start() if look.proof else None)


def _by_ranges(hands: Hands, get: Get, file: Temporary, look: Look) -> Iterator[Awaitable[Stretch]]:
    hashed = look.proof and look.proof.algorithm == "CRC32"
    for start in range(0, get.size, RANGE):
        how = of_range(start, min(start + RANGE, get.size))
        yield hands.receive(get, file, how, Crc32() if hashed else None)


async def _whole(hands: Hands, file: Temporary, look: Look, proof: Proof, stretches: Sequence[Stretch]) -> Digest:
    if look.parts:
        return of_digests(proof.start(), stretches)
    return joined_up(stretches) if proof.algorithm == "CRC32" else await hands.read_back(file, proof.start())
