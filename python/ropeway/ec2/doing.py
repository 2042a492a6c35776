"""One step on some targets: it is done, every answer is judged, and the ledger knows of it.

What is raised: Cancelled and Overtaken, once all that is known is in the ledger; other errors as they come, and the targets of
the step then stand as unknown.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from ropeway.aws.run_command.model import HostRun, Script
from ropeway.ec2.hands import Hands, Judged
from ropeway.ec2.ledger import Done, Ledger, StepName, judge, may_be_touched
from ropeway.ec2.model import HostStep, Target
from ropeway.outcome import Progress, Run, duration
from ropeway.s3.state.releases import State

PAST: Mapping[HostStep, str] = {
    "validate": "validated on {release}",
    "stage": "staged {release}",
    "switch": "switched to {release}",
    "rollback": "put back on {release}",
    "mark": "marked {release}",
    "prune": "removed old releases",
}
FAILING: Mapping[HostStep, str] = {
    "validate": "not validated",
    "stage": "not staged",
    "switch": "not switched",
    "rollback": "not put back",
    "mark": "not marked",
    "prune": "old releases not removed",
}


@dataclass(frozen=True, slots=True)
class _Meant:
    """What a script's last word must say. `live` is the release that must be live then; None: it does not say."""

    step: HostStep
    release: str
    live: str | None = None


