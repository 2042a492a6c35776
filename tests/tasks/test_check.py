"""Check: what a user sees of a suite that is asked, from the command line's inputs to words, output variables and the word in S3."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from ropeway.aws.connection import AwsInputs
from ropeway.aws.session import connect_later
from ropeway.errors import (
    AwsError,
    Cancelled,
    ChecksFailed,
    CredentialsError,
    InputError,
    IntegrityError,
    NothingMatched,
)
from ropeway.inputs import camel, read
from ropeway.outcome import Cancellation, Outcome, Progress, Run, Variable
from ropeway.registry import load_task
from tests.tasks.encrypting import demanding, encryption, key, under

__all__ = ["demanding", "key"]

TASK = load_task("check")


@pytest.fixture
def listening() -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"127.0.0.1:{server.getsockname()[1]}"


@pytest.fixture
def closed() -> Iterator[str]:
    """Held, so that nobody else listens there meanwhile."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{held.getsockname()[1]}"


def outputs(outcome: Outcome) -> dict[str, str]:
    return {output.name: output.value for output in outcome.outputs}


def suite(**checks: str) -> str:
    """A suite of checks that fail at once."""
    lines = "\n".join(f"  {name.replace('_', ' ')}: {{{body}}}" for name, body in checks.items())
    return f"defaults: {{failures: 0, errors: 0}}\nchecks:\n{lines}\n"


def port(address: str, rest: str = "") -> str:
    return f"tcp: {{address: '{address}'}}{rest}"


# --- how it ends ---------------------------------------------------------------------------------------------------------------


def test_what_works_passes(run_task, listening):
    ran = run_task("check", suite=suite(web=port(listening)))

    assert ran.plan.title == "Ask 1 check of suite"
    assert [(check.title, check.asks) for check in ran.plan.checks] == [("web", f"{listening} takes connections")]
    assert ran.outcome.title == "Asked 1 check of suite: all passed"
    assert (ran.outcome.status, ran.outcome.error) == ("succeeded", None)
    assert outputs(ran.outcome) == {"result": "passed", "failedChecks": "", "warningChecks": "", "attempt": "1"}


def test_what_matters_and_does_not_work_fails_the_run_with_what_was_found(run_task, listening, closed):
    ran = run_task("check", suite=suite(web=port(listening), db=port(closed), cache=port(closed)))

    assert isinstance(ran.outcome.error, ChecksFailed)
    assert ran.outcome.error.message == (
        "2 critical checks did not pass: db, cache. "
        f"Of db: expected an open port, got no connection to {closed}: connection refused."
    )
    assert "see whether the service runs" in ran.outcome.error.advice
    assert ran.outcome.title == "Asked 3 checks of suite: 1 of 3 passed"
    assert outputs(ran.outcome) == {"result": "failed", "failedChecks": "db,cache", "warningChecks": "", "attempt": "1"}


def test_what_only_warns_is_a_warning(run_task, listening, closed):
    ran = run_task("check", suite=suite(web=port(listening), db=port(closed, ", severity: warning")))

    assert (ran.outcome.status, ran.outcome.error) == ("warnings", None)
    refused = f"no connection to {closed}: connection refused"
    assert ran.outcome.warnings == (f"The check db did not pass: expected an open port, got {refused}.",)
    assert outputs(ran.outcome) == {"result": "warnings", "failedChecks": "", "warningChecks": "db", "attempt": "1"}


def test_a_check_over_several_targets_counts_by_target(run_task, listening, closed):
    ran = run_task("check", suite=suite(web=f"tcp: {{address: ['{listening}', '{closed}']}}"))

    assert ran.plan.title == "Ask 1 check with 2 targets of suite"
    assert [result.check.title for result in ran.outcome.checks] == [f"web ({listening})", f"web ({closed})"]
    assert outputs(ran.outcome)["failedChecks"] == "web"


def test_a_plan_asks_nothing(run_task, closed):
    ran = run_task("check", only_plan=True, suite=suite(db=port(closed)))
    assert (ran.outcome, ran.told.notes) == (None, [])


def test_how_it_stands_is_told_on_the_way(run_task, listening):
    ran = run_task("check", suite=suite(web=port(listening)))

    first, *_, last = ran.told.progress_seen
    assert [check.standing for check in first.checks] == ["asking"]
    assert [check.standing for check in last.checks] == ["passed"]
    assert (last.items, last.items_total) == (1, 1)


