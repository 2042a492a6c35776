"""What the states of an instance mean, in the code and in the docs."""

from __future__ import annotations

from pathlib import Path

import pytest

from ropeway.aws.run_command.model import HostRun
from ropeway.aws.run_command.running import ACTIONS
from ropeway.aws.run_command.states import ADVICE, MEANING, read

PAGE = (Path(__file__).parents[3] / "docs" / "run-command.md").read_text(encoding="utf-8")
WAITING = {"Pending", "InProgress", "Delayed", "Cancelling"}


@pytest.mark.parametrize("state", sorted(MEANING.keys() - WAITING))
def test_a_state_that_is_no_success_has_a_meaning_and_advice_and_both_stand_in_the_docs(state):
    run = HostRun("i-1", state)
    assert not run.ok
    assert run.why == MEANING[state]
    assert f"| {state} | {run.why} | {run.advice} |" in PAGE


def test_there_is_no_advice_for_a_state_that_there_is_not():
    assert ADVICE.keys() == MEANING.keys() - WAITING


@pytest.mark.parametrize("row", ACTIONS, ids=lambda row: row.action)
def test_the_docs_name_what_is_needed(row):
    assert f"`{row.action}`" in PAGE


def test_what_ended_by_itself_needs_no_advice():
    assert (HostRun("i-1", "Failed", 3).why, HostRun("i-1", "Failed", 3).advice) == (
        "The script ended with exit code 3.",
        "",
    )
    assert HostRun("i-1", "Success", 0).ok
    assert not HostRun("i-1", "Success").ok


@pytest.mark.parametrize(
    ("told", "word"),
    [
        ("Execution Timed Out", "ExecutionTimedOut"),
        ("ExecutionTimedOut", "ExecutionTimedOut"),
        ("Canceled", "Cancelled"),
        ("Success", "Success"),
    ],
)
def test_either_spelling_is_one_word(told, word):
    assert read(told) == word
