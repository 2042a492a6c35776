from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ropeway.azure.protocol import DIED, DONE, FAILED, HOLDS_STDIN
from tests.azure.agent import Agent, Ran
from tests.azure.test_endpoints import ID

HELD = {HOLDS_STDIN: "held"}
TITLE = "Uploaded 2 files to s3://bucket"
DENIED = "Could not upload {}.txt: AWS answered AccessDenied: no **vso[task.complete result=Succeeded;] for you (request id R1)."


def test_a_run_says_what_it_does_and_ends_with_one_completion(agent: Agent) -> None:
    ran = agent.run(count="2")
    assert ran.code == DONE
    python = ".".join(map(str, sys.version_info[:3]))
    (folder,) = agent.temp.iterdir()
    assert ran.lines == [
        f"##vso[task.debug]Ropeway 1.0.0, Fake, Python {python}, host type build",
        "##vso[task.debug]GET s3://bucket/a.txt",
        "##[section]Upload 2 files to s3://bucket",
        "##[group]The plan: 3 steps",
        "upload    new            1.0 KB  s3://bucket/a.txt",
        "upload    new            1.0 KB  s3://bucket/a.txt",
        "skip      unchanged    10 bytes  s3://bucket/kept.txt",
        "##[endgroup]",
        f"##[section]{TITLE}",
        "  2 done: upload, new (2.0 KB)",
        "  1 left as it is: skip, unchanged (10 bytes)",
        "Took 3 min 12 s, by fake.",
        "##vso[task.setvariable variable=filesUploaded;isoutput=true;issecret=false;]2",
        "##vso[task.setvariable variable=s3Prefix;isoutput=true;issecret=false;]s3://bucket/a;b]%AZP250A",
        f"##vso[task.uploadsummary]{folder}/RopewayFake.md",
        f"##vso[task.setvariable variable=listFile;isoutput=true;issecret=false;]{folder}/list.jsonl",
        f"##vso[task.complete result=Succeeded;]{TITLE}",
    ]
    assert ran.data("task.setvariable", variable="s3Prefix") == ["s3://bucket/a;b]%0A"]


def test_the_files_it_names_are_there(agent: Agent) -> None:
    ran = agent.run(does="fail half", count="4")
    (summary,) = ran.data("task.uploadsummary")
    (listed,) = ran.data("task.setvariable", variable="listFile")
    assert "**Failed:** Could not upload 0&#46;txt" in Path(summary).read_text("utf-8")
    done = [json.loads(line)["done"] for line in Path(listed).read_text("ascii").splitlines()]
    assert done == [False, True, True, False, False]


def test_a_dry_run_stops_after_the_plan(agent: Agent) -> None:
    ran = agent.run(does="crash", dryRun="True")
    assert ran.code == DONE
    assert "This was a dry run: nothing was written." in ran.lines
    assert ran.completions == [("Succeeded", "Dry run: Upload 2 files to s3://bucket")]
    assert "**Dry run: nothing was written.**" in Path(ran.data("task.uploadsummary")[0]).read_text("utf-8")
    assert ran.data("task.setvariable", variable="filesUploaded") == []


def test_a_warning_makes_it_succeed_with_issues_and_is_told_once(agent: Agent) -> None:
    ran = agent.run(does="warn")
    assert ran.code == DONE
    assert ran.data("task.logissue", type="warning") == ["Nothing matched **/*.html.", "One file was empty."]
    assert ran.completions == [("SucceededWithIssues", TITLE)]


def test_a_record_that_cannot_be_written_is_a_warning_because_the_work_is_done(agent: Agent) -> None:
    agent.temp.rmdir()
    agent.temp.write_text("a file in the place of the folder")
    ran = agent.run()
    (warning,) = ran.data("task.logissue", type="warning")
    assert warning.startswith(f"The record of this run could not be written to {agent.temp}/ropeway-")
    assert ran.completions == [("SucceededWithIssues", TITLE)]


# --- failing -----------------------------------------------------------------------------------------------------------


def test_all_problems_of_the_inputs_are_issues(agent: Agent) -> None:
    ran = agent.run(count="many", dryRun="maybe", customerKey="hush")
    assert ran.code == FAILED
    assert ran.data("task.logissue", type="error") == [
        "dryRun is 'maybe', which is neither true nor false.",
        "count is 'many', which is not a whole number.",
    ]
    assert ran.completions == [("Failed", "dryRun is 'maybe', which is neither true nor false.")]


def test_a_macro_that_was_left_is_named(agent: Agent) -> None:
    ran = agent.run(name="$(Bucket)", customerKey="$(Key)")
    assert ran.code == FAILED
    assert [message.split(",")[0] for message in ran.data("task.logissue", type="error")] == [
        "name holds $(Bucket)",
        "customerKey holds $(Key)",
    ]