# --- the suite -----------------------------------------------------------------------------------------------------------------


def test_a_suite_is_read_from_its_file_or_from_the_folder_that_it_lies_in(run_task, listening, tmp_path, monkeypatch):
    file = tmp_path / "ropeway-checks.yml"
    file.write_text(suite(web=port(listening)), encoding="utf-8-sig")
    monkeypatch.chdir(tmp_path)

    for given in ({"suite_file": str(file)}, {"suite_file": str(tmp_path)}, {}):
        assert run_task("check", **given).plan.title == "Ask 1 check of ropeway-checks.yml"


def test_mistakes_stand_with_the_name_of_the_file(run_task, tmp_path):
    file = tmp_path / "shop.yml"
    file.write_text("checks:\n  web:\n    tpc: {}\n")

    with pytest.raises(InputError, match=r"^shop\.yml:3:5: 'tpc' is not a setting of a check\. Did you mean tcp\?$"):
        run_task("check", suite_file=str(file))


def test_a_suite_that_is_not_there_says_where_it_was_looked_for(run_task, tmp_path):
    with pytest.raises(InputError, match=r"There is no suite at .*ropeway-checks\.yml") as wrong:
        run_task("check", suite_file=str(tmp_path))
    assert "docs/checks.md shows one to begin with" in wrong.value.advice


def test_a_suite_that_is_no_text_says_so(run_task, tmp_path):
    (tmp_path / "a.yml").write_bytes(b"checks: \xff")
    with pytest.raises(InputError, match="is no UTF-8: byte 8"):
        run_task("check", suite_file=str(tmp_path / "a.yml"))


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"suite": "a", "suite_file": __file__}, "suite and suiteFile are both set: keep one of the two."),
        ({"mode": "recall"}, "mode is recall, which needs stateLocation."),
        ({"state_location": "bucket"}, "stateLocation is 'bucket'; write it as s3://bucket or s3://bucket/prefix."),
        ({"outputs": "a"}, "outputs line 1 is 'a'; write it as name=value."),
        ({"outputs": "a=1\na=2"}, "outputs line 2 is about a again, as line 1."),
    ],
)
def test_inputs_that_do_not_go_together_are_refused(run_task, given, told):
    with pytest.raises(InputError) as wrong:
        run_task("check", **given)
    assert wrong.value.problems == (told,)


def test_release_outputs_and_variables_reach_the_suite(run_task, listening, monkeypatch):
    host, number = listening.split(":")
    monkeypatch.setenv("BUILD_BUILDNUMBER", "127.0.0.1")
    monkeypatch.setenv("SHOP_PORT", number)
    text = "checks: {a: {tcp: {address: '{release.id}:{env.SHOP_PORT}'}}, b: {tcp: {address: '{outputs.where}'}}}"

    ran = run_task("check", suite=text, outputs=f"where={listening}\nother=x=y")
    assert [result.verdict for result in ran.outcome.checks] == ["pass", "pass"]
    assert (
        run_task("check", only_plan=True, suite=text, release_id="other", outputs=f"where={host}:1")
        .plan.checks[0]
        .asks.startswith("other:")
    )


def test_some_checks_are_asked_by_name(run_task, listening, closed):
    text = suite(web_eu=port(listening), web_us=port(closed), db=port(closed))
    assert [result.check.name for result in run_task("check", suite=text, only="*eu").outcome.checks] == ["web eu"]


# --- without AWS -----------------------------------------------------------------------------------------------------------------


def run_without_aws(text: str) -> Outcome:
    """On a machine that knows no region and no identity."""
    given = read(TASK.inputs, {"suite": text}, camel)
    aws = connect_later(given, None)
    return TASK.apply(TASK.plan(given, aws, Run()), aws, Run())


def test_checks_that_do_not_ask_aws_need_no_region_and_no_identity(listening):
    assert run_without_aws(suite(web=port(listening))).status == "succeeded"


def test_checks_that_ask_aws_say_first_who_acts(run_task):
    ran = run_task("check", suite=suite(alarm="alarm: {name: none-such}"))
    assert ran.told.notes[0].startswith("Acting with ")


def test_checks_that_ask_aws_need_an_identity(monkeypatch):
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    with pytest.raises(CredentialsError):
        run_without_aws(suite(alarm="alarm: {name: none-such}"))


# --- being stopped -----------------------------------------------------------------------------------------------------------------


