"""EC2Deploy against instances that really run: what answers on them, what lies on them, what the history says, what people are told."""

from __future__ import annotations

import json
import threading
import urllib.request
import uuid
from dataclasses import dataclass, field
from pathlib import Path

import boto3
import pytest

from ropeway import as_json
from ropeway.ec2.host import HostScripts
from ropeway.errors import ChecksFailed, DeployFailed, InputError, LocalFileError, Overtaken, TargetsMissing
from ropeway.outcome import Cancellation, Outcome
from ropeway.registry import load_task
from ropeway.tasks import ec2_deploy
from tests.checks.kinds.aws_kit import client_of
from tests.ec2.faults import as_the_page_says
from tests.ec2.services import service
from tests.waiting import wait_until

__all__ = ["client_of"]


@dataclass
class Shop:
    """An application on so many instances, and the ways to work on it."""

    embedded: object
    run_task: object
    bucket: str
    builds: Path
    monkeypatch: pytest.MonkeyPatch
    count: int
    name: str = field(default_factory=lambda: f"shop-{uuid.uuid4().hex[:8]}")

    def __post_init__(self) -> None:
        self.hosts = self.embedded.instances.add(self.count, tags={"app": self.name})
        self.ids = sorted(host.id for host in self.hosts)

    def run(self, *, module: str = "ec2_deploy", **more):
        texts = {"application": self.name, "bucket_name": self.bucket, "instance_tags": f"app={self.name}"}
        return self.run_task(module, **{**texts, **more})

    def deploy(self, version: str, *, broken_on: str = "", **more) -> Outcome:
        folder = self.builds / version
        if not folder.exists():
            service(self.builds, version, broken_on=broken_on)
        return self.run(source_path=str(folder), release_id=version, **more).outcome

    def back(self, **more) -> Outcome:
        self.monkeypatch.setattr(
            "tests.tasks.conftest.load_task",
            lambda module: ec2_deploy.ROLLBACK if module == "back" else load_task(module),
        )
        return self.run(module="back", **more).outcome

    @property
    def answers(self) -> list[str]:
        """What is served on each, in the order of their ids."""
        return [_get(host.address) for host in sorted(self.hosts, key=lambda host: host.id)]

    def folder(self, host) -> Path:
        return Path(host.folder, "opt", self.name)

    def marks(self, host) -> dict[str, str]:
        """What the host holds of each of its releases."""
        notes = self.folder(host) / ".ropeway/releases"
        return {one.name: (one / "state").read_text().strip() for one in notes.iterdir()}

    def state(self, s3, name: str):
        key = f".ropeway/applications/{self.name}/{name}"
        return json.loads(s3.get_object(Bucket=self.bucket, Key=key)["Body"].read())

    def releases(self, s3) -> dict[str, str]:
        return {one["id"]: one["state"] for one in self.state(s3, "releases.json")["releases"]}

    def records(self, s3) -> list[dict]:
        prefix = f".ropeway/applications/{self.name}/"
        listed = s3.list_objects_v2(Bucket=self.bucket, Prefix=f"{prefix}deploys/").get("Contents", [])
        return [self.state(s3, one["Key"].removeprefix(prefix)) for one in listed]


def _get(address: str) -> str:
    try:
        with urllib.request.urlopen(f"http://{address}:8080/", timeout=30) as answer:
            return answer.read().decode()
    except OSError:
        return ""


def outputs(outcome: Outcome) -> dict[str, str]:
    return {output.name: output.value for output in outcome.outputs}