def test_an_error_of_the_plan_ends_it_with_the_reason_as_an_issue(agent: Agent) -> None:
    ran = agent.run(does="refuse")
    why = "There is no identity to act under. Set awsConnection."
    assert (ran.code, ran.completions) == (FAILED, [("Failed", why)])
    assert ran.data("task.logissue", type="error") == [why]


def test_an_outcome_that_failed_ends_it_with_the_reason_and_what_was_done(agent: Agent) -> None:
    ran = agent.run(does="fail early", count="3")
    why = "b.txt has changed. Run it again."
    assert (ran.code, ran.completions) == (FAILED, [("Failed", why)])
    assert "  1 done: upload, new (1.0 KB)" in ran.lines
    assert "  2 not done: upload, new (2.0 KB)" in ran.lines
    assert ran.data("task.setvariable", variable="filesUploaded") == ["3"]


def test_an_error_that_the_apply_raises_is_recorded_like_one_that_it_returns(agent: Agent) -> None:
    ran = agent.run(does="raise late")
    why = "The token has expired. Run it again."
    assert (ran.code, ran.completions) == (FAILED, [("Failed", why)])
    assert "**Failed:** The token has expired" in Path(ran.data("task.uploadsummary")[0]).read_text("utf-8")


def test_of_many_failures_ten_are_issues_and_none_runs_what_aws_said(agent: Agent) -> None:
    ran = agent.run(does="fail half", count="60")
    first = f"{DENIED.format(0)} 30 of 60 files had been transferred."
    assert ran.code == FAILED
    assert ran.data("task.logissue", type="error") == [first, *(DENIED.format(at) for at in range(1, 10))]
    assert ran.lines[-2] == "… and 20 more errors, 30 in all."
    assert ran.completions == [("Failed", first)]
    assert "##[group]30 failures" in ran.lines


def test_an_exception_that_nobody_foresaw_shows_its_trace_in_a_group(agent: Agent) -> None:
    ran = agent.run(does="crash")
    assert ran.code == FAILED
    begin, end = ran.lines.index("##[group]Trace of the error"), len(ran.lines) - 3
    assert ran.lines[begin + 1] == "Traceback (most recent call last):"
    assert ran.lines[end - 2 : end + 1] == [
        "ZeroDivisionError: zero",
        "**vso[task.complete result=Succeeded;]",
        "##[endgroup]",
    ]
    ((result, message),) = ran.completions
    assert result == "Failed"
    assert message.startswith(r"This is a bug in Ropeway, not a fault of yours: ZeroDivisionError: zero\n**vso[")


def test_a_task_that_is_not_there_fails_with_its_trace(agent: Agent) -> None:
    code = "import sys; from ropeway.azure.main import main; sys.exit(main('no_such_task'))"
    process = agent.popen([sys.executable, "-c", code], {}, {})
    ran = Ran(process.wait(), process.communicate()[0].decode())
    assert ran.code == FAILED
    assert "No module named 'ropeway.tasks.no_such_task'" in ran.completions[0][1]


@pytest.mark.parametrize("does", ["os._exit", "sys.exit", "exit in plan"])
def test_an_exit_from_within_is_never_taken_for_success(agent: Agent, does: str) -> None:
    ran = agent.run(does=does)
    assert ran.code not in {DONE, FAILED}
    assert ran.completions == []


# --- what the agent hands over -----------------------------------------------------------------------------------------


def told(ran: Ran) -> dict:
    return json.loads(next(line for line in ran.lines if line.startswith("{")))


def test_the_connection_the_proxy_and_the_region_reach_the_task_and_nothing_else_of_it_what_it_starts(
    agent: Agent,
) -> None:
    authorization = json.dumps({"scheme": "UsernamePassword", "parameters": {"username": "AKID", "password": "hush"}})
    ran = agent.run(
        {
            f"ENDPOINT_AUTH_{ID}": authorization,
            f"ENDPOINT_AUTH_PARAMETER_{ID}_PASSWORD": "hush",
            "ENDPOINT_AUTH_SYSTEMVSSCONNECTION": "{}",
            "SECRET_TOKEN": "hush",
            "SECUREFILE_TICKET_1": "ticket",
            "VSTS_SECRET_VARIABLES": '["token"]',
            "AGENT_PROXYURL": "http://proxy:8080",
            "AWS_REGION": "eu-west-1",
            **HELD,
        },
        does="tell",
        awsConnection=ID,
        folder="dist",
        patterns="a\r\nb",
        customerKey="hush",
    )
    seen = told(ran)
    environment = seen.pop("environment")
    assert seen == {
        "folder": str(agent.work / "dist"),
        "patterns": ["a", "b"],
        "origin": f"service connection {ID} (awsConnection)",
        "secret": hashlib.sha256(b"hush").hexdigest(),
        "proxy": "http://proxy:8080",
        "region": "eu-west-1",
    }
    assert [n for n in environment if n.startswith(("INPUT_", "ENDPOINT_", "SEC", "VSTS_", "ROPEWAY_"))] == []
    assert "AGENT_TEMPDIRECTORY" in environment


