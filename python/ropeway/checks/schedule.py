"""When which case is asked, and when all of it is over. Pure: times and answers come in, questions and the end go out.

The order of things: a delay; each case is asked until it is green (as often in a row as `successes` says); once all are green, they
have to stay so together, for `steady`; then they are watched, for `soak`. A case ends for itself when its time or a budget is spent. One that is critical
and ends so fails the run at once: what was not asked yet is asked once, so that the report is whole, and nothing is waited for.

What is `info` is asked like the rest, but nothing waits for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from random import Random
from typing import Literal

from ropeway.checked import CheckNow, CheckResult, Finding, not_passed
from ropeway.checks.cases import Case, Terms
from ropeway.checks.course import NEVER, OVERDUE, Course
from ropeway.checks.words import lasting

Result = Literal["passed", "warnings", "failed"]

LOOKS = 20
"""How often a steady window is looked through at least, and..."""

OFTENEST = 0.5
"""...the seconds between two looks, at least: what is down for a second is seen in a window of ten."""


class Schedule:
    """Of one run. Times are seconds since it began."""

    def __init__(self, cases: Sequence[Case], terms: Terms, random: Random | None = None) -> None:
        self._terms = terms
        self._courses = [Course(case, random or Random()) for case in cases]  # noqa: S311 - it spreads load, no more
        self._by_name: dict[str, list[Course]] = {}
        for course in self._courses:
            self._by_name.setdefault(course.case.check.name, []).append(course)
        self._soaks_until = NEVER
        self._result: Result | None = None
        self.tick(0.0)

    # --- what comes in ------------------------------------------------------------------------------------------------------

    def ask(self, at: int, now: float) -> float:
        """The case `at` this place is asked now. Answers how many seconds it may take."""
        return self._courses[at].ask(now, min(self._courses[at].deadline, NEVER if self._soaking else self._total))

    def answer(self, at: int, finding: Finding, now: float) -> None:
        self._courses[at].answer(finding, now, soaking=self._soaking)
        self.tick(now)

    def tick(self, now: float) -> None:
        """Whatever follows from what has come in, and from time alone."""
        for course in self._courses:
            course.tick(now)
        self._open(now)
        self._settle(now)
        self._finish(now)

    # --- what goes out ------------------------------------------------------------------------------------------------------

    def due(self, now: float) -> list[int]:
        """Places of the cases to be asked, the longest due first."""
        at = [(moment, place) for place, moment in enumerate(self._dues())]
        return [place for moment, place in sorted(at) if moment <= now]

    def wake(self, now: float) -> float:
        """The next moment at which something is due, or over, without an answer."""
        of_all = [self._terms.delay, NEVER if self._soaking else self._total]
        moments = chain(self._dues(), *map(_ends, self._courses), of_all)
        return min((moment for moment in moments if moment > now), default=NEVER)

    @property
    def on_their_way(self) -> int:
        """Questions that an answer is waited for."""
        return sum(1 for course in self._courses if course.on_its_way and not course.is_over)

    @property
    def result(self) -> Result | None:
        """None while it goes on."""
        return self._result

    def stopped(self, now: float) -> tuple[CheckResult, ...]:
        """The results as they are when it is stopped before its time."""
        for course in self._courses:
            if not course.is_over:
                course.end(course.last_verdict, "The run was stopped.", now, skipped=not course.asked)
        return self.results()

    def standings(self) -> tuple[CheckNow, ...]:
        return tuple(course.now() for course in self._courses)

    def results(self) -> tuple[CheckResult, ...]:
        return tuple(course.result() for course in self._courses)

    # --- when a case is asked -------------------------------------------------------------------------------------------------

    def _dues(self) -> list[float]:
        """Of each case, the moment that it is to be asked; NEVER when it is not."""
        closing, begins = self._closing, _window_begins(self._watched)
        return [self._due(course, closing=closing, begins=begins) for course in self._courses]

    def _due(self, course: Course, *, closing: bool, begins: float) -> float:
        if course.is_over or course.on_its_way or (closing and course.asked):
            return NEVER
        moment = self._due_again(course, begins) if course.is_green else course.next
        return moment if moment <= self._total or self._soaking else NEVER

    def _due_again(self, course: Course, begins: float) -> float:
        """What is green is asked on until the window, and then the soak, is behind it."""
        if self._soaking:
            return _until(course, course.next, self._soaks_until)
        if self._terms.steady == 0 or course.case.check.severity == "info":
            return NEVER
        if begins == NEVER:
            return course.next
        return _until(course, course.answered + self._look(course), begins + self._terms.steady)

    def _look(self, course: Course) -> float:
        """Seconds between two looks at what is green while the window is open."""
        often = course.case.pace.every
        return often if course.case.pace.gently else min(often, max(OFTENEST, self._terms.steady / LOOKS))

    # --- what follows ---------------------------------------------------------------------------------------------------------

    @property
    def _total(self) -> float:
        return self._terms.delay + self._terms.within

    @property
    def _soaking(self) -> bool:
        return self._soaks_until < NEVER

    @property
    def _closing(self) -> bool:
        """It has failed: what is left is asked once, and nothing is waited for."""
        return any(
            course.is_over and course.verdict != "pass" and course.case.check.severity == "critical"
            for course in self._courses
        )

    @property
    def _watched(self) -> list[Course]:
        """What the windows are about."""
        return [course for course in self._courses if not course.is_over and course.case.check.severity != "info"]

    def _open(self, now: float) -> None:
        """Cases begin when all that they require was green once; they are skipped when that can no more be."""
        while any(
            self._opened(course, now) for course in self._courses if course.opened == NEVER and not course.is_over
        ):
            pass

    def _opened(self, course: Course, now: float) -> bool:
        """Whether it is skipped now: others may require it."""
        required = [other for name in course.case.check.requires for other in self._by_name[name]]
        lost = next((other for other in required if other.is_over and not other.ever_green), None)
        if lost:
            why = f"Not asked: it requires {lost.case.check.title}, which did not pass."
            course.end("error", why, now, skipped=True)
        elif all(other.ever_green for other in required):
            course.open(max([self._terms.delay, *(other.first_green for other in required)]))
        return lost is not None

    def _settle(self, now: float) -> None:
        """From turning green to staying so; and who is to blame when the time for it is over."""
        if self._soaking or self._closing or now < self._terms.delay:
            return
        if now >= self._total and not any(course.on_its_way for course in self._watched) and not self.due(now):
            self._blame(now)
        if self._is_met(self._watched) and not self._closing:
            self._soaks_until = now + self._terms.soak

    def _is_met(self, courses: list[Course]) -> bool:
        begins = _window_begins(courses)
        if self._terms.steady == 0 or not courses:
            return begins < NEVER
        return all(course.confirmed >= begins + self._terms.steady for course in courses)

    def _blame(self, now: float) -> None:
        """The time is over. What matters has to be green together among itself; what warns, together with all."""
        critical = [course for course in self._watched if course.case.check.severity == "critical"]
        if not self._is_met(critical):
            self._end_unsteady(critical, now)
        elif not self._is_met(self._watched):
            self._end_unsteady([course for course in self._watched if course not in critical], now)

    def _end_unsteady(self, courses: list[Course], now: float) -> None:
        begins = _window_begins([course for course in courses if course.is_green])
        for course in courses:
            if not course.is_green:
                course.end(
                    course.last_verdict,
                    f"It was not green when the time of the whole run, {lasting(self._terms.within)}, was over.",
                    now,
                )
            elif self._terms.steady and course.confirmed < begins + self._terms.steady:
                steady = lasting(self._terms.steady)
                course.end(
                    "fail",
                    f"It was green, but not for {steady} together with the others, when the time of the whole run, {lasting(self._terms.within)}, was over.",
                    now,
                )

    def _finish(self, now: float) -> None:
        if self._result or not (self._is_closed(now) if self._closing else self._is_soaked(now)):
            return
        for course in self._courses:
            if not course.is_over:
                _end_at_the_end(course, now)
        results = self.results()
        self._result = (
            "failed" if not_passed(results, "critical") else "warnings" if not_passed(results, "warning") else "passed"
        )

    def _is_closed(self, now: float) -> bool:
        """What was due when it failed has been asked."""
        return not self.on_their_way and not self.due(now)

    def _is_soaked(self, now: float) -> bool:
        if not self._soaking or any(_is_untold(course, now) for course in self._courses):
            return False
        # A pass may not be the last of those in a row that make it green again.
        watched = [course.is_green and course.confirmed >= self._soaks_until for course in self._watched]
        return self._terms.soak == 0 or all(watched)


def _window_begins(courses: Iterable[Course]) -> float:
    """When the last of them turned green; NEVER while one is not. (`green` of what is not green is NEVER.)"""
    return max((course.green for course in courses), default=0.0)


def _until(course: Course, moment: float, end: float) -> float:
    """The next look at what has to be green until `end`: once more when that is reached, and then no more."""
    return NEVER if course.confirmed >= end else min(moment, max(course.answered, end))


def _ends(course: Course) -> Iterator[float]:
    """When a case ends by time alone."""
    if not course.is_over:
        yield course.asked_at + course.allowed + OVERDUE if course.on_its_way else course.deadline
        yield course.deadline + course.case.pace.asking


def _is_untold(course: Course, now: float) -> bool:
    """An answer for information only is not waited for, but the first one."""
    if course.is_over or course.case.check.severity != "info":
        return False
    return course.on_its_way or (not course.asked and course.next <= now)


def _end_at_the_end(course: Course, now: float) -> None:
    if course.is_green:
        course.end("pass", "It is green.", now)
    elif course.asked:
        course.end(course.last_verdict, "It was not green when the run was over.", now)
    else:
        course.end("error", "Not asked: the run was over before what it requires had passed.", now, skipped=True)
