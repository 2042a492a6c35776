"""What the checks of a stage came to, kept in S3 for whoever cannot see the step's output variables: a job `on: failure:`.

One small JSON object for each target, build and stage, below `.ropeway/checks/` of a place that the user names. It is written before anything is asked, too, as
`running`: a run whose agent died leaves word of itself.

Several steps and jobs of a stage may ask checks of one target: the object holds the word of each, and the worst is what is recalled. Another
attempt of the stage begins anew.
"""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from ropeway.errors import ConditionFailed, IntegrityError, NothingMatched
from ropeway.outcome import Cancellation
from ropeway.s3.engine import Condition, Headers, ObjectEngine
from ropeway.s3.state.place import StatePlace, place_at

VERSION = 1
WORST = ("failed", "running", "warnings", "passed")
MOST = 1_000_000
"""Bytes: names of checks fill it, a hundred characters each."""

TRIES = 30
"""Jobs of a matrix begin all at once, and of those that write at the same moment one is heard."""

WAIT = 0.5
"""Seconds at most between two of them."""


@dataclass(frozen=True)
class CheckState:
    """`result` is `running`, `passed`, `warnings` or `failed`. `attempt` counts how often the stage was tried."""

    result: str
    release: str
    attempt: str
    failed_checks: tuple[str, ...] = ()
    warning_checks: tuple[str, ...] = ()


def state_place(location: str, target: str, build: str, stage: str) -> StatePlace:
    """`location` is `s3://bucket/prefix`. Raises ValueError, worded to follow the name of an input."""
    return place_at(location, "checks", target, build, stage, ending=".json")


@dataclass(frozen=True)
class Kept:
    """The words that lie at a place, by whose they are, and the ETag of what holds them: empty where nothing does."""

    words: Mapping[str, CheckState] = field(default_factory=dict)
    etag: str = ""

    @property
    def together(self) -> CheckState:
        """The worst of them, with the checks of all that did not pass."""
        words = sorted(self.words.values(), key=lambda word: WORST.index(word.result))
        failed = dict.fromkeys(name for word in words for name in word.failed_checks)
        warned = dict.fromkeys(name for word in words for name in word.warning_checks)
        return CheckState(words[0].result, words[0].release, words[0].attempt, tuple(failed), tuple(warned))

    def beside(self, whose: str, state: CheckState) -> Kept:
        """With one more, in place of those of earlier attempts. Whoever goes on while a later one is under way is not heard any more."""
        if any(_number(word) > _number(state) for word in self.words.values()):
            return self
        others = {name: word for name, word in self.words.items() if word.attempt == state.attempt}
        return Kept({**others, whose: state}, self.etag)


def _number(state: CheckState) -> int:
    return int(state.attempt) if state.attempt.isdecimal() else 0


def keep_state(
    engine: ObjectEngine, place: StatePlace, whose: str, state: CheckState, *, known: Kept, cancellation: Cancellation
) -> Kept:
    """Beside the words of others of this attempt; what the same one said before is taken back. `known` is what was kept last.

    Nobody's word is lost when two write at once. Raises ConditionFailed when others were faster every time, IntegrityError for what no Ropeway
    of this version has written.
    """
    for _ in range(TRIES - 1):
        try:
            return _write_over(engine, place, known.beside(whose, state), cancellation)
        except ConditionFailed:
            cancellation.wait(random.uniform(0, WAIT))  # noqa: S311 - it spreads load, no more
            cancellation.check()
            known = _kept(engine, place, cancellation) or Kept()
    return _write_over(engine, place, known.beside(whose, state), cancellation)


def _write_over(engine: ObjectEngine, place: StatePlace, kept: Kept, cancellation: Cancellation) -> Kept:
    told = {
        "version": VERSION,
        **_told(kept.together),
        "runs": {name: _told(word) for name, word in kept.words.items()},
    }
    body, headers = json.dumps(told, indent=2).encode(), Headers(content_type="application/json")
    condition = Condition(etag=kept.etag) if kept.etag else Condition(absent=True)
    written = engine.write(place.bucket, place.key, body, headers, condition, cancellation=cancellation)
    return Kept(kept.words, written.etag)


def recall_state(engine: ObjectEngine, place: StatePlace, cancellation: Cancellation) -> CheckState:
    """Raises NothingMatched where nothing was kept, IntegrityError for what no Ropeway of this version has written."""
    kept = _kept(engine, place, cancellation)
    if kept is None:
        raise NothingMatched(
            f"No checks have left word at {place.address}.",
            advice="Location, target, build and stage must be those of the run that asked: see its log for the address.",
        )
    return kept.together


def _kept(engine: ObjectEngine, place: StatePlace, cancellation: Cancellation) -> Kept | None:
    found = engine.read(place.bucket, place.key, most=MOST, cancellation=cancellation)
    if found is None:
        return None
    try:
        return Kept(_words(json.loads(found.body)), found.etag)
    except (ValueError, KeyError, TypeError, AttributeError) as wrong:
        raise IntegrityError(f"What lies at {place.address} is not what checks leave there ({wrong}).") from wrong


# --- to and from JSON ---------------------------------------------------------------------------------------------------------


def _told(state: CheckState) -> dict[str, Any]:
    return {field.name: getattr(state, field.name) for field in fields(state)}


def _words(told: dict[str, Any]) -> dict[str, CheckState]:
    """Of a Ropeway that knew of one run only, its word."""
    if told["version"] != VERSION:
        raise ValueError(f"version {told['version']}")
    return {str(name): _state(word) for name, word in told.get("runs", {}).items()} or {"": _state(told)}


def _state(told: dict[str, Any]) -> CheckState:
    if told["result"] not in WORST:
        raise ValueError("another result")
    return CheckState(
        str(told["result"]),
        str(told["release"]),
        str(told["attempt"]),
        tuple(map(str, told["failed_checks"])),
        tuple(map(str, told["warning_checks"])),
    )
