"""An HTTP server answers as it should, and it is this release that answers."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from ropeway.checks import settings
from ropeway.checks.asking import Asking
from ropeway.checks.comparing import Comparison, comparisons
from ropeway.checks.finding import Finding, judged, together, unasked
from ropeway.checks.kind import Kind
from ropeway.checks.net.dialling import NoAnswer
from ropeway.checks.net.fetching import fetch
from ropeway.checks.net.judging import (
    BodyRule,
    ReleaseRule,
    Statuses,
    judged_body,
    judged_documents,
    judged_release,
    judged_status,
    status_words,
    statuses,
    told,
    with_way,
)
from ropeway.checks.net.messages import Answer, Request
from ropeway.checks.net.requesting import TELLING, WebSettings, json_body, method, request_of, targets
from ropeway.checks.rules import TextRule, judged_text
from ropeway.checks.words import some_text

REQUEST_IDS = (
    "x-amzn-requestid",
    "x-amz-request-id",
    "x-amz-apigw-id",
    "x-amzn-trace-id",
    "x-amz-cf-id",
    "x-request-id",
)
NOT_SHOWN = "(what it says is not shown)"
ENOUGH = 20
"""Answers of which one in twenty may be slow."""


@dataclass(frozen=True, kw_only=True)
class HttpSettings(WebSettings):
    method: str = settings.parsed("The method of the request.", word="text", read=method, default="GET")
    request_body: str = settings.text("A body to send, as text.")
    request_json: Any = settings.value("A body to send, as JSON.")
    follow: bool = settings.flag(
        "Whether redirects are followed. What is expected is expected of the last answer.", default=True
    )
    max_redirects: int = settings.whole("How many redirects are followed at most.", at_least=1, at_most=100, default=10)
    requests: int | None = settings.whole(
        f"How often it is asked, one request after the other. Every answer must be right, and has the whole `timeout`. Empty: once; {ENOUGH} times for `p95`.",
        at_least=1,
        at_most=1000,
    )
    status: tuple[Statuses, ...] = settings.parsed_many(
        "The status, as `200`, `2xx` or `200-204`.", word="status", read=statuses, default=(Statuses(200, 299),),
        schema={"type": ["integer", "string"]},
    )  # fmt: skip
    headers: dict[str, TextRule] = settings.by_name(
        settings.short_form(TextRule, "equals"), "Headers of the answer, each with its text, or with rules for it."
    )
    cookies: dict[str, TextRule] = settings.by_name(
        settings.short_form(TextRule, "equals"),
        "Cookies that are set on the way, each with its text, or with rules for it. What was set is not printed.",
    )
    body: BodyRule | None = settings.short(BodyRule, "contains", "Texts that stand in the body, or rules for it.")
    json: dict[str, tuple[Comparison, ...]] = comparisons(
        "JMESPath expressions for a JSON body, each with the value that it finds, or with comparisons: `==`, `!=`, `<`, `<=`, `>`, `>=`, `in`, `matches`, `type`."
    )
    final_url: str = settings.text("The address that the redirects end at.", check=some_text)
    redirects: tuple[str, ...] = settings.texts(
        "The addresses that the redirects lead to, one after the other, the last one included."
    )
    latency: float | None = settings.duration(
        "How long an answer may take, from the look-up of the name to its last byte, redirects included."
    )
    p95: float | None = settings.duration(
        f"How long 95 in 100 answers may take; it is asked {ENOUGH} times, or as `requests` says."
    )
    release: ReleaseRule | None = settings.record(
        ReleaseRule,
        "Where the answer says of which release it is. It must be the one that was deployed: an old one that still answers fails.",
    )

    def problems(self) -> Iterator[str]:
        yield from super().problems()
        if self.request_body and self.request_json is not None:
            yield "requestBody and requestJson are both set: keep one of them."
        if self.p95 is not None and self.requests is not None and self.requests < ENOUGH:
            yield f"p95 needs {ENOUGH} requests at least: of fewer, it is the slowest one, which latency is for."
        if self.method == "HEAD" and (self.body or self.json or (self.release and not self.release.header)):
            yield "An answer to HEAD has no body: take the method GET."
        if not self.follow and (self.redirects or self.final_url):
            yield "redirects and finalUrl are expected, but follow is false: no redirect is followed."


def ask(given: HttpSettings, asking: Asking) -> Finding:
    if given.release and not (given.release.is_ or asking.release):
        return unasked("this release", "no word of which release it is", advice=_WHICH)
    url, resolve = targets(given)[asking.target]
    request = _request(given, asking, url, resolve)
    count = _count(given)
    seconds: list[float] = []
    for number in range(1, count + 1):
        finding, took = _answered(given, request, asking.next_answer())
        if finding.verdict != "pass":
            return finding if count == 1 else replace(finding, got=f"{finding.got} (answer {number} of {count})")
        seconds.append(took)
    return finding if given.p95 is None else together(finding, _p95(given.p95, seconds))


def _count(given: HttpSettings) -> int:
    return given.requests or (ENOUGH if given.p95 is not None else 1)


def _request(given: HttpSettings, asking: Asking, url: str, resolve: str) -> Request:
    body = given.request_body.encode()
    headers: dict[str, str] = {}
    if given.request_json is not None:
        body, headers = json_body(given.request_json)
    redirects = given.max_redirects if given.follow else 0
    return request_of(given, asking, url, resolve, method=given.method, body=body, headers=headers, redirects=redirects)


def _answered(given: HttpSettings, request: Request, asking: Asking) -> tuple[Finding, float]:
    try:
        answer = fetch(request, asking)
    except NoAnswer as silent:
        return silent.finding(status_words(given.status)), 0
    asking.request_ids.extend(filter(None, map(answer.header, REQUEST_IDS)))
    finding = judged_status(given.status, answer)
    if finding.verdict == "pass":
        finding = together(finding, *_of_way(given, answer), *_of_content(given, answer, asking))
    details = () if finding.verdict == "pass" else told(answer)
    return replace(with_way(finding, answer), details=(*finding.details, *details)), answer.seconds


def _of_way(given: HttpSettings, answer: Answer) -> Iterator[Finding]:
    if given.final_url:
        yield judged(answer.url == given.final_url, f"the end at {given.final_url}", f"the end at {answer.url}")
    if given.redirects:
        wanted, gone = ", ".join(given.redirects), ", ".join(hop.to for hop in answer.hops) or "nowhere"
        yield judged(wanted == gone, f"redirects to {wanted}", f"redirects to {gone}")
    if given.latency is not None:
        well = answer.seconds <= given.latency
        yield judged(well, f"an answer within {_ms(given.latency)}", f"one after {_ms(answer.seconds)}", advice=_SLOW)


def _of_content(given: HttpSettings, answer: Answer, asking: Asking) -> Iterator[Finding]:
    for name, rule in given.headers.items():
        yield judged_text(
            rule, f"header {name}", answer.header(name), asking, told=NOT_SHOWN if TELLING.search(name) else None
        )
    cookies = {cookie.name: cookie.value or "" for cookie in answer.cookies}
    for name, rule in given.cookies.items():
        yield judged_text(rule, f"cookie {name}", cookies.get(name), asking, told=NOT_SHOWN)
    if given.release:
        yield judged_release(given.release, given.release.is_ or asking.release, answer, asking)
    if given.body:
        yield judged_body(given.body, answer, asking)
    if given.json:
        yield judged_documents(given.json, answer, asking)


def _p95(most: float, seconds: list[float]) -> Finding:
    """By the nearest rank: of 20 answers, the slowest but one."""
    ordered = sorted(seconds)
    found = ordered[math.ceil(0.95 * len(ordered)) - 1]
    got = f"{_ms(found)} (median {_ms(statistics.median(ordered))}, slowest {_ms(ordered[-1])}, {len(ordered)} answers)"
    return judged(found <= most, f"95 in 100 answers within {_ms(most)}", got, advice=_SLOW)


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:,.0f} ms"


def _subject(given: HttpSettings, target: str) -> str:
    of = ", of this release" if given.release else ""
    return f"{given.method} {target} answers with {status_words(given.status)}{of}"


_WHICH = "Say which release was deployed (releaseId), or which one must answer (is, in release)."
_SLOW = "See what the application waits for; right after a deploy, let it warm up first, or ask again."

KIND = Kind(
    name="http",
    title="HTTP answer",
    help="A server answers a request as it should: status, headers, cookies, body, JSON, redirects, time, and of which release it is.",
    settings=HttpSettings,
    subject=_subject,
    targets=lambda given: tuple(targets(given)),
    answers=_count,
    ask=ask,
    example="""
url: https://www.example.com/health
headers: {content-type: {matches: ^application/json}}
json: {status: ok, "length(items)": {">=": 1}}
release: {header: x-release}
latency: 500ms
""",
)