class CancelsOnceAsked:
    """As soon as this many checks were asked."""

    def __init__(self, cancellation: Cancellation, asked: int) -> None:
        self._cancellation = cancellation
        self._asked = asked
        self.at = 0.0

    def note(self, message: str) -> None: ...

    def progress(self, progress: Progress) -> None:
        if not self.at and sum(check.asked > 0 for check in progress.checks) >= self._asked:
            self.at = time.monotonic()
            self._cancellation.ask("the step was cancelled")


def test_a_run_that_is_stopped_ends_within_seconds_and_says_what_it_knew(listening, closed):
    text = f"steady: 1m\nchecks: {{web: {{{port(listening)}}}, db: {{{port(closed)}}}, app: {{{port(listening, ', requires: db')}}}}}"
    cancellation = Cancellation()
    told = CancelsOnceAsked(cancellation, 2)
    run = Run(told, cancellation)
    given = read(TASK.inputs, {"suite": text}, camel)
    aws = connect_later(given, None)
    planned = TASK.plan(given, aws, run)
    outcome = TASK.apply(planned, aws, run)

    assert time.monotonic() - told.at < 5
    assert isinstance(outcome.error, Cancelled)
    assert [(result.skipped, result.why) for result in outcome.checks] == [
        (False, "The run was stopped."), (False, "The run was stopped."), (True, "The run was stopped."),
    ]  # fmt: skip
    assert outputs(outcome)["result"] == "failed"


def test_a_name_that_dns_does_not_know_yet_is_waited_for(run_task, listening, monkeypatch):
    looked_up, usual = [], socket.getaddrinfo

    def new(host: object, *rest: object, **more: object) -> object:
        if host != "new.example":
            return usual(host, *rest, **more)
        looked_up.append(host)
        if len(looked_up) < 4:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return usual("127.0.0.1", *rest, **more)

    monkeypatch.setattr("socket.getaddrinfo", new)
    address = listening.replace("127.0.0.1", "new.example")
    outcome = run_task(
        "check", suite=f"checks: {{web: {{{port(address)}, errors: 1, every: 100ms, backOff: 1}}}}"
    ).outcome

    assert outcome.error is None, outcome.error
    assert [attempt.finding.verdict for attempt in outcome.checks[0].attempts] == ["error", "error", "pass"]


# --- secrets -----------------------------------------------------------------------------------------------------------------------


def test_secrets_are_nowhere_in_what_is_told(closed):
    host, number = closed.split(":")
    text = suite(db=f"tcp: {{address: ['{{env.HOST}}:{number}', '{{env.HOST}}:1']}}")
    run = Run(variable=lambda name: Variable(host, secret=True) if name == "HOST" else None)
    aws = connect_later(AwsInputs(), None)

    planned = TASK.plan(read(TASK.inputs, {"suite": text}, camel), aws, run)
    outcome = TASK.apply(planned, aws, run)

    told = repr((planned.checks, planned.title, outcome.checks, outcome.error, outcome.warnings, outcome.title))
    assert host not in told
    assert f"***:{number}" in told


# --- word for other jobs ---------------------------------------------------------------------------------------------------------------


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """The variables of a stage of a build."""
    for name, value in {"BUILD_BUILDID": "42", "SYSTEM_STAGENAME": "prod/eu", "SYSTEM_STAGEATTEMPT": "2"}.items():
        monkeypatch.setenv(name, value)
    return SimpleNamespace(key="ops/.ropeway/checks/shop/42/prod%2Feu.json")


def word(s3, bucket: str, key: str) -> dict:
    return json.loads(s3.get_object(Bucket=bucket, Key=key)["Body"].read())


def test_word_is_left_and_recalled_by_another_job(run_task, s3, bucket, stage, closed):
    place = {"state_location": f"s3://{bucket}/ops/", "state_target": "shop"}
    text = suite(db=port(closed), cache=port(closed, ", severity: warning"))

    asked = run_task("check", suite=text, release_id="v7", **place)

    assert f"Word of what the checks come to is left at s3://{bucket}/{stage.key}." in asked.told.notes
    left = word(s3, bucket, stage.key)
    assert list(left.pop("runs").values()) == [{name: left[name] for name in left if name != "version"}]
    assert left == {
        "version": 1, "result": "failed", "release": "v7", "attempt": "2", "failed_checks": ["db"], "warning_checks": ["cache"],
    }  # fmt: skip
    recalled = run_task("check", mode="recall", **place)
    assert recalled.outcome.title == "The checks of shop, v7: failed: db"
    assert recalled.outcome.error is None
    assert outputs(recalled.outcome) == outputs(asked.outcome)


