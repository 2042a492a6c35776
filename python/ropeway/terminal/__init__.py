"""Plan, outcome and error for a person at a terminal (rich). Siblings: the agent's renderer and `as_json`."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.text import Text

from ropeway.outcome import Outcome, Plan, duration, in_units
from ropeway.sanitise import one_line
from ropeway.terminal import checks, instances, steps
from ropeway.terminal.checks import standing
from ropeway.terminal.text import console, indented
from ropeway.terminal.trouble import advice_of, render_error, render_warnings

__all__ = [
    "advice_of",
    "console",
    "indented",
    "render_error",
    "render_outcome",
    "render_plan",
    "render_warnings",
    "standing",
]


def render_plan(screen: Console, plan: Plan[Any], *, all_steps: bool = False) -> None:
    """The title, the steps that do something and the sums, and what is asked (`all_steps`: nothing is left out)."""
    screen.print(Text(one_line(plan.title), style="bold"))
    steps.planned(screen, plan, all_steps=all_steps)
    instances.planned(screen, plan, all_of_them=all_steps)
    checks.planned(screen, plan.checks, all_of_them=all_steps)


def render_outcome(screen: Console, outcome: Outcome[Any]) -> None:
    """What was done, what was found, and what failed. The error that ended it is for `render_error`."""
    style = {"succeeded": "bold green", "warnings": "bold yellow", "failed": "bold red"}[outcome.status]
    screen.print(Text(f"{one_line(outcome.title)} {_pace(outcome)}", style=style))
    steps.done(screen, outcome)
    checks.found(screen, outcome.checks)
    instances.done(screen, outcome.instances)


def _pace(outcome: Outcome[Any]) -> str:
    moved = sum(done.step.size for done in outcome.results if not done.error)
    speed = (
        f" ({in_units(round(moved / outcome.seconds))}/s)"
        if moved and outcome.seconds and not outcome.instances
        else ""
    )
    return f"in {duration(outcome.seconds)}{speed}"
