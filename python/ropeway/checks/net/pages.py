"""What a page needs and where it leads: the addresses in its HTML and in its style sheets."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Literal
from urllib.parse import urldefrag, urljoin

from ropeway.checks.net.messages import is_web_address

Role = Literal["page", "script", "style", "image", "file"]

SCRIPTS = {"", "module", "text/javascript", "application/javascript"}
IMAGES = {"icon", "apple-touch-icon", "apple-touch-icon-precomposed", "mask-icon", "shortcut"}
NOT_ASKED = {"preconnect", "dns-prefetch", "canonical", "pingback", "shortlink", "alternate", "prerender", "search"}
"""What a `link` names by these is a server, or another page: no part of this one."""

SOURCES: dict[str, tuple[tuple[str, Role], ...]] = {
    "a": (("href", "page"),),
    "area": (("href", "page"),),
    "iframe": (("src", "page"),),
    "frame": (("src", "page"),),
    "img": (("src", "image"),),
    "input": (("src", "image"),),
    "image": (("href", "image"), ("xlink:href", "image")),
    "video": (("src", "file"), ("poster", "image")),
    "audio": (("src", "file"),),
    "track": (("src", "file"),),
    "source": (("src", "file"),),
    "embed": (("src", "file"),),
    "object": (("data", "file"),),
    "use": (("href", "file"), ("xlink:href", "file")),
}
"""Attributes that name an address (HTML, "Attributes"; SVG 2, "Linking")."""

PRELOADS: dict[str, Role] = {"script": "script", "style": "style", "image": "image"}


@dataclass(frozen=True)
class Named:
    """An address that a page names, whole and without a fragment, and what for."""

    url: str
    role: Role


def named_in_html(text: str, url: str) -> tuple[Named, ...]:
    """In the order of the page, each once."""
    page = _Page(url)
    page.feed(text)
    page.close()
    return tuple(dict.fromkeys(page.named))


def named_in_css(text: str, url: str) -> tuple[Named, ...]:
    """`@import` names a style sheet; of the others nobody knows what they are for."""
    return tuple(dict.fromkeys(filter(None, (_whole(url, found, role) for found, role in _in_css(text)))))


_COMMENT = re.compile(r"/\*.*?(?:\*/|\Z)", re.DOTALL)
_IMPORT = re.compile(r"@import\s+(?:url\(\s*)?(?:\"([^\"]*)\"|'([^']*)'|([^\s\"')(;]+))", re.IGNORECASE)
_URL = re.compile(r"url\(\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s\"')(]+))\s*\)", re.IGNORECASE)


def _in_css(text: str) -> Iterator[tuple[str, Role]]:
    text = _COMMENT.sub(" ", text)
    for found in _IMPORT.finditer(text):
        yield found[1] or found[2] or found[3] or "", "style"
    for found in _URL.finditer(_IMPORT.sub(" ", text)):
        yield found[1] or found[2] or found[3] or "", "file"


def _whole(base: str, address: str, role: Role) -> Named | None:
    """None for what no browser asks for (mailto:, data:, a host that cannot be), and for a place on the same page."""
    address = re.sub(r"[\t\r\n]", "", address).strip()
    if not address or address.startswith("#"):
        return None
    try:
        url = urldefrag(urljoin(base, address)).url
    except ValueError:  # half a pair of brackets
        return None
    return Named(url, role) if is_web_address(url) else None


class _Page(HTMLParser):
    def __init__(self, url: str) -> None:
        super().__init__(convert_charrefs=True)
        self.named: list[Named] = []
        self._base = url
        self._in_style = False

    def parse_marked_section(self, i: int, report: bool = True) -> int:
        """`<![` that opens nothing is a comment to browsers (HTML, "bogus comment state"); Python's parser ends with an AssertionError."""
        try:
            return super().parse_marked_section(i, report)
        except AssertionError:
            return self.parse_bogus_comment(i)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self._in_style = tag == "style"
        if tag == "base" and (base := _whole(self._base, given.get("href", ""), "page")):
            self._base = base.url
        for address, role in _in_tag(tag, given):
            self._add(address, role)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self._in_style = False

    def handle_endtag(self, tag: str) -> None:
        self._in_style = self._in_style and tag != "style"

    def handle_data(self, data: str) -> None:
        if self._in_style:
            for address, role in _in_css(data):
                self._add(address, role)

    def _add(self, address: str, role: Role) -> None:
        if whole := _whole(self._base, address, role):
            self.named.append(whole)


def _in_tag(tag: str, given: dict[str, str]) -> Iterator[tuple[str, Role]]:
    if tag == "link":
        yield from _in_link(given)
    elif tag == "script":
        yield given.get("src", ""), "script" if given.get("type", "").lower() in SCRIPTS else "file"
    else:
        yield from ((given[name], role) for name, role in SOURCES.get(tag, ()) if name in given)
    if tag in {"img", "source"}:
        yield from ((address, "image") for address in _in_srcset(given.get("srcset", "")))
    yield from _in_css(given.get("style", ""))


def _in_link(given: dict[str, str]) -> Iterator[tuple[str, Role]]:
    relations = set(given.get("rel", "").lower().split())
    if not relations or relations & NOT_ASKED:
        return
    role: Role = "file"
    if "stylesheet" in relations:
        role = "style"
    elif "modulepreload" in relations:
        role = "script"
    elif relations & IMAGES:
        role = "image"
    elif "preload" in relations:
        role = PRELOADS.get(given.get("as", "").lower(), "file")
    yield given.get("href", ""), role


def _in_srcset(text: str) -> Iterator[str]:
    """An address ends at a blank, and at a comma only where that is its last sign (HTML, "srcset attribute")."""
    while found := re.match(r"[\s,]*(\S+)", text):
        address, text = found[1], text[found.end() :]
        yield address.rstrip(",")
        if not address.endswith(","):
            text = text.partition(",")[2]
