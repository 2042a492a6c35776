"""Instances for a person at a terminal: what is planned for each, what they will run, and what became of each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from rich.console import Console
from rich.text import Text

from ropeway.outcome import Plan, counted, duration
from ropeway.rolled import Fate, InstanceResult, InstanceStep, PlannedInstance, by_concern, sums
from ropeway.sanitise import lines, one_line
from ropeway.terminal.text import MOST, and_more, table

FATES: dict[Fate, str] = {
    "unknown": "magenta",
    "failed": "red",
    "unproved": "yellow",
    "rolled back": "yellow",
    "deployed": "green",
    "unchanged": "dim",
    "not begun": "dim",
}

MOST_LINES = 20
"""Of what a failing script printed, the last ones."""


def planned(screen: Console, plan: Plan[Any], *, all_of_them: bool) -> None:
    """A row for each; with `all_of_them` the scripts, too."""
    shown = plan.instances if all_of_them else plan.instances[:MOST]
    if not shown:
        return
    screen.print()
    table(screen, ("Batch", "Instance", "Zone", "Live now", "Remarks"), [_planned(one) for one in shown])
    and_more(screen, len(plan.instances) - len(shown))
    if all_of_them:
        for script in plan.scripts:
            screen.print()
            screen.print(Text(f"Script: {one_line(script.title)}", style="bold"))
            for line in lines(script.text):
                screen.print(Text(f"  {line}"), soft_wrap=True)
    elif plan.scripts:
        screen.print()
        screen.print(
            Text(f"{counted(len(plan.scripts), 'script')}: --verbose shows what the instances will run.", style="dim")
        )


def _planned(one: PlannedInstance) -> tuple[Text, ...]:
    remarks = "; ".join(filter(None, (one.why, *one.notes)))
    return (
        Text(str(one.batch or "none")),
        Text(one_line(one.title)),
        Text(one_line(one.zone)),
        Text(one_line(one.live or "nothing")),
        Text(one_line(remarks)),
    )


def done(screen: Console, results: Sequence[InstanceResult]) -> None:
    """Who needs somebody first; then, for each that failed, its steps and the last lines that were printed."""
    if not results:
        return
    screen.print()
    ordered = by_concern(results)
    table(screen, ("Result", "Instance", "Zone", "Live", "Took", "Why"), [_row(one) for one in ordered[:MOST]])
    and_more(screen, len(results) - MOST)
    for one in [one for one in ordered if one.why][:MOST]:
        _explain(screen, one)
    screen.print()
    screen.print(Text(f"{counted(len(results), 'instance')}: {sums(results)}."))


def _row(one: InstanceResult) -> tuple[Text, ...]:
    return (
        Text(one.fate, style=FATES[one.fate]),
        Text(one_line(one.instance.title)),
        Text(one_line(one.instance.zone)),
        Text(one_line(one.live or ("?" if one.fate == "unknown" else "nothing"))),
        Text(duration(one.seconds) if one.steps else ""),
        Text(one_line(one.why)),
    )


def _explain(screen: Console, one: InstanceResult) -> None:
    failed = [step for step in one.steps if step.why]
    if not failed:
        return
    screen.print()
    screen.print(Text.assemble((f"{one.fate}: ", f"bold {FATES[one.fate]}"), (one_line(one.instance.title), "bold")))
    for step in failed:
        for line in _told(step):
            screen.print(Text(f"  {line}"), soft_wrap=True)


def _told(step: InstanceStep) -> Iterator[str]:
    yield f"{step.name}: {one_line(step.why)}"
    printed = lines(step.printed)
    if len(printed) > MOST_LINES:
        yield f"  … ({len(printed) - MOST_LINES:,} lines before these)"
    yield from (f"  | {line}" for line in printed[-MOST_LINES:])
