"""The files of a folder, links followed, in the order of their keys."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ropeway.errors import LocalFileError
from ropeway.outcome import Cancellation, counted, listing
from ropeway.s3.globs import Globs


@dataclass(frozen=True, slots=True)
class LocalFile:
    """`relative` has forward slashes and starts below the walked folder. Size in bytes, mtime in nanoseconds."""

    relative: str
    path: str
    size: int
    mtime_ns: int


@dataclass(frozen=True, slots=True)
class Unreadable:
    """What stands where a file was expected. It matters only when a glob picks it."""

    relative: str
    why: str


def pick_files(folder: str, globs: Sequence[str], cancellation: Cancellation) -> list[LocalFile]:
    """The files that the globs pick, sorted. Raises LocalFileError that names what was picked and cannot be read."""
    rules = Globs(globs, root=os.path.abspath(folder))
    files: list[LocalFile] = []
    problems: list[str] = []
    for found in walk(folder):
        cancellation.check()
        if not rules.matches(found.relative):
            continue
        if isinstance(found, LocalFile):
            files.append(found)
        else:
            problems.append(f"{found.relative} ({found.why})")
    if problems:
        raise LocalFileError(
            f"{counted(len(problems), 'picked file')} in {folder} cannot be uploaded: {listing(problems)}.",
            advice="Mend them, or take them out with a ! line.",
        )
    return sorted(files, key=lambda file: file.relative)


def walk(folder: str) -> Iterator[LocalFile | Unreadable]:
    """Everything below `folder` but folders, in no particular order. Raises LocalFileError when it is no folder that can be read."""
    try:
        root = os.stat(folder)
    except OSError as error:
        raise _no_folder(folder, error) from error
    if not stat.S_ISDIR(root.st_mode):
        raise LocalFileError(
            f"The source folder {folder} is a file.", advice="Name the folder it is in, and the file in the globs."
        )
    # A stack, not recursion: folders may be nested deeper than Python calls may.
    open_folders = [(folder, "", frozenset({(root.st_dev, root.st_ino)}))]
    while open_folders:
        path, below, ancestors = open_folders.pop()
        for entry in _entries(path, below):
            if isinstance(entry, Unreadable):
                yield entry
                continue
            relative = below + entry.name
            found = _look(entry, relative)
            if isinstance(found, os.stat_result):
                here = (found.st_dev, found.st_ino)
                if here in ancestors:
                    yield Unreadable(relative, "a link to a folder that it lies in")
                else:
                    open_folders.append((entry.path, relative + "/", ancestors | {here}))
            else:
                yield found


def _no_folder(folder: str, error: OSError) -> LocalFileError:
    if isinstance(error, FileNotFoundError):
        return LocalFileError(
            f"The source folder {folder} does not exist.", advice="Check its name, and that an earlier step made it."
        )
    return LocalFileError(f"The source folder {folder} cannot be read: {error.strerror}.")


def _entries(path: str, below: str) -> list[os.DirEntry[str]] | list[Unreadable]:
    try:
        with os.scandir(path) as entries:
            return list(entries)
    except OSError as error:
        return [Unreadable(below.rstrip("/"), f"the folder cannot be read: {error.strerror}")]


def _look(entry: os.DirEntry[str], relative: str) -> LocalFile | Unreadable | os.stat_result:
    """A folder is answered with its stat, for whoever watches for cycles."""
    try:
        found = os.stat(entry.path)  # DirEntry.stat leaves st_dev and st_ino zero on Windows
    except OSError as error:
        broken = entry.is_symlink() and isinstance(error, FileNotFoundError)
        return Unreadable(relative, "a broken link" if broken else str(error.strerror))
    if stat.S_ISDIR(found.st_mode):
        return found
    if not stat.S_ISREG(found.st_mode):
        return Unreadable(relative, "no regular file")
    if not _is_text(relative):
        return Unreadable(relative, "its name is not valid UTF-8, as a key must be")
    return LocalFile(relative, entry.path, found.st_size, found.st_mtime_ns)


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True
