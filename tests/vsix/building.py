"""The extension, built once for all workers of a test run."""

from __future__ import annotations

import fcntl
from pathlib import Path

from tooling.vsix import build


def built_once(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        there = sorted((folder / "dist").glob("*.vsix"))
        return there[0] if there else build(folder / "dist", folder / "work").file
