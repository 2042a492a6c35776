"""What is to be deployed, as a tree: from a folder or from an archive, alike.

Nothing in it leads out of it: no absolute path, no `..`, no link to somewhere else, no device. It comes in an order of its own,
and of its modes remains what matters: who may run a file, and that others may not read it where they may not.
"""

from __future__ import annotations

import gzip
import os
import posixpath
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, replace
from itertools import count
from typing import IO, Literal

from ropeway.errors import LocalFileError
from ropeway.outcome import Cancellation, listing

try:
    from lzma import LZMAError
except ImportError:  # a Python that was built without it reads no such archives either
    LZMAError = zlib.error  # type: ignore[misc,assignment]

Kind = Literal["folder", "file", "link"]
MOST_LINKS = 40
"""From one link to the next, as many as Linux follows (path_resolution(7))."""
ADVICE = "A bundle holds folders, files, and relative links within it."
BROKEN = (
    tarfile.TarError, zipfile.BadZipFile, gzip.BadGzipFile, zlib.error, LZMAError, EOFError, UnicodeError, NotImplementedError, RuntimeError,
)  # fmt: skip
"""What the readers of archives raise for what is none, is cut off, is damaged, is encrypted, or is packed in a way they do not know."""
LONGEST_LINK = 4096
"""Bytes of where a link leads: Linux's PATH_MAX."""


@dataclass(frozen=True, slots=True)
class Entry:
    """`path` is below the root, with slashes. `size` in bytes and `open` are those of a file, `link` is where a link leads."""

    path: str
    kind: Kind
    mode: int = 0o755
    size: int = 0
    link: str = ""
    open: Callable[[], AbstractContextManager[IO[bytes]]] | None = None


def read_tree(source: str, spool: str, opened: ExitStack, cancellation: Cancellation) -> dict[str, Entry]:
    """Entries by path, in order, whose files can be read while `opened` is.

    Files of a tar archive are put into the folder `spool`: compressed ones can be read but once.

    Raises LocalFileError.
    """
    try:
        entries = list(_entries(source, spool, opened, cancellation))
    except BROKEN as error:
        raise LocalFileError(f"{source} cannot be unpacked: {error}.", advice="Look at how it was made.") from error
    except OSError as error:
        where = error.filename or source
        raise LocalFileError(f"{where} cannot be read: {error.strerror or error}.") from error
    if not entries:
        raise LocalFileError(f"There is nothing in {source}.", advice="Look at what the build has left there.")
    return _checked(entries, source)


def _entries(source: str, spool: str, opened: ExitStack, cancellation: Cancellation) -> Iterator[Entry]:
    if not os.path.exists(source):
        raise LocalFileError(f"There is no {source}.", advice="Name the folder or archive that the build has left.")
    if os.path.isdir(source):
        return _of_folder(source, "", cancellation)
    # In this order: a zip is known by its end, and a tar archive whose last file is a jar has the end of one.
    if tarfile.is_tarfile(source):
        return _of_tar(source, spool, cancellation)
    if zipfile.is_zipfile(source):
        return _of_zip(opened.enter_context(zipfile.ZipFile(source)))
    raise LocalFileError(f"{source} is no folder, and no zip or tar archive.")


def _mode(given: int, kind: Kind) -> int:
    """Only the owner may write, whatever the umask of the agent was; nobody gets what he did not have."""
    runs = 0o111 if kind == "folder" or given & stat.S_IXUSR else 0
    readable = 0o400 | (given & 0o044)
    return 0o200 | readable | (runs & (readable >> 2))


# --- a folder -----------------------------------------------------------------------------------------------------------------


def _of_folder(root: str, below: str, cancellation: Cancellation) -> Iterator[Entry]:
    cancellation.check()
    with os.scandir(os.path.join(root, below)) as found:
        for item in found:
            path = posixpath.join(below, item.name)
            yield _of_item(item, path)
            if item.is_dir(follow_symlinks=False):
                yield from _of_folder(root, path, cancellation)


def _of_item(item: os.DirEntry[str], path: str) -> Entry:
    told = item.stat(follow_symlinks=False)
    if item.is_symlink():
        return Entry(path, "link", link=os.readlink(item.path).replace(os.sep, "/"))
    if item.is_dir():
        return Entry(path, "folder", _mode(told.st_mode, "folder"))
    if not item.is_file():
        raise LocalFileError(f"{item.path} is no file, no folder and no link.", advice=ADVICE)
    return Entry(path, "file", _mode(told.st_mode, "file"), told.st_size, open=lambda: open(item.path, "rb"))


# --- archives -----------------------------------------------------------------------------------------------------------------


def _of_zip(archive: zipfile.ZipFile) -> Iterator[Entry]:
    for info in archive.infolist():
        yield _of_zipped(archive, info)


