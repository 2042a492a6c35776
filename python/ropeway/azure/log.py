"""What a task says while it runs, as the agent's log shows it: notes, progress, issues, the plan and what became of it."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from ropeway.azure import commands
from ropeway.azure.commands import Issue
from ropeway.azure.report import in_order_of_interest, sums, took
from ropeway.azure.writer import Writer
from ropeway.checked import CheckResult, PlannedCheck, by_concern, standings, told, word
from ropeway.checked import sums as found
from ropeway.outcome import SIZELESS, Outcome, Plan, Progress, Step, checks_counted, counted, duration, in_units
from ropeway.rolled import InstanceResult, PlannedInstance
from ropeway.rolled import by_concern as by_need
from ropeway.rolled import sums as fates
from ropeway.sanitise import lines, one_line

MOST_ISSUES = 10
"""Of a type: the agent keeps no more of a step's (ExecutionContext.cs, _maxIssueCount)."""

MOST_LINES = 500
"""Of a list: a log is for reading. The list file has them all."""

BAR_EVERY = 1.0
LINE_EVERY = 30.0
"""Seconds between two tellings of the progress: to the bar beside the step, and to the log."""


class AgentLog:
    """A teller that writes to the agent's log, and renders plan and outcome there."""

    def __init__(self, writer: Writer, clock: Callable[[], float] = time.monotonic) -> None:
        self._writer = writer
        self._clock = clock
        self._issues: Counter[Issue] = Counter()
        self._percent = -1
        self._bar_told = float("-inf")
        self._line_told = clock()

    # --- Teller ----------------------------------------------------------------------------------------------------

    def note(self, message: str) -> None:
        self._writer.say_lines(message)

    def progress(self, progress: Progress) -> None:
        now = self._clock()
        percent = _percent(progress)
        if percent != self._percent and (now - self._bar_told >= BAR_EVERY or percent == 100):
            self._percent, self._bar_told = percent, now
            self._writer.command(commands.set_progress(percent, one_line(progress.doing)))
        if now - self._line_told >= LINE_EVERY:
            self._line_told = now
            self._writer.say(f"{_how_far(progress)} ({percent} %)")

    def debug(self, message: str) -> None:
        """Shown only when the variable System.Debug is true. From any thread."""
        for line in lines(message):
            self._writer.command(commands.debug(line))

    # --- issues ----------------------------------------------------------------------------------------------------

    def issue(self, kind: Issue, message: str) -> None:
        """An error or a warning that shows beside the step; of many, the first ten."""
        self._issues[kind] += 1
        if self._issues[kind] <= MOST_ISSUES:
            self._writer.command(commands.log_issue(kind, "\n".join(lines(message))))

    @property
    def warned(self) -> bool:
        return self._issues["warning"] > 0

    def issues_left_off(self) -> None:
        for kind, count in self._issues.items():
            if count > MOST_ISSUES:
                self.note(f"… and {counted(count - MOST_ISSUES, f'more {kind}')}, {count:,} in all.")

    # --- plan and outcome --------------------------------------------------------------------------------------------

    def plan(self, plan: Plan[Any], *, dry_run: bool) -> None:
        self._writer.say(("Dry run: " if dry_run else "") + plan.title, commands.SECTION)
        if plan.steps:
            self._group(f"The plan: {counted(len(plan.steps), 'step')}", _step_lines(in_order_of_interest(plan)))
        if plan.instances:
            self._group(f"The plan: {counted(len(plan.instances), 'instance')}", _instance_lines(plan.instances))
        for script in plan.scripts if dry_run else ():
            self._group(f"Script: {one_line(script.title)}", lines(script.text))
        if plan.checks:
            self._group(f"To be asked: {checks_counted(plan.checks)}", _planned_lines(plan.checks))
        if dry_run:
            self._sums(plan, None)
            self.note(f"This was a dry run: {_left_undone(plan)}.")

    def outcome(self, outcome: Outcome[Any]) -> None:
        self._writer.say(outcome.title, commands.SECTION)
        if outcome.failures:
            failures = (str(done.error) for done in outcome.failures)
            self._group(counted(len(outcome.failures), "failure"), _capped(failures, len(outcome.failures)))
        self._sums(outcome.plan, outcome)
        self._checks(outcome.checks)
        self._instances(outcome.instances)
        self.note(took(outcome))

    def trace(self, title: str, text: str) -> None:
        self._group(title, lines(text))

    def _group(self, title: str, members: Iterable[str]) -> None:
        self._writer.say(title, commands.GROUP)
        for member in members:
            self._writer.say(member)
        self._writer.say("", commands.END_GROUP)

    def _checks(self, results: Sequence[CheckResult]) -> None:
        """What did not pass is not folded: it is what somebody opens the log for."""
        if not results:
            return
        self._group(f"{checks_counted(result.check for result in results)}: {found(results)}", _result_lines(results))
        for result in by_concern(results):
            if result.verdict != "pass":
                self._writer.say(f"{word(result)}: {result.check.title} ({result.check.severity})")
                lines_told = [f"  {label:<11}  {text}" for label, text in told(result)]
                for line in _capped(lines_told, len(lines_told)):
                    self._writer.say(line)

    def _instances(self, results: Sequence[InstanceResult]) -> None:
        """What failed is not folded; what each one printed is."""
        if not results:
            return
        self._group(f"{counted(len(results), 'instance')}: {fates(results)}", _fate_lines(results))
        for one in by_need(results):
            for step in one.steps:
                if step.why:
                    told = [f"  {line}" for line in lines(step.printed)]
                    self._writer.say(f"{one.fate}: {one_line(one.instance.title)}: {step.name}: {one_line(step.why)}")
                    for line in told[-MOST_LINES:]:
                        self._writer.say(line)

    def _sums(self, plan: Plan[Any], outcome: Outcome[Any] | None) -> None:
        for entry in sums(plan, outcome):
            size = f" ({entry.size})" if entry.size else ""
            self._writer.say(f"  {entry.count} {entry.fate}: {entry.action}, {entry.reason}{size}")


