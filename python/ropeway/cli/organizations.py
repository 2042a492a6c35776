"""`ropeway setup connection` and `ropeway setup pipeline`: a plan of what changes in Azure DevOps, and the changes."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.text import Text

from ropeway import terminal
from ropeway.cli.manner import Manner
from ropeway.cli.parameters import asking
from ropeway.cli.perform import DRY, in_options, inputs_of
from ropeway.cli.progress import showing
from ropeway.cli.reporting import Account, report
from ropeway.cli.setups import tasks_of
from ropeway.cli.stopping import stoppable
from ropeway.errors import RopewayError
from ropeway.inputs import Group
from ropeway.outcome import Output, Run
from ropeway.sanitise import one_line
from ropeway.setup import connection, pipeline
from ropeway.setup.applying import SetupPlan, carry_out
from ropeway.setup.asked_devops import APPROVAL, EXTENSION, MAY, SECRETS, SOURCE, ConnectionInputs, PipelineInputs
from ropeway.setup.devops import Deed, Organization, find_token

Planning = Callable[[Any, Organization, Mapping[str, Any]], SetupPlan[Deed]]


@dataclass(frozen=True)
class Setup:
    """A command that sets something up there: as options are made of it, and what plans it."""

    command: tuple[str, ...]
    inputs: type[Any]
    groups: tuple[Group, ...]
    plan: Planning
    done: str


def _pipeline(asked: PipelineInputs, there: Organization, given: Mapping[str, Any]) -> SetupPlan[Deed]:
    (task,) = tasks_of([given["task"]])
    return pipeline.plan(asked, task, there)


CONNECTION = Setup(
    ("setup", "connection"),
    ConnectionInputs,
    (SECRETS, MAY, EXTENSION),
    lambda asked, there, _: connection.plan(asked, there),
    "The service connection is as it should be",
)
PIPELINE = Setup(
    ("setup", "pipeline"), PipelineInputs, (SOURCE, APPROVAL), _pipeline, "The pipeline is as it should be"
)


def set_up(setup: Setup, given: Mapping[str, Any]) -> int:
    """Plan, show, and do it unless it is a dry run; the exit code."""
    manner = Manner.of(given)
    manner.settle()
    account = Account(" ".join(setup.command), dry_run=bool(given.get("dry_run")), tells_outputs=True)
    began = time.monotonic()
    try:
        _set_up(setup, given, manner, account)
    except Exception as error:  # noqa: BLE001 - not swallowed: it is reported, as a bug of ours unless it is a RopewayError
        account.error = error
    account.seconds = time.monotonic() - began
    if isinstance(ended_by := account.ended_by, RopewayError):
        ended_by.advised(in_options(setup, ended_by.advice))
    return report(account, manner)


def _set_up(setup: Setup, given: Mapping[str, Any], manner: Manner, account: Account) -> None:
    asked = inputs_of(setup, given, manner)
    screen, telling = terminal.console(), terminal.console(stderr=True)
    teller = showing(telling)
    run = Run(teller)
    with stoppable(run.cancellation):
        with teller:
            there = organization_of(asked, given)
            teller.note(f"Asking {there.url}, project {there.project}, with the token from {there.token.origin}.")
            account.plan = planned = setup.plan(asked, there, given)
        if not manner.json:
            terminal.render_plan(screen, planned, all_steps=True)
            _scripts(planned, manner, given)
        if asked.dry_run:
            telling.print(DRY)
            return
        with teller:
            account.outcome = carry_out(planned, lambda deed: _done(deed, run), setup.done)


def _done(deed: Deed, run: Run) -> Sequence[Output]:
    run.cancellation.check()
    return deed.do()


def organization_of(asked: Any, given: Mapping[str, Any]) -> Organization:
    """Raises CredentialsError where there is no token."""
    token = find_token(asked.token if given.get(asking("token")) else "", os.environ)
    return Organization(asked.organization, asked.project, token)


def _scripts(planned: SetupPlan[Deed], manner: Manner, given: Mapping[str, Any]) -> None:
    """The file that is, or would be, written."""
    if not (manner.verbose or given.get("dry_run")):
        return
    screen = terminal.console()
    for script in planned.scripts:
        screen.print()
        screen.print(Text(one_line(script.title), style="bold"))
        for line in script.text.splitlines():
            screen.print(Text(f"  {one_line(line)}"), soft_wrap=True)