def test_word_is_left_in_a_bucket_that_demands_encryption(run_task, s3, bucket, stage, listening, key, demanding):
    demanding()
    place = {"state_location": f"s3://{bucket}/ops/", "state_target": "shop"}
    with pytest.raises(AwsError, match="explicit deny in a resource-based policy"):
        run_task("check", suite=suite(web=port(listening)), **place)
    run_task("check", suite=suite(web=port(listening)), **place, **under(key))
    assert encryption(s3, bucket, stage.key) == ("aws:kms", key)
    assert outputs(run_task("check", mode="recall", **place).outcome)["result"] == "passed"


def test_word_of_a_run_is_there_before_it_has_come_to_an_end(run_task, s3, bucket, stage, closed):
    seen = []
    text = f"checks: {{db: {{{port(closed)}, within: 1s}}}}"

    class Looking(Cancellation):
        def check(self) -> None:
            if not seen and "Contents" in s3.list_objects_v2(Bucket=bucket):
                seen.append(word(s3, bucket, stage.key.removeprefix("ops/"))["result"])

    run_task("check", suite=text, state_location=f"s3://{bucket}", state_target="shop", cancellation=Looking())
    assert set(seen) == {"running"}


def test_a_place_that_cannot_be_written_to_stops_the_run_before_anything_is_asked(run_task, listening):
    with pytest.raises(Exception, match="no-such-bucket-of-anybody"):
        run_task("check", suite=suite(web=port(listening)), state_location="s3://no-such-bucket-of-anybody")


def test_where_no_word_was_left_nothing_is_recalled(run_task, bucket):
    with pytest.raises(
        NothingMatched, match=f"No checks have left word at s3://{bucket}/.ropeway/checks/default/local/local.json"
    ) as wrong:
        run_task("check", mode="recall", state_location=f"s3://{bucket}")
    assert "must be those of the run that asked" in wrong.value.advice


def test_word_of_another_attempt_is_told_as_such_and_runs_no_command(run_task, s3, bucket, stage):
    told = {
        "version": 1,
        "result": "passed",
        "release": "v7",
        "attempt": "1",
        "failed_checks": [],
        "warning_checks": [],
    }
    told["failed_checks"] = ["db", "##vso[task.prependpath]/tmp"]
    s3.put_object(Bucket=bucket, Key=stage.key, Body=json.dumps(told).encode())

    recalled = run_task("check", mode="recall", state_location=f"s3://{bucket}/ops/", state_target="shop").outcome
    assert recalled.warnings == (
        "What is recalled is the word of attempt 1 of this stage, and this is attempt 2: in this one no checks of this target were asked.",
    )
    assert outputs(recalled)["failedChecks"] == "db,**vso[task.prependpath]/tmp"
    assert outputs(recalled)["attempt"] == "1"


def test_of_two_runs_in_one_stage_the_worse_word_stays_in_whichever_order(run_task, bucket, stage, listening, closed):
    place = {"state_location": f"s3://{bucket}/ops/"}
    worse, well = suite(db=port(closed)), suite(web=port(listening))
    also = suite(queue=port(closed), cache=port(closed, ", severity: warning"))

    run_task("check", suite=worse, release_id="v7", **place)
    told = run_task("check", suite=well, release_id="v8", **place).told.notes
    assert told[-1].endswith("what is recalled is that of all together, failed: db.")
    recalled = run_task("check", mode="recall", **place).outcome
    assert recalled.title == "The checks of default, v7: failed: db"

    run_task("check", suite=also, release_id="v8", **place)
    recalled = run_task("check", mode="recall", **place).outcome
    assert outputs(recalled) == {
        "result": "failed",
        "failedChecks": "db,queue",
        "warningChecks": "cache",
        "attempt": "2",
    }


@pytest.mark.parametrize("begun", [False, True])
def test_of_two_jobs_that_leave_word_at_once_none_is_lost(run_task, s3, bucket, stage, listening, closed, begun):
    place = {"state_location": f"s3://{bucket}/ops/"}
    others, once = list[str](), threading.Lock()

    class MeanwhileAnother(Cancellation):
        def check(self) -> None:
            """Asked by the run and by its checks, each in a thread of its own."""
            with once:
                if not others and begun == ("Contents" in s3.list_objects_v2(Bucket=bucket)):
                    others.append("begun")
                    run_task("check", suite=suite(db=port(closed)), **place)

    run_task("check", suite=suite(web=port(listening)), cancellation=MeanwhileAnother(), **place)
    assert outputs(run_task("check", mode="recall", **place).outcome)["failedChecks"] == "db"


