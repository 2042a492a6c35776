"""What would be invalidated of which distribution. Reads nothing itself."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from ropeway.outcome import Reason, Step
from ropeway.s3.cloudfront.distributions import Distribution
from ropeway.s3.cloudfront.folding import fold
from ropeway.s3.cloudfront.journal import Journal, Pending, new_nonce
from ropeway.s3.cloudfront.paths import EVERYTHING, covers, encoded, is_wildcard, paths_of


@dataclass(frozen=True)
class Stale:
    """What is old at the edge after a release: objects by their whole keys, or all of it.

    `release` names the invalidation; `indexes` are the names of index documents. `strangers` are distributions that were not told of what was
    before, so that they may keep anything. `arrived` are fingerprinted objects that were not there: of those an edge may keep that they were not.
    """

    bucket: str
    keys: tuple[str, ...]
    release: str
    everything: bool = False
    indexes: tuple[str, ...] = ("index.html",)
    strangers: frozenset[str] = frozenset()
    arrived: tuple[str, ...] = ()


@dataclass(frozen=True)
class Invalidation:
    """Of one distribution. `pending` is what the journal will tell of it. `owed`: earlier runs have left it, and this one does not name the distribution."""

    distribution: str
    pending: Pending
    owed: bool = False

    @cached_property
    def steps(self) -> tuple[Step[None], ...]:
        """A step for each path: the same ones in the plan and in the results."""
        names = (f"CloudFront {self.distribution}: {path}" for path in self.pending.paths)
        return tuple(Step("invalidate", name, Reason.STALE, 0) for name in names)


def plan_invalidations(
    distributions: Sequence[Distribution], stale: Stale, journal: Journal, limit: int
) -> tuple[Invalidation, ...]:
    """Those that an earlier run has left are among them. None for a distribution of which nothing is old."""
    found = ((one.id, _pending(one, stale, journal.pending.get(one.id), limit)) for one in distributions)
    return tuple(Invalidation(id, pending) for id, pending in found if pending)


def plan_owed(named: Container[str], journal: Journal) -> tuple[Invalidation, ...]:
    """What earlier runs have left of distributions that this one does not name, as they have left it: their edges show what was before."""
    return tuple(
        Invalidation(id, pending, owed=True) for id, pending in sorted(journal.pending.items()) if id not in named
    )


def _pending(distribution: Distribution, stale: Stale, left: Pending | None, limit: int) -> Pending | None:
    """What this run changes is asked for anew, whatever was asked for before; what is only left over, under the reference it has."""
    changed = set(stale_paths(distribution, stale))
    shown_elsewhere = any(covers(path, encoded(page)) for page in distribution.error_pages for path in changed)
    if shown_elsewhere or (changed and distribution.rewrites):
        changed.add(EVERYTHING)
    if not changed:
        return left
    return Pending(stale.release, fold({*changed, *(left.paths if left else ())}, limit), new_nonce())


def stale_paths(distribution: Distribution, stale: Stale) -> Iterator[str]:
    """Not folded yet. A wildcard each, where copies are kept by query string: a path alone reaches none of those."""
    if stale.everything or distribution.id in stale.strangers:
        yield EVERYTHING
        return
    indexes = {*stale.indexes, *filter(None, [distribution.root])}
    # S3 leads /docs to /docs/ once there is a page; an edge may keep that there was none.
    bare = distribution.keeps_absence and distribution.by_website(stale.bucket)
    for origin in distribution.paths_into(stale.bucket) or ("", *(one.path for one in distribution.origins)):
        for key in (*stale.keys, *(stale.arrived if distribution.keeps_absence else ())):
            found = list(paths_of(key, origin, indexes, distribution.root))
            for path in (*found, *(path[:-1] for path in found if bare and path.endswith("/") and path != "/")):
                yield f"{path}*" if distribution.by_query and not is_wildcard(path) else path


def warnings_of(distributions: Iterable[Distribution], bucket: str, prefix: str = "") -> Iterator[str]:
    """Sentences. `prefix` is where in the bucket the site lies, without outer slashes."""
    for one in distributions:
        paths = one.paths_into(bucket)
        if paths and not any(_meet(path.strip("/"), prefix) for path in paths):
            yield (
                f"The distribution {one.id} begins at {', '.join(paths)} in the bucket, and shows nothing of s3://{bucket}/{prefix}: nothing of it is "
                "invalidated. Check its origin path, targetFolder, and distributionIds."
            )
        if not paths:
            origins = ", ".join(origin.host for origin in one.origins)
            yield (
                f"No origin of the distribution {one.id} is the bucket {bucket} (they are {origins}): its paths are taken to be the keys of the bucket, "
                "the whole ones and what they are below the paths of these origins."
            )
        if not one.enabled:
            yield f"The distribution {one.id} is disabled: it shows nothing to anybody."


def _meet(one: str, other: str) -> bool:
    """Whether one of two folders lies within the other."""
    first, second = sorted((f"{one}/" if one else "", f"{other}/" if other else ""), key=len)
    return second.startswith(first)