class Doing:
    """`release` is the one that is rolled out."""

    def __init__(self, hands: Hands, ledger: Ledger, release: str, run: Run) -> None:
        self._hands = hands
        self._ledger = ledger
        self._release = release
        self._run = run

    # --- on the hosts -------------------------------------------------------------------------------------------------------

    def validate(self, targets: Sequence[Target]) -> dict[Target, str]:
        """Of those that have the release already: who is not well by the release's own hook, and why."""
        meant = _Meant("validate", self._release, self._release)
        return self._unwell(self._hands.scripts.validate(), targets, meant)

    def stage(self, targets: Sequence[Target]) -> None:
        """What was live goes on, whatever comes of it; but of a host that says nothing, nobody knows that it serves."""

        def staged(target: Target, done: Done) -> None:
            if not done.ok:
                self._ledger[target].fail(done.why, serving=done.report is not None)

        self._scripted(self._hands.scripts.stage(), targets, _Meant("stage", self._release), staged)

    def switch(self, targets: Sequence[Target]) -> None:
        self._unknown(targets)
        for over, some in _grouped(targets, lambda target: self._ledger[target].found.live).items():
            script = self._hands.scripts.switch(over=over, force=True)
            self._scripted(script, some, _Meant("switch", self._release, self._release), self._switched)

    def _switched(self, target: Target, done: Done) -> None:
        entry = self._ledger[target]
        entry.touched = entry.earlier or done.ok or done.run is None or may_be_touched(done.run, done.report)
        if done.ok:
            entry.live, entry.serving, entry.doubt = self._release, True, ""
        elif entry.touched:
            entry.live = done.report.live if done.report else None
            entry.fail(done.why)
        else:
            entry.live, entry.serving = entry.found.live, entry.found.serving
            entry.fail(done.why, serving=done.report is not None)

    def roll_back(self, targets: Sequence[Target]) -> None:
        """Each to where it came from: for those only that have a way back."""
        self._unknown(targets)
        for to, some in _grouped(targets, lambda target: self._ledger[target].to).items():
            self._scripted(self._hands.scripts.rollback(to=to), some, _Meant("rollback", to, to), self._rolled_back)

    def _rolled_back(self, target: Target, done: Done) -> None:
        entry = self._ledger[target]
        entry.live = done.report.live if done.report else None
        entry.back = entry.serving = done.ok
        entry.doubt = "" if done.ok else entry.doubt
        entry.stuck = done.why

    def _unknown(self, targets: Iterable[Target]) -> None:
        """Until they answer."""
        for target in targets:
            entry = self._ledger[target]
            entry.touched, entry.live, entry.serving = True, None, False

    def mark(self, targets: Sequence[Target], state: State, release: str = "") -> dict[Target, str]:
        """Those that did not get the mark, and why. Of the release that is rolled out, or of another one."""
        marks = release or self._release

        def marked(target: Target) -> None:
            self._ledger[target].proved = state is State.HEALTHY

        return self._unwell(self._hands.scripts.mark(marks, state), targets, _Meant("mark", marks), marked)

    def prune(self, targets: Sequence[Target]) -> dict[Target, str]:
        """Those on which it failed, and why."""
        return self._unwell(self._hands.scripts.prune(), targets, _Meant("prune", ""))

    def _unwell(
        self,
        script: Script,
        targets: Sequence[Target],
        meant: _Meant,
        well: Callable[[Target], None] = lambda _: None,
    ) -> dict[Target, str]:
        unwell = {}

        def note(target: Target, done: Done) -> None:
            if done.ok:
                well(target)
            else:
                unwell[target] = done.why

        self._scripted(script, targets, meant, note)
        return unwell

    def _scripted(
        self, script: Script, targets: Sequence[Target], meant: _Meant, settle: Callable[[Target, Done], None]
    ) -> None:
        """Each target is settled once. When it is cancelled, those that are known are, and then Cancelled is raised."""
        if not targets:
            return
        by_id = {target.id: target for target in targets}
        settled: set[str] = set()

        def each(run: HostRun) -> None:
            target = by_id[run.target]
            done = self._judged(run, meant)
            settled.add(target.id)
            self._ledger[target].done.append(done)
            settle(target, done)
            self._tell(target, meant, done)

        runs = self._hands.transport.run(script, targets, self._run, each)
        told = [run.target for run in runs]
        if sorted(told) != sorted(by_id) or settled != by_id.keys():
            # A target that did not answer must not pass for one that did: a fault of ours, and nobody goes on.
            raise AssertionError(f"{len(by_id)} targets were asked, and these answered: {sorted(told)}.")
        self._run.cancellation.check()

    def _judged(self, run: HostRun, meant: _Meant) -> Done:
        report = self._hands.scripts.report(run, meant.step)
        why = judge(run, report, meant.step, meant.release, meant.live)
        return Done(meant.step, why, run.seconds, run, report)

    def _tell(self, target: Target, meant: _Meant, done: Done) -> None:
        """A line for each as it ends, of what matters to who watches."""
        if done.ok and meant.step not in {"mark", "prune"}:
            words = PAST[meant.step].format(release=meant.release)
            self._run.tell.note(f"{target.title}: {words} ({duration(done.seconds)}).")
        elif not done.ok:
            self._run.tell.note(f"{target.title}: {FAILING[meant.step]}: {done.why}")

    # --- beside the hosts ---------------------------------------------------------------------------------------------------

    def take_out(self, targets: Sequence[Target]) -> dict[Target, str]:
        return self._beside("take out", targets, self._hands.balancing.take_out(targets, self._run))

    def put_in(self, targets: Sequence[Target]) -> dict[Target, str]:
        return self._beside("put in", targets, self._hands.balancing.put_back(targets, self._run))

    def ask(self, targets: Sequence[Target], release: str) -> tuple[Judged, dict[Target, str]]:
        """What the checks say of each of them. What was found is told by the caller."""
        judged = self._hands.gate.hosts(targets, release, self._run)
        return judged, self._beside("checks", targets, judged.failed)

    def _beside(self, step: StepName, targets: Sequence[Target], failed: Mapping[str, str]) -> dict[Target, str]:
        for target in targets:
            if target.id in failed:
                self._ledger[target].done.append(Done(step, failed[target.id]))
                self._run.tell.note(f"{target.title}: {failed[target.id]}")
        self._run.cancellation.check()
        return {target: failed[target.id] for target in targets if target.id in failed}

    def say(self, what: str, count: int, of: int) -> None:
        self._run.tell.progress(Progress(what, count, of))


def _grouped(targets: Iterable[Target], key: Callable[[Target], str]) -> dict[str, list[Target]]:
    groups: dict[str, list[Target]] = {}
    for target in targets:
        groups.setdefault(key(target), []).append(target)
    return groups
