"""From a file's path to its key, and from a key to a path that lies inside the target folder, or to none.

Keys are bytes that no file system promises to keep: `..`, a leading `/`, `//`, a final `/`, a colon, two names that differ in
case only. What cannot be kept is refused before anything is written, all of it in one error.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import PurePath

from ropeway.errors import LocalFileError
from ropeway.outcome import counted, listing
from ropeway.s3.spelling import folded, same_below

LONGEST_KEY = 1024
"""Bytes of UTF-8 (S3 user guide, "Naming Amazon S3 objects")."""
LONGEST_NAME = 255
"""Of one folder or file: bytes, on Windows UTF-16 units (NAME_MAX of the usual file systems)."""
WINDOWS_RESERVED = {
    "CON",
    "PRN",
    "AUX",
    "NUL",
    "CONIN$",
    "CONOUT$",
    *(f"{name}{n}" for name in ("COM", "LPT") for n in "123456789¹²³"),
}
"""Microsoft, "Naming Files, Paths, and Namespaces": also with an extension."""
HADOOP_MARKER = "_$folder$"


NOT_IN_XML = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def fits_in_xml(key: str) -> bool:
    """Whether a request can name this key in its body: other characters XML 1.0 (section 2.2) cannot hold, not even escaped."""
    return NOT_IN_XML.search(key) is None


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
            advice="Shorten targetFolder, or take them out with a line of globs that begins with !.",
        )
    taken: dict[str, str] = {}
    first = [taken.setdefault(key, name) for name, key in zip(relatives, keys, strict=True)]
    twins = [f"{one} and {other}" for one, other in zip(first, relatives, strict=True) if one != other]
    if twins:
        raise LocalFileError(
            f"{counted(len(twins), 'pair')} of files would become one object: {listing(twins)}.",
            advice="Rename one of each, take it out with a line of globs that begins with !, or do not flatten.",
        )
    return keys


def _last(name: str) -> str:
    return name.rpartition("/")[2]


# --- downloading --------------------------------------------------------------------------------------------------------


def folder_prefix(folder: str) -> str:
    """`sourceFolder` as the prefix of a folder's keys: "site" and "/site/" -> "site/", never the beginning of "site2".

    It is always a folder: a single object is fetched by its folder, with its name as the glob.
    """
    trimmed = folder.strip().strip("/")
    return f"{trimmed}/" if trimmed else ""


def is_marker(key: str, size: int) -> bool:
    """Whether the object only says that there is a folder: the console's `a/`, Hadoop's `a_$folder$`."""
    return size == 0 and key.endswith(("/", HADOOP_MARKER))


def paths_for(
    target: str,
    keys: Sequence[str],
    prefix: str,
    *,
    strip: bool,
    flatten: bool,
    windows: bool = os.name == "nt",
    folds: bool | None = None,
) -> list[str]:
    """The path of each key below `target`, in the same order: inside it, and no two the same.

    `strip` leaves the prefix out of the paths. `folds`: names that differ in case or in their Unicode form are one file; without it
    the target is asked. Raises one LocalFileError, before anything is written, that names the keys for which there is no such path.
    """
    if os.path.lexists(target) and not os.path.isdir(target):
        raise LocalFileError(f"The target folder {target} is a file.", advice="Choose another target folder.")
    names = [_last(key.rstrip("/")) if flatten else key[len(prefix) :] if strip else key for key in keys]
    refused = {key: why for key, name in zip(keys, names, strict=True) if (why := _refused(name, key, windows=windows))}
    fine = {key: name for key, name in zip(keys, names, strict=True) if key not in refused}
    problems = [f"{key!r} ({why})" for key, why in refused.items()]
    same = same_below(target) if folds is None else folded if folds else str
    problems += _twins(fine, same)
    problems += _taken_folders(fine, same)
    problems += _blocked_folders(target, fine)
    if problems:
        raise LocalFileError(
            f"{counted(len(problems), 'key')} cannot be a file below {target}: {listing(problems)}. Nothing was written.",
            advice="Take them out with a line of globs that begins with !, or rename the objects.",
        )
    return [os.path.join(target, *name.split("/")) for name in names]


def _refused(name: str, key: str, *, windows: bool) -> str:
    """Why this name is no path inside the target; empty when it is one."""
    if key.endswith("/"):
        return "it ends with / as a folder does, but has content"
    return next((why for part in name.split("/") if (why := _part_refused(part, windows=windows))), "")


def _part_refused(part: str, *, windows: bool) -> str:
    if not part:
        return "it has a folder without a name"
    if part in {".", ".."}:
        return f"it has a {part} in it"
    if "\0" in part:
        return "it has a NUL in it"
    length = len(part.encode("utf-16-le", "surrogatepass")) // 2 if windows else len(os.fsencode(part))
    if length > LONGEST_NAME:
        return f"a name in it is longer than {LONGEST_NAME}"
    return _part_refused_on_windows(part) if windows else ""


def _part_refused_on_windows(part: str) -> str:
    if bad := sorted({c for c in part if c in '<>:"\\|?*' or ord(c) < 32}):
        return f"Windows takes no {' '.join(map(ascii, bad))} in a name"
    if part.endswith((".", " ")):
        return "Windows drops the dot or space at the end of a name"
    if part.split(".", maxsplit=1)[0].rstrip(" ").upper() in WINDOWS_RESERVED:
        return "Windows keeps that name for a device"
    return ""


def _twins(names: Mapping[str, str], same: Callable[[str], str]) -> Iterator[str]:
    taken: dict[str, str] = {}
    for key, name in names.items():
        first = taken.setdefault(same(name), key)
        if first != key:
            yield f"{first!r} and {key!r} (both would be the file {name})"


def _taken_folders(names: Mapping[str, str], same: Callable[[str], str]) -> Iterator[str]:
    within = {same(folder): key for key, name in names.items() for folder in _folders(name)}
    for key, name in names.items():
        if other := within.get(same(name)):
            yield f"{key!r} ({other!r} needs a folder of that name)"


def _blocked_folders(target: str, names: Mapping[str, str]) -> Iterator[str]:
    """What is in the target folder already may be in the way, or lead out of it: links are followed when a file is written."""
    inside = os.path.realpath(target)
    for folder, key in {folder: key for key, name in names.items() for folder in _folders(name)}.items():
        path = os.path.join(inside, *folder.split("/"))
        if not PurePath(os.path.realpath(path)).is_relative_to(inside):
            yield f"{key!r} ({folder} is a link there that leads out of the target folder)"
        elif os.path.lexists(path) and not os.path.isdir(path):
            yield f"{key!r} ({folder} is a file there)"


def _folders(name: str) -> Iterator[str]:
    at = name.find("/")
    while at >= 0:
        yield name[:at]
        at = name.find("/", at + 1)
