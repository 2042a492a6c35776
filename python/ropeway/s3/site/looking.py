"""Looking at objects that no manifest vouches for: a HEAD each, and their tags. The bytes are compared by digests that S3 tells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ropeway.outcome import Cancellation
from ropeway.s3.compare import same_bytes
from ropeway.s3.engine import Head, ObjectEngine
from ropeway.s3.site.comparing import plan_release, unvouched
from ropeway.s3.site.plan import Look, SitePlan, Target, Terms
from ropeway.s3.site.protecting import check_protected
from ropeway.s3.site.source import SiteObject
from ropeway.s3.state.manifest import Manifest


@dataclass(frozen=True)
class Survey:
    """What a release is planned with. `now` by the server's clock, seconds since the epoch; `half_done` as `plan_release` takes it.

    `doubted`: no manifest vouches for anything.
    """

    engine: ObjectEngine
    target: Target
    live: Manifest | None
    terms: Terms
    now: float
    cancellation: Cancellation
    half_done: frozenset[str] = frozenset()
    doubted: bool = False

    def plan(self, source: Sequence[SiteObject]) -> SitePlan:
        """One listing, and a look at each object that is not as the live release left it. Raises as `plan_release` does."""
        listed = list(self.engine.list(self.target.bucket, self.target.begins, cancellation=self.cancellation))
        there = self.target.below(listed)
        strange = unvouched(source, there, self.live)
        open_ones = unvouched(source, there, None) if self.doubted else strange
        looks = look_at(self.engine, self.target, open_ones, self.cancellation)
        plan = plan_release(
            self.target,
            source,
            there,
            self.live,
            looks=looks,
            terms=self.terms,
            now=self.now,
            half_done=self.half_done,
        )
        idle = check_protected(self.terms.protected, self.target, there, plan.steps)
        return replace(
            plan,
            warnings=(*plan.warnings, *idle),
            strange=frozenset(one.key for one in strange),
            states=self.target.states(listed),
        )


def look_at(
    engine: ObjectEngine, target: Target, objects: Sequence[SiteObject], cancellation: Cancellation
) -> dict[str, Look]:
    """By key below the prefix. One that is gone since it was listed counts as one with other bytes."""
    by_key = {target.key(one.key): one for one in objects}
    heads = dict(engine.heads(target.bucket, list(by_key), cancellation=cancellation)) if by_key else {}
    looks = {by_key[key].key: _look(by_key[key], head, cancellation) for key, head in heads.items()}
    tagged = [key for key, head in heads.items() if head and head.tag_count and looks[by_key[key].key].same_bytes]
    for key, tags in engine.tags(target.bucket, tagged, cancellation=cancellation) if tagged else ():
        look = looks[by_key[key].key]
        looks[by_key[key].key] = replace(look, headers=replace(look.headers, tags=tags))
    return looks


def _look(one: SiteObject, head: Head | None, cancellation: Cancellation) -> Look:
    if head is None:
        return Look(same_bytes=False, headers=one.headers, version_id="", modified=0.0)
    same = head.size == one.size and same_bytes(one.path, head, cancellation)
    return Look(same, head.headers, head.version_id, head.modified)
