"""What travels through this room."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from ropeway.s3.state.releases import State

Platform = Literal["linux", "windows"]

HostStep = Literal["status", "validate", "stage", "switch", "rollback", "mark", "prune"]
"""What a script does on a host; the word that its last line carries."""

Hook = Literal["ApplicationStop", "BeforeInstall", "AfterInstall", "ApplicationStart", "ValidateService"]
"""CodeDeploy's names, in the order in which they run. The release that goes is stopped by its own ApplicationStop."""


@dataclass(frozen=True, slots=True, order=True)
class Target:
    """An instance that was chosen. Targets are sorted, by id. `zone` is its availability zone, `addresses` are all of its private ones, and IPv6."""

    id: str
    name: str = ""
    zone: str = ""
    private_address: str = ""
    public_address: str = ""
    platform: Platform = "linux"
    addresses: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        return f"{self.name} ({self.id})" if self.name else self.id


@dataclass(frozen=True, slots=True)
class Layout:
    """Where an application lies on a host: `folder`/releases/ID, `folder`/shared, `folder`/current. An absolute path.

    `keep` healthy releases stay on the disk, the live one and the one before it always; of failed ones `keep_failed`.
    """

    folder: str
    keep: int = 5
    keep_failed: int = 1


@dataclass(frozen=True, slots=True)
class Deployment:
    """What the hooks are told: APPLICATION_NAME, DEPLOYMENT_GROUP_NAME, DEPLOYMENT_ID, and the release."""

    application: str
    group: str
    id: str
    release: str


@dataclass(frozen=True, slots=True)
class HostRelease:
    """A release as it lies on a host. `content` is the sha256 of its bundle."""

    id: str
    state: State
    content: str = ""


@dataclass(frozen=True, slots=True)
class HostReport:
    """The last line of a step's script, read. Nothing in it is taken on trust: the rollout compares it with what it asked for.

    `live` is the release that `current` leads to as the script ends, empty where it leads nowhere; `previous` the one that a
    rollback would lead to. `changed` says that a rollback has something to put back: a hook has begun, or `current` was switched; in
    `status`, that an earlier switch has left it so, half-way.
    `hook` is the one that failed, `why` a sentence on what did. `free` is bytes on the disk of the folder, -1 where it does not say; `mount` is what that is
    mounted from and its file system ("/dev/nvme1n1 xfs"), `disk` the model and the serial number of the disk ("Amazon EC2 NVMe
    Instance Storage|AWS123"), as the host itself tells them in `status`. `warning` is a sentence on what went wrong and was passed
    over; `log` the file on the host with all that was printed.
    """

    step: HostStep
    ok: bool
    release: str = ""
    live: str = ""
    live_state: State | None = None
    previous: str = ""
    changed: bool = False
    hook: str = ""
    why: str = ""
    free: int = 0
    mount: str = ""
    disk: str = ""
    warning: str = ""
    log: str = ""
    releases: tuple[HostRelease, ...] = ()

    def find(self, release: str) -> HostRelease | None:
        return next((one for one in self.releases if one.id == release), None)


@dataclass(frozen=True, slots=True)
class Found:
    """A target before anything changes. `problems` say why it cannot be deployed to, a sentence each; `report` is that of `status`.

    `volume` says where the folder lies, in words ("EBS volume vol-1", "instance store"), empty where nobody knows. `unhealthy`: a load
    balancer says so.
    """

    target: Target
    report: HostReport | None = None
    problems: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    volume: str = ""
    unhealthy: bool = False

    @property
    def ready(self) -> bool:
        return not self.problems and self.report is not None

    @property
    def live(self) -> str:
        return self.report.live if self.report else ""

    @property
    def half_way(self) -> bool:
        """Whether a switch has begun there and not come to its end: what `current` leads to may be stopped, whatever its mark says."""
        return self.report is not None and self.report.changed

    def came(self, release: str) -> bool:
        """Whether a switch to it may have begun there since it was staged. Of one who could not be asked nobody knows."""
        there = self.report.find(release) if self.report else None
        return self.report is None or self.half_way or bool(there and there.state is not State.STAGED)

    @property
    def serving(self) -> bool:
        """Whether something may answer there now that a switch would take away."""
        known_bad = self.unhealthy or self.half_way or self.report is None or self.report.live_state is State.FAILED
        return self.ready and bool(self.live) and not known_bad


@dataclass(frozen=True, slots=True)
class Share:
    """`3` or `25%` of so many. A percentage is rounded by whoever uses it."""

    amount: int
    percent: bool = False

    def __str__(self) -> str:
        return f"{self.amount}%" if self.percent else str(self.amount)

    def at_most(self, whole: int) -> int:
        return whole * self.amount // 100 if self.percent else min(self.amount, whole)

    def at_least(self, whole: int) -> int:
        return -(-whole * self.amount // 100) if self.percent else min(self.amount, whole)


@dataclass(frozen=True, slots=True)
class Batch:
    """Targets that are switched at the same time; `number` counts from 1."""

    number: int
    targets: tuple[Target, ...] = field(default_factory=tuple)


def by_id(targets: Sequence[Target]) -> dict[str, Target]:
    return {target.id: target for target in targets}
