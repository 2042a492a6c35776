"""What a task tells while it works: a bar on a terminal, a line now and then elsewhere. On stderr, always."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import TracebackType
from typing import Protocol

from rich.console import Console
from rich.live import Live
from rich.progress import BarColumn, TaskID, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar
from rich.text import Text

from ropeway import terminal
from ropeway.checked import CheckNow, standings
from ropeway.outcome import Progress, Teller, in_units
from ropeway.sanitise import one_line

SELDOM = 10.0
"""Seconds between two lines of progress where no terminal shows a bar."""


class Showing(Teller, Protocol):
    """A teller that needs the screen for a while: nothing else is printed to the terminal in between."""

    def __enter__(self) -> None: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


def showing(screen: Console) -> Showing:
    return OnBar(screen) if screen.file.isatty() and not screen.is_dumb_terminal else InLines(screen)


class InLines:
    """A line for each note, and one every ten seconds that says how far it is: what is quick needs none."""

    def __init__(self, screen: Console, clock: Callable[[], float] = time.monotonic) -> None:
        self._screen = screen
        self._clock = clock
        self._said = clock()

    def __enter__(self) -> None:
        self._said = self._clock()

    def __exit__(self, *_: object) -> None: ...

    def note(self, message: str) -> None:
        self._screen.print(Text(one_line(message)))

    def progress(self, progress: Progress) -> None:
        if (now := self._clock()) - self._said >= SELDOM:
            self._said = now
            self._screen.print(Text(one_line(f"{progress.doing}: {how_far(progress)}")))


class OnBar:
    """One bar, or a table of checks, that goes away when it is done; notes stay above it."""

    def __init__(self, screen: Console) -> None:
        self._screen = screen
        self._bar = _bar(screen)
        self._checks = _table(screen)
        self._task: TaskID | None = None
        self._doing = ""

    def __enter__(self) -> None:
        self._bar.start()

    def __exit__(self, *_: object) -> None:
        self._bar.stop()
        self._checks.stop()
        self._bar, self._checks = _bar(self._screen), _table(self._screen)
        self._task = None

    def note(self, message: str) -> None:
        self._screen.print(Text(one_line(message), style="dim"))

    def progress(self, progress: Progress) -> None:
        if progress.checks:
            self._stand(progress.checks)
            return
        self._checks.stop()
        self._bar.start()
        by_bytes = progress.bytes_total > 0
        self._bar.update(
            self._begin(progress.doing),
            completed=progress.bytes if by_bytes else progress.items,
            total=(progress.bytes_total if by_bytes else progress.items_total) or None,
            how_far=how_far(progress),
        )

    def _stand(self, checks: tuple[CheckNow, ...]) -> None:
        """The screen has room for one thing that moves: the bar of what came before the checks goes away."""
        self._bar.stop()
        self._checks.start()
        self._checks.update(terminal.standing(self._screen, checks))

    def _begin(self, doing: str) -> TaskID:
        """The bar of what is being done; a new one when that is something new, so that speed and time begin again."""
        if self._task is None or doing != self._doing:
            if self._task is not None:
                self._bar.remove_task(self._task)
            self._doing = doing
            self._task = self._bar.add_task(one_line(doing), total=None, how_far="")
        return self._task


def how_far(progress: Progress) -> str:
    """As far as it is known: "12 of 300, 1.2 MB of 30.0 MB"."""
    parts = [f"{progress.items:,} of {progress.items_total:,}" if progress.items_total else f"{progress.items:,}"]
    if progress.bytes_total:
        parts.append(f"{in_units(progress.bytes)} of {in_units(progress.bytes_total)}")
    if progress.checks:
        parts.append(standings(progress.checks))
    return ", ".join(parts)


class _Speed(TextColumn):
    """Bytes a second, once there is something to measure."""

    def render(self, task: object) -> Text:
        speed = getattr(task, "speed", None)
        return Text(f"{in_units(round(speed))}/s" if speed else "", style="dim")


def _bar(screen: Console) -> Bar:
    return Bar(
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=20),
        TextColumn("{task.fields[how_far]}", markup=False),
        _Speed(""),
        TimeRemainingColumn(),
        console=screen,
        transient=True,
    )


def _table(screen: Console) -> Live:
    return Live(console=screen, transient=True, refresh_per_second=4)
