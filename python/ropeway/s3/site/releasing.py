"""A release from its plan to the switch, and back: the lock is held by the caller, the history says how far it is.

what it brings (`s3.state.staged`) -> staged (in the history) -> groups, deletes -> manifest -> live (in the history). Whoever dies on the
way leaves a staged release; the next one compares the bucket with the release that is live by the history, and sees all that was
changed since.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from ropeway.errors import Cancelled, Overtaken, RopewayError
from ropeway.outcome import Cancellation, Reason, Run
from ropeway.s3.site.apply import Applied, apply_plan, settled
from ropeway.s3.site.plan import SitePlan
from ropeway.s3.site.standing import Prepared
from ropeway.s3.state.held import Lock, WhileHeld
from ropeway.s3.state.manifest import Entry, Manifest, write_manifest
from ropeway.s3.state.releases import (
    History,
    State,
    change_history,
)
from ropeway.s3.state.staged import write_staged


@dataclass(frozen=True)
class Released:
    """`manifest` is None when an error ended it: what was live by the history, is so still."""

    applied: Applied
    manifest: Manifest | None


def release(prepared: Prepared, lock: Lock | None, run: Run) -> Released:
    """Errors of objects end up in `applied`; those of the state are raised: Overtaken, ConditionFailed, and what concerns all."""
    with _told_of_loss(lock, run):
        return _released(prepared, lock, run)


@contextmanager
def _told_of_loss(lock: Lock | None, run: Run) -> Iterator[None]:
    """Who was stopped by the loss of the lock is told that."""
    try:
        yield
    except Cancelled as stopped:
        if lock and lock.lost and not run.cancellation.asked:
            raise lock.lost from stopped
        raise


def _released(prepared: Prepared, lock: Lock | None, run: Run) -> Released:
    held = replace(run, cancellation=WhileHeld(run.cancellation, lock)) if lock else run
    if prepared.nothing_to_do:
        _claim(prepared, lock, held)
        return Released(Applied(), replace(prepared.manifest, entries=_entries(prepared.plan)))
    site = prepared.site
    known = _begun(prepared, lock, held)
    applied = apply_plan(site.engine, prepared.plan, lock, run)
    manifest = _made(prepared, applied, run)
    if manifest is None or applied.error:
        _tell_failed(prepared, applied, lock, run)
        return Released(applied, None)
    if lock:
        lock.verify(run.cancellation)
    write_manifest(site.engine, site.state, manifest, prepared.over, held.cancellation, public=site.public)
    change_history(site.engine, site.state, _by_owner(lock, prepared.switched), held.cancellation, known=known)
    return Released(applied, manifest)


def _claim(prepared: Prepared, lock: Lock | None, run: Run) -> None:
    """Where checks are asked, it is claimed once they have passed: a try that was stopped before has done nothing to it."""
    if prepared.asked:
        return
    site, standing = prepared.site, prepared.standing
    known = (standing.history, standing.etag)
    change_history(site.engine, site.state, _by_owner(lock, prepared.claimed), run.cancellation, known=known)


def _begun(prepared: Prepared, lock: Lock | None, run: Run) -> tuple[History, str]:
    """The history with this release staged, and its ETag."""
    site, line = prepared.site, prepared.releasing
    known = (prepared.standing.history, prepared.standing.etag)
    if line is None or prepared.repairs:
        return known
    _tell_staged(prepared, run)
    told = replace(line, commit="", who="") if site.public else line
    staged = _by_owner(lock, lambda history: history.staged(told))
    return change_history(site.engine, site.state, staged, run.cancellation, known=known)


def _tell_staged(prepared: Prepared, run: Run) -> None:
    """Before the line in the history: who dies between the two leaves what was true before. An id that is new has told nothing yet."""
    site, standing = prepared.site, prepared.standing
    brings = {one.key for one in prepared.plan.todo if one.step.reason is Reason.NEW}
    keys = standing.half_done | brings
    if keys or standing.history.find(prepared.manifest.id):
        write_staged(site.engine, site.state, prepared.manifest.id, keys, run.cancellation)


def _made(prepared: Prepared, applied: Applied, run: Run) -> Manifest | None:
    if applied.error:
        return None
    try:
        entries = settled(prepared.site.engine, prepared.plan, applied, run.cancellation)
    except RopewayError as error:
        applied.error = error
        return None
    return replace(prepared.manifest, entries=entries)


def _by_owner(lock: Lock | None, change: Callable[[History], History]) -> Callable[[History], History]:
    """At each attempt to write it: who has lost the lock changes nothing of what others have written since."""

    def changed(history: History) -> History:
        if lock:
            lock.check()
        return change(history)

    return changed


def _entries(plan: SitePlan) -> tuple[Entry, ...]:
    return tuple(one.entry for one in plan.steps if one.entry)


def _tell_failed(prepared: Prepared, applied: Applied, lock: Lock | None, run: Run) -> None:
    """The error that ended it is told by the caller; that the history does not know of it, here. A run that was overtaken writes nothing."""
    if prepared.releasing is None or prepared.repairs or isinstance(applied.error, Overtaken):
        return
    site, failed = prepared.site, prepared.manifest.id
    try:
        # It was stopped, maybe: a cancellation of its own does not hold the word up.
        fails = _by_owner(lock, lambda history: history.now(failed, State.FAILED))
        change_history(site.engine, site.state, fails, Cancellation())
    except RopewayError as unwritten:
        run.tell.note(f"Release {failed} stays staged in the list of releases: {unwritten}")
