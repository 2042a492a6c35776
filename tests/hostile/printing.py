"""Everything that Ropeway prints, for one text in every place where a foreign text can be.

DOORS are the ways to print; each answers with what stands on its surfaces afterwards, by their names. A new way of telling an
outcome is a new surface here, and all the tests of this folder hold for it.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from unittest import mock

from ropeway.azure import main as door
from ropeway.azure.environment import AgentEnvironment
from ropeway.azure.main import AgentRun, Ending
from ropeway.azure.writer import SafeText, Writer
from ropeway.checked import Attempt, CheckNow, CheckResult, Finding, PlannedCheck, Verdict
from ropeway.cli import perform
from ropeway.errors import AccessDenied, AwsError, CredentialsError, InputError, RopewayError, TransferFailed
from ropeway.outcome import Cancellation, Done, Outcome, Output, Plan, Progress, Reason, Run, Step
from ropeway.s3.inputs import S3Inputs
from ropeway.tasks.task import OutputVariable, Task
from tests.cli.conftest import Terminal
from tests.leaks import watch

ENDINGS = ("succeeds", "fails", "plans only", "is refused", "lacks credentials", "crashes")


def task_of(text: str, how: str, printing: Callable[[], object] = lambda: None) -> Task[Any, Any]:
    """A task that meets the text everywhere. `printing` is what a library prints while it runs."""

    def plan(given: S3Inputs, _aws: Any, run: Run) -> Plan[Any]:
        run.tell.note(f"Acting as {text}, region {text}.")
        if how == "is refused":
            raise InputError([f"bucketName is {text!r}; did you mean {text}?", text])
        if how == "lacks credentials":
            raise CredentialsError(f"The profile {text} is unknown.", advice=f"Set {text}.")
        steps = (
            Step("create", text, Reason.NEW, 0),
            Step("upload", text, Reason.NEW, 1),
            Step("skip", text, Reason.UNCHANGED, 1),
        )
        title = f"Upload 1 file from {text} to s3://bucket/{text}"
        return Plan(title, steps, (text, f"No file matches in {text}."), (_check(text),))

    def apply(planned: Plan[Any], _aws: Any, run: Run) -> Outcome[Any]:
        run.tell.progress(Progress(f"Uploading {text}", 1, 2, 1, 2))
        run.tell.progress(Progress(f"Checking {text}", 1, 2, checks=(CheckNow(_check(text), "asking", 1, text),)))
        printing()
        if how == "crashes":
            raise ValueError(text)
        fails = how == "fails"
        todo = planned.todo
        results = tuple(Done(step, 1.0, _denied(text) if fails else None) for step in todo)
        error = TransferFailed(f"{results[0].error}", [_denied(text), _other(text)], advice=text) if fails else None
        outputs = (Output("s3Prefix", text), Output("targetFolder", f"s3://bucket/{text}"))
        checks = tuple(_checked(text, verdict, how) for verdict in ("pass", "fail" if fails else "pass"))
        return Outcome(f"Uploaded 1 file to {text}", planned, results, outputs, 2.0, "mule", (text,), error, checks)

    return Task(
        name="S3Hostile",
        id="00000000-0000-0000-0000-000000000000",
        major=1,
        friendly_name="",
        step_title="",
        description="",
        help="",
        command=("s3", "upload"),
        inputs=S3Inputs,
        groups=(),
        outputs=(OutputVariable("s3Prefix", ""), OutputVariable("listFile", "")),
        actions=(),
        services=(),
        plan=plan,
        apply=apply,
    )


def _check(text: str) -> PlannedCheck:
    return PlannedCheck(text, text, text, "critical", f"{text} answers {text}", (text,))


def _checked(text: str, verdict: Verdict, how: str) -> CheckResult:
    unwell = verdict != "pass"
    finding = Finding(verdict, text, text, text * unwell, (text,) * unwell, (text, f"{text} again") if unwell else ())
    why = text if unwell else f"It {how}."
    return CheckResult(_check(text), verdict, why, 2, (Attempt(0.0, 1.0, finding), Attempt(2.0, 1.0, finding)), 3.0)


def _denied(text: str) -> RopewayError:
    return AccessDenied(f"upload {text}", code=text, answer=f"{text} is denied", request_id=text, advice=text)


def _other(text: str) -> RopewayError:
    return AwsError(f"upload another {text}", code="SlowDown", answer=f"{text} is slow")


# --- the agent's door ----------------------------------------------------------------------------------------------------


def agent(text: str, how: str) -> dict[str, bytes]:
    """The log, and the record of the run."""

    def task(printed: SafeText) -> Task[Any, Any]:
        return task_of(text, how, lambda: printed.write(f"{text}\n{text}"))

    given = {"INPUT_BUCKETNAME": "bucket", "INPUT_DRYRUN": str(how == "plans only"), "SYSTEM_HOSTTYPE": text}
    return at_the_door(given, task, _debugging(text))


def at_the_door(
    given: Mapping[str, str], task: Callable[[SafeText], Task[Any, Any]], connect: Callable[..., Any]
) -> dict[str, bytes]:
    """What a task prints that is given these variables, what it writes down, and its exit code."""
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryFile() as stdout:
        environment = AgentEnvironment.take({**given, "AGENT_TEMPDIRECTORY": folder})
        writer = Writer(stdout.fileno())
        printed = SafeText(writer)
        with (
            mock.patch.object(door, "load_task", return_value=task(printed)),
            mock.patch.object(door, "connect", connect),
        ):
            code = AgentRun(environment, writer, Ending(writer, printed), Cancellation()).task("any")
        stdout.seek(0)
        record = {path.suffix: path.read_bytes() for path in Path(folder).glob("*/*")}
        surfaces = {
            "log": stdout.read(),
            "summary": record.get(".md", b""),
            "list file": record.get(".jsonl", b""),
            "test results": record.get(".xml", b""),
            "exit code": str(code).encode(),
        }
    for name, printed in surfaces.items():
        watch(f"the {name}", printed)
    return surfaces


def _debugging(text: str) -> Callable[..., Any]:
    def connect(*_: Any, debug: Callable[[str], None], **_rest: Any) -> Any:
        debug(f"> PUT https://bucket/{text} x-amz-meta-a={text}")

    return connect


# --- the command line's door ---------------------------------------------------------------------------------------------


def command_line(*, tty: bool = False, columns: int = 0, **manner: bool) -> Door:
    def run(text: str, how: str) -> dict[str, bytes]:
        out, err = Terminal(tty), Terminal(tty)
        screen = {"TERM": "xterm-256color"} | ({"COLUMNS": str(columns)} if columns else {})
        for stream in (out, err):
            stream.reconfigure(errors="backslashreplace")  # as the command line does at its begin
        with (
            mock.patch.object(sys, "stdout", out),
            mock.patch.object(sys, "stderr", err),
            mock.patch.object(perform, "connect", _debugging(text)),
            mock.patch.dict(os.environ, screen),
        ):
            given = {"bucket_name": "bucket", "dry_run": how == "plans only", "verbose": True}
            perform.perform(task_of(text, how), {**given, **manner})
        return {"stdout": out.buffer.getvalue(), "stderr": err.buffer.getvalue()}

    return run


Door = Callable[[str, str], Mapping[str, bytes]]

DOORS: Mapping[str, Door] = {
    "agent": agent,
    "terminal": command_line(),
    "narrow terminal": command_line(columns=30),
    "coloured terminal": command_line(tty=True),
    "trace": command_line(debug=True),
    "JSON": command_line(json=True),
}
RUNS = (
    *(("agent", how) for how in ENDINGS),
    *(("terminal", how) for how in ("fails", "is refused", "crashes")),
    *(("JSON", how) for how in ("fails", "crashes")),
    *((door, "fails") for door in ("narrow terminal", "coloured terminal", "trace")),
)
"""The doors and endings that are worth going through; "fails" has the most to tell."""
