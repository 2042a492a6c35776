"""Many jobs on one loop, as many at a time as the level allows, and an end to all of them that leaves nothing half-done.

A job is a coroutine. It may gather others (the parts of a file) that run at once and take its place meanwhile; it is resumed with
their results when the last has ended, or with the first error when none is on its way any more. So an upload in parts reads from
top to bottom and cleans up in its own `except` clause, after `cleaning_up()`: that is done even when everything stops.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Coroutine, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Generic, TypeVar

from ropeway.errors import Cancelled, NetworkError, RopewayError
from ropeway.outcome import Cancellation
from ropeway.wire.level import Level
from ropeway.wire.loop import Loop, Task, park

R = TypeVar("R")
Job = Coroutine[Any, Any, R]

POLL = 0.1
"""Seconds until a cancellation is seen."""
GRACE = 1.5
"""Seconds for answers to what was sent whole. After them it is left behind: its connection is stuck."""
LARGE_AT_ONCE = 32
"""Large bodies on their way at most, whatever the level: bandwidth needs no more, and memory has a ceiling."""
CLEAN_UP = 4.0
"""Seconds for the clean-up after that. An agent leaves a cancelled task under ten in all."""


@dataclass(eq=False)
class _Batch:
    """What a job waits for."""

    parent: Task
    wake: Callable[..., None]
    waiting: Iterator[Job[Any]] | None
    results: list[Any] = field(default_factory=list)
    in_flight: int = 0
    error: BaseException | None = None


class Flow(Generic[R]):
    """One run of jobs. `results` may be asked for once. An error that leaves a job ends the run."""

    def __init__(self, loop: Loop, level: Level, jobs: Iterable[Job[R]], cancellation: Cancellation) -> None:
        self._loop = loop
        self._level = level
        self._jobs = iter(jobs)
        self._cancellation = cancellation
        self._gathering: deque[_Batch] = deque()
        self._batches: dict[Task, _Batch] = {}
        self._live: set[Task] = set()
        self._cleaning: set[Task] = set()
        self._weights: dict[Task | None, int] = {}
        self._busy = 0
        self._more = True
        self._stopping = False
        self._done: deque[R] = deque()
        self._errors: list[BaseException] = []

    def results(self) -> Iterator[R]:
        """In order of completion. Raises Cancelled, or the error that ended the run, after the clean-up."""
        self._loop.come_back()
        self._level.begin(self._loop.now)
        try:
            while self._begin_more():
                self._cancellation.check()
                self._round()
                self._raise_first()
                self._begin_more()  # on connections that were looked at in this round; and what is asked for is on its way meanwhile
                yield from self._take_done()
        except RopewayError as error:
            self._wind_up(error)
            yield from self._take_done()
            raise
        except BaseException as error:
            self._wind_up(closed := Cancelled("Stopped: nobody waits for the rest."))
            if closed.advice:
                raise closed from error
            raise

    # --- what jobs ask for -----------------------------------------------------------------------------------------------

    async def gather(self, jobs: Iterable[Job[Any]]) -> list[Any]:
        """Their results in their order. They are begun one by one, as there is room."""
        return await park(partial(self._gather, iter(jobs)))  # type: ignore[no-any-return]

    def check(self) -> None:
        """Raises Cancelled where nothing more may be sent or received. From any thread."""
        if (self._stopping or self._cancellation.asked) and self._loop.current not in self._cleaning:
            self._cancellation.check()
            raise Cancelled("Stopped.")

    def weigh(self) -> None:
        """The job that says so moves a large body: it takes as much room as keeps those few (each connection holds buffers)."""
        task = self._loop.current
        if task in self._live and task not in self._weights:
            more = max(0, self._level.now // LARGE_AT_ONCE - 1)
            self._weights[task] = more
            self._busy += more

    def cleaning_up(self) -> None:
        """What the job does from here on is done in any case."""
        if self._loop.current:
            self._cleaning.add(self._loop.current)

    # --- going on --------------------------------------------------------------------------------------------------------

    def _take_done(self) -> Iterator[R]:
        if self._done:
            while self._done:
                yield self._done.popleft()
            self._loop.come_back()

    def _raise_first(self) -> None:
        if self._errors:
            raise self._errors.pop(0)

    def _round(self, most: float = POLL) -> None:
        self._loop.round(most, self._level.waited if self._busy >= self._level.now else None)

    def _begin_more(self) -> bool:
        while self._busy < self._level.now and (self._begin_part() or self._begin_job()):
            pass
        return bool(self._live or self._done or self._errors)

    def _begin_part(self) -> bool:
        """Says whether anything changed: a part was begun, or a job resumed that has no more."""
        if self._gathering:
            batch = self._gathering[0]
            part = next(batch.waiting, None) if batch.waiting else None
            if part is not None:
                at, batch.in_flight = len(batch.results), batch.in_flight + 1
                batch.results.append(None)
                self._begin(part, partial(self._part_ended, batch, at))
                return True
            batch.waiting = None
            self._gathering.popleft()
            self._resume_if_whole(batch)
            return True
        return False

    def _begin_job(self) -> bool:
        if not self._more or self._stopping or self._errors:
            return False
        if (job := next(self._jobs, None)) is None:
            self._more = False
            return False
        self._begin(job, self._job_ended)
        return True

    def _begin(self, job: Job[Any], ended: Any) -> None:
        self._busy += 1
        task = Task(job, ended)
        self._live.add(task)
        self._loop.step(task)

    def _forget(self, task: Task) -> None:
        self._busy -= 1 + self._weights.pop(task, 0)
        self._live.discard(task)
        self._cleaning.discard(task)

    def _job_ended(self, task: Task, result: R, error: BaseException | None) -> None:
        self._forget(task)
        if error is None:
            self._done.append(result)
        else:
            self._errors.append(error)

    def _part_ended(self, batch: _Batch, at: int, task: Task, result: Any, error: BaseException | None) -> None:
        self._forget(task)
        batch.in_flight -= 1
        batch.results[at] = result
        if error is not None:
            batch.error = batch.error or error
            batch.waiting = None
        self._resume_if_whole(batch)

    def _gather(self, parts: Iterator[Job[Any]], parent: Task) -> None:
        batch = self._batches[parent] = _Batch(parent, self._loop.waker(parent), parts)
        self._busy -= 1
        self._gathering.append(batch)
        if self._stopping:
            batch.waiting, batch.error = None, Cancelled("Stopped.")
            self._resume_if_whole(batch)

    def _resume_if_whole(self, batch: _Batch) -> None:
        if batch.waiting is None and not batch.in_flight and batch.parent in self._batches:
            del self._batches[batch.parent]
            self._busy += 1
            batch.wake(batch.results, batch.error)

    # --- stopping --------------------------------------------------------------------------------------------------------

    def _wind_up(self, why: RopewayError) -> None:
        """End what is on its way, let every job clean up, and add to `why.advice` what could not be."""
        self._stopping = True
        for batch in list(self._batches.values()):
            batch.waiting, batch.error = None, batch.error or Cancelled("Stopped.")
            self._resume_if_whole(batch)
        self._give_up([task for task in self._working() if not task.committed])
        self._drain(GRACE)
        self._give_up(self._working())
        self._drain(CLEAN_UP)
        self._give_up(list(self._live), NetworkError(f"There was no answer within {CLEAN_UP:.0f} seconds."))
        for error in self._errors:
            if not isinstance(error, RopewayError):
                raise error
            if error.advice not in why.advice:
                why.advice = f"{why.advice} {error.advice}".strip()

    def _working(self) -> list[Task]:
        return [task for task in self._live if task not in self._cleaning and task not in self._batches]

    def _give_up(self, tasks: list[Task], error: RopewayError | None = None) -> None:
        for task in tasks:
            if task in self._live:
                self._loop.step(task, error=error or Cancelled("Stopped."))

    def _drain(self, seconds: float) -> None:
        """Returns when every job has ended, or nothing more can be hoped for."""
        until = time.monotonic() + seconds
        while self._live and (left := until - time.monotonic()) > 0:
            self._round(min(POLL, left))
