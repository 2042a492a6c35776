"""How each target stands while the rollout goes on: what was done, what failed, what a rollback has to put back."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from ropeway.aws.run_command.model import HostRun
from ropeway.ec2.model import Found, HostReport, HostStep, Target

StepName = Literal[HostStep, "take out", "checks", "put in"]
"""What is done on the hosts, and beside them."""


@dataclass(frozen=True, slots=True)
class Done:
    """A step on a target. `why` is empty when it is done. `run` is None for what no script does."""

    step: StepName
    why: str = ""
    seconds: float = 0.0
    run: HostRun | None = None
    report: HostReport | None = None

    @property
    def ok(self) -> bool:
        return not self.why


@dataclass
class Entry:
    """One target. `live` is the release that is live there, None where nobody knows any more.

    `failed` says why it counts as failed, empty while it does not; it stays when the target is put back. `touched` says that
    there is something to put back, `proved` that the release was seen to work there, by its checks and its load balancer too; `back` that
    it was put back and proved, `stuck` why it could not be. `earlier` says that an
    earlier try of the same release, which did not come to its end, has changed it, or that some run has left it half-way. `doubt` says what
    speaks against it though its mark is well: it may serve all the same.
    """

    found: Found
    to: str
    live: str | None
    serving: bool
    batch: int = 0
    done: list[Done] = field(default_factory=list)
    failed: str = ""
    touched: bool = False
    proved: bool = False
    back: bool = False
    stuck: str = ""
    earlier: bool = False
    doubt: str = ""

    @property
    def target(self) -> Target:
        return self.found.target

    @property
    def out(self) -> bool:
        """Whether it was taken out, has failed, and nobody has put it in since."""
        tried = any(done.step == "put in" for done in self.done)
        return bool(self.batch and self.failed and self.touched) and not (self.back or tried)

    def fail(self, why: str, *, serving: bool = False) -> None:
        """The first reason stays."""
        self.failed = self.failed or why
        self.serving = self.serving and serving


class Ledger:
    """All targets of the run, in their order."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self.entries = tuple(entries)
        self._by_id = {entry.target.id: entry for entry in self.entries}

    def __getitem__(self, target: Target) -> Entry:
        return self._by_id[target.id]

    @property
    def serving(self) -> set[Target]:
        """Who may serve: to take one out may be a loss."""
        return {entry.target for entry in self.entries if entry.serving}

    @property
    def surely_serving(self) -> set[Target]:
        """On whom it can be counted while others are taken out."""
        return {entry.target for entry in self.entries if entry.serving and not entry.doubt}

    @property
    def failures(self) -> tuple[Entry, ...]:
        return tuple(entry for entry in self.entries if entry.failed)

    def on(self, release: str) -> int:
        """How many it is live on."""
        return sum(1 for entry in self.entries if entry.live == release)

    def well_on(self, release: str) -> int:
        """The same, but for those that have failed all the same."""
        return sum(1 for entry in self.entries if entry.live == release and not entry.failed)

    def fine(self, targets: Iterable[Target]) -> list[Target]:
        """Those of them that have not failed."""
        return [target for target in targets if not self[target].failed]


def judge(run: HostRun, report: HostReport | None, step: HostStep, release: str, live: str | None) -> str:
    """Why this step is not done on this host; empty when it is. `live` is the release that must be live now (None: any)."""
    if report is not None and not report.ok:
        return _said(report)
    if not run.ok:
        return run.why
    if report is None:
        return "The script ended with 0 but without its last word: nobody knows what it has done."
    if (report.step, report.release) != (step, release):
        return f"The script reported {report.step} of {report.release or 'no release'}, and not {step} of {release}."
    if live is not None and report.live != live:
        return f"The script reported success, but {report.live or 'no release'} is live, and not {live}."
    return ""


def _said(report: HostReport) -> str:
    where = f"{report.hook}: " if report.hook else ""
    return f"{where}{report.why or 'The script says that it failed, and not why.'}"


def may_be_touched(run: HostRun, report: HostReport | None) -> bool:
    """Whether a rollback has something to put back. Without a word of the host's: unless the script surely never began."""
    return report.changed if report is not None else run.began
