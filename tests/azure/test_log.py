from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator

import pytest
from hypothesis import given

from ropeway.azure.log import AgentLog
from ropeway.azure.writer import Writer
from ropeway.outcome import Done, Outcome, Plan, Progress, Reason, Step
from tests.azure.agent import read_command
from tests.azure.plans import HOSTILE, denied, outcome, plan, skip, upload
from tests.checked import ALL, now
from tests.test_sanitise import hostile


class Heard:
    """A log, the clock that it looks at, and what it said."""

    def __init__(self, path: str) -> None:
        self._path = path
        self.now = 100.0
        self.descriptor = os.open(path, os.O_WRONLY | os.O_CREAT)
        self.log = AgentLog(Writer(self.descriptor), clock=lambda: self.now)

    @property
    def lines(self) -> list[str]:
        with open(self._path, encoding="utf-8", newline="") as file:
            return file.read().split("\n")[:-1]


@pytest.fixture
def heard(tmp_path) -> Iterator[Heard]:
    heard = Heard(str(tmp_path / "said"))
    yield heard
    os.close(heard.descriptor)


def test_a_note_is_a_line_of_the_log_or_several(heard: Heard) -> None:
    heard.log.note("Acting as arn:aws:iam::123456789012:user/me.")
    heard.log.note(f"one\n{HOSTILE}")
    assert heard.lines == [
        "Acting as arn:aws:iam::123456789012:user/me.",
        "one",
        "s3://bucket/a|`b` **vso[task.complete result=Failed;]",
        "x.txt",
    ]


def test_progress_moves_the_bar_once_a_second_at_most_and_only_by_whole_percents(heard: Heard) -> None:
    for sent in range(1001):  # 10 seconds
        heard.log.progress(Progress("Uploading", 0, 3, sent, 1000))
        heard.now += 0.01
    percents = [line.removeprefix("##vso[task.setprogress value=") for line in heard.lines]
    assert percents[:3] == ["0;]Uploading", "10;]Uploading", "20;]Uploading"]
    assert percents[-1] == "100;]Uploading"
    assert len(percents) == 11


def test_the_end_of_the_progress_is_told_at_once(heard: Heard) -> None:
    heard.log.progress(Progress("Uploading", 1, 2))
    heard.log.progress(Progress("Uploading", 2, 2))
    assert heard.lines[-1] == "##vso[task.setprogress value=100;]Uploading"


def test_progress_that_stands_still_is_told_once(heard: Heard) -> None:
    for _ in range(20):
        heard.log.progress(Progress("Comparing", 5, 10))
        heard.now += 1
    assert heard.lines == ["##vso[task.setprogress value=50;]Comparing"]


def test_progress_is_a_line_of_the_log_every_half_minute(heard: Heard) -> None:
    for second in range(65):
        heard.log.progress(Progress("Uploading", 1, 2000, 1024 * second, 1024 * 1024))
        heard.now += 1
    told = [line for line in heard.lines if not line.startswith("##")]
    assert told == ["Uploading: 1 of 2,000, 30.0 KB of 1.0 MB (2 %)", "Uploading: 1 of 2,000, 60.0 KB of 1.0 MB (5 %)"]


@pytest.mark.parametrize(
    ("progress", "percent"),
    [
        (Progress("Listing"), 0),
        (Progress("Listing", 500), 0),
        (Progress("Uploading", 1, 3), 33),
        (Progress("Uploading", 1, 3, 900, 1000), 90),
        (Progress("Uploading", 1, 3, 1100, 1000), 100),
        (Progress("Uploading", 0, 3, -5, 1000), 0),
    ],
)
def test_percents_are_of_bytes_where_they_are_known_and_stay_within_bounds(
    heard: Heard, progress: Progress, percent: int
) -> None:
    heard.log.progress(progress)
    assert heard.lines == [f"##vso[task.setprogress value={percent};]{progress.doing}"]


def test_of_many_issues_the_first_ten_of_a_type_are_told_and_all_are_counted(heard: Heard) -> None:
    for at in range(1, 1235):
        heard.log.issue("error", f"error {at}")
    heard.log.issue("warning", "two\nlines ##vso[a.b]")
    heard.log.issues_left_off()
    assert heard.lines == [
        *(f"##vso[task.logissue type=error;]error {at}" for at in range(1, 11)),
        "##vso[task.logissue type=warning;]two%0Alines **vso[a.b]",
        "… and 1,224 more errors, 1,234 in all.",
    ]


def test_a_plan_is_listed_in_a_group_with_what_is_done_first(heard: Heard) -> None:
    heard.log.plan(plan(skip(), Step("create", "s3://bucket", Reason.NEW, 0), upload(HOSTILE)), dry_run=False)
    assert heard.lines == [
        "##[section]Upload 2 files to s3://bucket",
        "##[group]The plan: 3 steps",
        "create    new                    s3://bucket",
        r"upload    new            1.5 KB  s3://bucket/a|`b` **vso[task.complete result=Failed;]\nx.txt",
        "skip      unchanged    10 bytes  s3://bucket/kept.txt",
        "##[endgroup]",
    ]


def test_a_dry_run_says_so_and_sums_up_what_would_be_done(heard: Heard) -> None:
    heard.log.plan(plan(skip(), upload(), upload(), upload(reason=Reason.CONTENT)), dry_run=True)
    assert heard.lines[0] == "##[section]Dry run: Upload 2 files to s3://bucket"
    assert heard.lines[-4:] == [
        "  2 planned: upload, new (3.0 KB)",
        "  1 planned: upload, content (1.5 KB)",
        "  1 left as it is: skip, unchanged (10 bytes)",
        "This was a dry run: nothing was written.",
    ]


