"""EC2Deploy: a release comes to the instances of an application, batch by batch, is proved there, and goes back where it is not well."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from ropeway.aws.connection import AWS_GROUPS
from ropeway.aws.policy import IamAction
from ropeway.aws.run_command.running import ACTIONS as RUN_COMMAND
from ropeway.aws.session import Aws
from ropeway.checks.needs import OfKinds, actions_of_kinds, merged, services_with_kinds
from ropeway.ec2 import performing, planning, preflight, targets
from ropeway.ec2.balancing import asking
from ropeway.ec2.history import Application
from ropeway.ec2.inputs import GROUPS, EC2DeployInputs, RollbackInputs
from ropeway.ec2.journal import Journal
from ropeway.ec2.planning import EC2Plan, application_of
from ropeway.ec2.recover import recover
from ropeway.errors import LockHeld
from ropeway.outcome import Outcome, Run
from ropeway.tasks.task import OutputVariable, Task, introduce

RELEASES_STAY = (
    "What is live on the instances is as the run has left it, and a script that was under way may still end: "
    "run the stage again, or go back (ropeway ec2 rollback)."
)


def plan(given: EC2DeployInputs, aws: Aws, run: Run) -> EC2Plan:
    """Packs the source, asks every target how it stands, and cuts the batches. Everything that can be refused is refused here."""
    introduce(aws, run)
    return planning.plan(given, aws, run)


def apply(planned: EC2Plan, aws: Aws, run: Run) -> Outcome[None]:
    """Does what the plan says, under the lock; where others have worked meanwhile, it is planned anew first."""
    return performing.perform(planned, aws, run)


def clean_up(given: EC2DeployInputs, aws: Aws, run: Run) -> None:
    """What a run that died has left of load balancers and Auto Scaling groups is put right, once its lock is free.

    It waits for that whatever `lock` says: it is the lock of the very run that died, and runs out by itself. Who else has it by then has undone all of it
    before it began.
    """
    application = application_of(given, aws)
    if not (other := performing.at_work(application, run)):
        other = _recovered(given, application, aws, run)
    run.tell.note(
        f"Whoever has the lock has undone, or undoes, what the step left: {other}." if other else RELEASES_STAY
    )


def _recovered(given: EC2DeployInputs, application: Application, aws: Aws, run: Run) -> str:
    """Empty where it is done; else who has the lock by now."""
    journal = Journal(application.engine, application.journal)
    try:
        with performing.hold(application, replace(given, lock="wait"), "recover", run):
            recover(journal, aws, run).check(journal.address)
    except LockHeld:
        if other := performing.at_work(application, run):
            return other
        raise
    return ""


def plan_rollback(given: RollbackInputs, aws: Aws, run: Run) -> EC2Plan:
    """The same of a release that was deployed before."""
    return plan(given.as_deploy, aws, run)


# --- what it is ---------------------------------------------------------------------------------------------------------------

BUCKET = "arn:{partition}:s3:::{bucket}"
STATE = BUCKET + "/{prefix}.ropeway/applications/*"


def _actions() -> Iterable[IamAction]:
    own = (
        IamAction("s3:ListBucket", BUCKET),
        IamAction("s3:GetObject", STATE),
        IamAction("s3:PutObject", STATE),
        IamAction("s3:AbortMultipartUpload", STATE, "a bundle of more than 8 MB may fail half-way"),
        *targets.ACTIONS,
        *preflight.ACTIONS,
        *RUN_COMMAND,
        *asking.ACTIONS,
        IamAction("kms:GenerateDataKey", "{kms_key}", "the bucket, or keyManagement, encrypts with a KMS key of yours"),
        IamAction("kms:Decrypt", "{kms_key}", "the bucket, or keyManagement, encrypts with a KMS key of yours"),
    )
    return merged((*own, *actions_of_kinds()))


SERVICES = ("s3", "sts", "ec2", "ssm", *asking.SERVICES)

TASK = Task(
    name="EC2Deploy",
    id="951e1763-9cd2-4104-8bc2-7f039b39b0be",
    major=1,
    friendly_name="Ropeway: deploy to EC2 instances",
    step_title="Deploy $(application) to EC2 instances",
    description="Deploy a release to EC2 instances over SSM Run Command: batch by batch, proved on each, put back where it fails.",
    help="Stages a release on all instances, switches them in batches, asks checks in between, and puts back what changed when it does not work. See docs/tasks/ec2-deploy.md.",
    command=("ec2", "deploy"),
    inputs=EC2DeployInputs,
    groups=(*GROUPS, *AWS_GROUPS),
    outputs=(
        OutputVariable(
            "result",
            "What it came to: healthy; partly (some failed, and no more than may); rolledBack; untouched (it failed before anything was changed); "
            "failed; stopped; nothing, where there was nothing to take back.",
        ),
        OutputVariable("releaseId", "The release that was deployed, or that was rolled back to."),
        OutputVariable("liveRelease", "The release of the application that is live now."),
        OutputVariable("previousRelease", "The release that was live before."),
        OutputVariable("instances", "The ids of all targets, with commas between them."),
        OutputVariable("instancesDeployed", "How many instances were switched to it."),
        OutputVariable(
            "instancesFailed",
            "The ids of the instances that are not on it as they should be, with commas between them.",
        ),
    ),
    actions=OfKinds(_actions),
    services=OfKinds(lambda: services_with_kinds(*SERVICES)),
    plan=plan,
    apply=apply,
    clean_up=clean_up,
)

ROLLBACK = Task(
    name="EC2Rollback",
    id=TASK.id,
    major=TASK.major,
    friendly_name=TASK.friendly_name,
    step_title=TASK.step_title,
    description="Bring an earlier release back to EC2 instances, batch by batch, proved on each.",
    help="Without an id it is the last healthy release before the live one. Instances that do not have it any more fetch it from S3.",
    command=("ec2", "rollback"),
    inputs=RollbackInputs,
    groups=TASK.groups,
    outputs=TASK.outputs,
    actions=TASK.actions,
    services=TASK.services,
    plan=plan_rollback,
    apply=apply,
)
"""A command alone: in a pipeline it is a mode of the deploy."""
