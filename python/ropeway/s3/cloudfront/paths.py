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
AMBIGUOUS = re.compile(r"[ !$&'()*+,:;=@~\[\]|\\^]")
"""What RFC 1738 (section 2.2) calls safe or reserved, links may hold as it is or percent-encoded (`encodeURIComponent` writes `%40`, Hugo `%28`), and
S3 finds the same object: each spelling is kept as a copy of its own, and no invalidation of one reaches another. S3 takes a `+` for a blank, browsers
write some as they are which RFC 1738 calls unsafe, `*` is the wildcard. (CloudFront refuses a bare `~`, and `%7E` does not reach what was asked for as `~`.)"""
HEX = re.compile("%[0-9A-F]{2}")


def paths_of(key: str, origin_path: str, indexes: Iterable[str], root: str = "") -> Iterator[str]:
    """Of an object, for an origin that begins at `origin_path` (`/site`, or empty); none where it lies outside.

    An object that is called as an index document is shown under the path of its folder, too; `root`, which may lie in a folder, under that of the
    distribution.
    """
    below = f"{origin_path.strip('/')}/" if origin_path.strip("/") else ""
    if not key.startswith(below):
        return
    path = f"/{key[len(below) :]}"
    yield from spellings(path)
    folder, name = posixpath.split(path)
    if name in set(indexes):
        yield from spellings(f"{folder.rstrip('/')}/")
    if root and path == f"/{root}":
        yield "/"


def encoded(path: str) -> str:
    """A path that may be spelled in two ways is cut before it becomes so, and ends as a wildcard: that covers both."""
    found = AMBIGUOUS.search(path)
    plain = path[: found.start()] if found else path
    return quote(plain) + ("*" if found else "")


def spellings(path: str) -> tuple[str, ...]:
    """Hexadecimal digits are upper-case by custom; WordPress and .NET write them otherwise, and invalidation paths are case sensitive."""
    upper = encoded(path)
    return tuple(dict.fromkeys((upper, HEX.sub(lambda found: found[0].lower(), upper))))


def is_wildcard(path: str) -> bool:
    return path.endswith("*")


def covers(one: str, other: str) -> bool:
    """Whether all that `other` names is named by `one`; each may be a wildcard."""
    if not is_wildcard(one):
        return one == other
    return other.removesuffix("*").startswith(one[:-1])
