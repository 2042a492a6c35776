"""The releases of a site, and which of them is live: one small object, changed by compare-and-swap and never written blindly."""

from __future__ import annotations

import enum
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ropeway.errors import ConditionFailed, InputError, Overtaken
from ropeway.outcome import Cancellation
from ropeway.s3.engine import Condition, ObjectEngine
from ropeway.s3.state.documents import JSON, decode, encode
from ropeway.s3.state.place import StatePlace

VERSION = 1
MOST = 4 << 20
KEPT = 200
"""Releases that are listed; older ones are forgotten, but for the live one."""
TRIES = 5
"""Others write a word now and then; five times in a row means that something is wrong."""


class State(str, enum.Enum):
    """DESIGN: the words. Which release is live the pointer says: a release before it keeps the last state that it had."""

    STAGED = "staged"
    LIVE = "live"
    HEALTHY = "healthy"
    FAILED = "failed"
    ROLLED_BACK = "rolledBack"

    def __str__(self) -> str:
        return self.value


NEXT = {
    State.STAGED: {State.STAGED, State.LIVE, State.FAILED, State.ROLLED_BACK},
    State.LIVE: {State.STAGED, State.LIVE, State.HEALTHY, State.FAILED, State.ROLLED_BACK},
    State.HEALTHY: {State.STAGED, State.LIVE, State.HEALTHY, State.FAILED, State.ROLLED_BACK},
    State.FAILED: {State.STAGED, State.LIVE, State.FAILED, State.ROLLED_BACK},
    State.ROLLED_BACK: {State.STAGED, State.LIVE, State.ROLLED_BACK},
}


@dataclass(frozen=True, slots=True)
class Release:
    """A release in a list. `content` tells what it shows (`manifest.content_of`); `when` is seconds since the epoch; `size` in bytes.

    `run` tells which build and stage made it, `attempt` which try of that stage (empty where nobody counts them): a job that cannot see their
    output variables finds it by these. Where visitors can read the list, it tells neither `commit` nor `who`. `unproved`: its checks were to
    be asked, and nobody has seen their end; or it `failed_before` it was made live again, and nobody has seen it well since.
    `edges`: it was to tell distributions, so that something may be left to tell them.
    """

    id: str
    state: State
    when: float
    build: str
    content: str
    files: int
    size: int
    run: str = ""
    commit: str = ""
    who: str = ""
    attempt: str = ""
    unproved: bool = False
    failed_before: bool = False
    edges: bool = False

    @property
    def doubtful(self) -> bool:
        """That it is made live again by a rollback proves nothing."""
        return self.unproved or self.state is State.FAILED


@dataclass(frozen=True, slots=True)
class History:
    """Releases from the first to the last. `live` is the id of the one that visitors see, empty where there is none."""

    live: str = ""
    releases: tuple[Release, ...] = ()

    def find(self, release: str) -> Release | None:
        return next((one for one in self.releases if one.id == release), None)

    @property
    def live_release(self) -> Release | None:
        return self.find(self.live)

    @property
    def half_done(self) -> Release | None:
        """The one that was begun last, when it ended half-way over the live one."""
        last = self.releases[-1] if self.releases else None
        return last if last and last.id != self.live and last.state in {State.STAGED, State.FAILED} else None

    def before(self, release: str) -> Release | None:
        """The last one that was live before this one and did not fail: where a rollback leads. To one that is unproved where there is no other."""
        ids = [one.id for one in self.releases]
        earlier = self.releases[: ids.index(release)] if release in ids else ()
        good = [one for one in earlier if one.state in {State.LIVE, State.HEALTHY}]
        proved = [one for one in good if not one.unproved]
        return next(reversed(proved or good), None)

    def staged(self, release: Release) -> History:
        """With a release under way, at the end. Raises InputError when its id has shown something else."""
        check_content(self, release.id, release.content)
        others = [one for one in self.releases if one.id != release.id]
        if there := self.find(release.id):
            _check_next(there, State.STAGED)
        begun = replace(release, state=State.STAGED)
        kept = others[-(KEPT - 1) :]
        if (live := self.live_release) and live.id != release.id and live not in kept:
            kept = [live, *kept]
        return History(self.live, (*kept, begun))

    def now(self, release: str, state: State) -> History:
        """With another state of one of them. Raises Overtaken for a release that is not there, or for no way from its state to that."""
        found = self._found(release)
        _check_next(found, state)
        return self._with(replace(found, state=state, unproved=False, failed_before=False))

    def taken_back(self, to: str) -> History:
        """What came after that one was taken back: no rollback leads to it."""
        after = [one.id for one in self.releases].index(self._found(to).id) + 1
        later = (replace(one, state=State.ROLLED_BACK) for one in self.releases[after:])
        return replace(self, releases=(*self.releases[:after], *later))

    def claimed(self, release: str, run: str, attempt: str) -> History:
        """A later try of a stage has come to a release that is live already: what fails after it is that try's to take back."""
        return self._with(replace(self._found(release), run=run, attempt=attempt)) if run else self

    def stays(self, made: Release, attempt: str) -> bool:
        """Whether an earlier try of the stage brought it to its good end: a try that has not come so far takes nothing back."""
        earlier = bool(made.attempt and attempt) and made.attempt != attempt
        return earlier and made.id == self.live and made.state is State.HEALTHY

    def switched(self, release: str, *, over: str, unproved: bool = False) -> History:
        """With another one live. Raises Overtaken when `over` is not live any more: somebody else's release is."""
        if self.live not in {over, release}:
            raise Overtaken(
                f"Release {self.live or 'none'} is live, and {over or 'none'} was when this began: nothing was switched.",
                advice="Somebody else has deployed meanwhile. Look at the releases, then deploy or roll back again.",
            )
        found = self._found(release)
        _check_next(found, State.LIVE)
        failed = unproved and (found.failed_before or found.state is State.FAILED)
        lit = replace(found, state=State.LIVE, unproved=unproved, failed_before=failed)
        return replace(self._with(lit), live=release)

    def _with(self, changed: Release) -> History:
        return replace(self, releases=tuple(changed if one.id == changed.id else one for one in self.releases))

    def _found(self, release: str) -> Release:
        if found := self.find(release):
            return found
        raise Overtaken(f"There is no release {release} any more.", advice="Look at the releases and run again.")


