"""From a file's path to its key, and from a key to a path that lies inside the target folder, or to none.

Keys are bytes that no file system promises to keep: `..`, a leading `/`, `//`, a final `/`, a colon, two names that differ in
case only. What cannot be kept is refused before anything is written, all of it in one error.
"""

from __future__ import annotations

import os
import sys
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence

from ropeway.errors import LocalFileError
from ropeway.outcome import counted, listing

LONGEST_KEY = 1024
"""Bytes of UTF-8 (S3 user guide, "Naming Amazon S3 objects")."""
LONGEST_NAME = 255
"""Bytes of one path component on the usual file systems (NAME_MAX)."""
WINDOWS_RESERVED = {"CON", "PRN", "AUX", "NUL", *(f"{name}{n}" for name in ("COM", "LPT") for n in "123456789¹²³")}
"""Microsoft, "Naming Files, Paths, and Namespaces": also with an extension."""
HADOOP_MARKER = "_$folder$"


# --- uploading ----------------------------------------------------------------------------------------------------------


def normal_prefix(folder: str) -> str:
    r"""`targetFolder` as a prefix without outer slashes: `\site//v1/` -> `site/v1`."""
    return "/".join(part for part in folder.replace("\\", "/").split("/") if part)


def keys_for(prefix: str, relatives: Sequence[str], *, flatten: bool) -> list[str]:
    """The key of each file, in the same order. Raises LocalFileError for keys that are too long or would be shared by two files."""
    keys = ["/".join(part for part in (prefix, _last(name) if flatten else name) if part) for name in relatives]
    long = [name for name, key in zip(relatives, keys, strict=True) if len(key.encode()) > LONGEST_KEY]
    if long:
        raise LocalFileError(
            f"The keys of {counted(len(long), 'file')} would be longer than S3's {LONGEST_KEY:,} bytes: {listing(long)}.",
            advice="Shorten targetFolder, or take them out with a ! line.",
        )
    _refuse_twins(
        zip(keys, relatives, strict=True), "object", "Rename one of each, take it out with a ! line, or do not flatten."
    )
    return keys


def _last(name: str) -> str:
    return name.rpartition("/")[2]


def _refuse_twins(pairs: Iterable[tuple[str, str]], noun: str, advice: str) -> None:
    """`pairs` are (where it goes, what it is called)."""
    taken: dict[str, str] = {}
    twins = [f"{first} and {name}" for place, name in pairs if (first := taken.setdefault(place, name)) is not name]
    if twins:
        raise LocalFileError(
            f"{counted(len(twins), 'pair')} would become the same {noun}: {listing(twins)}.", advice=advice
        )


# --- downloading --------------------------------------------------------------------------------------------------------


def folder_prefix(folder: str) -> str:
    """`sourceFolder` as the prefix of a folder's keys: "site" and "/site/" -> "site/", never the beginning of "site2"."""
    trimmed = folder.strip().strip("/")
    return f"{trimmed}/" if trimmed else ""


def is_marker(key: str, size: int) -> bool:
    """Whether the object only says that there is a folder: the console's `a/`, Hadoop's `a_$folder$`."""
    return (key.endswith("/") and size == 0) or key.endswith(HADOOP_MARKER)


def paths_for(
    target: str,
    keys: Sequence[str],
    prefix: str,
    *,
    strip: bool,
    flatten: bool,
    windows: bool = os.name == "nt",
    folds: bool = sys.platform in {"win32", "darwin"},
) -> list[str]:
    """The path of each key below `target`, in the same order. `folds`: names that differ in case or normalisation are one file.

    Raises LocalFileError, before anything is written, that names the keys that have no path of their own inside `target`.
    """
    names = [_last(key.rstrip("/")) if flatten else key[len(prefix) :] if strip else key for key in keys]
    problems = [
        f"{key!r} ({why})"
        for key, name in zip(keys, names, strict=True)
        if (why := _refused(name, key, windows=windows))
    ]
    if problems:
        raise LocalFileError(
            f"{counted(len(problems), 'key')} cannot be a path below {target}: {listing(problems)}. Nothing was written.",
            advice="Take them out with a ! line, or rename the objects.",
        )
    same = _folded if folds else str
    _refuse_twins(((same(name), key) for key, name in zip(keys, names, strict=True)), "file", _RENAME)
    _refuse_file_and_folder(keys, names, same)
    _refuse_links_out(target, names)
    return [os.path.join(target, *name.split("/")) for name in names]


_RENAME = "Take one of each out with a ! line, or rename the objects."


def _refused(name: str, key: str, *, windows: bool) -> str:
    """Why this name is no path inside the target; empty when it is one."""
    if key.endswith("/"):
        return "it ends with / but is not empty"
    return next((why for part in name.split("/") if (why := _part_refused(part, windows=windows))), "")


def _part_refused(part: str, *, windows: bool) -> str:
    if not part:
        return "it has an empty folder name"
    if part in {".", ".."}:
        return f"it has a {part} in it"
    if "\0" in part:
        return "it has a NUL in it"
    if len(part.encode(errors="surrogatepass")) > LONGEST_NAME:
        return f"a name in it is longer than {LONGEST_NAME} bytes"
    return _part_refused_on_windows(part) if windows else ""


def _part_refused_on_windows(part: str) -> str:
    if bad := sorted({c for c in part if c in '<>:"\\|?*' or ord(c) < 32}):
        return f"Windows takes no {' '.join(map(ascii, bad))} in a name"
    if part.endswith((".", " ")):
        return "Windows drops the dot or space at the end of a name"
    if part.split(".", maxsplit=1)[0].rstrip(" ").upper() in WINDOWS_RESERVED:
        return "Windows reserves that name for a device"
    return ""


def _folded(name: str) -> str:
    return unicodedata.normalize("NFD", unicodedata.normalize("NFD", name).casefold())


def _refuse_file_and_folder(keys: Sequence[str], names: Sequence[str], same: Callable[[str], str]) -> None:
    files = {same(name): key for key, name in zip(keys, names, strict=True)}
    clashes = sorted({files[same(folder)] for name in names for folder in _folders(name) if same(folder) in files})
    if clashes:
        raise LocalFileError(
            f"{counted(len(clashes), 'key')} would have to be a file and a folder at once: {listing(clashes)}.",
            advice=_RENAME,
        )


def _folders(name: str) -> Iterator[str]:
    at = name.find("/")
    while at >= 0:
        yield name[:at]
        at = name.find("/", at + 1)


def _refuse_links_out(target: str, names: Sequence[str]) -> None:
    """A link inside the target folder may lead out of it; the target folder itself may be one."""
    inside = os.path.realpath(target)
    folders = {folder for name in names for folder in _folders(name)}
    out = sorted(
        folder
        for folder in folders
        if not _is_inside(os.path.realpath(os.path.join(inside, *folder.split("/"))), inside)
    )
    if out:
        raise LocalFileError(
            f"{counted(len(out), 'folder')} below {target} are links that lead out of it: {listing(out)}. Nothing was written.",
            advice="Remove the links, or choose another target folder.",
        )


def _is_inside(path: str, folder: str) -> bool:
    return os.path.commonpath([path, folder]) == folder
