"""What travels of checks: what is asked, what was found, and how it stands while it is asked again.

Plan and outcome of any task may hold such (`Plan.checks`, `Outcome.checks`): of Check, and of a deploy that has checks for its
gates. The three siblings that render plan and outcome render these. Texts may be foreign and are made safe where they are
printed; secrets are masked already.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Literal

Verdict = Literal["pass", "fail", "error"]
"""`error` means that it could not be asked: a mistake in the settings, a permission that is missing, an AWS that is silent."""

Severity = Literal["critical", "warning", "info"]
"""What comes of a check that does not pass: the run fails, it ends with issues, or it is only told."""

Standing = Literal["waiting", "asking", "passing", "passed", "failed", "error", "skipped"]
"""`waiting`: not asked yet, or not green yet; `passing`: green, and still watched. The last four are for good."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found when it was asked once.

    `expected` and `got` read side by side, without a full stop: "status 200", "status 503 (Service Unavailable)".
    `advice` is a sentence: what to try. `details` are further lines for who looks into it: the beginning of a body, a line for
    each instance, the output of a command. `patient` is an error that time alone may mend, as a name that DNS does not know yet: it is
    borne as long as there is time.
    """

    verdict: Verdict
    expected: str
    got: str
    advice: str = ""
    request_ids: tuple[str, ...] = ()
    details: tuple[str, ...] = ()
    patient: bool = False


@dataclass(frozen=True, slots=True)
class Attempt:
    """One answer. `at` is when it was asked, in seconds since the run began; `seconds` how long the answer took."""

    at: float
    seconds: float
    finding: Finding


@dataclass(frozen=True, slots=True)
class PlannedCheck:
    """One question to one target: a row, a test case. `asks` says it in words: "https://example.com/ answers 200".

    `name` is the check's in the suite, shared by its targets; `target` is empty where there is but one. `requires` are names.
    """

    name: str
    kind: str
    target: str
    severity: Severity
    asks: str
    requires: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        return f"{self.name} ({self.target})" if self.target else self.name


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What became of a check. `why` says in a sentence how it came to its end ("Not green within 5 min.").

    `attempts` are the last three, oldest first; `asked` counts all. A `skipped` check was never asked and did not pass.
    `seconds` run from its first question to its end.
    """

    check: PlannedCheck
    verdict: Verdict
    why: str
    asked: int
    attempts: tuple[Attempt, ...]
    seconds: float
    skipped: bool = False

    @property
    def last(self) -> Finding | None:
        return self.attempts[-1].finding if self.attempts else None


@dataclass(frozen=True, slots=True)
class CheckNow:
    """How a check stands while the run goes on. `got` is the last answer."""

    check: PlannedCheck
    standing: Standing
    asked: int
    got: str = ""


def not_passed(results: Iterable[CheckResult], severity: Severity) -> tuple[CheckResult, ...]:
    return tuple(result for result in results if result.verdict != "pass" and result.check.severity == severity)


Word = Literal["error", "fail", "skipped", "pass"]
"""How a check ended, in the order of concern; the words that people read."""

_WORDS: tuple[Word, ...] = ("error", "fail", "skipped", "pass")
_SEVERITIES: tuple[Severity, ...] = ("critical", "warning", "info")
_IN_A_SENTENCE: dict[Word, str] = {
    "pass": "passed",
    "fail": "failed",
    "error": "could not be asked",
    "skipped": "skipped",
}
_STANDINGS: tuple[Standing, ...] = ("error", "failed", "asking", "waiting", "passing", "skipped", "passed")


def word(result: CheckResult) -> Word:
    return "skipped" if result.skipped else result.verdict


def by_concern(results: Iterable[CheckResult]) -> Sequence[CheckResult]:
    """What needs somebody first: a list that is cut off should not be cut off before it."""
    return sorted(results, key=lambda result: (_WORDS.index(word(result)), _SEVERITIES.index(result.check.severity)))


def sums(results: Iterable[CheckResult]) -> str:
    """In a sentence: "10 passed, 1 failed, 2 could not be asked"."""
    counts = Counter(map(word, results))
    return ", ".join(f"{counts[each]:,} {_IN_A_SENTENCE[each]}" for each in reversed(_WORDS) if counts[each])


def told(result: CheckResult) -> Iterator[tuple[str, str]]:
    """What there is to say of a check that did not pass, in the order in which it helps: (label, text)."""
    last = result.last
    if last:
        yield "Expected", last.expected
        yield "Got", last.got
    if result.why:
        yield "Ended", result.why
    if last and last.advice:
        yield "Try", last.advice
    for (verdict, got), alike in groupby(result.attempts[:-1], _answered):
        when = " and ".join(f"{attempt.at:.1f} s" for attempt in alike)
        yield (
            "Before",
            f"{verdict} after {when}: {'the same' if _answered(result.attempts[-1]) == (verdict, got) else got}",
        )
    if last and last.request_ids:
        yield "Request ids", ", ".join(last.request_ids)
    for line in last.details if last else ():
        yield "Detail", line


def _answered(attempt: Attempt) -> tuple[str, str]:
    return attempt.finding.verdict, attempt.finding.got


def by_urgency(now: Iterable[CheckNow]) -> Sequence[CheckNow]:
    """What goes wrong and what is still open first."""
    return sorted(now, key=lambda check: _STANDINGS.index(check.standing))


def standings(now: Iterable[CheckNow]) -> str:
    """In a sentence: "1 failed, 3 asking, 8 waiting"."""
    counts = Counter(check.standing for check in now)
    return ", ".join(f"{counts[each]:,} {each}" for each in _STANDINGS if counts[each])


KEPT_ATTEMPTS = 3
