"""Plan, outcome and error for a person at a terminal (rich). Siblings: the agent's renderer and `as_json`.

Nothing here parses markup: names and messages come from outside and are printed as they are, made safe by `sanitise`.
"""

from __future__ import annotations

import os
import platform
import sys
import traceback
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

from rich.console import Console
from rich.text import Text

from ropeway.errors import Cancelled, InputError, RopewayError
from ropeway.outcome import Action, Outcome, Plan, Reason, Step, duration, in_units, tally
from ropeway.sanitise import one_line
from ropeway.version import VERSION

MOST = 20
"""Rows of a list before it ends in "and 12 more"."""

UNFOLDED = 10_000
"""Columns where no terminal says otherwise: lines in a file or a log are not folded, so that they can be searched."""

GAP = "  "
NUMBERS = {"Size", "Count"}
NARROWEST = 20
"""Columns that a name gets at least."""

STYLES: dict[Action, str] = {
    "create": "green",
    "upload": "green",
    "copy": "green",
    "download": "cyan",
    "delete": "red",
    "skip": "dim",
}


def console(*, stderr: bool = False) -> Console:
    """For results (stdout) or for what is told on the way (stderr). Honours NO_COLOR, COLUMNS and TERM=dumb."""
    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() or os.environ.get("COLUMNS") else UNFOLDED
    return Console(file=stream, width=width, markup=False, highlight=False, emoji=False)


# --- the plan ----------------------------------------------------------------------------------------------------------


def render_plan(screen: Console, plan: Plan[Any], *, all_steps: bool = False) -> None:
    """The title, the steps that do something (`all_steps`: those that do nothing too, and no cap), and the sums."""
    screen.print(Text(one_line(plan.title), style="bold"))
    steps = plan.steps if all_steps else plan.todo
    shown = steps if all_steps else steps[:MOST]
    if shown:
        screen.print()
        _steps(screen, shown)
        _and_more(screen, len(steps) - len(shown))
    sums = list(tally(plan.steps))
    if len(sums) > 1 or (sums and not shown):
        screen.print()
        screen.print(Text(f"In all: {', '.join(_sum(*entry) for entry in sums)}."))


def _steps(screen: Console, steps: Sequence[Step[Any]]) -> None:
    folder = _common_folder([step.name for step in steps if step.action != "create"])
    names = (step.name if step.action == "create" else step.name[len(folder) :] for step in steps)
    rows = (
        (*_what(step.action, step.reason), _size(step.action, step.size), Text(one_line(name)))
        for step, name in zip(steps, names, strict=True)
    )
    _table(screen, ("Action", "Reason", "Size", f"Below {one_line(folder)}" if folder else "Name"), rows)


def _common_folder(names: Sequence[str]) -> str:
    """What all names begin with, up to its last separator: said once, it leaves room for the rest."""
    common = os.path.commonprefix(names)  # noqa: RUF071 - of characters; the next line cuts at a separator
    return common[: max(common.rfind("/"), common.rfind("\\")) + 1]


def _what(action: Action, reason: Reason) -> tuple[Text, Text]:
    return Text(action, style=STYLES[action]), Text(reason.value)


def _size(action: Action, size: int) -> Text:
    return Text("" if action == "create" else in_units(size))


def _sum(action: Action, reason: Reason, count: int, size: int) -> str:
    return f"{action} {count:,} ({', '.join((reason.value, in_units(size)) if size else (reason.value,))})"


# --- the outcome -------------------------------------------------------------------------------------------------------


def render_outcome(screen: Console, outcome: Outcome[Any]) -> None:
    """What was done, by action and reason, and what failed. The error that ended it is for `render_error`."""
    style = {"succeeded": "bold green", "warnings": "bold yellow", "failed": "bold red"}[outcome.status]
    screen.print(Text(f"{one_line(outcome.title)} {_pace(outcome)}", style=style))
    if outcome.plan.steps:
        screen.print()
        _counts(screen, outcome)
    errors = [done.error.message for done in outcome.results if done.error]
    if len(errors) > 1:
        screen.print()
        _failures(screen, errors)


