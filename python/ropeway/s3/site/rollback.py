"""The plan that makes an earlier release live again: from the versions that its manifest names, on the server's side, without a build."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from ropeway.errors import Archived, RopewayError
from ropeway.outcome import Cancellation, Reason, Step, counted, listing
from ropeway.s3.archive import ARCHIVES, is_restored
from ropeway.s3.encryption import AS_THE_BUCKET, Encryption
from ropeway.s3.engine import Copy, Head, Listed, ObjectEngine, Transfer
from ropeway.s3.globs import Globs
from ropeway.s3.site.gone import check_deletes, deletable, gone, missed
from ropeway.s3.site.order import Group
from ropeway.s3.site.plan import SitePlan, SiteStep, Target, Terms, in_order
from ropeway.s3.site.vouching import as_asked, is_as_left
from ropeway.s3.state.manifest import Entry, Manifest
from ropeway.s3.versions import NULL


def plan_rollback(
    target: Target,
    wanted: Manifest,
    there: Mapping[str, Listed],
    live: Manifest | None,
    *,
    terms: Terms,
    now: float,
    half_done: frozenset[str] = frozenset(),
    encryption: Encryption = AS_THE_BUCKET,
) -> SitePlan:
    """`wanted` is the release to be live again, `live` the one that is. Assets of both are kept, and those of a release that ended
    half-way, which has brought `half_done`: pages of all may be open. `now` by the server's clock. Objects are encrypted as they were then,
    unless `encryption` asks for something.

    Whether the versions are there still, `check_versions` asks. Raises RopewayError when more would be deleted, of what no release
    knows, than `terms` allow.
    """
    known, protected = (live.by_key if live else {}), Globs(terms.protected)
    back = _Back(target, there, known, encryption)
    entries = [entry for entry in wanted.entries if not protected.matches_key(entry.key)]
    steps = [back.kept(entry) for entry in entries if entry.gone_at and entry.key in there]
    steps += [back.step(entry) for entry in entries if not entry.gone_at]
    own = {entry.key for entry in wanted.entries}
    others = {key: seen for key, seen in there.items() if key not in own and not protected.matches_key(key)}
    left = list(_gone(target, others, known, Globs(terms.fingerprinted), now))
    ours = known.keys() | half_done
    unprotected = [key for key in there if not protected.matches_key(key)]
    check_deletes((one for one in left if one.key not in ours), deletable(unprotected, (*steps, *left)), terms)
    return SitePlan(target, in_order((*steps, *left)))


def check_versions(engine: ObjectEngine, plan: SitePlan, cancellation: Cancellation) -> None:
    """Raises RopewayError with everything that cannot be brought back, before anything is touched."""
    copies = [one.step.work for one in plan.todo if isinstance(one.step.work, Copy)]
    by_key = {work.source_key: work for work in copies if work.source_version_id}
    versions = {key: work.source_version_id for key, work in by_key.items()}
    bucket = plan.target.bucket
    heads = dict(engine.heads(bucket, list(versions), versions=versions, cancellation=cancellation)) if versions else {}
    if lost := [f"s3://{bucket}/{key}" for key, head in heads.items() if head is None or _is_other(head, by_key[key])]:
        raise RopewayError(
            f"{counted(len(lost), 'object')} of the release cannot be brought back, because the bucket has not kept the version: "
            f"{listing(sorted(lost))}. Nothing was changed.",
            advice="Switch versioning on for releases to come, and deploy this one from its build.",
        )
    if archived := [f"s3://{bucket}/{key}" for key, head in heads.items() if head and _is_archived(head)]:
        raise Archived(
            f"{counted(len(archived), 'object')} of the release cannot be brought back as long as the version lies in an archive: "
            f"{listing(sorted(archived))}. Nothing was changed.",
            advice="Restore these versions (aws s3api restore-object --version-id), or deploy the release from its build.",
        )


def _is_archived(head: Head) -> bool:
    return head.headers.storage_class in ARCHIVES and not is_restored(head)


def _is_other(head: Head, work: Copy) -> bool:
    """The version `null` may have been written over since, as the others cannot."""
    return work.source_version_id == NULL and (head.etag, head.size) != (work.etag, work.size)


@dataclass(frozen=True)
class _Back:
    target: Target
    there: Mapping[str, Listed]
    known: Mapping[str, Entry]
    encryption: Encryption

    def step(self, entry: Entry) -> SiteStep:
        seen = self.there.get(entry.key)
        now = self._now(seen, entry) if seen else None
        entry = replace(entry, headers=self.encryption.on(entry.headers))
        if now and now.sha256 == entry.sha256:
            return self._from_live(entry, now)
        return self._from_version(entry, Reason.CONTENT if seen else Reason.NEW)

    def _now(self, seen: Listed, entry: Entry) -> Entry | None:
        """What is there. The live release knows best."""
        of_live = self.known.get(entry.key)
        if is_as_left(seen, of_live):
            return of_live
        return entry if is_as_left(seen, entry) else None

    def _from_live(self, entry: Entry, now: Entry) -> SiteStep:
        if not as_asked(now.headers, entry.headers):
            return self._made(entry, entry, Reason.HEADERS, self._copy(entry, now.etag, ""))
        left = replace(entry, headers=now.headers, etag=now.etag, modified=now.modified, version_id=now.version_id)
        return self._made(entry, left, Reason.UNCHANGED, None)

    def _from_version(self, entry: Entry, reason: Reason) -> SiteStep:
        return self._made(entry, entry, reason, self._copy(entry, entry.etag, entry.version_id or NULL))

    def kept(self, entry: Entry) -> SiteStep:
        """What was kept for open pages already then is kept on, as far as it is there."""
        return self._made(entry, entry, Reason.KEPT, None)

    def _copy(self, entry: Entry, etag: str, version_id: str) -> Copy:
        key = self.target.key(entry.key)
        return Copy(self.target.bucket, key, self.target.bucket, key, entry.size, etag, entry.headers, version_id)

    def _made(self, entry: Entry, left: Entry, reason: Reason, work: Transfer | None) -> SiteStep:
        step: Step[Transfer] = Step(
            "copy" if work else "skip", self.target.address(entry.key), reason, entry.size, work
        )
        return SiteStep(entry.key, Group(entry.group), step, left)


def _gone(
    target: Target, others: Mapping[str, Listed], known: Mapping[str, Entry], lasting: Globs, now: float
) -> Iterator[SiteStep]:
    for key, seen in others.items():
        entry = known.get(key)
        if since := missed(key, seen, entry, lasting):
            kept = replace(since, gone_at=since.gone_at or now, gone_for=max(1, since.gone_for))
            yield SiteStep(key, Group.ASSETS, Step("skip", target.address(key), Reason.KEPT, seen.size), kept)
        else:
            yield gone(target, key, seen, entry)
