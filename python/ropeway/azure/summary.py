"""The Markdown that Azure DevOps shows on the page of the run (`task.uploadsummary`)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

from ropeway.azure.report import fate, in_order_of_interest, results, sums, took
from ropeway.outcome import Outcome, Plan, counted, in_units
from ropeway.sanitise import table_cell

MOST_STEPS = 100
MOST_FAILURES = 50


def summary(plan: Plan[Any], outcome: Outcome[Any] | None) -> str:
    """What was planned and what was done. Without an outcome, it was a dry run."""
    return (
        "\n\n".join(
            (
                *_head(plan, outcome),
                *_totals(plan, outcome),
                *_failures(outcome),
                *_steps(plan, outcome),
                *_end(outcome),
            )
        )
        + "\n"
    )


def _head(plan: Plan[Any], outcome: Outcome[Any] | None) -> Iterator[str]:
    yield f"## {table_cell(outcome.title if outcome else plan.title)}"
    if outcome is None:
        yield "**Dry run: nothing was written.**"
    elif outcome.error:
        yield f"**Failed:** {table_cell(str(outcome.error))}"
    for warning in dict.fromkeys((*plan.warnings, *(outcome.warnings if outcome else ()))):
        yield f"**Warning:** {table_cell(warning)}"


def _totals(plan: Plan[Any], outcome: Outcome[Any] | None) -> Iterator[str]:
    rows = [(entry.action, entry.reason, entry.fate, entry.count, entry.size) for entry in sums(plan, outcome)]
    if rows:
        size = in_units(sum(step.size for step in plan.steps))
        yield _table("Action|Reason|Result|Count|Size", [*rows, ("in all", "", "", f"{len(plan.steps):,}", size)])


def _failures(outcome: Outcome[Any] | None) -> Iterator[str]:
    if outcome and outcome.failures:
        yield f"### {counted(len(outcome.failures), 'failure')}{_cut(len(outcome.failures), MOST_FAILURES)}"
        rows = ((done.step.name, str(done.error)) for done in islice(outcome.failures, MOST_FAILURES))
        yield _table("Name|What happened", rows)


def _steps(plan: Plan[Any], outcome: Outcome[Any] | None) -> Iterator[str]:
    if plan.steps:
        begun = results(outcome)
        yield f"### {counted(len(plan.steps), 'step')}{_cut(len(plan.steps), MOST_STEPS)}"
        rows = (
            (step.action, step.reason.value, fate(step, begun, outcome), in_units(step.size), step.name)
            for step in islice(in_order_of_interest(plan), MOST_STEPS)
        )
        yield _table("Action|Reason|Result|Size|Name", rows)


def _end(outcome: Outcome[Any] | None) -> Iterator[str]:
    if outcome:
        yield took(outcome)


def _cut(count: int, most: int) -> str:
    return f", the first {most}" if count > most else ""


def _table(head: str, rows: Iterable[Sequence[str]]) -> str:
    columns = head.split("|")
    rule = "|".join("--:" if column in {"Count", "Size"} else "---" for column in columns)
    body = ("|".join(table_cell(cell) for cell in row) for row in rows)
    return "\n".join(f"|{line}|" for line in (head, rule, *body))
