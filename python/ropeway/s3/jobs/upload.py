"""Files become objects: one request for a small file, parts for a larger one."""

from __future__ import annotations

from collections.abc import Awaitable, Iterator
from functools import partial

from ropeway.errors import LocalFileError
from ropeway.s3 import actions
from ropeway.s3.engine import Put
from ropeway.s3.files import Same, check_unchanged
from ropeway.s3.jobs.hands import Begun, Hands, Making
from ropeway.s3.jobs.multipart import advise, in_parts
from ropeway.s3.parts import MIB, Part, part_size

SINGLE = 8 * MIB
"""Bytes up to which a file is sent in one request; also the smallest part."""


def upload(hands: Hands, put: Put) -> Awaitable[str]:
    """The id of the version that was made."""
    making = Making(put, f"upload {put.path} to s3://{put.bucket}/{put.key}", actions.of_put(put.headers))
    if put.size <= SINGLE:
        return hands.put(making, put)
    return in_parts(hands, making, partial(_parts, hands, put, Same(put)), partial(check_unchanged, put))


def _parts(hands: Hands, put: Put, same: Same, begun: Begun) -> Iterator[Awaitable[Part]]:
    step = part_size(put.size, SINGLE)
    for number, offset in enumerate(range(0, put.size, step), 1):
        yield hands.send_part(begun, put, same, number, offset=offset, length=min(step, put.size - offset))


def check_still(making: Making, same: Same, descriptor: int) -> None:
    """After the answer: what was read is an object by now, and may be half of one file and half of another."""
    try:
        same.check(descriptor)
    except LocalFileError as changed:
        advise(changed, f"{making.name} holds what was read of it.")
        raise
