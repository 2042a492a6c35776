"""The lock of a target: who may change it, and until when by the server's clock (DESIGN 6a).

One object, which is never deleted: free, or held by an owner until a time. Every change of it names what it changes (`If-None-Match: *`, `If-Match`), so that
of two who want it one gets it, and an owner whom somebody else has taken for dead finds out by its next write.

The first lock of a target is written before anything told the server's clock: it holds for LASTS from when the server says that it was written.

What remains: requests that were on their way when their owner was stopped arrive when it wakes, which may be after its expiry. A holder begins nothing
once its own clock says that the lock may have run out (`check`; `WhileHeld` for parts and second attempts), so these are the only ones.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace

from ropeway.errors import AwsError, Cancelled, ConditionFailed, InputError, LockHeld, NetworkError, RopewayError
from ropeway.outcome import Cancellation, Run, duration
from ropeway.s3.engine import Condition, ObjectEngine, Small
from ropeway.s3.state.held import Lock, now
from ropeway.s3.state.hold import LASTS, Hold, Seen, break_lock, lock_place, look, write
from ropeway.s3.state.place import StatePlace

__all__ = ["Before", "Lock", "break_lock", "lock_place", "locked", "look", "look_before"]

PAUSE = 2.0
"""Seconds between two looks at somebody else's lock."""
PASSING = {"InternalError", "SlowDown", "ServiceUnavailable", "500", "502", "503", "504"}
"""What S3 answers that has no time at the moment."""
PATIENCE = 3.0
"""Seconds that a request on its way is waited for, at the end. A task that is stopped has ten for everything."""


@dataclass(frozen=True)
class Before:
    """The lock as it was seen before something was read that must still hold; `at` by `now`."""

    seen: Seen | None
    at: float


def look_before(engine: ObjectEngine, place: StatePlace, cancellation: Cancellation) -> Before:
    at = now()
    return Before(look(engine, place, cancellation), at)


@contextmanager
def locked(
    engine: ObjectEngine,
    place: StatePlace,
    owner: str,
    purpose: str,
    run: Run,
    *,
    wait: float = 0.0,
    lasts: float = LASTS,
    before: Before | None = None,
) -> Iterator[Lock]:
    """Hold the lock meanwhile. Waits up to `wait` seconds for another owner. Raises LockHeld; Overtaken when it is lost at the end.

    `owner` says who this is, for whoever waits. A lock that was free `before`, and that nobody has had since, is `undisturbed`.
    """
    wanted = Hold(owner, purpose, lasts=lasts, nonce=secrets.token_hex(8))
    claim = _Claim(engine, place, wanted, run)
    lock = (claim.take_undisturbed(before) if before else None) or claim.take(wait)
    ended, over = threading.Event(), Cancellation()
    keeper = threading.Thread(target=_keep, args=(lock, ended, over, lasts / 3), name="ropeway-lock", daemon=True)
    keeper.start()
    try:
        yield lock
    finally:
        ended.set()
        keeper.join(PATIENCE)
        over.ask("the run is over")  # a network that is stuck holds nobody up
        keeper.join()
        _free(lock, place, run)


def _free(lock: Lock, place: StatePlace, run: Run) -> None:
    """What was done under the lock counts, whether or not it could be freed. Who was stopped has little time."""
    cancellation = Cancellation()
    timer = threading.Timer(PATIENCE, cancellation.ask, ["the lock could not be freed in time"])
    if run.cancellation.asked:
        timer.start()
    try:
        lock.release(cancellation)
    except RopewayError as error:
        run.tell.note(f"The lock {place.address} was not freed, and runs out by itself: {error}")
    finally:
        timer.cancel()


def _keep(lock: Lock, ended: threading.Event, over: Cancellation, every: float) -> None:
    """Renews until it ends or is lost. What goes wrong otherwise is tried again: `check` sees when it lasts too long."""
    while not ended.wait(every):
        try:
            lock.verify(over)
        except (Cancelled, NetworkError):
            continue
        except RopewayError as error:
            if isinstance(error, AwsError) and error.code in PASSING:
                continue
            lock.lose(error)
            return


# --- getting it ---------------------------------------------------------------------------------------------------------------


@dataclass
class _Claim:
    engine: ObjectEngine
    place: StatePlace
    wanted: Hold
    run: Run

    def take_undisturbed(self, before: Before) -> Lock | None:
        """None where somebody had it, or has had it since."""
        seen = before.seen
        if seen and not seen.hold.free:
            return None
        today = replace(seen, date=seen.date + now() - before.at) if seen else None
        if lock := self._try(today):
            lock.undisturbed = True
        return lock

    def take(self, wait: float) -> Lock:
        """Waits up to so many seconds for another owner. Raises LockHeld."""
        until, told = time.monotonic() + wait, ""
        while True:
            seen = look(self.engine, self.place, self.run.cancellation)
            if lock := self._try(seen):
                return lock
            other = look(self.engine, self.place, self.run.cancellation) if seen is None else seen
            words = other.hold.words if other else "Somebody just took it"
            if time.monotonic() >= until:
                raise self._held(words, wait)
            if other and other.hold.owner != told:
                told = other.hold.owner
                self.run.tell.note(f"Waiting for {self.place.address}: {words}.")
            self.run.cancellation.wait(min(PAUSE, max(0.0, until - time.monotonic())))
            self.run.cancellation.check()

    def _try(self, seen: Seen | None) -> Lock | None:
        if seen and not seen.over:
            return None
        began = now()
        try:
            written = self._write(seen)
        except ConditionFailed:
            return None
        if seen and not seen.hold.free:
            self.run.tell.note(f"Took over {self.place.address}, which ran out: {seen.hold.words}.")
        lock = Lock(self.engine, self.place, replace(self.wanted, since=written.date), written.etag, began)
        if seen is None:
            self._check_store()
            lock.verify(self.run.cancellation)
        return lock

    def _write(self, seen: Seen | None) -> Small:
        if seen is None:
            return write(self.engine, self.place, self.wanted, Condition(absent=True), self.run.cancellation)
        dated = replace(self.wanted, since=seen.date, expires=seen.date + self.wanted.lasts)
        return write(self.engine, self.place, dated, Condition(etag=seen.etag), self.run.cancellation)

    def _check_store(self) -> None:
        """Raises InputError for a store that writes whatever the condition: locks mean nothing there."""
        for condition in (Condition(absent=True), Condition(etag="0" * 32)):
            with suppress(ConditionFailed):
                write(self.engine, self.place, Hold(), condition, self.run.cancellation)
                self._withdraw()
                raise InputError(
                    [
                        f"The store of {self.place.address} knows no conditional writes: it cannot keep two deployers apart."
                    ]
                ).advised("Nothing was changed. Set lock to none where nobody else deploys to this target.")

    def _withdraw(self) -> None:
        """The next run shall find no lock, and check the store again."""
        for _, error in self.engine.delete(self.place.bucket, [self.place.key]):
            if error:
                raise error

    def _held(self, words: str, wait: float) -> LockHeld:
        waited = f" after {duration(wait)}" if wait else ""
        return LockHeld(
            f"The lock {self.place.address} is not free{waited}: {words}.",
            advice="Wait for it, or break it (ropeway s3 lock break) when nobody works there any more.",
        )
