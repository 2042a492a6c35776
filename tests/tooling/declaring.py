"""Tasks made up for the generator's tests."""

from __future__ import annotations

from dataclasses import dataclass, make_dataclass
from typing import Any

from ropeway import inputs
from ropeway.aws.policy import IamAction
from ropeway.inputs import Group
from ropeway.tasks.task import OutputVariable, Task

EXTRAS = Group("extras", "Extras")


@dataclass(frozen=True, kw_only=True)
class FerryInputs:
    """One input of each kind."""

    link: str = inputs.connection("Link", "The connection.", endpoint_type="Boat")
    harbour: str = inputs.text("Harbour", "Where it lies.", required=True)
    speed: int = inputs.number("Speed", "Knots.", default=12, at_least=1, at_most=40)
    lights: bool = inputs.flag("Lights", "On or off.", group="extras")
    flag: str = inputs.choice("Flag", "Its flag.", choices={"red": "Red | white", "none": "None"}, default="red")
    hold: str = inputs.path("Hold", "A folder.", group="extras", visible="lights = true && flag != none")
    crew: tuple[str, ...] = inputs.lines("Crew", "A name a line.", default="**")
    port_of_call: str = inputs.choice("Port", "Any port.", choices={"x": "X"}, default="y", open_choices=True)


def ferry(of: type[Any] = FerryInputs, **changed: Any) -> Task[Any, Any]:
    """A whole task; `changed` replaces its fields."""
    fields: dict[str, Any] = {
        "name": "Ferry",
        "id": "2b0d4b1e-6c3a-4d5f-8e7a-9b0c1d2e3f40",
        "major": 3,
        "friendly_name": "A ferry",
        "step_title": "Ferry to $(harbour)",
        "description": "Carries things over.",
        "help": "See the timetable.",
        "command": ("ferry", "over"),
        "inputs": of,
        "groups": (EXTRAS,),
        "outputs": (OutputVariable("carried", "How many things."),),
        "actions": (
            IamAction("s3:ListBucket", "arn:{partition}:s3:::{bucket}"),
            IamAction("s3:GetObject", "arn:{partition}:s3:::{bucket}/{prefix}*"),
            IamAction("s3:PutObject", "arn:{partition}:s3:::{bucket}/{prefix}*"),
            IamAction("kms:Decrypt", "the KMS key", "a key of yours is used"),
        ),
        "services": ("s3",),
        "plan": lambda *_: None,
        "apply": lambda *_: None,
    }
    return Task(**(fields | changed))


def with_input(**field: Any) -> Task[Any, Any]:
    """The ferry with one more input: `with_input(sail=inputs.text(...))`."""
    ((name, declaration),) = field.items()
    return ferry(make_dataclass("More", [(name, str, declaration)], bases=(FerryInputs,), frozen=True, kw_only=True))
