"""What a release does not have: who may still miss it, and how much may go."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable
from dataclasses import replace

from ropeway.errors import RopewayError
from ropeway.outcome import Reason, Step, counted, listing
from ropeway.s3.engine import Headers, Listed, Transfer
from ropeway.s3.globs import Globs
from ropeway.s3.site.fingerprints import Naming, naming
from ropeway.s3.site.order import Group, group_of
from ropeway.s3.site.plan import SiteStep, Target, Terms
from ropeway.s3.state.manifest import Entry

DAY = 86_400.0


def gone(target: Target, key: str, seen: Listed, entry: Entry | None) -> SiteStep:
    group = entry.group if entry else _likely_group(key)
    step: Step[Transfer] = Step("delete", target.address(key), Reason.GONE, seen.size)
    return SiteStep(key, None, step, early=group >= Group.PAGES, seen=seen)


def _likely_group(key: str) -> int:
    """A page may have lost its extension."""
    return group_of(key, Naming.PLAIN) if "." in posixpath.basename(key) else Group.PAGES


def missed(key: str, seen: Listed, entry: Entry | None, lasting: Globs) -> Entry | None:
    """What old pages may miss, though the release does not have it: its entry, or one for what no manifest knows. None: nobody will."""
    if entry:
        return entry if entry.lasting else None
    if naming(key) is Naming.PLAIN and not lasting.matches_key(key):
        return None
    return Entry(key, seen.size, "", "", seen.etag, seen.modified, "", Headers(), Group.ASSETS, lasting=True)


def kept(since: Entry, terms: Terms, now: float, *, newer: bool) -> Entry | None:
    """An asset that old pages may name, as long as they may be open."""
    first = since.gone_for == 0
    aged = replace(since, gone_at=since.gone_at or now, gone_for=since.gone_for + (1 if first or newer else 0))
    young = aged.gone_for <= terms.keep_releases or now - aged.gone_at < terms.keep_days * DAY
    return aged if young else None


def deletable(there: Iterable[str], steps: Iterable[SiteStep]) -> int:
    """How many of the objects there are neither protected nor kept: what is never deleted says nothing about how much a release takes away."""
    spared = {one.key for one in steps if one.step.reason in {Reason.PROTECTED, Reason.KEPT}}
    return sum(1 for key in there if key not in spared)


def check_deletes(steps: Iterable[SiteStep], all_there: int, terms: Terms) -> None:
    """`all_there` is what `deletable` counts. Raises RopewayError over the bounds."""
    deletes = [one for one in steps if one.changes]
    too_many = len(deletes) > terms.max_delete
    too_much = len(deletes) * 100 > terms.max_percent * all_there
    if not (too_many or too_much):
        return
    number = f"{terms.max_delete:,} objects", "maxDelete"
    share = (
        f"{terms.max_percent} % of the {all_there:,} that are neither protected nor kept",
        "maxDeletePercent",
    )
    over = [bound for bound, is_over in ((number, too_many), (share, too_much)) if is_over]
    bounds = " and ".join(f"{words} may be ({name})" for words, name in over)
    raise RopewayError(
        f"{counted(len(deletes), 'object')} would be deleted, and at most {bounds}: "
        f"{listing([one.step.name for one in deletes])}. Nothing was changed.",
        advice=f"Check source, prefix and bucket; if it is right, raise {' and '.join(name for _, name in over)} for this run.",
    )
