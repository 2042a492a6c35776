"""The server's end of the keeper (keeper.py): start a command, be told how it ended."""

from __future__ import annotations

import contextlib
import itertools
import json
import subprocess
import sys
import tempfile
import threading
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any

KEEPER = Path(__file__).with_name("keeper.py")


@dataclass(frozen=True)
class Ended:
    """`code` as of subprocess (negative: the signal). `why` it was killed: `timeout`, or the reason that `stop` was given."""

    code: int
    why: str = ""


class Processes:
    """Everything that instances run. `end` ends all of it; so does the end of this process, whichever way."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="ropeway-instances-"))
        self._keeper = subprocess.Popen(  # noqa: S603 - our own file
            [sys.executable, "-I", "-S", str(KEEPER), str(self.folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
            cwd="/",
        )
        self._numbers = itertools.count()
        self._waiting: dict[str, Future[Ended]] = {}
        self._writing = threading.Lock()
        self._listener = threading.Thread(target=self._listen, name="ropeway-instances", daemon=True)
        self._listener.start()

    @property
    def pid(self) -> int:
        """Of the keeper: what instances run is below it."""
        return self._keeper.pid

    def start(
        self, argv: list[str], *, env: dict[str, str], cwd: Path, out: Path, err: Path, seconds: float | None = None
    ) -> Started:
        """Run it, stdout and stderr into two files; killed after so many seconds."""
        return self._order(
            "start",
            argv=argv,
            env=env,
            cwd=str(cwd),
            out=str(out),
            err=str(err),
            seconds=seconds,
        )

    def stop(self, key: str, why: str) -> None:
        self._send({"order": "stop", "key": key, "why": why})

    def clear(self, mark: str) -> None:
        """Kill every process that has `mark` in its environment. Returns when they are dead."""
        self._order("clear", mark=mark).ended.result()

    def end(self) -> None:
        with self._writing, contextlib.suppress(BrokenPipeError):
            self._keeper.stdin.close()  # type: ignore[union-attr] # it is a pipe
        self._keeper.wait()
        self._listener.join()
        self._keeper.stdout.close()  # type: ignore[union-attr]

    def _order(self, order: str, **what: Any) -> Started:
        key = str(next(self._numbers))
        future = self._waiting[key] = Future()
        self._send({"order": order, "key": key, **what})
        return Started(self, key, future)

    def _send(self, order: dict[str, Any]) -> None:
        with self._writing:
            self._keeper.stdin.write(json.dumps(order).encode() + b"\n")  # type: ignore[union-attr]
            self._keeper.stdin.flush()  # type: ignore[union-attr]

    def _listen(self) -> None:
        for line in self._keeper.stdout:  # type: ignore[union-attr]
            told = json.loads(line)
            self._waiting.pop(told["key"]).set_result(Ended(told["code"], told["why"]))
        for future in self._waiting.values():
            future.set_result(Ended(-9, "ended"))


@dataclass(frozen=True)
class Started:
    """A command that runs, until `ended` holds how it ended."""

    _processes: Processes
    _key: str
    ended: Future[Ended]

    def stop(self, why: str) -> None:
        """Kill its process group."""
        self._processes.stop(self._key, why)
