"""Many requests in flight on a bounded number of threads.

A job is a coroutine (or a generator). It yields requests (callables) that may all run at once, and is resumed with their answers when the last
has ended, or with the first error once none of them is in flight any more. So an upload in parts reads from top to bottom,
holds no thread while it waits, and cleans up in its own `except` clause. What a job yields after an error is clean-up: it is
run even when everything stops.
"""

from __future__ import annotations

import queue
import threading
import time
import types
from collections import deque
from collections.abc import Callable, Coroutine, Generator, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Generic, TypeVar

from ropeway.errors import Cancelled, NetworkError, RopewayError
from ropeway.outcome import Cancellation
from ropeway.s3.jobs.multipart import advise

R = TypeVar("R")
Request = Callable[[], Any]
Job = Generator[Iterable[Request], Any, R] | Coroutine[Iterable[Request], Any, R]

POLL = 0.1
"""Seconds until a cancellation is seen."""
GRACE = 1.5
"""Seconds for what is in flight to see that it should stop. After them it is left behind: its connection is stuck."""
CLEAN_UP = 4.0
"""Seconds for the clean-up after that. An agent leaves a cancelled task under ten in all."""


class Ask(Generic[R]):
    """A request that a job awaits, alone or with others (`together`)."""

    def __init__(self, request: Callable[[], R]) -> None:
        self._request = request

    def __call__(self) -> R:
        return self._request()

    def __await__(self) -> Generator[list[Ask[R]], Any, R]:
        (answer,) = yield [self]
        return answer  # type: ignore[no-any-return]


@types.coroutine
def together(requests: Iterable[Request]) -> Generator[Iterable[Request], Any, list[Any]]:
    """Their answers in their order."""
    return (yield requests)  # type: ignore[no-any-return]


class Stop:
    """Whether a run goes on. Asked before each attempt of a request and for each block of bytes."""

    def __init__(self, cancellation: Cancellation) -> None:
        self._cancellation = cancellation
        self._ended = False

    def end(self) -> None:
        self._ended = True

    def check(self) -> None:
        """Raises Cancelled when the run has ended or should."""
        self._cancellation.check()
        if self._ended:
            raise Cancelled("Stopped: the run has ended.")

    def sleep(self, seconds: float) -> None:
        """Raises Cancelled, at once when the cancellation comes."""
        self._cancellation.wait(seconds)
        self.check()


class _Current(threading.local):
    stop: Stop | None = None


_current = _Current()


def check_current() -> None:
    """Raises Cancelled on a thread whose run has stopped; clean-up goes on. For hooks that know only their thread."""
    if _current.stop is not None:
        _current.stop.check()


@dataclass(eq=False)
class _Batch(Generic[R]):
    """What a job waits for. `clean_up` once an error was thrown into the job; `left_behind` when nobody waits any more."""

    job: Job[R]
    clean_up: bool
    waiting: deque[tuple[int, Request]]
    answers: list[Any] = field(init=False)
    in_flight: int = 0
    error: Exception | None = None
    left_behind: bool = False

    def __post_init__(self) -> None:
        self.answers = [None] * len(self.waiting)


@dataclass(frozen=True)
class _Ended(Generic[R]):
    batch: _Batch[R]
    at: int
    answer: Any = None
    error: Exception | None = None


