"""Ctrl-C: the first one asks for an end in good order, the second one ends at once."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from ropeway.outcome import Cancellation

SHOW_CURSOR = "\x1b[?25h"
ASKED = "\nStopping: what is on its way ends or is taken back. Ctrl-C again stops at once.\n"
AT_ONCE = "\nStopped at once. An upload in parts that was on its way may be left unfinished in the bucket.\n"


@contextmanager
def stoppable(cancellation: Cancellation) -> Iterator[None]:
    """While this lasts, SIGINT and SIGTERM ask `cancellation` instead of raising KeyboardInterrupt anywhere."""

    def stop(number: int, _frame: FrameType | None) -> None:
        if cancellation.asked:
            _die(number)
        cancellation.ask("Ctrl-C was pressed" if number == signal.SIGINT else "the system asked for it (SIGTERM)")
        _say(ASKED)

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _say(text: str) -> None:
    # Past Python's buffers: a handler may interrupt a write, which cannot be entered twice.
    os.write(2, text.encode())


def _die(number: int) -> None:
    """By the signal itself, so that a shell or a script that waits for us learns how we ended."""
    _say((SHOW_CURSOR if sys.stderr.isatty() else "") + AT_ONCE)
    signal.signal(number, signal.SIG_DFL)
    signal.raise_signal(number)
