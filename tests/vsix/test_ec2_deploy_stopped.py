"""EC2Deploy from the built extension, stopped wherever it is: cancelled, killed, or two at once.

Afterwards (after the post-job step, where one is due) everybody is in the target group, nobody is held up by a lock for longer than it lasts, nothing was
green, whoever does not answer is named, and the stage run again brings the release.
"""

from __future__ import annotations

import json
import os
import re
import signal
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ropeway.s3.state.hold import LASTS
from tests.checks.kinds.aws_kit import client_of
from tests.ec2.services import service
from tests.ec2.test_no_request_lost import Fleet
from tests.servers.misbehaving import Answer
from tests.vsix.agent import SIGINT_TIMEOUT, SIGTERM_TIMEOUT, Endpoint, Job, Step
from tests.vsix.conftest import CONNECTION

__all__ = ["client_of"]

SLOW_CURL = '#!/bin/sh\n{hold}\nexec /usr/bin/env -S PATH=/usr/bin:/bin curl "$@"\n'
UNWELL = "checks:\n  ready:\n    http: {{url: '{url}/ready', body: well}}\n    within: 60s\n    every: 100ms\n"


class Stage:
    """A stage of a pipeline that deploys to two instances behind a target group, which have v1.

    What is `held` on a host waits there once, the first time that anybody comes by, until it is `let_go` or ended.
    """

    def __init__(self, fleet: Fleet, agent, s3, folder: Path) -> None:
        self.fleet, self.agent, self.s3 = fleet, agent, s3
        self.folder = folder
        self.mark, self.go = folder / "held", folder / "go"
        self.hold = f"if mkdir {self.mark} 2>/dev/null; then for _ in $(seq 1200); do [ -e {self.go} ] && break; sleep 0.1; done; fi"
        self.build = service(folder, "v2")

    def start(self, build: Path | None = None, **more: str) -> Step:
        embedded, folder = self.fleet.embedded, build or self.build
        keys = {"username": embedded.connection.access_key_id, "password": embedded.connection.secret_access_key}
        given = {
            "awsConnection": CONNECTION,
            "regionName": embedded.region,
            "endpointUrl": embedded.endpoint_url,
            "bucketName": self.fleet.bucket,
            "application": self.fleet.name,
            "applicationFolder": f"/opt/{self.fleet.name}",
            "sourcePath": str(folder),
            "instanceTags": f"app={self.fleet.name}",
            "batches": "1",
            "drainFrom": self.fleet.group.name,
            **more,
        }
        job = Job(variables={"Build.BuildNumber": folder.name}, endpoints=(Endpoint(CONNECTION, keys),))
        return self.agent.start("RopewayEC2Deploy", given, job, env={"AWS_ENDPOINT_URL": embedded.endpoint_url})

    def let_go(self) -> None:
        self.go.touch()

    def holds_in(self, script: str) -> None:
        file = self.build / "scripts" / script
        file.write_text(file.read_text().replace("\n", f"\n{self.hold}\n", 1))
        application = (
            self.build / "ropeway-app.yml"
        )  # has half a minute for it, in which a slow machine starts no two more steps
        application.write_text(re.sub(r"timeout: \d+s", "timeout: 5m", application.read_text()))

    def drains_slowly(self, seconds: int) -> None:
        """Of which a hundredth passes here."""
        delay = {"Key": "deregistration_delay.timeout_seconds", "Value": str(seconds)}
        self.fleet.group.elb.modify_target_group_attributes(TargetGroupArn=self.fleet.group.arn, Attributes=[delay])

    @property
    def first(self) -> str:
        """Whose turn comes first."""
        return min(self.fleet.addresses)

    # --- how it stands --------------------------------------------------------------------------------------------------------

    @property
    def draining(self) -> bool:
        return "draining" in [state for state, _ in self.fleet.group.health().values()]

    def members(self) -> set[str]:
        """Who is registered, and not on his way out."""
        return {member for (member, _), (state, _) in self.fleet.group.health().items() if state != "draining"}

    def answers(self) -> dict[str, str]:
        """The version that each answers with; empty where nobody answers."""
        return {host.id: _asked(host.address) for host in self.fleet.hosts}

    @property
    def _lock(self) -> str:
        return f".ropeway/applications/{self.fleet.name}/lock.json"

    def lock(self) -> dict[str, object]:
        return json.loads(self.s3.get_object(Bucket=self.fleet.bucket, Key=self._lock)["Body"].read())

    def lock_ends_in(self, seconds: float, owner: str = "") -> None:
        """Time passes: so much is left of what its owner has, or a new one."""
        told = {**self.lock(), "expires": time.time() + seconds} | ({"owner": owner} if owner else {})
        self.s3.put_object(Bucket=self.fleet.bucket, Key=self._lock, Body=json.dumps(told).encode())

    # --- what must hold -------------------------------------------------------------------------------------------------------

    def nobody_is_left_out_or_held_up(self) -> None:
        assert self.members() == set(self.fleet.addresses)
        held = self.lock()
        assert not held["owner"] or held["expires"] <= time.time() + LASTS + 2, held

    def whoever_does_not_answer_is_named(self, said: str) -> None:
        for member, answer in self.answers().items():
            assert answer in {"v1", "v2"} or member in said, f"{member} does not answer, and nobody says so: {said}"

    def comes_right_when_it_is_run_again(self) -> None:
        """Which of the doors it comes through is all one here: that it is the built extension costs another start of it."""
        self.drains_slowly(30)
        again = self.fleet.deploy(self.build, batches="1", drain_from=self.fleet.group.name)
        assert again.error is None
        assert set(self.answers().values()) == {"v2"}
        self.fleet.group.wait_all("healthy")
        self.nobody_is_left_out_or_held_up()
        assert not self.lock()["owner"]


