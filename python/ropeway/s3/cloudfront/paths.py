"""The paths under which CloudFront may keep an object, as an invalidation names them.

CloudFront developer guide, "What you need to know when invalidating paths": a path begins with a slash and is relative to the distribution;
characters that are not ASCII, or unsafe by RFC 1738, are percent-encoded, and no others; `*` is a wildcard, and stands at the end alone.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator
from urllib.parse import quote

EVERYTHING = "/*"
PLAIN = "/!$&'(),:;=@"
"""Beside letters, digits, `_`, `.` and `-`: what RFC 1738 (section 2.2) calls safe or reserved, and browsers leave as it is, too."""
AMBIGUOUS = re.compile(r"[*~+\[\]|\\^]")
"""`*` is the wildcard. Of the others browsers write some as they are which RFC 1738 calls unsafe, and S3 takes a `+` for a blank: each
could be kept under two spellings. (CloudFront refuses a bare `~`, and `%7E` does not reach what was asked for as `~`.)"""


def paths_of(key: str, origin_path: str, indexes: Iterable[str], root: str = "") -> Iterator[str]:
    """Of an object, for an origin that begins at `origin_path` (`/site`, or empty); none where it lies outside.

    An object that is called as an index document is shown under the path of its folder, too; `root`, which may lie in a folder, under that of the
    distribution.
    """
    below = f"{origin_path.strip('/')}/" if origin_path.strip("/") else ""
    if not key.startswith(below):
        return
    path = f"/{key[len(below) :]}"
    yield encoded(path)
    folder, name = posixpath.split(path)
    if name in set(indexes):
        yield encoded(f"{folder.rstrip('/')}/")
    if root and path == f"/{root}":
        yield "/"


def encoded(path: str) -> str:
    """A path that may be spelled in two ways is cut before it becomes so, and ends as a wildcard: that covers both."""
    found = AMBIGUOUS.search(path)
    plain = path[: found.start()] if found else path
    return quote(plain, safe=PLAIN) + ("*" if found else "")


def is_wildcard(path: str) -> bool:
    return path.endswith("*")


def covers(one: str, other: str) -> bool:
    """Whether all that `other` names is named by `one`; each may be a wildcard."""
    if not is_wildcard(one):
        return one == other
    return other.removesuffix("*").startswith(one[:-1])
