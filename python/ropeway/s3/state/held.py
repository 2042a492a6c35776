"""A lock that is held: asked for, renewed, lost, given back."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import TypeVar

from ropeway.errors import Cancelled, ConditionFailed, Overtaken, RopewayError
from ropeway.outcome import Cancellation
from ropeway.s3.engine import Condition, ObjectEngine, Small
from ropeway.s3.state.hold import Hold, look, write
from ropeway.s3.state.place import StatePlace

MARGIN = 5.0
"""Seconds before the expiry from which on a holder begins nothing: clocks differ, and `Date` has whole seconds."""

T = TypeVar("T")


class Lock:
    """A lock that is held, and renewed by a thread of its own. Its methods may be called from any thread.

    `undisturbed`: nobody has had it since it was last looked at, so that what was read since is so still.
    """

    def __init__(self, engine: ObjectEngine, place: StatePlace, hold: Hold, etag: str, renewed: float) -> None:
        self._engine = engine
        self._place = place
        self._hold = hold
        self._etag = etag
        self._renewed = renewed
        self._lost: RopewayError | None = None
        self._unanswered: set[str] = set()
        self._busy = threading.Lock()
        self.undisturbed = False

    @property
    def since(self) -> float:
        """The server's time when it was got, seconds since the epoch."""
        return self._hold.since

    @property
    def lost(self) -> RopewayError | None:
        """Asks nobody. Why the lock is lost, or may be: no renewal has been heard of in time."""
        if self._lost:
            return self._lost
        late = now() - self._renewed > self._hold.lasts - _margin(self._hold)
        return self._ran_out() if late else None

    def check(self) -> None:
        """Asks nobody. Raises Overtaken when the lock is lost, or may be."""
        if lost := self.lost:
            raise lost

    def verify(self, cancellation: Cancellation | None = None) -> float:
        """Asks the server, and renews. The server's time. Raises Overtaken when the lock is another one's: nothing may be changed any more."""
        with self._busy:
            if self._lost:
                raise self._lost
            began = now()
            try:
                date = self._renew(cancellation or Cancellation())
            except ConditionFailed as taken:
                self._lost = self._taken()
                raise self._lost from taken
            self._renewed = began
            return date

    def guarded(self, work: Iterable[T]) -> Iterator[T]:
        """The work, as long as the lock is held: an engine that asks for more of it begins nothing once it is lost."""
        for one in work:
            self.check()
            yield one

    def lose(self, why: RopewayError) -> None:
        """Every later `check` and `verify` raises it."""
        self._lost = self._lost or why

    def release(self, cancellation: Cancellation) -> None:
        """A write over what this owner wrote last, never a blind one. Whoever has lost it has nothing to release."""
        with self._busy:
            if self._lost:
                return
            try:
                self._write(Hold(nonce=secrets.token_hex(8)), cancellation)
            except ConditionFailed:
                self._lost = self._taken()

    def _renew(self, cancellation: Cancellation) -> float:
        """The server's time is reckoned from its last answer. Told too late it makes others wait; `check` counts from before each request."""
        elapsed = now() - self._renewed
        date = (self._hold.expires - self._hold.lasts if self._hold.expires else self._hold.since) + elapsed
        hold = replace(self._hold, expires=date + self._hold.lasts, nonce=secrets.token_hex(8))
        written = self._write(hold, cancellation)
        self._hold = replace(hold, expires=written.date + hold.lasts)
        return written.date

    def _write(self, hold: Hold, cancellation: Cancellation) -> Small:
        """Over what this owner wrote last, also where nobody has heard the answer to that. Raises ConditionFailed."""
        self._unanswered.add(hold.nonce)
        try:
            written = write(self._engine, self._place, hold, Condition(etag=self._etag), cancellation)
        except ConditionFailed:
            seen = look(self._engine, self._place, cancellation)
            if seen is None or (seen.etag != self._etag and seen.hold.nonce not in self._unanswered):
                raise
            written = write(self._engine, self._place, hold, Condition(etag=seen.etag), cancellation)
        self._unanswered.clear()
        self._etag = written.etag
        return written

    def _taken(self) -> Overtaken:
        return Overtaken(
            f"The lock {self._place.address} is not this run's any more: somebody took it over, or broke it. This run has stopped.",
            advice="Deploy again once the other one has ended.",
        )

    def _ran_out(self) -> Overtaken:
        return Overtaken(
            f"The lock {self._place.address} could not be renewed in time: this run was stopped, or S3 out of reach. Nothing more was begun.",
            advice="Run again.",
        )


class WhileHeld(Cancellation):
    """Asked for by itself once the lock is lost: after that no part of a file is begun, and no second attempt of a request."""

    def __init__(self, outer: Cancellation, lock: Lock) -> None:
        self._outer = outer
        self._lock = lock
        super().__init__()

    @property
    def asked(self) -> bool:
        return self._outer.asked or self._lock.lost is not None

    @asked.setter
    def asked(self, asked: bool) -> None:
        """Only the outer one is asked."""

    def check(self) -> None:
        self._outer.check()
        if lost := self._lock.lost:
            raise Cancelled(f"Stopped: {lost.message}")


def _margin(hold: Hold) -> float:
    """Of a short lock, as tests have it, a quarter."""
    return min(MARGIN, hold.lasts / 4)


def now() -> float:
    """Counts on while the process is stopped, and while the machine sleeps."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.time()
