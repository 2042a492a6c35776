"""The plan, the outcome, and being asked to stop."""

from __future__ import annotations

import dataclasses
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ropeway.errors import Cancelled, LocalFileError
from ropeway.outcome import (
    Cancellation,
    Done,
    Outcome,
    Plan,
    Progress,
    Reason,
    Run,
    Step,
    checks_counted,
    counted,
    duration,
    in_units,
    listing,
    tally,
)
from tests.checked import planned as planned_check

NEW = Step("upload", "s3://b/new", Reason.NEW, 10)
CHANGED = Step("upload", "s3://b/changed", Reason.CONTENT, 5)
SAME = Step("skip", "s3://b/same", Reason.UNCHANGED, 7)

steps = st.lists(
    st.builds(
        Step, st.sampled_from(["upload", "skip", "delete"]), st.text(), st.sampled_from(Reason), st.integers(0, 2**50)
    )
)


def outcome(**changed) -> Outcome:
    whole = Outcome("Uploaded 2 files", Plan("Upload", (NEW, CHANGED, SAME)), (Done(NEW), Done(CHANGED)), (), 1.5)
    return dataclasses.replace(whole, **changed)


def test_what_is_skipped_is_in_the_plan_but_not_to_be_done():
    plan = Plan("Upload", (NEW, SAME, CHANGED))
    assert plan.todo == (NEW, CHANGED)
    assert plan.bytes_todo == 15


def test_a_reason_is_printed_as_its_word():
    assert [f"{reason}" for reason in (Reason.NEW, Reason.NOT_COMPARED, Reason.GONE)] == [
        "new",
        "not compared",
        "gone from source",
    ]


def test_an_outcome_succeeded_unless_it_warns_or_has_an_error():
    error = LocalFileError("gone")
    assert outcome().status == "succeeded"
    assert outcome(warnings=("No file matches.",)).status == "warnings"
    assert outcome(error=error).status == "failed"
    assert outcome(warnings=("x",), error=error).status == "failed"


def test_the_failures_of_an_outcome_are_the_results_with_an_error():
    failed = Done(CHANGED, error=LocalFileError("gone"))
    assert outcome(results=(Done(NEW), failed)).failures == (failed,)


def test_a_tally_counts_each_action_and_reason_in_the_order_they_come():
    assert list(tally([NEW, SAME, NEW, CHANGED])) == [
        ("upload", Reason.NEW, 2, 20),
        ("skip", Reason.UNCHANGED, 1, 7),
        ("upload", Reason.CONTENT, 1, 5),
    ]
    assert list(tally([])) == []


@given(steps)
def test_a_tally_leaves_out_nothing_and_says_nothing_twice(planned):
    rows = list(tally(planned))
    assert sum(count for *_, count, _ in rows) == len(planned)
    assert sum(size for *_, size in rows) == sum(step.size for step in planned)
    assert len({(action, reason) for action, reason, *_ in rows}) == len(rows)


@pytest.mark.parametrize(
    ("size", "words"),
    [
        (0, "0 bytes"),
        (1, "1 byte"),
        (1023, "1023 bytes"),
        (1024, "1.0 KB"),
        (1536, "1.5 KB"),
        (5 * 1024**2, "5.0 MB"),
        (5 * 1024**3, "5.0 GB"),
        (3 * 1024**4, "3.0 TB"),
        (3000 * 1024**4, "3000.0 TB"),
    ],
)
def test_a_size_is_told_in_the_unit_that_fits(size, words):
    assert in_units(size) == words


@pytest.mark.parametrize(("count", "words"), [(0, "0 files"), (1, "1 file"), (2, "2 files"), (12345, "12,345 files")])
def test_a_count_goes_with_its_noun(count, words):
    assert counted(count, "file") == words


def test_checks_are_counted_with_their_targets_where_one_fans_out():
    once, twice = planned_check("web"), (planned_check("db", target="a"), planned_check("db", target="b"))
    assert checks_counted([once]) == "1 check"
    assert checks_counted([once, *twice], "critical check") == "2 critical checks with 3 targets"
    assert checks_counted([]) == "0 checks"


def test_a_listing_names_the_first_and_counts_the_rest():
    assert listing(["a", "b"]) == "a, b"
    assert listing(["a", "b", "c"], most=3) == "a, b, c"
    assert listing([str(number) for number in range(1500)], most=2) == "0, 1 and 1,498 more"


class TestCancellation:
    def test_nobody_has_asked_at_first(self):
        cancellation = Cancellation()
        cancellation.check()
        assert not cancellation.asked
        assert cancellation.wait(0) is False

    def test_once_asked_for_it_stays_so_with_the_first_reason(self):
        cancellation = Cancellation()
        cancellation.ask("the step was cancelled")
        cancellation.ask("again")
        assert cancellation.asked
        with pytest.raises(Cancelled, match=r"^Stopped: the step was cancelled\.$"):
            cancellation.check()

    def test_whoever_waits_wakes_when_it_is_asked_for(self):
        cancellation = Cancellation()
        woken = []
        waiting = threading.Thread(target=lambda: woken.append(cancellation.wait(60)))
        waiting.start()
        cancellation.ask("enough")
        waiting.join(30)
        assert woken == [True]


def test_a_run_that_nobody_listens_to_may_tell_all_the_same():
    run = Run()
    run.tell.note("Created the bucket.")
    run.tell.progress(Progress("Uploading", 1, 2, 3, 4))
    assert not run.cancellation.asked
    assert Run().cancellation is not run.cancellation


@pytest.mark.parametrize(
    ("seconds", "words"), [(0, "0.0 s"), (0.42, "0.4 s"), (59.94, "59.9 s"), (192.2, "3 min 12 s")]
)
def test_durations_are_read_at_a_glance(seconds, words):
    assert duration(seconds) == words
