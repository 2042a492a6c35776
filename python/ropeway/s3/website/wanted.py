"""What a website is asked to be."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

WEBSITE = "website"
"""The target of an alias: the website endpoint of the bucket that is called as the host is."""


@dataclass(frozen=True)
class RedirectBucket:
    """A bucket that leads everything to another host. `protocol` is http or https; empty: as it was asked."""

    bucket: str
    host: str
    protocol: str = ""


@dataclass(frozen=True)
class Alias:
    """A host name that leads to the website endpoint of the bucket of that name (`website`), or to a distribution, by its id."""

    host: str
    target: str


@dataclass(frozen=True)
class Pages:
    """`rules` are routing rules as S3 writes them; None: those that are there stay. `error` empty: the one that is there stays."""

    index: str = "index.html"
    error: str = ""
    rules: tuple[dict[str, Any], ...] | None = None
    replace_rules: bool = False


@dataclass(frozen=True)
class Wanted:
    """`prefix` is the site's, without outer slashes. `public`: everybody may read the site, and nothing of Ropeway's state.

    `new`: the bucket is not there yet.

    `zone` is the id of a hosted zone, where the name alone does not tell. `owner` is the account that the buckets must belong to.
    """

    bucket: str
    region: str
    prefix: str = ""
    pages: Pages | None = None
    redirect: RedirectBucket | None = None
    aliases: tuple[Alias, ...] = field(default=())
    zone: str = ""
    public: bool = False
    versioning: bool = False
    owner: str = ""
    new: bool = False
