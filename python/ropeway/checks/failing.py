"""What comes of checks that did not pass, in words: the error of a run, and its warnings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ropeway.checked import CheckResult, not_passed
from ropeway.errors import ChecksFailed
from ropeway.outcome import checks_counted, listing


def failure(results: Sequence[CheckResult]) -> ChecksFailed | None:
    """None where every critical check passed."""
    unwell = not_passed(results, "critical")
    if not unwell:
        return None
    told = next((result for result in unwell if not result.skipped), unwell[0])
    names = listing([result.check.title for result in unwell])
    return ChecksFailed(
        f"{checks_counted((result.check for result in unwell), 'critical check')} did not pass: {names}. Of {told.check.title}: {_found(told)}",
        advice=told.last.advice if told.last else "",
    )


def warnings_of(results: Sequence[CheckResult]) -> Iterator[str]:
    for result in not_passed(results, "warning"):
        yield f"The check {result.check.title} did not pass: {_found(result)}"


def _found(result: CheckResult) -> str:
    last = result.last
    return f"expected {last.expected}, got {last.got}." if last else result.why