def test_a_plan_without_steps_is_its_title(heard: Heard) -> None:
    heard.log.plan(plan(), dry_run=False)
    assert heard.lines == ["##[section]Upload 2 files to s3://bucket"]


def test_a_list_of_100_000_does_not_flood_the_log(heard: Heard) -> None:
    steps = [upload(f"s3://bucket/{at}") for at in range(100_000)]
    failed = [Done(step, error=denied("x")) for step in steps]
    heard.log.plan(plan(*steps), dry_run=False)
    heard.log.outcome(outcome(plan(*steps), *failed))
    assert len(heard.lines) < 1100
    assert heard.lines.count("… and 99,500 more") == 2
    assert "  100,000 failed: upload, new (146.5 MB)" in heard.lines


def test_an_outcome_tells_sums_failures_and_how_long_it_took(heard: Heard) -> None:
    steps = [upload("s3://bucket/a"), upload("s3://bucket/b"), upload(HOSTILE), skip()]
    heard.log.outcome(outcome(plan(*steps), Done(steps[0]), Done(steps[2], error=denied("c"))))
    assert heard.lines == [
        "##[section]Uploaded 2 files to s3://bucket",
        "##[group]1 failure",
        "Could not upload c: AWS answered AccessDenied: Access Denied (request id R1).",
        "##[endgroup]",
        "  1 done: upload, new (1.5 KB)",
        "  1 left as it is: skip, unchanged (10 bytes)",
        "  1 failed: upload, new (1.5 KB)",
        "  1 not done: upload, new (1.5 KB)",
        "Took 3 min 12 s, by boto3.",
    ]


@given(hostile, hostile)
def test_whatever_names_and_messages_hold_only_our_own_commands_are_run(name: str, message: str) -> None:
    steps = [upload(name), skip(name)]
    with tempfile.TemporaryFile() as file:
        log = AgentLog(Writer(file.fileno()))
        log.note(message)
        log.debug(message)
        log.progress(Progress(message, 1, 2))
        log.issue("error", message)
        log.plan(plan(*steps), dry_run=True)
        log.outcome(outcome(plan(*steps), Done(steps[0], error=denied(name))))
        log.trace(name, message)
        file.seek(0)
        said = file.read().decode().split("\n")
    run = [command for line in said if (command := read_command(line))]
    assert {command.name for command in run} <= {"task.debug", "task.setprogress", "task.logissue"}
    assert [line for line in said if "##vso" in line[1:]] == []


CHECKS = Plan[None]("Check 4 things", (), checks=tuple(result.check for result in ALL))


def test_a_dry_run_of_checks_shows_what_would_be_asked(heard: Heard) -> None:
    heard.log.plan(CHECKS, dry_run=True)
    assert heard.lines == [
        "##[section]Dry run: Check 4 things",
        "##[group]To be asked: 4 checks",
        "critical  http   home: https://home.test/ answers 200",
        "critical  http   api (10.0.0.7): https://api.test/ answers 200",
        "critical  alarm  queue: https://queue.test/ answers 200",
        "critical  http   login: https://login.test/ answers 200",
        "##[endgroup]",
        "This was a dry run: nothing was asked.",
    ]


def test_checks_that_did_not_pass_stand_open_in_the_log_with_all_there_is_to_say(heard: Heard) -> None:
    heard.log.outcome(Outcome("2 of 4 did not pass", CHECKS, (), (), 12.0, checks=ALL))
    assert heard.lines == [
        "##[section]2 of 4 did not pass",
        "##[group]4 checks: 1 passed, 1 skipped, 1 failed, 1 could not be asked",
        "error    critical  queue: Could not read the alarm: AWS answered AccessDenied (asked 1 time in 0.5 s)",
        "fail     critical  api (10.0.0.7): status 503 (asked 5 times in 8.2 s)",
        "skipped  critical  login: api did not pass. (asked 0 times in 0.0 s)",
        "pass     critical  home: status 200 (asked 1 time in 0.2 s)",
        "##[endgroup]",
        "error: queue (critical)",
        "  Expected     status 200",
        "  Got          Could not read the alarm: AWS answered AccessDenied",
        "  Ended        Denied.",
        "  Try          Look at the service's log.",
        "  Request ids  R0",
        "  Detail       Service Unavailable",
        "fail: api (10.0.0.7) (critical)",
        "  Expected     status 200",
        "  Got          status 503",
        "  Ended        Not green within 10 s.",
        "  Try          Look at the service's log.",
        "  Before       fail after 2.0 s: status 500",
        "  Before       fail after 4.0 s: status 502",
        "  Request ids  R8",
        "  Detail       Service Unavailable",
        "skipped: login (critical)",
        "  Ended        api did not pass.",
        "Took 12.0 s.",
    ]


def test_a_line_now_and_then_tells_how_the_checks_stand(heard: Heard) -> None:
    heard.now += 60
    heard.log.progress(Progress("Checking", 1, 3, checks=(now("passed"), now("failed"), now("waiting"))))
    assert heard.lines[-1] == "Checking: 1 of 3; 1 failed, 1 waiting, 1 passed (33 %)"
