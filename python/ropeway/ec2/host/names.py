"""Releases by names that need no care: in a path, in a shell, in JSON."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote, unquote

from ropeway.errors import InputError

LONGEST = 200
"""Bytes: a name of a file has 255 at most, and ours get a few more before and behind."""


def name_of(release: str) -> str:
    """Letters, digits, `_.-~` and `%`; it begins with no dot. Raises InputError for an id that is too long so."""
    name = quote(release, safe="", errors="surrogatepass")
    if name.startswith("."):
        name = f"%2E{name[1:]}"
    if len(name) > LONGEST:
        told = f"{len(name)} characters as {name[:20]}..., and {LONGEST} are the most"
        raise InputError([f"The release id {release!r} is too long for the name of a folder: {told}."])
    return name


def id_of(name: str) -> str:
    """The release that has this name."""
    return unquote(name, errors="surrogatepass")


def folder_problems(folder: str) -> Iterator[str]:
    """What is wrong with the folder of an application, worded to follow the name of an input."""
    parts = folder.split("/")
    if not folder.startswith("/") or not folder.isprintable():
        yield f"is {folder!r}: an absolute path on the instances, as /opt/shop."
    elif len(parts) < 2 or {"", ".", ".."} & set(parts[1:]):
        yield f"is {folder!r}: a path of a folder below /, written plainly and without a slash at its end."
