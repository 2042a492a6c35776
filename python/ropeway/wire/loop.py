"""Coroutines that wait for sockets, in one thread: `selectors` and nothing more.

A task waits for a channel (a socket and the patience with it), for a time, or for what another task or thread hands to it. All else
is an ordinary call. What keeps others waiting (names, credentials) is done by a thread of its own.
"""

from __future__ import annotations

import heapq
import selectors
import socket
import threading
import time
import types
from collections import deque
from collections.abc import Callable, Coroutine, Generator
from typing import Any, TypeVar

from ropeway.wire.failures import NoAnswerInTime

T = TypeVar("T")
READ, WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE
SWEEP = 0.25
"""Seconds between two looks at whose patience has ended."""


class Channel:
    """A socket that the loop watches. `until` is when patience with it ends; `moved` grants more of it.

    `surprise` is called when something comes that no task waits for: on an idle connection, its end.
    """

    __slots__ = ("idle", "slowest", "sock", "surprise", "task", "until", "watched")

    def __init__(self, sock: socket.socket, surprise: Callable[[], object]) -> None:
        self.sock = sock
        self.surprise = surprise
        self.task: Task | None = None
        self.watched = 0
        self.idle = self.until = self.slowest = 0.0

    def be_patient(self, now: float, idle: float, slowest: float = 0.0) -> None:
        """For `idle` seconds without a byte; each byte grants no more than 1 / `slowest` seconds (0: all of them again)."""
        self.idle, self.until, self.slowest = idle, now + idle, slowest

    def moved(self, now: float, count: int) -> None:
        granted = self.until + count / self.slowest if self.slowest else now + self.idle
        self.until = min(granted, now + self.idle)


class Task:
    """A coroutine on its way. `ended` is told of it, and its result or its error.

    What is `committed` may finish when all else is stopped; it is said of the task that it was begun for (`front`), if there is one. No
    task knows itself, directly or by what it holds: thousands would wait for the collector of cycles.
    """

    __slots__ = ("channel", "committed", "coroutine", "ended", "front", "over", "turn")

    def __init__(
        self,
        coroutine: Coroutine[Any, Any, Any],
        ended: Callable[[Task, Any, BaseException | None], object],
        front: Task | None = None,
    ) -> None:
        self.coroutine = coroutine
        self.ended = ended
        self.front = front
        self.channel: Channel | None = None
        self.committed = self.over = False
        self.turn = 0

    def commit(self, whether: bool) -> None:
        (self.front or self).committed = whether


Parked = Callable[[Task], object]


@types.coroutine
def ready(channel: Channel, mask: int) -> Generator[tuple[Channel, int], int, int]:
    """Wait until it can be read from or written to; which of them is the answer. Raises NoAnswerInTime."""
    return (yield channel, mask)


@types.coroutine
def park(parked: Parked) -> Generator[Parked, Any, Any]:
    """Wait until somebody wakes the task. `parked` is told which it is."""
    return (yield parked)


