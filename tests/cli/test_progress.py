"""What is told while a task works: a bar where there is a terminal, a line now and then where there is none."""

from __future__ import annotations

import io
import itertools

import pytest
from rich.console import Console

from ropeway.cli.progress import InLines, OnBar, how_far, showing
from ropeway.outcome import Progress
from tests.checked import now
from tests.cli.conftest import Terminal

KB = 1024


def screen(file: io.TextIOBase, **settings) -> Console:
    return Console(file=file, width=100, markup=False, highlight=False, emoji=False, **settings)


@pytest.mark.parametrize(
    ("progress", "words"),
    [
        (Progress("Hashing", 3), "3"),
        (Progress("Hashing", 3, 1200), "3 of 1,200"),
        (Progress("Uploading", 3, 12, KB, 4 * KB), "3 of 12, 1.0 KB of 4.0 KB"),
    ],
)
def test_it_says_how_far_as_far_as_it_is_known(progress, words):
    assert how_far(progress) == words


def test_without_a_terminal_there_is_a_line_now_and_then():
    file, now = io.StringIO(), [0.0]
    teller = InLines(screen(file), clock=lambda: now[0])
    with teller:
        for second in range(31):
            now[0] = float(second)
            teller.progress(Progress("Uploading", second, 30))
    assert file.getvalue().splitlines() == ["Uploading: 10 of 30", "Uploading: 20 of 30", "Uploading: 30 of 30"]


def test_what_is_quick_needs_no_line():
    file, now = io.StringIO(), [100.0]
    teller = InLines(screen(file), clock=lambda: now[0])
    now[0] = 200.0
    with teller:
        teller.progress(Progress("Uploading", 1, 2))
    assert file.getvalue() == ""


def test_on_a_terminal_there_is_a_bar_and_it_goes_away():
    terminal = Terminal(tty=True)
    teller = OnBar(screen(terminal, force_terminal=True))
    with teller:
        teller.note("Acting as somebody.")
        teller.progress(Progress("Hashing", 1, 2))
        teller.progress(Progress("Uploading", 3, 12, KB, 4 * KB))
    shown = terminal.text()
    assert "Acting as somebody." in shown
    assert "Uploading" in shown
    assert "3 of 12, 1.0 KB of 4.0 KB" in shown
    assert shown.endswith("\x1b[?25h\r\x1b[1A\x1b[2K")  # the cursor shown again, the bar's line erased


def test_checks_are_a_table_in_place_of_the_bar_and_it_goes_away_too():
    terminal = Terminal(tty=True)
    teller = OnBar(screen(terminal, force_terminal=True))
    with teller:
        teller.progress(Progress("Uploading", 3, 12))
        teller.progress(Progress("Checking", 1, 2, checks=(now("failed", "api"), now("passed", got="status 200"))))
        teller.note("One more try.")
        teller.progress(Progress("Cleaning up", 1, 2))
    shown = terminal.text()
    assert "api" in shown
    assert "1 failed, 1 passed" in shown
    assert "One more try." in shown
    assert "Cleaning up" in shown
    assert shown.rstrip().endswith("\x1b[2K")


def test_without_a_terminal_a_line_tells_how_the_checks_stand():
    file, clock = io.StringIO(), [0.0]
    teller = InLines(screen(file), clock=lambda: clock[0])
    with teller:
        clock[0] = 11.0
        teller.progress(Progress("Checking", 1, 2, checks=(now("failed"), now("waiting", "api"))))
    assert file.getvalue().splitlines() == ["Checking: 1 of 2, 1 failed, 1 waiting"]


def test_a_bar_can_be_shown_again():
    terminal = Terminal(tty=True)
    teller = OnBar(screen(terminal, force_terminal=True))
    for doing in ("Hashing", "Uploading"):
        with teller:
            teller.progress(Progress(doing, 1, 2))
    assert "Uploading" in terminal.text()


def test_foreign_words_cannot_act():
    file, terminal = io.StringIO(), Terminal(tty=True)
    nasty = "[bold]\x1b[2J##vso[task.complete]"
    seconds = itertools.count(0, 60)
    for teller in (InLines(screen(file), lambda: next(seconds)), OnBar(screen(terminal, force_terminal=True))):
        with teller:
            teller.note(nasty)
            teller.progress(Progress(nasty, 1, 2))
    for shown in (file.getvalue(), terminal.text()):
        assert "[bold]" in shown
        assert "##vso[" not in shown
        assert "\x1b[2J" not in shown


@pytest.mark.parametrize(
    ("tty", "term", "kind"), [(True, "xterm", OnBar), (True, "dumb", InLines), (False, "xterm", InLines)]
)
def test_a_bar_needs_a_terminal_that_can(monkeypatch, tty, term, kind):
    monkeypatch.setenv("TERM", term)
    assert isinstance(showing(screen(Terminal(tty))), kind)
