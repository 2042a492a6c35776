"""What is done beside the objects of a release: the bucket set up before them, caches told after them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ropeway.aws.session import Aws
from ropeway.outcome import Done, Output, Run, Step
from ropeway.s3.site.plan import SitePlan
from ropeway.s3.state.manifest import Entry, Manifest


def _nothing_first(_aws: Aws, _run: Run) -> None: ...


def _nothing(_aws: Aws, _run: Run) -> Sequence[Done[Any]]:
    return ()


@dataclass(frozen=True)
class Beside:
    """Planned by reading only. Both functions are called under the lock: `before` before the first change of the site, also where there
    is none, and `apply` once, where there are steps. They raise RopewayError.

    `stales`: what it changes makes everything stale that caches keep. `owed` are those of its steps that earlier runs have left, and that
    this one was not asked for: where they fail, that is a warning.
    """

    steps: tuple[Step[Any], ...] = ()
    apply: Callable[[Aws, Run], Sequence[Done[Any]]] = _nothing
    before: Callable[[Aws, Run], None] = _nothing_first
    warnings: tuple[str, ...] = ()
    outputs: tuple[Output, ...] = ()
    stales: bool = False
    owed: tuple[Step[Any], ...] = ()


NOTHING = Beside()


@dataclass(frozen=True, slots=True)
class Changed:
    """What visitors find otherwise than before, by its key below the prefix.

    `immutable`: its Cache-Control says that it never changes, or said so. `fresh`: nothing was there before, or nothing is there any more, so
    that no cache holds other bytes under this name. `gone`: nothing is there any more.
    """

    key: str
    immutable: bool
    fresh: bool
    gone: bool = False


def changed(plan: SitePlan, live: Manifest | None) -> tuple[Changed, ...]:
    """What the plan changes, and what a run that did not come to its end has changed since the live release."""
    known = live.by_key if live else {}
    return tuple(_changes(plan, known))


def _changes(plan: SitePlan, known: dict[str, Entry]) -> Iterator[Changed]:
    for one in plan.steps:
        was = known.get(one.key)
        if one.group is None and one.changes:
            yield Changed(one.key, _immutable(was), fresh=True, gone=True)
        elif one.entry and (one.changes or _differs(one.entry, was)):
            new = was is None and str(one.step.reason) == "new"
            yield Changed(one.key, _immutable(one.entry) or _immutable(was), fresh=new)


def _differs(entry: Entry, was: Entry | None) -> bool:
    return was is None or (entry.sha256, entry.headers) != (was.sha256, was.headers)


def _immutable(entry: Entry | None) -> bool:
    return entry is not None and "immutable" in entry.headers.cache_control.lower()
