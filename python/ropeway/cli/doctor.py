"""`ropeway doctor`: each link of the chain, whether it holds, and the way to mend it."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import typer
from rich.console import Console
from rich.text import Text

from ropeway import as_json, terminal
from ropeway.aws.connection import AWS_GROUPS, Connection
from ropeway.aws.session import connect
from ropeway.cli.manner import Manner
from ropeway.cli.organizations import organization_of
from ropeway.cli.perform import at_home, in_options, inputs_of
from ropeway.cli.progress import showing
from ropeway.cli.reporting import DONE, WARNED, Account, report
from ropeway.cli.setups import tasks_of
from ropeway.cli.stopping import stoppable
from ropeway.errors import RopewayError
from ropeway.inputs import Group
from ropeway.outcome import Run
from ropeway.sanitise import one_line
from ropeway.setup.doctor.asked import DEVOPS, DoctorInputs
from ropeway.setup.doctor.case import Case
from ropeway.setup.doctor.chain import LINKS
from ropeway.setup.doctor.link import Found, Tried, Verdict, try_all
from ropeway.terminal.text import table

STYLES: Mapping[Verdict, str] = {"holds": "green", "broken": "bold red", "unknown": "yellow", "not asked": "dim"}


@dataclass(frozen=True)
class Asked:
    """`ropeway doctor`, as options are made of it."""

    command: tuple[str, ...] = ("doctor",)
    inputs: type[DoctorInputs] = DoctorInputs
    groups: tuple[Group, ...] = (DEVOPS, *AWS_GROUPS)


ASKED = Asked()


def doctor(given: Mapping[str, Any]) -> int:
    """Try all, tell all; 1 when a link is broken."""
    manner = Manner.of(given)
    manner.settle()
    began = time.monotonic()
    try:
        tried = _tried(given, manner)
    except Exception as error:  # noqa: BLE001 - not swallowed: it is reported, as a bug of ours unless it is a RopewayError
        if isinstance(error, RopewayError):
            error.advised(in_options(ASKED, error.advice))
        return report(Account("doctor", error=error), manner)
    if manner.json:
        typer.echo(as_json.dumps(_answer(tried, time.monotonic() - began)))
    else:
        _render(terminal.console(), tried)
    verdicts = Counter(one.found.verdict for one in tried)
    if verdicts["broken"]:
        return RopewayError.exit_code
    return WARNED if manner.strict and verdicts["unknown"] else DONE


def _tried(given: Mapping[str, Any], manner: Manner) -> Sequence[Tried]:
    asked: DoctorInputs = inputs_of(ASKED, given, manner)
    tasks = tasks_of(given.get("tasks") or ())
    teller = showing(terminal.console(stderr=True))
    run = Run(teller)
    with stoppable(run.cancellation), teller:
        connection: Connection | None = None
        if manner.local:
            asked, connection = at_home(asked, manner, run)
        case = Case(
            asked,
            tasks=tasks,
            run=run,
            environment=dict(os.environ),
            connect=lambda: connect(asked, connection, profile=manner.profile, debug=teller.note),
            organize=lambda: organization_of(asked, given),
        )
        return tuple(_worded(one) for one in try_all(LINKS, case))


def _worded(one: Tried) -> Tried:
    """Advice calls inputs as the agent does."""
    mend = in_options(ASKED, one.found.mend)
    return Tried(one.link, Found(one.found.verdict, one.found.what, mend))


# --- for a person -------------------------------------------------------------------------------------------------------------


def _render(screen: Console, tried: Sequence[Tried]) -> None:
    table(screen, ("", "Link", "Found"), [_row(one) for one in tried])
    for one in tried:
        if one.found.mend:
            screen.print()
            screen.print(
                Text(one_line(f"{one.link.name}: {one.found.what}"), style=STYLES[one.found.verdict]), soft_wrap=True
            )
            screen.print(Text.assemble(("Next: ", "bold"), one_line(one.found.mend)), soft_wrap=True)
    screen.print()
    screen.print(Text(_sum(tried), style="bold"))


def _row(one: Tried) -> tuple[Text, Text, Text]:
    verdict = one.found.verdict
    return Text(verdict, style=STYLES[verdict]), Text(one.link.name), Text(one_line(one.found.what))


def _sum(tried: Sequence[Tried]) -> str:
    verdicts = Counter(one.found.verdict for one in tried)
    words = {"holds": "hold", "broken": "broken", "unknown": "unknown", "not asked": "not asked"}
    counts = ", ".join(f"{verdicts[verdict]} {words[verdict]}" for verdict in STYLES if verdicts[verdict])
    return f"Of {len(tried)} links: {counts}."


# --- for a script -------------------------------------------------------------------------------------------------------------


def _answer(tried: Sequence[Tried], seconds: float) -> dict[str, Any]:
    """Every key is always there."""
    broken = [one.link.name for one in tried if one.found.verdict == "broken"]
    return {
        "status": "failed" if broken else "succeeded",
        "broken": broken,
        "links": [
            {
                "name": one.link.name,
                "asks": one.link.asks,
                "verdict": one.found.verdict,
                "found": one.found.what,
                "mend": one.found.mend,
            }
            for one in tried
        ],
        "seconds": round(seconds, 3),
    }