def test_a_secret_input_is_masked_before_anything_else_is_said(agent: Agent) -> None:
    ran = agent.run(customerKey="hush\nhush again")
    assert ran.lines[:2] == ["##vso[task.setsecret]hush", "##vso[task.setsecret]hush again"]
    assert "hush" not in "".join(ran.lines[2:])


def test_nothing_that_is_printed_by_anybody_runs_a_command(agent: Agent) -> None:
    ran = agent.run(
        does="chatter", name="a ##vso[task.setvariable variable=PATH;]x\n##vso[task.complete result=Failed;]"
    )
    assert ran.code == DONE
    assert [command.name for command in ran.commands] == [
        "task.debug",
        "task.debug",
        "task.debug",
        "task.setprogress",
        "task.setvariable",
        "task.setvariable",
        "task.uploadsummary",
        "task.setvariable",
        "task.complete",
    ]
    for line in (
        "printed **vso[task.complete result=Succeeded;]",
        "to stderr **vso[task.complete result=Succeeded;]",
        "**vso[task.complete result=Succeeded;]",
        "first line **vso[task.complete result=Succeeded;]",
        r"second \x1b[31mred\x1b[0m \xff",
        "no line break at the end",
    ):
        assert line in ran.lines
    assert ran.data("task.setprogress", value="50") == ["Uploading **vso[task.complete result=Succeeded;]"]


# --- output that nobody takes --------------------------------------------------------------------------------------------


def test_a_slow_reader_of_a_pipe_that_does_not_block_gets_every_line(agent: Agent) -> None:
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    process = agent.popen(agent.arguments, {}, {"does": "say much"}, stdout=writer, stderr=writer)
    os.close(writer)
    time.sleep(1)
    with os.fdopen(reader, encoding="utf-8") as stream:
        ran = Ran(0, stream.read())
    process.communicate(timeout=60)
    assert process.returncode == DONE
    assert [line[:4] for line in ran.lines if line.endswith("xxx")] == [f"{at:04}" for at in range(2000)]


def test_without_a_stdout_it_does_not_end_well(agent: Agent) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with open("/dev/full", "wb") as full:
        for stdout in (writer, full):
            process = agent.popen(agent.arguments, {}, {}, stdout=stdout)
            process.communicate(timeout=60)
            assert process.returncode == DIED
    os.close(writer)
    closed = ["sh", "-c", 'exec "$@" >&-', "sh", *agent.arguments]
    process = agent.popen(closed, {}, {}, stderr=subprocess.DEVNULL)
    process.communicate(timeout=60)
    assert process.returncode == DIED


def test_a_stdout_that_is_closed_half_way_does_not_end_well(agent: Agent) -> None:
    process = agent.start(HELD, does="wait")
    assert process.stdout
    wait_for(process, "waiting")
    process.stdout.close()
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=60) == DIED


# --- stopping ------------------------------------------------------------------------------------------------------------


def wait_for(process: subprocess.Popen[bytes], line: str) -> str:
    """All that was said until the line came."""
    said = b""
    while not said.endswith(f"\n{line}\n".encode()):
        assert process.stdout
        more = process.stdout.readline()
        assert more, said
        said += more
    return said.decode()


def ended(process: subprocess.Popen[bytes]) -> Ran:
    assert process.stdout
    output = process.stdout.read().decode()
    return Ran(process.wait(timeout=60), output)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_asks_the_task_to_stop(agent: Agent, number: signal.Signals) -> None:
    process = agent.start(does="wait")
    wait_for(process, "waiting")
    process.send_signal(number)
    ran = ended(process)
    assert ran.code == FAILED
    why = f"Stopped: the step was cancelled or ran out of time ({number.name})."
    assert ran.completions == [("Failed", why)]
    assert ran.data("task.logissue", type="error") == [why]


def test_the_end_of_the_launcher_asks_the_task_to_stop(agent: Agent) -> None:
    process = agent.start(HELD, does="wait")
    wait_for(process, "waiting")
    assert process.stdin
    process.stdin.close()
    ran = ended(process)
    assert (ran.code, ran.completions) == (FAILED, [("Failed", "Stopped: the launcher of this task was ended.")])