def _percent(progress: Progress) -> int:
    done, total = (
        (progress.bytes, progress.bytes_total) if progress.bytes_total else (progress.items, progress.items_total)
    )
    return max(0, min(100, done * 100 // total)) if total else 0


def _how_far(progress: Progress) -> str:
    items = f"{progress.items:,} of {progress.items_total:,}" if progress.items_total else f"{progress.items:,}"
    size = f", {in_units(progress.bytes)} of {in_units(progress.bytes_total)}" if progress.bytes_total else ""
    stand = f"; {standings(progress.checks)}" if progress.checks else ""
    return f"{progress.doing}: {items}{size}{stand}"


def _step_lines(steps: Sequence[Step[Any]]) -> Iterator[str]:
    wide = max(len(step.reason.value) for step in steps)
    first = max(8, *(len(step.action) for step in steps))
    told = (f"{step.action:<{first}}  {step.reason.value:<{wide}}  {_size(step):>10}  {step.name}" for step in steps)
    return _capped(told, len(steps))


def _size(step: Step[Any]) -> str:
    return "" if step.action in SIZELESS else in_units(step.size)


def _left_undone(plan: Plan[Any]) -> str:
    return "nothing was asked" if plan.checks and not plan.steps else "nothing was written"


def _planned_lines(checks: Sequence[PlannedCheck]) -> Iterator[str]:
    wide = max(len(check.kind) for check in checks)
    return (f"{check.severity:<8}  {check.kind:<{wide}}  {check.title}: {check.asks}" for check in checks)


def _result_lines(results: Sequence[CheckResult]) -> Iterator[str]:
    for result in by_concern(results):
        got = result.last.got if result.last else result.why
        asked = f"asked {counted(result.asked, 'time')} in {duration(result.seconds)}"
        yield f"{word(result):<7}  {result.check.severity:<8}  {result.check.title}: {got} ({asked})"


def _instance_lines(instances: Sequence[PlannedInstance]) -> Iterator[str]:
    wide = max(len(one.title) for one in instances)
    told = (
        f"batch {one.batch or '-':>3}  {one.title:<{wide}}  {one.zone}  live: {one.live or 'nothing'}"
        + "".join(f"; {words}" for words in (one.why, *one.notes) if words)
        for one in instances
    )
    return _capped(told, len(instances))


def _fate_lines(results: Sequence[InstanceResult]) -> Iterator[str]:
    wide = max(len(one.instance.title) for one in results)
    told = (
        f"{one.fate:<11}  {one.instance.title:<{wide}}  {one.instance.zone}  live: {one.live or 'unknown or nothing'}  "
        f"{duration(one.seconds)}  {one.why}".rstrip()
        for one in by_need(results)
    )
    return _capped(told, len(results))


def _capped(members: Iterable[str], count: int) -> Iterator[str]:
    for at, member in enumerate(members):
        if at == MOST_LINES:
            yield f"… and {count - MOST_LINES:,} more"
            return
        yield member
