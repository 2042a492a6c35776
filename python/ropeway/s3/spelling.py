"""Which spellings of a name are one file below a folder: that is up to what is mounted there, and not to the system alone.

Linux has folders that ignore case, too (SMB, WSL's /mnt/c, Docker Desktop's mounts), and macOS has some that do not.
"""

from __future__ import annotations

import os
import string
import sys
import unicodedata
from collections.abc import Callable
from pathlib import PurePath

OTHER_CASE = str.maketrans(string.ascii_letters, string.ascii_letters.swapcase())


BACKSLASHED = "On this machine a backslash is a character of a name like any other: write / between folders."


def is_backslashed(folder: str) -> bool:
    """Written as on Windows, on a machine where that is one name. The agent hands it over as it is."""
    return os.sep == "/" and "\\" in folder


def same_below(target: str) -> Callable[[str], str]:
    """What names have in common that are one file there. Nothing is written: a dry run asks, too."""
    if sys.platform == "win32" or ignores_case(target, usual=sys.platform == "darwin"):
        return folded
    return _decomposed if sys.platform == "darwin" else str


def folded(name: str) -> str:
    """One form for all spellings that may be taken for the same name; rather one too many than one too few."""
    return _decomposed(_decomposed(name).casefold())


def _decomposed(name: str) -> str:
    return unicodedata.normalize("NFD", name)


def ignores_case(target: str, *, usual: bool) -> bool:
    """Asked by another spelling of what is there, in the folder or the nearest one above it that can tell; else as is `usual`.

    Not by the numbers of the files: some mounts make up a number for each spelling.
    """
    above = (target := os.path.realpath(target), *map(str, PurePath(target).parents))
    there = [folder for folder in above if os.path.isdir(folder)]
    for folder in there:
        if os.stat(folder).st_dev != os.stat(there[0]).st_dev:  # from here on it is another mount
            break
        names = _names_in(folder)
        if name := next((name for name in names if name.translate(OTHER_CASE) != name), ""):
            other = name.translate(OTHER_CASE)
            return other not in names and os.path.lexists(os.path.join(folder, other))
    return usual


def _names_in(folder: str) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:  # not ours to read: the one above it may tell
        return []
