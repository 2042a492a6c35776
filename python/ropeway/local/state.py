"""Where this user's embedded AWS is written down, and the lock under which that changes."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

from ropeway.errors import LocalFileError


@dataclass(frozen=True)
class State:
    """What a server writes down when it listens. `started` is seconds since the epoch; `token` lets its user stop it."""

    endpoint_url: str
    pid: int
    version: str
    started: float
    token: str


def folder() -> Path:
    """The user's state folder for this program, by the platform's custom."""
    return _base() / "ropeway"


def make_folder() -> None:
    """Closed to others. Raises LocalFileError."""
    try:
        folder().mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        advice = "Set XDG_STATE_HOME (on Windows LOCALAPPDATA) to a folder that you may write to."
        raise LocalFileError(f"Could not make the folder {folder()}: {error.strerror}.", advice=advice) from None


def _base() -> Path:
    if os.environ.get("XDG_STATE_HOME"):
        return Path(os.environ["XDG_STATE_HOME"])
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support"
    return Path.home() / ".local" / "state"


def log_path() -> Path:
    return folder() / "local.log"


def state_path() -> Path:
    return folder() / "local.json"


def read() -> State | None:
    """None when nothing is written down, or nothing that this version can read."""
    try:
        return State(**json.loads(state_path().read_text("utf-8")))
    except (FileNotFoundError, ValueError, TypeError):
        return None


def write(state: State) -> None:
    """Whole or not at all, readable by the user alone."""
    part = state_path().with_suffix(f".{os.getpid()}")
    with open(part, "w", encoding="utf-8", opener=_private) as file:
        json.dump(asdict(state), file)
    os.replace(part, state_path())


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def forget() -> None:
    state_path().unlink(missing_ok=True)


@contextmanager
def lock() -> Iterator[None]:
    """One at a time, among all processes of the user; freed by the system when its holder dies. Makes the folder."""
    make_folder()
    with open(folder() / "local.lock", "a+b") as file:
        _lock(file)
        yield


if sys.platform == "win32":
    import msvcrt

    def _lock(file: IO[Any]) -> None:
        while True:
            file.seek(0)
            try:
                return msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
            except OSError:  # held by another; LK_LOCK would give up after ten tries
                time.sleep(0.05)

else:
    import fcntl

    def _lock(file: IO[Any]) -> None:
        fcntl.flock(file, fcntl.LOCK_EX)