@pytest.fixture
def shop(embedded, run_task, bucket, tmp_path, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", embedded.endpoint_url)
    return lambda count=2: Shop(embedded, run_task, bucket, tmp_path, monkeypatch, count)


# --- the main job -------------------------------------------------------------------------------------------------------------


def test_a_fleet_goes_from_release_to_release_and_a_bad_one_is_taken_back(shop, s3):
    fleet = shop(3)
    first = fleet.deploy("v1", batches="100%")
    assert (first.error, fleet.answers) == (None, ["v1"] * 3)
    assert fleet.deploy("v2").error is None
    assert fleet.answers == ["v2"] * 3

    bad = fleet.ids[2]
    third = fleet.deploy("v3", broken_on=bad, batches="1")

    assert fleet.answers == ["v2"] * 3
    assert isinstance(third.error, DeployFailed)
    said, *printed = third.error.message.splitlines()
    assert said == (
        f"Release v3 was not deployed to {fleet.name}. 1 instance failed. {bad}: ValidateService: scripts/validate.sh ended with exit code 3. "
        "Put back, and proved: 3 instances, on v2."
    )
    assert printed == [
        f"{bad} printed last:",
        "  == ApplicationStop: scripts/stop.sh, at most 20 s",
        "  == ApplicationStart: scripts/start.sh, at most 30 s",
        "  == ValidateService: scripts/validate.sh, at most 30 s",
        "  broken here",
        "  Failed: scripts/validate.sh ended with exit code 3.",
    ]
    assert {one.fate for one in third.instances} == {"rolled back"}
    told = outputs(third)
    assert (told["result"], told["liveRelease"], told["previousRelease"]) == ("rolledBack", "v2", "v2")
    assert fleet.releases(s3) == {"v1": "healthy", "v2": "healthy", "v3": "rolledBack"}
    assert [(one["release"], one["end"]) for one in fleet.records(s3)] == [
        ("v1", "healthy"),
        ("v2", "healthy"),
        ("v3", "rolledBack"),
    ]
    lock = fleet.state(s3, "lock.json")
    assert lock["owner"] == ""
    *_, failed = as_json.envelope("EC2Deploy", plan=third.plan, outcome=third)["instances"]
    assert {name: failed[name] for name in ("id", "batch", "before", "live", "fate")} == {
        "id": bad,
        "batch": 3,
        "before": "v2",
        "live": "v2",
        "fate": "rolled back",
    }
    assert [(step["name"], bool(step["why"])) for step in failed["steps"]] == [
        ("stage", False),
        ("switch", True),
        ("rollback", False),
    ]
    assert "broken here" in failed["steps"][1]["printed"]


def test_a_release_that_is_there_changes_nothing_and_a_new_host_alone_is_brought_to_it(shop, s3):
    fleet = shop(1)
    assert fleet.deploy("v1").error is None
    again = fleet.deploy("v1")
    assert [one.fate for one in again.instances] == ["unchanged"]
    assert again.title == f"{fleet.name} has v1 on all 1 instance already"

    fleet.hosts = [*fleet.hosts, *fleet.embedded.instances.add(1, tags={"app": fleet.name})]
    third = fleet.deploy("v1")
    assert (third.error, fleet.answers) == (None, ["v1", "v1"])
    assert sorted(one.fate for one in third.instances) == ["deployed", "unchanged"]
    assert fleet.releases(s3) == {"v1": "healthy"}


def test_an_instance_that_comes_while_it_is_deployed_is_named_and_no_green_without_a_word(shop):
    fleet, new = shop(1), []
    folder = service(fleet.builds, "v1")

    def launch(_: object) -> None:
        new.extend(fleet.embedded.instances.add(1, tags={"app": fleet.name}))

    ended = fleet.run(source_path=str(folder), release_id="v1", between=launch).outcome
    as_the_page_says("An instance comes while it is deployed", ended.error, " ".join(ended.warnings))
    assert ended.status == "warnings"
    assert (
        f"1 instance came while it was deployed, and did not get v1: {new[0].id}. Deploy again, which brings it to them alone."
    ) in ended.warnings


def test_a_failure_that_may_be_ends_with_issues_and_the_host_is_back(shop):
    fleet = shop(2)
    fleet.deploy("v1", batches="100%")
    second = fleet.deploy("v2", broken_on=fleet.ids[0], batches="1", max_failures="50%")
    assert fleet.answers == ["v1", "v2"]
    assert (second.error, second.status, outputs(second)["result"]) == (None, "warnings", "partly")
    assert outputs(second)["instancesFailed"] == fleet.ids[0]
    assert any("ValidateService" in warning for warning in second.warnings)


def test_a_stage_that_is_tried_again_does_what_is_left(shop):
    fleet = shop(2)
    fleet.deploy("v1", batches="100%")
    failed = fleet.deploy("v2", broken_on=fleet.ids[1], batches="1", on_failure="stop")
    assert isinstance(failed.error, DeployFailed)
    assert f"On v2: {fleet.ids[0]}, {fleet.ids[1]}." in failed.error.message

    mended = fleet.deploy("v2.1")
    assert (mended.error, fleet.answers) == (None, ["v2.1", "v2.1"])
    stays = fleet.deploy("v2.1", batches="1")
    assert {one.fate for one in stays.instances} == {"unchanged"}


def test_a_first_deploy_that_fails_says_that_there_is_nothing_to_go_back_to(shop, s3):
    fleet = shop(1)
    first = fleet.deploy("v1", broken_on=fleet.ids[0])
    assert "there is nothing to go back to" in first.error.message
    assert outputs(first)["result"] == "failed"
    assert fleet.releases(s3) == {"v1": "failed"}


# --- going back ---------------------------------------------------------------------------------------------------------------


def test_the_last_healthy_release_comes_back_also_to_a_host_that_never_had_it(shop, s3):
    fleet = shop(1)
    fleet.deploy("v1")
    fleet.hosts = [*fleet.hosts, *fleet.embedded.instances.add(1, tags={"app": fleet.name})]
    fleet.deploy("v2", batches="100%")

    back = fleet.back()

    assert (back.error, fleet.answers) == (None, ["v1", "v1"])
    assert fleet.releases(s3) == {"v1": "healthy", "v2": "rolledBack"}
    assert fleet.state(s3, "releases.json")["live"] == "v1"
    assert [fleet.marks(host) for host in fleet.hosts] == [{"v1": "healthy", "v2": "rolledBack"}] * 2


def test_a_release_that_is_named_comes_back(shop):
    fleet = shop(1)
    for version in ("v1", "v2", "v3"):
        fleet.deploy(version)
    assert fleet.back(release_id="v1").error is None
    assert fleet.answers == ["v1"]


def test_a_rollback_that_some_instances_may_fail_is_known_to_the_history(shop, s3):
    fleet = shop(2)
    fleet.deploy("v1", batches="100%")
    fleet.deploy("v2", batches="100%")
    dead = sorted(fleet.hosts, key=lambda host: host.id)[1]
    fleet.embedded.instances.take_offline(dead.id)
    back = fleet.back(max_failures="1")
    assert (back.error, back.status, outputs(back)["result"], outputs(back)["liveRelease"]) == (
        None,
        "warnings",
        "partly",
        "v1",
    )
    assert fleet.answers == ["v1", "v2"]
    assert (fleet.state(s3, "releases.json")["live"], fleet.releases(s3)) == ("v1", {"v1": "live", "v2": "rolledBack"})


def test_a_stage_that_is_run_again_and_fails_before_it_deploys_takes_nothing_back(shop, monkeypatch):
    """The artifact cannot be downloaded any more, say: the job `on: failure:` runs all the same."""
    fleet = shop(1)
    monkeypatch.setenv("SYSTEM_STAGENAME", "production")
    for version in ("v1", "v2"):
        monkeypatch.setenv("BUILD_BUILDID", version)
        monkeypatch.setenv("SYSTEM_STAGEATTEMPT", "1")
        fleet.deploy(version)

    monkeypatch.setenv("SYSTEM_STAGEATTEMPT", "2")
    stays = fleet.run(mode="takeBack").outcome
    assert (outputs(stays), stays.title) == (
        {"result": "nothing"},
        f"Release v2 of {fleet.name} stays: attempt 1 of this stage has deployed it, and it is healthy; attempt 2 has deployed nothing",
    )
    assert fleet.answers == ["v2"]

    # Once the deploy of this attempt has found it well, what fails after it takes it back.
    assert fleet.deploy("v2").title == f"{fleet.name} has v2 on all 1 instance already"
    assert fleet.run(mode="takeBack").outcome.error is None
    assert fleet.answers == ["v1"]


def test_a_job_on_failure_takes_back_what_its_stage_has_deployed_and_nothing_else(shop, monkeypatch):
    fleet = shop(1)
    monkeypatch.setenv("SYSTEM_STAGENAME", "production")
    for version in ("v1", "v2"):
        monkeypatch.setenv("BUILD_BUILDID", version)
        fleet.deploy(version)

    back = fleet.run(mode="takeBack").outcome
    assert (back.error, fleet.answers) == (None, ["v1"])
    again = fleet.run(mode="takeBack").outcome
    assert (outputs(again), again.title) == ({"result": "nothing"}, f"Release v2 of {fleet.name} is taken back already")

    monkeypatch.setenv("BUILD_BUILDID", "v1")
    with monkeypatch.context() as later:
        later.setenv("BUILD_BUILDID", "v3")
        fleet.deploy("v3")
    with pytest.raises(Overtaken, match="Release v3 is live, and not v1"):
        fleet.run(mode="takeBack")
    assert fleet.answers == ["v3"]


# --- what is planned ------------------------------------------------------------------------------------------------------------


def test_a_dry_run_shows_instances_batches_and_scripts_and_writes_nothing(shop, s3):
    fleet = shop(3)
    fleet.deploy("v1", batches="100%")
    before = [one["Key"] for one in s3.list_objects_v2(Bucket=fleet.bucket)["Contents"]]
    folders = [sorted(fleet.folder(host).glob("releases/*")) for host in fleet.hosts]
    service(fleet.builds, "v2")

    plan = fleet.run(
        source_path=str(fleet.builds / "v2"), release_id="v2", batches="1,100%", dry_run="true", only_plan=True
    ).plan

    assert plan.title == f"Deploy v2 of {fleet.name} on 3 instances"
    assert [(one.id, one.live, one.batch) for one in plan.instances] == [
        (fleet.ids[0], "v1", 1),
        (fleet.ids[1], "v1", 2),
        (fleet.ids[2], "v1", 2),
    ]
    assert [script.title for script in plan.scripts] == [
        "stage, on 3 instances",
        f"switch over v1, on {', '.join(fleet.ids)}",
    ]
    assert all(script.text.startswith("#!/bin/bash") for script in plan.scripts)
    assert [one["Key"] for one in s3.list_objects_v2(Bucket=fleet.bucket)["Contents"]] == before
    assert [sorted(fleet.folder(host).glob("releases/*")) for host in fleet.hosts] == folders
    assert fleet.answers == ["v1"] * 3


def test_who_cannot_take_a_release_is_told_before_anything_is_changed(shop):
    fleet = shop(2)
    fleet.deploy("v1", batches="100%")
    fleet.embedded.instances.take_offline(fleet.ids[1])
    with pytest.raises(DeployFailed, match=rf"1 of 2 instances cannot take a release. {fleet.ids[1]}: .*not online"):
        fleet.deploy("v2")
    assert fleet.answers == ["v1", "v1"]


def test_a_minimum_that_cannot_be_kept_is_refused_with_its_numbers(shop):
    fleet = shop(2)
    fleet.deploy("v1", batches="100%")
    with pytest.raises(DeployFailed, match="1 of 2 instances would go on serving; 2 must"):
        fleet.deploy("v2", min_healthy="100%")
    assert fleet.answers == ["v1", "v1"]


def test_the_same_id_with_other_files_is_refused(shop, tmp_path):
    fleet = shop(1)
    fleet.deploy("v1")
    (fleet.builds / "v1" / "VERSION").write_text("other\n")
    with pytest.raises(InputError, match="Release v1 is there already"):
        fleet.deploy("v1")
    assert fleet.answers == ["v1"]


def test_an_older_build_needs_a_word(shop, monkeypatch):
    fleet = shop(1)
    monkeypatch.setenv("BUILD_BUILDNUMBER", "20260402.10")
    assert fleet.deploy("v1").error is None
    monkeypatch.setenv("BUILD_BUILDNUMBER", "20260402.9")
    with pytest.raises(InputError, match=r"Build 20260402\.9 is older than 20260402\.10"):
        fleet.deploy("v2")
    assert fleet.deploy("v2", allow_older="true").error is None


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"batches": "0"}, "batches is '0'; a batch of none would never end."),
        ({"max_failures": "a few"}, "maxFailures is 'a few'; write a number (2) or a percentage (25%)."),
        ({"source_path": ""}, "sourcePath is required."),
        ({"instance_ids": "web-1"}, "'web-1' is no id of an EC2 instance, as i-0123456789abcdef0."),
        (
            {"mode": "takeBack"},
            "releaseId is set, but mode takeBack finds the release by build and stage: leave it empty.",
        ),
    ],
)
def test_inputs_that_cannot_be_are_refused_before_aws_is_asked(run_task, given, problem):
    texts = {
        "application": "shop",
        "bucket_name": "b-42",
        "instance_tags": "app=shop",
        "source_path": ".",
        "release_id": "1",
    }
    with pytest.raises(InputError) as refused:
        run_task("ec2_deploy", **{**texts, **given})
    assert problem in refused.value.problems


