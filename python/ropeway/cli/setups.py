"""`ropeway setup policy`: the least policy, printed, written as a template, or made in IAM."""

from __future__ import annotations

import dataclasses
import json
import os
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import typer
from rich.console import Console
from rich.text import Text

from ropeway import terminal
from ropeway.aws.connection import AWS_GROUPS
from ropeway.aws.rules import partition_of
from ropeway.aws.session import connect
from ropeway.cli.manner import Manner
from ropeway.cli.perform import DRY, at_home, in_options, inputs_of
from ropeway.cli.progress import showing
from ropeway.cli.reporting import DONE, Account, report
from ropeway.cli.stopping import stoppable
from ropeway.errors import CredentialsError, InputError, RopewayError
from ropeway.inputs import Group
from ropeway.outcome import Run
from ropeway.registry import load_task, task_modules
from ropeway.sanitise import one_line
from ropeway.setup import in_iam, stack
from ropeway.setup.asked import WHO, PolicyInputs
from ropeway.setup.policy import Need, Places, Wanted, prefix_for
from ropeway.tasks.task import Task, introduce


@dataclass(frozen=True)
class Asked:
    """`ropeway setup policy`, as options are made of it."""

    command: tuple[str, ...] = ("setup", "policy")
    inputs: type[PolicyInputs] = PolicyInputs
    groups: tuple[Group, ...] = (WHO, *AWS_GROUPS)


ASKED = Asked()


def policy(given: Mapping[str, Any]) -> int:
    """Print it, or make it; the exit code."""
    manner = Manner.of(given)
    manner.settle()
    account = Account("setup policy", dry_run=bool(given.get("dry_run")), tells_outputs=True)
    began = time.monotonic()
    try:
        inputs = inputs_of(ASKED, given, manner)
        tasks = tasks_of(given["tasks"])
        wanted = Wanted(tasks, _places(inputs, tasks), inputs.using)
        document = wanted.document()
        if inputs.lacks_id:
            inputs = _as_called(inputs)
        if not inputs.apply:
            return _print(document, wanted, inputs)
        _made(document, inputs, manner, account)
    except Exception as error:  # noqa: BLE001 - not swallowed: it is reported, as a bug of ours unless it is a RopewayError
        account.error = error
        if isinstance(error, RopewayError):
            error.advised(in_options(ASKED, error.advice))
    account.seconds = time.monotonic() - began
    return report(account, manner)


def _as_called(inputs: PolicyInputs) -> PolicyInputs:
    """With the organisation's id, and both as they are called: Azure DevOps finds them in any case, its tokens name them as they are, and IAM compares to
    the letter. So with the connection, where it is there already.

    Raises CredentialsError, NetworkError, AzureDevOpsError.
    """
    from ropeway.setup.devops import Organization, find_token  # noqa: PLC0415 - whoever gives the id need not wait for it

    try:
        token = find_token("", os.environ)
    except CredentialsError as error:
        raise error.advised(f"{error.advice} Or give --organization-id.") from None
    there = Organization(inputs.organization, inputs.project, token)
    found = there.connection(inputs.connection_name)
    return dataclasses.replace(
        inputs,
        organization=there.called,
        organization_id=there.id,
        project=there.project_name,
        connection_name=found.name if found else inputs.connection_name,
    )


def tasks_of(names: Iterable[str]) -> tuple[Task[Any, Any], ...]:
    """By the names of their commands or of their steps: s3-upload, S3Upload, RopewayS3Upload@1."""
    known = {module.replace("_", ""): module for module in task_modules()}
    asked = {name: known.get(_plain(name), "") for name in names}
    if unknown := [name for name, module in asked.items() if not module]:
        commands = ", ".join(module.replace("_", "-") for module in task_modules())
        raise InputError([f"There is no task {name}. There are: {commands}." for name in unknown])
    return tuple(load_task(module) for module in dict.fromkeys(asked.values()))


def _plain(name: str) -> str:
    return name.lower().replace("-", "").replace("_", "").removeprefix("ropeway").partition("@")[0]


def _places(inputs: PolicyInputs, tasks: Sequence[Task[Any, Any]]) -> Places:
    region = inputs.region_name or "us-east-1"
    prefix = prefix_for(inputs.target_folder, tasks)
    return Places(inputs.bucket_name, prefix, inputs.kms_key, partition_of(region))


# --- printed ----------------------------------------------------------------------------------------------------------------------


def _print(document: dict[str, Any], wanted: Wanted, inputs: PolicyInputs) -> int:
    """The document on stdout, for a file or a pipe; what was left out beside it."""
    if inputs.form == "cloudformation":
        document = stack.template(document, inputs.identity, wanted.places.partition)
    typer.echo(json.dumps(document, indent=2))
    telling = terminal.console(stderr=True)
    if wanted.left:
        _tell_left(telling, wanted.left)
    return DONE


def _tell_left(telling: Console, left: Iterable[Need]) -> None:
    telling.print(Text("Left out, since nobody said that it is in use (--using):", style="bold"))
    for need in left:
        telling.print(
            Text(one_line(f"  {need.action.action}: {need.task}, {need.action.when}"), style="dim"), soft_wrap=True
        )


# --- made -------------------------------------------------------------------------------------------------------------------------


def _made(document: dict[str, Any], inputs: PolicyInputs, manner: Manner, account: Account) -> None:
    screen, telling = terminal.console(), terminal.console(stderr=True)
    teller = showing(telling)
    run = Run(teller)
    with stoppable(run.cancellation):
        with teller:
            inputs, connection = at_home(inputs, manner, run) if manner.local else (inputs, None)
            aws = connect(inputs, connection, profile=manner.profile, debug=teller.note)
            introduce(aws, run)
            planned = in_iam.plan(document, inputs.identity, aws)
        account.plan = planned
        if not manner.json:
            terminal.render_plan(screen, planned, all_steps=True)
        if inputs.dry_run:
            telling.print(DRY)
            return
        with teller:
            account.outcome = in_iam.apply(planned, aws)
