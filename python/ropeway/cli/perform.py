"""One run of a task from the command line: what was given becomes inputs, a plan, and, unless it is a dry run, an outcome."""

from __future__ import annotations

import dataclasses
import os
import re
import time
from collections.abc import Mapping
from typing import Any

import typer

from ropeway import inputs as reading
from ropeway import terminal
from ropeway.aws.connection import AwsInputs, Connection
from ropeway.aws.session import connect, connect_later
from ropeway.cli.manner import Manner
from ropeway.cli.parameters import Asking, asking, on_cli, texts, variable
from ropeway.cli.places import THERE, placed
from ropeway.cli.progress import showing
from ropeway.cli.reporting import Account, report
from ropeway.cli.stopping import stoppable
from ropeway.errors import Cancelled, InputError, RopewayError
from ropeway.inputs import Spelling, hyphens
from ropeway.outcome import Run
from ropeway.tasks.task import Task

DRY = "Dry run: nothing was written. Leave --dry-run out to do it."
ASKS = "Dry run: nothing was asked. Leave --dry-run out to ask."

NAMED = re.compile(r"\b[a-z]+(?:[A-Z][a-z]*)+\b|(?:(?<=\bset )|(?<=\bset `))[a-z]+\b")
"""What may be an input in advice: a word in camelCase, or the one after "set"."""


def perform(task: Task[Any, Any], given: Mapping[str, Any]) -> int:
    """Carry out the task as the command's parameters say, report, and answer the exit code."""
    manner = Manner.of(given)
    manner.settle()
    account = Account(task.name, dry_run=bool(given.get("dry_run")))
    began = time.monotonic()
    try:
        _carry_out(task, given, manner, account)
    except Exception as error:  # noqa: BLE001 - not swallowed: it is reported, as a bug of ours unless it is a RopewayError
        account.error = error
    account.seconds = time.monotonic() - began
    if isinstance(ended_by := account.ended_by, RopewayError):
        ended_by.advised(in_options(task, ended_by.advice))
    return report(account, manner)


def _carry_out(task: Task[Any, Any], given: Mapping[str, Any], manner: Manner, account: Account) -> None:
    inputs = inputs_of(task, given, manner)
    screen, telling = terminal.console(), terminal.console(stderr=True)
    teller = showing(telling)
    run = Run(teller)
    with stoppable(run.cancellation):
        with teller:
            inputs, connection = at_home(inputs, manner, run) if manner.local else (inputs, None)
            connecting = connect_later if task.may_do_without_aws else connect
            aws = connecting(inputs, connection, profile=manner.profile, debug=teller.note)
            account.plan = task.plan(inputs, aws, run)
        if not manner.json:
            terminal.render_plan(screen, account.plan, all_steps=manner.verbose)
        if inputs.dry_run:
            telling.print(ASKS if account.plan.checks and not account.plan.steps else DRY)
            return
        if not manner.json:
            screen.print()
        with teller:
            account.outcome = task.apply(account.plan, aws, run)


def at_home(inputs: Any, manner: Manner, run: Run) -> tuple[Any, Connection]:
    """The same inputs with the embedded AWS for AWS, and its credentials."""
    from ropeway.local import daemon  # noqa: PLC0415 - whoever has an AWS of their own need not wait for it

    others = {"--endpoint-url": inputs.endpoint_url, "--profile": manner.profile}
    if contradictions := [name for name, value in others.items() if value]:
        raise InputError([f"--local is given, and {name} too: keep one of the two." for name in contradictions])
    up = daemon.ensure()
    if up.began:
        run.tell.note(f"Started the embedded AWS at {up.running.endpoint_url}; `ropeway local down` stops it.")
    aws = up.running.aws
    os.environ["AWS_ENDPOINT_URL"] = aws.endpoint_url  # of every service: the endpoint among the inputs is S3's
    return dataclasses.replace(inputs, endpoint_url=aws.endpoint_url), aws.connection


# --- from options to inputs --------------------------------------------------------------------------------------------


def inputs_of(task: Asking, given: Mapping[str, Any], manner: Manner) -> Any:
    """Raises InputError with all problems, in the words of the command line."""
    try:
        told = placed(task, given, texts(task, given) | _secrets(task, given))
        inputs = reading.read(task.inputs, told, _spelling(task, told))
    except InputError as wrong:
        raise wrong.advised(f"`ropeway {' '.join(task.command)} --help` says what each option takes.") from None
    loud = manner.debug and isinstance(inputs, AwsInputs)
    return dataclasses.replace(inputs, log_request=True, log_response=True) if loud else inputs


def _secrets(task: Asking, given: Mapping[str, Any]) -> dict[str, str]:
    found = {}
    for item in on_cli(task):
        if item.input.secret:
            asked = given.get(asking(item.field))
            found[item.field] = _ask(item.input.label) if asked else os.environ.get(variable(item.field), "")
    return found


def _ask(label: str) -> str:
    try:
        return str(typer.prompt(label, hide_input=True, err=True))
    except typer.Abort:
        raise Cancelled(f"Stopped: {label} was asked for and not given. Nothing was done.") from None


def _spelling(task: Asking, told: Mapping[str, str]) -> Spelling:
    names = {item.field: variable(item.field) for item in on_cli(task) if item.input.secret}
    if "bucket_name" not in told:
        names["bucket_name"] = f"A bucket ({THERE} or --bucket-name)"
    return lambda field: names.get(field, hyphens(field))


def in_options(task: Asking, advice: str) -> str:
    """Advice calls inputs as the agent does, and is ours alone: no word of anybody else is changed."""
    options = {item.name: item.option for item in on_cli(task) if item.option not in advice}
    return NAMED.sub(lambda found: options.get(found.group(), found.group()), advice)
