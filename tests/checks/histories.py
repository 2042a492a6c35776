"""Services that are up and down by a script, and askers whose clock is the script's: nothing here waits.

A script is a list of states with their seconds, "F12 P": failing for 12 s, passing from then on; P pass, F fail, E error, N an error that is
`patient`. The last state stays, or with a `*` at the end all begins again: "P2 F1 *" is up 2 s, down 1 s.
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ropeway.checked import Finding, PlannedCheck, Severity, Verdict
from ropeway.checks.cases import Case, Pace, Terms
from ropeway.checks.kinds.tcp import KIND
from ropeway.checks.runner import Answer, Checked, run_schedule
from ropeway.outcome import Run

VERDICTS: Mapping[str, Verdict] = {"P": "pass", "F": "fail", "E": "error", "N": "error"}


def state(script: str, at: float) -> Verdict:
    return VERDICTS[letter_of(script, at)]


def letter_of(script: str, at: float) -> str:
    words = script.split()
    repeats = words[-1] == "*"
    parts = [(word[0], float(word[1:] or "inf")) for word in words if word != "*"]
    length = sum(seconds for _, seconds in parts)
    moment = at % length if repeats else at
    for letter, seconds in parts:
        if moment < seconds:
            return letter
        moment -= seconds
    return parts[-1][0]


@dataclass(frozen=True)
class Put:
    """One question of a run: when it was put and answered, and what came."""

    at: int
    put: float
    answered: float
    verdict: Verdict
    patient: bool = False


@dataclass
class Scripted:
    """Askers of services that go by scripts. `takes` are the seconds that an answer takes, for each case."""

    scripts: Sequence[str]
    takes: Sequence[float]
    clock: float = 0.0
    on_their_way: list[tuple[float, int, Put]] = field(default_factory=list)
    asked: list[Put] = field(default_factory=list)
    answered: list[Put] = field(default_factory=list)
    most: int = 0

    def now(self) -> float:
        return self.clock

    def ask(self, at: int, case: Case, timeout: float) -> None:
        late = self.takes[at] > timeout
        put = Put(
            at,
            self.clock,
            self.clock + min(self.takes[at], timeout),
            "error" if late else state(self.scripts[at], self.clock),
            not late and letter_of(self.scripts[at], self.clock) == "N",
        )
        self.asked.append(put)
        heapq.heappush(self.on_their_way, (put.answered, at, put))
        self.most = max(self.most, len(self.on_their_way))

    def answers(self, until: float) -> list[Answer]:
        first = self.on_their_way[0][0] if self.on_their_way else float("inf")
        moment = min(first, until)
        assert moment < float("inf"), "It waits for what never comes."
        assert moment >= self.clock, "It looks back."
        self.clock = moment
        found = []
        while self.on_their_way and self.on_their_way[0][0] <= moment:
            put = heapq.heappop(self.on_their_way)[2]
            self.answered.append(put)
            found.append(Answer(put.at, Finding(put.verdict, "up", put.verdict, patient=put.patient)))
        assert len(self.asked) < 100_000, "It asks for ever."
        return found


@dataclass(frozen=True)
class Told:
    checked: Checked
    ended: float
    asked: tuple[Put, ...]
    answered: tuple[Put, ...]
    most: int

    def times(self, at: int = 0) -> list[float]:
        """When the case was asked."""
        return [round(put.put, 3) for put in self.asked if put.at == at]

    def verdicts(self) -> list[str]:
        return ["skipped" if result.skipped else result.verdict for result in self.checked.results]

    def why(self, at: int = 0) -> str:
        return self.checked.results[at].why


@dataclass(frozen=True)
class Service:
    """One check of one service."""

    script: str
    name: str = ""
    severity: Severity = "critical"
    requires: tuple[str, ...] = ()
    takes: float = 0.0
    pace: Mapping[str, Any] = field(default_factory=dict)


def service(
    script: str,
    name: str = "",
    *,
    severity: Severity = "critical",
    requires: tuple[str, ...] = (),
    takes: float = 0.0,
    **pace: Any,
) -> Service:
    return Service(script, name, severity, requires, takes, pace)


def play(services: Sequence[Service], **terms: Any) -> Told:
    """All of it, in no time. Without jitter, unless a service asks for some."""
    cases = [
        Case(
            PlannedCheck(one.name or f"check {at}", "tcp", "", one.severity, "is up", one.requires),
            Pace(**{"jitter": 0.0, **one.pace}),
            KIND,
            None,
        )
        for at, one in enumerate(services)
    ]
    askers = Scripted([one.script for one in services], [one.takes for one in services])
    checked = run_schedule(cases, Terms(**terms), askers, Run())
    return Told(checked, askers.clock, tuple(askers.asked), tuple(askers.answered), askers.most)
