"""Ctrl-C: the first ends in good order, the second at once. In a process of its own, by real signals."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]

CARRY = """
import sys
from ropeway import cli
from ropeway.cli import tree
from ropeway.errors import Cancelled
from tests.cli.carrying import carry_task

def during(run):
    print("carrying", flush=True)
    while not run.cancellation.wait(60):
        pass
    {then}

tree.load_task = lambda _: carry_task(during=during)
cli.main(["s3", "upload", "dist", "s3://bucket/site", *sys.argv[1:]])
"""
END_WELL = 'raise Cancelled(f"Stopped: {run.cancellation.why}. Nothing is left behind.")'
HANG = 'print("hanging", flush=True); import time; time.sleep(60)'


@pytest.fixture
def carrying():
    """A command that carries until it is stopped; `then` is what it does then."""
    started = []

    def start(then: str, *arguments: str) -> subprocess.Popen[str]:
        code = CARRY.replace("{then}", then)
        process = subprocess.Popen(
            [sys.executable, "-c", code, *arguments],
            cwd=REPOSITORY,
            env={**os.environ, "AWS_REGION": "eu-west-1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        wait_for(process, "carrying")
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def wait_for(process: subprocess.Popen[str], word: str) -> None:
    for line in process.stdout:
        if line.strip() == word:
            return
    raise AssertionError(process.stderr.read())


@pytest.mark.parametrize(
    ("number", "why"),
    [(signal.SIGINT, "Ctrl-C was pressed"), (signal.SIGTERM, "the system asked for it (SIGTERM)")],
)
def test_the_first_signal_ends_in_good_order_and_says_what_is_left(carrying, number, why):
    process = carrying(END_WELL)
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Stopping: what is on its way ends or is taken back." in err
    assert err.splitlines()[-1] == f"Stopped: {why}. Nothing is left behind."
    assert "Traceback" not in err


def test_a_stopped_command_answers_in_json_too(carrying):
    process = carrying(END_WELL, "--json")
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=60)
    assert '"status": "stopped"' in out


def test_the_second_signal_ends_at_once(carrying):
    process = carrying(HANG)
    process.send_signal(signal.SIGINT)
    wait_for(process, "hanging")
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == -signal.SIGINT
    assert "Stopped at once." in err
    assert "Traceback" not in err
