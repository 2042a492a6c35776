"""What is deployed, as one file: the same tree gives the same bytes, on whichever machine it is packed.

The archive holds `app`, which is what the host is told of the app (`app_table`), and `release/` with the tree. Modification times
are left out: every checkout has others.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import tarfile
import tempfile
from collections.abc import Mapping
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from typing import IO

from ropeway.ec2.app import APPSPEC, FILE, MOVING, App, HookScript, read_app
from ropeway.ec2.tree import BROKEN, Entry, above_of, read_tree, resolved
from ropeway.errors import InputError, LocalFileError
from ropeway.outcome import Cancellation

TABLE = "app"
TREE = "release"
BLOCK = 4096
"""Bytes: what the smallest file takes on a disk."""
LONGEST_APP = 1_000_000


@dataclass(frozen=True)
class Bundle:
    """`sha256` and `size` (bytes) are those of the file at `path`, which can differ from one zlib to the next.

    `content` is the sha256 of what it holds, and does not: what makes two releases the same. `unpacked` is what it takes on a
    disk, in bytes; `files` counts folders and links, too.
    """

    path: str
    sha256: str
    content: str
    size: int
    unpacked: int
    files: int
    app: App

    @property
    def name(self) -> str:
        return f"{self.sha256}.tar.gz"


@dataclass(frozen=True)
class _Held:
    """What goes into it. `runnable` are the files that hooks run."""

    entries: Mapping[str, Entry]
    app: App
    runnable: frozenset[str]


def make(source: str, into: str, given: App | None = None, cancellation: Cancellation | None = None) -> Bundle:
    """Pack a folder or an archive into the folder `into`. `given` wins over the ropeway-app.yml in it.

    Raises LocalFileError for what cannot be read or packed, InputError for an app that does not fit.
    """
    cancellation = cancellation or Cancellation()
    with tempfile.TemporaryDirectory(dir=into, prefix=".ropeway-") as spool, ExitStack() as opened:
        entries = read_tree(source, spool, opened, cancellation)
        app = given if given is not None else _app_in(entries, source)
        held = _Held(entries, app, _scripts(app, entries, source))
        return _packed(held, spool, into, cancellation)


# --- the app in it ------------------------------------------------------------------------------------------------------------


def _app_in(entries: Mapping[str, Entry], source: str) -> App:
    if (entry := entries.get(FILE)) and entry.kind == "file":
        told = _beginning(entry, LONGEST_APP)
        try:
            return read_app(told.decode("utf-8-sig"))
        except UnicodeDecodeError:
            raise InputError([f"{FILE} in {source} is not UTF-8."]) from None
    if APPSPEC in entries:
        raise InputError([f"There is an {APPSPEC} in {source}, and no {FILE}. {MOVING}"])
    return App()


def _scripts(app: App, entries: Mapping[str, Entry], source: str) -> frozenset[str]:
    """The files that hooks run. They are made executable: artifacts of Azure Pipelines lose that on their way."""
    found, wrong = (
        set[str](),
        [
            f"shared: {path} lies below {above}, which is a link in {source}."
            for path in app.shared
            for above in above_of(path.removesuffix("/"))
            if above in entries and entries[above].kind == "link"
        ],
    )
    for hook in app.hooks:
        path = resolved(hook.script, entries)
        entry = entries.get(path) if path else None
        if entry is None or entry.kind != "file":
            wrong.append(f"{hook.event} runs {hook.script}, which is no file in {source}.")
        elif _beginning(entry, 200).partition(b"\n")[0].startswith(b"#!") and b"\r\n" in _beginning(entry, 200):
            wrong.append(f"{hook.script} of {hook.event} has Windows line ends, by which no host finds its shell.")
        else:
            found.add(entry.path)
    if wrong:
        raise InputError(wrong)
    return frozenset(found)


def _beginning(entry: Entry, most: int) -> bytes:
    try:
        with _opened(entry) as file:
            return file.read(most)
    except (OSError, *BROKEN) as error:
        raise LocalFileError(f"{entry.path} cannot be read: {error}.") from error


def _opened(entry: Entry) -> AbstractContextManager[IO[bytes]]:
    assert entry.open is not None, "only files are opened"  # noqa: S101 - for the type checker
    return entry.open()


def app_table(app: App) -> bytes:
    """The app as the host's scripts read it: a line each, in fields between tabs, which no path or name can hold."""
    lines = [_hook_line(hook) for hook in app.hooks]
    lines += [f"shared\t{'folder' if path.endswith('/') else 'file'}\t{path.removesuffix('/')}" for path in app.shared]
    lines += [f"owner\t{app.owner}"] if app.owner else []
    lines += ["end"]
    return "".join(f"{line}\n" for line in lines).encode()


