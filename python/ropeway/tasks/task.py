"""What a task is: its names, its inputs, and the two functions that do it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from ropeway.aws.connection import AwsInputs
from ropeway.aws.policy import IamAction
from ropeway.aws.session import Aws
from ropeway.inputs import Group
from ropeway.outcome import Outcome, Plan, Run

I = TypeVar("I", bound=AwsInputs)  # noqa: E741 - I is for inputs
P = TypeVar("P", bound=Plan[Any])


@dataclass(frozen=True)
class OutputVariable:
    """An output variable that a task may set; only these are settable from the task (task.json `restrictions`)."""

    name: str
    help: str


@dataclass(frozen=True)
class Task(Generic[I, P]):
    """A pipeline task that is a command too. GUID, name and major are typed by hand and never change.

    `plan` only reads, `apply` does what the plan says and nothing else. A task that `may_do_without_aws` is given an `Aws` that is
    connected when it is first asked.

    `clean_up` undoes what a run of the same inputs has left, where that said that something is (`Run.pending`): a post-job step of an agent
    calls it, however the run ended. Raises RopewayError when something could not be undone.
    """

    name: str
    id: str
    major: int
    friendly_name: str
    step_title: str
    description: str
    help: str
    command: tuple[str, ...]
    inputs: type[I]
    groups: tuple[Group, ...]
    outputs: tuple[OutputVariable, ...]
    actions: Sequence[IamAction]
    services: Sequence[str]
    plan: Callable[[I, Aws, Run], P]
    apply: Callable[[P, Aws, Run], Outcome[Any]]
    may_do_without_aws: bool = False
    clean_up: Callable[[I, Aws, Run], None] | None = None

    @property
    def pipeline_name(self) -> str:
        """What a pipeline calls it, before the `@` and the major."""
        return f"Ropeway{self.name}"


def introduce(aws: Aws, run: Run) -> None:
    """The first thing a plan does: say who acts and where, and stop when that identity may not act here."""
    identity = aws.guard()
    if identity is None:
        run.tell.note(f"Acting with {aws.origin()}, region {aws.region}; AWS was not asked whose account that is.")
        return
    run.tell.note(f"Acting as {identity.arn} in account {identity.account}, region {aws.region}: {identity.origin}.")