class Flow(Generic[R]):
    """One run of jobs with at most `width` requests in flight. `results` may be asked for once.

    A job is begun when a thread has nothing else to do, so that few are open at a time. An error that leaves a job ends the
    run; a job that wants to go on without telling returns it as its result.
    """

    def __init__(self, jobs: Iterable[Job[R]], *, width: int, stop: Stop) -> None:
        self._jobs = iter(jobs)
        self._width = width
        self._stop = stop
        self._threads = _Threads[R]()
        self._ready: deque[_Batch[R]] = deque()
        self._live: dict[Job[R], _Batch[R]] = {}
        self._done: deque[R] = deque()
        self._busy = 0
        self._stopping = False
        self._left: list[Exception] = []

    def results(self) -> Iterator[R]:
        """The jobs' results in order of completion. Raises Cancelled, or the error that ended the run, after the clean-up."""
        try:
            while self._begin_more():
                self._stop.check()
                self._end_one(POLL)
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
        finally:
            self._threads.dismiss()

    # --- going on ------------------------------------------------------------------------------------------------------

    def _take_done(self) -> Iterator[R]:
        while self._done:
            yield self._done.popleft()

    def _begin_more(self) -> bool:
        while self._busy < self._width and (batch := self._next_batch()):
            at, request = batch.waiting.popleft()
            batch.in_flight += 1
            self._busy += 1
            self._threads.do(batch, at, request, None if batch.clean_up else self._stop, self._busy)
        return bool(self._busy or self._done)

    def _next_batch(self) -> _Batch[R] | None:
        while True:
            while self._ready and not self._ready[0].waiting:
                self._ready.popleft()
            if self._ready:
                return self._ready[0]
            if self._stopping or (job := next(self._jobs, None)) is None:
                return None
            self._advance(job, partial(job.send, None), clean_up=False)

    def _end_one(self, seconds: float) -> None:
        if not self._busy or (ended := self._threads.next_ended(seconds)) is None:
            return
        self._busy -= 1
        batch = ended.batch
        batch.in_flight -= 1
        if batch.left_behind:
            return
        if ended.error is None:
            batch.answers[ended.at] = ended.answer
        else:
            batch.error = batch.error or ended.error
            batch.waiting.clear()
        if not batch.waiting and not batch.in_flight:
            self._resume(batch)

    def _resume(self, batch: _Batch[R]) -> None:
        if batch.error is not None:
            self._throw(batch, batch.error)
        else:
            self._advance(batch.job, partial(batch.job.send, batch.answers), clean_up=batch.clean_up)

    def _throw(self, batch: _Batch[R], error: Exception) -> None:
        self._advance(batch.job, partial(batch.job.throw, error), clean_up=True)

    def _advance(self, job: Job[R], step: Callable[[], Iterable[Request]], *, clean_up: bool) -> None:
        self._live.pop(job, None)
        try:
            batch = _Batch(job, clean_up, deque(enumerate(step())))
        except StopIteration as returned:
            self._done.append(returned.value)
        except Exception as error:
            if not self._stopping:
                raise
            self._left.append(error)
        else:
            self._live[job] = batch
            self._ready.append(batch)
            if self._stopping and not clean_up:
                self._give_up(batch, Cancelled("Stopped."))
            elif not batch.waiting:
                self._resume(batch)

    # --- stopping ------------------------------------------------------------------------------------------------------

    def _wind_up(self, why: RopewayError) -> None:
        """End what is in flight, let every job clean up, and add to `why.advice` what could not be."""
        self._stopping = True
        self._stop.end()
        for batch in self._working():
            if (
                batch.waiting
            ):  # what is in flight may yet be answered, but the job is never to take a part for the whole
                batch.error = batch.error or Cancelled("Stopped.")
                batch.waiting.clear()
            if not batch.in_flight:
                self._give_up(batch, Cancelled("Stopped."))
        self._drain(GRACE)
        for batch in self._working():
            self._give_up(batch, Cancelled("Stopped."))
        self._width += self._busy
        self._drain(CLEAN_UP)
        for batch in list(self._live.values()):
            self._give_up(batch, NetworkError(f"There was no answer within {CLEAN_UP:.0f} seconds."))
        self._report(why)

    def _working(self) -> list[_Batch[R]]:
        return [batch for batch in self._live.values() if not batch.clean_up]

    def _give_up(self, batch: _Batch[R], error: RopewayError) -> None:
        batch.left_behind = True
        batch.waiting.clear()
        self._throw(batch, error)

    def _drain(self, seconds: float) -> None:
        """Returns when every job has ended, or nothing more can be hoped for."""
        until = time.monotonic() + seconds
        while self._live and time.monotonic() < until:
            self._begin_more()
            self._end_one(POLL)

    def _report(self, why: RopewayError) -> None:
        for error in self._left:
            if not isinstance(error, RopewayError):
                raise error
            advise(why, error.advice)


class _Threads(Generic[R]):
    """Threads that are started when they are needed. Daemons: one that is stuck in the network must not hold the process."""

    def __init__(self) -> None:
        self._asked: queue.SimpleQueue[tuple[_Batch[R], int, Request, Stop | None] | None] = queue.SimpleQueue()
        self._ended: queue.SimpleQueue[_Ended[R]] = queue.SimpleQueue()
        self._count = 0

    def do(self, batch: _Batch[R], at: int, request: Request, stop: Stop | None, busy: int) -> None:
        """`busy` is how many requests are in flight with this one."""
        if self._count < busy:
            self._count += 1
            threading.Thread(target=self._work, name=f"ropeway-s3-{self._count}", daemon=True).start()
        self._asked.put((batch, at, request, stop))

    def next_ended(self, seconds: float) -> _Ended[R] | None:
        try:
            return self._ended.get(timeout=seconds)
        except queue.Empty:
            return None

    def dismiss(self) -> None:
        for _ in range(self._count):
            self._asked.put(None)

    def _work(self) -> None:
        while (asked := self._asked.get()) is not None:
            batch, at, request, _current.stop = asked
            try:
                ended = _Ended(batch, at, answer=request())
            except Exception as error:  # noqa: BLE001 - it is handed over to the job
                ended = _Ended(batch, at, error=error)
            self._ended.put(ended)
