"""How one case goes: its answers, and when it is to be asked again. No clock of its own: times are handed in."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from random import Random

from ropeway.checked import KEPT_ATTEMPTS, Attempt, CheckNow, CheckResult, Finding, Standing, Verdict
from ropeway.checks.cases import Case
from ropeway.checks.words import lasting
from ropeway.outcome import counted

NEVER = float("inf")

OVERDUE = 5.0
"""Seconds beyond its time that an attempt is waited for. Kinds keep their time; what hangs in the system may not."""


@dataclass
class Course:
    """Times are seconds since the run began; NEVER is what has not happened.

    `opened` is its first moment to be asked, `asked_at` when the question that is on its way was put, `confirmed` when the last
    question was put that was answered with a pass, `green` when the pass came that made it green, `patient_from` where `within` begins.
    """

    case: Case
    random: Random
    opened: float = NEVER
    asked_at: float = NEVER
    allowed: float = 0.0
    answered: float = -NEVER
    confirmed: float = -NEVER
    green: float = NEVER
    patient_from: float = NEVER
    next: float = NEVER
    ended: float = NEVER
    asked: int = 0
    passes: int = 0
    misses: int = 0
    fails: int = 0
    errors: int = 0
    soak_fails: int = 0
    first_green: float = NEVER
    verdict: Verdict = "error"
    why: str = ""
    skipped: bool = False
    attempts: deque[Attempt] = field(default_factory=lambda: deque(maxlen=KEPT_ATTEMPTS))

    @property
    def on_its_way(self) -> bool:
        return self.asked_at < NEVER

    @property
    def is_over(self) -> bool:
        return self.ended < NEVER

    @property
    def is_green(self) -> bool:
        return self.green < NEVER

    @property
    def ever_green(self) -> bool:
        return self.first_green < NEVER

    @property
    def deadline(self) -> float:
        """When it has to be green; NEVER while it is."""
        return NEVER if self.is_green or self.opened == NEVER else self.patient_from + self.case.pace.within

    # --- what happens to it ---------------------------------------------------------------------------------------------

    def open(self, at: float) -> None:
        self.opened = self.patient_from = self.next = at + self.case.pace.delay

    def ask(self, now: float, until: float) -> float:
        """Put the question. Answers how many seconds it may take: a second at least, else what is left `until` then."""
        self.asked_at, self.asked = now, self.asked + 1
        self.allowed = min(self.case.pace.asking, max(until - now, 1.0))
        return self.allowed

    def answer(self, finding: Finding, now: float, *, soaking: bool) -> None:
        self.attempts.append(Attempt(self.asked_at, now - self.asked_at, finding))
        put, self.asked_at, self.answered = self.asked_at, NEVER, now
        if self.is_over:
            return
        if finding.verdict == "pass":
            self._passed(put, now)
        else:
            self._missed(finding, now, soaking=soaking)

    def _passed(self, put: float, now: float) -> None:
        self.passes, self.misses, self.errors, self.confirmed = self.passes + 1, 0, 0, put
        if self.passes >= self.case.pace.successes and not self.is_green:
            self.green, self.first_green = now, min(now, self.first_green)
        self.next = min(now + self.case.pace.every, max(now, self.deadline))

    def _missed(self, finding: Finding, now: float, *, soaking: bool) -> None:
        verdict = finding.verdict
        if self.is_green:
            self.patient_from = now
        self.passes, self.misses, self.green = 0, self.misses + 1, NEVER
        borne = finding.patient and not soaking and self.case.pace.errors > 0
        self.errors = self.errors + 1 if verdict == "error" and not borne else 0
        if verdict == "fail":
            self.fails, self.soak_fails = self.fails + (not soaking), self.soak_fails + soaking
        self.next = min(now + self._pause(soaking=soaking), max(now, self.deadline))
        if spent := self._spent():
            self.end(verdict, spent, now)

    def _pause(self, *, soaking: bool) -> float:
        pace = self.case.pace
        grown = (
            pace.every
            if soaking
            else min(pace.every * pace.back_off ** min(self.misses - 1, 50), max(pace.at_most, pace.every))
        )
        return grown * (1 + pace.jitter * (2 * self.random.random() - 1))

    def _spent(self) -> str:
        """Which budget is spent, in a sentence; empty when none is."""
        pace = self.case.pace
        if self.errors > pace.errors:
            return f"It could not be asked{_times(self.errors)} in a row." if pace.errors else "It could not be asked."
        if pace.failures is not None and self.fails > pace.failures:
            return f"It failed{_times(self.fails)}; {_borne(pace.failures)}."
        if self.soak_fails > pace.soak_failures:
            return f"It failed{_times(self.soak_fails)} while it was watched after the deploy; {_borne(pace.soak_failures)}."
        return ""

    def tick(self, now: float) -> None:
        """What comes of time alone."""
        if self.is_over:
            return
        if self.on_its_way:
            if now >= self.asked_at + self.allowed + OVERDUE:
                self.end(
                    "error", f"The question was not back {lasting(self.allowed + OVERDUE)} after it was asked.", now
                )
        elif now >= self.deadline and self._has_had_its_last_try(now):
            self.end(self.last_verdict, f"It was not green within {lasting(self.case.pace.within)}.", now)

    def _has_had_its_last_try(self, now: float) -> bool:
        """It is asked once more as its time is over, unless nobody was free to ask."""
        put = self.attempts[-1].at if self.attempts else -NEVER
        return put >= self.deadline or now >= self.deadline + self.case.pace.asking

    def end(self, verdict: Verdict, why: str, now: float, *, skipped: bool = False) -> None:
        self.verdict, self.why, self.ended, self.skipped = verdict, why, now, skipped

    # --- what is told of it ------------------------------------------------------------------------------------------------

    @property
    def last_verdict(self) -> Verdict:
        """Of what is not green: that its last answer was a pass does not make it one."""
        return "error" if not self.attempts or self.attempts[-1].finding.verdict == "error" else "fail"

    @property
    def standing(self) -> Standing:
        if self.is_over:
            return (
                "skipped"
                if self.skipped
                else "passed"
                if self.verdict == "pass"
                else "failed"
                if self.verdict == "fail"
                else "error"
            )
        return "passing" if self.is_green else "asking" if self.on_its_way else "waiting"

    def now(self) -> CheckNow:
        return CheckNow(
            self.case.check, self.standing, self.asked, self.attempts[-1].finding.got if self.attempts else ""
        )

    def result(self) -> CheckResult:
        seconds = max(self.ended - self.attempts[0].at, 0.0) if self.attempts else 0.0
        if self.opened < NEVER and self.attempts:
            seconds = max(self.ended - self.opened, 0.0)
        return CheckResult(
            self.case.check, self.verdict, self.why, self.asked, tuple(self.attempts), seconds, self.skipped
        )


def _times(count: int) -> str:
    return "" if count == 1 else f" {counted(count, 'time')}"


def _borne(count: int) -> str:
    return "none is borne" if count == 0 else "one is borne" if count == 1 else f"{count} are borne"