def _check_next(release: Release, state: State) -> None:
    if state not in NEXT[release.state]:
        raise Overtaken(f"Release {release.id} is {release.state}, and cannot become {state}.")


def check_content(history: History, release: str, content: str) -> None:
    """Raises InputError when this id has shown something else."""
    if (there := history.find(release)) and there.content != content:
        raise _taken(f"Release {release} is there already ({there.state}), with other files.")


def check_forgotten(release: str, was: str, content: str) -> None:
    """Raises InputError when a release that has a manifest, and no line in the history, has shown something else."""
    if was != content:
        raise _taken(f"Release {release} was there before the releases that are listed, with other files.")


def _taken(words: str) -> InputError:
    return InputError([words]).advised(
        "An id names one content for good, headers included: give this release another id."
    )


def check_last(history: History, release: str) -> None:
    """Raises Overtaken when another one was begun after this one, or took it back: what lies there is not this one's alone."""
    last = history.half_done
    if last is None or last.id != release or last.state is not State.STAGED:
        raise Overtaken(
            f"Release {release} was overtaken: {history.releases[-1].id} is the last one that was begun, "
            "and nothing was switched.",
            advice="Somebody else has deployed or rolled back meanwhile. Look at the releases, then deploy again.",
        )


def is_older(build: str, live: str) -> bool:
    """Of two build numbers, as far as they are numbers: 1.9.3 is older than 1.10. Others cannot be compared."""
    ours, theirs = _numbers(build), _numbers(live)
    return bool(ours and theirs) and ours < theirs


def _numbers(build: str) -> list[int]:
    parts = build.split(".")
    return [int(part) for part in parts] if all(part.isascii() and part.isdigit() for part in parts) else []


# --- in the bucket --------------------------------------------------------------------------------------------------------------


def history_place(site: StatePlace) -> StatePlace:
    return site.below("releases.json")


def read_history(engine: ObjectEngine, site: StatePlace, cancellation: Cancellation) -> tuple[History, str]:
    """The history and its ETag, empty where there is none yet. Raises IntegrityError."""
    place = history_place(site)
    found = engine.read(place.bucket, place.key, most=MOST, cancellation=cancellation)
    return (decode(found.body, VERSION, place, _history), found.etag) if found else (History(), "")


def change_history(
    engine: ObjectEngine,
    site: StatePlace,
    change: Callable[[History], History],
    cancellation: Cancellation,
    *,
    known: tuple[History, str] | None = None,
) -> tuple[History, str]:
    """Reads, changes, and writes over what was read; again when somebody else wrote between. The history and its ETag.

    `known` was read already: while nobody else wrote, it is not read again. What `change` raises, is raised.
    """
    for _ in range(TRIES - 1):
        there = known or read_history(engine, site, cancellation)
        try:
            return _write_over(engine, site, there, change, cancellation)
        except ConditionFailed:
            known = None
            cancellation.check()
    return _write_over(engine, site, read_history(engine, site, cancellation), change, cancellation)


def _write_over(
    engine: ObjectEngine,
    site: StatePlace,
    there: tuple[History, str],
    change: Callable[[History], History],
    cancellation: Cancellation,
) -> tuple[History, str]:
    place, (history, etag) = history_place(site), there
    wanted = change(history)
    if wanted == history:
        return there
    condition = Condition(etag=etag) if etag else Condition(absent=True)
    body = encode(VERSION, _told(wanted))
    return wanted, engine.write(place.bucket, place.key, body, JSON, condition, cancellation=cancellation).etag


def _told(history: History) -> dict[str, Any]:
    return {
        # Two writers never write the same bytes: a write that is tried again knows its own.
        "nonce": secrets.token_hex(8),
        "live": history.live,
        "releases": [
            {
                "id": one.id,
                "state": one.state.value,
                "when": one.when,
                "build": one.build,
                "content": one.content,
                "files": one.files,
                "size": one.size,
                "run": one.run,
                "commit": one.commit,
                "who": one.who,
                "attempt": one.attempt,
                "unproved": one.unproved,
                "failedBefore": one.failed_before,
                "edges": one.edges,
            }
            for one in history.releases
        ],
    }


def _history(told: Mapping[str, Any]) -> History:
    return History(
        str(told["live"]),
        tuple(
            Release(
                str(one["id"]),
                State(one["state"]),
                float(one["when"]),
                str(one["build"]),
                str(one["content"]),
                int(one["files"]),
                int(one["size"]),
                str(one.get("run", "")),
                str(one.get("commit", "")),
                str(one.get("who", "")),
                str(one.get("attempt", "")),
                bool(one.get("unproved", False)),
                bool(one.get("failedBefore", False)),
                # Where it does not say so, it may have been.
                bool(one.get("edges", True)),
            )
            for one in told["releases"]
        ),
    )
