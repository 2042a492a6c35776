"""How many requests to have in flight: enough that this machine never waits for one answer, and no more than bring something.

By Little's law, (seconds that an answer takes) / (seconds of work that it costs here) requests keep this machine busy. So the level
rises while there is waiting, and while the last rise made things faster; it falls back when it did not, and halves when the
server says that it is too much (503 SlowDown).
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

START = 32
"""Requests in flight before anything is known."""
FASTER = 1.1
"""What a rise has to bring, as a factor."""
STEEP = 4
"""A rise is by no more than this factor."""
MARGIN = 1.5
"""Answers do not come at equal distances."""
HOLD = 3.0
"""Seconds without a rise after one that brought nothing, or after a SlowDown."""
LONG = 1.0
"""Seconds after which is judged even if few answers came: large bodies."""
UNIT = 64 * 1024
"""Bytes that count as much as an answer."""


RESERVED = 64
"""Files that a process has open beside those of requests."""
SELECTABLE = 480
"""Sockets that `select` on Windows watches at once (FD_SETSIZE is 512 in Python's build)."""


def affordable(wanted: int) -> int:
    """No more than this process may have open, where each has a connection and a file."""
    try:
        import resource  # noqa: PLC0415 - POSIX alone has it
    except ImportError:
        return min(wanted, SELECTABLE)
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return wanted if limit == resource.RLIM_INFINITY else max(1, min(wanted, (limit - RESERVED) // 2))


@dataclass
class Level:
    """`now` is how many, `most` the ceiling. Times are seconds of one monotonic clock."""

    most: int
    now: int = field(init=False)
    _since: float = 0.0
    _waited: float = 0.0
    _seconds: float = 0.0
    _answers: int = 0
    _bytes: int = 0
    _before: tuple[int, float] | None = None
    _settled: bool = False
    _held: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def __post_init__(self) -> None:
        self.now = min(START, self.most)

    def waited(self, seconds: float) -> None:
        """There was nothing to do but to wait for answers, though there was more to ask."""
        self._waited += seconds

    def answered(self, at: float, seconds: float, count: int) -> None:
        """An answer came `at` that time, after `seconds`, with `count` bytes of body one way or the other. From any thread."""
        with self._lock:
            self._answers += 1
            self._seconds += seconds
            self._bytes += count
            if self._answers >= self.now or at - self._since > LONG:
                self._judge(at)

    def too_much(self, at: float) -> None:
        """The server asks for less. From any thread."""
        with self._lock:
            if at >= self._held - HOLD / 2:  # what was in flight already says the same
                self.now = max(1, self.now // 2)
            self._before, self._held = None, at + HOLD
            self.begin(at)

    def _judge(self, at: float) -> None:
        elapsed = at - self._since
        if elapsed > 0:
            rate = (self._answers + self._bytes / UNIT) / elapsed
            if self._before is None or self._paid(at, rate):
                self._before = None
                if at >= self._held and self._waited > elapsed / 20:
                    self._rise(elapsed, rate)
        self.begin(at)

    def _paid(self, at: float, rate: float) -> bool:
        """Whether the last rise made things faster. The answers right after it were asked for before: the stretch after them decides."""
        if self._before is None or rate >= self._before[1] * FASTER:
            return True
        if self._settled:
            self.now, self._before, self._held = self._before[0], None, at + HOLD
        self._settled = True
        return False

    def _rise(self, elapsed: float, rate: float) -> None:
        work = max(elapsed - self._waited, elapsed / 1000) / self._answers
        enough = int(MARGIN * self._seconds / self._answers / work)
        higher = min(self.most, enough, self.now * STEEP)
        if higher > self.now:
            self._before, self._settled, self.now = (self.now, rate), False, higher

    def begin(self, at: float) -> None:
        """A stretch of time to be judged begins."""
        self._since, self._waited, self._seconds, self._answers, self._bytes = at, 0.0, 0.0, 0, 0
