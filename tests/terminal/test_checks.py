"""What a person at a terminal sees of checks: the plan, a table that moves, and what did not pass with all there is to say."""

from __future__ import annotations

import io
from dataclasses import replace

from rich.console import Console

from ropeway import terminal
from ropeway.outcome import Outcome, Plan
from tests.checked import ALL, attempt, failing, now, passing, planned

PLAN = Plan[None]("Check 4 things", (), checks=tuple(result.check for result in ALL))


def screen(width: int = 100, height: int = 25) -> Console:
    return Console(file=io.StringIO(), width=width, height=height, markup=False, highlight=False, emoji=False)


def lines(console: Console) -> list[str]:
    assert isinstance(console.file, io.StringIO)
    return [line.rstrip() for line in console.file.getvalue().splitlines()]


def test_a_plan_says_what_will_be_asked_and_after_what():
    console = screen()
    terminal.render_plan(console, PLAN)
    assert lines(console) == [
        "Check 4 things",
        "",
        "Severity  Kind   Check           Asks",
        "critical  http   home            https://home.test/ answers 200",
        "critical  http   api (10.0.0.7)  https://api.test/ answers 200",
        "critical  alarm  queue           https://queue.test/ answers 200",
        "critical  http   login           https://login.test/ answers 200, after api",
    ]


def test_a_long_plan_is_cut_off_unless_all_is_asked_for():
    many = Plan[None]("Check 30 things", (), checks=tuple(planned(f"c{at}") for at in range(30)))
    short, long = screen(), screen()
    terminal.render_plan(short, many)
    terminal.render_plan(long, many, all_steps=True)
    assert lines(short)[-1] == "and 10 more"
    assert len(lines(long)) == 33


def test_what_did_not_pass_comes_first_and_tells_expected_got_attempts_and_what_to_try():
    console = screen(width=120)
    terminal.render_outcome(console, Outcome("2 of 4 did not pass", PLAN, (), (), 12.0, checks=ALL))
    assert lines(console) == [
        "2 of 4 did not pass in 12.0 s",
        "",
        "Result   Severity  Check           Asked  Ended after  Got",
        "error    critical  queue               1        0.5 s  Could not read the alarm: AWS answered AccessDenied",
        "fail     critical  api (10.0.0.7)      5        8.2 s  status 503",
        "skipped  critical  login               0               api did not pass.",
        "pass     critical  home                1        0.2 s  status 200",
        "",
        "error: queue",
        "  Expected     status 200",
        "  Got          Could not read the alarm: AWS answered AccessDenied",
        "  Ended        Denied.",
        "  Try          Look at the service's log.",
        "  Request ids  R0",
        "  Detail       Service Unavailable",
        "",
        "fail: api (10.0.0.7)",
        "  Expected     status 200",
        "  Got          status 503",
        "  Ended        Not green within 10 s.",
        "  Try          Look at the service's log.",
        "  Before       fail after 2.0 s: status 500",
        "  Before       fail after 4.0 s: status 502",
        "  Request ids  R8",
        "  Detail       Service Unavailable",
        "",
        "skipped: login",
        "  Ended  api did not pass.",
        "",
        "4 checks: 1 passed, 1 skipped, 1 failed, 1 could not be asked.",
    ]


def test_checks_that_all_pass_are_a_table_and_a_sum():
    console = screen()
    terminal.render_outcome(console, Outcome("Both passed", PLAN, (), (), 1.0, checks=(passing(), passing("api"))))
    assert lines(console)[2:] == [
        "Result  Severity  Check  Asked  Ended after  Got",
        "pass    critical  home       1        0.2 s  status 200",
        "pass    critical  api        1        0.2 s  status 200",
        "",
        "2 checks: 2 passed.",
    ]


def test_targets_of_one_check_are_counted_as_such_and_answers_that_are_alike_told_once():
    console = screen()
    attempts = tuple(attempt("fail", "status 503", at=at) for at in (2, 4, 8))
    results = tuple(replace(failing(target=target), attempts=attempts) for target in ("a", "b"))
    terminal.render_outcome(console, Outcome("Asked", PLAN, (), (), 1.0, checks=(passing(), *results)))
    assert lines(console)[-1] == "2 checks with 3 targets: 1 passed, 2 failed."
    assert lines(console).count("  Before       fail after 2.0 s and 4.0 s: the same") == 2


def test_the_moving_table_shows_what_is_urgent_first_and_fits_the_screen():
    console = screen(height=9)
    standing = [now("passed", f"p{at}", got="status 200") for at in range(20)]
    console.print(terminal.standing(console, (*standing, now("waiting", "w"), now("failed", "f", asked=3))))
    shown = lines(console)
    assert [line.split()[:2] for line in shown[:3]] == [["failed", "f"], ["waiting", "w"], ["passed", "p0"]]
    assert shown[0].split("  ")[-1] == "status 503"
    assert shown[-1] == "1 failed, 1 waiting, 20 passed (17 not shown)"
    assert len(shown) == 6


def test_a_hostile_answer_stays_a_text_in_its_line():
    console = screen()
    hostile = failing("[bold]x\x1b[31m\n##vso[task.complete]")
    terminal.render_outcome(console, Outcome("Checked", PLAN, (), (), 1.0, checks=(hostile,)))
    console.print(terminal.standing(console, (now("failed", "[red]##vso[a.b]\x1b[2J"),)))
    text = "\n".join(lines(console))
    assert r"[bold]x\x1b[31m\n**vso[task.complete] (10.0.0.7)" in text
    assert r"[red]**vso[a.b]\x1b[2J" in text
    assert "\x1b" not in text
