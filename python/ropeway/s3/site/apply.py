"""Doing what a plan says, group by group. The first error ends it: before the pages that would name what is missing, and before any delete."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ropeway.errors import Cancelled, IntegrityError, RopewayError, TransferFailed
from ropeway.outcome import Cancellation, Done, Run, counted
from ropeway.s3.checksums import has_plain_etag
from ropeway.s3.compare import same_bytes, tells_digest
from ropeway.s3.engine import Copy, Head, ObjectEngine, Put, Sent, Transfer, Transferred
from ropeway.s3.moving import move
from ropeway.s3.site.bytes_read import bytes_read
from ropeway.s3.site.deleting import PAGE, refuse_rewritten
from ropeway.s3.site.order import Group
from ropeway.s3.site.plan import SitePlan, SiteStep
from ropeway.s3.site.source import digests
from ropeway.s3.site.vouching import same_headers, untagged
from ropeway.s3.state.held import Lock, WhileHeld
from ropeway.s3.state.manifest import Entry


@dataclass
class Applied:
    """A result for each step that was begun. `error` is the one that ended it; what comes after it was not begun."""

    results: list[Done[Transfer]] = field(default_factory=list)
    error: RopewayError | None = None


def apply_plan(engine: ObjectEngine, plan: SitePlan, lock: Lock | None, run: Run) -> Applied:
    """Without a lock nobody keeps another deployer out (`lock: none`). Errors end up in the result."""
    applied = Applied()
    applying = _Applying(engine, plan, lock, run, applied)
    try:
        for group in Group:
            if (steps := plan.of(group)) and not applied.error:
                applying.transfer(group, steps)
        if (deletes := plan.of(None)) and not applied.error:
            applying.delete(deletes)
    except RopewayError as error:
        applied.error = error
    return applied


@dataclass
class _Applying:
    engine: ObjectEngine
    plan: SitePlan
    lock: Lock | None
    run: Run
    applied: Applied

    def transfer(self, group: Group, steps: Sequence[SiteStep]) -> None:
        self._verify()
        run = replace(self.run, cancellation=self._held)
        moved = move(_Guarded(self.engine, self.lock), [one.step for one in steps], f"Releasing {group}", run)
        self.applied.results += moved.results
        self.applied.error = self._told(moved.error) if moved.error else None

    def delete(self, deletes: Sequence[SiteStep]) -> None:
        """Pages first, then what they name. What could not be deleted ends it, and what somebody has written since."""
        refuse_rewritten(self.engine, self.plan, deletes, self.run.cancellation)
        for early in (True, False):
            by_key = {self.plan.target.key(one.key): one for one in deletes if one.early is early}
            keys = list(by_key)
            for at in range(0, len(keys), PAGE):
                self._delete(keys[at : at + PAGE], by_key)

    def _delete(self, page: Sequence[str], by_key: Mapping[str, SiteStep]) -> None:
        if self.applied.error:
            return
        self._verify()
        try:
            for key, error in self.engine.delete(self.plan.target.bucket, page, cancellation=self._held):
                self.applied.results.append(Done(by_key[key].step, error=error))
        except Cancelled as stopped:
            raise self._told(stopped) from stopped
        if failures := [result.error for result in self.applied.results if result.error]:
            message = (
                f"{counted(len(failures), 'object')} that should be gone could not be deleted. {failures[0].message}"
            )
            self.applied.error = TransferFailed(message, failures, advice=failures[0].advice)

    def _verify(self) -> None:
        if self.lock:
            self.lock.verify(self.run.cancellation)

    @property
    def _held(self) -> Cancellation:
        return WhileHeld(self.run.cancellation, self.lock) if self.lock else self.run.cancellation

    def _told(self, error: RopewayError) -> RopewayError:
        """Who was stopped by the loss of the lock is told that."""
        stopped = isinstance(error, Cancelled) and not self.run.cancellation.asked
        return (self.lock.lost if self.lock and stopped else None) or error


class _Guarded:
    """An engine that begins nothing once the lock is lost. `move` asks no more of an engine."""

    def __init__(self, engine: ObjectEngine, lock: Lock | None) -> None:
        self._engine = engine
        self._lock = lock

    def transfer(self, work: Iterable[Transfer], sent: Sent, cancellation: Cancellation) -> Iterator[Transferred]:
        return self._engine.transfer(self._lock.guarded(work) if self._lock else work, sent, cancellation)


# --- what is there now ------------------------------------------------------------------------------------------------------------


def settled(engine: ObjectEngine, plan: SitePlan, applied: Applied, cancellation: Cancellation) -> tuple[Entry, ...]:
    """The entries of the manifest, with ETag, time and version of what was changed, as they are seen now.

    Raises IntegrityError when somebody else has written over it since: a manifest must not vouch for that.
    """
    versions = {id(result.step): result.version_id for result in applied.results}
    changed = [one for one in plan.todo if one.entry]
    entries = [one.entry for one in plan.steps if one.entry and not one.changes]
    seen = _seen(engine, plan, changed, cancellation)
    entries += [_settled(one, seen(one), versions.get(id(one.step), "")) for one in changed]
    return tuple(sorted(entries, key=lambda entry: entry.key))


@dataclass(frozen=True, slots=True)
class _Now:
    """An object as it is seen now; `ours`: it holds the bytes of its entry."""

    etag: str
    modified: float
    version_id: str
    ours: bool


def _settled(one: SiteStep, now: _Now | None, written: str) -> Entry:
    if one.entry is None or now is None or not now.ours or (written and now.version_id not in {"", written}):
        raise IntegrityError(
            f"{one.step.name} is not what was just released: somebody else has written or deleted it meanwhile.",
            advice="Find out who else writes there, then deploy again.",
        )
    return replace(one.entry, etag=now.etag, modified=now.modified, version_id=written or now.version_id)


def _seen(
    engine: ObjectEngine, plan: SitePlan, changed: Sequence[SiteStep], cancellation: Cancellation
) -> Callable[[SiteStep], _Now | None]:
    """By a listing where that is fewer requests than a HEAD each, and by HEAD where the listing does not prove the bytes."""
    found: dict[str, _Now] = {}
    if len(changed) * PAGE > len(plan.steps) + PAGE:
        found = _listed(engine, plan, changed, cancellation)
    open_ones = {plan.target.key(one.key): one for one in changed if one.key not in found}
    heads = engine.heads(plan.target.bucket, list(open_ones), cancellation=cancellation) if open_ones else ()
    mute = []
    for key, head in heads:
        if head:
            one = open_ones[key]
            ours = _ours(one, head, cancellation)
            found[one.key] = _Now(head.etag, head.modified, head.version_id, ours)
            if not ours and one.entry and _is_mute(one, one.entry, head):
                mute.append(replace(one.entry, etag=head.etag))
    for entry, why in bytes_read(engine, plan.target, mute, cancellation) if mute else ():
        found[entry.key] = replace(found[entry.key], ours=not why)
    return lambda one: found.get(one.key)


def _is_mute(one: SiteStep, entry: Entry, head: Head) -> bool:
    """A store that is asked for no checksums tells nothing of the bytes that it encrypts by KMS: they are read."""
    alike = head.size == entry.size and same_headers(untagged(head.headers), untagged(entry.headers))
    return alike and isinstance(one.step.work, Put) and not tells_digest(head)


def _listed(
    engine: ObjectEngine, plan: SitePlan, changed: Sequence[SiteStep], cancellation: Cancellation
) -> dict[str, _Now]:
    there = plan.target.below(engine.list(plan.target.bucket, plan.target.begins, cancellation=cancellation))
    proved = ((one.key, there.get(one.key)) for one in changed)
    md5s = {one.key: one.md5 for one in changed}
    return {
        key: _Now(seen.etag, seen.modified, "", ours=True)
        for key, seen in proved
        if seen and md5s[key] and seen.etag == md5s[key]
    }


def _ours(one: SiteStep, head: Head, cancellation: Cancellation) -> bool:
    """The bytes that were hashed, with the headers that were asked for. Of a copy in the same bucket the ETag is the source's, where it is an MD5."""
    work, entry = one.step.work, one.entry
    if entry is None or head.size != entry.size or not same_headers(untagged(head.headers), untagged(entry.headers)):
        return False
    plain = has_plain_etag(head) and "-" not in head.etag
    if isinstance(work, Put):
        return (plain and head.etag == one.md5) or _as_hashed(work.path, head, entry, cancellation)
    return not plain or not isinstance(work, Copy) or "-" in work.etag or head.etag == work.etag


def _as_hashed(path: str, head: Head, entry: Entry, cancellation: Cancellation) -> bool:
    """A file may have changed since it was hashed, with its time put back: then it holds the object's bytes, and not the entry's."""
    return same_bytes(path, head, cancellation) and digests(path, cancellation)[0] == entry.sha256
