"""Invalidating what is old: noted before the first change, asked for after the last, and waited for."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ropeway.aws.answers import asking
from ropeway.aws.session import Aws
from ropeway.errors import AwsError, NetworkError, RopewayError
from ropeway.outcome import Cancellation, Done, Run, counted, duration
from ropeway.s3.cloudfront.folding import MOST_PATHS, fold
from ropeway.s3.cloudfront.journal import Journal, Pending, change_journal, journal_place
from ropeway.s3.cloudfront.planning import Invalidation
from ropeway.s3.engine import ObjectEngine
from ropeway.s3.state.place import StatePlace

TOO_MANY = "TooManyInvalidationsInProgress"
_OWED = (
    "An earlier run has left it to be invalidated, and this run does not name the distribution (distributionIds): its edges may go on showing what "
    "was there before. Name it once more, or delete {} if it shows the site no more."
)
PAUSES = (0.5, 1.0, 2.0, 5.0)
"""Seconds between two looks; the last one again and again. An invalidation takes from seconds to a few minutes."""


@dataclass(frozen=True)
class Terms:
    """`seconds` is how long CloudFront may take, before it accepts an invalidation and until it has completed it."""

    wait: bool = True
    seconds: float = 1200.0


@dataclass(frozen=True)
class Journalled:
    """Where the journal is: the folder with the state of the site."""

    engine: ObjectEngine
    site: StatePlace


def note(
    journal: Journalled,
    planned: Sequence[Invalidation],
    cancellation: Cancellation,
    *,
    known: tuple[str, ...] = (),
    indexes: tuple[str, ...] = (),
    missed: tuple[str, ...] = (),
) -> None:
    """Before the first change: whatever becomes of this run, the next one knows what is old, of which distributions (`known`), and how index
    documents were called (`indexes`). Empty: as it knew before. `missed` are those that will not be told of it.
    """
    noted = {one.distribution: one.pending for one in planned}

    def noting(there: Journal) -> Journal:
        pending = {**there.pending, **{id: _beside(there.pending.get(id), one) for id, one in noted.items()}}
        untold = tuple(dict.fromkeys(id for id in (*there.missed, *missed) if id not in noted))
        return Journal(pending, known or there.known, indexes or there.indexes, untold, there.etag)

    if noted or known or indexes or missed:
        change_journal(journal.engine, journal.site, noting, cancellation)


def _beside(theirs: Pending | None, ours: Pending) -> Pending:
    """With what somebody without a lock has noted since this was planned, and may have left: whoever comes next finds it."""
    if theirs is None:
        return ours
    paths = fold((*theirs.paths, *ours.paths), MOST_PATHS)
    return ours if set(paths) == set(ours.paths) else replace(ours, paths=paths)


def invalidate(
    aws: Aws, journal: Journalled, planned: Sequence[Invalidation], terms: Terms, run: Run
) -> tuple[Done[None], ...]:
    """All distributions are asked before the first is waited for; what is owed of others has its turn after that. Errors of one end up in its
    results, and it stays in the journal.

    Raises what concerns all: Cancelled, NetworkError, CredentialsError.
    """
    began = time.monotonic()
    invalidating = _Invalidating(aws, terms, run, began + terms.seconds)
    errors = dict(invalidating.refused([one for one in planned if not one.owed]))
    errors.update(_owed_still(invalidating, [one for one in planned if one.owed], journal))
    done = {one.distribution: one.pending for one in planned if one.distribution not in errors}
    if done:
        change_journal(journal.engine, journal.site, lambda there: _without(there, done), run.cancellation)
    return tuple(_results(planned, errors, time.monotonic() - began))


def _owed_still(
    invalidating: _Invalidating, owed: Sequence[Invalidation], journal: Journalled
) -> Iterator[tuple[str, RopewayError]]:
    """Nobody has asked this run for it: that AWS cannot be reached for it, or refuses it, holds up nothing else. Raises Cancelled."""
    place = journal_place(journal.site).address
    for one in owed:
        try:
            errors = dict(invalidating.refused([one]))
        except NetworkError as silent:
            errors = {one.distribution: silent}
        for id, error in errors.items():
            yield id, error.advised(f"{error.advice} {_OWED.format(place)}".strip())


def _without(there: Journal, done: Mapping[str, Pending]) -> Journal:
    """What somebody else has noted meanwhile stays."""
    return replace(there, pending={id: one for id, one in there.pending.items() if done.get(id) != one})


def _results(
    planned: Sequence[Invalidation], errors: Mapping[str, RopewayError], seconds: float
) -> Iterator[Done[None]]:
    for one in planned:
        yield from (Done(step, seconds, errors.get(one.distribution)) for step in one.steps)


# --- asking, and waiting ----------------------------------------------------------------------------------------------------


class _Late(RopewayError):
    """CloudFront took longer than it may."""


@dataclass(frozen=True)
class _Asked:
    """An invalidation that CloudFront knows by its id."""

    invalidation: Invalidation
    id: str
    completed: bool


@dataclass(frozen=True)
class _Invalidating:
    """`deadline` by the monotonic clock."""

    aws: Aws
    terms: Terms
    run: Run
    deadline: float

    def refused(self, planned: Sequence[Invalidation]) -> Iterator[tuple[str, RopewayError]]:
        """The distributions of which it could not be done, and why."""
        asked = []
        for one in planned:
            try:
                asked.append(self._asked(one))
            except (AwsError, _Late) as refused:
                yield one.distribution, refused
        for each in asked if self.terms.wait else ():
            try:
                self._await(each)
            except (AwsError, _Late) as refused:
                yield each.invalidation.distribution, refused

    def _asked(self, one: Invalidation) -> _Asked:
        """As long as too many are in progress, again."""
        paths = counted(len(one.pending.paths), "path")
        for attempt, pause in enumerate(_pauses()):
            try:
                told = self._create(one)
            except AwsError as refused:
                if refused.code != TOO_MANY:
                    raise
                if not attempt:
                    self.run.tell.note(f"{one.distribution} has too many invalidations in progress: waiting.")
                self._pause(pause, one, refused.message)
            else:
                self.run.tell.note(f"Invalidates {paths} of {one.distribution}: {told['Id']}, {told['Status']}.")
                return _Asked(one, str(told["Id"]), told["Status"] == "Completed")
        raise AssertionError("the pauses never end")

    def _create(self, one: Invalidation) -> Mapping[str, Any]:
        paths = {"Quantity": len(one.pending.paths), "Items": list(one.pending.paths)}
        batch = {"Paths": paths, "CallerReference": one.pending.reference}
        with asking(f"invalidate {_what(one)}", action="cloudfront:CreateInvalidation"):
            answer = self._client.create_invalidation(DistributionId=one.distribution, InvalidationBatch=batch)
        told: Mapping[str, Any] = answer["Invalidation"]
        return told

    def _await(self, asked: _Asked) -> None:
        one, completed, pauses = asked.invalidation, asked.completed, _pauses()
        while not completed:
            self._pause(next(pauses), one, f"{asked.id} is in progress")
            with asking(f"see how far the invalidation {asked.id} is", action="cloudfront:GetInvalidation"):
                told = self._client.get_invalidation(DistributionId=one.distribution, Id=asked.id)
            completed = told["Invalidation"]["Status"] == "Completed"

    def _pause(self, seconds: float, one: Invalidation, why: str) -> None:
        """Raises _Late where the time is over, Cancelled."""
        if time.monotonic() + seconds > self.deadline:
            raise _Late(
                f"CloudFront has not invalidated {_what(one)} within {duration(self.terms.seconds)}: {why}.",
                advice="The release is live, and edges may show what was there before. Run again to wait on, or give it more "
                "time (invalidationMinutes).",
            )
        self.run.cancellation.wait(seconds)
        self.run.cancellation.check()

    @property
    def _client(self) -> Any:
        return self.aws.client("cloudfront")


def _what(one: Invalidation) -> str:
    return f"{counted(len(one.pending.paths), 'path')} of the distribution {one.distribution}"


def _pauses() -> Iterator[float]:
    yield from PAUSES
    while True:
        yield PAUSES[-1]
