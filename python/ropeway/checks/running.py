"""A program of this machine, run in bounded time and bounded memory; what it started ends with it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import IO, Any

from ropeway.errors import LocalFileError
from ropeway.outcome import SOON, Cancellation

WINDOWS = sys.platform == "win32"
GRACE = 1.0
"""Seconds between the request to end (SIGTERM) and the end (SIGKILL)."""
LAST_WORDS = 3.0
"""Seconds to read what was printed, once whoever printed it has ended."""

PIECE = 1 << 16
"""Bytes."""


@dataclass(frozen=True)
class Program:
    """`argv` begins with a name to look for on the PATH of `environment`, or with a path (relative: from `folder` on).

    `shell` is a line for the shell instead.
    """

    argv: tuple[str, ...]
    shell: str
    folder: str
    environment: Mapping[str, str] = field(repr=False)
    most_bytes: int = 1 << 20


@dataclass(frozen=True)
class Ended:
    """`code` is None when it was stopped because its time was over; minus the signal's number where one killed it.

    Of an output that is longer than what is kept, the beginning and the end are. `held` says that it was not read to its end: what the
    program has left behind, in a session of its own, holds it open.
    """

    code: int | None
    output: str
    errors: str
    whole: bool
    held: bool
    seconds: float


class Kept:
    """The beginning and the end of a stream."""

    def __init__(self, most: int) -> None:
        self._half = max(most // 2, 1)
        self._head = bytearray()
        self._tail = bytearray()
        self._left_out = 0

    def add(self, piece: bytes) -> None:
        room = self._half - len(self._head)
        self._head += piece[:room]
        self._tail += piece[room:] if room > 0 else piece
        if (over := len(self._tail) - self._half) > 0:
            del self._tail[:over]
            self._left_out += over

    @property
    def whole(self) -> bool:
        return not self._left_out

    @property
    def text(self) -> str:
        between = f"\n... ({self._left_out:,} bytes left out) ...\n".encode() if self._left_out else b""
        return bytes(self._head + between + self._tail).decode("utf-8", "replace").replace("\r\n", "\n")


def run(program: Program, seconds: float, cancellation: Cancellation) -> Ended:
    """Raises LocalFileError for a program or folder that is not there or cannot be run, and Cancelled."""
    began = time.monotonic()
    process = _started(program)
    output, errors = Kept(program.most_bytes), Kept(program.most_bytes)
    readers = [_reading(process.stdout, output), _reading(process.stderr, errors)]
    try:
        code = _awaited(process, seconds, cancellation)
    finally:
        # What it left behind ends, too: it would hold the output open, and the agent's job.
        end(process.pid, gently=False, windows=WINDOWS)
        process.wait()
        until = time.monotonic() + LAST_WORDS
        for reader in readers:
            reader.join(max(0.0, until - time.monotonic()))
    cancellation.check()
    whole, held = output.whole and errors.whole, any(reader.is_alive() for reader in readers)
    return Ended(code, output.text, errors.text, whole, held, time.monotonic() - began)


# --- beginning ---------------------------------------------------------------------------------------------------------------


def _started(program: Program) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(  # noqa: S603 - a program of the user's own is what this is for
            program.shell or (_found(program), *program.argv[1:]),
            shell=bool(program.shell),
            cwd=program.folder,
            env=dict(program.environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            **group_of_its_own(windows=WINDOWS),
        )
    except OSError as wrong:
        name = program.shell or program.argv[0]
        if not os.path.isdir(program.folder):
            raise LocalFileError(f"The folder {program.folder} is not there: {name} was to run in it.") from wrong
        raise LocalFileError(f"Could not run {name}: {wrong.strerror}.", advice=_RUNNABLE) from wrong


def _found(program: Program) -> str:
    """Windows looks in the folder of whoever asks, and for .exe alone; here it is the PATH, and PATHEXT."""
    name = program.argv[0]
    if os.path.dirname(name):
        return os.path.join(os.path.abspath(program.folder), name)
    found = shutil.which(name, path=program.environment.get("PATH", os.defpath))
    if not found:
        raise LocalFileError(
            f"There is no program {name!r} on the PATH.", advice=_LISTED if " " in name else _INSTALLED
        )
    return os.path.abspath(found)


def group_of_its_own(*, windows: bool) -> dict[str, Any]:
    """So that what it starts can be ended with it, and a Ctrl-C of the task is not its own."""
    if windows:
        return {"creationflags": getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0x200)}
    return {"start_new_session": True}


def _reading(stream: IO[bytes] | None, kept: Kept) -> threading.Thread:
    thread = threading.Thread(target=_read, args=(stream, kept), name="ropeway-output", daemon=True)
    thread.start()
    return thread


def _read(stream: IO[bytes] | None, kept: Kept) -> None:
    if stream is None:  # Popen's own type: there is one
        return
    with stream:
        while piece := os.read(stream.fileno(), PIECE):
            kept.add(piece)


# --- ending ------------------------------------------------------------------------------------------------------------------


def _awaited(process: subprocess.Popen[bytes], seconds: float, cancellation: Cancellation) -> int | None:
    """Its exit code; None when the time was over, or the task cancelled, before it had one."""
    grace = min(GRACE, seconds / 4)
    until = time.monotonic() + seconds - grace
    while time.monotonic() < until and not cancellation.asked:
        if (code := _code(process, SOON)) is not None:
            return code
    end(process.pid, gently=True, windows=WINDOWS)
    _code(process, grace)
    return None


def _code(process: subprocess.Popen[bytes], seconds: float) -> int | None:
    try:
        return process.wait(seconds)
    except subprocess.TimeoutExpired:
        return None


def end(pid: int, *, gently: bool, windows: bool) -> None:
    """A process and what it started, as far as that is still of its group. Of Windows' own tools, taskkill knows whole trees."""
    try:
        if not windows:
            os.killpg(pid, signal.SIGTERM if gently else signal.SIGKILL)
        elif gently:
            os.kill(pid, getattr(signal, "CTRL_BREAK_EVENT", 1))
        else:
            subprocess.run(("taskkill", "/T", "/F", "/PID", str(pid)), capture_output=True, check=False)  # noqa: S603, S607 - a number
    except (ProcessLookupError, PermissionError):
        return  # it has ended; macOS says so in the second way
    except OSError:
        if not (windows and gently):
            raise
        return  # Windows says so in this way, or has no console to ask by: taskkill comes after it


_INSTALLED = "Install it on this machine, or name it with its path."
_LISTED = "A command is a list, a word each: [python, smoke.py, --fast]. For a line of the shell, use shell."
_RUNNABLE = "See whether it is a program for this machine, and whether it may be run (chmod +x)."
