"""A task without AWS: two files, whose fate the test decides. It is declared as the real ones are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ropeway import inputs
from ropeway.aws.connection import AWS_GROUPS
from ropeway.aws.policy import IamAction
from ropeway.aws.session import Aws
from ropeway.inputs import Group
from ropeway.outcome import Done, Outcome, Output, Plan, Progress, Reason, Run, Step
from ropeway.s3.inputs import ENCRYPTION, S3Inputs
from ropeway.tasks.task import OutputVariable, Task

LABELS = Group("labels", "Labels")


@dataclass(frozen=True, kw_only=True)
class CarryInputs(S3Inputs):
    source_folder: str = inputs.path("Source folder", "Where from.", metavar="FOLDER")
    target_folder: str = inputs.text("Target folder", "Where to, for example `site`.", metavar="PREFIX")
    labels: tuple[inputs.Rule, ...] = inputs.rules("Labels", "Lines of `glob=value`.", group=LABELS.name)
    colour: str = inputs.choice("Colour", "Which *one*.", choices={"red": "Red", "blue": "Blue"}, default="red")
    customer_key: str = inputs.text("Customer key", "The key.", secret=True, group=ENCRYPTION.name)


STEPS = (
    Step("upload", "s3://bucket/site/a.txt", Reason.NEW, 1000, "a"),
    Step("upload", "s3://bucket/site/[red]b.txt", Reason.CONTENT, 500, "b"),
    Step("skip", "s3://bucket/site/c.txt", Reason.UNCHANGED, 7, "c"),
)


def carry_task(
    *,
    steps: tuple[Step[Any], ...] = STEPS,
    warnings: tuple[str, ...] = (),
    plan_error: BaseException | None = None,
    apply_error: BaseException | None = None,
    results: tuple[Done[Any], ...] | None = None,
    error: Any = None,
    seen: Callable[[Any], object] = lambda _: None,
    during: Callable[[Run], object] = lambda _: None,
) -> Task[Any, Any]:
    def plan(given: CarryInputs, _aws: Aws, run: Run) -> Plan[Any]:
        seen(given)
        run.tell.note("Acting as nobody.")
        if plan_error:
            raise plan_error
        return Plan(f"Carry 2 files from {given.source_folder} to s3://{given.bucket_name}", steps, warnings)

    def apply(planned: Plan[Any], _aws: Aws, run: Run) -> Outcome[Any]:
        run.tell.progress(Progress("Carrying", 1, 2, 1000, 1500))
        during(run)
        if apply_error:
            raise apply_error
        done = tuple(Done(step, 0.5) for step in planned.todo) if results is None else results
        outputs = (Output("filesCarried", "2"),)
        return Outcome("Carried 2 files", planned, done, outputs, 2.0, "mule", warnings, error)

    return Task(
        name="S3Carry",
        id="00000000-0000-0000-0000-000000000000",
        major=1,
        friendly_name="Carry",
        step_title="Carry",
        description="Carries files.",
        help="From here to there.",
        command=("s3", "upload"),
        inputs=CarryInputs,
        groups=(LABELS, ENCRYPTION, *AWS_GROUPS),
        outputs=(OutputVariable("filesCarried", "How many."),),
        actions=(IamAction("s3:PutObject", "*"),),
        services=("s3",),
        plan=plan,
        apply=apply,
    )