def test_no_instance_is_no_success(shop):
    fleet = shop(1)
    service(fleet.builds, "v1")
    with pytest.raises(TargetsMissing, match="finds no instance"):
        fleet.deploy("v1", instance_tags="app=nobody-has-this")


def test_a_suite_that_is_not_there_is_told_before_anything_is_changed(shop):
    fleet = shop(1)
    with pytest.raises((InputError, LocalFileError), match=r"no suite at nowhere\.yml"):
        fleet.deploy("v1", checks_file="nowhere.yml")
    assert fleet.answers == [""]


# --- the gate -----------------------------------------------------------------------------------------------------------------

OF_HOST = """checks:
  version:
    http: {url: 'http://{outputs.privateAddress}:8080/', body: '{release.id}'}
    failures: 3
    every: 200ms
"""


def test_the_checks_of_a_host_are_asked_of_each_and_of_the_release_that_comes_back(shop, tmp_path):
    """v3 serves what v1 was called, so that its own validation passes and the check does not."""
    fleet = shop(2)
    (tmp_path / "host.yml").write_text(OF_HOST)
    suite = {"host_checks_file": str(tmp_path / "host.yml")}
    assert fleet.deploy("v1", batches="100%", **suite).error is None

    folder = service(fleet.builds, "v3")
    (folder / "VERSION").write_text("v1\n")
    bad = fleet.deploy("v3", batches="1", **suite)

    assert outputs(bad)["result"] == "rolledBack"
    assert "1 critical check did not pass: version" in bad.error.message
    assert fleet.answers == ["v1", "v1"]
    assert len([one for one in bad.instances if one.fate == "rolled back"]) == 1
    assert {(one.check.name, one.verdict) for one in bad.checks} == {("version", "fail")}


