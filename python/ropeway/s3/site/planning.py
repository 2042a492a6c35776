"""What a deploy, a rollback or the taking back of a run would do, found by reading only."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ropeway.aws.session import Aws
from ropeway.checks.suite_file import SuiteText
from ropeway.errors import InputError
from ropeway.outcome import Output, Plan, Run, Stage, Step, counted, in_units
from ropeway.s3.buckets import keeps_versions
from ropeway.s3.engines import engine_for
from ropeway.s3.site.beside import NOTHING, Beside, changed
from ropeway.s3.site.inputs import ReleasingInputs
from ropeway.s3.site.invalidating import NO_EDGES, Edges, edges_of, plan_invalidation
from ropeway.s3.site.leading import led, unheeded
from ropeway.s3.site.new_bucket import as_empty, making
from ropeway.s3.site.order import Group
from ropeway.s3.site.pages import missing_pages
from ropeway.s3.site.plan import SitePlan, Terms
from ropeway.s3.site.preparing import prepare_release, prepare_rollback
from ropeway.s3.site.reading import Source
from ropeway.s3.site.set_up import WebsiteInputs, plan_set_up, young_versions
from ropeway.s3.site.standing import Identity, Prepared, Site, Standing, read_standing
from ropeway.s3.site.taking_over import refuse_taking_over
from ropeway.s3.site.visitors import Openness, Readable, openness, refuse_acls, refuse_kms, who_reads
from ropeway.s3.site.website_back import website_back
from ropeway.s3.site.where import attempt_of, refuse_second_state, refuse_swallowing, run_of, site_of
from ropeway.s3.state.held import now as running
from ropeway.s3.state.lock import Before, lock_place, look_before
from ropeway.s3.state.releases import Release, State

if TYPE_CHECKING:
    from ropeway.s3.site.gate import Gate


@dataclass(frozen=True)
class Order:
    """What is asked for, whichever way it goes, and of whom."""

    given: ReleasingInputs
    terms: Terms
    suite: SuiteText | None
    aws: Aws
    run: Run


@dataclass(frozen=True)
class Allowed:
    """What a release does only where it is asked to in so many words."""

    older: bool = False
    delete_unknown: bool = False
    create_bucket: bool = False


@dataclass(frozen=True, kw_only=True)
class SitePlanned(Plan[Any]):
    """`prepared` is None where there is nothing to take back. `look` is None where no lock is taken; `readable` is None where nobody can tell yet.

    `again` plans it anew, for whoever waited for the lock; `makes` is the step that makes the bucket, before all that.
    """

    order: Order
    prepared: Prepared | None = None
    look: Before | None = None
    readable: Readable | None = None
    edges: Edges = NO_EDGES
    opened: Openness | None = None
    set_up: Beside = NOTHING
    website: Beside = NOTHING
    after: Beside = NOTHING
    gate: Gate | None = None
    again: Callable[[], SitePlanned] | None = None
    makes: Step[Any] | None = None
    source: Source | None = None

    @property
    def releases(self) -> bool:
        """It makes a release, and brings none back."""
        return self.prepared is not None and self.prepared.releasing is not None


@dataclass(frozen=True)
class _Ground:
    """What every plan begins with: where the site is, who has its lock, and whether visitors can read the state."""

    order: Order
    site: Site
    look: Before | None
    edges: Edges
    readable: Readable | None
    makes: Step[Any] | None = None

    @property
    def now(self) -> float:
        """By the server's clock, once it has told it; until then by this one's, which requests are signed by."""
        seen = self.look.seen if self.look else None
        return seen.date + running() - self.look.at if seen and self.look else time.time()


def _ground(order: Order, *, releases: bool = False, may_make: bool = False) -> _Ground:
    given, cancellation = order.given, order.run.cancellation
    site = site_of(given, engine_for(order.aws, given))
    target = site.target
    makes = making(site.engine, target.bucket, target.prefix, cancellation) if may_make else None
    if makes:
        site = replace(site, engine=as_empty(site.engine, target.bucket))
    place = lock_place(site.state)
    look = None if given.lock == "none" else look_before(site.engine, place, cancellation)
    edges = edges_of(given, site, order.aws, order.run, releases=releases)
    readable = who_reads(order.aws, place, edges, cancellation) if look and look.seen else None
    return _Ground(order, replace(site, public=readable is None or readable.public), look, edges, readable, makes)


# --- a release ------------------------------------------------------------------------------------------------------------------


def plan_deploy(order: Order, identity: Identity, source: Source, allowed: Allowed) -> SitePlanned:
    """Raises RopewayError for whatever can be refused."""
    ground = _ground(order, releases=True, may_make=allowed.create_bucket)
    cancellation = order.run.cancellation
    prepared = prepare_release(
        ground.site,
        identity,
        led(source.objects, ground.site.target, order.given, ground.edges),
        order.terms,
        now=ground.now,
        cancellation=cancellation,
        allow_older=allowed.older,
    )
    if prepared.releasing:
        line = replace(prepared.releasing, edges=bool(ground.edges.distributions))
        prepared = replace(prepared, releasing=line)
    if not prepared.standing.history.live:
        refuse_second_state(order.given, ground.site, cancellation)
    refuse_swallowing(order.given, ground.site, prepared.plan, cancellation)
    if not (prepared.standing.history.live or allowed.delete_unknown):
        refuse_taking_over(prepared.plan, prepared.standing.half_done)
    unseen = (
        *missing_pages(order.given, source.settings, prepared.plan),
        *unheeded(source.objects, ground.site.target, ground.edges),
    )
    if order.suite and order.given.on_failure == "rollback":
        _refuse_without_versions(order, ground)
    planned = _planned(ground, prepared, lambda: plan_deploy(order, identity, source, allowed))
    if planned.opened and not (isinstance(order.given, WebsiteInputs) and order.given.public_read):
        refuse_acls(order.aws, planned.opened, prepared.plan, order.given.expected_bucket_owner)
    return replace(planned, source=source, warnings=(*source.warnings, *unseen, *planned.warnings))


def _refuse_without_versions(order: Order, ground: _Ground) -> None:
    bucket, given = order.given.bucket_name, order.given
    if isinstance(given, WebsiteInputs) and given.versioning:
        return
    if not ground.makes and keeps_versions(order.aws, bucket, order.given.expected_bucket_owner):
        return
    problem = (
        f"The checks are to roll back a release that fails (onFailure), but the bucket {bucket} keeps no versions: what a release overwrites "
        "could not be brought back. Nothing was changed."
    )
    raise InputError([problem]).advised("Switch versioning on (versioning), or set onFailure to fail.")


# --- back -----------------------------------------------------------------------------------------------------------------------


def plan_back(order: Order, to: str) -> SitePlanned:
    """To a named release, or to the last good one (`to` empty). Raises as `prepare_rollback` does."""
    return _back(_ground(order), lambda shown: _plan_as_shown(order, shown), to=to)


def _plan_as_shown(order: Order, shown: Prepared) -> SitePlanned:
    """Anew, to the release that was shown. Raises Overtaken where another one is live since."""
    return _back(_ground(order), lambda shown: _plan_as_shown(order, shown), to=shown.manifest.id, shown=shown)


def plan_take_back(order: Order) -> SitePlanned:
    """What this attempt at the stage has released, or an earlier one left half done or failed, and nothing else. Raises Overtaken where another release is live by now."""
    ours, attempt = run_of(order.run), attempt_of(order.run)
    if not ours:
        problem = "mode is takeBack, which takes back what this build and stage has released: there is no build here."
        raise InputError([problem]).advised("Set mode to rollback.")
    ground = _ground(order)
    standing = read_standing(ground.site, order.run.cancellation)
    history = standing.history
    made = next((one for one in reversed(history.releases) if one.run == ours), None)
    if made and made is history.releases[-1] and _is_unfinished(ground, standing, made):
        return _back(ground, lambda _: plan_take_back(order), to=history.live)
    if made is None or made.state is State.ROLLED_BACK or _is_of_another(made, attempt):
        return SitePlanned(title=_no_need(ground, made), steps=(), order=order)
    return _back(ground, lambda _: plan_take_back(order), expected=made.id)


def _is_unfinished(ground: _Ground, standing: Standing, made: Release) -> bool:
    """It was taken back, by a run that was stopped before it had told CloudFront, or had set the website."""
    if made.state is not State.ROLLED_BACK or standing.live is None:
        return False
    order = ground.order
    back = Prepared(ground.site, standing, SitePlan(ground.site.target, ()), standing.live, "", None)
    beside = (website_back(order.given, back, order.aws, order.run), caches_of(order, back, ground.edges))
    return any(step.work or step.action == "invalidate" for one in beside for step in one.steps)


def _is_of_another(made: Release, attempt: str) -> bool:
    """An earlier attempt at the stage has brought it to its end, and this one has not touched it."""
    ended = made.state in {State.LIVE, State.HEALTHY} and not made.unproved
    return ended and bool(made.attempt and attempt) and made.attempt != attempt


def _no_need(ground: _Ground, made: Release | None) -> str:
    where = f"s3://{ground.site.target.bucket}/{ground.site.target.begins}"
    if made and made.state is State.ROLLED_BACK:
        return f"Release {made.id} is taken back already from {where}"
    if made:
        return f"There is nothing to take back from {where}: release {made.id} is of attempt {made.attempt} at this stage, and this one has released nothing"
    return f"There is nothing to take back: this build and stage has released nothing to {where}"


def _back(
    ground: _Ground,
    again: Callable[[Prepared], SitePlanned],
    *,
    to: str = "",
    expected: str = "",
    shown: Prepared | None = None,
) -> SitePlanned:
    order, cancellation = ground.order, ground.order.run.cancellation
    prepared = prepare_rollback(
        ground.site, cancellation, now=ground.now, to=to, expected=expected, shown=shown, terms=order.terms
    )
    refuse_swallowing(order.given, ground.site, prepared.plan, cancellation)
    return _planned(ground, prepared, lambda: again(prepared))


# --- both -----------------------------------------------------------------------------------------------------------------------


def _planned(ground: _Ground, prepared: Prepared, again: Callable[[], SitePlanned]) -> SitePlanned:
    order = ground.order
    prepared = replace(prepared, asked=order.suite is not None)
    set_up, website, prepared = set_up_of(order, prepared, new=ground.makes is not None)
    if ground.makes:
        set_up = replace(set_up, steps=(ground.makes, *set_up.steps))
    plan, after = prepared.plan, caches_of(order, prepared, ground.edges, everything=website.stales)
    outputs = tuple(known_outputs(order.given, prepared, website, after))
    gate = gate_for(order, prepared.manifest.id, told(outputs))
    opened = openness(order.aws, plan, order.run.cancellation)
    refuse_kms(opened, prepared.site.encryption)
    return SitePlanned(
        title=_title(prepared),
        steps=(*set_up.steps, *(one.step for one in plan.steps), *website.steps, *after.steps),
        warnings=(
            *_of_place(ground),
            *set_up.warnings,
            *young_versions(set_up, plan),
            *plan.warnings,
            *website.warnings,
            *after.warnings,
        ),
        checks=gate.planned if gate else (),
        stages=tuple(_stages(set_up, plan, website, after)),
        order=order,
        prepared=prepared,
        look=ground.look,
        readable=ground.readable,
        edges=ground.edges,
        opened=opened,
        set_up=set_up,
        website=website,
        after=after,
        gate=gate,
        again=again,
        makes=ground.makes,
    )


def _stages(set_up: Beside, plan: SitePlan, website: Beside, after: Beside) -> Iterator[Stage[Any]]:
    yield Stage("set-up", set_up.steps)
    for group in (*Group, None):
        # What is protected, and in no group, is none of what is gone.
        steps = tuple(one.step for one in plan.steps if one.group is group and (group is not None or one.changes))
        yield Stage(str(group or "what is gone"), steps)
    yield Stage("website", website.steps)
    yield Stage("caches", after.steps)


def set_up_of(order: Order, prepared: Prepared, *, new: bool = False) -> tuple[Beside, Beside, Prepared]:
    """What is set before the objects, what is set once they are live, and the manifest that knows of it. Who goes back changes no more than that.

    `new`: the bucket is not there yet, and will be as S3 makes them.
    """
    if prepared.releasing is None:
        return NOTHING, website_back(order.given, prepared, order.aws, order.run), prepared
    live, first, last = prepared.standing.live, NOTHING, NOTHING
    website = live.website if live else ""
    if isinstance(order.given, WebsiteInputs):
        first, last, made = plan_set_up(order.given, prepared.site, order.aws, order.run, new=new)
        website = made or website
    return first, last, replace(prepared, manifest=replace(prepared.manifest, website=website))


def caches_of(order: Order, prepared: Prepared, edges: Edges, *, everything: bool = False) -> Beside:
    differs = changed(prepared.plan, prepared.standing.live)
    return plan_invalidation(
        order.given,
        prepared.site,
        edges,
        order.run,
        release=prepared.manifest.id,
        changed=differs,
        everything=everything,
        may_owe=prepared.releasing is None or any(one.edges for one in prepared.standing.history.releases),
        first=not prepared.standing.history.releases,
    )


def gate_for(order: Order, release: str, outputs: Mapping[str, str]) -> Gate | None:
    """Raises InputError with every mistake in the suite."""
    if order.suite is None:
        return None
    from ropeway.s3.site.gate import gate_of  # noqa: PLC0415 - who asks no checks needs none of it: start-up counts

    return gate_of(order.suite, release, outputs, order.aws, order.run)


def told(outputs: Iterable[Output]) -> dict[str, str]:
    """As `{outputs.name}` in a suite."""
    return {output.name: output.value for output in outputs}


def _of_place(ground: _Ground) -> Iterator[str]:
    if ground.readable and ground.readable.warning:
        yield ground.readable.warning


def known_outputs(given: ReleasingInputs, prepared: Prepared, *besides: Beside) -> Iterator[Output]:
    """What is known before it is done. What was given counts more than what was found."""
    target = prepared.site.target
    yield Output("releaseId", prepared.manifest.id)
    yield Output("previousRelease", prepared.standing.history.live)
    yield Output("s3Prefix", f"s3://{target.bucket}/{target.prefix}")
    found = told(output for beside in besides for output in beside.outputs)
    found["siteUrl"] = given.site_url or found.get("siteUrl", "")
    yield from (Output(name, value) for name, value in found.items())


def _title(prepared: Prepared) -> str:
    target, live = prepared.site.target, prepared.standing.history.live
    where = f"s3://{target.bucket}/{target.prefix}"
    if prepared.releasing is None:
        return f"Roll back {where} to release {prepared.manifest.id}{f' from {live}' if live != prepared.manifest.id else ''}: {sums(prepared)}"
    return f"Release {prepared.manifest.id} to {where}: {sums(prepared)}"


def sums(prepared: Prepared) -> str:
    """As "upload 2 objects (3.0 KB), delete 1 object"."""
    todo = [one.step for one in prepared.plan.todo]
    counts = ((name, [step for step in todo if step.action == name]) for name in ("upload", "copy", "delete"))
    parts = [
        f"{name} {counted(len(steps), 'object')}"
        + (f" ({in_units(sum(step.size for step in steps))})" if name == "upload" else "")
        for name, steps in counts
        if steps
    ]
    return ", ".join(parts) or "no object changes"
