"""Two processes deploy at once, or one is killed half-way and the deploy is run again: real processes, and what AWS shows of them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.checks.kinds.aws_kit import client_of
from tests.ec2.faults import (
    all_have,
    as_the_page_says,
    drains,
    fleet,
    held_at,
    left_in_journal,
    of,
    run_out,
    state,
    until,
)
from tests.ec2.services import service
from tests.servers.balanced import NEVER, drained_in

__all__ = ["client_of", "fleet"]

pytestmark = pytest.mark.timeout(900)  # deploys of two processes, one after the other

WELL = 400
"""Seconds in which a deploy ends, on a slow machine that has other work too."""


@pytest.fixture
def begin(fleet, embedded, tmp_path):
    """`ropeway ec2 deploy` in a process of its own."""
    begun: list[subprocess.Popen[bytes]] = []

    def deploy(folder: Path, **more: str) -> subprocess.Popen[bytes]:
        given = {
            "application": fleet.name,
            "bucket-name": fleet.bucket,
            "region-name": embedded.region,
            "source-path": str(folder),
            "release-id": folder.name,
            "instance-tags": f"app={fleet.name}",
            "drain-from": fleet.group.name,
            "batches": "1",
            **more,
        }
        said = (tmp_path / f"said by {len(begun)}").open("wb")
        keys = embedded.connection
        environment = {"AWS_ACCESS_KEY_ID": keys.access_key_id, "AWS_SECRET_ACCESS_KEY": keys.secret_access_key}
        arguments = [word for name, value in given.items() for word in (f"--{name}", value)]
        with said:
            process = subprocess.Popen(
                [sys.executable, "-m", "ropeway.cli", "ec2", "deploy", *arguments],
                env={**os.environ, **environment},
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=subprocess.STDOUT,
            )
        begun.append(process)
        return process

    yield deploy
    for process in begun:
        process.kill()
        process.wait()


@pytest.fixture
def said(tmp_path):
    return lambda at: " ".join((tmp_path / f"said by {at}").read_text().split())


def holder(s3, fleet) -> str:
    return str(state(s3, fleet, "lock.json")["owner"])


def killed(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL


def test_a_deploy_that_is_killed_while_an_instance_is_out_is_run_again_and_comes_to_its_end(
    fleet, s3, begin, said, tmp_path
):
    first, folder = of(fleet, 0), service(tmp_path, "v2")
    drained_in(fleet.group, NEVER)
    dead = begin(folder)
    until(lambda: drains(fleet, first))
    killed(dead)
    drained_in(fleet.group, 30)
    assert left_in_journal(s3, fleet) == [first.id]
    run_out(s3, fleet)
    again = begin(folder)
    assert again.wait(WELL) == 0, said(1)
    as_the_page_says("The run is killed while an instance is out, and run again", None, said(1))
    all_have(fleet, s3, "v2")


def test_a_deploy_that_is_killed_while_a_host_switches_is_run_again_and_waits_for_what_runs_there(
    fleet, s3, begin, said, tmp_path
):
    last, folder = of(fleet, 1), service(tmp_path, "v2")
    hold = held_at(folder, "validate.sh", last)
    dead = begin(folder)
    until((hold / "here").exists)
    killed(dead)
    assert left_in_journal(s3, fleet) == [last.id]
    run_out(s3, fleet)
    (hold / "go").touch()
    again = begin(folder)
    assert again.wait(WELL) == 0, said(1)
    all_have(fleet, s3, "v2")


def test_of_two_deploys_at_once_the_one_that_does_not_wait_fails_and_changes_nothing(fleet, s3, begin, said, tmp_path):
    first, folder = of(fleet, 0), service(tmp_path, "v2")
    hold = held_at(folder, "validate.sh", first)
    one = begin(folder)
    until((hold / "here").exists)
    other = begin(service(tmp_path, "v3"), lock="fail")
    assert other.wait(WELL) not in {0, 3}, said(1)
    as_the_page_says("Two deploy at once, and one does not wait", said(1))
    (hold / "go").touch()
    assert one.wait(WELL) == 0, said(0)
    all_have(fleet, s3, "v2")


def test_two_deploys_at_once_come_one_after_the_other_and_all_have_the_later_one(fleet, s3, begin, said, tmp_path):
    both = [begin(service(tmp_path, version)) for version in ("v2", "v3")]
    assert [process.wait(WELL) for process in both] == [0, 0], (said(0), said(1))
    live = state(s3, fleet, "releases.json")["live"]
    assert live in {"v2", "v3"}
    all_have(fleet, s3, live)
    assert {one["id"]: one["state"] for one in state(s3, fleet, "releases.json")["releases"]} == dict.fromkeys(
        ("v1", "v2", "v3"), "healthy"
    )
