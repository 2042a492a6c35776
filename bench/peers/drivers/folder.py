"""What every driver does alike: the files of a folder, and what of them a listing lacks."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator

BUCKET, PREFIX = "bench", "tree"

Listed = dict[str, tuple[int, float]]
"""Key to size and time of last change, in seconds since the epoch."""


def files(folder: str) -> Iterator[tuple[str, os.stat_result, str]]:
    """Path, stat and key of each."""
    for where, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(where, name)
            yield path, os.stat(path), f"{PREFIX}/{os.path.relpath(path, folder)}"


def target(folder: str, key: str) -> str:
    """Where an object goes; its folder is made."""
    path = os.path.join(folder, key[len(PREFIX) + 1 :])
    os.makedirs(os.path.dirname(path), exist_ok=True)
    return path


def changed(folder: str, listed: Listed) -> list[str]:
    """Paths whose object is absent, of another size, or older."""
    nothing = (-1, 0.0)
    return [path for path, stat, key in files(folder) if not _same(stat, listed.get(key, nothing))]


def _same(stat: os.stat_result, listed: tuple[int, float]) -> bool:
    return stat.st_size == listed[0] and stat.st_mtime <= listed[1]


def run(up: Callable[..., None], down: Callable[..., None], listing: Callable[..., Listed]) -> None:
    """By the command line. A difference where there should be none is an error."""
    what, folder, url, latency = sys.argv[1:]
    if what == "same":
        if different := changed(folder, listing(url)):
            sys.exit(f"{len(different)} files seem to have changed")
    else:
        (up if what == "up" else down)(folder, url, float(latency))
