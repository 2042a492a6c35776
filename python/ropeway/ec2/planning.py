"""From inputs to a plan: the bundle, the targets as they stand, the batches, and the scripts that hosts will run. Reads only."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace

from ropeway.aws.run_command.model import Terms
from ropeway.aws.session import Aws
from ropeway.checks.suite_file import SuiteText, suite_text
from ropeway.ec2 import shown
from ropeway.ec2.app import read_app
from ropeway.ec2.balancing.seats import BalancerTerms, Survey
from ropeway.ec2.balancing.survey import survey
from ropeway.ec2.batches import Budget, Cut, Floor, cut, read_share, read_sizes
from ropeway.ec2.bundle import Bundle, make
from ropeway.ec2.course import Course, Rules
from ropeway.ec2.gate import Checks
from ropeway.ec2.goal import Goal, Order, beyond, goal_of, no_need
from ropeway.ec2.history import Application, application_place
from ropeway.ec2.host import HostScripts
from ropeway.ec2.inputs import ApplicationInputs, ChangingInputs, EC2DeployInputs
from ropeway.ec2.journal import Journal
from ropeway.ec2.model import Deployment, Found, Layout, Target
from ropeway.ec2.preflight import Question, look
from ropeway.ec2.staging import is_there
from ropeway.ec2.targets import resolve
from ropeway.ec2.transport import RunCommand
from ropeway.errors import DeployFailed, RopewayError, TargetsMissing
from ropeway.outcome import Plan, Reason, Run, Step, counted
from ropeway.s3.encryption import AS_THE_BUCKET, encryption_of, sealing
from ropeway.s3.engines import engine_for
from ropeway.s3.state.lock import Before, look_before
from ropeway.s3.state.releases import State

URL = "https://presigned.invalid/bundle"
"""Stands in the scripts of a plan: the address is a secret, and is made when it is needed."""

FACTOR = 2
"""A host needs the bundle and what is in it, and as much again to work with."""


@dataclass(frozen=True, kw_only=True)
class EC2Plan(Plan[None]):
    """`goal` is None where there is nothing to take back; `course` where it can be planned only later (`again`, under the lock).

    `again` makes it anew, where somebody else was here meanwhile.
    """

    order: Order
    application: Application
    goal: Goal | None = None
    course: Course | None = None
    hosts: HostScripts | None = None
    checks_of: Checks | None = None
    survey: Survey = field(default_factory=Survey)
    look: Before | None = None
    pending: int = 0
    again: Callable[[], EC2Plan] | None = None
    folder: str = ""

    def clean(self) -> None:
        """The bundle on this machine is not needed any more."""
        if self.folder:
            shutil.rmtree(self.folder, ignore_errors=True)


def plan(given: EC2DeployInputs, aws: Aws, run: Run) -> EC2Plan:
    """Raises InputError, TargetsMissing, DeployFailed where it cannot begin; Overtaken where another release is live than was expected."""
    order = Order(given, aws, run)
    folder = tempfile.mkdtemp(prefix="ropeway-") if given.mode == "deploy" else ""
    try:
        bundle = _bundle(given, folder, run) if given.mode == "deploy" else None
        planned = replace(_plan(order, bundle), folder=folder)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    if given.dry_run:
        planned.clean()
    return planned


def _bundle(given: EC2DeployInputs, folder: str, run: Run) -> Bundle:
    app = read_app(given.app, "app") if given.app else None
    bundle = make(given.source_path, folder, app, run.cancellation)
    run.tell.note(f"Packed {counted(bundle.files, 'file')} of {given.source_path}: content {bundle.content[:12]}.")
    return bundle


def _plan(order: Order, bundle: Bundle | None, *, held: bool = False, as_begun: bool = False) -> EC2Plan:
    """`held`: under the lock, and nothing is left of anybody. Else what stands in its way may be gone by the time that it has the lock.

    `as_begun`: a rollback was shown before anybody knew whom the release had come to that was begun last, or while it was on its way, and leads
    where that says.
    """
    application = application_of(order.given, order.aws)
    cancellation = order.run.cancellation
    seen = look_before(application.engine, application.lock, cancellation)
    history = application.history(cancellation)
    pending = 0 if _at_work(seen) else len(Journal(application.engine, application.journal).read(cancellation))
    goal = goal_of(order, application, history, bundle)
    as_begun = as_begun or (_at_work(seen) and not held)
    none = EC2Plan(title="", steps=(), order=order, application=application, look=seen, pending=pending)
    if goal is None:
        return replace(none, title=no_need(order, history))
    try:
        planned = _rollout(order, none, goal)
        found = planned.course.found if planned.course and not as_begun else ()
        if found and (further := beyond(order, application, history, found)):
            planned = _rollout(order, none, further)
    except (DeployFailed, TargetsMissing) as refused:
        if held or not (before := _before(none)):
            raise
        if order.given.dry_run:
            raise refused.advised(f"{refused.advice} {before}".strip()) from refused
        planned = _later(none, goal, before, refused)
    if _at_work(seen) and not order.given.dry_run:
        planned = replace(planned, warnings=())  # of what they have under way: it is planned anew once they are done
    return replace(planned, again=lambda: _plan(order, bundle, held=True, as_begun=as_begun or planned.course is None))


def _before(none: EC2Plan) -> str:
    """Why things may be otherwise once it has the lock; empty where they are not."""
    if none.look and none.look.seen and _at_work(none.look):
        return f"Somebody is at work there: {none.look.seen.hold.words}."
    address = none.application.journal.address
    left = f"An earlier run left {counted(none.pending, 'change')} to undo ({address}): ropeway ec2 recover."
    return left if none.pending else ""


def _later(none: EC2Plan, goal: Goal, before: str, refused: RopewayError) -> EC2Plan:
    """What a dead run has left must not keep the next from undoing it, nor one that is at work another from waiting."""
    title = f"{shown.verb(goal)} {none.order.given.application}: it is planned once it has the lock"
    words = f"{before} It is undone, or waited for, first. As things stand: {refused.message}"
    none.order.run.tell.note(words)
    return replace(none, title=title, goal=goal, warnings=(words,) if none.pending else ())


def _at_work(before: Before) -> bool:
    """Whether somebody holds the lock: what the journal tells is theirs then, and nothing that a dead run has left."""
    return before.seen is not None and not before.seen.over


def application_of(given: ApplicationInputs, aws: Aws) -> Application:
    place = application_place(given.bucket_name, given.bucket_prefix, given.application)
    encryption = encryption_of(given) if isinstance(given, ChangingInputs) else AS_THE_BUCKET
    return Application(given.application, sealing(engine_for(aws, given), encryption), place, encryption)


# --- on whom ------------------------------------------------------------------------------------------------------------------


def _rollout(order: Order, none: EC2Plan, goal: Goal) -> EC2Plan:
    given, aws, run = order.given, order.aws, order.run
    chosen = resolve(given.selection, aws, run)
    balance = survey(balancer_terms(given), chosen.targets, aws)
    if balance.problems:
        raise DeployFailed(" ".join(balance.problems), advice="Nothing was changed.")
    scripts = _scripts(order, goal)
    found = _unwell(look(chosen.targets, _question(scripts, given, goal), RunCommand(aws, Terms()), aws, run), balance)
    course = _course(given, goal, found, balance)
    made = _cut(course)
    checks_of = _checks(order)
    checks = checks_of.planned(chosen.targets, goal.release, run)
    pending = (f"An earlier run left {counted(none.pending, 'change')} to undo: they are undone first.",)
    return replace(
        none,
        title=shown.title(goal, course, given),
        steps=(_step(goal, none.application, run),),
        warnings=(
            *chosen.warnings,
            *balance.warnings,
            *shown.warnings(found, given),
            *(pending if none.pending else ()),
        ),
        checks=checks,
        instances=tuple(shown.rows(found, course, made, balance)),
        scripts=tuple(shown.scripts(scripts, course)),
        goal=goal,
        course=course,
        hosts=scripts,
        checks_of=checks_of,
        survey=balance,
    )


def balancer_terms(given: EC2DeployInputs) -> BalancerTerms:
    scaling = {"none": "none", "suspend": "suspend", "standby": "standby"}[given.auto_scaling]
    return BalancerTerms(
        target_groups=given.drained,
        scaling=scaling,  # type: ignore[arg-type]  # one of them
        healthy_within=given.healthy_minutes * 60.0,
    )


def _scripts(order: Order, goal: Goal) -> HostScripts:
    given, packed = order.given, goal.packed
    layout = Layout(given.folder, given.keep_releases)
    deployment = Deployment(given.application, given.application, os.urandom(6).hex(), goal.release)
    bundle = goal.bundle or Bundle(
        "", packed.sha256, packed.content, packed.size, packed.unpacked, packed.files, read_app("")
    )
    back = goal.kind == "rollback"
    return HostScripts(layout, deployment, bundle, URL, hook_seconds=given.host_minutes * 60, back=back)


def _question(scripts: HostScripts, given: EC2DeployInputs, goal: Goal) -> Question:
    needed = FACTOR * (goal.packed.size + goal.packed.unpacked)
    return Question(
        scripts.status(),
        lambda told: scripts.report(told, "status"),
        given.folder,
        needed,
        goal.release,
        goal.packed.content,
    )


def _unwell(found: Sequence[Found], balance: Survey) -> tuple[Found, ...]:
    """Whom a load balancer says to be unhealthy serves nobody."""
    return tuple(replace(one, unhealthy=True) if one.target.id in balance.unhealthy else one for one in found)


def _course(given: EC2DeployInputs, goal: Goal, found: tuple[Found, ...], balance: Survey) -> Course:
    targets = tuple(one.target for one in found)
    shares = read_share(given.min_healthy), read_share(given.min_healthy_per_zone)
    rules = Rules(
        sizes=read_sizes(given.batches),
        budget=Budget(read_share(given.max_failures), len(targets)),
        floor=Floor(targets, *shares, groups=dict(balance.scaled), standby=dict(balance.room)),
        on_failure="continue" if goal.kind == "rollback" else given.on_failure,  # type: ignore[arg-type]  # one of them
        pause=float(given.batch_pause),
        bake=given.bake_minutes * 60.0,
    )
    todo = frozenset(one.target for one in found if one.ready and (given.force or one.unhealthy or not _has(one, goal)))
    return Course(
        release=goal.release,
        live=goal.over,
        found=found,
        todo=todo,
        rules=rules,
        proved=goal.over_state is State.HEALTHY,
    )


def _has(found: Found, goal: Goal) -> bool:
    """Whether it is live there, was proved, is the same, and nobody has begun to switch it since."""
    there = found.report.find(goal.release) if found.report else None
    return bool(
        there
        and found.live == goal.release
        and not found.half_way
        and there.state is State.HEALTHY
        and there.content == goal.packed.content
    )


def _cut(course: Course) -> Cut:
    waiting = [one.target for one in course.found if one.target in course.todo]
    serving: Collection[Target] = {one.target for one in course.found if one.serving}
    made = cut(waiting, serving, course.rules.sizes, course.rules.floor)
    if made.left:
        raise DeployFailed(
            f"{counted(len(made.left), 'instance')} could not be switched without falling below what must go on serving: {made.why}",
            advice="Lower minHealthy or minHealthyPerZone, or add instances. Nothing was changed.",
        )
    return made


def _checks(order: Order) -> Checks:
    def suite(path: str) -> SuiteText | None:
        return suite_text(path, "docs/checks.md shows one to begin with.") if path else None

    given = order.given
    return Checks(
        aws=order.aws,
        hosts_suite=suite(given.host_checks_file),
        suite=suite(given.checks_file),
        alarms=given.alarms,
    )


def _step(goal: Goal, application: Application, run: Run) -> Step[None]:
    """The bundle: what else is written, hosts write."""
    place = application.bundles.below(goal.packed.name)
    if goal.bundle is None or is_there(application.engine, place, goal.bundle, run.cancellation):
        return Step("skip", place.address, Reason.UNCHANGED, goal.packed.size)
    return Step("upload", place.address, Reason.NEW, goal.packed.size)
