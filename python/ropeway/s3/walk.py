"""The files of a folder, links followed, in the order of their keys."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from ropeway.errors import LocalFileError
from ropeway.outcome import Cancellation, counted, listing
from ropeway.s3.globs import Globs
from ropeway.s3.spelling import BACKSLASHED, is_backslashed
from ropeway.s3.temporary import is_temporary


@dataclass(frozen=True, slots=True)
class LocalFile:
    """`relative` has forward slashes and starts below the walked folder. Size in bytes, mtime in nanoseconds."""

    relative: str
    path: str
    size: int
    mtime_ns: int


@dataclass(frozen=True, slots=True)
class Unreadable:
    """What stands where a file, or a `folder` of them, was expected. `why` reads on from its name: "a.txt is a pipe"."""

    relative: str
    why: str
    folder: bool = False


def pick_files(folder: str, lines: Sequence[str], cancellation: Cancellation) -> list[LocalFile]:
    """The files that the globs pick, in the order of their keys.

    What cannot be read matters only when a glob picks it, or might pick something in it: then LocalFileError names it, and
    a name that is not valid UTF-8 too, because a key is UTF-8.
    """
    globs = Globs(lines, root=folder)
    files: list[LocalFile] = []
    problems: list[str] = []
    for found in walk(folder, globs.may_pick_below):
        cancellation.check()
        if isinstance(found, Unreadable):
            if found.folder or globs.matches(found.relative):
                problems.append(f"{found.relative} {found.why}")
        elif globs.matches(found.relative):
            if _is_utf8(found.relative):
                files.append(found)
            else:
                problems.append(f"{found.relative} has a name that is not valid UTF-8")
    if problems:
        raise LocalFileError(
            f"{counted(len(problems), 'picked file')} in {folder} cannot be uploaded: {listing(problems)}.",
            advice="Mend them, or take them out with a line of globs that begins with !.",
        )
    return files


def without_leftovers(files: Sequence[LocalFile]) -> tuple[list[LocalFile], tuple[str, ...]]:
    """The files without those that a killed download left half-way, and a warning that names them."""
    kept = [file for file in files if not is_temporary(os.path.basename(file.path))]
    left_out = [file.relative for file in files if is_temporary(os.path.basename(file.path))]
    if not left_out:
        return kept, ()
    which = f"{counted(len(left_out), 'file')} of a download that was killed before its end: {listing(left_out)}"
    return kept, (f"Left out {which}. Delete what nobody downloads any more.",)


def walk(folder: str, enter: Callable[[str], bool] = lambda _relative: True) -> Iterator[LocalFile | Unreadable]:
    """Everything below `folder` but folders. `enter` says whether a folder (its relative path) need be looked into.

    Links are followed. One that leads to a folder it lies in has nothing new behind it and is left out. Pipes, sockets and devices
    are never opened. Raises LocalFileError when `folder` is no folder that can be read.
    """
    open_folders = [_opened(folder)]  # a stack, not recursion: folders may be nested deeper than calls of Python
    while open_folders:
        here = open_folders[-1]
        entry = next(here.entries, None)
        if entry is None:
            open_folders.pop()
            continue
        relative = here.prefix + entry.name
        found = _look(entry, relative)
        if not isinstance(found, os.stat_result):
            yield found
        elif enter(relative) and not _is_one_of(open_folders, found):
            try:
                open_folders.append(_Folder(relative + "/", _identity(found), _sorted_entries(entry.path)))
            except OSError as error:
                yield Unreadable(relative, f"cannot be looked into: {error.strerror}", folder=True)


_Identity = tuple[int, int]


@dataclass(frozen=True, slots=True)
class _Folder:
    prefix: str
    identity: _Identity
    entries: Iterator[os.DirEntry[str]]


def _opened(folder: str) -> _Folder:
    try:
        found = os.stat(folder)
        if not stat.S_ISDIR(found.st_mode):
            raise LocalFileError(
                f"The source folder {folder} is a file.", advice="Name the folder it is in, and the file in the globs."
            )
        return _Folder("", _identity(found), _sorted_entries(os.path.abspath(folder)))
    except (FileNotFoundError, NotADirectoryError) as error:
        raise LocalFileError(
            f"The source folder {folder} does not exist.",
            advice=BACKSLASHED if is_backslashed(folder) else "Check its name, and that an earlier step made it.",
        ) from error
    except OSError as error:
        raise LocalFileError(f"The source folder {folder} cannot be read: {error.strerror}.") from error


def _identity(found: os.stat_result) -> _Identity:
    return found.st_dev, found.st_ino


def _is_one_of(folders: Sequence[_Folder], found: os.stat_result) -> bool:
    # Some network drives number nothing: every st_ino is 0.
    return found.st_ino != 0 and any(folder.identity == _identity(found) for folder in folders)


def _sorted_entries(path: str) -> Iterator[os.DirEntry[str]]:
    with os.scandir(path) as entries:
        return iter(sorted(entries, key=_key_order))


def _key_order(entry: os.DirEntry[str]) -> str:
    """`a-b` comes before `a/b`, and that before `a0`: a folder is sorted by the slash that its keys have."""
    try:
        return entry.name + "/" * entry.is_dir()
    except OSError:  # it says so again, and is told, when it is looked at
        return entry.name


def _look(entry: os.DirEntry[str], relative: str) -> LocalFile | Unreadable | os.stat_result:
    """A folder is answered with its stat, for whoever watches for cycles."""
    try:
        found = os.stat(entry.path)  # DirEntry.stat leaves st_dev and st_ino zero on Windows
    except OSError as error:
        return Unreadable(relative, _why(entry, error))
    if stat.S_ISDIR(found.st_mode):
        return found
    if not stat.S_ISREG(found.st_mode):
        return Unreadable(relative, "is a pipe, socket or device")
    return LocalFile(relative, entry.path, found.st_size, found.st_mtime_ns)


def _why(entry: os.DirEntry[str], error: OSError) -> str:
    if entry.is_symlink():
        return f"is a broken link to {os.readlink(entry.path)} ({error.strerror})"
    return f"cannot be read: {error.strerror}"


def _is_utf8(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True