def test_a_fault_of_ours_in_a_check_takes_the_release_back_as_a_check_that_fails(shop, tmp_path, monkeypatch):
    fleet = shop(2)
    (tmp_path / "host.yml").write_text(OF_HOST)
    suite = {"host_checks_file": str(tmp_path / "host.yml")}
    assert fleet.deploy("v1", batches="100%", **suite).error is None

    def broken(*_: object, **__: object) -> None:
        broken_off.append("once")
        monkeypatch.undo()
        raise ZeroDivisionError("of ours")

    broken_off: list[str] = []
    monkeypatch.setattr("ropeway.checks.kinds.http.fetch", broken)
    bad = fleet.deploy("v2", batches="1", **suite)

    assert "The checks broke off (ZeroDivisionError: of ours), so that nobody knows" in bad.error.message
    assert (broken_off, fleet.answers, outputs(bad)["result"]) == (["once"], ["v1", "v1"], "rolledBack")


def test_an_alarm_that_rings_already_keeps_it_from_beginning_and_one_that_rings_later_takes_it_back(
    shop, client_of, monkeypatch
):
    fleet, cloudwatch = shop(2), client_of("cloudwatch")
    alarm = {"MetricName": "Errors", "Namespace": fleet.name, "Statistic": "Sum", "Period": 60, "EvaluationPeriods": 1}
    cloudwatch.put_metric_alarm(AlarmName=fleet.name, Threshold=1.0, ComparisonOperator="GreaterThanThreshold", **alarm)

    def becomes(state: str) -> None:
        cloudwatch.set_alarm_state(AlarmName=fleet.name, StateValue=state, StateReason="five errors")

    becomes("ALARM")
    with pytest.raises(ChecksFailed, match=r"Before anything was changed: .* got ALARM: five errors"):
        fleet.deploy("v1", alarms=fleet.name)
    assert fleet.answers == ["", ""]

    becomes("OK")
    assert fleet.deploy("v1", alarms=fleet.name, batches="100%").error is None
    switch = HostScripts.switch

    def rings(scripts: HostScripts, **how: object) -> object:
        becomes("ALARM")
        return switch(scripts, **how)

    monkeypatch.setattr(HostScripts, "switch", rings)
    folder = service(fleet.builds, "v2")
    bad = fleet.run(
        source_path=str(folder), release_id="v2", batches="1", alarms=fleet.name, between=lambda _: becomes("OK")
    ).outcome
    assert outputs(bad)["result"] == "failed"
    assert "The application does not pass its checks after the rollback either" in bad.error.message
    assert fleet.answers == ["v1", "v1"]


