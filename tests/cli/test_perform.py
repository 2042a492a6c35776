"""One run of a task: what is printed where, what the exit code says, and what a dry run leaves alone."""

from __future__ import annotations

import pytest

from ropeway.errors import AccessDenied, Cancelled, LocalFileError, TransferFailed
from ropeway.outcome import Done
from tests.cli.carrying import STEPS

UPLOAD = ("s3", "upload", "dist", "s3://bucket/site")


def test_results_are_on_stdout_and_what_is_told_on_the_way_is_on_stderr(ropeway, carry):
    carry()
    answer = ropeway(*UPLOAD)
    assert answer.code == 0
    assert [line.rstrip() for line in answer.out.splitlines()] == [
        "Carry 2 files from dist to s3://bucket",
        "",
        "Action  Reason         Size  Below s3://bucket/site/",
        "upload  new      1000 bytes  a.txt",
        "upload  content   500 bytes  [red]b.txt",
        "",
        "In all: upload 1 (new, 1000 bytes), upload 1 (content, 500 bytes), skip 1 (unchanged, 7 bytes).",
        "",
        "Carried 2 files in 2.0 s (750 bytes/s)",
    ]
    assert answer.err.splitlines() == ["Acting as nobody."]


def test_a_dry_run_prints_the_plan_and_stops(ropeway, carry):
    carry(apply_error=AssertionError("a dry run applied its plan"))
    answer = ropeway(*UPLOAD, "--dry-run")
    assert answer.code == 0
    assert "[red]b.txt" in answer.out
    assert "Carried" not in answer.out
    assert answer.err.splitlines()[-1] == "Dry run: nothing was written. Leave --dry-run out to do it."


def test_verbose_lists_unchanged_files_too(ropeway, carry):
    carry()
    assert "c.txt" not in ropeway(*UPLOAD).out
    assert "c.txt" in ropeway(*UPLOAD, "--verbose").out


# --- JSON --------------------------------------------------------------------------------------------------------------


def test_json_is_all_there_is_on_stdout(ropeway, carry):
    carry()
    answer = ropeway(*UPLOAD, "--json")
    assert answer.code == 0
    assert answer.json["task"] == "S3Carry"
    assert answer.json["status"] == "succeeded"
    assert [result["name"] for result in answer.json["results"]] == [step.name for step in STEPS[:2]]
    assert answer.json["outputs"] == {"filesCarried": "2"}
    assert "Acting as nobody." in answer.err


def test_json_of_a_dry_run_holds_the_plan(ropeway, carry):
    carry()
    answer = ropeway(*UPLOAD, "--json", "--dry-run")
    assert (answer.json["status"], answer.json["dryRun"], answer.json["results"]) == ("planned", True, [])
    assert len(answer.json["plan"]["steps"]) == 3


@pytest.mark.parametrize(
    ("arguments", "kind", "code", "words"),
    [
        (("s3", "upload", "--max-concurrency", "0"), "InputError", 2, "--max-concurrency is 0"),
        (("s3", "upload", "--nonsense"), "InputError", 2, "--nonsense"),
        (("s3", "uplaod"), "InputError", 2, "Did you mean 'upload'?"),
        (("nonsense",), "InputError", 2, "nonsense"),
    ],
)
def test_json_tells_of_failures_before_there_is_a_plan(ropeway, carry, arguments, kind, code, words):
    carry()
    answer = ropeway(*arguments, "--json")
    assert answer.code == code
    assert answer.json["status"] == "failed"
    assert answer.json["plan"] is None
    assert (answer.json["error"]["kind"], answer.json["error"]["exitCode"]) == (kind, code)
    assert words in answer.json["error"]["message"]
    assert words in answer.err


def test_json_of_a_failure_keeps_the_plan(ropeway, carry):
    carry(apply_error=AccessDenied("upload a.txt", code="AccessDenied", answer="No"))
    answer = ropeway(*UPLOAD, "--json")
    assert answer.code == 1
    assert answer.json["plan"]["title"] == "Carry 2 files from dist to s3://bucket"
    assert answer.json["error"]["code"] == "AccessDenied"


# --- exit codes --------------------------------------------------------------------------------------------------------


