"""What the object of a lock says: free, or held by an owner until a time. To read it, to write it, to break it."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from ropeway.errors import ConditionFailed, Overtaken
from ropeway.outcome import Cancellation
from ropeway.s3.engine import Condition, ObjectEngine, Small
from ropeway.s3.state.documents import JSON, decode, encode
from ropeway.s3.state.place import StatePlace

VERSION = 1
MOST = 64_000
LASTS = 60.0
"""Seconds from one renewal to the expiry. A third of it passes between two renewals."""


@dataclass(frozen=True, slots=True)
class Hold:
    """What the object says. Times are seconds since the epoch by the server's clock. No owner: it is free. `expires` 0: not known yet."""

    owner: str = ""
    purpose: str = ""
    since: float = 0.0
    expires: float = 0.0
    lasts: float = LASTS
    nonce: str = ""

    @property
    def free(self) -> bool:
        return not self.owner

    @property
    def words(self) -> str:
        until = f", until {_clock(self.expires)} unless renewed" if self.expires else ""
        return f"{self.owner} holds it ({self.purpose}){until}"


@dataclass(frozen=True, slots=True)
class Seen:
    """A hold as it was read, with its ETag, and the server's time then, and when it was written."""

    hold: Hold
    etag: str
    date: float
    written: float = 0.0

    @property
    def over(self) -> bool:
        """Whether anybody may take it. An owner that died before it knew the server's time has it for as long since it was written."""
        expires = self.hold.expires or (self.written and self.written + self.hold.lasts)
        return self.hold.free or 0 < expires <= self.date


def lock_place(target: StatePlace) -> StatePlace:
    return target.below("lock.json")


def look(engine: ObjectEngine, place: StatePlace, cancellation: Cancellation) -> Seen | None:
    """None where nobody has ever locked this target. Raises IntegrityError for what no Ropeway has written."""
    found = engine.read(place.bucket, place.key, most=MOST, cancellation=cancellation)
    return Seen(decode(found.body, VERSION, place, _hold), found.etag, found.date, found.modified) if found else None


def break_lock(engine: ObjectEngine, place: StatePlace, cancellation: Cancellation) -> Hold | None:
    """Free it, whoever holds it; the hold that was broken, None where it was free. Its owner finds out and stops.

    Raises Overtaken when its owner renewed it or ended meanwhile: look again.
    """
    seen = look(engine, place, cancellation)
    if seen is None or seen.hold.free:
        return None
    try:
        write(engine, place, Hold(), Condition(etag=seen.etag), cancellation)
    except ConditionFailed as moved:
        raise Overtaken(f"The lock {place.address} changed while it was being broken.", advice="Look again.") from moved
    return seen.hold


def _clock(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, timezone.utc):%H:%M:%S} UTC"


# --- to and from JSON ---------------------------------------------------------------------------------------------------------


def write(
    engine: ObjectEngine, place: StatePlace, hold: Hold, condition: Condition, cancellation: Cancellation
) -> Small:
    told = {
        "owner": hold.owner,
        "purpose": hold.purpose,
        "since": hold.since,
        "expires": hold.expires,
        "lasts": hold.lasts,
        # Two writers never write the same bytes: a write that is tried again knows its own.
        "nonce": hold.nonce or secrets.token_hex(8),
    }
    return engine.write(place.bucket, place.key, encode(VERSION, told), JSON, condition, cancellation=cancellation)


def _hold(told: Mapping[str, Any]) -> Hold:
    return Hold(
        str(told["owner"]),
        str(told["purpose"]),
        float(told["since"]),
        float(told["expires"]),
        float(told["lasts"]),
        str(told["nonce"]),
    )
