"""Whether an answer is the right one: its status, its body, and the release that it comes from."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from ropeway.checks import settings
from ropeway.checks.asking import Asking
from ropeway.checks.comparing import Comparison, json_path, judged_json, parsed_json, release_in, value_at
from ropeway.checks.finding import Finding, excerpt, failed, judged, together, unasked
from ropeway.checks.net.messages import Answer
from ropeway.checks.rules import TextRule, judged_text
from ropeway.checks.settings import Settings
from ropeway.checks.words import some_text
from ropeway.outcome import in_units

TOLD = 500
"""Characters of a body that are told when it is not the right one."""


@dataclass(frozen=True)
class Statuses:
    """From the first to the last, both included."""

    first: int
    last: int

    def __str__(self) -> str:
        if (self.first % 100, self.last) == (0, self.first + 99):
            return f"{self.first // 100}xx"
        return str(self.first) if self.first == self.last else f"{self.first}-{self.last}"


def statuses(given: str) -> Statuses:
    """`200`, `2xx` or `200-299`. Raises ValueError, worded to follow the name of a setting."""
    if found := re.fullmatch(r"([1-5])xx", given, re.IGNORECASE):
        return Statuses(int(found[1]) * 100, int(found[1]) * 100 + 99)
    found = re.fullmatch(r"([1-5][0-9]{2})(?:-([1-5][0-9]{2}))?", given)
    if not found or int(found[1]) > int(found[2] or found[1]):
        raise ValueError(f"is {given!r}; write a status as 200, 2xx or 200-204.")
    return Statuses(int(found[1]), int(found[2] or found[1]))


@dataclass(frozen=True, kw_only=True)
class BodyRule(TextRule):
    """Of the body as text, but for `sha256`."""

    sha256: str = settings.text(
        "The SHA-256 of its bytes in hexadecimal digits, after gzip is undone.", check=some_text
    )

    def problems(self) -> Iterator[str]:
        yield from super().problems()
        if self.sha256 and not re.fullmatch(r"[0-9A-Fa-f]{64}", self.sha256):
            yield f"sha256 is {self.sha256!r}, which is not 64 hexadecimal digits."

    @property
    def compares(self) -> bool:
        return super().compares or bool(self.sha256)


@dataclass(frozen=True, kw_only=True)
class ReleaseRule(Settings):
    """Where the answer says of which release it is."""

    header: str = settings.text("A header whose whole text is the release.")
    json: str = settings.text("A JMESPath expression that finds the release in a JSON body.", check=json_path)
    body: re.Pattern[str] | None = settings.pattern(
        "A regular expression that finds the release in the body: its first group, or all of it where it has none."
    )
    is_: str = settings.text("The release that must answer. Empty: the one that was deployed.")

    def problems(self) -> Iterator[str]:
        if sum(map(bool, (self.header, self.json, self.body))) != 1:
            yield "release takes one of header, json and body: the place where the answer says of which release it is."


# --- judging -----------------------------------------------------------------------------------------------------------------


def status_words(wanted: tuple[Statuses, ...]) -> str:
    return f"status {' or '.join(map(str, wanted))}"


def judged_status(wanted: tuple[Statuses, ...], answer: Answer) -> Finding:
    well = any(one.first <= answer.status <= one.last for one in wanted)
    told = f"status {answer.status}" + (f" ({excerpt(answer.reason, 60)})" if answer.reason else "")
    return judged(well, status_words(wanted), told, advice=_ADVICE.get(answer.status, ""))


def judged_body(rule: BodyRule, answer: Answer, asking: Asking) -> Finding:
    def look(text: str) -> Finding:
        # An empty body is none: a page without errors on it is there at least. But who asks for an empty one gets it.
        found = text if text or rule.equals == "" else None
        findings = [judged_text(rule, "body", found, asking)] if super(BodyRule, rule).compares or rule.absent else []
        return together(*findings, *_judged_digest(rule.sha256.lower(), answer.body))

    return _readable(answer, look)


def _judged_digest(wanted: str, body: bytes) -> Iterator[Finding]:
    if wanted:
        found = hashlib.sha256(body).hexdigest()
        yield judged(found == wanted, f"body of SHA-256 {wanted}", f"body of SHA-256 {found} ({in_units(len(body))})")


def judged_documents(wanted: dict[str, tuple[Comparison, ...]], answer: Answer, asking: Asking) -> Finding:
    """The body as JSON."""

    def look(text: str) -> Finding:
        try:
            document = parsed_json(text)
        except ValueError as wrong:
            return failed("a body in JSON", f"no JSON ({wrong})")
        return together(*(judged_json(path, comparisons, document, asking) for path, comparisons in wanted.items()))

    return _readable(answer, look)


def judged_release(rule: ReleaseRule, release: str, answer: Answer, asking: Asking) -> Finding:
    """An answer that does not say of which release it is, is one of another release."""
    if rule.header:
        return _same_release(release, f"header {rule.header}", answer.header(rule.header))
    if rule.body:
        pattern = rule.body
        return _readable(
            answer, lambda text: _same_release(release, f"body at /{pattern.pattern}/", _found(pattern, text, asking))
        )
    return _readable(answer, lambda text: _same_release(release, f"body at {rule.json}", _in_json(rule.json, text)))


def _same_release(release: str, where: str, found: str | None) -> Finding:
    expected = f'release "{release}" in {where}'
    if found is None:
        return failed(expected, f"no release in {where}", advice=_UNNAMED)
    return judged(found.strip() == release, expected, f'release "{excerpt(found, 60)}"', advice=_OLD)


def _found(pattern: re.Pattern[str], text: str, asking: Asking) -> str | None:
    found = asking.search(pattern, text)
    return found[1 if pattern.groups else 0] if found else None


def _in_json(path: str, text: str) -> str | None:
    try:
        return release_in(value_at(path, parsed_json(text)))
    except ValueError:
        return None  # which is what is told of it


def _readable(answer: Answer, judge: Callable[[str], Finding]) -> Finding:
    if answer.encoding:
        got = f"one that is encoded as {excerpt(answer.encoding, 60)}"
        return unasked("a body to look into", got, advice=_ENCODED)
    if not answer.whole:
        return unasked("a whole body", f"more than {in_units(len(answer.body))}", advice=_LONG)
    return judge(answer.text)


def with_way(finding: Finding, answer: Answer) -> Finding:
    """Says where redirects have led: a login page, or a parked domain, answers well, too."""
    where = excerpt(answer.url)
    if not answer.hops or f"the end at {where}" in finding.got:
        return finding
    return replace(finding, got=f"{finding.got}; redirected to {where}")


def told(answer: Answer) -> tuple[str, ...]:
    """For who looks into it: the way, and how the answer begins."""
    hops = tuple(f"{hop.status} {hop.url} -> {hop.to}" for hop in answer.hops)
    asked = f"{answer.status} {answer.url} ({answer.header('content-type') or 'no content-type'}, {in_units(len(answer.body))})"
    readable = answer.body and not answer.encoding and b"\0" not in answer.body[:TOLD]
    return (*hops, asked, *((excerpt(answer.text, TOLD),) if readable else ()))


_ADVICE = {
    401: "The server wants to know who asks: set basic, bearer or a header.",
    403: "The server, a firewall before it (WAF), or a bucket's policy does not let this machine in.",
    404: "See whether this release has such a path, and whether the balancer's rules lead there.",
    407: "The proxy wants a user and a password.",
    421: "The server does not know this name: see the Host header, and the name in its certificate.",
    429: "The server limits how often it is asked: ask less often.",
    500: "The application failed: its log says at what.",
    502: "The balancer, or a proxy before the application, got no proper answer from it: see whether it runs, and its log.",
    503: "The balancer has no healthy target, or the application is not ready: look at the target group.",
    504: "The balancer waited in vain for the application: see whether it hangs, and the security group between the two.",
}
_OLD = "Another release answers there: see whether the deploy reached this machine, whether it was restarted, and what a cache before it keeps."
_UNNAMED = "Without it nobody knows which release answers: let the application say so there, or name the right place."
_ENCODED = "It cannot be undone here: send another header Accept-Encoding (requestHeaders), or look at headers alone."
_LONG = "Raise bodyLimit."
