"""The steps of a plan and what became of them, for a person at a terminal."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import Any

from rich.console import Console
from rich.text import Text

from ropeway.outcome import SIZELESS, Action, Outcome, Plan, Reason, Stage, Step, in_units, tally
from ropeway.sanitise import one_line
from ropeway.terminal.text import MOST, and_more, table

STYLES: dict[Action, str] = {
    "create": "green",
    "configure": "green",
    "upload": "green",
    "copy": "green",
    "download": "cyan",
    "delete": "red",
    "invalidate": "magenta",
    "skip": "dim",
}


def planned(screen: Console, plan: Plan[Any], *, all_steps: bool) -> None:
    """The steps that do something (`all_steps`: those that do nothing too, and no cap), and the sums."""
    steps = plan.steps if all_steps else plan.todo
    shown = steps if all_steps else steps[:MOST]
    if shown:
        screen.print()
        _steps(screen, shown)
        and_more(screen, len(steps) - len(shown))
    sums = list(tally(plan.steps))
    if len(sums) > 1 or (sums and not shown):
        screen.print()
        screen.print(Text(f"In all: {', '.join(_sum(*entry) for entry in sums)}."))
    if order := [f"{stage.name} ({count:,})" for stage in plan.stages if (count := _changing(stage))]:
        screen.print(Text(f"In this order: {', '.join(order)}."))


def _changing(stage: Stage[Any]) -> int:
    return sum(step.action != "skip" for step in stage.steps)


def _steps(screen: Console, steps: Sequence[Step[Any]]) -> None:
    if _no_files(steps):
        rows = ((*_what(step.action, step.reason), Text(one_line(step.name))) for step in steps)
        return table(screen, ("Action", "Reason", "Name"), rows)
    folder = _common_folder([step.name for step in steps if step.action not in SIZELESS])
    names = (step.name if step.action in SIZELESS else step.name[len(folder) :] for step in steps)
    sized = (
        (*_what(step.action, step.reason), _size(step.action, step.size), Text(one_line(name)))
        for step, name in zip(steps, names, strict=True)
    )
    return table(screen, ("Action", "Reason", "Size", f"Below {one_line(folder)}" if folder else "Name"), sized)


def _no_files(steps: Sequence[Step[Any]]) -> bool:
    """Things are set up: neither bytes nor folders, also where one of them is there already."""
    return all(step.action in SIZELESS or (step.action == "skip" and not step.size) for step in steps)


def _common_folder(names: Sequence[str]) -> str:
    """What all names begin with, up to its last separator: said once, it leaves room for the rest."""
    common = os.path.commonprefix(names)  # noqa: RUF071 - of characters; the next line cuts at a separator
    return common[: max(common.rfind("/"), common.rfind("\\")) + 1]


def _what(action: Action, reason: Reason) -> tuple[Text, Text]:
    return Text(action, style=STYLES[action]), Text(reason.value)


def _size(action: Action, size: int) -> Text:
    return Text("" if action in SIZELESS else in_units(size))


def _sum(action: Action, reason: Reason, count: int, size: int) -> str:
    return f"{action} {count:,} ({', '.join((reason.value, in_units(size)) if size else (reason.value,))})"


def done(screen: Console, outcome: Outcome[Any]) -> None:
    """What came of the steps where not all of them were done (else it is the plan's sums again), and what failed."""
    errors = [done.error.message for done in outcome.results if done.error]
    if errors or len(outcome.results) < len(outcome.plan.todo):
        screen.print()
        _counts(screen, outcome)
    if len(errors) > 1:
        screen.print()
        _failures(screen, errors)


def _counts(screen: Console, outcome: Outcome[Any]) -> None:
    rows = (
        (*_what(action, reason), Text(f"{count:,}"), _size(action, size), remark)
        for steps, remark in _by_fate(outcome)
        for action, reason, count, size in tally(steps)
    )
    table(screen, ("Action", "Reason", "Count", "Size", ""), rows)


def _by_fate(outcome: Outcome[Any]) -> Iterator[tuple[Sequence[Step[Any]], Text]]:
    """In the plan's order, whatever the order in which things ended."""
    failed = {id(done.step): done.error is not None for done in outcome.results}
    todo = outcome.plan.todo
    yield [step for step in todo if failed.get(id(step)) is False], Text()
    yield [step for step in outcome.plan.steps if step.action == "skip"], Text()
    yield [step for step in todo if failed.get(id(step))], Text("failed", style="red")
    yield [step for step in todo if id(step) not in failed], Text("not done", style="yellow")


def _failures(screen: Console, messages: Sequence[str]) -> None:
    for message in messages[:MOST]:
        screen.print(Text.assemble(("Failed: ", "red"), one_line(message)))
    and_more(screen, len(messages) - MOST)
