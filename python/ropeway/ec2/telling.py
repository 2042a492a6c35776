"""What a rollout came to, in words: a row for each instance, the title, and the error that names everything that is not well."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from ropeway.ec2.course import End, Rolled
from ropeway.ec2.history import InstanceRecord
from ropeway.ec2.host import output_of
from ropeway.ec2.ledger import Done, Entry
from ropeway.errors import DeployFailed, RopewayError
from ropeway.outcome import counted, listing
from ropeway.rolled import Fate, InstanceResult, InstanceStep, PlannedInstance

MOST = 20
"""Instances that an error names; the table has them all."""

UNPROVED = "It was switched, and the run ended before it was seen to work."

LAST_LINES = 5
"""Of what a failing script printed, in the error."""

# --- each instance ------------------------------------------------------------------------------------------------------------


def results(rolled: Rolled, planned: Sequence[PlannedInstance], release: str) -> tuple[InstanceResult, ...]:
    by_id = {entry.target.id: entry for entry in rolled.ledger.entries}
    return tuple(_result(by_id[one.id], one, release) for one in planned)


def _result(entry: Entry, planned: PlannedInstance, release: str) -> InstanceResult:
    steps = tuple(InstanceStep(done.step, done.why, done.seconds, _printed(done)) for done in entry.done)
    came_to = fate(entry, release)
    why = _why(entry) or (UNPROVED if came_to == "unproved" else "")
    return InstanceResult(planned, came_to, entry.live or "", why, steps)


def fate(entry: Entry, release: str) -> Fate:
    if entry.live is None:
        return "unknown"
    if entry.back:
        return "rolled back"
    if entry.failed or entry.stuck:
        return "failed" if entry.touched or not entry.found.ready else "not begun"
    if entry.live == release and entry.batch:
        return "deployed" if entry.proved else "unproved"
    if entry.live == release:
        return "unchanged"
    return "not begun"


def _why(entry: Entry) -> str:
    return " ".join(filter(None, (entry.failed, f"Not put back: {entry.stuck}" if entry.stuck else "")))


def _printed(done: Done) -> str:
    return output_of(done.run) if done.run else ""


def records(instances: Sequence[InstanceResult]) -> tuple[InstanceRecord, ...]:
    return tuple(_record(one) for one in instances)


def _record(one: InstanceResult) -> InstanceRecord:
    of = one.instance
    return InstanceRecord(of.id, of.name, of.zone, of.batch, of.live, one.live, one.fate, one.why[:1000])


# --- the whole ----------------------------------------------------------------------------------------------------------------


def title(rolled: Rolled, release: str, application: str, kind: str) -> str:
    changed = sum(1 for entry in rolled.ledger.entries if entry.batch)
    on = rolled.ledger.well_on(release)
    done = "Deployed" if kind == "deploy" else "Rolled back to"
    words: Mapping[End, str] = {
        End.HEALTHY: f"{done} {release} of {application} on {counted(changed, 'instance')}",
        End.PARTLY: f"{done} {release} of {application} on {on} of {counted(len(rolled.ledger.entries), 'instance')}",
        End.ROLLED_BACK: f"{release} of {application} failed, and was rolled back",
        End.UNTOUCHED: f"{release} of {application} failed before anything was changed",
        End.FAILED: f"{release} of {application} failed",
        End.STOPPED: f"{release} of {application} was stopped",
    }
    if rolled.end is End.HEALTHY and not changed:
        return f"{application} has {release} on all {counted(len(rolled.ledger.entries), 'instance')} already"
    if _passed_by(rolled):
        return f"{done} {release} of {application}, which does not pass its checks"
    return words[rolled.end]


def error_of(rolled: Rolled, release: str, application: str) -> RopewayError | None:
    """None where the release is on the instances, but for those that may fail: these are a warning."""
    if rolled.end in {End.HEALTHY, End.PARTLY} and not rolled.left_out:
        return None
    message = " ".join(_sentences(rolled, release, application))
    lines = "".join(f"\n{line}" for line in _last_lines(rolled))
    advice = (rolled.error.advice if rolled.error else "") or _advice(rolled)
    if rolled.end is End.STOPPED and rolled.error is not None:
        return type(rolled.error)(message, advice=advice)
    return DeployFailed(f"{message}{lines}", advice=advice)


def warnings_of(rolled: Rolled) -> Iterator[str]:
    yield from rolled.warnings
    if rolled.end is End.PARTLY:
        yield " ".join([f"{rolled.why} No more than may (maxFailures).", *_astray(rolled)])
    for entry in rolled.ledger.entries:
        for done in entry.done:
            if done.report and done.report.warning:
                yield f"{entry.target.title}: {done.report.warning}"


def _sentences(rolled: Rolled, release: str, application: str) -> Iterator[str]:
    if rolled.end is End.STOPPED:
        yield rolled.why
    elif rolled.end in {End.HEALTHY, End.PARTLY}:
        yield f"Release {release} is on the instances of {application}, but not all of them have their traffic back."
    elif _passed_by(rolled):
        yield f"Release {release} is on the instances of {application}, but it does not pass its checks: {rolled.why.rstrip('.')}."
    else:
        yield f"Release {release} was not deployed to {application}. {rolled.why}"
    yield from _standing(rolled, release)
    if rolled.left_out:
        yield f"Not back at their load balancer or Auto Scaling group: {listing(rolled.left_out, MOST).rstrip('.')}."


def _passed_by(rolled: Rolled) -> bool:
    """Whether it is everywhere, and gates were shut that it went through all the same."""
    return rolled.end is End.FAILED and bool(rolled.gates) and not rolled.ledger.failures


def _standing(rolled: Rolled, release: str) -> Iterator[str]:
    """Where everybody is now."""
    entries = rolled.ledger.entries
    if rolled.end is End.UNTOUCHED:
        yield "Nothing was changed."
        return
    if back := [entry for entry in entries if entry.back]:
        to = listing(sorted({entry.to for entry in back}), 3)
        yield f"Put back, and proved: {counted(len(back), 'instance')}, on {to}."
    if rolled.back_unwell:
        yield f"The application does not pass its checks after the rollback either: {rolled.back_unwell}"
    fates = {entry.target: fate(entry, release) for entry in entries}
    unproved = [entry for entry in entries if fates[entry.target] == "unproved"]
    if on := [entry for entry in entries if entry.live == release and not (entry.back or entry in unproved)]:
        yield f"On {release}: {_titles(on)}."
    if unproved:
        yield f"On {release}, and not proved: {_titles(unproved)}."
    yield from _astray(rolled)
    if rolled.end is End.STOPPED and (same := [entry for entry in entries if fates[entry.target] == "not begun"]):
        yield "No instance was switched." if len(same) == len(entries) else f"As before: {_titles(same)}."


def _astray(rolled: Rolled) -> Iterator[str]:
    """Who is neither where it should be nor where it was."""
    entries = rolled.ledger.entries
    if unknown := [entry for entry in entries if entry.live is None]:
        yield f"Nobody knows what is live on {_titles(unknown)}."
    for entry in [entry for entry in entries if entry.stuck][:MOST]:
        yield f"{entry.target.title} was not put back: {entry.stuck}"


def _titles(entries: Sequence[Entry]) -> str:
    return listing([entry.target.title for entry in entries], MOST)


def _last_lines(rolled: Rolled) -> Iterator[str]:
    """Of the first instance whose script failed."""
    for entry in rolled.ledger.entries:
        for done in entry.done:
            if not done.ok and (lines := _printed(done).splitlines()):
                yield f"{entry.target.title} printed last:"
                yield from (f"  {line}" for line in lines[-LAST_LINES:])
                return


def _advice(rolled: Rolled) -> str:
    if rolled.end is End.ROLLED_BACK:
        return "See the first instance that failed, mend it, and deploy again."
    if rolled.end is End.UNTOUCHED:
        return "Mend what is said above, and deploy again."
    if _passed_by(rolled):
        return "See why: an alarm that the release before has rung may take a while to be well again."
    if rolled.end is End.STOPPED and not any(entry.touched for entry in rolled.ledger.entries):
        return "Deploy again."
    return "Deploy again, which does what is left, or go back (ropeway ec2 rollback)."
