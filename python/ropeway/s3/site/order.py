"""The safe order: what is named is there before what names it. A group ends before the next begins."""

from __future__ import annotations

import enum
import posixpath

from ropeway.s3.site.fingerprints import Naming

INDEX = "index.html"


class Group(enum.IntEnum):
    """In the order in which they go up. A worker comes last: installing itself it reads the first page, and keeps what it got."""

    ASSETS = 1
    FILES = 2
    PAGES = 3
    ENTRIES = 4
    WORKERS = 5

    def __str__(self) -> str:
        return _WORDS[self]


_WORDS = {
    Group.ASSETS: "fingerprinted assets",
    Group.FILES: "other files",
    Group.PAGES: "pages",
    Group.ENTRIES: "entry points",
    Group.WORKERS: "workers",
}

PAGES = frozenset({".html", ".htm", ".xhtml"})
ENTRIES = frozenset(
    {"asset-manifest.json", "manifest.json", "site.webmanifest", "manifest.webmanifest", "version.json"}
)
"""What a page or a script asks to learn what is current. Beside them the site's first page."""
WORKERS = frozenset(
    {
        "firebase-messaging-sw.js",
        "ngsw-worker.js",
        "ngsw.json",
        "onesignalsdkworker.js",
        "service-worker.js",
        "serviceworker.js",
        "sw.js",
    }
)
"""Workbox, Create React App, Angular ("Service worker configuration"), Firebase, OneSignal."""


def group_of(relative: str, naming: Naming, *, entry: bool = False) -> Group:
    """Of a file, by its path below the source folder. `entry`: the user says that it is an entry point."""
    name = posixpath.basename(relative).lower()
    if name in WORKERS:
        return Group.WORKERS
    if entry or relative == INDEX or name in ENTRIES:
        return Group.ENTRIES
    if is_page(relative):
        return Group.PAGES
    return Group.FILES if naming is Naming.PLAIN else Group.ASSETS


def is_page(relative: str) -> bool:
    return posixpath.splitext(relative)[1].lower() in PAGES
