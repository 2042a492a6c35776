"""Checks for a person at a terminal: what will be asked, how it stands while it is asked, and what was found."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from ropeway.checked import (
    CheckNow,
    CheckResult,
    PlannedCheck,
    Standing,
    Word,
    by_concern,
    by_urgency,
    standings,
    sums,
    told,
    word,
)
from ropeway.outcome import checks_counted, counted, duration
from ropeway.sanitise import one_line
from ropeway.terminal.text import MOST, and_more, table

WORDS: dict[Word, str] = {"pass": "green", "fail": "red", "error": "magenta", "skipped": "yellow"}
STANDINGS: dict[Standing, str] = {
    "waiting": "dim",
    "asking": "cyan",
    "passing": "green",
    "passed": "bold green",
    "failed": "bold red",
    "error": "bold magenta",
    "skipped": "yellow",
}
LEFT_OVER = 4
"""Lines of the screen that the live table leaves alone: its head, its sums, a note."""

MOST_LINES = 30
"""Of what there is to say of one check."""


def planned(screen: Console, checks: Sequence[PlannedCheck], *, all_of_them: bool) -> None:
    shown = checks if all_of_them else checks[:MOST]
    if not shown:
        return
    screen.print()
    rows = (
        (Text(check.severity), Text(one_line(check.kind)), Text(one_line(check.title)), Text(one_line(_asked(check))))
        for check in shown
    )
    table(screen, ("Severity", "Kind", "Check", "Asks"), list(rows))
    and_more(screen, len(checks) - len(shown))


def _asked(check: PlannedCheck) -> str:
    return f"{check.asks}, after {', '.join(check.requires)}" if check.requires else check.asks


def found(screen: Console, results: Sequence[CheckResult]) -> None:
    """A row for each, what did not pass first; then, for each that did not pass, all there is to say."""
    if not results:
        return
    screen.print()
    table(
        screen,
        ("Result", "Severity", "Check", "Asked", "Ended after", "Got"),
        [_row(result) for result in by_concern(results)],
    )
    for result in by_concern(results):
        if result.verdict != "pass":
            screen.print()
            _explain(screen, result)
    screen.print()
    screen.print(Text(f"{checks_counted(result.check for result in results)}: {sums(results)}."))


def _row(result: CheckResult) -> tuple[Text, ...]:
    got = result.last.got if result.last else result.why
    return (
        Text(word(result), style=WORDS[word(result)]),
        Text(result.check.severity),
        Text(one_line(result.check.title)),
        Text(f"{result.asked:,}"),
        Text(duration(result.seconds) if result.asked else ""),
        Text(one_line(got)),
    )


def _explain(screen: Console, result: CheckResult) -> None:
    style = WORDS[word(result)]
    screen.print(Text.assemble((f"{word(result)}: ", f"bold {style}"), (one_line(result.check.title), "bold")))
    rows = [(Text(f"  {label}", style="dim"), Text(one_line(text))) for label, text in told(result)]
    table(screen, ("", ""), rows[:MOST_LINES])
    and_more(screen, len(rows) - MOST_LINES)


def standing(screen: Console, now: Sequence[CheckNow]) -> Group:
    """How all checks stand, what is urgent first, as much as the screen has room for."""
    room = max(screen.height - LEFT_OVER, 3)
    rows = Table.grid(padding=(0, 2, 0, 0))
    for _ in range(4):
        rows.add_column(no_wrap=True, overflow="ellipsis")
    for check in by_urgency(now)[:room]:
        rows.add_row(
            Text(check.standing, style=STANDINGS[check.standing]),
            Text(one_line(check.check.title)),
            Text(f"asked {counted(check.asked, 'time')}" if check.asked else "", style="dim"),
            Text(one_line(check.got)),
        )
    more = f" ({len(now) - room:,} not shown)" if len(now) > room else ""
    return Group(rows, Text(f"{standings(now)}{more}", style="bold"))
