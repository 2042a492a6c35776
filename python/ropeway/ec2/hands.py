"""What a rollout works with. Each is a protocol: the rollout knows no AWS, no bash and no balancer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from ropeway.aws.run_command.model import HostRun, Script
from ropeway.checked import CheckResult
from ropeway.ec2.model import HostReport, HostStep, Target
from ropeway.ec2.transport import Transport
from ropeway.outcome import Run
from ropeway.s3.state.releases import State


class Scripts(Protocol):
    """What each step does on a host, as a script, and how its last word is read."""

    def stage(self) -> Script: ...

    def validate(self) -> Script:
        """Where the release is live already: whether it works, by its own hook."""
        ...

    def switch(self, *, over: str, force: bool) -> Script:
        """`over` is the release that must be live: else the host changes nothing and fails."""
        ...

    def rollback(self, *, to: str) -> Script: ...

    def mark(self, release: str, state: State) -> Script: ...

    def prune(self) -> Script: ...

    def report(self, run: HostRun, step: HostStep) -> HostReport | None: ...


@dataclass(frozen=True)
class Judged:
    """What the checks of a gate came to. `failed` says why, for each target that did not pass; `why` why nobody goes on."""

    failed: Mapping[str, str] = field(default_factory=dict)
    why: str = ""
    results: tuple[CheckResult, ...] = ()


def after_rollback(results: Sequence[CheckResult]) -> tuple[CheckResult, ...]:
    """Told apart from those of the same checks before it."""
    return tuple(
        replace(result, check=replace(result.check, name=f"{result.check.name}, after the rollback"))
        for result in results
    )


class Gate(Protocol):
    """What is asked before more instances are changed."""

    def hosts(self, targets: Sequence[Target], release: str, run: Run) -> Judged:
        """Each of them by itself."""
        ...

    def fleet(self, release: str, soak: float, run: Run) -> Judged:
        """The application as its users reach it, and the alarms; watched for so many seconds."""
        ...


class Balancing(Protocol):
    """Load balancers and Auto Scaling. What it takes out is written down before, so that somebody else can put it back."""

    def take_out(self, targets: Sequence[Target], run: Run) -> Mapping[str, str]:
        """Returns when no request is under way to them any more. The targets for which it failed, and why."""
        ...

    def put_back(self, targets: Sequence[Target], run: Run) -> Mapping[str, str]:
        """Returns when they are healthy there. The targets for which it failed, and why. Who was not taken out needs nothing."""
        ...

    def restore(self, run: Run) -> Mapping[str, str]:
        """At the end, however it came: everything that was taken out is put back, and nobody waits for its health.

        A run that was stopped does what can be done at once. What is left, and why.
        """
        ...


class Keeper(Protocol):
    """The lock of the application."""

    def verify(self) -> None:
        """Raises Overtaken when it is another one's."""
        ...


@dataclass(frozen=True)
class Hands:
    transport: Transport
    scripts: Scripts
    gate: Gate
    balancing: Balancing
    keeper: Keeper


class NoGate:
    def hosts(self, targets: Sequence[Target], release: str, run: Run) -> Judged:  # noqa: ARG002 - asks nothing
        return Judged()

    def fleet(self, release: str, soak: float, run: Run) -> Judged:  # noqa: ARG002 - the same
        run.cancellation.wait(soak)
        return Judged()


class NoBalancing:
    """Nothing stands before the instances."""

    def take_out(self, targets: Sequence[Target], run: Run) -> Mapping[str, str]:  # noqa: ARG002 - nothing to do
        return {}

    def put_back(self, targets: Sequence[Target], run: Run) -> Mapping[str, str]:  # noqa: ARG002 - the same
        return {}

    def restore(self, run: Run) -> Mapping[str, str]:  # noqa: ARG002 - the same
        return {}
