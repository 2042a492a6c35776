"""The plan of a release: where it goes, how far it may go, its steps in the order in which they are done."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from ropeway.outcome import Step
from ropeway.s3.engine import Headers, Listed, Transfer
from ropeway.s3.site.order import Group
from ropeway.s3.site.source import STATE
from ropeway.s3.state.manifest import Entry
from ropeway.s3.state.place import SITES

STATE_OF_A_SITE = re.compile(rf"((?:.*/)?{re.escape(STATE)}/{SITES}/[^/]+)/")


@dataclass(frozen=True, slots=True)
class Target:
    """Where the site lies. `prefix` has no outer slashes; empty: the whole bucket."""

    bucket: str
    prefix: str

    @property
    def begins(self) -> str:
        """What every key of the site begins with, and no key of a sibling."""
        return f"{self.prefix}/" if self.prefix else ""

    def key(self, below: str) -> str:
        return self.begins + below

    def address(self, below: str) -> str:
        return f"s3://{self.bucket}/{self.key(below)}"

    def below(self, listed: Iterable[Listed]) -> dict[str, Listed]:
        """The objects of the site by their keys below the prefix. State of Ropeway's is none of it."""
        found = ((one.key[len(self.begins) :], one) for one in listed if one.key.startswith(self.begins))
        return {key: one for key, one in found if key and STATE not in key.split("/")[:-1]}

    def states(self, listed: Iterable[Listed]) -> frozenset[str]:
        """The folders with the state of a site, of this one or of another, that lie below the prefix: whole keys."""
        found = (STATE_OF_A_SITE.match(one.key) for one in listed if STATE in one.key)
        return frozenset(one[1] for one in found if one)


@dataclass(frozen=True)
class Terms:
    """How far a release may go. Over `max_delete` objects, or `max_percent` of all, nothing is deleted and the plan is an error.

    Assets that old pages may name are kept for so many releases, or so many days, whichever is longer. `protected` are globs, and so are
    `fingerprinted`: names that change with their bytes, and do not show it.
    """

    keep_releases: int = 3
    keep_days: float = 7.0
    max_delete: int = 256
    max_percent: int = 50
    protected: tuple[str, ...] = ()
    fingerprinted: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Look:
    """An object that no manifest vouches for, as a HEAD showed it. `same_bytes`: those of the source. `headers` with tags."""

    same_bytes: bool
    headers: Headers
    version_id: str
    modified: float


@dataclass(frozen=True, slots=True)
class SiteStep:
    """A step with its place in the order (None: a delete). `entry` is what the manifest will tell; after a change its `etag`,
    `modified` and `version_id` are yet to be seen. None for what is gone, and for what is none of this release's.
    A page is deleted `early`: before what it names; `seen` is what of it is to be gone.
    """

    key: str
    group: Group | None
    step: Step[Transfer]
    entry: Entry | None = None
    md5: str = ""
    early: bool = False
    seen: Listed | None = None

    @property
    def changes(self) -> bool:
        return self.step.action != "skip"


@dataclass(frozen=True)
class SitePlan:
    """In the order in which it is done. `warnings` are sentences; `strange` are the keys of what is there and no manifest vouches for, `states`
    the folders below the prefix with states of sites.
    """

    target: Target
    steps: tuple[SiteStep, ...]
    warnings: tuple[str, ...] = field(default=())
    strange: frozenset[str] = frozenset()
    states: frozenset[str] = frozenset()

    @property
    def todo(self) -> tuple[SiteStep, ...]:
        return tuple(one for one in self.steps if one.changes)

    def of(self, group: Group | None) -> list[SiteStep]:
        """What is done in this group; None: the deletes."""
        return [one for one in self.steps if one.changes and one.group is group]


def in_order(steps: Iterable[SiteStep]) -> tuple[SiteStep, ...]:
    """As they are done. Of what is deleted, pages go before what they name."""
    return tuple(sorted(steps, key=_place))


def _place(one: SiteStep) -> tuple[int, bool, str]:
    return (one.group if one.group is not None else len(Group) + 1, not one.early, one.key)
