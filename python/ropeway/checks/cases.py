"""One question to one target, and how it is asked: what the schedule goes by."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ropeway.checked import PlannedCheck
from ropeway.checks.kind import Kind


@dataclass(frozen=True, kw_only=True)
class Pace:
    """How one check is asked. Times are seconds.

    `every` is the pause after an answer; after one that is no pass, it grows by the factor `back_off` up to `at_most`, give or
    take the share `jitter`. `within` is how long it may take to turn green, counted from its first question, or from when it
    lost its green. `failures`, `errors` (in a row) and `soak_failures` are how many are borne; one more ends it.
    """

    delay: float = 0.0
    every: float = 5.0
    back_off: float = 1.5
    at_most: float = 30.0
    jitter: float = 0.1
    timeout: float = 10.0
    within: float = 300.0
    successes: int = 1
    failures: int | None = None
    errors: int = 4
    soak_failures: int = 0
    gently: bool = False
    """Asking runs something of the user's, so that it is asked no more often than `every`."""
    answers: int = 1
    """How many answers one asking waits for, each for `timeout` at most."""

    @property
    def asking(self) -> float:
        """What one asking may take."""
        return self.timeout * self.answers


@dataclass(frozen=True, kw_only=True)
class Terms:
    """How all of them are asked. Times are seconds.

    `steady` is how long all have to be green together, without a break, before the run passes; 0 asks each once it is green no
    more. `soak` is how long they are watched after that. `within` ends what is not green by then; the soak comes on top.
    """

    delay: float = 0.0
    within: float = 1800.0
    steady: float = 0.0
    soak: float = 0.0
    parallel: int = 10


@dataclass(frozen=True)
class Case:
    """`given` are the typed settings of the kind, `target` is the one of its targets that is asked."""

    check: PlannedCheck
    pace: Pace
    kind: Kind[Any] = field(repr=False)
    given: Any = field(repr=False)
    target: str = ""
