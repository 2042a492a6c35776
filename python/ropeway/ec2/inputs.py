"""The inputs of whatever works on an application: deploying, rolling back, listing, recovering."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from typing import Any

from ropeway import inputs
from ropeway.ec2.batches import read_share, read_sizes
from ropeway.ec2.host import folder_problems
from ropeway.ec2.targets import Selection, tags
from ropeway.inputs import Group, Spelling
from ropeway.s3 import encryption
from ropeway.s3.inputs import ENCRYPTION, BucketInputs

TARGETS = Group("targets", "Targets", expanded=True)
HOSTS = Group("hosts", "On the hosts")
ROLLOUT = Group("rollout", "Rollout", expanded=True)
GATE = Group("gate", "Checks and alarms")
BALANCING = Group("balancing", "Load balancers and Auto Scaling")
STATE = Group("state", "State and lock")
DEPLOYS = "mode = deploy"
GROUPS = (TARGETS, HOSTS, ROLLOUT, BALANCING, GATE, ENCRYPTION, STATE)

MODES = {
    "deploy": "Deploy",
    "rollback": "Go back to an earlier release",
    "takeBack": "Take back what this stage has deployed",
}
ON_FAILURE = {
    "rollback": "Put back what changed",
    "stop": "Leave it as it is",
    "continue": "Go on, and fail in the end",
}
SCALING = {
    "none": "Leave it alone",
    "suspend": "Suspend what adds and removes instances",
    "standby": "Instances into standby",
}


@dataclass(frozen=True, kw_only=True)
class ApplicationInputs(BucketInputs):
    """Which application, and where its state lies."""

    application: str = inputs.text(
        "Application",
        "The name of what is deployed, and where to: `shop-production`. Its releases, its history and its lock are kept under this name: one "
        "deploy of it runs at a time.",
        required=True,
        metavar="NAME",
    )
    bucket_prefix: str = inputs.text(
        "Folder in the bucket",
        "Where in the bucket bundles and state lie: below `.ropeway/applications/` of this prefix. Empty: of the whole bucket.",
        group=STATE.name,
        metavar="PREFIX",
    )

    def problems(self, spell: Spelling) -> Iterator[str]:
        yield from super().problems(spell)
        if len(self.application) > 100 or not self.application.isprintable():
            yield f"{spell('application')} is {self.application!r}: at most 100 characters that can be printed."


@dataclass(frozen=True, kw_only=True)
class ChangingInputs(ApplicationInputs):
    """What takes the lock."""

    lock: str = inputs.choice(
        "When somebody else deploys",
        "One deploys an application at a time: the others wait, or fail.",
        choices={"wait": "Wait for them", "fail": "Fail at once"},
        default="wait",
        group=STATE.name,
    )
    lock_wait_minutes: int = inputs.number(
        "Waiting time in minutes",
        "How long to wait for somebody else's deploy, at most.",
        default=30,
        at_least=1,
        at_most=1440,
        group=STATE.name,
    )
    key_management: str = encryption.key_management()
    encryption_algorithm: str = encryption.encryption_algorithm()
    kms_master_key_id: str = encryption.kms_master_key_id()

    def problems(self, spell: Spelling) -> Iterator[str]:
        yield from super().problems(spell)
        yield from encryption.kms_key_problems(self, spell)

    @property
    def lock_wait(self) -> float:
        """Seconds."""
        return self.lock_wait_minutes * 60.0 if self.lock == "wait" else 0.0


@dataclass(frozen=True, kw_only=True)
class RolloutInputs(ChangingInputs):
    """Which instances, and how a release is rolled over them."""

    instance_ids: tuple[str, ...] = inputs.lines(
        "Instances",
        "Ids of instances, one a line. Of all that is given here, an instance must meet every one.",
        group=TARGETS.name,
        metavar="ID",
    )
    instance_tags: tuple[str, ...] = inputs.lines(
        "Tags",
        "Tags of the instances, one a line: `app=shop`, or `app` for any value. `*` and `?` in a value stand for anything; of several lines with "
        "the same key one is enough, of several keys all are needed.",
        group=TARGETS.name,
        metavar="KEY=VALUE",
    )
    auto_scaling_group: str = inputs.text(
        "Auto Scaling group", "The instances of this Auto Scaling group.", group=TARGETS.name, metavar="NAME"
    )
    target_group: str = inputs.text(
        "Target group",
        "The instances that are registered in this target group, by its name or ARN.",
        group=TARGETS.name,
        metavar="NAME",
    )
    min_targets: int = inputs.number(
        "Instances, at least",
        "With fewer, nothing is changed and it fails.",
        default=1,
        at_least=1,
        at_most=10_000,
        group=TARGETS.name,
    )
    application_folder: str = inputs.text(
        "Folder on the hosts",
        "Where the application lies: releases below `releases/`, the live one behind `current`. It is of this application alone. Empty: `/opt/` and "
        "its name.",
        group=HOSTS.name,
        metavar="FOLDER",
    )
    keep_releases: int = inputs.number(
        "Releases to keep",
        "How many healthy releases stay on each host, the live one and the one before it always.",
        default=5,
        at_least=2,
        at_most=100,
        group=HOSTS.name,
    )
    host_minutes: int = inputs.number(
        "Time on a host, in minutes",
        "How long all hooks of a host may take together. What is not over by then is killed, with all that it started.",
        default=60,
        at_least=1,
        at_most=2880,
        group=HOSTS.name,
    )
    batches: str = inputs.text(
        "Batches",
        "How many instances are changed at the same time: `1`, `25%`, or a list for one batch after the other, whose last entry is that of all "
        "further ones: `1,25%,100%`.",
        default="1,25%",
        group=ROLLOUT.name,
        metavar="SIZES",
    )
    batch_pause: int = inputs.number(
        "Pause between batches, in seconds",
        "How long the checks and alarms are watched after a batch, before the next one begins.",
        default=0,
        at_least=0,
        at_most=86_400,
        group=ROLLOUT.name,
    )
    max_failures: str = inputs.text(
        "Failures, at most",
        "How many instances may fail, or what percentage. Whatever is no success counts, also what was not reached. One more, and `onFailure` "
        "says what happens. With fewer it ends with issues.",
        default="0",
        group=ROLLOUT.name,
        metavar="SHARE",
    )
    min_healthy: str = inputs.text(
        "Serving, at least",
        "How many of the instances must go on serving at any time, or what percentage: batches are made smaller to keep it.",
        default="0",
        group=ROLLOUT.name,
        metavar="SHARE",
    )
    min_healthy_per_zone: str = inputs.text(
        "Serving in each zone, at least",
        "The same for the instances of each availability zone.",
        default="0",
        group=ROLLOUT.name,
        metavar="SHARE",
    )
    on_failure: str = inputs.choice(
        "When too many fail",
        "`rollback` puts back what was changed, the last batch first, and proves it. A rollback that fails goes on with the other instances.",
        choices=ON_FAILURE,
        default="rollback",
        group=ROLLOUT.name,
    )
    drain_from: tuple[str, ...] = inputs.lines(
        "Take out of target groups",
        "Target groups, by name or ARN, that an instance is taken out of, drained, while it is switched, and put back into when it is healthy. "
        "Empty: the target group that the instances are chosen by, if they are.",
        group=BALANCING.name,
        metavar="NAME",
    )
    auto_scaling: str = inputs.choice(
        "Auto Scaling meanwhile",
        "What happens to the Auto Scaling groups of the instances: nothing; the processes that add and remove instances are suspended; or, "
        "besides, an instance is in standby while it is switched, in batches no larger than the minimum of its group lets.",
        choices=SCALING,
        default="none",
        group=BALANCING.name,
    )
    healthy_minutes: int = inputs.number(
        "Healthy within minutes",
        "How long an instance may take to be healthy for the load balancer.",
        default=10,
        at_least=1,
        at_most=1440,
        group=BALANCING.name,
    )
    # No path to the agent, which makes the whole of the sources of a path that is empty.
    host_checks_file: str = inputs.text(
        "Checks of each host",
        "A suite (`ropeway-checks.yml`) that is asked of every host once it is switched, before it is put back; and of those that have the release "
        "already, which are switched again where they do not pass. `{outputs.privateAddress}`, `publicAddress`, `instanceId`, `instanceName`, `zone` stand in it for the host's.",
        group=GATE.name,
        metavar="FILE",
    )
    checks_file: str = inputs.text(
        "Checks of the application",
        "A suite that is asked after each batch: the application as its users reach it.",
        group=GATE.name,
        metavar="FILE",
    )
    alarms: tuple[str, ...] = inputs.lines(
        "Alarms",
        "Names of CloudWatch alarms, one a line, that must be OK before it begins, after each batch, and while it bakes. "
        "Where missing data are good news, ask them by a check instead (kind `alarm`, `noData: pass`).",
        group=GATE.name,
        metavar="NAME",
    )
    bake_minutes: int = inputs.number(
        "Bake time in minutes",
        "How long checks and alarms are watched once all instances have the release.",
        default=0,
        at_least=0,
        at_most=1440,
        group=GATE.name,
    )

    @property
    def folder(self) -> str:
        return self.application_folder or f"/opt/{self.application}"

    @property
    def selection(self) -> Selection:
        return Selection(
            instances=self.instance_ids,
            tags=tags(self.instance_tags),
            auto_scaling_group=self.auto_scaling_group,
            target_group=self.target_group,
            min_targets=self.min_targets,
        )

    @property
    def drained(self) -> tuple[str, ...]:
        return self.drain_from or tuple(filter(None, (self.target_group,)))

    def problems(self, spell: Spelling) -> Iterator[str]:
        yield from super().problems(spell)
        yield from self.selection.problems()
        yield from (f"{spell('application_folder')} {wrong}" for wrong in folder_problems(self.folder))
        for name, read in SHARES.items():
            yield from _problem(spell(name), read, getattr(self, name))


@dataclass(frozen=True, kw_only=True)
class EC2DeployInputs(RolloutInputs):
    """What is deployed."""

    mode: str = inputs.choice(
        "What to do",
        "`deploy` brings a release to the instances. `rollback` brings an earlier one back: the one that `releaseId` names, or the last healthy "
        "one. `takeBack` takes back what this build and stage have deployed, for a job `on: failure:`; where another release is live by now, it changes nothing and fails.",
        choices=MODES,
        default="deploy",
        on_cli=False,
    )
    # No path to the agent, which makes the whole of the sources of a path that is empty.
    source_path: str = inputs.text(
        "Source",
        "What is deployed: a folder, or an archive (.zip, .tar, .tar.gz). With its hooks in a `ropeway-app.yml` (docs/ropeway-app.md).",
        metavar="PATH",
        visible=DEPLOYS,
    )
    release_id: str = inputs.text(
        "Release",
        "The id of the release. Empty: the number of the build; for a rollback, the last healthy release.",
        metavar="ID",
    )
    app: str = inputs.document(
        "Hooks",
        "The `ropeway-app.yml` itself, written here; it is taken instead of the one in the source.",
        group=HOSTS.name,
        metavar="YAML",
        visible=DEPLOYS,
    )
    force: bool = inputs.flag(
        "Switch again",
        "Switch instances too that have the release already.",
        group=ROLLOUT.name,
        visible=DEPLOYS,
    )
    allow_older: bool = inputs.flag(
        "Allow an older build",
        "Deploy a build though a newer one is live.",
        group=ROLLOUT.name,
        visible=DEPLOYS,
    )

    def problems(self, spell: Spelling) -> Iterator[str]:
        yield from super().problems(spell)
        if self.mode == "deploy" and not self.source_path:
            yield f"{spell('source_path')} is required."
        if self.mode == "takeBack" and self.release_id:
            yield f"{spell('release_id')} is set, but {spell('mode')} takeBack finds the release by build and stage: leave it empty."


@dataclass(frozen=True, kw_only=True)
class RollbackInputs(RolloutInputs):
    """What the command that rolls back is asked to do. In a pipeline, it is a mode of the deploy."""

    release_id: str = inputs.text(
        "Release",
        "The id of the release that becomes live. Empty: the last healthy one before the live one.",
        metavar="ID",
    )

    @property
    def as_deploy(self) -> EC2DeployInputs:
        shared = {one.name: getattr(self, one.name) for one in fields(self)}
        return EC2DeployInputs(**shared, mode="rollback")


SHARES: dict[str, Callable[[str], Any]] = {
    "batches": read_sizes,
    "max_failures": read_share,
    "min_healthy": read_share,
    "min_healthy_per_zone": read_share,
}


def _problem(name: str, read: Callable[[str], Any], text: str) -> Iterator[str]:
    try:
        read(text)
    except ValueError as wrong:
        yield f"{name} {wrong}"
