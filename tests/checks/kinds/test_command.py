"""The kind `command`, which runs real programs."""

from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ropeway.checks import running
from ropeway.checks.finding import Finding
from ropeway.checks.kinds.command import KIND, environment
from ropeway.checks.nodes import Mistakes
from ropeway.checks.running import end, group_of_its_own
from ropeway.errors import Cancelled
from ropeway.outcome import Cancellation
from tests.checks.asking import ask, settings_of


def asked(script: str, timeout: float = 20, deployed: str = "", **given: Any) -> Finding:
    return ask(
        KIND, json.dumps({"command": [sys.executable, "-c", script], **given}), timeout=timeout, release=deployed
    )


def test_a_program_that_ends_well_passes():
    finding = asked("print('fine')")

    assert (finding.verdict, finding.expected) == ("pass", "exit code 0")
    assert finding.got.startswith("exit code 0 after ")
    assert finding.details == ()


def test_a_program_that_ends_badly_fails_and_its_last_lines_are_told():
    finding = asked("import sys; print(*range(30), sep='\\n'); sys.exit('the shop is closed')", exitCode=[0, 3])

    assert (finding.verdict, finding.expected) == ("fail", "exit code 0 or 3")
    assert finding.got.startswith("exit code 1 after ")
    assert finding.advice == "What it printed last stands below."
    assert finding.details == ("(10 lines before)", *map(str, range(10, 30)), "stderr:", "the shop is closed")


def test_another_exit_code_can_be_the_good_one():
    assert asked("raise SystemExit(3)", exitCode=3).verdict == "pass"
    assert asked("", exitCode=3).verdict == "fail"


def test_a_program_that_a_signal_killed_fails():
    finding = asked("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)")
    assert finding.verdict == "fail"
    assert finding.got.startswith("the signal SIGSEGV after ")


# --- output ------------------------------------------------------------------------------------------------------------------


def test_what_it_prints_is_looked_into():
    script = "import sys; print('12 passed'); print('careful', file=sys.stderr)"

    assert (
        asked(script, output={"matches": r"^\d+ passed$", "excludes": "failed"}, errorOutput="careful").verdict
        == "pass"
    )
    assert asked(script, output={"equals": "12 passed"}).verdict == "pass"
    finding = asked(script, output=["passed", "in 3 s"])
    assert (finding.verdict, finding.expected, finding.got) == ("fail", 'output with "in 3 s"', 'output "12 passed"')
    finding = asked(script, errorOutput={"absent": True})
    assert (finding.verdict, finding.expected, finding.got) == ("fail", "no error output", 'error output "careful"')
    assert asked("print(1)", errorOutput={"absent": True}).verdict == "pass"


def test_of_a_long_output_beginning_and_end_are_kept_and_nothing_is_concluded_from_it():
    script = "print('first'); print('x' * 5_000_000); print('last')"
    finding = asked(script, output="first", outputLimit="2 KB")

    assert (finding.verdict, finding.expected, finding.got) == ("error", "a whole output", "more than 2.0 KB")
    assert finding.advice == "Raise outputLimit."
    assert finding.details[0] == "first"
    assert finding.details[-1] == "last"
    assert any("bytes left out" in line for line in finding.details)
    assert asked(script, outputLimit="2 KB").verdict == "pass"


def test_an_output_that_is_no_text_is_told_all_the_same():
    finding = asked(r"import sys; sys.stdout.buffer.write(b'\xff\xfe ##vso[task.complete]\r\n'); sys.exit(1)")
    assert finding.details == ("\ufffd\ufffd ##vso[task.complete]",)


# --- what it is given ----------------------------------------------------------------------------------------------------------


def test_credentials_and_secrets_of_the_task_are_not_inherited(monkeypatch: pytest.MonkeyPatch):
    ours = {
        "AWS_ACCESS_KEY_ID": "AKIDINHERITED",
        "AWS_SECRET_ACCESS_KEY": "secret-of-the-task",
        "AWS_SESSION_TOKEN": "token-of-the-task",
        "SYSTEM_ACCESSTOKEN": "token-of-the-job",
        "SOMETHING": "else",
        "BUILD_BUILDNUMBER": "20261122.1",
    }
    for name, value in ours.items():
        monkeypatch.setenv(name, value)
    program = "import os, sys; names = set(os.environ); sys.exit(', '.join(sorted(names & set(sys.argv[1:]))))"
    finding = ask(KIND, json.dumps({"command": [sys.executable, "-c", program, *ours]}))

    assert finding.details[-1] == "BUILD_BUILDNUMBER"


