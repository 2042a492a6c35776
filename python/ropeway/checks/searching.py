"""Regular expressions of the user's, searched so that each comes to an end.

Python's `re` cannot be stopped, and no other thread runs meanwhile: over thirty letters `(a+)+$` takes minutes, over forty days, and not even a cancelled
task would end. What may take long is searched by a Python of its own, which ends itself when its time is over.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time

from ropeway.checks.words import lasting
from ropeway.errors import InputError, LocalFileError
from ropeway.outcome import counted

MAY_TAKE_LONG = frozenset("*+?{(")
"""What repeats, and groups, in which one choice can follow the other. Without them each place of a text is tried once."""

_THEIRS = """
import faulthandler, json, re, sys
for question in sys.stdin.buffer:
    pattern, flags, text, seconds = json.loads(question)
    faulthandler.dump_traceback_later(seconds, exit=True)
    found = re.compile(pattern, flags).search(text)
    faulthandler.cancel_dump_traceback_later()
    print(json.dumps(found and [found[0], *found.groups()]), flush=True)
"""
"""Its watch is a thread that does not need to be let in by `re`. So the process ends in time, also when nobody waits for it any more."""


class Searches:
    """Of one attempt, one after the other. The process is started when it is needed."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None

    def search(self, pattern: re.Pattern[str], text: str, seconds: float) -> tuple[str | None, ...] | None:
        """What is found, and its groups; None where nothing is. Raises InputError when the time was over first."""
        if MAY_TAKE_LONG.isdisjoint(pattern.pattern):
            return (found[0],) if (found := pattern.search(text)) else None
        began = time.monotonic()
        answer = self._answer(json.dumps([pattern.pattern, pattern.flags, text, seconds]).encode() + b"\n")
        if not answer:
            self.close()
            after = lasting(time.monotonic() - began)
            wrong = f"The regular expression /{pattern.pattern}/ was stopped after {after}: it was not through with {counted(len(text), 'character')}."
            raise InputError([wrong]).advised(_ENDLESS)
        found = json.loads(answer)
        return None if found is None else tuple(found)

    def close(self) -> None:
        if self._process:
            self._process.kill()
            self._process.communicate()
            self._process = None

    def _answer(self, question: bytes) -> bytes:
        """Empty when the process has ended instead."""
        process = self._process = self._process or _started()
        if process.stdin is None or process.stdout is None:  # Popen's own type: there are both
            return b""
        try:
            process.stdin.write(question)
            process.stdin.flush()
            return process.stdout.readline()
        except OSError:  # it has ended before it had read all
            return b""


def _started() -> subprocess.Popen[bytes]:
    command = (sys.executable, "-I", "-S", "-c", _THEIRS)
    try:
        return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)  # noqa: S603 - our own lines: what is asked comes by stdin
    except OSError as wrong:
        raise LocalFileError(f"Could not run {sys.executable}, to search a text: {wrong.strerror}.") from wrong


_ENDLESS = (
    "Repeats within repeats, as in (a+)+, and next to each other, as in .*.*, can be tried in more ways than anybody waits for: "
    "write it so that each character fits one place of it only, or give it more time (timeout)."
)
