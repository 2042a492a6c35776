"""What is to be rolled out, by which rules, and what it came to."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import Literal

from ropeway.checked import CheckResult
from ropeway.ec2.batches import Budget, Floor
from ropeway.ec2.ledger import Ledger
from ropeway.ec2.model import Found, Share, Target
from ropeway.errors import RopewayError
from ropeway.outcome import counted, listing
from ropeway.s3.state.releases import State

OnFailure = Literal["rollback", "stop", "continue"]


class End(str, enum.Enum):
    """How a rollout ended; the value is the word that others read."""

    HEALTHY = "healthy"
    PARTLY = "partly"
    """Some failed, and no more than may."""
    ROLLED_BACK = "rolledBack"
    """Everything that changed is back, and was proved."""
    UNTOUCHED = "untouched"
    """It failed before anything was changed."""
    FAILED = "failed"
    STOPPED = "stopped"
    """Somebody stopped it, or took over: it was left as it was then."""


@dataclass(frozen=True, kw_only=True)
class Rules:
    """How it goes. Seconds: `pause` is how long a batch is watched before the next, `bake` how long all are in the end."""

    sizes: tuple[Share, ...]
    budget: Budget
    floor: Floor
    on_failure: OnFailure = "rollback"
    pause: float = 0.0
    bake: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Course:
    """`live` is the release of the application as a whole, empty before its first; `proved` says that it was seen to work on all of it.

    `todo` are the targets to be changed; the others are on the release already, or cannot be reached.
    """

    release: str
    live: str
    found: tuple[Found, ...]
    todo: frozenset[Target]
    rules: Rules
    proved: bool = False


def way_back(found: Found, course: Course) -> str:
    """The release that a rollback of this target leads to; empty where there is none.

    What is live now, where that is the proved release of the whole application, also when it is the very one that goes out once more, or has
    failed here meanwhile: the others have it. Else what is live now and was proved here. Where it never was (a run that died, a release
    that is being repaired), the last healthy one before it; and where there is none, what is live all the same, unless it is known to be
    bad, or is the very release that goes out.
    """
    report = found.report
    if report is None:
        return ""
    if course.proved and report.live == course.live:
        return report.live
    bad = report.live in {"", course.release} or report.live_state is State.FAILED
    unproved = report.live_state is not State.HEALTHY and bool(report.previous)
    return report.previous if bad or unproved else report.live


@dataclass
class Rolled:
    """What it came to. `why` is a sentence where it did not go well; `error` what ended it, if that was an error.

    `gates` are the gates that did not pass and were passed by (`onFailure` continue). `back_unwell` says why the application does not pass
    its checks after the rollback either. `left_out` are the targets that their load balancer may still miss.
    """

    ledger: Ledger
    end: End = End.FAILED
    why: str = ""
    error: RopewayError | None = None
    batches: list[list[Target]] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    checks: list[CheckResult] = field(default_factory=list)
    gates: list[str] = field(default_factory=list)
    back_unwell: str = ""
    left_out: list[str] = field(default_factory=list)

    def ended(self, end: End, why: str, error: RopewayError | None = None) -> None:
        self.end, self.why, self.error = end, why, error

    @property
    def failures_told(self) -> str:
        """Of the first ones why, of all how many; empty where none failed."""
        failed = self.ledger.failures
        if not failed:
            return ""
        told = listing([f"{entry.target.title}: {entry.failed.rstrip('.')}" for entry in failed], 3)
        return f"{counted(len(failed), 'instance')} failed. {told}."
