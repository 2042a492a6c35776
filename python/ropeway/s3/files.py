"""The file that is sent: the one that was planned, and what is said when it is not."""

from __future__ import annotations

import os

from ropeway.errors import LocalFileError
from ropeway.s3.engine import Put


class Same:
    """The file that is sent, each time that it is opened: the one that was planned, and the very one of the first time.

    Size and mtime alone do not show that: rsync -t, cp -p and tar keep them. A change of its inode does (POSIX: st_ctime; on Windows
    that is when it was made).
    """

    def __init__(self, put: Put) -> None:
        self._put = put
        self._first: tuple[int, int, int] | None = None

    def check(self, descriptor: int) -> None:
        """Raises LocalFileError."""
        now, put = os.fstat(descriptor), self._put
        if now.st_size != put.size or now.st_mtime_ns != put.mtime_ns:
            check_unchanged(put, now)
        this = now.st_dev, now.st_ino, now.st_ctime_ns
        self._first = self._first or this
        if this != self._first:
            raise changed(self._put, "it was written to, or another file took its place")


def check_unchanged(put: Put, now: os.stat_result | None = None) -> None:
    """Raises LocalFileError when the file is not the one that was planned any more. Reading it does not show that."""
    try:
        now = now or os.stat(put.path)
    except OSError as error:
        raise unreadable(put, error) from error
    if now.st_size != put.size:
        raise changed(put, f"it had {put.size:,} bytes and has {now.st_size:,} now")
    if now.st_mtime_ns != put.mtime_ns:
        raise changed(put, "it was written to")


def changed(put: Put, how: str) -> LocalFileError:
    return LocalFileError(
        f"{put.path} changed while it was being uploaded: {how}.",
        advice="Upload when nothing writes to it any more.",
    )


def unreadable(put: Put, error: OSError) -> LocalFileError:
    return LocalFileError(
        f"{put.path} cannot be read: {error.strerror or error}.", advice="Check that it exists and who may read it."
    )
