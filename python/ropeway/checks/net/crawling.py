"""A site as a visitor's browser loads it: its pages, and all that they name."""

from __future__ import annotations

import mimetypes
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from urllib.parse import urlsplit

from ropeway.checks.finding import excerpt
from ropeway.checks.net.dialling import NoAnswer
from ropeway.checks.net.fetching import Browser, towards
from ropeway.checks.net.messages import Answer, Request, origin
from ropeway.checks.net.pages import Named, named_in_css, named_in_html

SCRIPT_TYPES = {
    "text/javascript",
    "application/javascript",
    "application/x-javascript",
    "application/ecmascript",
    "text/ecmascript",
}
"""What browsers run (WHATWG MIME Sniffing, "JavaScript MIME type"), but for names that nobody uses any more."""

PAGE_TYPES = {"text/html", "application/xhtml+xml"}

NO_HEAD = {405, 501}
"""Method Not Allowed, Not Implemented."""

TYPES = mimetypes.MimeTypes()
"""Python's own, not those of this machine; and some that older versions of Python do not know yet."""
for _ending in ("woff", "woff2", "ttf", "otf"):
    TYPES.add_type(f"font/{_ending}", f".{_ending}")
for _ending in ("webp", "avif"):
    TYPES.add_type(f"image/{_ending}", f".{_ending}")
TYPES.add_type("application/manifest+json", ".webmanifest")


@dataclass(frozen=True)
class Wrong:
    url: str
    why: str
    by: str

    def __str__(self) -> str:
        return f"{self.url}: {self.why} (named by {self.by})"


@dataclass
class Crawl:
    """`depth` is how many links from the first page pages are looked into, `most` how many addresses are asked.

    `unread` are pages and style sheets that answered well, but could not be looked into: too long, or in an unknown encoding.
    """

    browser: Browser
    request: Request
    origins: frozenset[tuple[str, str, int]]
    ignored: Callable[[str], bool]
    depth: int
    most: int
    wrong: list[Wrong] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)
    elsewhere: set[str] = field(default_factory=set)
    asked: int = 0
    left: int = 0

    def through(self, front: Answer) -> None:
        """Raises NoAnswer when the time is over before all was asked."""
        seen = {front.url, self.request.url}
        waiting: deque[tuple[Named, int, str]] = deque()
        self._take(named_in_html(front.text, front.url), 0, front.url, seen, waiting)
        while waiting and self.asked < self.most:
            named, depth, by = waiting.popleft()
            self.asked += 1
            if answer := self._answer(named, depth, by):
                self._take(_named_in(answer, named), depth + (named.role == "page"), answer.url, seen, waiting)
        self.left = len(waiting)

    def _take(
        self, found: tuple[Named, ...], depth: int, by: str, seen: set[str], waiting: deque[tuple[Named, int, str]]
    ) -> None:
        for named in found:
            if named.url in seen or self.ignored(named.url):
                continue
            seen.add(named.url)
            if named.role != "page" and by.startswith("https:") and named.url.startswith("http:"):
                self.asked += 1
                self.wrong.append(Wrong(named.url, "http within a page of https, which browsers do not load", by))
            elif origin(named.url) in self.origins:
                waiting.append((named, depth, by))
            else:
                self.elsewhere.add(named.url)

    def _answer(self, named: Named, depth: int, by: str) -> Answer | None:
        """The answer, where there is more to be found in it."""
        looked_into = named.role == "style" or (named.role == "page" and depth < self.depth and _may_be_page(named.url))
        try:
            answer = self._fetched(named.url, "GET" if looked_into else "HEAD")
        except NoAnswer as silent:
            if self.browser.is_over:
                raise
            self.wrong.append(Wrong(named.url, silent.got, by))
            return None
        if why := _problem(named, answer):
            self.wrong.append(Wrong(named.url, why, by))
            return None
        if not looked_into or origin(answer.url) not in self.origins:
            return None
        if not is_readable(answer):
            self.unread.append(named.url)
            return None
        return answer

    def _fetched(self, url: str, method: str) -> Answer:
        request = replace(towards(self.request, url), method=method)
        answer = self.browser.fetch(request)
        if method == "HEAD" and answer.status in NO_HEAD:
            return self.browser.fetch(replace(request, method="GET"))
        return answer


def _named_in(answer: Answer, named: Named) -> tuple[Named, ...]:
    if named.role == "style":
        return named_in_css(answer.text, answer.url)
    return named_in_html(answer.text, answer.url) if type_of(answer) in PAGE_TYPES else ()


def is_readable(answer: Answer) -> bool:
    return answer.whole and not answer.encoding


def type_of(answer: Answer) -> str:
    return (answer.header("content-type") or "").partition(";")[0].strip().lower()


def _problem(named: Named, answer: Answer) -> str:
    if not 200 <= answer.status < 300:
        return f"status {answer.status}"
    found = type_of(answer)
    told = f"content-type {excerpt(found) or 'not said'}"
    match named.role:
        case "script":
            return "" if found in SCRIPT_TYPES else f"{told}, which browsers do not run"
        case "style":
            return "" if found == "text/css" else f"{told}, which browsers do not take for a style sheet"
        case "image":
            return "" if found.startswith("image/") else f"{told}, which is no image"
    is_page_instead = found == "text/html" and not _may_be_page(named.url)
    return f"{told} instead of {_usual_type(named.url)}" if is_page_instead else ""


def _usual_type(url: str) -> str | None:
    return TYPES.guess_type(urlsplit(url).path)[0]


def _may_be_page(url: str) -> bool:
    return _usual_type(url) in {None, *PAGE_TYPES}
