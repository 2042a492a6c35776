"""What the log and the summary tell of a plan and its outcome: the same sums, the same order, the same words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from ropeway.outcome import Done, Outcome, Plan, Step, duration, in_units, tally

Fate = Literal["planned", "done", "left as it is", "failed", "not done"]


@dataclass(frozen=True)
class Sum:
    """Steps that have action, reason and fate in common. `size` is bytes, and empty where there are none to speak of."""

    action: str
    reason: str
    fate: Fate
    count: str
    size: str


def sums(plan: Plan[Any], outcome: Outcome[Any] | None) -> Iterator[Sum]:
    """In the order of fates, then of the plan. Without an outcome, all that would be done is planned."""
    for fate, steps in _by_fate(plan, outcome).items():
        for action, reason, count, size in tally(steps):
            yield Sum(action, reason.value, fate, f"{count:,}", in_units(size) if size else "")


def results(outcome: Outcome[Any] | None) -> dict[int, Done[Any]]:
    """What became of the steps that were begun, by the identity of the step."""
    return {id(done.step): done for done in outcome.results} if outcome else {}


def fate(step: Step[Any], begun: dict[int, Done[Any]], outcome: Outcome[Any] | None) -> Fate:
    if step.action == "skip":
        return "left as it is"
    if done := begun.get(id(step)):
        return "failed" if done.error else "done"
    return "not done" if outcome else "planned"


def in_order_of_interest(plan: Plan[Any]) -> Sequence[Step[Any]]:
    """What does something first: a list that is cut off should not be cut off before it."""
    return sorted(plan.steps, key=lambda step: step.action == "skip")


def _by_fate(plan: Plan[Any], outcome: Outcome[Any] | None) -> dict[Fate, list[Step[Any]]]:
    fates: dict[Fate, list[Step[Any]]] = {
        name: [] for name in ("planned", "done", "left as it is", "failed", "not done")
    }
    begun = results(outcome)
    for step in plan.steps:
        fates[fate(step, begun, outcome)].append(step)
    return fates


def took(outcome: Outcome[Any]) -> str:
    """How long it took, and what moved the bytes."""
    return f"Took {duration(outcome.seconds)}{f', by {outcome.engine}' if outcome.engine else ''}."
