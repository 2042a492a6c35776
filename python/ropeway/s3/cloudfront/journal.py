"""What is still to be invalidated, in the bucket: written before the first change, emptied when CloudFront has done it.

A run that ends between the two leaves it to the next one. The reference of an invalidation is made of what stands here, so that whoever asks
again, asks for the same one: CloudFront makes none twice (API reference, CreateInvalidation, CallerReference). The nonce is another one for each
deploy: to deploy a release once more is to invalidate once more.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ropeway.errors import ConditionFailed
from ropeway.outcome import Cancellation
from ropeway.s3.engine import Condition, ObjectEngine
from ropeway.s3.state.documents import JSON, decode, encode
from ropeway.s3.state.place import StatePlace
from ropeway.s3.state.releases import TRIES

VERSION = 1
MOST = 1 << 24
"""Bytes: 3,000 paths of 4,000 characters each, and some more."""
LONGEST_NAME = 60
"""Characters of a release's id in a reference."""


@dataclass(frozen=True)
class Pending:
    """Of one distribution. `nonce` is the deploy's that wanted it."""

    release: str
    paths: tuple[str, ...]
    nonce: str

    @property
    def reference(self) -> str:
        """The release in words, and a digest of everything."""
        name = "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in self.release)
        digest = hashlib.sha256("\n".join((self.release, self.nonce, *self.paths)).encode()).hexdigest()
        return f"ropeway-{name[:LONGEST_NAME]}-{digest[:32]}"


@dataclass(frozen=True)
class Journal:
    """What is pending, by the id of the distribution, and the ETag of what was read (empty: nothing was there).

    `known` are the distributions that the last release has named, `indexes` the names that releases have given to index documents, the first
    one first: nobody who rolls back has their inputs at hand. `missed` are distributions that were known and not told of a change.
    """

    pending: Mapping[str, Pending] = field(default_factory=dict)
    known: tuple[str, ...] = ()
    indexes: tuple[str, ...] = ()
    missed: tuple[str, ...] = ()
    etag: str = ""


def new_nonce() -> str:
    return secrets.token_hex(8)


def journal_place(site: StatePlace) -> StatePlace:
    return site.below("cloudfront.json")


def read_journal(engine: ObjectEngine, site: StatePlace, cancellation: Cancellation) -> Journal:
    """Raises IntegrityError for what no Ropeway has written."""
    place = journal_place(site)
    found = engine.read(place.bucket, place.key, most=MOST, cancellation=cancellation)
    return replace(decode(found.body, VERSION, place, _journal), etag=found.etag) if found else Journal()


def change_journal(
    engine: ObjectEngine,
    site: StatePlace,
    change: Callable[[Journal], Journal],
    cancellation: Cancellation,
) -> None:
    """Reads, changes, and writes over what was read, where that makes a difference; again when somebody else wrote between, as runs without a
    lock do.
    """
    for _ in range(TRIES - 1):
        try:
            return _write_over(engine, site, change, cancellation)
        except ConditionFailed:
            cancellation.check()
    return _write_over(engine, site, change, cancellation)


def _write_over(
    engine: ObjectEngine,
    site: StatePlace,
    change: Callable[[Journal], Journal],
    cancellation: Cancellation,
) -> None:
    journal = read_journal(engine, site, cancellation)
    wanted = change(journal)
    if wanted == journal:
        return
    place = journal_place(site)
    condition = Condition(etag=journal.etag) if journal.etag else Condition(absent=True)
    engine.write(place.bucket, place.key, encode(VERSION, _told(wanted)), JSON, condition, cancellation=cancellation)


def _told(journal: Journal) -> dict[str, Any]:
    distributions = {
        id: {"release": one.release, "paths": list(one.paths), "nonce": one.nonce}
        for id, one in sorted(journal.pending.items())
    }
    # Two writers never write the same bytes: a write that is tried again knows its own.
    names = {"known": list(journal.known), "indexes": list(journal.indexes), "missed": list(journal.missed)}
    return {"nonce": new_nonce(), "distributions": distributions, **names}


def _journal(told: Mapping[str, Any]) -> Journal:
    pending = {
        str(id): Pending(str(one["release"]), _texts(one["paths"]), str(one["nonce"]))
        for id, one in told["distributions"].items()
    }
    known, indexes, missed = (_texts(told.get(name, ())) for name in ("known", "indexes", "missed"))
    return Journal(pending, known, indexes, missed)


def _texts(told: Sequence[object]) -> tuple[str, ...]:
    return tuple(map(str, told))
