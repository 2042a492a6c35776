"""The rollout: stage everywhere, switch batch by batch, and put back what changed when it does not work.

It decides; what it decides about is done by its hands (`hands.py`), and written down in the ledger. Nothing here takes for done
what nobody said was done.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from ropeway.ec2.batches import Floor, members
from ropeway.ec2.course import Course, End, Rolled, way_back
from ropeway.ec2.doing import Doing
from ropeway.ec2.hands import Hands, Judged, after_rollback
from ropeway.ec2.ledger import Entry, Ledger
from ropeway.ec2.model import Found, Target
from ropeway.ec2.putting_back import put_back
from ropeway.errors import Cancelled, Overtaken, RopewayError
from ropeway.outcome import Run, duration
from ropeway.s3.state.releases import State

T = TypeVar("T")


class Stop(Exception):
    """No further target is changed; `why` is a sentence."""

    def __init__(self, why: str, error: RopewayError | None = None) -> None:
        super().__init__(why)
        self.why = why
        self.error = error


def roll(course: Course, hands: Hands, run: Run) -> Rolled:
    """To the end, whichever it is. An error of AWS's is one like any other failure; what is raised is a fault of ours."""
    rolled = Rolled(Ledger(_entry(found, course) for found in course.found))
    rolling = _Rolling(course, hands, rolled, run)
    try:
        rolling.go()
    except Stop as stop:
        rolling.stopped(stop)
    except (Cancelled, Overtaken) as error:
        rolled.ended(End.STOPPED, error.message, error)
    finally:
        rolling.restore()
    return rolled


def _entry(found: Found, course: Course) -> Entry:
    """Who was switched by an earlier try of this release, or was left half-way by whatever run, is this one's to put back."""
    to, live = way_back(found, course), found.live if found.report else None
    entry = Entry(found, to, live, found.serving)
    left = (found.half_way and bool(to)) or found.live == course.release != course.live
    entry.earlier = entry.touched = found.ready and left
    if not found.ready:
        entry.fail(" ".join(found.problems) or "It did not say how it stands.")
    return entry


