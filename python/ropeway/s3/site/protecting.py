"""Whether what is said to be protected is: a glob that matches nothing protects nothing, and looks as if it did."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from ropeway.errors import InputError
from ropeway.outcome import Reason, counted, listing
from ropeway.s3.globs import Globs, idle
from ropeway.s3.site.plan import SiteStep, Target


def check_protected(
    globs: Sequence[str], target: Target, there: Iterable[str], steps: Sequence[SiteStep]
) -> Iterator[str]:
    """A warning for each glob that matches neither what is there nor what is released. Keys are below the prefix.

    Raises InputError where the plan writes over, or deletes, what such a glob seems to mean.
    """
    keys = {*there, *(one.key for one in steps)}
    harmed = [one for one in steps if one.changes and one.step.reason is not Reason.NEW]
    unmet = idle(globs, keys)
    if problems := [problem for glob in unmet if (problem := _harm(glob, target, harmed))]:
        raise InputError(problems)
    return (
        f"protected: {glob} matches nothing, neither in the bucket nor in the source: it protects nothing."
        for glob in unmet
    )


def _harm(glob: str, target: Target, harmed: Sequence[SiteStep]) -> str:
    """What would be changed that it seems to mean, in words."""
    for spelling in _meant(glob.strip(), target):
        exact, any_case = Globs([spelling]), Globs([spelling.lower()])
        hit = [one for one in harmed if any_case.matches_key(one.key.lower())]
        if not hit:
            continue
        mend = f"write {spelling}" if any(exact.matches_key(one.key) for one in hit) else "capital letters count"
        return (
            f"protected: {glob} matches nothing, and {counted(len(hit), 'object')} would be changed or deleted that it seems to mean: "
            f"{listing([one.step.name for one in hit], 3)}. Globs are matched against whole keys below the target folder: {mend}. "
            "Nothing was changed."
        )
    return ""


def _meant(glob: str, target: Target) -> Iterator[str]:
    """Without the prefix of the site, and with what is below."""
    for spelling in dict.fromkeys((glob.removeprefix(target.begins), glob)):
        yield spelling
        yield f"{spelling}/**"
