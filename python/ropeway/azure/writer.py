"""The one writer of a task's output. All that is said goes through it, a whole line at a time."""

from __future__ import annotations

import io
import os
import select
import threading

from ropeway.azure.commands import Command
from ropeway.sanitise import lines, one_line


class OutputLost(Exception):
    """The agent cannot be told anything any more, so the task cannot end well. No task catches this."""


class Writer:
    """UTF-8 lines to a file descriptor, unbuffered, never interleaved. Once a line is lost, every later one is refused."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._lock = threading.Lock()
        self._lost: OSError | None = None

    def command(self, command: Command) -> None:
        self._write(str(command))

    def say(self, text: str, formatting: str = "") -> None:
        """A line of the log. `formatting` is ours ("##[group]"); `text` may be foreign."""
        self._write(formatting + one_line(text))

    def say_lines(self, text: str) -> None:
        for line in lines(text):
            self._write(line)

    def _write(self, line: str) -> None:
        rest = memoryview((line + "\n").encode("utf-8", "backslashreplace"))
        with self._lock:
            if self._lost:
                raise OutputLost(str(self._lost)) from self._lost
            try:
                while rest:
                    rest = rest[self._write_some(rest) :]
            except OSError as error:
                self._lost = error
                raise OutputLost(str(error)) from error

    def _write_some(self, data: memoryview) -> int:
        """The launcher's Node has made the pipe non-blocking, for us too: a slow agent is no reason to lose a line."""
        try:
            return os.write(self._descriptor, data)
        except BlockingIOError:
            select.select([], [self._descriptor], [])
            return 0


class SafeText(io.TextIOBase):
    """Stands for sys.stdout and sys.stderr, so that what a library prints, or the trace of a thread, runs no command."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._lock = threading.Lock()
        self._begun = ""

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        with self._lock:
            *whole, self._begun = (self._begun + text).split("\n")
        for line in whole:
            self._writer.say(line.removesuffix("\r"))
        return len(text)

    def finish(self) -> None:
        """Says what was written without a line break at its end."""
        with self._lock:
            rest, self._begun = self._begun, ""
        if rest:
            self._writer.say(rest)
