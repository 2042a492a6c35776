"""The last word of a command: what it came to, for a person or as JSON, and the exit code."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import typer
from rich.text import Text

from ropeway import as_json, terminal
from ropeway.cli.manner import Manner
from ropeway.outcome import Outcome, Plan
from ropeway.sanitise import one_line

DONE = 0
WARNED = 3
"""Done, but with warnings, and `--strict` asked for none."""


@dataclass
class Account:
    """What a command has come to so far. It is filled on the way, so that it can be told however the command ends."""

    task: str = ""
    dry_run: bool = False
    plan: Plan[Any] | None = None
    outcome: Outcome[Any] | None = None
    error: BaseException | None = None
    seconds: float = 0.0
    tells_outputs: bool = False
    """Whether outputs are for a person, too: what the next command is given."""

    @property
    def ended_by(self) -> BaseException | None:
        """The error that it ended with, raised or part of the outcome."""
        return self.error or (self.outcome.error if self.outcome else None)


def report(account: Account, manner: Manner) -> int:
    """Print what there is to say at the end. The exit code."""
    warnings = as_json.warnings(account.plan, account.outcome)
    if manner.json:
        typer.echo(as_json.dumps(_envelope(account)))
    elif account.outcome:
        terminal.render_outcome(terminal.console(), account.outcome)
        if account.tells_outputs:
            _outputs(account.outcome)
    telling = terminal.console(stderr=True)
    terminal.render_warnings(telling, warnings)
    if error := account.ended_by:
        terminal.render_error(telling, error, trace=manner.debug)
        return as_json.exit_code(error)
    return WARNED if manner.strict and warnings else DONE


def _outputs(outcome: Outcome[Any]) -> None:
    for output in outcome.outputs:
        terminal.console().print(Text(one_line(f"{output.name}: {output.value}")), soft_wrap=True)


def _envelope(account: Account) -> dict[str, Any]:
    return as_json.envelope(
        account.task,
        dry_run=account.dry_run,
        plan=account.plan,
        outcome=account.outcome,
        error=account.ended_by,
        seconds=account.seconds,
    )
