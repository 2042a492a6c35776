"""Handing a plan's steps to the engine, and telling how far it is. The same for both directions."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from ropeway.errors import Cancelled, RopewayError, TransferFailed
from ropeway.outcome import Cancellation, Done, Progress, Run, Step, Teller, counted
from ropeway.s3.engine import Sent, Transfer, Transferred

SELDOM = 0.1
"""Seconds between two tellings: more often nobody can read."""


class Meter:
    """Counts what goes over the wire, from any thread, and tells of it now and then."""

    def __init__(self, tell: Teller, doing: str, steps: Sequence[Step[Transfer]]) -> None:
        self._tell = tell
        self._doing = doing
        self._items_total = len(steps)
        self._bytes_total = sum(step.size for step in steps)
        self._items = self._bytes = 0
        self._told = float("-inf")
        self._lock = threading.Lock()

    def sent(self, count: int) -> None:
        with self._lock:
            self._bytes += count
            self._tell_sometimes()

    def ended(self) -> None:
        with self._lock:
            self._items += 1
            self._tell_sometimes(at_once=self._items == self._items_total)

    def _tell_sometimes(self, *, at_once: bool = False) -> None:
        now = time.monotonic()
        if at_once or now - self._told >= SELDOM:
            self._told = now
            self._tell.progress(Progress(self._doing, self._items, self._items_total, self._bytes, self._bytes_total))


@dataclass
class Moved:
    """What the engine made of the steps: a result for each that was begun, and the one error that the task ends with."""

    results: list[Done[Transfer]] = field(default_factory=list)
    error: RopewayError | None = None


class Mover(Protocol):
    """As much of an engine as is needed here."""

    def transfer(self, work: Iterable[Transfer], sent: Sent, cancellation: Cancellation) -> Iterator[Transferred]: ...


def move(engine: Mover, steps: Sequence[Step[Transfer]], doing: str, run: Run) -> Moved:
    """Do all steps. Errors end up in the result: what was done before them is worth telling. `doing` is "Uploading"."""
    moved = Moved()
    meter = Meter(run.tell, doing, steps)
    by_work = {id(step.work): step for step in steps}
    try:
        for transferred in engine.transfer(_works(steps), meter.sent, run.cancellation):
            moved.results.append(_done(by_work[id(transferred.work)], transferred))
            meter.ended()
    except Cancelled as stopped:
        moved.error = Cancelled(f"{stopped.message} {_how_far(moved, steps)}", advice=stopped.advice)
    except RopewayError as error:
        moved.error = error
    moved.error = moved.error or _failed(moved, steps) or _lost(moved, steps)
    return moved


def _works(steps: Iterable[Step[Transfer]]) -> Iterable[Transfer]:
    return (step.work for step in steps if step.work is not None)


def _done(step: Step[Transfer], transferred: Transferred) -> Done[Transfer]:
    return Done(step, transferred.seconds, transferred.error, transferred.version_id)


def _how_far(moved: Moved, steps: Sequence[Step[Transfer]]) -> str:
    done = sum(1 for result in moved.results if result.error is None)
    return f"{done:,} of {counted(len(steps), 'file')} had been transferred; what was not begun is as it was before."


def _failed(moved: Moved, steps: Sequence[Step[Transfer]]) -> TransferFailed | None:
    failures = [result.error for result in moved.results if result.error]
    if not failures:
        return None
    first = failures[0]
    others = (
        f" ({counted(len(failures) - 1, 'more error')} of the same run listed beside it.)" if len(failures) > 1 else ""
    )
    message = f"{first.message}{others} {_how_far(moved, steps)}"
    return TransferFailed(message, failures, advice=first.advice)


def _lost(moved: Moved, steps: Sequence[Step[Transfer]]) -> RopewayError | None:
    """No task ends well whose engine has not told of every step, whatever the reason."""
    if len(moved.results) == len(steps):
        return None
    return RopewayError(f"The transfer ended without an error, but {_how_far(moved, steps)}", advice="Run again.")