# --- two at once, and stopped -------------------------------------------------------------------------------------------------


def test_whoever_is_stopped_says_where_everybody_is_and_leaves_no_lock(shop, s3):
    fleet, cancellation = shop(2), Cancellation()
    fleet.deploy("v1", batches="100%")
    folder = service(fleet.builds, "v2")
    validating = fleet.builds / "validating"
    (folder / "scripts/validate.sh").write_text(f"#!/bin/bash\ntouch {validating}\nsleep 60\n")
    texts = {"source_path": str(folder), "release_id": "v2", "batches": "1", "cancellation": cancellation}

    def stop() -> None:
        wait_until(validating.exists)
        cancellation.ask("by you")

    stopped = fleet.run(between=lambda _: threading.Thread(target=stop).start(), **texts).outcome

    assert (outputs(stopped)["result"], type(stopped.error).__name__) == ("stopped", "Cancelled")
    assert stopped.error.message.startswith("Stopped: by you.")
    assert f"Nobody knows what is live on {fleet.ids[0]}." in stopped.error.message
    assert fleet.state(s3, "lock.json")["owner"] == ""

    # The next one puts all of it right.
    assert fleet.deploy("v3", batches="1").error is None
    assert fleet.answers == ["v3", "v3"]


def test_a_plan_that_others_have_overtaken_is_made_anew(shop):
    fleet = shop(1)
    fleet.deploy("v1")
    service(fleet.builds, "v2")
    service(fleet.builds, "v3")
    ran = fleet.run(source_path=str(fleet.builds / "v3"), release_id="v3", between=lambda _: fleet.deploy("v2"))
    assert (ran.outcome.error, fleet.answers) == (None, ["v3"])
    assert any("planned anew" in note for note in ran.told.notes)
    assert outputs(ran.outcome)["previousRelease"] == "v2"