def _hook_line(hook: HookScript) -> str:
    return f"hook\t{hook.event}\t{hook.timeout}\t{hook.user or '-'}\t{hook.script}"


# --- packing ------------------------------------------------------------------------------------------------------------------


class _Hashed(io.RawIOBase):
    """Passes on what is written, counts it, and knows its sha256."""

    def __init__(self, to: IO[bytes] | gzip.GzipFile) -> None:
        self._to = to
        self.sha256 = hashlib.sha256()
        self.size = 0

    def writable(self) -> bool:
        return True

    def write(self, block: bytes | memoryview, /) -> int:  # type: ignore[override] # what gzip and tarfile write is bytes
        self.sha256.update(block)
        self.size += len(block)
        return self._to.write(block)


class _Watched:
    """A file while it is packed: it can be cut short by a cancellation, and must not be any shorter than it was."""

    def __init__(self, file: IO[bytes], path: str, cancellation: Cancellation) -> None:
        self._file = file
        self._path = path
        self._cancellation = cancellation

    def read(self, most: int) -> bytes:
        self._cancellation.check()
        if block := self._file.read(most):
            return block
        raise _changed(self._path)


def _changed(path: str) -> LocalFileError:
    return LocalFileError(f"{path} changed while it was packed.", advice="Deploy what no build writes to any more.")


def _packed(held: _Held, spool: str, into: str, cancellation: Cancellation) -> Bundle:
    part = os.path.join(spool, "bundle")
    try:
        with open(part, "wb") as file:
            packed, content = _write(held, file, cancellation)
        sha256 = packed.sha256.hexdigest()
        path = os.path.join(into, f"{sha256}.tar.gz")
        os.replace(part, path)
    except (OSError, *BROKEN) as error:
        raise LocalFileError(f"The bundle cannot be made: {error}.") from error
    unpacked = sum(-(-max(entry.size, 1) // BLOCK) * BLOCK for entry in held.entries.values())
    return Bundle(path, sha256, content.sha256.hexdigest(), packed.size, unpacked, len(held.entries), held.app)


def _write(held: _Held, file: IO[bytes], cancellation: Cancellation) -> tuple[_Hashed, _Hashed]:
    packed = _Hashed(file)
    with gzip.GzipFile(filename="", mode="wb", fileobj=packed, compresslevel=6, mtime=0) as zipped:
        content = _Hashed(zipped)
        with tarfile.open(mode="w|", fileobj=content, format=tarfile.GNU_FORMAT, errors="surrogateescape") as archive:
            table = app_table(held.app)
            archive.addfile(_info(TABLE, 0o644, len(table)), io.BytesIO(table))
            archive.addfile(_folder(TREE, 0o755))
            for entry in held.entries.values():
                cancellation.check()
                _add(archive, entry, entry.mode | (0o111 if entry.path in held.runnable else 0), cancellation)
    return packed, content


def _add(archive: tarfile.TarFile, entry: Entry, mode: int, cancellation: Cancellation) -> None:
    name = f"{TREE}/{entry.path}"
    if entry.kind == "folder":
        archive.addfile(_folder(name, mode))
    elif entry.kind == "link":
        info = _info(name, 0o777, 0)
        info.type, info.linkname = tarfile.SYMTYPE, entry.link
        archive.addfile(info)
    else:
        with _opened(entry) as file:
            archive.addfile(_info(name, mode, entry.size), _Watched(file, entry.path, cancellation))  # type: ignore[arg-type] # it reads
            if file.read(1):
                raise _changed(entry.path)


def _folder(name: str, mode: int) -> tarfile.TarInfo:
    info = _info(name, mode, 0)
    info.type = tarfile.DIRTYPE
    return info


def _info(name: str, mode: int, size: int) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.mode, info.size = mode, size
    return info
