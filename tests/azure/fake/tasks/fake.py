"""A task that does what its input `does` says, so that the door can be tested without S3."""

from __future__ import annotations

import hashlib
import json
import os
import sys
import threading
import time
from dataclasses import dataclass, replace

from ropeway import inputs
from ropeway.aws.connection import AwsInputs
from ropeway.errors import AccessDenied, CredentialsError, LocalFileError, TransferFailed
from ropeway.outcome import Done, Outcome, Output, Plan, Progress, Reason, Step
from ropeway.tasks.task import OutputVariable, Task

COMMAND = "##vso[task.complete result=Succeeded;]"


@dataclass(frozen=True, kw_only=True)
class FakeInputs(AwsInputs):
    does: str = inputs.text("What to do", "", default="succeed")
    count: int = inputs.number("How many steps", "", default=2, at_least=0, at_most=1_000_000)
    name: str = inputs.text("The name of each step", "", default="s3://bucket/a.txt")
    folder: str = inputs.path("A folder", "")
    patterns: tuple[str, ...] = inputs.lines("Patterns", "")
    customer_key: str = inputs.text("A secret", "", secret=True)


@dataclass(frozen=True, kw_only=True)
class FakePlan(Plan[None]):
    given: FakeInputs


def plan(given, aws, run):
    if given.does == "warn":
        return replace(_plan(given), warnings=("Nothing matched **/*.html.",))
    if given.does == "tell":
        run.tell.note(json.dumps(_seen(given, aws)))
    if given.does == "refuse":
        raise CredentialsError("There is no identity to act under.", advice="Set awsConnection.")
    if given.does == "exit in plan":
        sys.exit(0)
    return _plan(given)


def _seen(given, aws):
    return {
        "folder": given.folder,
        "patterns": given.patterns,
        "origin": aws.connection and aws.connection.origin,
        "secret": aws.connection and hashlib.sha256(aws.connection.secret_access_key.encode()).hexdigest(),
        "proxy": aws.network.proxy_url,
        "region": aws.default_region,
        "environment": sorted(os.environ),
    }


def _plan(given):
    steps = tuple(Step("upload", given.name, Reason.NEW, 1024) for _ in range(given.count))
    kept = Step("skip", "s3://bucket/kept.txt", Reason.UNCHANGED, 10)
    return FakePlan(title=f"Upload {given.count} files to s3://bucket", steps=(kept, *steps), given=given)


def apply(planned, aws, run):
    given = planned.given
    ACTS.get(given.does, _nothing_special)(planned, run)
    todo = planned.todo
    results = [Done(step) for step in todo]
    error = None
    if given.does == "fail half":
        half = len(todo) // 2
        results[half:] = [Done(step, error=_denied(at)) for at, step in enumerate(todo[half:])]
        failures = [result.error for result in results[half:]]
        error = TransferFailed(f"{failures[0].message} {half} of {len(todo)} files had been transferred.", failures)
    if given.does == "fail early":
        results[1:] = []
        error = LocalFileError("b.txt has changed.", advice="Run it again.")
    return Outcome(
        title=f"Uploaded {given.count} files to s3://bucket",
        plan=planned,
        results=tuple(results),
        outputs=(Output("filesUploaded", str(given.count)), Output("s3Prefix", "s3://bucket/a;b]%0A")),
        seconds=192.0,
        engine="fake",
        warnings=(*planned.warnings, "One file was empty.") if given.does == "warn" else (),
        error=error,
    )


def _denied(at):
    return AccessDenied(f"upload {at}.txt", code="AccessDenied", answer=f"no {COMMAND} for you", request_id="R1")


def _nothing_special(planned, run): ...


def _crash(planned, run):
    raise ZeroDivisionError(f"zero\n{COMMAND}")


def _leave(planned, run):
    run.pending("s3://bucket/journal.json")


def _leave_nothing(planned, run):
    run.pending("s3://bucket/journal.json")
    run.pending("")


def clean_up(given, aws, run):
    run.tell.note(f"Undone: {given.name}.")
    ACTS.get(given.name, _nothing_special)(None, run)


def _raise_late(planned, run):
    raise CredentialsError("The token has expired.", advice="Run it again.")


def _wait_for_the_end(planned, run):
    run.tell.note("waiting")
    while not run.cancellation.wait(60):
        pass
    run.cancellation.check()


def _ignore_the_end(planned, run):
    run.tell.note("waiting")
    time.sleep(60)


def _end_slowly(planned, run):
    run.tell.note("waiting")
    run.cancellation.wait(60)
    time.sleep(1.5)
    run.cancellation.check()


def _chatter(planned, run):
    print(f"printed {COMMAND}")  # noqa: T201 - as a library might
    print(f"to stderr {COMMAND}", file=sys.stderr)  # noqa: T201
    thread = threading.Thread(target=_crash, args=(planned, run))
    thread.start()
    thread.join()
    run.tell.note(f"first line {COMMAND}\nsecond \x1b[31mred\x1b[0m \udcff")
    run.tell.progress(Progress(f"Uploading {COMMAND}", 1, 2, 512, 1024))
    sys.stdout.write("no line break at the end")


def _leave_a_thread(planned, run):
    threading.Thread(target=time.sleep, args=(60,)).start()


def _say_much(planned, run):
    for at in range(2000):
        run.tell.note(f"{at:04} " + "x" * 1000)


ACTS = {
    "crash": _crash,
    "raise late": _raise_late,
    "wait": _wait_for_the_end,
    "ignore": _ignore_the_end,
    "end slowly": _end_slowly,
    "chatter": _chatter,
    "leave a thread": _leave_a_thread,
    "say much": _say_much,
    "leave": _leave,
    "leave nothing": _leave_nothing,
    "os._exit": lambda planned, run: os._exit(0),
    "sys.exit": lambda planned, run: sys.exit(0),
}

TASK = Task(
    name="Fake",
    id="00000000-0000-0000-0000-000000000000",
    major=1,
    friendly_name="Fake",
    step_title="Fake",
    description="",
    help="",
    command=("fake",),
    inputs=FakeInputs,
    groups=(),
    outputs=(OutputVariable("filesUploaded", ""), OutputVariable("listFile", "")),
    actions=(),
    services=(),
    plan=plan,
    apply=apply,
    clean_up=clean_up,
)
