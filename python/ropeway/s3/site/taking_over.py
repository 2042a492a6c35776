"""The first release to a place: what lies there is nobody's that Ropeway knows, and it is the moment at which the wrong place is named."""

from __future__ import annotations

from collections.abc import Set as AbstractSet

from ropeway.errors import InputError
from ropeway.outcome import Reason, counted, listing
from ropeway.s3.site.plan import SitePlan, SiteStep


def refuse_taking_over(plan: SitePlan, ours: AbstractSet[str]) -> None:
    """Raises InputError where the first release would delete what no release has put there, at once or when nobody is held to miss it any more.

    `ours` are the keys of those that ended half-way.
    """
    foreign = [one.step.name for one in (*plan.of(None), *_kept(plan)) if one.key not in ours]
    if not foreign:
        return
    place = f"s3://{plan.target.bucket}/{plan.target.prefix}"
    problem = (
        f"This is the first release to {place}, and it would delete {counted(len(foreign), 'object')} that no release has put there: "
        f"{listing(foreign)}. Nothing was changed."
    )
    raise InputError([problem]).advised(
        "Check bucket and target folder. Set deleteUnknown if they are to go, or name them in protected if they are to stay."
    )


def _kept(plan: SitePlan) -> list[SiteStep]:
    """Uploads may be named by their digests, too: what looks like an asset is kept for open pages, and deleted by a later release."""
    return [one for one in plan.steps if one.step.reason is Reason.KEPT]
