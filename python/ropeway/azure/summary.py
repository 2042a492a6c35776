"""The Markdown that Azure DevOps shows on the page of the run (`task.uploadsummary`)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

from ropeway.azure import picture
from ropeway.azure.report import fate, in_order_of_interest, results, sums, took
from ropeway.checked import Word, by_concern, told, word
from ropeway.checked import sums as found
from ropeway.errors import RopewayError
from ropeway.outcome import Outcome, Plan, checks_counted, counted, duration, in_units
from ropeway.rolled import Fate, InstanceResult, InstanceStep
from ropeway.rolled import by_concern as by_need
from ropeway.rolled import sums as fates
from ropeway.sanitise import lines, table_cell

MOST_STEPS = 100
MOST_FAILURES = 50
MOST_CHECKS = 200
MOST_LINES = 30
"""Of what there is to say of one check."""

MOST_INSTANCES = 200

FATES: dict[Fate, str] = {
    "unknown": "⛔",
    "failed": "❌",
    "unproved": "❔",
    "rolled back": "↩️",
    "deployed": "✅",
    "unchanged": "✅",
    "not begun": "⏭️",
}
SIGNS: dict[Word, str] = {"pass": "✅", "fail": "❌", "error": "⛔", "skipped": "⏭️"}


def summary(plan: Plan[Any], outcome: Outcome[Any] | None) -> str:
    """What was planned and what was done. Without an outcome, it was a dry run."""
    return (
        "\n\n".join(
            (
                *_head(plan, outcome),
                *_picture(plan, outcome),
                *_totals(plan, outcome),
                *_failures(outcome),
                *_instances(plan, outcome),
                *_steps(plan, outcome),
                *_checks(plan, outcome),
                *_not_passed(outcome),
                *_end(outcome),
            )
        )
        + "\n"
    )


def _head(plan: Plan[Any], outcome: Outcome[Any] | None) -> Iterator[str]:
    yield f"## {table_cell(outcome.title if outcome else plan.title)}"
    if outcome is None:
        undone = "asked" if plan.checks and not plan.steps else "written"
        yield f"**Dry run: nothing was {undone}.**"
    elif outcome.error:
        yield f"**Failed:** {_in_lines(outcome.error)}"
    for warning in dict.fromkeys((*plan.warnings, *(outcome.warnings if outcome else ()))):
        yield f"**Warning:** {table_cell(warning)}"


def _in_lines(error: RopewayError) -> str:
    """Lines of one paragraph: at the beginning of a line of Markdown a hyphen or a number would begin a list.

    What to do next does not run into the last line of what somebody else printed.
    """
    said = lines(error.message)
    return "<br>".join(map(table_cell, [*said, *lines(error.advice)] if len(said) > 1 else lines(str(error))))


def _picture(plan: Plan[Any], outcome: Outcome[Any] | None) -> Iterator[str]:
    if rows := list(picture.rows(plan, outcome)):
        yield _table("Order|Stage|Changes|Size|", rows)
        yield picture.legend(plan, outcome)


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


def _instances(plan: Plan[Any], outcome: Outcome[Any] | None) -> Iterator[str]:
    """An instance a row, a step a column: what was done, how long it took, and why not."""
    if outcome and outcome.instances:
        results = outcome.instances
        yield f"### {counted(len(results), 'instance')}: {fates(results)}{_cut(len(results), MOST_INSTANCES)}"
        steps = list(dict.fromkeys(step.name for one in results for step in one.steps))
        head = "|".join(("Result", "Instance", "Zone", "Before", "Live", *steps, "What happened"))
        yield _table(head, (_instance_row(one, steps) for one in by_need(results)[:MOST_INSTANCES]))
    elif plan.instances:
        yield f"### {counted(len(plan.instances), 'instance')}{_cut(len(plan.instances), MOST_INSTANCES)}"
        rows = (
            (
                str(one.batch or ""),
                one.title,
                one.zone,
                one.live or "nothing",
                "; ".join(filter(None, (one.why, *one.notes))),
            )
            for one in plan.instances[:MOST_INSTANCES]
        )
        yield _table("Batch|Instance|Zone|Live|What happened", rows)


def _instance_row(one: InstanceResult, steps: Sequence[str]) -> Sequence[str]:
    took = {name: [step for step in one.steps if step.name == name] for name in steps}
    cells = (_step_cell(took[name]) for name in steps)
    sign = FATES[one.fate]
    live = one.live or ("?" if one.fate == "unknown" else "nothing")
    return (
        f"{sign} {one.fate}",
        one.instance.title,
        one.instance.zone,
        one.instance.live or "nothing",
        live,
        *cells,
        one.why,
    )


def _step_cell(steps: Sequence[InstanceStep]) -> str:
    if not steps:
        return ""
    last = steps[-1]
    return f"{'❌' if last.why else '✅'} {duration(last.seconds)}" if last.seconds or not last.why else "❌"


def _checks(plan: Plan[Any], outcome: Outcome[Any] | None) -> Iterator[str]:
    results = outcome.checks if outcome else ()
    if results:
        yield f"### {checks_counted(result.check for result in results)}: {found(results)}{_cut(len(results), MOST_CHECKS)}"
        rows = (
            (
                f"{SIGNS[word(result)]} {word(result)}",
                result.check.severity,
                result.check.title,
                result.last.got if result.last else result.why,
                f"{result.asked:,}",
                duration(result.seconds) if result.asked else "",
            )
            for result in islice(by_concern(results), MOST_CHECKS)
        )
        yield _table("Result|Severity|Check|Got|Asked|Ended after", rows)
    elif plan.checks:
        yield f"### {checks_counted(plan.checks)}{_cut(len(plan.checks), MOST_CHECKS)}"
        asked = ((check.severity, check.kind, check.title, check.asks) for check in islice(plan.checks, MOST_CHECKS))
        yield _table("Severity|Kind|Check|Asks", asked)


def _not_passed(outcome: Outcome[Any] | None) -> Iterator[str]:
    unwell = [result for result in by_concern(outcome.checks if outcome else ()) if result.verdict != "pass"]
    for result in unwell[:MOST_FAILURES]:
        yield f"#### {SIGNS[word(result)]} {table_cell(result.check.title)}"
        lines = list(told(result))
        yield _table(f"{table_cell(result.check.kind)}|{word(result)}", lines[:MOST_LINES])
    if len(unwell) > MOST_FAILURES:
        yield f"{len(unwell) - MOST_FAILURES:,} more that did not pass stand in the log and in the test results."


def _end(outcome: Outcome[Any] | None) -> Iterator[str]:
    if outcome:
        yield took(outcome)


def _cut(count: int, most: int) -> str:
    return f", the first {most}" if count > most else ""


def _table(head: str, rows: Iterable[Sequence[str]]) -> str:
    columns = head.split("|")
    rule = "|".join(
        "--:" if column in {"Order", "Changes", "Count", "Size", "Asked", "Ended after"} else "---"
        for column in columns
    )
    body = ("|".join(map(_cell, columns, row)) for row in rows)
    return "\n".join(f"|{line}|" for line in (head, rule, *body))


def _cell(column: str, text: str) -> str:
    """What is short stays in one line, however long the name in the next column is."""
    shown = table_cell(text)
    return shown if column in {"Name", "What happened"} else shown.replace(" ", "&nbsp;")
