"""What a task is: its names, its inputs, and the two functions that do it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from ropeway.aws.connection import AwsInputs
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
class IamAction:
    """An IAM action that a task needs, on what, and when (empty: always).

    `resource` is an ARN with places for {partition}, {bucket} and {prefix}, or {kms_key}.
    """

    action: str
    resource: str
    when: str = ""


@dataclass(frozen=True)
class Task(Generic[I, P]):
    """A pipeline task that is a command too. GUID, name and major are typed by hand and never change.

    `plan` only reads, `apply` does what the plan says and nothing else.
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
    actions: tuple[IamAction, ...]
    services: tuple[str, ...]
    plan: Callable[[I, Aws, Run], P]
    apply: Callable[[P, Aws, Run], Outcome[Any]]

    @property
    def pipeline_name(self) -> str:
        """What a pipeline calls it, before the `@` and the major."""
        return f"Ropeway{self.name}"


def policy(actions: Iterable[IamAction], **places: str) -> dict[str, Any]:
    """The IAM policy that allows these actions on these places (bucket="b", prefix="site/", ...), and nothing else."""
    needed = [(action.action, action.resource.format(**places)) for action in actions]
    return {"Version": "2012-10-17", "Statement": list(_statements(needed))}


def _statements(needed: list[tuple[str, str]]) -> Iterator[Mapping[str, object]]:
    for resource in dict.fromkeys(resource for _, resource in needed):
        allowed = [action for action, on in needed if on == resource]
        yield {"Effect": "Allow", "Action": allowed, "Resource": resource}


def introduce(aws: Aws, run: Run) -> None:
    """The first thing a plan does: say who acts and where, and stop when that identity may not act here."""
    identity = aws.guard()
    if identity is None:
        run.tell.note(f"Acting with {aws.origin()}, region {aws.region}; AWS was not asked whose account that is.")
        return
    run.tell.note(f"Acting as {identity.arn} in account {identity.account}, region {aws.region}: {identity.origin}.")
