"""How a task learns that it has to stop: a signal that the launcher passes on, or the launcher's own end."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from collections.abc import Callable

from ropeway.azure.protocol import GRACE, HOLDS_STDIN
from ropeway.outcome import Cancellation

SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGBREAK") if hasattr(signal, name))

TWICE = 1.0
"""Seconds within which a signal counts as the same one again: a terminal and a launcher may both deliver it."""

_LAUNCHER_GONE = 0


def listen(cancellation: Cancellation, give_up: Callable[[], None], grace: float = GRACE) -> None:
    """From here on, a signal or the end of stdin asks `cancellation`; a second signal, or `grace` seconds, call `give_up`.

    A thread does it all, woken by the wakeup descriptor: Python's own signal handlers have to wait until the main thread comes
    back from the system, and could not see to it that it ever does.
    """
    ear, mouth = socket.socketpair()
    mouth.setblocking(False)
    for number in SIGNALS:
        signal.signal(number, _leave_it_to_the_thread)
    signal.set_wakeup_fd(mouth.fileno(), warn_on_full_buffer=False)
    _start(_listen, (ear, mouth), cancellation, give_up, grace)
    if os.environ.pop(HOLDS_STDIN, ""):
        _start(_wait_for_the_launchers_end, mouth)


def _start(work: Callable[..., None], *args: object) -> None:
    threading.Thread(target=work, args=args, daemon=True).start()


def _leave_it_to_the_thread(_number: int, _frame: object) -> None: ...


def _listen(
    ends: tuple[socket.socket, socket.socket], cancellation: Cancellation, give_up: Callable[[], None], grace: float
) -> None:
    ear, _mouth = ends  # both stay open as long as this runs
    cancellation.ask(_why(ear.recv(1)[0]))
    began = time.monotonic()
    while (passed := time.monotonic() - began) < grace:
        ear.settimeout(grace - passed)
        try:
            again = ear.recv(1)[0]
        except TimeoutError:
            break
        if again != _LAUNCHER_GONE and time.monotonic() - began >= TWICE:
            break
    give_up()


def _why(number: int) -> str:
    if number == _LAUNCHER_GONE:
        return "the launcher of this task was ended"
    return f"the step was cancelled or ran out of time ({signal.Signals(number).name})"


def _wait_for_the_launchers_end(mouth: socket.socket) -> None:
    while os.read(0, 4096):
        pass
    mouth.send(bytes([_LAUNCHER_GONE]))
