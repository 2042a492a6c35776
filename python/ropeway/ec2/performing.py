"""Doing what a plan says, under the lock of the application: bundle, hosts, history; and back where it does not work."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace

from ropeway.aws.run_command.model import Terms
from ropeway.aws.session import Aws
from ropeway.checks.failing import warnings_of as warnings_of_checks
from ropeway.ec2.balancing.balancer import Balancer
from ropeway.ec2.balancing.waiting import until_probed
from ropeway.ec2.course import Course, End, Rolled
from ropeway.ec2.gate import Checks
from ropeway.ec2.goal import Goal
from ropeway.ec2.hands import Balancing, Hands, NoBalancing
from ropeway.ec2.history import Application, DeployRecord
from ropeway.ec2.host import HostScripts
from ropeway.ec2.inputs import ChangingInputs
from ropeway.ec2.journal import Journal
from ropeway.ec2.planning import EC2Plan, balancer_terms
from ropeway.ec2.recover import recover
from ropeway.ec2.rollout import roll
from ropeway.ec2.staging import presigned, stage_in_s3
from ropeway.ec2.targets import resolve
from ropeway.ec2.telling import error_of, records, results, title, warnings_of
from ropeway.ec2.transport import RunCommand
from ropeway.errors import Cancelled, ChecksFailed, DeployFailed, LockHeld, NetworkError, Overtaken, RopewayError
from ropeway.outcome import Cancellation, Done, Outcome, Output, Run, Silent, counted, listing
from ropeway.rolled import InstanceResult
from ropeway.s3.site.where import owner_of
from ropeway.s3.state.lock import Before, Lock, locked, look
from ropeway.s3.state.releases import Release, State

URL_LIVES = 2
"""How many times as long the address of the bundle works as a host has time to fetch it. It stands in SSM's history of commands."""


@dataclass(frozen=True)
class Ready:
    """A plan that has a goal, taken apart."""

    planned: EC2Plan
    goal: Goal
    course: Course
    hosts: HostScripts
    checks: Checks


def perform(planned: EC2Plan, aws: Aws, run: Run) -> Outcome[None]:
    """What went wrong once it had begun is in the outcome; what kept it from beginning is raised: nothing was changed then."""
    began = time.monotonic()
    try:
        goal = planned.goal
        if goal is None and not planned.pending:
            return _nothing(planned, began)
        purpose = f"{goal.kind} {goal.release}" if goal else "recover"
        with hold(planned.application, planned.order.given, purpose, run, planned.look) as lock:
            fresh = _fresh(planned, lock, aws, run)
            ready = _ready(fresh)
            return _Performing(ready, lock, aws, run).outcome(began) if ready else _nothing(fresh, began)
    finally:
        planned.clean()


def _nothing(planned: EC2Plan, began: float) -> Outcome[None]:
    return Outcome(planned.title, planned, (), (Output("result", "nothing"),), time.monotonic() - began)


@contextmanager
def hold(
    application: Application, given: ChangingInputs, purpose: str, run: Run, before: Before | None = None
) -> Iterator[Lock]:
    """The lock of the application. Raises LockHeld, and Cancelled, with the word that nothing was changed."""
    place, owner = application.lock, owner_of(run, public=False)
    with ExitStack() as stack:
        try:
            lock = stack.enter_context(
                locked(application.engine, place, owner, purpose, run, wait=given.lock_wait, before=before)
            )
        except Cancelled as stopped:
            raise stopped.advised("It was waiting for the lock: nothing was changed.") from stopped
        except LockHeld as held:
            raise held.advised(
                "Nothing was changed. Wait for it: a lock whose owner has died is free a minute later."
            ) from held
        yield lock


def at_work(application: Application, run: Run) -> str:
    """Who holds the lock, in words, where that is another build or stage than this one; else empty."""
    seen = look(application.engine, application.lock, run.cancellation)
    free = seen is None or seen.over or seen.hold.owner == owner_of(run, public=False)
    return "" if seen is None or free else seen.hold.words


def _fresh(planned: EC2Plan, lock: Lock, aws: Aws, run: Run) -> EC2Plan:
    """What an earlier run left is undone first; where anything is otherwise than it was planned on, it is planned anew."""
    application = planned.application
    journal = Journal(application.engine, application.journal)
    recovered = recover(journal, aws, run)
    asleep = recovered.warnings(journal.address)
    if planned.again is None or (planned.course and lock.undisturbed and not (recovered.undone or recovered.gone)):
        return replace(planned, warnings=(*planned.warnings, *asleep))
    run.tell.note("Somebody else has worked on this application since it was planned, or did not end: planned anew.")
    until_probed(recovered.undone, balancer_terms(planned.order.given), aws, run)
    anew = planned.again()
    _check_as_shown(planned, anew)
    return replace(anew, look=planned.look, folder=planned.folder, warnings=(*anew.warnings, *asleep))