def test_who_died_is_not_hidden_by_who_passed(run_task, s3, bucket, stage, listening):
    place = {"state_location": f"s3://{bucket}/ops/", "state_target": "shop"}
    told = {"version": 1, "result": "running", "release": "", "attempt": "2", "failed_checks": [], "warning_checks": []}
    s3.put_object(Bucket=bucket, Key=stage.key, Body=json.dumps(told).encode())

    run_task("check", suite=suite(web=port(listening)), **place)
    assert outputs(run_task("check", mode="recall", **place).outcome)["result"] == "running"


@pytest.mark.parametrize(
    ("changed", "result"),
    [
        ({"SYSTEM_STAGEATTEMPT": "3"}, "passed"),
        ({}, "passed"),  # the agent tries the step again
        ({"SYSTEM_TASKINSTANCEID": "another"}, "failed"),
        ({"SYSTEM_JOBID": "another"}, "failed"),
    ],
)
def test_an_attempt_begins_anew_and_a_step_that_is_tried_again_is_heard_once(
    run_task, bucket, stage, monkeypatch, changed, result
):
    place = {"state_location": f"s3://{bucket}/ops/"}
    monkeypatch.setenv("SYSTEM_JOBID", "job")
    monkeypatch.setenv("SYSTEM_TASKINSTANCEID", "step")
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        text = suite(db=port(f"127.0.0.1:{server.getsockname()[1]}"))
        run_task("check", suite=text, **place)
        server.listen()
        for name, value in changed.items():
            monkeypatch.setenv(name, value)
        run_task("check", suite=text, **place)

    assert outputs(run_task("check", mode="recall", **place).outcome)["result"] == result


def test_who_is_left_over_from_an_attempt_does_not_take_away_the_word_of_the_next(
    run_task, s3, bucket, stage, monkeypatch, listening, closed
):
    """The stage is tried again, while on an agent that was given up for lost its checks go on."""
    place, begun, once = {"state_location": f"s3://{bucket}/ops/"}, [], threading.Lock()

    class MeanwhileTriedAgain(Cancellation):
        def check(self) -> None:
            """Asked by the run and by its checks, each in a thread of its own."""
            with once:
                if not begun and "Contents" in s3.list_objects_v2(Bucket=bucket):
                    begun.append("3")
                    with monkeypatch.context() as again:
                        again.setenv("SYSTEM_STAGEATTEMPT", "3")
                        run_task("check", suite=suite(db=port(closed)), **place)

    left_over = run_task("check", suite=suite(web=port(listening)), cancellation=MeanwhileTriedAgain(), **place)
    assert left_over.told.notes[-1].startswith("This stage was tried again meanwhile: the word of that attempt stays")

    monkeypatch.setenv("SYSTEM_STAGEATTEMPT", "3")
    recalled = run_task("check", mode="recall", **place).outcome
    assert (outputs(recalled)["result"], recalled.warnings) == ("failed", ())


def test_outside_of_a_pipeline_the_last_run_is_heard_alone(run_task, bucket, listening, closed):
    place = {"state_location": f"s3://{bucket}/ops/"}
    run_task("check", suite=suite(db=port(closed)), **place)
    run_task("check", suite=suite(web=port(listening)), **place)
    assert outputs(run_task("check", mode="recall", **place).outcome)["result"] == "passed"


ODD = b'{"version": 1, "result": "##vso[", "release": "", "attempt": "1", "failed_checks": [], "warning_checks": []}'


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"version": 2}', b'{"version": 1}', ODD])
def test_what_is_no_word_of_checks_is_refused(run_task, s3, bucket, body):
    s3.put_object(Bucket=bucket, Key=".ropeway/checks/default/local/local.json", Body=body)
    with pytest.raises(IntegrityError, match="is not what checks leave there"):
        run_task("check", mode="recall", state_location=f"s3://{bucket}")


def test_an_unforeseen_fault_of_a_kind_ends_the_run_as_ours(run_task, listening, monkeypatch):
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("of ours")

    monkeypatch.setattr("ropeway.checks.kinds.tcp.Line", broken)
    with pytest.raises(ZeroDivisionError, match="of ours"):
        run_task("check", suite=suite(web=port(listening)))
