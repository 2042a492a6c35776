"""Object Lock: its inputs, until when an object is kept, and whether one that is there is kept long enough already."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

from ropeway import inputs
from ropeway.inputs import Group, Spelling
from ropeway.s3.engine import Headers
from ropeway.s3.inputs import S3Inputs

LOCK = Group("objectLock", "Object Lock")
SPAN = re.compile(r"(\d{1,6}) ?days?", re.ASCII)
DATE = re.compile(r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d)?(?:[Zz]|[+-]\d\d:\d\d)?)?", re.ASCII)
"""ISO 8601 as far as every Python from 3.10 on reads it."""
MODES = ("GOVERNANCE", "COMPLIANCE")
LONGEST = 36_500
"""Days (S3 user guide, "Object Lock", "Setting limits on retention periods")."""


@dataclass(frozen=True, kw_only=True)
class LockInputs(S3Inputs):
    """The inputs of a task whose objects can be locked."""

    object_lock_mode: str = inputs.choice(
        "Retention mode",
        "Keeps the objects from being deleted or overwritten until a date. `GOVERNANCE` can be lifted by who has the right to it, "
        "`COMPLIANCE` by nobody. The bucket must have Object Lock enabled; one that this task creates has it.",
        choices={"none": "None: the bucket decides", **{mode: mode for mode in MODES}},
        default="none",
        group=LOCK.name,
    )
    object_lock_retain_until: str = inputs.text(
        "Retain until",
        "A date, `2027-01-31` (its first moment, UTC) or `2027-01-31T18:00:00Z`, or a time from now on, `30 days`.",
        group=LOCK.name,
        visible="objectLockMode != none",
    )
    object_lock_legal_hold: bool = inputs.flag(
        "Legal hold",
        "Keeps the objects from being deleted or overwritten until the hold is lifted.",
        group=LOCK.name,
    )

    def problems(self, spell: Spelling) -> Iterator[str]:
        yield from super().problems(spell)
        until, mode = spell("object_lock_retain_until"), spell("object_lock_mode")
        if self.object_lock_mode == "none":
            if self.object_lock_retain_until:
                yield f"{until} is set, but {mode} is none."
            return
        if not self.object_lock_retain_until:
            yield f"{until} is required when {mode} is {self.object_lock_mode}."
            return
        if wrong := _wrong(self.object_lock_retain_until, now()):
            yield f"{until} is {self.object_lock_retain_until!r}, {wrong}"

    @property
    def locks(self) -> bool:
        return self.object_lock_mode != "none" or self.object_lock_legal_hold


def now() -> datetime:
    return datetime.now(timezone.utc)


def retain_until(text: str, now: datetime) -> str:
    """As S3 takes it, in UTC. Raises ValueError, worded to follow the text."""
    if found := SPAN.fullmatch(text):
        days = int(found[1])
        if not 1 <= days <= LONGEST:
            raise ValueError(f"but S3 keeps objects for 1 to {LONGEST:,} days.")
        return _text(now + timedelta(days=days))
    if (moment := _moment(text)) is None:
        raise ValueError("which is neither a date such as 2027-01-31 nor a time such as 30 days.")
    return _text(moment)


def _moment(text: str) -> datetime | None:
    """None for what no calendar has, too."""
    if not DATE.fullmatch(text):
        return None
    try:
        # Python 3.10 does not know the Z.
        moment = datetime.fromisoformat(re.sub("[Zz]$", "+00:00", text))
        return (moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)).astimezone(timezone.utc)
    except (ValueError, OverflowError):
        return None


def _text(moment: datetime) -> str:
    return f"{moment.astimezone(timezone.utc):%Y-%m-%dT%H:%M:%SZ}"


def _wrong(text: str, now: datetime) -> str:
    try:
        return "" if retain_until(text, now) > _text(now) else "which is not in the future."
    except ValueError as wrong:
        return str(wrong)


# --- what is there already -------------------------------------------------------------------------------------------------


def least(given: LockInputs, now: datetime, modified: float = 0.0) -> str:
    """How long the lock of an object that is there must last to do. A time from now on began when the object was uploaded.

    That was at `modified`, seconds since 1970, by the store's clock; a day less does: the time was counted from the plan on.
    """
    if given.object_lock_mode == "none":
        return ""
    until = given.object_lock_retain_until
    if not (found := SPAN.fullmatch(until)):
        return retain_until(until, now)
    uploaded = datetime.fromtimestamp(modified, timezone.utc)
    return max(_text(now), _text(uploaded + timedelta(days=int(found[1]) - 1)))


def as_locked(asked: Headers, there: Headers, least: str) -> bool:
    """Whether an object is locked at least as is asked for. Times of this form compare as texts."""
    as_strong = there.lock_mode in {asked.lock_mode, "COMPLIANCE"}
    retained = not asked.lock_mode or (as_strong and there.lock_until >= least)
    return retained and (there.legal_hold or not asked.legal_hold)


def unseen(asked: Headers, there: Headers) -> Iterator[str]:
    """The IAM actions without which S3 does not show the locks that are asked for, as far as it shows none (HeadObject)."""
    if asked.lock_mode and not there.lock_mode:
        yield "s3:GetObjectRetention"
    if asked.legal_hold and not there.legal_hold:
        yield "s3:GetObjectLegalHold"
