"""Where state lies."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote

FOLDER = ".ropeway"
SITES = "sites"
ROOT = "@root"
"""The site that is a whole bucket: no quoted prefix reads so."""


@dataclass(frozen=True)
class StatePlace:
    """An object, or a folder of them."""

    bucket: str
    key: str

    @property
    def address(self) -> str:
        return f"s3://{self.bucket}/{self.key}"

    def below(self, name: str) -> StatePlace:
        return StatePlace(self.bucket, f"{self.key}/{name}")


def place_at(location: str, *parts: str, ending: str = "") -> StatePlace:
    """`location` is `s3://bucket/prefix`; the parts are anybody's words. Raises ValueError, worded to follow the name of an input."""
    scheme, _, rest = location.partition("://")
    bucket, _, prefix = rest.partition("/")
    if scheme != "s3" or not bucket:
        raise ValueError(f"is {location!r}; write it as s3://bucket or s3://bucket/prefix.")
    quoted = [quote(part, safe="") for part in parts]
    return StatePlace(bucket, "/".join([*filter(None, [prefix.strip("/")]), FOLDER, *quoted]) + ending)


def site_place(location: str, prefix: str) -> StatePlace:
    """The folder with the state of the site below `prefix`, which has no outer slashes."""
    folder = place_at(location, SITES)
    return folder.below(quote(prefix, safe="") or ROOT)
