"""What is kept of an application in S3: its releases, a record of each deploy, and the places of lock, journal and bundles.

    .ropeway/applications/NAME/lock.json  journal.json  releases.json  releases/ID.json  bundles/SHA256.tar.gz  deploys/WHEN-ID.json

What lies on the hosts the hosts say themselves; this is for people, for rollbacks, and for the next run.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from typing import Any
from urllib.parse import quote

from ropeway.ec2.course import End
from ropeway.errors import NothingMatched, Overtaken
from ropeway.outcome import Cancellation
from ropeway.s3.encryption import AS_THE_BUCKET, Encryption
from ropeway.s3.engine import ObjectEngine
from ropeway.s3.state.documents import JSON, decode, encode
from ropeway.s3.state.lock import lock_place
from ropeway.s3.state.place import StatePlace, place_at
from ropeway.s3.state.releases import History, Release, State, change_history, read_history

VERSION = 1
MOST = 16_000_000
"""Bytes of a record: thousands of instances."""


def application_place(bucket: str, prefix: str, application: str) -> StatePlace:
    return place_at(f"s3://{bucket}/{prefix}", "applications", application)


@dataclass(frozen=True, slots=True)
class InstanceRecord:
    """`before` and `after` are the releases that were live there; `after` empty where nobody knows."""

    id: str
    name: str
    zone: str
    batch: int
    before: str
    after: str
    fate: str
    why: str


@dataclass(frozen=True, slots=True)
class DeployRecord:
    """`kind` is deploy or rollback; `over` the release that was live before. Times are seconds since the epoch, by the server's clock.

    `end` is a word of `course.End`, `running` while it runs: what stays so was killed.
    """

    id: str
    kind: str
    release: str
    over: str
    who: str
    build: str
    commit: str
    run: str
    began: float
    ended: float = 0.0
    end: str = "running"
    why: str = ""
    instances: tuple[InstanceRecord, ...] = ()


@dataclass(frozen=True, slots=True)
class Packed:
    """The bundle of a release, as it lies in S3 (`bundle.Bundle`): what a host needs to know to fetch it once more."""

    release: str
    sha256: str
    content: str
    size: int
    unpacked: int
    files: int

    @property
    def name(self) -> str:
        return f"{self.sha256}.tar.gz"


@dataclass(frozen=True)
class Application:
    """One application: a set of instances that have the same release, and one deploy at a time.

    `engine` writes its state encrypted as `encryption` has it, and its bundles are uploaded so.
    """

    name: str
    engine: ObjectEngine
    place: StatePlace
    encryption: Encryption = AS_THE_BUCKET

    @property
    def lock(self) -> StatePlace:
        return lock_place(self.place)

    @property
    def journal(self) -> StatePlace:
        return self.place.below("journal.json")

    @property
    def bundles(self) -> StatePlace:
        return self.place.below("bundles")

    @property
    def deploys(self) -> StatePlace:
        return self.place.below("deploys")

    def history(self, cancellation: Cancellation) -> History:
        """Raises IntegrityError for what no Ropeway has written."""
        return read_history(self.engine, self.place, cancellation)[0]

    # --- releases -------------------------------------------------------------------------------------------------------------

    def begin(self, release: Release, cancellation: Cancellation) -> None:
        """A release is under way. The live one stays what it is while it is brought to more hosts, or repaired."""
        self._change(lambda history: history if history.live == release.id else history.staged(release), cancellation)

    def end(self, release: Release, end: End, over: str, *, begun: bool) -> None:
        """It came to an end. `over` was live when it began; `begun` says whether its first batch was. Raises Overtaken when another one is live
        by now.

        Word of it is worth having even where it was stopped.
        """
        self._change(lambda history: _ended(history, release, end, over, begun=begun), Cancellation())

    def going(self, live: str, past: str, cancellation: Cancellation) -> None:
        """The live release is being taken back: nobody vouches for it on every host from now on, however far that comes. What is passed over (`past`)
        is done with: another try would find that somebody has gone further, and lead him to the live one again.
        """
        self._change(lambda history: _left(_passed(history, past), live), cancellation)

    def stays(self, live: str) -> None:
        """It was not taken back after all: nothing was changed, and it is as healthy as it was."""
        self._change(
            lambda history: history.now(live, State.HEALTHY) if history.live == live else history, Cancellation()
        )

    def back(self, release: str, over: str, end: End) -> None:
        """An earlier release is live again. It is healthy where all of it was seen to work."""
        self._change(lambda history: _back(history, release, over, end), Cancellation())

    def _change(self, change: Callable[[History], History], cancellation: Cancellation) -> None:
        change_history(self.engine, self.place, change, cancellation)

    def keep(self, packed: Packed, cancellation: Cancellation) -> None:
        """What a later rollback finds the bundle by."""
        place = self._packed_place(packed.release)
        body = encode(VERSION, asdict(packed))
        self.engine.write(place.bucket, place.key, body, JSON, cancellation=cancellation)

    def packed(self, release: str, cancellation: Cancellation) -> Packed:
        """Raises NothingMatched where nothing was kept of it."""
        place = self._packed_place(release)
        found = self.engine.read(place.bucket, place.key, most=MOST, cancellation=cancellation)
        if found is None:
            raise NothingMatched(
                f"Release {release} has no bundle at {self.place.address} any more: {place.address} is gone.",
                advice="Somebody deleted it. Deploy the release from its build once more.",
            )
        return decode(found.body, VERSION, place, _packed)

    def _packed_place(self, release: str) -> StatePlace:
        return self.place.below(f"releases/{quote(release, safe='')}.json")

    # --- deploys --------------------------------------------------------------------------------------------------------------

    def write(self, record: DeployRecord, cancellation: Cancellation) -> None:
        """Over the same record, as it was before."""
        place = self._record_place(record)
        body = encode(VERSION, asdict(record))
        self.engine.write(place.bucket, place.key, body, JSON, cancellation=cancellation)

    def _record_place(self, record: DeployRecord) -> StatePlace:
        when = datetime.fromtimestamp(record.began, timezone.utc)
        return self.deploys.below(f"{when:%Y%m%dT%H%M%SZ}-{record.id}.json")

    def records(self, most: int, cancellation: Cancellation) -> tuple[DeployRecord, ...]:
        """The last ones, the newest first."""
        listed = self.engine.list(self.deploys.bucket, f"{self.deploys.key}/", cancellation=cancellation)
        keys = sorted((one.key for one in listed), reverse=True)[:most]
        return tuple(self._read(StatePlace(self.deploys.bucket, key), cancellation) for key in keys)

    def _read(self, place: StatePlace, cancellation: Cancellation) -> DeployRecord:
        found = self.engine.read(place.bucket, place.key, most=MOST, cancellation=cancellation)
        if found is None:
            raise NothingMatched(f"The record {place.address} was deleted while it was read.", advice="Look again.")
        return decode(found.body, VERSION, place, _record)


def _ended(history: History, release: Release, end: End, over: str, *, begun: bool) -> History:
    if end in {End.HEALTHY, End.PARTLY}:
        now = history.switched(release.id, over=over).claimed(release.id, release.run, release.attempt)
        return _over_half_done(now.now(release.id, State.HEALTHY)) if end is End.HEALTHY else now
    if history.live == release.id:
        # It failed, or was stopped, as it was brought to more hosts, or repaired: nobody vouches for the whole any more, and what that run
        # has switched is its to take back. What another one has left half-way is not.
        theirs = history.claimed(release.id, release.run, release.attempt) if begun else history
        return theirs.now(release.id, State.LIVE) if end in {End.FAILED, End.STOPPED} else history
    # What has come to nobody leaves no more behind than what is back from everybody: a rollback goes past both.
    nowhere = end in {End.ROLLED_BACK, End.UNTOUCHED}
    return history.now(release.id, State.ROLLED_BACK if nowhere else State.FAILED)


def _left(history: History, live: str) -> History:
    there = history.find(live)
    healthy = there is not None and there.state is State.HEALTHY and history.live == live
    return history.now(live, State.LIVE) if healthy else history


def _passed(history: History, release: str) -> History:
    return history.now(release, State.ROLLED_BACK) if release else history


def _over_half_done(history: History) -> History:
    """The live release was brought to everybody once more: what ended half-way over it is nowhere any more, and a rollback goes past it."""
    left = history.half_done
    return history.now(left.id, State.ROLLED_BACK) if left else history


def _back(history: History, release: str, over: str, end: End) -> History:
    now = history.taken_back(release).switched(release, over=over)
    return now.now(release, State.HEALTHY) if end is End.HEALTHY else now


def _packed(told: Mapping[str, Any]) -> Packed:
    words = {name: str(told[name]) for name in ("release", "sha256", "content")}
    return Packed(**words, size=int(told["size"]), unpacked=int(told["unpacked"]), files=int(told["files"]))


def _record(told: Mapping[str, Any]) -> DeployRecord:
    instances = tuple(_instance(one) for one in told["instances"])
    words = {name: str(told[name]) for name in ("id", "kind", "release", "over", "who", "build", "commit", "run")}
    return DeployRecord(
        **words,
        began=float(told["began"]),
        ended=float(told["ended"]),
        end=str(told["end"]),
        why=str(told["why"]),
        instances=instances,
    )


def _instance(told: Mapping[str, Any]) -> InstanceRecord:
    words = {name: str(told[name]) for name in ("id", "name", "zone", "before", "after", "fate", "why")}
    return InstanceRecord(**words, batch=int(told["batch"]))


# --- where a rollback leads -----------------------------------------------------------------------------------------------------


def rollback_target(history: History, to: str, of: str) -> Release:
    """The release that a rollback brings back: the named one, or the last good one before what is live or half done.

    `of` is what is to be taken back, empty for whatever it is. Raises Overtaken when another one is live, NothingMatched when
    there is nothing to go back to.
    """
    begun = history.half_done.id if history.half_done else history.live
    if of and of not in {begun, history.live}:
        raise Overtaken(
            f"Release {history.live or 'none'} is live, and not {of}, which was to be taken back. Nothing was changed.",
            advice="Somebody else has deployed since. Look at the releases, and roll theirs back if it is to go.",
        )
    found = history.find(to) if to else _before(history, of or begun)
    if found:
        return found
    known = ", ".join(one.id for one in history.releases[-10:]) or "none"
    raise NothingMatched(
        f"There is no release {to}." if to else f"There is no healthy release before {of or begun or 'the first one'}.",
        advice=f"Name one of these (releaseId): {known}.",
    )


def _before(history: History, release: str) -> Release | None:
    """Half-way over a live one, back means to the live one; unless it is the live one that is to go."""
    return history.live_release if release != history.live else history.before(release)


def made_by(history: History, run: str) -> Release | None:
    """The last release that this build and stage made."""
    return next((one for one in reversed(history.releases) if run and one.run == run), None)
