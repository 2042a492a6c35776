"""CloudFront's copies of what a release changes: the inputs, and the plan beside that of the objects."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ropeway import inputs
from ropeway.aws.connection import AwsInputs
from ropeway.aws.policy import IamAction
from ropeway.aws.session import Aws
from ropeway.errors import AwsError
from ropeway.inputs import Group, Spelling
from ropeway.outcome import Run, listing
from ropeway.s3.site.beside import NOTHING, Beside, Changed
from ropeway.s3.site.standing import Site

if TYPE_CHECKING:
    from ropeway.s3.cloudfront.distributions import Distribution
    from ropeway.s3.cloudfront.journal import Journal

CLOUDFRONT = Group("cloudfront", "CloudFront")
DISTRIBUTIONS = "arn:{partition}:cloudfront::*:distribution/*"
ACTIONS = (
    IamAction(
        "cloudfront:GetDistribution",
        DISTRIBUTIONS,
        "distributionIds, also of the release that is taken back, or dnsAliases name a distribution",
    ),
    IamAction(
        "cloudfront:CreateInvalidation",
        DISTRIBUTIONS,
        "distributionIds, also of the release that is taken back, and of a run that was stopped before it had told them",
    ),
    IamAction("cloudfront:GetInvalidation", DISTRIBUTIONS, "the same, and waitForInvalidation"),
)
SERVICES = ("cloudfront",)
MINUTE = 60.0


@dataclass(frozen=True, kw_only=True)
class CloudFrontInputs(AwsInputs):
    """Which distributions show the site, and how far they are waited for."""

    distribution_ids: tuple[str, ...] = inputs.lines(
        "CloudFront distributions",
        "The ids of the distributions that show the site, one a line. After a release, and after a rollback, their copies of what changed are "
        "invalidated; those of fingerprinted files are not, unless errors are kept there for more than ten seconds. A rollback that names none takes those that the last release has named.",
        group=CLOUDFRONT.name,
        metavar="ID",
    )
    index_document: str = inputs.text(
        "Index document",
        "What is shown for a folder: `docs/` is `docs/index.html`.",
        default="index.html",
        group=CLOUDFRONT.name,
        metavar="NAME",
    )
    invalidation_limit: int = inputs.number(
        "Paths of an invalidation, at most",
        "When more paths changed, whole folders are invalidated (`/docs/*`), the deepest first. AWS charges by the path, from the 1,001st of a "
        "month on; a wildcard is one path. 0: always everything (`/*`).",
        default=30,
        at_least=0,
        at_most=3000,
        group=CLOUDFRONT.name,
    )
    wait_for_invalidation: bool = inputs.flag(
        "Wait for CloudFront",
        "Go on, to the checks for example, when CloudFront has completed the invalidation. Otherwise as soon as it has accepted it.",
        default=True,
        group=CLOUDFRONT.name,
    )
    invalidation_minutes: int = inputs.number(
        "CloudFront's time in minutes",
        "How long an invalidation may take, at most. When it takes longer, the task fails, and the release stays live.",
        default=20,
        at_least=1,
        at_most=240,
        group=CLOUDFRONT.name,
    )

    def problems(self, spell: Spelling) -> Iterator[str]:
        yield from super().problems(spell)
        for id in self.distribution_ids:
            if not is_distribution(id):
                yield f"{spell('distribution_ids')} holds {id!r}, which is no id of a distribution; one reads E2QWRUHAPOMQZL."
        if "/" in self.index_document:
            yield f"{spell('index_document')} is {self.index_document!r}: it is a name without a folder."


def is_distribution(text: str) -> bool:
    return text.isascii() and text.isalnum() and text.isupper() and len(text) >= 8


@dataclass(frozen=True)
class Edges:
    """The distributions that show the site, as AWS tells of them. `known` is what the journal shall tell of them from now on (empty: what it does)."""

    distributions: tuple[Distribution, ...] = ()
    warnings: tuple[str, ...] = ()
    known: tuple[str, ...] = ()


NO_EDGES = Edges()


def edges_of(given: CloudFrontInputs, site: Site, aws: Aws, run: Run, *, releases: bool) -> Edges:
    """Those that are named. A rollback that names none tells those that the last release has named: who goes back has no inputs at hand.

    Raises RopewayError for what is named and cannot be looked at; of what is only known, a warning tells.
    """
    if not given.distribution_ids:
        return NO_EDGES if releases else _found(_journal(site, run).known, aws)
    from ropeway.s3.cloudfront.distributions import read_distribution  # noqa: PLC0415 - start-up counts

    ids = tuple(dict.fromkeys(given.distribution_ids))
    return Edges(tuple(read_distribution(aws, id) for id in ids), known=ids if releases else ())


_FORGOTTEN = (
    "This run names no distribution (distributionIds), and the release before it named {}: edges go on showing what they have. Name them, or delete "
    "{} if none shows the site any more."
)
_LEFT_OUT = (
    "This run does not name {} (distributionIds), which the release before it has named: edges there go on showing what they have. Name them, if they "
    "show the site still."
)


def _forgotten(site: Site, edges: Edges, missed: Sequence[str]) -> tuple[str, ...]:
    """A warning of those that are known, and told nothing. What is known and cannot be told has one already."""
    if not missed or edges.warnings:
        return ()
    words = _LEFT_OUT if edges.distributions else _FORGOTTEN
    return (words.format(listing(list(missed)), _where(site)),)


def _found(known: Sequence[str], aws: Aws) -> Edges:
    from ropeway.s3.cloudfront.distributions import read_distribution  # noqa: PLC0415 - start-up counts

    found: list[Distribution] = []
    warnings: list[str] = []
    for id in known:
        try:
            found.append(read_distribution(aws, id))
        except AwsError as refused:
            warnings.append(
                f"The last release told the distribution {id}, this run cannot, and it may go on showing what it has: {refused}"
            )
    return Edges(tuple(found), tuple(warnings))


def _journal(site: Site, run: Run) -> Journal:
    from ropeway.s3.cloudfront.journal import read_journal  # noqa: PLC0415 - start-up counts

    return read_journal(site.engine, site.state, run.cancellation)


def _where(site: Site) -> str:
    from ropeway.s3.cloudfront.journal import journal_place  # noqa: PLC0415 - start-up counts

    return journal_place(site.state).address


def plan_invalidation(
    given: CloudFrontInputs,
    site: Site,
    edges: Edges,
    run: Run,
    *,
    release: str,
    changed: Sequence[Changed],
    everything: bool = False,
    may_owe: bool = True,
    first: bool = False,
) -> Beside:
    """Reads what earlier runs have left to do, also of distributions that this one does not name, where they may have (`may_owe`). Raises
    RopewayError. `first`: nothing was released before, so that a distribution may be new to the journal and still keep nothing.
    """
    if not (edges.distributions or changed or may_owe):
        return NOTHING
    left = _journal(site, run)
    named = tuple(one.id for one in edges.distributions)
    missed = tuple(id for id in left.known if id not in named) if changed else ()
    warnings = (*edges.warnings, *_forgotten(site, edges, missed))
    unsaid = missed if set(missed) - set(left.missed) else ()
    if not (named or left.pending or unsaid):
        return replace(NOTHING, warnings=warnings)
    # Imported by who has distributions: start-up counts.
    from ropeway.s3.cloudfront import invalidating, planning  # noqa: PLC0415

    keys, arrived = _keys(site, changed)
    # Edges keep folders under the names that deploys gave to their pages, whatever this run is told.
    indexes = tuple(dict.fromkeys((*left.indexes, given.index_document)))
    strangers = frozenset(id for id in named if id in left.missed or not (first or id in left.known))
    stale = planning.Stale(site.target.bucket, keys, release, everything, indexes, strangers, arrived)
    planned = planning.plan_invalidations(edges.distributions, stale, left, given.invalidation_limit)
    owed = planning.plan_owed(named, left)
    terms = invalidating.Terms(given.wait_for_invalidation, given.invalidation_minutes * MINUTE)
    journal = invalidating.Journalled(site.engine, site.state)
    known = edges.known or tuple(dict.fromkeys((*left.known, *named)))
    known = known if known != left.known else ()
    names = indexes if edges.known and indexes != left.indexes else ()
    return Beside(
        steps=tuple(step for one in (*planned, *owed) for step in one.steps),
        apply=lambda aws, run: invalidating.invalidate(aws, journal, (*planned, *owed), terms, run),
        before=lambda _, run: invalidating.note(
            journal, planned, run.cancellation, known=known, indexes=names, missed=unsaid
        ),
        warnings=(*warnings, *planning.warnings_of(edges.distributions, site.target.bucket, site.target.prefix)),
        owed=tuple(step for one in owed for step in one.steps),
    )


def _keys(site: Site, changed: Sequence[Changed]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What edges may hold otherwise, and what they may hold that it is missing.

    A fingerprinted file that is new, or gone, is left out: no edge holds other bytes under its name. One that changed under its name is not, nor one that
    is new where edges keep for long that there was nothing: visitors of a release that was taken back, or is gone back to, have asked for it.
    """
    other = tuple(site.target.key(one.key) for one in changed if not (one.immutable and one.fresh))
    return other, tuple(site.target.key(one.key) for one in changed if one.immutable and one.fresh and not one.gone)