class Loop:
    """`now` is the time of this round (monotonic), `rounds` their count. It is run by whoever waits for results, a round at a time."""

    def __init__(self) -> None:
        self.now = time.monotonic()
        self.current: Task | None = None
        self.rounds = 0
        self._selector = selectors.DefaultSelector()
        self._due: list[tuple[float, int, Task, int]] = []
        self._count = 0
        self._handed: deque[Callable[[], object]] = deque()
        self._waiting: set[Channel] = set()
        self._swept = self.now
        self._bell, bell = socket.socketpair()
        self._bell.setblocking(False)
        bell.setblocking(False)
        self._door = Channel(Socket(fileno=bell.detach()), self._answer_door)
        self._bell = Socket(fileno=self._bell.detach())
        self._watch(self._door, READ)

    # --- tasks -----------------------------------------------------------------------------------------------------------

    def step(self, task: Task, value: Any = None, error: BaseException | None = None) -> None:
        """Let it go on, until it waits again or ends."""
        task.turn += 1
        if task.channel is not None:
            self._waiting.discard(task.channel)
            task.channel.task = None
            task.channel = None
        before, self.current = self.current, task
        try:
            wanted = task.coroutine.send(value) if error is None else task.coroutine.throw(error)
        except StopIteration as returned:
            task.over = True
            task.ended(task, returned.value, None)
        except BaseException as raised:  # noqa: BLE001 - it is handed over
            task.over = True
            task.ended(task, None, raised)
        else:
            self._wait(task, wanted)
        finally:
            self.current = before

    def _wait(self, task: Task, wanted: tuple[Channel, int] | Parked) -> None:
        if isinstance(wanted, tuple):
            channel, mask = wanted
            channel.task, task.channel = task, channel
            self._waiting.add(channel)
            if channel.watched != mask:
                self._watch(channel, mask)
        else:
            wanted(task)

    def waker(self, task: Task) -> Callable[..., None]:
        """What lets the task go on with a value or an error, once, unless something else did by then."""
        turn = task.turn

        def wake(value: Any = None, error: BaseException | None = None) -> None:
            if task.turn == turn:
                self.step(task, value, error)

        return wake

    async def sleep(self, seconds: float) -> None:
        def parked(task: Task) -> None:
            self._count += 1
            heapq.heappush(self._due, (time.monotonic() + seconds, self._count, task, task.turn))

        await park(parked)

    async def apart(self, call: Callable[[], T]) -> T:
        """Do it in a thread of its own. A task that is stopped meanwhile does not wait for it."""

        def parked(task: Task) -> None:
            wake = self.waker(task)
            threading.Thread(target=work, args=(wake,), name="ropeway-s3-apart", daemon=True).start()

        def work(wake: Callable[..., None]) -> None:
            try:
                value = call()
            except Exception as error:  # noqa: BLE001 - it is handed over
                self.hand(lambda error=error: wake(error=error))  # type: ignore[misc]
            else:
                self.hand(lambda: wake(value))

        return await park(parked)  # type: ignore[no-any-return]

    def hand(self, call: Callable[[], object]) -> None:
        """Have it called in the loop's thread. From any thread."""
        self._handed.append(call)
        try:
            self._bell.send(b"!")
        except (BlockingIOError, OSError):
            return  # it rings already, or nobody is there any more

    def _answer_door(self) -> None:
        self._door.sock.recv(4096)

    # --- channels --------------------------------------------------------------------------------------------------------

    def open(self, sock: socket.socket, surprise: Callable[[], object]) -> Channel:
        sock.setblocking(False)
        return Channel(sock, surprise)

    def close(self, channel: Channel) -> None:
        if channel.watched:
            self._selector.unregister(channel.sock)
            channel.watched = 0
        channel.sock.close()

    def watch(self, channel: Channel) -> None:
        """Notice what comes though nobody waits for it."""
        if channel.watched != READ:
            self._watch(channel, READ)

    def _watch(self, channel: Channel, mask: int) -> None:
        (self._selector.modify if channel.watched else self._selector.register)(channel.sock, mask, channel)
        channel.watched = mask

    # --- a round ---------------------------------------------------------------------------------------------------------

    def come_back(self) -> None:
        """Time has passed, in which whoever runs the loop did something else."""
        self.now = time.monotonic()
        self.rounds += 1

    def round(self, most: float, waited: Callable[[float], object] | None = None) -> None:
        """Wait for at most so many seconds, and let everything go on that can. `waited` is told of the seconds that nothing could."""
        self.come_back()
        events = self._selector.select(0)
        if not events and not self._handed:
            before = self.now
            events = self._selector.select(max(0.0, min(most, self._due[0][0] - before if self._due else most)))
            self.now = time.monotonic()
            if waited:
                waited(self.now - before)
        for key, mask in events:
            channel: Channel = key.data
            if channel.task is not None:
                self.step(channel.task, mask)
            elif channel.watched:
                channel.surprise()
        while self._handed:
            self._handed.popleft()()
        while self._due and self._due[0][0] <= self.now:
            _, _, task, turn = heapq.heappop(self._due)
            if task.turn == turn:
                self.step(task)
        if self.now - self._swept >= SWEEP:
            self._sweep()

    def _sweep(self) -> None:
        self._swept = self.now
        for channel in [channel for channel in self._waiting if channel.until < self.now]:
            if channel.task is not None:
                self.step(channel.task, error=NoAnswerInTime())


class Socket(socket.socket):
    """Closed without a word when nobody has it any more: an engine has no end that anybody tells it of."""

    def __del__(self) -> None:
        self.close()
