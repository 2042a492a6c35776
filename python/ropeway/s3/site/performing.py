"""Doing what a plan of a site says, under the lock, to the end: set up, objects, switch, caches, read back, checks, and back where these fail."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from typing import Any

from ropeway.aws.session import Aws
from ropeway.checked import CheckResult
from ropeway.checks.failing import warnings_of
from ropeway.errors import Cancelled, NothingMatched, Overtaken, RopewayError
from ropeway.outcome import Cancellation, Done, Outcome, Output, Run
from ropeway.s3.site.beside import Beside
from ropeway.s3.site.holding import anew, held, with_bucket
from ropeway.s3.site.planning import SitePlanned, caches_of, gate_for, known_outputs, told
from ropeway.s3.site.preparing import prepare_rollback
from ropeway.s3.site.reading_back import chosen, read_back
from ropeway.s3.site.releasing import release
from ropeway.s3.site.standing import Prepared
from ropeway.s3.site.telling import Ended, half_done, outputs, title, vouched, with_words
from ropeway.s3.site.visitors import who_reads
from ropeway.s3.site.website_back import website_back
from ropeway.s3.site.where import refuse_swallowing
from ropeway.s3.state.lock import Lock, lock_place
from ropeway.s3.state.manifest import Manifest
from ropeway.s3.state.releases import History, State, change_history, read_history


def perform(planned: SitePlanned, aws: Aws, run: Run) -> Outcome[Any]:
    """What went wrong once it had begun is in the outcome; what kept it from beginning is raised: nothing was changed then."""
    try:
        return _performed(planned, aws, run)
    finally:
        if planned.source:
            planned.source.close()


def _performed(planned: SitePlanned, aws: Aws, run: Run) -> Outcome[Any]:
    began = time.monotonic()
    _check(run)
    if planned.makes:
        planned = with_bucket(planned, aws, run)
    if planned.prepared is None:
        return _nothing(planned, began)
    with held(planned, planned.prepared, run) as lock:
        if lock and not lock.undisturbed and planned.again:
            run.tell.note("Somebody else has had the lock of this site since it was planned: it is planned anew.")
            planned = anew(planned)
        if planned.prepared is None:
            return _nothing(planned, began)
        return _Performing(planned, planned.prepared, lock, aws, run).outcome(began)


def _check(run: Run) -> None:
    try:
        run.cancellation.check()
    except Cancelled as stopped:
        raise stopped.advised("Nothing was changed.") from stopped


def _nothing(planned: SitePlanned, began: float) -> Outcome[Any]:
    return Outcome(planned.title, planned, (), (Output("result", "nothing"),), time.monotonic() - began)


@dataclass
class _Performing:
    """One run, and what has come of it so far."""

    planned: SitePlanned
    prepared: Prepared
    lock: Lock | None
    aws: Aws
    run: Run
    ended: Ended = field(default_factory=Ended)
    warnings: list[str] = field(default_factory=list)
    checks: list[CheckResult] = field(default_factory=list)

    def outcome(self, began: float) -> Outcome[Any]:
        self.ended.live, error = self.prepared.standing.history.live, None
        try:
            self._do()
        except RopewayError as failed:
            error = failed
        return Outcome(
            title=title(self.planned, self.prepared, self.ended),
            plan=self.planned,
            results=tuple(self.ended.results),
            outputs=tuple(outputs(self.planned, self.prepared, self.ended)),
            seconds=time.monotonic() - began,
            engine=self.prepared.site.engine.name,
            warnings=tuple(dict.fromkeys((*self.planned.warnings, *self.warnings))),
            error=error,
            checks=tuple(self.checks),
        )

    def _do(self) -> None:
        if self.planned.makes:
            self.ended.results.append(Done(self.planned.makes))
        self._see_who_reads()
        for beside in (self.planned.set_up, self.planned.website, self.planned.after):
            beside.before(self.aws, self.run)
        self._beside(self.planned.set_up)
        manifest = self._release(self.prepared)
        self.ended.result = "live"
        self._follow(self.planned.website, self.planned.after)
        if error := self._not_well(manifest):
            self._fail(error)
        if self.planned.gate and vouched(self.checks):
            self._mark(self.ended.live, State.HEALTHY)
            self.ended.result = "healthy"

    # --- the release --------------------------------------------------------------------------------------------------------------

    def _see_who_reads(self) -> None:
        if self.planned.readable is not None or not self.lock:
            return
        site = self.prepared.site
        readable = who_reads(self.aws, lock_place(site.state), self.planned.edges, self.run.cancellation)
        self.prepared = replace(self.prepared, site=replace(site, public=readable.public))
        self.warnings += filter(None, [readable.warning])

    def _release(self, prepared: Prepared) -> Manifest:
        """Raises what ended it."""
        released = release(prepared, self.lock, self.run)
        if prepared is self.prepared:
            self.ended.results += released.applied.results
        if error := released.applied.error:
            raise error.advised(half_done(error, prepared)) if released.applied.results else error
        if released.manifest is None:
            raise AssertionError("A release without an error has a manifest.")
        self.ended.live = released.manifest.id
        return released.manifest

    def _beside(self, beside: Beside) -> None:
        """Raises the first error of its steps. What was only owed is warned of."""
        done = beside.apply(self.aws, self.run) if beside.steps else ()
        self.ended.results += done
        owed = {id(step) for step in beside.owed}
        failed = [one for one in done if one.error]
        self.warnings += [str(one.error) for one in failed if id(one.step) in owed]
        if error := next((one.error for one in failed if id(one.step) not in owed), None):
            raise error

    def _follow(self, website: Beside, caches: Beside) -> None:
        """What comes once the objects are live."""
        old = "caches may show what was before"
        untold = f", and {old}" if caches.steps else ""
        for beside, what in ((website, f"the website is not set up as it should be{untold}"), (caches, old)):
            try:
                self._beside(beside)
            except RopewayError as error:
                raise error.advised(
                    f"{error.advice} Release {self.ended.live} is live all the same, and {what}: {self._once_more()}"
                ) from error

    def _once_more(self) -> str:
        """Whoever is back and goes back once more without an id, goes further back."""
        live = self.ended.live
        if self.planned.releases and live == self.prepared.manifest.id:
            return "run it again."
        return f"roll back to {live} once more, by its id (releaseId)."

    # --- is it well -----------------------------------------------------------------------------------------------------------------

    def _not_well(self, manifest: Manifest) -> RopewayError | None:
        """Raises Cancelled, with what state it left. Of a release that has failed before all is read back, whatever is asked beyond nothing."""
        written, which = {one.key for one in self.prepared.plan.todo}, self.planned.order.given.verify
        doubted = self.prepared.doubted and which != "none"
        entries = chosen(manifest.entries, "all" if doubted else which, written)
        try:
            error = read_back(self.prepared.site, entries, written, self.run) or self._refused() or self._asked()
        except Cancelled as stopped:
            raise stopped.advised(
                f"Release {self.ended.live} is live, and it was not seen to the end whether it is well. Run it again to ask, or roll back."
            ) from stopped
        if error or entries or self.planned.gate:
            self._see_what_is_live()
        return error

    def _refused(self) -> RopewayError | None:
        opened = self.planned.opened
        return opened.lost(self.aws, self.run.cancellation) if opened else None

    def _asked(self) -> RopewayError | None:
        if self.planned.gate is None:
            return None
        asked = self.planned.gate.ask(self.run)
        self.checks += asked.results
        self.warnings += warnings_of(asked.results)
        if isinstance(asked.error, Cancelled):
            raise asked.error
        return asked.error

    def _see_what_is_live(self) -> None:
        """Checks take minutes. Raises Overtaken where somebody else has had the lock since: nobody knows which release they have seen."""
        if self.lock is None:
            return
        try:
            self.lock.verify()
        except Overtaken as lost:
            site = self.prepared.site
            history, _ = read_history(site.engine, site.state, Cancellation())
            raise self._overtaken(history, lost.message) from lost
        except RopewayError as unknown:
            raise unknown.advised(
                f"{unknown.advice} Release {self.ended.live} was made live; whether it is still, and well, was not seen: run it again."
            ) from unknown

    def _overtaken(self, history: History, why: str = "") -> Overtaken:
        ours, self.ended.live, self.ended.result = self.ended.live, history.live, "failed"
        if history.live == ours:
            words = f"Release {ours} is live, and it was not seen to the end whether it is well."
        else:
            words = (
                f"Release {ours} was live, and {history.live or 'none'} is now: what was seen since may be of either."
            )
        return Overtaken(
            f"{words} {why}".strip(),
            advice="Look at the releases (ropeway s3 releases), and deploy again, or roll back, what is to be live.",
        )

    def _mark(self, release_id: str, state: State) -> None:
        """Word of it is worth having even where it was stopped meanwhile; that it could not be left changes nothing of what was found.

        Raises Overtaken where another release is live by now, or the lock is lost.
        """

        def marked(history: History) -> History:
            lost = self.lock.lost if self.lock else None
            if lost or history.live != release_id:
                raise self._overtaken(history, lost.message if lost else "")
            made = history.now(release_id, state)
            return self.prepared.claimed(made) if state is State.HEALTHY else made

        site = self.prepared.site
        try:
            change_history(site.engine, site.state, marked, Cancellation())
        except Overtaken:
            raise
        except RopewayError as unwritten:
            self.warnings.append(
                f"Release {release_id} is {state}, which the list of releases does not say: {unwritten}"
            )

    # --- and where it is not ----------------------------------------------------------------------------------------------------------

    def _fail(self, error: RopewayError) -> None:
        """Raises, with what was done about it."""
        failed, given = self.ended.live, self.planned.order.given
        self.ended.result = "failed"
        self._mark(failed, State.FAILED)
        if not self.planned.releases:
            raise with_words(error, f"Release {failed} is live again, and is not well either: it is marked as failed.")
        if given.on_failure == "fail":
            raise with_words(error, f"Release {failed} stays live, marked as failed (onFailure is fail).")
        self.run.tell.note(f"Release {failed} is not well, and is taken back: {error.message}")
        try:
            back, website, after = self._way_back(failed)
        except NothingMatched:
            raise with_words(
                error, f"There is no release before it to go back to: {failed} stays live, marked as failed."
            ) from None
        except Overtaken as other:
            raise with_words(error, f"{failed} was not taken back: {other.message}", advice=other.advice) from other
        except RopewayError as unable:
            words = f"{failed} was not taken back, and stays live, marked as failed: {unable.message}"
            raise with_words(error, words, advice=unable.advice or "Roll back, or deploy again.") from unable
        try:
            self._take_back(back, website, after)
        except RopewayError as worse:
            words = f"Taking {failed} back failed, too: {worse.message}"
            raise with_words(error, words, advice=f"{worse.advice} {self._both(failed)}".strip()) from worse
        raise with_words(error, self._after_back(failed, back))

    def _both(self, failed: str) -> str:
        """Once the release before is live again, its objects are all there."""
        if self.ended.live != failed:
            return ""
        return (
            "The site may show parts of both releases until `ropeway s3 rollback`, or the next deploy, has ended well."
        )

    def _way_back(self, failed: str) -> tuple[Prepared, Beside, Beside]:
        """Changes nothing of the site. Raises as `prepare_rollback` does, and where another site has begun below it while checks were asked."""
        site, now = self.prepared.site, self._now()
        back = prepare_rollback(site, self.run.cancellation, now=now, expected=failed, terms=self.planned.order.terms)
        refuse_swallowing(self.planned.order.given, site, back.plan, self.run.cancellation)
        website = website_back(self.planned.order.given, back, self.aws, self.run)
        after = caches_of(self.planned.order, back, self.planned.edges, everything=website.stales)
        after.before(self.aws, self.run)
        return back, website, after

    def _take_back(self, back: Prepared, website: Beside, after: Beside) -> None:
        self._release(back)
        self.ended.result = "rolledBack"
        self.warnings += website.warnings
        self._follow(website, after)

    def _now(self) -> float:
        return self.lock.verify(self.run.cancellation) if self.lock else time.time()

    def _after_back(self, failed: str, back: Prepared) -> str:
        """The checks are asked of it again."""
        words = f"{failed} was taken back: release {self.ended.live} is live again"
        order = self.planned.order
        gate = gate_for(order, self.ended.live, told(known_outputs(order.given, back)))
        if gate is None:
            return f"{words}."
        asked = gate.ask(self.run)
        self.checks += asked.renamed("after the rollback")
        self._see_what_is_live()
        if asked.error:
            return f"{words}, and is not seen to be well either: {asked.error.message}"
        if not vouched(asked.results):
            return f"{words}; no check vouches for it."
        self._mark(self.ended.live, State.HEALTHY)
        return f"{words}, and passes the checks."
