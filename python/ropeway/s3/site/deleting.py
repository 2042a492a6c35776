"""What is about to be deleted, looked at once more: S3 deletes whatever lies there by then."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ropeway.errors import IntegrityError
from ropeway.outcome import Cancellation, counted, listing
from ropeway.s3.engine import Head, Listed, ObjectEngine
from ropeway.s3.site.plan import SitePlan, SiteStep

PAGE = 1000
"""Keys in a page of a listing."""


def refuse_rewritten(
    engine: ObjectEngine, plan: SitePlan, deletes: Sequence[SiteStep], cancellation: Cancellation
) -> None:
    """Raises IntegrityError where somebody has written since the plan what is to be deleted. What is gone by itself is gone."""
    now = dict(_seen(engine, plan, deletes, cancellation))
    written = [one.step.name for one in deletes if _is_another(one.seen, now.get(plan.target.key(one.key)))]
    if written:
        raise IntegrityError(
            f"{counted(len(written), 'object')} that should be gone was written by somebody else meanwhile: {listing(written)}. Nothing was deleted.",
            advice="Name it in protected if it is to stay; deploy again, and it is deleted.",
        )


def _seen(
    engine: ObjectEngine, plan: SitePlan, deletes: Sequence[SiteStep], cancellation: Cancellation
) -> Iterator[tuple[str, Listed | Head | None]]:
    """By whichever is fewer requests: a HEAD each, or a listing of the site."""
    target = plan.target
    if len(deletes) * PAGE > len(plan.steps) + PAGE:
        for one in engine.list(target.bucket, target.begins, cancellation=cancellation):
            yield one.key, one
    else:
        yield from engine.heads(target.bucket, [target.key(one.key) for one in deletes], cancellation=cancellation)


def _is_another(seen: Listed | None, now: Listed | Head | None) -> bool:
    """HEAD tells whole seconds."""
    if seen is None or now is None:
        return False
    return (now.etag, now.size, int(now.modified)) != (seen.etag, seen.size, int(seen.modified))