def test_a_failed_item_is_a_failed_command(ropeway, carry):
    denied = AccessDenied("upload a.txt", code="AccessDenied", answer="No", advice="Ask for s3:PutObject.")
    carry(results=(Done(STEPS[0], error=denied),), error=TransferFailed(denied.message, [denied], advice=denied.advice))
    answer = ropeway(*UPLOAD)
    assert answer.code == 1
    assert "failed" in answer.out
    assert "not done" in answer.out
    assert answer.err.splitlines()[-2:] == [
        "Error: Could not upload a.txt: AWS answered AccessDenied: No.",
        "Next: Ask for s3:PutObject.",
    ]


@pytest.mark.parametrize("when", ["plan_error", "apply_error"])
def test_an_error_that_is_raised_ends_the_command(ropeway, carry, when):
    carry(**{when: AccessDenied("list the bucket", code="AccessDenied", answer="No")})
    answer = ropeway(*UPLOAD)
    assert answer.code == 1
    assert "Error: Could not list the bucket: AWS answered AccessDenied: No." in answer.err
    assert "Traceback" not in answer.err


def test_advice_names_inputs_as_options(ropeway, carry):
    carry(plan_error=LocalFileError("noMatch is in a name.", advice="Set noMatch to warn, ask NoSuchBucket, awsFoo."))
    assert ropeway(*UPLOAD).err.splitlines()[-2:] == [
        "Error: noMatch is in a name.",
        "Next: Set --no-match to warn, ask NoSuchBucket, awsFoo.",
    ]


def test_advice_of_an_outcome_names_inputs_as_options_too(ropeway, carry):
    carry(error=TransferFailed("No.", [], advice="Set noMatch to warn."))
    assert "Next: Set --no-match to warn." in ropeway(*UPLOAD).err


def test_debug_shows_where_an_error_came_from(ropeway, carry):
    carry(plan_error=AccessDenied("list the bucket", code="AccessDenied", answer="No"))
    assert "Traceback (most recent call last):" in ropeway(*UPLOAD, "--debug").err


def test_what_nobody_foresaw_is_called_a_bug(ropeway, carry):
    carry(apply_error=ZeroDivisionError("half of nothing"))
    answer = ropeway(*UPLOAD)
    assert answer.code == 1
    assert "Traceback (most recent call last):" in answer.err
    assert "Error: ZeroDivisionError: half of nothing" in answer.err
    assert "This is a bug in Ropeway" in answer.err


def test_warnings_are_told_and_only_a_strict_run_fails_for_them(ropeway, carry):
    carry(warnings=("It rains.",))
    lenient, strict = ropeway(*UPLOAD), ropeway(*UPLOAD, "--strict")
    assert (lenient.code, strict.code) == (0, 3)
    assert lenient.err.count("Warning: It rains.") == strict.err.count("Warning: It rains.") == 1


def test_a_strict_dry_run_fails_for_warnings_of_the_plan(ropeway, carry):
    carry(warnings=("It rains.",))
    assert ropeway(*UPLOAD, "--dry-run", "--strict").code == 3


def test_strict_without_warnings_is_done(ropeway, carry):
    carry()
    assert ropeway(*UPLOAD, "--strict").code == 0


def test_being_stopped_has_an_exit_code_of_its_own(ropeway, carry):
    carry(error=Cancelled("Stopped: Ctrl-C was pressed. 1 of 2 files had been transferred."))
    answer = ropeway(*UPLOAD)
    assert answer.code == 130
    assert answer.err.splitlines()[-1] == "Stopped: Ctrl-C was pressed. 1 of 2 files had been transferred."


# --- on a terminal -----------------------------------------------------------------------------------------------------


def test_a_terminal_gets_colours_unless_it_wants_none(ropeway, carry, monkeypatch):
    monkeypatch.setenv("TERM", "xterm-256color")
    carry()
    assert "\x1b[32mupload" in ropeway(*UPLOAD, tty=True).out
    assert "\x1b[32m" not in ropeway(*UPLOAD, "--no-color", tty=True).out
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[32m" not in ropeway(*UPLOAD, tty=True).out


def test_no_terminal_gets_no_escape_sequence(ropeway, carry):
    carry()
    answer = ropeway(*UPLOAD)
    assert "\x1b" not in answer.out + answer.err


def test_a_name_that_the_encoding_lacks_is_spelled_out(ropeway, carry):
    carry(warnings=("caf\udce9",))
    assert "caf\\xe9" in ropeway(*UPLOAD).err
