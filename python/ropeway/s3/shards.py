"""The part of the files that is this job's, where several jobs share the work.

Which part a file belongs to is decided by its name alone. So every file belongs to exactly one, whatever else is there, on whichever machine it is asked, and
in every release of Ropeway.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol, TypeVar

from ropeway.errors import InputError
from ropeway.outcome import Run, counted

AUTO = "auto"
POSITION, TOTAL = "System.JobPositionInPhase", "System.TotalJobsInPhase"
"""Of the jobs that `strategy: parallel` makes, counted from 1 (Azure Pipelines, predefined variables)."""
MOST = 1000
GIVEN = re.compile(r"(\d{1,4})/(\d{1,4})", re.ASCII)

T = TypeVar("T")


@dataclass(frozen=True)
class Shard:
    """The part `number` of `of`, counted from 1."""

    number: int = 1
    of: int = 1

    def __str__(self) -> str:
        return f"part {self.number} of {self.of}"

    def has(self, name: str) -> bool:
        """`name` is a file's below the folder, with forward slashes."""
        return zlib.crc32(name.encode("utf-8", "surrogatepass")) % self.of == self.number - 1


class Sharded(Protocol):
    @property
    def shard(self) -> str: ...


def shard_problem(text: str) -> str:
    """Why this names no part; empty when it does. Worded to follow the name of an input."""
    if text in {"", AUTO}:
        return ""
    try:
        _read(text)
    except ValueError as wrong:
        return str(wrong)
    return ""


def _read(text: str) -> Shard:
    found = GIVEN.fullmatch(text)
    number, of = (int(found[1]), int(found[2])) if found else (0, 0)
    if not 1 <= number <= of <= MOST:
        raise ValueError(f"is {text!r}; write auto, or the part and how many there are, as 2/5 ({MOST:,} at most).")
    return Shard(number, of)


def shard_of(given: Sharded, run: Run) -> Shard:
    """What was asked for; all of it where nothing was. Raises InputError where `auto` finds no parallel jobs."""
    if given.shard != AUTO:
        return _read(given.shard) if given.shard else Shard()
    number, of = (variable.text if (variable := run.variable(name)) else "" for name in (POSITION, TOTAL))
    if not (number or of):
        raise InputError(
            [f"shard is auto, but {TOTAL} is not set here: this is no job of a pipeline. Write it as 2/5."]
        )
    try:
        return _read(f"{number}/{of}")
    except ValueError:
        raise InputError([f"shard is auto, but {POSITION} is {number!r} and {TOTAL} is {of!r}."]) from None


def tell_shard(shard: Shard, names: Iterable[str], run: Run) -> None:
    """So that nobody takes the part for all. `names` are those of all parts."""
    if shard.of > 1:
        every = list(names)
        own = sum(map(shard.has, every))
        run.tell.note(f"This is {shard}: {counted(own, 'file')} of {len(every):,}. The other jobs move the others.")