def _check_as_shown(shown: EC2Plan, anew: EC2Plan) -> None:
    """A rollback goes where it was shown to go, or nowhere: the one before what a colleague has gone back to is one too far."""
    was, now = shown.goal, anew.goal
    if was is None or shown.order.given.mode != "rollback":
        return
    if now is None or (now.release, now.over) != (was.release, was.over):
        stands = f"{now.over if now else 'another one'} is live, and not {was.over}"
        if now and now.over == was.over:
            stands = f"it would lead to {now.release} now, and not to {was.release}"
        raise Overtaken(
            f"Somebody else has deployed or rolled back since this rollback was planned: {stands}. Nothing was changed.",
            advice="Look at the releases (ropeway ec2 releases), and roll back again if it is still wanted.",
        )


def _ready(planned: EC2Plan) -> Ready | None:
    goal, course, hosts, checks = planned.goal, planned.course, planned.hosts, planned.checks_of
    if goal is None or course is None or hosts is None or checks is None:
        return None
    return Ready(planned, goal, course, hosts, checks)


@dataclass
class _Performing:
    """One run, and what has come of it so far."""

    ready: Ready
    lock: Lock
    aws: Aws
    run: Run
    warnings: list[str] = field(default_factory=list)
    uploads: list[Done[None]] = field(default_factory=list)

    def outcome(self, began: float) -> Outcome[None]:
        self._refuse()
        record, scripts = self._begin()
        rolled = roll(self.ready.course, self._hands(scripts), self.run)
        self.warnings += self._strangers(rolled)
        return self._outcome(rolled, self._end(record, rolled), began)

    # --- before ---------------------------------------------------------------------------------------------------------------

    def _refuse(self) -> None:
        """Raises what keeps it from beginning."""
        rules, found = self.ready.course.rules, self.ready.course.found
        unready = [one for one in found if not one.ready]
        if rules.budget.is_exceeded(len(unready)) and rules.on_failure != "continue":
            told = listing([f"{one.target.title}: {' '.join(one.problems).rstrip('.')}" for one in unready], 10)
            raise DeployFailed(
                f"{len(unready)} of {len(found)} instances cannot take a release. {told}.",
                advice="Mend that, or allow for it (maxFailures). Nothing was changed.",
            )
        # What rings because of the release that is live is a reason to go back, not to stay.
        if self.ready.goal.kind == "deploy" and (why := self.ready.checks.before(self.run)):
            raise ChecksFailed(why, advice="See why it rings, then deploy.")
        self.run.cancellation.check()

    def _begin(self) -> tuple[DeployRecord, HostScripts]:
        """The bundle is in S3, and the history knows of the run."""
        application, goal, cancellation = self._application, self.ready.goal, self.run.cancellation
        if goal.bundle:
            staged = stage_in_s3(
                application.engine, application.bundles, goal.bundle, cancellation, encryption=application.encryption
            )
            self.uploads += [Done(step) for step in self.ready.planned.todo]
            self.run.tell.note(
                f"The bundle {'was uploaded to' if staged.uploaded else 'lies at'} {staged.place.address}."
            )
            application.keep(goal.packed, cancellation)
            application.begin(self._release(), cancellation)
        else:
            application.going(goal.over, goal.past, cancellation)
        record = self._record()
        application.write(record, cancellation)
        hosts, place = self.ready.hosts, application.bundles.below(goal.packed.name)
        return record, replace(hosts, url=presigned(self.aws, place, URL_LIVES * hosts.stage_seconds))

    @property
    def _application(self) -> Application:
        return self.ready.planned.application

    def _release(self) -> Release:
        identity, packed = self.ready.goal.identity, self.ready.goal.packed
        return Release(
            identity.id,
            State.STAGED,
            self.lock.since,
            identity.build,
            packed.content,
            packed.files,
            packed.size,
            identity.run,
            attempt=identity.attempt,
        )

    def _record(self) -> DeployRecord:
        goal, identity = self.ready.goal, self.ready.goal.identity
        return DeployRecord(
            id=self.ready.hosts.deployment.id,
            kind=goal.kind,
            release=goal.release,
            over=goal.over,
            who=identity.who,
            build=identity.build,
            commit=identity.commit,
            run=identity.run,
            began=self.lock.since,
        )

    # --- the rollout ----------------------------------------------------------------------------------------------------------

    def _hands(self, scripts: HostScripts) -> Hands:
        transport = RunCommand(self.aws, Terms(comment=f"Ropeway: {self.ready.goal.release}"[:90]))
        return Hands(transport, scripts, self.ready.checks, self._balancing(), _Keeper(self.lock))

    def _balancing(self) -> Balancing:
        terms = balancer_terms(self.ready.planned.order.given)
        if terms.asks_nothing:
            return NoBalancing()
        journal = Journal(self._application.engine, self._application.journal)
        journal.read(self.run.cancellation)
        return Balancer(self.ready.planned.survey, terms, journal, self.aws)

    def _strangers(self, rolled: Rolled) -> Iterator[str]:
        """Instances that the selection finds now and did not when it was planned: an Auto Scaling group may have launched them meanwhile."""
        if rolled.end not in {End.HEALTHY, End.PARTLY} or self.run.cancellation.asked:
            return
        known = {entry.target.id for entry in rolled.ledger.entries}
        try:
            now = resolve(self.ready.planned.order.given.selection, self.aws, replace(self.run, tell=Silent())).targets
        except RopewayError as unseen:
            yield f"Whether other instances have come meanwhile could not be seen: {unseen}"
            return
        if new := [target.title for target in now if target.id not in known]:
            yield (
                f"{counted(len(new), 'instance')} came while it was deployed, and did not get {self.ready.goal.release}: {listing(new, 20)}. "
                "Deploy again, which brings it to them alone."
            )

    # --- after ----------------------------------------------------------------------------------------------------------------

    def _end(self, record: DeployRecord, rolled: Rolled) -> RopewayError | None:
        """The history and the record know how it ended. What kept them from it: None where nothing did."""
        goal, instances = self.ready.goal, self._instances(rolled)
        done = replace(
            record, ended=self._now(), end=rolled.end.value, why=rolled.why[:2000], instances=records(instances)
        )
        try:
            self._application.write(done, Cancellation())
            if goal.kind == "deploy":
                self._application.end(self._release(), _end_of(rolled), goal.over, begun=bool(rolled.batches))
            elif self._is_there(rolled):
                self._application.back(goal.release, goal.over, rolled.end)
            elif _end_of(rolled) is End.UNTOUCHED and goal.over_state is State.HEALTHY:
                self._application.stays(goal.over)
        except RopewayError as error:
            return error
        return None

    def _is_there(self, rolled: Rolled) -> bool:
        """Whether the release is the live one of the application by now.

        What is gone back to was proved before: it is live where the instances have it, though an alarm still rings.
        """
        if rolled.end in {End.HEALTHY, End.PARTLY}:
            return True
        ledger = rolled.ledger
        return self.ready.goal.kind == "rollback" and ledger.well_on(self.ready.goal.release) == len(ledger.entries)

    def _now(self) -> float:
        try:
            return self.lock.verify()
        except RopewayError:
            return time.time()  # whoever has lost the lock still has a word to say of how it ended

    def _instances(self, rolled: Rolled) -> tuple[InstanceResult, ...]:
        return results(rolled, self.ready.planned.instances, self.ready.goal.release)

    def _outcome(self, rolled: Rolled, unwritten: RopewayError | None, began: float) -> Outcome[None]:
        goal, planned = self.ready.goal, self.ready.planned
        application = planned.order.given.application
        error = error_of(rolled, goal.release, application)
        if unwritten and error:
            self.warnings.append(f"The history does not know how it ended: {unwritten}")
        return Outcome(
            title=title(rolled, goal.release, application, goal.kind),
            plan=planned,
            results=tuple(self.uploads),
            outputs=tuple(self._outputs(rolled)),
            seconds=time.monotonic() - began,
            engine=planned.application.engine.name,
            warnings=tuple(
                dict.fromkeys(
                    (*planned.warnings, *warnings_of(rolled), *warnings_of_checks(rolled.checks), *self.warnings)
                )
            ),
            error=error or unwritten,
            checks=tuple(rolled.checks),
            instances=self._instances(rolled),
        )

    def _outputs(self, rolled: Rolled) -> Iterator[Output]:
        goal, instances = self.ready.goal, self._instances(rolled)
        live = goal.release if self._is_there(rolled) else goal.over
        unwell = [one.instance.id for one in instances if not one.ok]
        yield Output("result", rolled.end.value)
        yield Output("releaseId", goal.release)
        yield Output("liveRelease", live)
        yield Output("previousRelease", goal.over)
        yield Output("instances", ",".join(one.instance.id for one in instances))
        yield Output("instancesDeployed", str(sum(1 for one in instances if one.fate == "deployed")))
        yield Output("instancesFailed", ",".join(unwell))


def _end_of(rolled: Rolled) -> End:
    """What is left of it: a run that was stopped before it changed anything has left nothing behind."""
    touched = any(entry.touched for entry in rolled.ledger.entries)
    return End.UNTOUCHED if rolled.end is End.STOPPED and not touched else rolled.end


@dataclass(frozen=True)
class _Keeper:
    """The rollout's word with the lock."""

    lock: Lock

    def verify(self) -> None:
        """A server that does not answer is no reason to stop while the lock surely holds."""
        try:
            self.lock.verify()
        except NetworkError:
            self.lock.check()