def test_what_is_asked_for_is_inherited_and_secret_values_are_not_told(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret-of-the-task")
    monkeypatch.setenv("SHOP_COLOR", "green")
    program = "import os, sys; sys.exit(os.environ['AWS_SECRET_ACCESS_KEY'] + ' ' + os.environ['SHOP_COLOR'])"
    finding = asked(program, inherit=["AWS_*", "SHOP_COLOR"])

    assert finding.details[-1] == "*** green"


def test_variables_that_are_set_are_there_and_secret_ones_are_not_told():
    program = (
        "import os, sys; sys.exit(' '.join(os.environ[n] for n in ('SHOP_COLOR', 'SHOP_TOKEN', 'ROPEWAY_RELEASE')))"
    )
    finding = asked(program, env={"SHOP_COLOR": "green", "SHOP_TOKEN": "tok-123"}, deployed="42")

    assert finding.details[-1] == "green *** 42"


def test_it_runs_in_the_folder_of_the_suite_or_in_one_below(tmp_path: Path):
    (tmp_path / "smoke").mkdir()
    given = json.dumps({"command": [sys.executable, "-c", "import os, sys; sys.exit(os.getcwd())"], "folder": "smoke"})
    assert ask(KIND, given, folder=str(tmp_path)).details[-1] == str(tmp_path / "smoke")


def test_its_input_is_empty():
    assert asked("import sys; sys.exit(len(sys.stdin.read()))").verdict == "pass"


def test_a_line_for_the_shell_is_read_by_one():
    finding = ask(KIND, "{shell: 'echo a b | wc -w; exit 3', exitCode: 3, output: {matches: '^ *2$'}}")
    assert finding.verdict == "pass"


def test_without_a_shell_nothing_is_expanded():
    finding = ask(
        KIND, json.dumps({"command": [sys.executable, "-c", "import sys; sys.exit(sys.argv[1])", "$(id); *"]})
    )
    assert finding.details[-1] == "$(id); *"


# --- ending ------------------------------------------------------------------------------------------------------------------

FAMILY = """
import os, signal, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)"])
{first}
with open(sys.argv[1] + ".part", "w") as note:
    note.write(str(child.pid))
os.rename(sys.argv[1] + ".part", sys.argv[1])
{then}
"""
WAITS = "time.sleep(300)"


@pytest.fixture
def note(tmp_path: Path) -> Path:
    """The number of the program's child: written when the program has begun."""
    return tmp_path / "pid"


@pytest.fixture
def over_once_begun(monkeypatch: pytest.MonkeyPatch, note: Path) -> None:
    """The time of a program is over as soon as it has begun, however long a slow machine took for that."""
    minutes = itertools.count(step=60.0)
    monkeypatch.setattr(running, "time", SimpleNamespace(monotonic=lambda: next(minutes) if note.exists() else 0.0))


def is_gone(pid: int) -> bool:
    """Nobody of this number runs any more; what nobody waited for may still be in the table."""
    for _ in range(400):
        try:
            os.kill(pid, 0)
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except (ProcessLookupError, FileNotFoundError):
            return True
        time.sleep(0.05)
    return False


def command(note: Path, first: str = "", then: str = "") -> str:
    """`first` is what the program does before it has begun."""
    return json.dumps({"command": [sys.executable, "-c", FAMILY.format(first=first, then=then), str(note)]})


@pytest.mark.usefixtures("over_once_begun")
def test_a_program_that_does_not_end_is_stopped_with_all_that_it_started(note: Path):
    finding = ask(KIND, command(note, "print('begun', flush=True)", WAITS), timeout=60)

    assert (finding.verdict, finding.got) == ("fail", "no end within 60 s: it was stopped")
    assert finding.advice.startswith("Give it more time (timeout)")
    assert finding.details == ("begun",)
    assert is_gone(int(note.read_text()))


@pytest.mark.usefixtures("over_once_begun")
def test_a_program_that_does_not_want_to_end_is_killed(note: Path):
    deaf = "signal.signal(signal.SIGTERM, signal.SIG_IGN)"
    assert ask(KIND, command(note, deaf, WAITS), timeout=60).verdict == "fail"
    assert is_gone(int(note.read_text()))


@pytest.mark.usefixtures("over_once_begun")
def test_a_program_may_tidy_up_when_its_time_is_over(note: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(running, "GRACE", 15.0)
    tidy = "signal.signal(signal.SIGTERM, lambda *_: sys.exit(print('tidied up', flush=True)))"
    assert ask(KIND, command(note, tidy, WAITS), timeout=60).details == ("tidied up",)


def test_what_a_program_leaves_behind_ends_with_it_and_holds_nothing_up(note: Path):
    began = time.monotonic()
    finding = ask(KIND, command(note, then="print('done')"), timeout=60)

    assert finding.verdict == "pass"
    assert time.monotonic() - began < 50
    assert is_gone(int(note.read_text()))


def test_what_has_a_session_of_its_own_and_holds_the_output_leaves_it_unknown(
    note: Path, monkeypatch: pytest.MonkeyPatch
):
    """What is excluded may still be said; an exit code is known all the same."""
    monkeypatch.setattr(running, "LAST_WORDS", 0.3)
    daemon = f"echo fine; setsid sh -c 'echo $$ >{note}; exec sleep 600' & until [ -s {note} ]; do sleep 0.05; done"
    given = {"shell": daemon}
    try:
        finding = ask(KIND, json.dumps({**given, "output": {"excludes": "ERROR"}}), timeout=60)
        assert (finding.verdict, finding.expected) == ("error", "a whole output")
        assert finding.got == "what the program has left behind holds it open"
        assert ">log 2>&1" in finding.advice
    finally:
        os.kill(int(note.read_text()), signal.SIGKILL)
    note.unlink()
    try:
        assert ask(KIND, json.dumps(given), timeout=60).verdict == "pass"
    finally:
        os.kill(int(note.read_text()), signal.SIGKILL)


def test_a_cancelled_task_ends_it(note: Path):
    cancellation = Cancellation()

    def cancel_when_it_runs() -> None:
        while not note.exists():
            time.sleep(0.01)
        cancellation.ask("somebody pressed Cancel")

    threading.Thread(target=cancel_when_it_runs, daemon=True).start()
    with pytest.raises(Cancelled, match="somebody pressed Cancel"):
        ask(KIND, command(note, then=WAITS), timeout=60, cancellation=cancellation)
    assert is_gone(int(note.read_text()))


# --- errors ------------------------------------------------------------------------------------------------------------------


def test_a_program_that_is_not_there_is_an_error():
    finding = ask(KIND, "command: no-such-program-here")
    assert (finding.verdict, finding.got) == ("error", "There is no program 'no-such-program-here' on the PATH.")
    assert finding.advice == "Install it on this machine, or name it with its path."


def test_a_command_written_as_one_text_is_an_error_that_says_how_to_write_it():
    finding = ask(KIND, "command: python smoke.py --fast")
    assert (finding.verdict, finding.got) == ("error", "There is no program 'python smoke.py --fast' on the PATH.")
    assert finding.advice.startswith("A command is a list, a word each: [python, smoke.py, --fast]")


def test_a_file_that_is_no_program_is_an_error(tmp_path: Path):
    (tmp_path / "smoke.sh").write_text("#!/bin/sh\n")
    finding = ask(KIND, "command: ./smoke.sh", folder=str(tmp_path))
    assert (finding.verdict, finding.got) == ("error", "Could not run ./smoke.sh: Permission denied.")
    assert finding.advice.endswith("whether it may be run (chmod +x).")


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path):
    finding = asked("", folder=str(tmp_path / "none"))
    assert (finding.verdict, finding.got) == (
        "error",
        f"The folder {tmp_path / 'none'} is not there: {sys.executable} was to run in it.",
    )


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("{}", "It takes one of command and shell"),
        ("{command: a, shell: b}", "It takes one of command and shell"),
        ("{command: a, exitCode: -1}", "exitCode is '-1', which is no exit code"),
        ("{command: a, env: {'a=b': c}}", "env holds 'a=b', which cannot be set"),
        ('{command: "a\\0b"}', "The command holds a NUL"),
    ],
)
def test_mistakes_of_the_suite(given: str, words: str):
    with pytest.raises(Mistakes, match=words):
        settings_of(KIND, given)


