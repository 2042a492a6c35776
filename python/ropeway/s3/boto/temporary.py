"""A file that appears whole or not at all."""

from __future__ import annotations

import errno
import os
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from ropeway.errors import Cancelled, LocalFileError

LONGEST_NAME = 255
"""Bytes of a file's name: NAME_MAX of the usual file systems."""
BLOCK = 256 * 1024
"""Bytes read back at once."""


HELD = (0.05, 0.2, 0.5, 1.0) if os.name == "nt" else ()
"""Seconds to wait while somebody has the file open: on Windows virus scanners and indexers open what was just written, and no file that is
open can be renamed."""

_NO_FOLDER = "A folder of its path is a file: remove it, or choose another target folder."
_ADVICE = {
    errno.EEXIST: _NO_FOLDER,
    errno.ENOTDIR: _NO_FOLDER,
    errno.ENOSPC: "Free space on that disk, or choose another target folder.",
    errno.EISDIR: "There is a folder of that name: remove it, or choose another target folder.",
}


class Temporary:
    """Written under a name of its own beside `target`, then renamed to it. May be used from several threads.

    One lock and one position: there is no `pwrite` on Windows, and a file that was discarded must not be written to under a
    descriptor that has a new owner by then.
    """

    def __init__(self, target: str) -> None:
        self.target = target
        self._path = _beside(target)
        self._lock = threading.Lock()
        self._descriptor = -1
        self._made = False
        self._discarded = False

    def open(self, size: int) -> None:
        """Make it `size` bytes long, its folders too. Raises LocalFileError."""
        with self._doing():
            if os.path.isdir(self.target):
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
            os.makedirs(os.path.dirname(self.target) or ".", exist_ok=True)
            # The mode is the umask's business, as for any other file.
            flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
            self._descriptor = os.open(self._path, flags, 0o666)
            self._made = True
            os.ftruncate(self._descriptor, size)

    def write(self, offset: int, block: bytes) -> None:
        with self._doing():
            os.lseek(self._descriptor, offset, os.SEEK_SET)
            rest = memoryview(block)
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]

    def read(self, offset: int) -> bytes:
        """The next block from `offset` on; empty at the end."""
        with self._doing():
            os.lseek(self._descriptor, offset, os.SEEK_SET)
            return os.read(self._descriptor, BLOCK)

    def keep(self, modified: int | None = None) -> None:
        """Give it its name; and say that it was last written to then, in nanoseconds since 1970."""
        with self._doing():
            self._close()
            if modified is not None:
                os.utime(self._path, ns=(modified, modified))
            _renamed(self._path, self.target)
            self._made = False

    def discard(self) -> None:
        """Remove what there is of it; whoever still wants to write to it is refused. After `keep` there is nothing to remove."""
        with self._doing(f"{self._path} cannot be removed"):
            self._discarded = True
            self._close()
            if self._made:
                with suppress(FileNotFoundError):
                    os.unlink(self._path)
                self._made = False

    def _close(self) -> None:
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor != -1:
            os.close(descriptor)

    @contextmanager
    def _doing(self, otherwise: str = "") -> Iterator[None]:
        try:
            with self._lock:
                if self._discarded:
                    raise Cancelled("Stopped: the file was discarded.")
                yield
        except OSError as error:
            raise LocalFileError(
                f"{otherwise or f'{self.target} cannot be written'}: {error.strerror or error}.",
                advice=_ADVICE.get(error.errno or 0, "Check the folder and who may write there."),
            ) from error


def _renamed(path: str, target: str) -> None:
    for pause in HELD:
        try:
            return os.replace(path, target)
        except PermissionError:
            time.sleep(pause)
    return os.replace(path, target)


def _beside(target: str) -> str:
    """`folder/.name.ropeway-1a2b3c4d`; the name is cut where it would be longer than a file system takes."""
    folder, name = os.path.split(target)
    mark = f".ropeway-{secrets.token_hex(4)}"
    kept = name.encode(errors="replace")[: LONGEST_NAME - len(mark) - 1].decode(errors="ignore")
    return os.path.join(folder, f".{kept}{mark}")
