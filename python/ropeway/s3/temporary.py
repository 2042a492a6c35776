"""A file that appears whole or not at all."""

from __future__ import annotations

import errno
import os
import re
import secrets
import threading
import time
from collections.abc import Callable
from itertools import count

from ropeway.errors import Cancelled, LocalFileError

LONGEST_NAME = 255
"""Bytes of a file's name: NAME_MAX of the usual file systems."""
BLOCK = 256 * 1024
"""Bytes read back at once."""


_MARKS = count(secrets.randbits(32))
"""They tell the temporary files of one process from those of another, and from each other."""
HELD = (0.05, 0.2, 0.5, 1.0) if os.name == "nt" else ()
"""Seconds to wait while somebody has the file open: on Windows virus scanners and indexers open what was just written, and no file that is
open can be renamed."""

_BINARY: int = getattr(os, "O_BINARY", 0)

TAKEN = "Empty the target folder, or set overwrite to always or changed."
_NO_FOLDER = "A folder of its path is a file: remove it, or choose another target folder."
_ADVICE = {
    errno.EEXIST: _NO_FOLDER,
    errno.ENOTDIR: _NO_FOLDER,
    errno.ENOSPC: "Free space on that disk, or choose another target folder.",
    errno.EISDIR: "There is a folder of that name: remove it, or choose another target folder.",
}


def make_folder(path: str) -> None:
    """Where files will go, also when none comes. Raises LocalFileError."""
    try:
        os.makedirs(path, exist_ok=True)
    except OSError as error:
        raise LocalFileError(
            f"The folder {path} cannot be made: {error.strerror or error}.",
            advice=_ADVICE.get(error.errno or 0, "Check the folder and who may write there."),
        ) from error


class Temporary:
    """Written under a name of its own beside `target`, then named so. May be used from several threads.

    One lock and one position: there is no `pwrite` on Windows, and a file that was discarded must not be written to under a
    descriptor that has a new owner by then.
    """

    def __init__(self, target: str) -> None:
        self.target = target
        self._path = _beside(target)
        self._guard = _Guard(target)
        self._descriptor = -1
        self._at = 0
        self._made = False

    def open(self, size: int = 0) -> None:
        """Make it, its folders too; `size` bytes long where they will not come in order. Raises LocalFileError."""
        with self._guard:
            if os.path.isdir(self.target):
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
            try:
                self._descriptor = _made(self._path)
            except FileNotFoundError:
                os.makedirs(os.path.dirname(self.target) or ".", exist_ok=True)
                self._descriptor = _made(self._path)
            self._made = True
            if size:
                os.ftruncate(self._descriptor, size)

    def write(self, offset: int, block: bytes | memoryview) -> None:
        with self._guard:
            self._go_to(offset)
            rest = memoryview(block)
            while rest:
                count = os.write(self._descriptor, rest)
                self._at += count
                rest = rest[count:]

    def read(self, offset: int) -> bytes:
        """The next block from `offset` on; empty at the end."""
        with self._guard:
            self._go_to(offset)
            block = os.read(self._descriptor, BLOCK)
            self._at += len(block)
            return block

    def _go_to(self, offset: int) -> None:
        """Small files come in order: they are never anywhere else."""
        if offset != self._at:
            self._at = os.lseek(self._descriptor, offset, os.SEEK_SET)

    def keep(self, modified: int | None = None, *, only_new: bool = False) -> None:
        """Give it its name; and say that it was last written to then, in nanoseconds since 1970.

        `only_new`: raises LocalFileError where something has that name by now.
        """
        with self._guard:
            self._close()
            if modified is not None:
                os.utime(self._path, ns=(modified, modified))
            (_linked if only_new else _renamed)(self._path, self.target)
            self._made = False

    def discard(self) -> None:
        """Remove what there is of it; whoever still wants to write to it is refused. After `keep` there is nothing to remove."""
        with self._guard:
            self._guard.discarded = True
            self._close()
            if self._made:
                self._remove()
                self._made = False

    def _remove(self) -> None:
        try:
            os.unlink(self._path)
        except FileNotFoundError:
            return
        except OSError as error:
            raise _told(error, f"{self._path} cannot be removed") from error

    def _close(self) -> None:
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor != -1:
            os.close(descriptor)


class _Guard:
    """One at a time, as long as the file is not discarded; the system's errors are told. By hand: contextlib's takes a tenth of a small file's time."""

    def __init__(self, target: str) -> None:
        self.discarded = False
        self._target = target
        self._lock = threading.Lock()

    def __enter__(self) -> None:
        self._lock.acquire()
        if self.discarded:
            self._lock.release()
            raise Cancelled("Stopped: the file was discarded.")

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        self._lock.release()
        if isinstance(error, OSError):
            raise _told(error, f"{self._target} cannot be written") from error


def _told(error: OSError, what: str) -> LocalFileError:
    advice = _ADVICE.get(error.errno or 0, "Check the folder and who may write there.")
    return LocalFileError(f"{what}: {error.strerror or error}.", advice=advice)


def _made(path: str) -> int:
    """The mode is the umask's business, as for any other file."""
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | _BINARY, 0o666)


def _renamed(path: str, target: str) -> None:
    _patiently(lambda: os.replace(path, target))


def _linked(path: str, target: str) -> None:
    """A link is made only where nothing is. Where the file system has none, it is looked for what is there, and a rename follows."""
    try:
        _patiently(lambda: os.link(path, target))
    except OSError as error:
        if os.path.lexists(target):
            message = f"1 file would be overwritten: {target}. Somebody has written it since the download was planned."
            raise LocalFileError(message, advice=TAKEN) from error
        _renamed(path, target)
    else:
        _patiently(lambda: os.unlink(path))


def _patiently(act: Callable[[], None]) -> None:
    for pause in HELD:
        try:
            return act()
        except PermissionError:
            time.sleep(pause)
    return act()


def is_temporary(name: str) -> bool:
    """Whether a file's name is one of those under which files arrive: nothing else is called so."""
    return name.startswith(".") and re.fullmatch(r"\..*\.ropeway-[0-9a-f]{8}", name, re.DOTALL) is not None


def _beside(target: str) -> str:
    """`folder/.name.ropeway-1a2b3c4d`; the name is cut where it would be longer than a file system takes."""
    name = os.path.basename(target)
    mark = f".ropeway-{next(_MARKS) & 0xFFFFFFFF:08x}"
    kept = name.encode(errors="replace")[: LONGEST_NAME - len(mark) - 1].decode(errors="ignore")
    return f"{target[: len(target) - len(name)]}.{kept}{mark}"
