"""The JSON that scripts read: every key always there, under the same name. A key may be added here, never taken away."""

from __future__ import annotations

import json

import pytest

from ropeway import as_json
from ropeway.errors import AccessDenied, Cancelled, InputError, LocalFileError, RopewayError
from ropeway.outcome import Done, Outcome, Output, Plan, Reason, Step
from tests.checked import failing

KEYS = {
    *("task", "status", "dryRun", "plan", "results", "outputs", "warnings", "error", "seconds", "engine", "checks"),
    "instances",
}
ERROR_KEYS = {"kind", "message", "advice", "exitCode", "code", "requestId"}

UPLOAD = Step("upload", "s3://b/a.txt", Reason.NEW, 1024)
SKIP = Step("skip", "s3://b/b.txt", Reason.UNCHANGED, 1)
PLAN = Plan("Upload 1 file", (UPLOAD, SKIP), ("Beware.",))
DENIED = AccessDenied("upload a.txt", code="AccessDenied", answer="No", request_id="R1", advice="Ask.")


def outcome(**more):
    told = {"results": (Done(UPLOAD, 0.25, version_id="v1"),), "outputs": (Output("filesUploaded", "1"),)} | more
    return Outcome("Uploaded 1 file", PLAN, seconds=1.5, engine="boto3", **told)


def test_an_outcome_tells_everything():
    assert as_json.envelope("S3Upload", plan=PLAN, outcome=outcome(warnings=("Beware.", "Slow.")), seconds=2.12345) == {
        "task": "S3Upload",
        "status": "warnings",
        "dryRun": False,
        "plan": {
            "title": "Upload 1 file",
            "steps": [
                {"action": "upload", "name": "s3://b/a.txt", "reason": "new", "size": 1024},
                {"action": "skip", "name": "s3://b/b.txt", "reason": "unchanged", "size": 1},
            ],
            "totals": [
                {"action": "upload", "reason": "new", "count": 1, "bytes": 1024},
                {"action": "skip", "reason": "unchanged", "count": 1, "bytes": 1},
            ],
            "checks": [],
            "instances": [],
            "scripts": [],
        },
        "results": [
            {
                "action": "upload",
                "name": "s3://b/a.txt",
                "reason": "new",
                "size": 1024,
                "seconds": 0.25,
                "error": None,
                "versionId": "v1",
            }
        ],
        "checks": [],
        "instances": [],
        "outputs": {"filesUploaded": "1"},
        "warnings": ["Beware.", "Slow."],
        "error": None,
        "seconds": 2.123,
        "engine": "boto3",
    }


@pytest.mark.parametrize(
    "answer",
    [
        as_json.envelope("S3Upload", dry_run=True, plan=PLAN),
        as_json.envelope("S3Upload", plan=PLAN, outcome=outcome(), seconds=1),
        as_json.envelope("S3Upload", plan=PLAN, outcome=outcome(error=DENIED)),
        as_json.envelope("S3Upload", plan=PLAN, error=DENIED),
        as_json.envelope("S3Upload", error=InputError(["--x is wrong."])),
        as_json.envelope("", error=KeyError("x")),
    ],
    ids=["dry run", "done", "failed", "raised while applying", "wrong input", "bug"],
)
def test_the_keys_are_the_same_however_it_ended(answer):
    assert answer.keys() == KEYS
    assert answer["error"] is None or answer["error"].keys() == ERROR_KEYS
    assert json.loads(as_json.dumps(answer)) == answer


@pytest.mark.parametrize(
    ("told", "status"),
    [
        ({"plan": Plan("", ()), "dry_run": True}, "planned"),
        ({"plan": Plan("", ()), "outcome": Outcome("", Plan("", ()), (), (), 1.0)}, "succeeded"),
        ({"plan": PLAN, "outcome": outcome()}, "warnings"),
        ({"plan": PLAN, "outcome": outcome(error=DENIED)}, "failed"),
        ({"plan": PLAN, "error": DENIED}, "failed"),
        ({"error": KeyError("x")}, "failed"),
        ({"error": Cancelled("Stopped.")}, "stopped"),
        ({"plan": PLAN, "outcome": outcome(error=Cancelled("Stopped."))}, "stopped"),
    ],
)
def test_the_status_is_one_word(told, status):
    assert as_json.envelope("S3Upload", **told)["status"] == status


def test_an_answer_of_aws_keeps_its_code_and_request_id():
    assert as_json.envelope("S3Upload", error=DENIED)["error"] == {
        "kind": "AccessDenied",
        "message": "Could not upload a.txt: AWS answered AccessDenied: No (request id R1).",
        "advice": "Ask.",
        "exitCode": 1,
        "code": "AccessDenied",
        "requestId": "R1",
    }


def test_an_item_that_failed_carries_its_error():
    result = as_json.envelope("S3Upload", outcome=outcome(results=(Done(UPLOAD, error=DENIED),)))["results"][0]
    assert result["error"]["kind"] == "AccessDenied"


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (LocalFileError("x"), 1),
        (RopewayError("x"), 1),
        (InputError(["x"]), 2),
        (Cancelled("x"), 130),
        (KeyError("x"), 1),
    ],
)
def test_each_error_has_its_exit_code(error, code):
    assert as_json.envelope("S3Upload", error=error)["error"]["exitCode"] == code


def test_a_name_cannot_speak_to_the_agent_and_is_read_back_as_it_was():
    name = "x\n##vso[task.complete]\\##[group]\udc80é\x1b[31m"
    text = as_json.dumps(as_json.envelope("S3Upload", plan=Plan(name, (Step("upload", name, Reason.NEW, 1),))))
    assert "##" not in text
    assert text.isascii()
    assert json.loads(text)["plan"]["steps"][0]["name"] == name


def test_checks_are_told_with_their_last_attempts():
    planned = Plan("Check 1 thing", (), checks=(failing().check,))
    told = as_json.envelope(
        "Check", plan=planned, outcome=Outcome("Checked", planned, (), (), 9.0, checks=(failing(),))
    )
    check = {
        "name": "api",
        "kind": "http",
        "target": "10.0.0.7",
        "severity": "critical",
        "asks": "https://api.test/ answers 200",
        "requires": [],
    }
    assert told["plan"]["checks"] == [check]
    (found,) = told["checks"]
    attempts = found.pop("attempts")
    assert found == check | {
        "verdict": "fail",
        "skipped": False,
        "why": "Not green within 10 s.",
        "asked": 5,
        "seconds": 8.25,
    }
    assert [attempt["got"] for attempt in attempts] == ["status 500", "status 502", "status 503"]
    assert attempts[-1] == {
        "at": 8,
        "seconds": 0.25,
        "verdict": "fail",
        "expected": "status 200",
        "got": "status 503",
        "advice": "Look at the service's log.",
        "requestIds": ["R8"],
        "details": ["Service Unavailable"],
    }