def _pace(outcome: Outcome[Any]) -> str:
    moved = sum(done.step.size for done in outcome.results if not done.error)
    speed = f" ({in_units(round(moved / outcome.seconds))}/s)" if moved and outcome.seconds else ""
    return f"in {duration(outcome.seconds)}{speed}"


def _counts(screen: Console, outcome: Outcome[Any]) -> None:
    rows = (
        (*_what(action, reason), Text(f"{count:,}"), _size(action, size), remark)
        for steps, remark in _by_fate(outcome)
        for action, reason, count, size in tally(steps)
    )
    _table(screen, ("Action", "Reason", "Count", "Size", ""), rows)


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
    _and_more(screen, len(messages) - MOST)


# --- what went wrong ---------------------------------------------------------------------------------------------------


def render_warnings(screen: Console, warnings: Iterable[str]) -> None:
    for warning in warnings:
        screen.print(Text.assemble(("Warning: ", "bold yellow"), one_line(warning)))


def render_error(screen: Console, error: BaseException, *, trace: bool = False) -> None:
    """What, to what, what AWS said, what next. An exception that nobody foresaw is a bug of ours, and shows its trace."""
    if trace or not isinstance(error, RopewayError):
        _render_trace(screen, error)
    for style, head, line in _error_lines(error):
        screen.print(Text.assemble((head, style), one_line(line)))


def _error_lines(error: BaseException) -> Iterator[tuple[str, str, str]]:
    if isinstance(error, InputError):
        yield "bold red", "Error: ", error.problems[0]
        for problem in islice(error.problems, 1, None):
            yield "bold red", "Error: ", problem
    elif isinstance(error, Cancelled):
        yield "bold yellow", "", error.message
    elif isinstance(error, RopewayError):
        yield "bold red", "Error: ", error.message
    else:
        yield "bold red", "Error: ", f"{type(error).__name__}: {error}"
    if advice := advice_of(error):
        yield "bold", "Next: ", advice


def advice_of(error: BaseException) -> str:
    """What to do next."""
    if isinstance(error, RopewayError):
        return error.advice
    here = f"ropeway {VERSION}, Python {platform.python_version()}, {sys.platform}"
    return (
        f"This is a bug in Ropeway, not a fault of yours. Please report it with the lines above and this one ({here})."
    )


def _render_trace(screen: Console, error: BaseException) -> None:
    for chunk in traceback.format_exception(error):
        for line in chunk.splitlines():
            screen.print(Text(one_line(line), style="dim"))


# --- text and tables ------------------------------------------------------------------------------------------------------------


def indented(screen: Console, text: Text, columns: int) -> None:
    """The text, folded at the screen's width, each line that far from the left and none filled up with blanks."""
    for line in text.wrap(screen, screen.width - columns):
        line.rstrip()
        screen.print(Text(" " * columns).append_text(line))


def _table(screen: Console, head: Sequence[str], rows: Iterable[Sequence[Text]]) -> None:
    """Numbers to the right; the last column is folded where the screen ends, so that a name can be read whole.

    Not rich's own table, which fills lines up with blanks: they are copied along with a name.
    """
    lines = [[Text(title, style="dim") for title in head], *rows]
    widths = [max(cell.cell_len for cell in column) for column in zip(*lines, strict=True)][:-1]
    left = sum(widths) + len(GAP) * len(widths)
    room = max(screen.width - left, NARROWEST)
    for *cells, last in lines:
        line = Text()
        for title, width, cell in zip(head, widths, cells, strict=False):
            cell.align("right" if title in NUMBERS else "left", width)
            line.append_text(cell).append(GAP)
        for folded in [last] if last.cell_len <= room else last.wrap(screen, room, overflow="fold"):
            if folded:
                line.append_text(folded)  # with the blanks at its end: a name may have some
            else:
                line.rstrip()
            screen.print(line, soft_wrap=True)
            line = Text(" " * left)


def _and_more(screen: Console, count: int) -> None:
    if count > 0:
        screen.print(Text(f"and {count:,} more", style="dim"))
