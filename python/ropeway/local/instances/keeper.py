"""The process under which everything runs that instances run. When its server goes, whichever way, it ends all of it.

python -I -S keeper.py FOLDER

Orders come in on stdin, one JSON object a line, and what ended goes out on stdout. The end of stdin is the end of the server:
every process below this one is killed, those that made themselves a session of their own too, and FOLDER is removed.
It needs Linux (`prctl`, `/proc`), and nothing but the standard library.
"""

from __future__ import annotations

import contextlib
import ctypes
import io
import json
import os
import selectors
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

SUBREAPER = 36
"""PR_SET_CHILD_SUBREAPER: who loses its parent becomes a child of this process, not of the system's first."""


@dataclass
class Run:
    """One command: it is over when it has exited *and* nobody holds its output open, as for the SSM agent."""

    key: str
    process: subprocess.Popen[bytes]
    files: dict[int, io.FileIO]
    deadline: float
    code: int | None = None
    why: str = ""
    open: set[int] = field(default_factory=set)


class Keeper:
    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._runs: dict[int, Run] = {}
        self._orders = b""
        self._selector = selectors.DefaultSelector()
        awake, self._wake = os.pipe()
        for number in (awake, self._wake, 0):
            os.set_blocking(number, False)
        signal.set_wakeup_fd(self._wake)
        self._selector.register(0, selectors.EVENT_READ, self._read_orders)
        self._selector.register(awake, selectors.EVENT_READ, lambda: os.read(awake, 4096))

    def serve(self) -> None:
        try:
            while True:
                for key, _ in self._selector.select(self._patience()):
                    key.data()
                self._reap()
                self._look_at_the_clock()
        except EOFError:
            self._end_all()

    def _patience(self) -> float | None:
        """Seconds until the next command has had its time."""
        deadlines = [run.deadline for run in self._runs.values() if not run.why]
        return max(0.0, min(deadlines) - time.monotonic()) if deadlines and min(deadlines) != float("inf") else None

    def _read_orders(self) -> None:
        chunk = os.read(0, 1 << 20)
        if not chunk:
            raise EOFError
        *lines, self._orders = (self._orders + chunk).split(b"\n")
        for line in lines:
            order = json.loads(line)
            getattr(self, order.pop("order"))(**order)

    # --- what may be ordered ----------------------------------------------------------------------------------------

    def start(  # noqa: PLR0917 - an order names them all
        self, key: str, argv: list[str], env: dict[str, str], cwd: str, out: str, err: str, seconds: float | None
    ) -> None:
        """Run a command in a session of its own, its output into two files; it has so many seconds."""
        pipes = [os.pipe(), os.pipe()]
        try:
            process = subprocess.Popen(  # noqa: S603 - commands are what this is for
                argv,
                env=env,
                cwd=cwd,
                stdin=subprocess.DEVNULL,
                stdout=pipes[0][1],
                stderr=pipes[1][1],
                start_new_session=True,
            )
        except OSError as error:
            for number in (number for pipe in pipes for number in pipe):
                os.close(number)
            self._tell(key=key, code=-1, why=str(error))
            return
        for _, writing in pipes:
            os.close(writing)
        deadline = time.monotonic() + seconds if seconds else float("inf")
        files = {pipes[0][0]: open(out, "wb", 0), pipes[1][0]: open(err, "wb", 0)}  # noqa: SIM115 - until it is over
        run = self._runs[process.pid] = Run(key, process, files, deadline, open=set(files))
        for reading in files:
            os.set_blocking(reading, False)
            self._selector.register(reading, selectors.EVENT_READ, lambda reading=reading: self._copy(run, reading))

    def stop(self, key: str, why: str) -> None:
        """Kill the process group of a command. `why` is told when it is over."""
        for run in [run for run in self._runs.values() if run.key == key]:
            self._kill(run, why)

    def clear(self, key: str, mark: str) -> None:
        """Kill every process that has `mark` in its environment; the commands among them end as killed."""
        while marked := [pid for pid in _processes() if _has_mark(pid, mark)]:
            for pid in marked:
                _kill_process(pid)
            self._reap()
            time.sleep(0.001)
        self._tell(key=key, code=0, why="")

    # --- what happens -----------------------------------------------------------------------------------------------

    def _copy(self, run: Run, reading: int) -> None:
        with contextlib.suppress(BlockingIOError):
            while chunk := os.read(reading, 1 << 16):
                run.files[reading].write(chunk)
            self._close(run, reading)

    def _close(self, run: Run, reading: int) -> None:
        run.open.discard(reading)
        self._selector.unregister(reading)
        os.close(reading)
        run.files[reading].close()
        self._end_if_over(run)

    def _reap(self) -> None:
        """Whoever is dead below this process: commands, and what they left behind."""
        with contextlib.suppress(ChildProcessError):
            while True:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if not pid:
                    return
                if run := self._runs.get(pid):
                    run.code = run.process.returncode = os.waitstatus_to_exitcode(status)
                    self._end_if_over(run)

    def _look_at_the_clock(self) -> None:
        now = time.monotonic()
        for run in [run for run in self._runs.values() if now >= run.deadline and not run.why]:
            self._kill(run, "timeout")

    def _kill(self, run: Run, why: str) -> None:
        run.why = run.why or why
        if run.code is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(run.process.pid, signal.SIGKILL)
        self._end_if_over(run)

    def _end_if_over(self, run: Run) -> None:
        """Who was killed is not waited for: something that it started may hold its output open for ever."""
        if run.code is None or (run.open and not run.why):
            return
        if self._runs.pop(run.process.pid, None):
            for reading in list(run.open):
                self._copy(run, reading)
                if reading in run.open:
                    self._close(run, reading)
            self._tell(key=run.key, code=run.code, why=run.why)

    def _tell(self, **told: Any) -> None:
        sys.stdout.write(json.dumps(told) + "\n")
        sys.stdout.flush()

    def _end_all(self) -> None:
        while below := _below(os.getpid()):
            for pid in below:
                _kill_process(pid)
            with contextlib.suppress(ChildProcessError):
                while os.waitpid(-1, os.WNOHANG)[0]:
                    pass
            time.sleep(0.001)
        # Not by Python: hundreds of instances have thousands of folders.
        subprocess.run(["rm", "-rf", "--", self._folder], check=False)  # noqa: S603, S607 - its own folder


def _processes() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def _has_mark(pid: int, mark: str) -> bool:
    """A process that is dead, or another user's, has none that can be read."""
    try:
        return mark.encode() in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return False


def _below(top: int) -> list[int]:
    """All descendants of a process."""
    children: dict[int, list[int]] = {}
    for pid in _processes():
        with contextlib.suppress(OSError):
            stat = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace")
            children.setdefault(int(stat.rpartition(")")[2].split()[1]), []).append(pid)
    found = list(children.get(top, []))
    for pid in found:
        found += children.get(pid, [])
    return found


def _kill_process(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, signal.SIGKILL)


if __name__ == "__main__":
    # A new session hears no Ctrl-C of the server's terminal; this process ends by the end of its input only.
    # A signal that is ignored would be so for whatever it starts, too: nobody could stop a service by SIGTERM.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD):
        signal.signal(number, lambda *_: None)
    ctypes.CDLL(None).prctl(SUBREAPER, 1, 0, 0, 0)
    Keeper(sys.argv[1]).serve()