def _of_zipped(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Entry:
    on_unix = info.create_system == 3  # APPNOTE.TXT 4.4.2: others tell no modes
    mode = info.external_attr >> 16 if on_unix else 0o644
    path = info.filename if on_unix or "/" in info.filename else info.filename.replace("\\", "/")
    if on_unix and stat.S_ISLNK(mode):
        if info.file_size > LONGEST_LINK:
            raise LocalFileError(f"{path} in {archive.filename} is a link of {info.file_size} bytes.", advice=ADVICE)
        return Entry(path, "link", link=os.fsdecode(archive.read(info)))
    if path.endswith("/"):
        return Entry(path, "folder", _mode(mode or 0o755, "folder"))
    if stat.S_IFMT(mode) not in {0, stat.S_IFREG}:
        raise LocalFileError(f"{path} in {archive.filename} is no file, no folder and no link.", advice=ADVICE)
    return Entry(path, "file", _mode(mode or 0o644, "file"), info.file_size, open=lambda: archive.open(info))


class _Header(tarfile.TarInfo):
    """tarfile takes a header that it cannot read for the end of the archive, and what comes behind it would be missing without a word.

    An archive ends with a block of zeros; one that ends without is cut off.
    """

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> _Header:
        try:
            return super().frombuf(buf, encoding, errors)
        except tarfile.HeaderError as error:
            if len(buf) == tarfile.BLOCKSIZE and not any(buf):
                raise
            raise tarfile.ReadError(f"it is cut off or damaged ({error})") from None


def _of_tar(source: str, spool: str, cancellation: Cancellation) -> Iterator[Entry]:
    numbers = count()
    with tarfile.open(source, errors="surrogateescape", tarinfo=_Header) as archive:
        for member in archive:
            cancellation.check()
            if member.issym():
                yield Entry(member.name, "link", link=member.linkname)
            elif member.isdir():
                yield Entry(member.name, "folder", _mode(member.mode, "folder"))
            elif member.isfile() or member.islnk():
                kept = os.path.join(spool, str(next(numbers)))
                yield _spooled(archive, member, kept, source, cancellation)
            else:
                raise LocalFileError(f"{member.name} in {source} is no file, no folder and no link.", advice=ADVICE)
        _read_to_the_end(archive, cancellation)


def _read_to_the_end(archive: tarfile.TarFile, cancellation: Cancellation) -> None:
    """The checksum of what is compressed stands behind it, and is compared by who reads as far as that."""
    while archive.fileobj and archive.fileobj.read(1 << 20):
        cancellation.check()


def _spooled(
    archive: tarfile.TarFile, member: tarfile.TarInfo, kept: str, source: str, cancellation: Cancellation
) -> Entry:
    """A hard link is the file that it leads to, which the archive has told before."""
    try:
        content = archive.extractfile(member)
    except KeyError:
        raise LocalFileError(f"{member.name} is a hard link to {member.linkname}, which is not there.") from None
    if content is None:
        raise LocalFileError(
            f"{member.name} in {source} is a hard link to {member.linkname}, which is no file.", advice=ADVICE
        )
    with content, open(kept, "wb") as file:
        for block in iter(lambda: content.read(1 << 20), b""):
            cancellation.check()
            file.write(block)
    return Entry(
        member.name,
        "file",
        _mode(member.mode, "file"),
        os.path.getsize(kept),
        open=lambda: open(kept, "rb"),
    )


# --- what nobody may put into it ------------------------------------------------------------------------------------------------


def _checked(entries: Iterable[Entry], source: str) -> dict[str, Entry]:
    """In order, with every folder on the way. Of two files of one name the later counts, as it does when they are unpacked."""
    named: dict[str, Entry] = {}
    for entry in entries:
        path = _path(entry.path, source)
        if path:
            named[path] = replace(entry, path=path)
    for path in list(named):
        for above in above_of(path):
            if named.setdefault(above, Entry(above, "folder")).kind != "folder":
                raise LocalFileError(f"{path} in {source} lies in {above}, which is no folder.", advice=ADVICE)
    if wrong := [f"{entry.path} -> {entry.link}" for entry in named.values() if _leads_out(entry, named)]:
        raise LocalFileError(f"Links in {source} lead out of it: {listing(sorted(wrong))}.", advice=ADVICE)
    return dict(sorted(named.items(), key=lambda item: os.fsencode(item[0])))


def _path(given: str, source: str) -> str:
    parts = [part for part in given.split("/") if part not in {"", "."}]
    if given.startswith("/") or ".." in parts or "\0" in given:
        raise LocalFileError(f"{given!r} in {source} lies outside of it.", advice=ADVICE)
    return "/".join(parts)


def above_of(path: str) -> Iterator[str]:
    """The folders that a path lies in, from the innermost."""
    while path := posixpath.dirname(path):
        yield path


def _leads_out(entry: Entry, named: Mapping[str, Entry]) -> bool:
    return entry.kind == "link" and resolved(entry.path, named) is None


def resolved(path: str, named: Mapping[str, Entry]) -> str | None:
    """Where a path leads, links followed as Linux follows them; None when that is outside. It need not be there."""
    waiting, done, followed = path.split("/")[::-1], list[str](), 0
    while waiting:
        part = waiting.pop()
        if part in {"", "."}:
            continue
        if part == "..":
            if not done:
                return None
            done.pop()
            continue
        entry = named.get("/".join([*done, part]))
        if entry is None or entry.kind != "link":
            done.append(part)
            continue
        followed += 1
        if entry.link.startswith("/") or not entry.link or followed > MOST_LINKS:
            return None
        waiting += entry.link.split("/")[::-1]
    return "/".join(done)
