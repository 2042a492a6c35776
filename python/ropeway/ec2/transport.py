"""How a script gets to the targets, and how it is known what became of it there."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from ropeway.aws.run_command.model import HostRun, Script, Terms
from ropeway.aws.run_command.running import run as run_by_ssm
from ropeway.aws.run_command.states import NOT_SENT, STILL_RUNNING
from ropeway.aws.session import Aws
from ropeway.ec2.model import Target
from ropeway.errors import Cancelled
from ropeway.outcome import Run, listing

Each = Callable[[HostRun], None]


class Transport(Protocol):
    """Run Command is one; CodeDeploy and ssh can be others."""

    def run(
        self, script: Script, targets: Sequence[Target], run: Run, each: Each = lambda _: None
    ) -> tuple[HostRun, ...]:
        """Exactly one HostRun for each target, in their order, whatever became of it. `each` is called as each one is over.

        Raises what concerns all of them, after it has stopped what was under way: InputError for a script that is too long,
        CredentialsError, AccessDenied; and Cancelled, once `each` has been told of every target.
        """
        ...


@dataclass(frozen=True)
class RunCommand:
    """SSM's. `terms` are those of every script."""

    aws: Aws
    terms: Terms = field(default_factory=Terms)

    def run(
        self, script: Script, targets: Sequence[Target], run: Run, each: Each = lambda _: None
    ) -> tuple[HostRun, ...]:
        def changed(told: HostRun) -> None:
            if not told.active:
                each(told)

        runs = run_by_ssm(
            self.aws,
            [target.id for target in targets],
            script,
            terms=self.terms,
            cancellation=run.cancellation,
            changed=changed,
        )
        if run.cancellation.asked:
            raise Cancelled(f"Stopped: {run.cancellation.why}. {left(runs)}")
        return runs


def left(runs: Iterable[HostRun]) -> str:
    """How a script that was stopped has left the hosts: "The script ended well on i-1, was cancelled on i-2, i-3."."""
    told: dict[str, list[str]] = {}
    for run in runs:
        told.setdefault(_WORDS.get(run.state, f"was {run.state} on"), []).append(run.target)
    return f"The script {', '.join(f'{words} {listing(hosts, 5)}' for words, hosts in told.items())}."


_WORDS = {
    "Success": "ended well on",
    "Failed": "failed on",
    "Cancelled": "was cancelled on",
    NOT_SENT: "was not sent to",
    STILL_RUNNING: "may still be running on",
}