def _asked(address: str) -> str:
    try:
        with urllib.request.urlopen(f"http://{address}:8080/", timeout=60) as answer:
            return answer.read().decode()
    except OSError:
        return ""


def until(seen: Callable[[], object], step: Step) -> None:
    ends = time.monotonic() + 240
    while not seen():
        assert step.process.poll() is None, step.wait().text
        assert time.monotonic() < ends, step.context.text
        time.sleep(0.02)


@pytest.fixture
def stage(embedded, client_of, bucket, monkeypatch, tmp_path, agent, s3) -> Iterator[Stage]:
    monkeypatch.setenv("AWS_ENDPOINT_URL", embedded.endpoint_url)
    fleet = Fleet(embedded, client_of, bucket, 2)
    assert fleet.deploy(service(tmp_path, "v1"), batches="100%").error is None
    fleet.register()
    stage = Stage(fleet, agent, s3, tmp_path)
    yield stage
    stage.let_go()


# --- the phases: each starts the stage, and returns when it is there ----------------------------------------------------------


def waiting_for_the_lock(stage: Stage, _misbehaving) -> Step:
    stage.lock_ends_in(LASTS, owner="somebody else")
    step = stage.start()
    until(lambda: "somebody else holds it" in step.context.text, step)
    stage.lock_ends_in(0)
    return step


def staging(stage: Stage, _misbehaving) -> Step:
    for host in stage.fleet.hosts:
        shim = Path(host.folder, "usr/local/bin/curl")
        shim.write_text(SLOW_CURL.format(hold=stage.hold))
        shim.chmod(0o755)
    step = stage.start()
    until(stage.mark.exists, step)
    return step


def draining(stage: Stage, _misbehaving) -> Step:
    stage.drains_slowly(3000)
    step = stage.start()
    until(lambda: stage.draining, step)
    return step


def switching(stage: Stage, _misbehaving) -> Step:
    stage.holds_in("start.sh")
    step = stage.start()
    until(stage.mark.exists, step)
    return step