def test_a_rollback_that_waited_while_a_colleague_went_back_goes_no_further_than_was_shown(shop):
    fleet = shop(1)
    for release in ("v1", "v2", "v3"):
        fleet.deploy(release)
    with pytest.raises(
        Overtaken, match=r"since this rollback was planned: v2 is live, and not v3\. Nothing was changed"
    ):
        fleet.run(mode="rollback", between=lambda _: fleet.run(mode="rollback"))
    assert fleet.answers == ["v2"]


NEVER = """checks:
  never:
    http: {url: 'http://%s:8080/', body: 'something else'}
    within: 1s
    every: 200ms
"""


def test_a_second_try_asks_the_checks_again_though_every_host_has_the_release(shop, tmp_path):
    fleet = shop(1)
    assert fleet.deploy("v1", batches="100%").error is None
    suite = tmp_path / "fleet.yml"
    suite.write_text(NEVER % fleet.hosts[0].address)
    more = {"checks_file": str(suite), "on_failure": "stop"}
    assert fleet.deploy("v2", **more).error is not None
    again = fleet.deploy("v2", **more)
    assert again.error is not None
    assert "never" in str(again.error)


def test_an_alarm_that_rings_because_of_a_release_does_not_keep_it_from_being_taken_back(shop, s3, embedded):
    fleet = shop(1)
    assert fleet.deploy("v1", batches="100%").error is None
    assert fleet.deploy("v2", batches="100%").error is None
    watch = boto3.client(
        "cloudwatch",
        endpoint_url=embedded.endpoint_url,
        region_name=embedded.region,
        aws_access_key_id=embedded.connection.access_key_id,
        aws_secret_access_key=embedded.connection.secret_access_key,
    )
    name = f"rings-{fleet.name}"
    watch.put_metric_alarm(
        AlarmName=name, MetricName="m", Namespace="n", Period=60, EvaluationPeriods=1, Threshold=1,
        ComparisonOperator="GreaterThanThreshold", Statistic="Sum",
    )  # fmt: skip
    watch.set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason="v2 is broken")
    back = fleet.back(alarms=name)
    assert fleet.answers == ["v1"]
    # It rings on, and so it ends red; but what is live by the history is what the instances have.
    assert back.error is not None
    assert (fleet.state(s3, "releases.json")["live"], outputs(back)["liveRelease"]) == ("v1", "v1")
    assert fleet.releases(s3) == {"v1": "live", "v2": "rolledBack"}, "nobody has seen it well"
    watch.set_alarm_state(AlarmName=name, StateValue="OK", StateReason="v1 is well")
    assert fleet.back(release_id="v1", alarms=name).error is None
    assert fleet.releases(s3) == {"v1": "healthy", "v2": "rolledBack"}
