"""What travels of a deploy to instances: what is planned for each, which scripts they run, and what became of each.

Plan and outcome may hold such (`Plan.instances`, `Plan.scripts`, `Outcome.instances`); the siblings that render plan and outcome
render these. Texts may be foreign and are made safe where they are printed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

Fate = Literal["failed", "unknown", "unproved", "rolled back", "deployed", "unchanged", "not begun"]
"""How an instance ended. `failed`: it is not on a healthy release; `unknown`: nobody knows what it is on; `unproved`: it was switched, and
the run ended before it was seen to work; `not begun`: it is as it was."""

_FATES: tuple[Fate, ...] = ("unknown", "failed", "unproved", "rolled back", "deployed", "unchanged", "not begun")


@dataclass(frozen=True, slots=True)
class PlannedInstance:
    """A row. `live` is the release that is live now; `batch` counts from 1, and is 0 for who is left out: `why` says why.

    `notes` are what to beware of, and what is done beside the release (target groups).
    """

    id: str
    name: str
    zone: str
    live: str
    batch: int
    why: str
    notes: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        return f"{self.name} ({self.id})" if self.name else self.id


@dataclass(frozen=True, slots=True)
class PlannedScript:
    """What hosts run. `title` says what it does, and on how many."""

    title: str
    text: str


@dataclass(frozen=True, slots=True)
class InstanceStep:
    """`why` is empty for what was done. `printed` is what the script printed."""

    name: str
    why: str
    seconds: float
    printed: str = ""


@dataclass(frozen=True, slots=True)
class InstanceResult:
    """`live` is the release that is live in the end, empty where nobody knows or there is none. `why` says why it failed."""

    instance: PlannedInstance
    fate: Fate
    live: str
    why: str
    steps: tuple[InstanceStep, ...] = ()

    @property
    def ok(self) -> bool:
        return not self.why and self.fate in {"deployed", "unchanged"}

    @property
    def seconds(self) -> float:
        return sum(step.seconds for step in self.steps)


def by_concern(results: Iterable[InstanceResult]) -> Sequence[InstanceResult]:
    """Who needs somebody first: a list that is cut off should not be cut off before."""
    return sorted(results, key=lambda result: (_FATES.index(result.fate), not result.why))


def sums(results: Iterable[InstanceResult]) -> str:
    """In a sentence: "1 failed, 2 rolled back"."""
    counts = Counter(result.fate for result in results)
    return ", ".join(f"{counts[fate]:,} {fate}" for fate in _FATES if counts[fate])
