"""Objects become files: one request for a small object, ranges at once for a larger one, and proof that all of it arrived.

What proves it, in this order: a checksum of the whole object that can be computed here; each part's checksum where the store
keeps a checksum of checksums; the ETag where it is an MD5; the length alone. docs/verification.md has the table.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from ropeway.errors import IntegrityError, RopewayError
from ropeway.s3.boto.checksums import ALGORITHMS, Crc32, Digest, Proof, joined, proof_in
from ropeway.s3.boto.flow import Job, Request, advise
from ropeway.s3.boto.line import Line
from ropeway.s3.boto.receive import NOT_KEPT, Stretch, asking, check_pinned, name, of_range, pinned, receive
from ropeway.s3.boto.temporary import Temporary
from ropeway.s3.engine import Get

MIB = 1 << 20
WHOLE = 16 * MIB
"""Bytes up to which an object is fetched in one request."""
RANGE = 8 * MIB
"""Bytes of a range of a larger one."""


@dataclass(frozen=True)
class Look:
    """What HEAD says of a large object: a proof of the whole, or the number of parts that each carry their own (else 0)."""

    proof: Proof | None
    parts: int


def download(line: Line, get: Get) -> Job[None]:
    file = Temporary(get.path)
    try:
        if get.size <= WHOLE:
            yield [partial(_at_once, line, get, file)]
        else:
            yield from _in_ranges(line, get, file)
    except Exception as error:
        _discard(file, error)
        raise


def _discard(file: Temporary, error: Exception) -> None:
    try:
        file.discard()
    except RopewayError as failure:
        if not isinstance(error, RopewayError):
            raise failure from error
        advise(error, f"Its temporary file is left: {failure.message}")


def _at_once(line: Line, get: Get, file: Temporary) -> None:
    file.open(get.size)
    receive(line, get, file, {})
    file.keep()


# --- in ranges -----------------------------------------------------------------------------------------------------------


def _in_ranges(line: Line, get: Get, file: Temporary) -> Job[None]:
    (look,) = yield [partial(_look, line, get, file)]
    stretches = yield _by_parts(line, get, file, look.parts) if look.parts else _by_ranges(line, get, file, look.proof)
    yield [partial(_finish, line, get, file, look.proof, stretches)]


def _look(line: Line, get: Get, file: Temporary) -> Look:
    with asking(line, get):
        answer = line.client.head_object(**pinned(line, get))
        check_pinned(get, answer)
        proof = proof_in(answer)
        parts = 0 if proof or not _of_parts(answer) else _parts(line, get)
    file.open(get.size)
    return Look(proof, parts)


def _of_parts(answer: Mapping[str, Any]) -> bool:
    """Whether there is a checksum of checksums, "…-3", of which each part's can be computed here."""
    return any("-" in answer.get(f"Checksum{algorithm}", "") for algorithm in ALGORITHMS)


def _parts(line: Line, get: Get) -> int:
    """A store that does not know parts answers with no count."""
    answer = line.client.head_object(**pinned(line, get), PartNumber=1)
    return int(answer.get("PartsCount", 0))


def _by_parts(line: Line, get: Get, file: Temporary, count: int) -> Iterator[Request]:
    """Each part's answer says where it belongs, and has its checksum."""
    for number in range(1, count + 1):
        yield partial(receive, line, get, file, {"PartNumber": number})


def _by_ranges(line: Line, get: Get, file: Temporary, proof: Proof | None) -> Iterator[Request]:
    hashed = proof is not None and proof.algorithm == "CRC32"
    for start in range(0, get.size, RANGE):
        how = of_range(start, min(start + RANGE, get.size))
        yield partial(receive, line, get, file, how, Crc32() if hashed else None)


def _finish(line: Line, get: Get, file: Temporary, proof: Proof | None, stretches: Sequence[Stretch]) -> None:
    _check_whole(get, stretches)
    if proof:
        digest = _joined(stretches) if proof.algorithm == "CRC32" else _read_back(line, file, proof.start())
        proof.check(digest, name(get), advice=NOT_KEPT)
    file.keep()


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
