"""The picture of a plan whose order matters: a bar for each stage, a square for what becomes of an object, or of so many."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from ropeway.azure.report import fate, results
from ropeway.outcome import Action, Done, Outcome, Plan, Stage, Step, in_units

LONGEST = 24
"""Squares of the longest bar."""

SQUARES: dict[Action, str] = {
    "configure": "🟪",
    "create": "🟩",
    "upload": "🟩",
    "download": "🟩",
    "copy": "🟦",
    "delete": "🟥",
    "invalidate": "🟪",
    "skip": "⬜",
}
UNDONE = "⬛"
LEGEND = {
    "🟩": "uploaded",
    "🟦": "copied: other headers, or brought back",
    "🟥": "deleted",
    "🟪": "set",
    "⬜": "as it was",
    UNDONE: "not done",
}
PLANNED = {"🟩": "to upload", "🟦": "to copy: other headers, or brought back", "🟥": "to delete", "🟪": "to set"}


def rows(plan: Plan[Any], outcome: Outcome[Any] | None) -> Iterator[tuple[str, ...]]:
    """Number, stage, how many change, their bytes, bar. Stages that hold nothing are left out."""
    begun = results(outcome)
    stages = [stage for stage in plan.stages if stage.steps]
    most = max((len(stage.steps) for stage in stages), default=1)
    for number, stage in enumerate(stages, 1):
        todo = [step for step in stage.steps if step.action != "skip"]
        size = sum(step.size for step in todo)
        changes = _changes(todo, begun, outcome)
        yield f"{number}", stage.name, changes, in_units(size) if size else "", _bar(stage, begun, outcome, most)


def legend(plan: Plan[Any], outcome: Outcome[Any] | None) -> str:
    """What the squares that occur mean."""
    begun = results(outcome)
    seen = {_square(step, begun, outcome) for stage in plan.stages for step in stage.steps}
    words = LEGEND if outcome else LEGEND | PLANNED
    return " · ".join(f"{square} {word}" for square, word in words.items() if square in seen)


def _changes(todo: list[Step[Any]], begun: dict[int, Done[Any]], outcome: Outcome[Any] | None) -> str:
    done = sum(fate(step, begun, outcome) == "done" for step in todo)
    return f"{len(todo):,}" if outcome is None or done == len(todo) else f"{done:,} of {len(todo):,}"


def _bar(stage: Stage[Any], begun: dict[int, Done[Any]], outcome: Outcome[Any] | None, most: int) -> str:
    """As long as the stage is big, and a square at least for everything that occurs in it."""
    counts = Counter(_square(step, begun, outcome) for step in stage.steps)
    scale = min(LONGEST / most, 1)
    return "".join(square * max(round(counts[square] * scale), 1) for square in LEGEND if counts[square])


def _square(step: Step[Any], begun: dict[int, Done[Any]], outcome: Outcome[Any] | None) -> str:
    undone = outcome is not None and fate(step, begun, outcome) in {"failed", "not done"}
    return UNDONE if undone else SQUARES[step.action]