def test_a_stdin_that_no_launcher_holds_may_be_at_its_end(agent: Agent) -> None:
    for stdin in (subprocess.DEVNULL, subprocess.PIPE):
        process = agent.popen(agent.arguments, {}, {"does": "end slowly"}, stdin=stdin)
        if process.stdin:
            process.stdin.close()
        wait_for(process, "waiting")
        time.sleep(0.3)
        assert process.poll() is None


def test_the_same_signal_twice_at_once_is_one_request(agent: Agent) -> None:
    # "At once" may last where a machine is slow.
    process = agent.start({"TEST_TWICE": "60"}, does="end slowly")
    wait_for(process, "waiting")
    for _ in range(3):
        process.send_signal(signal.SIGINT)
        time.sleep(0.05)
    ran = ended(process)
    assert ran.completions == [("Failed", "Stopped: the step was cancelled or ran out of time (SIGINT).")]


def test_a_second_signal_gives_up_and_says_what_may_be_left(agent: Agent) -> None:
    process = agent.start(does="ignore")
    wait_for(process, "waiting")
    process.send_signal(signal.SIGINT)
    time.sleep(1.2)
    process.send_signal(signal.SIGTERM)
    ran = ended(process)
    assert ran.code == FAILED
    ((result, message),) = ran.completions
    assert result == "Failed"
    assert message.startswith("Stopped before the task could clean up. What was under way may be left half done:")
    assert ran.data("task.logissue", type="error") == [message]


def test_who_is_given_up_after_the_completion_ends_as_it_said(agent: Agent) -> None:
    process = agent.start(does="leave a thread")
    said = wait_for(process, f"##vso[task.complete result=Succeeded;]{TITLE}")
    process.send_signal(signal.SIGTERM)
    time.sleep(1.2)
    process.send_signal(signal.SIGTERM)
    ran = ended(process)
    assert ran.code == DONE
    assert len(Ran(0, said + ran.output).completions) == 1


def test_a_killed_launcher_leaves_no_orphan(agent: Agent, tmp_path: Path) -> None:
    root = Path(__file__).parents[2]
    task = tmp_path / "task"
    (task / "tasks").mkdir(parents=True)
    for name, source in {
        "launch.js": root / "tasks" / "launcher" / "launch.js",
        "main.py": root / "tests/azure/fake/main.py",
        "tasks/fake.py": root / "tests/azure/fake/tasks/fake.py",
    }.items():
        (task / name).write_bytes(source.read_bytes())
    inputs = {"does": "wait", "pythonPath": sys.executable}
    launcher = agent.popen(["node", str(task / "launch.js")], {}, inputs, stdin=subprocess.DEVNULL)
    wait_for(launcher, "waiting")
    launcher.kill()
    assert launcher.stdout
    output = Ran(0, launcher.stdout.read().decode())  # ends when nobody holds the pipe any more
    launcher.wait()
    assert output.completions == [("Failed", "Stopped: the launcher of this task was ended.")]


# --- start-up ------------------------------------------------------------------------------------------------------------


def test_the_door_loads_nothing_of_the_command_line_or_the_tests() -> None:
    code = "import sys, ropeway.azure.main; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True).stdout.split()
    assert "ropeway.azure.main" in loaded
    assert not {"typer", "rich", "click", "moto", "requests"} & set(loaded)


# --- the post-job step ------------------------------------------------------------------------------------------------------


def test_what_is_pending_is_left_word_of_for_the_post_job_step(agent: Agent) -> None:
    ran = agent.run(does="leave")
    assert ran.data("task.settaskvariable", variable="ROPEWAY_PENDING") == ["s3://bucket/journal.json"]
    ran = agent.run(does="leave nothing")
    assert ran.data("task.settaskvariable", variable="ROPEWAY_PENDING") == ["s3://bucket/journal.json", ""]


def test_the_post_job_step_cleans_up_and_does_nothing_else(agent: Agent) -> None:
    ran = agent.after(name="i-1 out of shop")
    assert ran.code == DONE
    assert "Undone: i-1 out of shop." in ran.lines
    assert "##[section]" not in ran.output
    assert ran.completions == [("Succeeded", "What the step had left is undone.")]


def test_what_cannot_be_cleaned_up_fails_the_post_job_step(agent: Agent) -> None:
    ran = agent.after(name="raise late")
    assert ran.code == FAILED
    assert ran.completions == [("Failed", "The token has expired. Run it again.")]


def test_after_a_dry_run_there_is_nothing_to_clean_up(agent: Agent) -> None:
    ran = agent.after(dryRun="true", name="raise late")
    assert ran.completions == [("Succeeded", "What the step had left is undone.")]
