"""A second loop, in a thread of its own: for large bodies, whose hashes, ciphers and copies let another thread run meanwhile.

It has connections and buffers of its own; nothing is shared but what is handed over.
"""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

from ropeway.wire.connection import Wire
from ropeway.wire.flow import Job
from ropeway.wire.loop import Loop, Task, park

T = TypeVar("T")
ROUND = 1.0
"""Seconds that it waits at most before it looks whether the run is over."""


class Aside:
    """Its thread is begun by the first job and ends with the last run that is within; its connections stay for the next."""

    def __init__(self, main: Wire, context: Callable[[], ssl.SSLContext]) -> None:
        self.wire = Wire(Loop(), context)
        self.wire.deaf = main.deaf
        self._main = main.loop
        self._thread: threading.Thread | None = None
        self._over = False
        self._runs = 0

    def __enter__(self) -> None:
        self._runs += 1

    def __exit__(self, *_: object) -> None:
        self._runs -= 1
        if not self._runs and self._thread is not None:
            self._over = True
            self.wire.loop.hand(lambda: None)
            self._thread.join()
            self._thread = None

    async def do(self, job: Job[T]) -> T:
        """Have it done over there. Where this task is stopped, so is the job."""
        mine: list[Task] = []
        loop = self.wire.loop

        def parked(task: Task) -> None:
            wake = self._main.waker(task)
            mine.append(Task(job, lambda _, result, error: self._main.hand(partial(wake, result, error)), task))
            loop.hand(partial(loop.step, mine[0]))

        self._begin()
        try:
            return await park(parked)  # type: ignore[no-any-return]
        except BaseException as error:
            loop.hand(partial(_stop, loop, mine[0], error))
            raise

    def _begin(self) -> None:
        if self._thread is None:
            self._over = False
            self._thread = threading.Thread(target=self._run, name="ropeway-s3-aside", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        try:
            while not self._over:
                self.wire.loop.round(ROUND)
            self.wire.loop.round(0)
        except BaseException as error:  # noqa: BLE001 - it is handed over
            self._main.hand(partial(_raise, error))


def _stop(loop: Loop, task: Task, error: BaseException) -> None:
    if not task.over:
        loop.step(task, error=error)


def _raise(error: Any) -> None:
    raise error