class _Rolling:
    def __init__(self, course: Course, hands: Hands, rolled: Rolled, run: Run) -> None:
        self._course = course
        self._rules = course.rules
        self._hands = hands
        self._rolled = rolled
        self._ledger = rolled.ledger
        self._run = run
        self._doing = Doing(hands, rolled.ledger, course.release, run)

    # --- forward ------------------------------------------------------------------------------------------------------------

    def go(self) -> None:
        if self._too_many and self._rules.on_failure != "continue":
            self._rolled.ended(End.UNTOUCHED, self._rolled.failures_told)
            return
        # Hooks and checks may take longer than the address of the bundle works. Who has the release already has the bundle, too.
        waiting = self._stage(self._planned(todo=True))
        waiting += self._stage(self._unwell_already())
        while waiting:
            batch = self._next(waiting)
            begun = set(batch)
            waiting = [target for target in waiting if target not in begun]
            self._batch(batch)
            self._gate(self._rules.pause if waiting else self._rules.bake)
        if not self._rolled.batches and self._ledger.well_on(self._course.release):
            # An earlier try may have been stopped by this very gate: that hosts are healthy proves not the whole.
            self._gate(self._rules.bake)
        self._finish()

    def _stage(self, targets: Sequence[Target]) -> list[Target]:
        """Those on whom the release lies."""
        fine = self._ledger.fine(targets)
        self._guarded(lambda: self._doing.stage(fine))
        self._count()
        return self._ledger.fine(fine)

    def _planned(self, *, todo: bool) -> list[Target]:
        return [one.target for one in self._course.found if (one.target in self._course.todo) is todo]

    def _unwell_already(self) -> list[Target]:
        """Who has the release already, by its link and its mark, is not taken at their word: who is not valid by its own hook, or does not pass the
        checks of hosts, is switched again. Nobody counts on it, and it is not taken out for nothing either: a hook or a check that is wrong
        itself finds all of them unwell, while they serve.
        """
        there = self._ledger.fine(self._planned(todo=False))
        if not there:
            return []
        invalid = self._guarded(lambda: self._doing.validate(there))
        valid = [target for target in there if target not in invalid]
        judged, failed = self._guarded(lambda: self._doing.ask(valid, self._course.release))
        if judged.why:
            self._unwell(judged.why)
        if not failed:
            self._rolled.checks += judged.results
        doubts = {**invalid, **failed}
        for target, why in doubts.items():
            self._ledger[target].doubt = why
        return [target for target in there if target in doubts]

    def _next(self, waiting: Sequence[Target]) -> list[Target]:
        """Who is changed next as things stand, which may be otherwise than planned."""
        self._run.cancellation.check()
        self._guarded(self._hands.keeper.verify)
        sizes, serving, surely = self._rules.sizes, self._ledger.serving, self._ledger.surely_serving
        ordered = sorted(waiting, key=lambda target: (target in serving, target in surely))
        size = sizes[min(len(self._rolled.batches), len(sizes) - 1)]
        floor = self._rules.floor.with_out(entry.target for entry in self._ledger.entries if entry.out)
        batch = members(members(ordered, serving, size, floor), surely, size, floor)
        if not batch:
            raise Stop(self._refused(ordered[0], floor))
        return batch

    def _refused(self, first: Target, floor: Floor) -> str:
        """Whether those in doubt serve or not, enough must go on serving."""
        told = [*floor.refusing(self._ledger.serving, first)] or [*floor.refusing(self._ledger.surely_serving, first)]
        doubt = self._ledger[first].doubt
        again = [f"{first.title} is to be switched again: {doubt.rstrip('.')}."] if doubt else []
        return " ".join(["The next batch may not begin:", *told, *again])

    def _batch(self, batch: list[Target]) -> None:
        self._rolled.batches.append(batch)
        for target in batch:
            self._ledger[target].batch = len(self._rolled.batches)
        self._doing.say(
            f"Batch {len(self._rolled.batches)}", self._ledger.on(self._course.release), len(self._course.todo)
        )
        self._stay(self._guarded(lambda: self._doing.take_out(batch)))
        self._guarded(lambda: self._doing.switch(self._ledger.fine(batch)))
        self._ask(batch)
        self._fail(self._guarded(lambda: self._doing.put_in(self._ledger.fine(batch))))
        self._fail(self._guarded(lambda: self._doing.mark(self._ledger.fine(batch), State.HEALTHY)))
        self._count()
        failed = [target for target in batch if self._ledger[target].failed]
        self._let_in(failed)
        self._mend(failed)

    def _stay(self, kept: dict[Target, str]) -> None:
        """Who could not be taken out is not changed, and serves again as soon as it has its traffic back."""
        if not kept:
            return
        self._fail(kept)
        lost = self._guarded(lambda: self._doing.put_in(list(kept)))
        for target in kept.keys() - lost.keys():
            self._ledger[target].serving = self._ledger[target].found.serving

    def _let_in(self, failed: Sequence[Target]) -> None:
        """Who was taken out and not changed after all goes on with what it has, and counts as serving no longer where its traffic does not come back."""
        entries = [self._ledger[target] for target in failed]
        kept = [entry.target for entry in entries if not entry.touched and entry.done[-1].step == "switch"]
        for target in self._guarded(lambda: self._doing.put_in(kept)) if kept else ():
            self._ledger[target].serving = False

    def _ask(self, batch: list[Target]) -> None:
        judged, failed = self._guarded(lambda: self._doing.ask(self._ledger.fine(batch), self._course.release))
        self._rolled.checks += judged.results
        self._fail(failed)
        if judged.why:
            self._unwell(judged.why)

    def _fail(self, failed: dict[Target, str], *, serving: bool = False) -> None:
        for target, why in failed.items():
            self._ledger[target].fail(why, serving=serving)

    def _gate(self, soak: float) -> None:
        if soak:
            self._run.tell.note(f"Watching for {duration(soak)}.")
        judged = self._guarded(lambda: self._hands.gate.fleet(self._course.release, soak, self._run))
        self._rolled.checks += judged.results
        self._run.cancellation.check()
        if judged.why:
            self._unwell(judged.why)

    def _unwell(self, why: str) -> None:
        if self._rules.on_failure != "continue":
            raise Stop(why)
        if why not in self._rolled.gates:
            self._rolled.gates.append(why)

    def _finish(self) -> None:
        if self._ledger.failures and not self._ledger.well_on(self._course.release):
            # So many may fail, but a release that is nowhere is not live.
            raise Stop(" ".join([self._rolled.failures_told, *self._rolled.gates]))
        self._prune()
        if self._too_many or self._rolled.gates:
            self._rolled.ended(End.FAILED, " ".join([self._rolled.failures_told, *self._rolled.gates]).strip())
        elif self._ledger.failures:
            self._rolled.ended(End.PARTLY, self._rolled.failures_told)
        else:
            self._rolled.ended(End.HEALTHY, "")

    def _prune(self) -> None:
        """Tidying up: that it fails says nothing of the release."""
        targets = self._ledger.fine(self._course.todo)
        for target, why in self._tried(lambda: self._doing.prune(targets), targets).items():
            self._rolled.warnings.append(f"{target.title} keeps more old releases than it should: {why}")

    # --- when it does not go well ---------------------------------------------------------------------------------------------

    @property
    def _too_many(self) -> bool:
        return self._rules.budget.is_exceeded(len(self._ledger.failures))

    def _count(self) -> None:
        if self._too_many and self._rules.on_failure != "continue":
            raise Stop(self._rolled.failures_told)

    def _mend(self, failed: Sequence[Target]) -> None:
        """Some may fail. They go back at once, so that they serve again, or stay as they are, and carry the mark of it."""
        if self._rules.on_failure == "rollback":
            put_back([failed], self._doing, self._hands, self._ledger, self._run)
        else:
            self._mark_failed(failed)

    def _mark_failed(self, targets: Sequence[Target]) -> None:
        """The script that fails marks it itself; this is for what was found wrong later."""
        switched = [target for target in targets if self._ledger[target].live == self._course.release]
        for target, why in self._tried(lambda: self._doing.mark(switched, State.FAILED), switched).items():
            self._rolled.warnings.append(f"{target.title} is not marked as failed: {why}")

    def _tried(self, what: Callable[[], dict[Target, str]], targets: Sequence[Target]) -> dict[Target, str]:
        """An error that concerns all is that of each of them, and no reason to stop."""
        try:
            return what()
        except (Cancelled, Overtaken):
            raise
        except RopewayError as error:
            return dict.fromkeys(targets, str(error))

    def stopped(self, stop: Stop) -> None:
        try:
            self._settle()
        except (Cancelled, Overtaken) as error:
            self._rolled.ended(End.STOPPED, f"{stop.why} Then, while it was put back: {error.message}", error)
            return
        self._rolled.ended(self._end(), stop.why, stop.error)

    def _settle(self) -> None:
        if self._rules.on_failure == "rollback":
            done = [target for batch in self._rolled.batches for target in batch]
            earlier = [entry.target for entry in self._ledger.entries if entry.touched and entry.target not in done]
            put_back(
                [*self._in_small(earlier), *self._rolled.batches], self._doing, self._hands, self._ledger, self._run
            )
            self._prove_back()
        else:
            self._mark_failed([entry.target for entry in self._ledger.failures])

    def _in_small(self, targets: Sequence[Target]) -> list[Sequence[Target]]:
        size = max(1, self._rules.sizes[0].at_most(len(self._course.found)))
        return [targets[at : at + size] for at in range(0, len(targets), size)]

    def _prove_back(self) -> None:
        """The application as a whole is asked once more: for the release that it is on again, or that most of it is meant to be on. Who could not be
        reached before it began has no say in that.
        """
        there = {entry.to if entry.back else entry.live for entry in self._ledger.entries if entry.found.ready}
        release = there.pop() if len(there) == 1 else self._course.live
        if not release or not any(entry.back for entry in self._ledger.entries):
            return
        try:
            judged = self._hands.gate.fleet(release, 0.0, self._run)
        except (Cancelled, Overtaken):
            raise
        except RopewayError as error:
            judged = Judged(why=str(error))
        self._run.cancellation.check()
        self._rolled.checks += after_rollback(judged.results)
        self._rolled.back_unwell = judged.why

    def _end(self) -> End:
        touched = [entry for entry in self._ledger.entries if entry.touched]
        if not touched:
            return End.UNTOUCHED
        proved = all(entry.back for entry in touched) and not self._rolled.back_unwell
        return End.ROLLED_BACK if proved else End.FAILED

    def restore(self) -> None:
        """However it ended."""
        try:
            left = self._hands.balancing.restore(self._run)
        except RopewayError as error:
            left = {"whatever was taken out": str(error)}
        self._rolled.left_out += [f"{target_id}: {why}" for target_id, why in left.items()]

    def _guarded(self, what: Callable[[], T]) -> T:
        """An error of AWS's stops the rollout, and is a reason to go back."""
        try:
            return what()
        except (Cancelled, Overtaken):
            raise
        except RopewayError as error:
            raise Stop(str(error), error) from error
