"""A website is there as a whole: its first page, all that its pages name, its error page, and the redirects to it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from urllib.parse import urljoin

from ropeway.checks import settings
from ropeway.checks.asking import Asking
from ropeway.checks.finding import Finding, excerpt, failed, judged, passed, together, unasked
from ropeway.checks.kind import Kind
from ropeway.checks.net.crawling import PAGE_TYPES, Crawl, is_readable, type_of
from ropeway.checks.net.dialling import NoAnswer
from ropeway.checks.net.fetching import Browser, towards
from ropeway.checks.net.judging import (
    BodyRule,
    ReleaseRule,
    Statuses,
    judged_body,
    judged_release,
    judged_status,
    statuses,
    told,
    with_way,
)
from ropeway.checks.net.messages import Answer, Request, origin
from ropeway.checks.net.requesting import WebSettings, request_of, targets, web_address
from ropeway.checks.settings import Settings
from ropeway.checks.words import pattern_of, some_text
from ropeway.outcome import in_units, listing

WELL = (Statuses(200, 299),)
BOUND = 500
"""Addresses that are asked where nobody says how many."""
TOLD = 50
"""Addresses that are told one by one."""


def site_path(given: str) -> str:
    """Raises ValueError, worded to follow the name of a setting."""
    if not given.startswith("/"):
        raise ValueError(f"is {given!r}; it begins with a slash.")
    return given


@dataclass(frozen=True, kw_only=True)
class ErrorPage(Settings):
    path: str = settings.text(
        "A path that the site does not have.", default="/no-such-page-of-this-site", check=site_path
    )
    status: tuple[Statuses, ...] = settings.parsed_many(
        "The status of the answer.", word="status", read=statuses, default=(Statuses(404, 404),), schema={"type": ["integer", "string"]}
    )  # fmt: skip
    body: BodyRule | None = settings.short(BodyRule, "contains", "Texts that stand on the error page, or rules for it.")


@dataclass(frozen=True, kw_only=True)
class WebsiteSettings(WebSettings):
    release: ReleaseRule | None = settings.record(
        ReleaseRule, "Where the first page says of which release it is. It must be the one that was deployed."
    )
    final_url: str = settings.text(
        "The address that redirects from the first page end at. Empty: any address of the same host, with or without `www.`. "
        "An answer of another one (a login page, a parked domain) fails.",
        check=some_text,
    )
    error_page: ErrorPage | None = settings.record(ErrorPage, "What is answered where there is no page.")
    redirects_from: tuple[str, ...] = settings.texts(
        "Addresses that must redirect to the first page: the name without www, http, a bucket that only redirects.",
        check=web_address,
    )
    depth: int = settings.whole(
        "How many links away from the first page pages are looked into; 0: the first page only.", at_most=20, default=1
    )
    most: int | None = settings.whole(
        f"How many addresses are asked, where a sample does. Without it all are, and more than {BOUND} are an error: they were not all seen.",
        at_least=1,
        at_most=10_000,
    )
    origins: tuple[str, ...] = settings.texts(
        "Other servers whose addresses are asked, too: `https://cdn.example.com`. Those of the rest of the world are not.",
        check=web_address,
    )
    ignore: tuple[re.Pattern[str], ...] = settings.parsed_many(
        "Regular expressions of addresses that are not asked.", word="regular expression", read=pattern_of
    )


def ask(given: WebsiteSettings, asking: Asking) -> Finding:
    if given.release and not (given.release.is_ or asking.release):
        return unasked("this release", "no word of which release it is", advice=_WHICH)
    request = request_of(given, asking, *targets(given)[asking.target])
    with Browser(asking) as browser:
        try:
            front = browser.fetch(request)
            finding = with_way(together(*_of_front(given, request, front, asking)), front)
            if finding.verdict != "pass":
                return replace(finding, details=(*finding.details, *told(front)))
            further = (*_of_error_page(given, request, browser, asking), *_of_redirects(given, request, front, browser))
            return together(finding, *further, _of_rest(given, request, front, browser, asking))
        except NoAnswer as silent:
            return silent.finding("an answer")


def _of_front(given: WebsiteSettings, request: Request, front: Answer, asking: Asking) -> Iterator[Finding]:
    here = together(judged_status(WELL, front), *_of_way(given, request, front))
    yield here
    if here.verdict != "pass":
        return
    found = type_of(front)
    yield judged(found in PAGE_TYPES, "a first page of type text/html", excerpt(found) or "no type", advice=_TYPE)
    if not is_readable(front):
        got = f"one in the encoding {front.encoding}" if front.encoding else f"more than {in_units(len(front.body))}"
        yield unasked("a first page to look into", got, advice=_UNREAD)
    elif not front.text.strip():
        yield failed("a first page with something on it", f"one of {in_units(len(front.body))}, blank", advice=_BLANK)
    if given.release:
        yield judged_release(given.release, given.release.is_ or asking.release, front, asking)


def _of_way(given: WebsiteSettings, request: Request, front: Answer) -> Iterator[Finding]:
    if given.final_url:
        end = f"the end at {excerpt(front.url)}"
        yield judged(front.url == given.final_url, f"the end at {given.final_url}", end, advice=_END)
    elif _host(front.url) != _host(request.url):
        expected = f"an answer of {origin(request.url)[1]}"
        yield failed(expected, f"the end at {excerpt(front.url)}", advice=_ELSEWHERE)


def _host(url: str) -> str:
    return origin(url)[1].removeprefix("www.")


def _of_error_page(given: WebsiteSettings, request: Request, browser: Browser, asking: Asking) -> Iterator[Finding]:
    if not given.error_page:
        return
    rule = given.error_page
    answer = browser.fetch(towards(request, urljoin(request.url, rule.path)))
    finding = judged_status(rule.status, answer)
    if finding.verdict == "pass" and rule.body:
        finding = judged_body(rule.body, answer, asking)
    details = () if finding.verdict == "pass" else told(answer)
    words = (f"{finding.expected} at {rule.path}", f"{finding.got} at {rule.path}")
    yield with_way(Finding(finding.verdict, *words, _ERROR_PAGE if details else "", details=details), answer)


def _of_redirects(given: WebsiteSettings, request: Request, front: Answer, browser: Browser) -> Iterator[Finding]:
    for url in given.redirects_from:
        expected = f"a redirect from {url} to {front.url}"
        try:
            answer = browser.fetch(towards(request, url))
        except NoAnswer as silent:
            yield silent.finding(expected)
        else:
            got = f"one to {answer.url}" if answer.hops else f"no redirect from {url}, but status {answer.status}"
            yield judged(bool(answer.hops) and answer.url == front.url, expected, got, advice=_REDIRECT)


def _of_rest(given: WebsiteSettings, request: Request, front: Answer, browser: Browser, asking: Asking) -> Finding:
    crawl = Crawl(
        browser,
        request,
        frozenset(map(origin, (front.url, *given.origins))),
        lambda url: any(asking.search(pattern, url) is not None for pattern in given.ignore),
        given.depth,
        given.most or BOUND,
    )
    try:
        crawl.through(front)
    except NoAnswer:
        return unasked(
            "an answer from all that its pages name", f"time for {_addresses(crawl.asked)} only", advice=_TIME
        )
    if crawl.left and given.most is None and not crawl.wrong:
        return unasked(
            "all that its pages name", f"{_addresses(crawl.asked)} only, {crawl.left:,} more not asked", advice=_MORE
        )
    return _judged_crawl(crawl)


def _judged_crawl(crawl: Crawl) -> Finding:
    more = f", {crawl.left:,} more not asked" if crawl.left else ""
    more += f", {len(crawl.unread):,} of them not looked into" if crawl.unread else ""
    expected = "all that its pages name"
    if not crawl.wrong:
        return passed(expected, f"{_addresses(crawl.asked)} well{more}", details=(*_unread(crawl), *_elsewhere(crawl)))
    first = "; ".join(f"{wrong.url}: {wrong.why}" for wrong in crawl.wrong[:3])
    got = f"{len(crawl.wrong):,} of {_addresses(crawl.asked)} wrong: {first}{more}"
    return failed(
        expected, got, advice=_WRONG, details=(*map(str, crawl.wrong[:TOLD]), *_unread(crawl), *_elsewhere(crawl))
    )


def _addresses(count: int) -> str:
    return f"{count:,} {'address' if count == 1 else 'addresses'}"


def _elsewhere(crawl: Crawl) -> tuple[str, ...]:
    if not crawl.elsewhere:
        return ()
    return (f"{_addresses(len(crawl.elsewhere))} of other servers not asked: {listing(sorted(crawl.elsewhere), 5)}",)


def _unread(crawl: Crawl) -> tuple[str, ...]:
    return (f"Too long, or in an unknown encoding: {listing(crawl.unread, 5)}",) if crawl.unread else ()


_WHICH = "Say which release was deployed (releaseId), or which one must answer (is, in release)."
_TYPE = (
    "See the content-type that the object was uploaded with, and the index document of the bucket or the distribution."
)
_BLANK = "See whether the file is empty in the release, too: a build that broke off leaves such."
_UNREAD = "Raise bodyLimit; an encoding such as br cannot be undone here: use the kind http for this page."
_END = "See where the redirects are configured; where they may lead to any page of this host, leave out finalUrl."
_ELSEWHERE = (
    "Another host answers instead of the site: see whether a login (SSO), a parked domain or a wrong redirect stands before it. "
    "Where it is to lead there, name that address in finalUrl, or in url."
)
_ERROR_PAGE = (
    "See the error document of the bucket, or the custom error responses of the distribution. S3 answers 403 as long as visitors "
    "may not list the bucket (s3:ListBucket): expect that, or allow it."
)
_REDIRECT = "See the bucket that redirects, the listener's rule or the viewer protocol policy, and the record in DNS that leads there."
_WRONG = "See whether these files are in the release, and with which content-type they were uploaded; a cache may still hold pages of another release."
_MORE = "Say how many are to be asked (most); or ask less (depth, ignore)."
_TIME = "Give it more time (timeout), or ask less (depth, most, ignore)."

KIND = Kind(
    name="website",
    title="Website",
    help="A site is there as a whole: the first page, every script, style sheet, image and link that its pages name, the error page, the redirects to it.",
    settings=WebsiteSettings,
    subject=lambda _, target: f"{target} and all that its pages name answer",
    targets=lambda given: tuple(targets(given)),
    ask=ask,
    example="""
url: https://www.example.com/
errorPage: {body: Nothing here}
redirectsFrom: [http://www.example.com/, https://example.com/]
release: {body: '<meta name="release" content="([^"]*)"'}
""",
)
