"""Asks the cases as the schedule says: some at a time, in threads, until it is over."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Protocol

from ropeway.checked import CheckNow, CheckResult, Finding
from ropeway.checks.asking import World
from ropeway.checks.cases import Case, Terms
from ropeway.checks.once import ask_once
from ropeway.checks.schedule import Result, Schedule
from ropeway.errors import Cancelled, ChecksFailed, RopewayError
from ropeway.outcome import SOON, Progress, Run, counted


@dataclass(frozen=True)
class Answer:
    """What came of the case `at` this place. An exception is what nobody foresaw: a fault of ours, which ends the run."""

    at: int
    finding: Finding | BaseException


class Askers(Protocol):
    """Who asks, and the clock by which it is done. Times are seconds since the run began."""

    def now(self) -> float: ...

    def ask(self, at: int, case: Case, timeout: float) -> None:
        """Begin to ask the case `at` this place."""
        ...

    def answers(self, until: float) -> list[Answer]:
        """Wait for one answer at least, but not beyond `until`. Raises Cancelled."""
        ...


@dataclass(frozen=True)
class Checked:
    """What a run came to. `stopped` is how it was ended before its time; the results are then what was known."""

    result: Result
    results: tuple[CheckResult, ...]
    stopped: Cancelled | None = None


def run_checks(cases: Sequence[Case], terms: Terms, world: World, run: Run) -> Checked:
    """Ask until it is over, or stopped."""
    return run_schedule(cases, terms, Threads(world), run)


def run_gate(cases: Sequence[Case], terms: Terms, world: World, run: Run) -> Checked:
    """The same for a deploy, which has to take back what it changed where it is we who are at fault, too. Raises ChecksFailed then."""
    try:
        return run_checks(cases, terms, world, run)
    except RopewayError:
        raise
    except Exception as fault:
        words = world.secrets.masked(f"{type(fault).__name__}: {fault}")
        raise ChecksFailed(
            f"The checks broke off ({words}), so that nobody knows whether all is well.",
            advice="This is a fault of Ropeway's: please report it, with the suite.",
        ) from fault


def run_schedule(
    cases: Sequence[Case], terms: Terms, askers: Askers, run: Run, random: Random | None = None
) -> Checked:
    """The same with askers of the caller's."""
    schedule = Schedule(cases, terms, random)
    try:
        while schedule.result is None:
            _step(schedule, cases, terms, askers, run)
    except Cancelled as stopped:
        return Checked("failed", schedule.stopped(askers.now()), stopped)
    run.tell.progress(_progress(schedule.standings()))
    return Checked(schedule.result, schedule.results())


def _step(schedule: Schedule, cases: Sequence[Case], terms: Terms, askers: Askers, run: Run) -> None:
    """Ask what is due, as far as somebody is free to, and take in what comes back."""
    for at in schedule.due(askers.now())[: terms.parallel - schedule.on_their_way]:
        askers.ask(at, cases[at], schedule.ask(at, askers.now()))
    run.tell.progress(_progress(schedule.standings()))
    for answer in askers.answers(schedule.wake(askers.now())):
        if isinstance(answer.finding, BaseException):
            raise answer.finding
        schedule.answer(answer.at, answer.finding, askers.now())
    schedule.tick(askers.now())


def _progress(checks: tuple[CheckNow, ...]) -> Progress:
    good = sum(1 for check in checks if check.standing in {"passing", "passed"})
    return Progress(f"Asking {counted(len(checks), 'check')}", good, len(checks), checks=checks)


class Threads:
    """A thread for each question that is on its way. They are no reason for the process to stay."""

    def __init__(self, world: World, clock: Callable[[], float] = time.monotonic) -> None:
        self._world = world
        self._clock = clock
        self._began = clock()
        self._answers: queue.SimpleQueue[Answer] = queue.SimpleQueue()

    def now(self) -> float:
        return self._clock() - self._began

    def ask(self, at: int, case: Case, timeout: float) -> None:
        threading.Thread(target=self._ask, args=(at, case, timeout), daemon=True, name=case.check.title).start()

    def answers(self, until: float) -> list[Answer]:
        first = self._first(until)
        more = [self._answers.get_nowait() for _ in range(self._answers.qsize())]
        return [first, *more] if first else more

    def _first(self, until: float) -> Answer | None:
        """Looks at the cancellation in between. What was asked has a look at it, too."""
        while True:
            self._world.cancellation.check()
            left = until - self.now()
            try:
                return self._answers.get(timeout=max(0.0, min(left, SOON)))
            except queue.Empty:
                if left <= SOON:
                    return None

    def _ask(self, at: int, case: Case, timeout: float) -> None:
        try:
            self._answers.put(
                Answer(at, ask_once(case.kind, case.given, case.target, timeout, self._world, each=case.pace.timeout))
            )
        except Cancelled:
            return  # who waits for the answer finds it out by itself
        except BaseException as error:  # noqa: BLE001 - not swallowed: it ends the run, where it is raised again
            self._answers.put(Answer(at, error))