def test_the_plan_says_what_would_run_and_a_dry_run_runs_nothing():
    assert KIND.subject(settings_of(KIND, "command: [python, 'a b.py']"), "") == "python 'a b.py' ends with exit code 0"
    assert KIND.runs


# --- Windows -----------------------------------------------------------------------------------------------------------------


def test_on_windows_names_of_variables_are_the_same_in_upper_and_lower_case():
    given = settings_of(KIND, "{command: a, inherit: shop_*}")
    ours = {
        "Path": "p",
        "SystemRoot": "r",
        "SHOP_COLOR": "green",
        "Aws_Secret_Access_Key": "s",
        "System_AccessToken": "t",
    }

    assert environment(given, ours, windows=True) == {"Path": "p", "SystemRoot": "r", "SHOP_COLOR": "green"}
    assert environment(given, ours, windows=False) == {}


def test_on_windows_a_program_is_in_a_group_of_its_own_and_ends_with_its_tree(monkeypatch: pytest.MonkeyPatch):
    done: list[Any] = []
    monkeypatch.setattr(os, "kill", lambda pid, number: done.append((pid, int(number))))
    monkeypatch.setattr(subprocess, "run", lambda command, **_: done.append(command))

    assert group_of_its_own(windows=True) == {"creationflags": 0x200}
    end(4711, gently=True, windows=True)
    end(4711, gently=False, windows=True)
    assert done == [(4711, getattr(signal, "CTRL_BREAK_EVENT", 1)), ("taskkill", "/T", "/F", "/PID", "4711")]
