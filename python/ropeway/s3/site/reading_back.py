"""What was released is read back from the bucket: bytes and headers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from ropeway.errors import IntegrityError
from ropeway.outcome import Cancellation, Progress, Run, counted, listing
from ropeway.s3.archive import ARCHIVES
from ropeway.s3.engine import Headers
from ropeway.s3.site.bytes_read import bytes_read
from ropeway.s3.site.standing import Site
from ropeway.s3.site.vouching import same_headers, untagged
from ropeway.s3.state.manifest import Entry

SAMPLE = 20
"""Objects that are read back of those that were written, first of all pages and what comes after them."""
LARGE = 16 << 20
"""Bytes: what is larger is no part of a sample. Its upload was verified by checksums."""


def chosen(entries: Sequence[Entry], which: str, written: set[str]) -> list[Entry]:
    """The entries that are read back. What lies in an archive, or was kept of older releases, is not."""
    ours = [one for one in entries if not one.gone_at and one.sha256 and one.headers.storage_class not in ARCHIVES]
    if which == "all":
        return ours
    if which == "none":
        return []
    small = (one for one in ours if one.key in written and one.size <= LARGE)
    fresh = sorted(small, key=lambda one: (-one.group, one.key))
    return fresh[:SAMPLE]


def read_back(site: Site, entries: Sequence[Entry], written: set[str], run: Run) -> IntegrityError | None:
    """What was not as it was released. What this run has not `written` a lifecycle rule may have moved to another class.

    Raises what concerns all objects, and Cancelled.
    """
    if not entries:
        return None
    asked = {one.key: one.headers if one.key in written else replace(one.headers, storage_class="") for one in entries}
    wrong = [*_other_headers(site, asked, run.cancellation), *_other_bytes(site, entries, run)]
    if not wrong:
        return None
    names = listing(sorted(wrong))
    return IntegrityError(
        f"{counted(len(wrong), 'object')} of {len(entries):,} read back not as released: {names}.",
        advice="Find out who else writes there, then deploy again.",
    )


def _other_headers(site: Site, asked: Mapping[str, Headers], cancellation: Cancellation) -> Iterator[str]:
    below = {site.target.key(key): key for key in asked}
    for key, head in site.engine.heads(site.target.bucket, list(below), cancellation=cancellation):
        if head is None or not same_headers(untagged(head.headers), untagged(asked[below[key]])):
            yield f"{site.target.address(below[key])} ({'it is gone' if head is None else 'its headers'})"


def _other_bytes(site: Site, entries: Sequence[Entry], run: Run) -> Iterator[str]:
    read = bytes_read(site.engine, site.target, entries, run.cancellation)
    for at, (entry, why) in enumerate(read, 1):
        run.tell.progress(Progress("Reading back", at, len(entries)))
        if why:
            yield f"{site.target.address(entry.key)} ({why})"
