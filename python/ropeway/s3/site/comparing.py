"""What a release of a site would change: source, manifest of the live release and one listing, compared. Reads nothing itself.

What the listing shows as the live release left it is known by its manifest. Of what others wrote since, and of what no manifest knows, `looks` tell.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from ropeway.outcome import Action, Reason, Step, counted, listing
from ropeway.s3.archive import ARCHIVES
from ropeway.s3.engine import Copy, Listed, Put, Transfer
from ropeway.s3.globs import Globs
from ropeway.s3.site.gone import check_deletes, deletable, gone, kept, missed
from ropeway.s3.site.order import Group
from ropeway.s3.site.plan import Look, SitePlan, SiteStep, Target, Terms, in_order
from ropeway.s3.site.source import SiteObject
from ropeway.s3.site.vouching import as_asked, is_as_left, same_headers
from ropeway.s3.state.manifest import Entry, Manifest

ASSETS = frozenset({".js", ".mjs", ".css", ".wasm"})
"""What a page that is open may load later: with other bytes under the same name it may break."""


def unvouched(source: Iterable[SiteObject], there: Mapping[str, Listed], live: Manifest | None) -> list[SiteObject]:
    """The objects of the source that must be looked at: they are there, and not as the live release left them."""
    known = live.by_key if live else {}
    return [one for one in source if (seen := there.get(one.key)) and not is_as_left(seen, known.get(one.key))]


def plan_release(
    target: Target,
    source: Sequence[SiteObject],
    there: Mapping[str, Listed],
    live: Manifest | None,
    *,
    looks: Mapping[str, Look],
    terms: Terms,
    now: float,
    half_done: frozenset[str] = frozenset(),
) -> SitePlan:
    """`now` by the server's clock, seconds since the epoch. `half_done` are keys that a release has brought which ended half-way: nobody
    misses them. Nor do the bounds of `terms` count assets whose time is over: a source that is wrong takes none of them away.
    Raises RopewayError over those bounds.
    """
    compared = _Comparison(target, there, live.by_key if live else {}, looks, Globs(terms.protected))
    of_source = [compared.step(one) for one in source]
    newer = any(one.changes and one.step.reason is not Reason.CHANGED_BY_OTHERS for one in of_source)
    own = {one.key for one in source}
    others = list(_gone(compared, own, terms, now, newer=newer))
    ours = (half_done - compared.known.keys()) | (compared.gone_before - own)
    theirs = [one for one in others if one.key not in ours]
    check_deletes(theirs, deletable(there.keys() - ours, (*of_source, *theirs)), terms)
    ordered = in_order((*of_source, *others))
    return SitePlan(target, ordered, tuple(_warnings(ordered)))


# --- what is in the source ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Comparison:
    target: Target
    there: Mapping[str, Listed]
    known: Mapping[str, Entry]
    looks: Mapping[str, Look]
    protected: Globs

    @property
    def gone_before(self) -> frozenset[str]:
        """Assets that earlier releases have left out, as far as they are theirs still: they go when nobody needs them any more."""
        gone = (entry for entry in self.known.values() if entry.gone_at)
        return frozenset(one.key for one in gone if (seen := self.there.get(one.key)) and is_as_left(seen, one))

    def step(self, one: SiteObject) -> SiteStep:
        if self.protected.matches_key(one.key):
            return self._made(one, "skip", Reason.PROTECTED, None, None)
        seen, entry = self.there.get(one.key), self.known.get(one.key)
        if seen is None:
            return self._put(one, Reason.NEW)
        look = self.looks.get(one.key)
        if look is None:
            return self._vouched(one, seen, entry)
        if not look.same_bytes or seen.storage_class in ARCHIVES:  # what lies in an archive cannot be copied either
            others = entry is not None and entry.source_sha256 == one.source_sha256
            return self._put(one, Reason.CHANGED_BY_OTHERS if others else Reason.CONTENT)
        if not same_headers(look.headers, one.headers):
            return self._copy(one, seen, one.sha256)
        left = replace(_entry(one), etag=seen.etag, modified=seen.modified, version_id=look.version_id)
        return self._made(one, "skip", Reason.UNCHANGED, None, left)

    def _vouched(self, one: SiteObject, seen: Listed, entry: Entry | None) -> SiteStep:
        if entry is None or not is_as_left(seen, entry):
            raise AssertionError(f"Nobody vouches for {one.key}, and nobody has looked at it.")
        alike = entry.source_sha256 == one.source_sha256
        if not (alike and entry.headers.content_encoding == one.headers.content_encoding):
            return self._put(one, Reason.CONTENT)
        if not as_asked(entry.headers, one.headers):
            return self._copy(one, seen, entry.sha256)
        left = replace(entry, group=one.group, lasting=one.lasting, gone_at=0.0, gone_for=0)
        return self._made(one, "skip", Reason.UNCHANGED, None, left)

    def _put(self, one: SiteObject, reason: Reason) -> SiteStep:
        work = Put(one.path, self.target.bucket, self.target.key(one.key), one.size, one.mtime_ns, one.headers)
        return self._made(one, "upload", reason, work, _entry(one))

    def _copy(self, one: SiteObject, seen: Listed, sha256: str) -> SiteStep:
        key = self.target.key(one.key)
        work = Copy(self.target.bucket, key, self.target.bucket, key, seen.size, seen.etag, one.headers)
        return self._made(one, "copy", Reason.HEADERS, work, replace(_entry(one), size=seen.size, sha256=sha256))

    def _made(
        self, one: SiteObject, action: Action, reason: Reason, work: Transfer | None, entry: Entry | None
    ) -> SiteStep:
        size = entry.size if entry else one.size
        step: Step[Transfer] = Step(action, self.target.address(one.key), reason, size, work)
        return SiteStep(one.key, one.group, step, entry, one.md5 if action == "upload" else "")


def _entry(one: SiteObject) -> Entry:
    return Entry(
        one.key, one.size, one.sha256, one.source_sha256, "", 0.0, "", one.headers, int(one.group), one.lasting
    )


# --- what is not in the source any more --------------------------------------------------------------------------------------------


def _gone(compared: _Comparison, source: set[str], terms: Terms, now: float, *, newer: bool) -> Iterator[SiteStep]:
    """`newer`: this release shows something else than the live one, so that its assets are a release older now."""
    lasting = Globs(terms.fingerprinted)
    for key, seen in compared.there.items():
        if key in source:
            continue
        address, entry = compared.target.address(key), compared.known.get(key)
        if compared.protected.matches_key(key):
            yield SiteStep(key, None, Step("skip", address, Reason.PROTECTED, seen.size))
        elif (since := missed(key, seen, entry, lasting)) and (aged := kept(since, terms, now, newer=newer)):
            yield SiteStep(key, Group.ASSETS, Step("skip", address, Reason.KEPT, seen.size), aged)
        else:
            yield gone(compared.target, key, seen, entry)


# --- what is worth a word ---------------------------------------------------------------------------------------------------------


def _warnings(steps: Sequence[SiteStep]) -> Iterator[str]:
    changed = [one for one in steps if one.step.reason in {Reason.CONTENT, Reason.CHANGED_BY_OTHERS}]
    if risky := [one.step.name for one in changed if one.group is Group.FILES and _is_asset(one.key)]:
        yield (
            f"{counted(len(risky), 'asset')} changed under the same name: pages that are open, and browsers that kept the old one, mix "
            f"both. {listing(risky)}. Let the build put a fingerprint into the name."
        )
    if mistaken := [one.step.name for one in changed if one.group is Group.ASSETS]:
        yield (
            f"{counted(len(mistaken), 'file')} changed, whose names look as if they changed with the bytes, and which browsers may keep for "
            f"a year: {listing(mistaken)}. Name them in notFingerprinted (ropeway.yml)."
        )
    if protected := [one.step.name for one in steps if one.group and one.step.reason is Reason.PROTECTED]:
        yield f"{counted(len(protected), 'file')} of the source not released, because protected: {listing(protected)}."


def _is_asset(key: str) -> bool:
    return posixpath.splitext(key)[1].lower() in ASSETS