def checking(stage: Stage, misbehaving) -> Step:
    """A check that does not pass as long as this run asks it."""
    misbehaving.on(Answer(503, body=b"not yet"), target="/ready")
    checks = stage.agent.sources / "host.yml"
    checks.write_text(UNWELL.format(url=misbehaving.url))
    step = stage.start(hostChecksFile="host.yml")
    until(lambda: misbehaving.requests, step)
    return step


def putting_back(stage: Stage, _misbehaving) -> Step:
    """v2 does not validate the first time; and it does not stop either, when v1 shall come back."""
    failed = stage.folder / "failed"
    script = stage.build / "scripts/validate.sh"
    script.write_text(script.read_text().replace("\n", f"\nmkdir {failed} 2>/dev/null && exit 3\n", 1))
    stage.holds_in("stop.sh")
    step = stage.start()
    until(stage.mark.exists, step)
    return step


SAYS = {
    draining: "No instance was switched.",
    switching: "Nobody knows what is live on {first}.",
    checking: "On v2, and not proved: {first}. As before: ",
}
PHASES = (waiting_for_the_lock, staging, draining, switching, checking, putting_back)


@pytest.mark.parametrize("phase", PHASES, ids=lambda phase: phase.__name__.replace("_", " "))
def test_a_deploy_that_is_cancelled_leaves_nobody_out_and_comes_right_when_it_is_run_again(stage, misbehaving, phase):
    step = phase(stage, misbehaving)
    seconds = step.cancel()

    context = step.context
    assert seconds < SIGINT_TIMEOUT + SIGTERM_TIMEOUT
    assert not context.killed
    assert [result for result, _ in context.completions] == ["Failed"], context.text
    said = "\n".join(context.errors)
    assert "Stopped" in said
    assert SAYS.get(phase, "").format(first=stage.first) in said
    after = stage.agent.after(step)
    assert after.result == "Succeeded", after.text
    stage.nobody_is_left_out_or_held_up()
    stage.whoever_does_not_answer_is_named(said)
    stage.comes_right_when_it_is_run_again()


@pytest.mark.parametrize("phase", [draining, switching], ids=lambda phase: phase.__name__)
def test_what_a_killed_deploy_has_taken_out_is_put_back_by_the_post_job_step(stage, phase):
    step = phase(stage, None)
    os.killpg(step.process.pid, signal.SIGKILL)
    context = step.wait()
    assert (context.result, context.completions) == ("Failed", [])
    assert len(stage.members()) == 1

    stage.lock_ends_in(1)
    after = stage.agent.after(step)

    assert after.completions == [("Succeeded", "What the step had left is undone.")], after.text
    stage.nobody_is_left_out_or_held_up()
    assert not stage.lock()["owner"]
    stage.whoever_does_not_answer_is_named(after.text)
    assert "run the stage again, or go back" in after.text
    stage.let_go()
    stage.comes_right_when_it_is_run_again()


def test_of_two_deploys_at_once_one_waits_or_fails_and_the_last_one_is_live(stage):
    first = switching(stage, None)
    second = stage.start(service(stage.folder, "v3"))
    until(lambda: "holds it (deploy v2)" in second.context.text, second)
    third = stage.start(service(stage.folder, "v4"), lock="fail").wait()
    stage.let_go()

    ends = [step.wait().completions for step in (first, second)]

    name = stage.fleet.name
    assert ends == [[("Succeeded", f"Deployed {version} of {name} on 2 instances")] for version in ("v2", "v3")]
    [(result, message)] = third.completions
    assert result == "Failed"
    assert "Nothing was changed" in message
    assert "planned anew" in second.context.text
    assert set(stage.answers().values()) == {"v3"}
    stage.fleet.group.wait_all("healthy")
    stage.nobody_is_left_out_or_held_up()
    assert not stage.lock()["owner"]
