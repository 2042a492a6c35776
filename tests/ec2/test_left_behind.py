"""What a run that died has left behind, and whoever comes next: it is undone, also where nothing could be planned on it."""

from __future__ import annotations

import uuid

import pytest

from ropeway.aws.connection import AwsInputs
from ropeway.aws.session import connect
from ropeway.ec2.balancing.balancer import Balancer
from ropeway.ec2.balancing.seats import BalancerTerms
from ropeway.ec2.balancing.survey import survey
from ropeway.ec2.inputs import ChangingInputs
from ropeway.ec2.journal import Journal
from ropeway.ec2.model import Target
from ropeway.ec2.performing import hold
from ropeway.ec2.planning import application_of
from ropeway.errors import DeployFailed
from ropeway.inputs import camel, read
from ropeway.outcome import Run
from ropeway.registry import load_task
from tests.checks.kinds.aws_kit import client_of
from tests.ec2.balancing.conftest import Told
from tests.ec2.faults import all_have, answers, as_the_page_says, fleet, left_in_journal, state
from tests.ec2.services import service

__all__ = ["client_of", "fleet"]


@pytest.fixture
def aws(embedded):
    return connect(AwsInputs(region_name=embedded.region), embedded.connection)


@pytest.fixture
def application(fleet, aws):
    texts = {"application": fleet.name, "bucket_name": fleet.bucket, "region_name": aws.region}
    given = read(ChangingInputs, texts, camel)
    return given, application_of(given, aws)


@pytest.fixture
def out(fleet, aws, application):
    """A run takes all of them out, as a deploy does, and is never heard of again."""

    def take_out(scaling: str = "none", only: int = 2) -> None:
        _, of = application
        journal = Journal(of.engine, of.journal)
        journal.read(Run().cancellation)
        targets = sorted(Target(host.id, private_address=host.address) for host in fleet.hosts)
        terms = BalancerTerms((fleet.group.name,), scaling=scaling, look_every=0.02)
        found = survey(terms, targets, aws)
        assert found.problems == ()
        assert Balancer(found, terms, journal, aws).take_out(targets[:only], Run()) == {}

    return take_out


def test_a_run_that_died_with_every_target_out_does_not_keep_the_next_from_deploying(fleet, out, s3, tmp_path):
    out()
    assert fleet.group.health() == {}
    folder, given = service(tmp_path, "v2"), {"batches": "1", "drain_from": fleet.group.name}
    with pytest.raises(DeployFailed, match="None of the targets is registered") as shown:
        fleet.deploy(folder, dry_run="true", **given)
    journal = f"s3://{fleet.bucket}/.ropeway/applications/{fleet.name}/journal.json"
    assert f"An earlier run left 2 changes to undo ({journal}): ropeway ec2 recover." in shown.value.advice
    assert len(left_in_journal(s3, fleet)) == 2

    ended = fleet.deploy(folder, **given)
    as_the_page_says(
        "The run is killed with every target out, and run again",
        ended.error,
        " ".join(ended.warnings) or shown.value.advice,
    )
    assert len(ended.instances) == 2
    all_have(fleet, s3, "v2")


def test_a_run_that_died_with_an_instance_in_standby_does_not_keep_its_release_from_being_taken_back(
    fleet, out, s3, client_of, tmp_path, monkeypatch
):
    scaling, name = client_of("autoscaling"), f"s{uuid.uuid4().hex[:8]}"
    scaling.create_launch_configuration(LaunchConfigurationName=name, ImageId="ami-12345678", InstanceType="t3.micro")
    scaling.create_auto_scaling_group(
        AutoScalingGroupName=name, LaunchConfigurationName=name, MinSize=0, MaxSize=5, DesiredCapacity=0,
        AvailabilityZones=["us-east-1a"], TargetGroupARNs=[fleet.group.arn],
    )  # fmt: skip
    scaling.attach_instances(AutoScalingGroupName=name, InstanceIds=[host.id for host in fleet.hosts])
    scaling.update_auto_scaling_group(AutoScalingGroupName=name, MinSize=1)
    monkeypatch.setenv("BUILD_BUILDID", "2")
    monkeypatch.setenv("SYSTEM_STAGENAME", "production")
    assert fleet.deploy(service(tmp_path, "v2"), batches="100%").error is None
    out("standby", only=1)

    given = {"drain_from": fleet.group.name, "auto_scaling": "standby"}
    ended = fleet.deploy(tmp_path / "v2", mode="takeBack", release_id="", source_path="", **given)

    as_the_page_says("The run is killed with an instance in standby, and its release is taken back", ended.error)
    all_have(fleet, s3, "v1")
    (group,) = scaling.describe_auto_scaling_groups(AutoScalingGroupNames=[name])["AutoScalingGroups"]
    assert {one["LifecycleState"] for one in group["Instances"]} == {"InService"}
    assert group["SuspendedProcesses"] == []
    scaling.delete_auto_scaling_group(AutoScalingGroupName=name, ForceDelete=True)


def test_who_finds_all_targets_out_because_another_is_at_work_waits_for_it(fleet, out, s3, aws, application, tmp_path):
    given, of = application
    texts = {**fleet.texts(service(tmp_path, "v2")), "drain_from": fleet.group.name}
    with hold(of, given, "deploy v9", Run()):
        out()
        planned = fleet.task.plan(read(fleet.task.inputs, texts, camel), aws, Run())
        journal = Journal(of.engine, of.journal)
        journal.read(Run().cancellation)
        for effect in journal.pending:
            fleet.group.register({"Id": effect.member})
        journal.remove(journal.pending, Run().cancellation)
    assert planned.title == f"Deploy v2 of {fleet.name}: it is planned once it has the lock"
    assert planned.warnings == ()
    assert answers(fleet) == ["v1", "v1"]
    assert fleet.task.apply(planned, aws, Run()).error is None
    all_have(fleet, s3, "v2")
    assert state(s3, fleet, "releases.json")["live"] == "v2"


def test_the_post_job_step_leaves_it_to_another_build_that_has_the_lock_by_then(embedded, bucket, monkeypatch):
    task, told = load_task("ec2_deploy"), Told()
    texts = {"application": "shop", "bucket_name": bucket, "region_name": embedded.region, "instance_tags": "app=shop"}
    given = read(task.inputs, {**texts, "source_path": ".", "endpoint_url": embedded.endpoint_url}, camel)
    aws = connect(given, embedded.connection)
    monkeypatch.setenv("BUILD_BUILDNUMBER", "8")
    with hold(application_of(given, aws), given, "deploy v8", Run()):
        monkeypatch.setenv("BUILD_BUILDNUMBER", "7")
        task.clean_up(given, aws, Run(told))
    (note,) = told.lines
    assert note.startswith(
        "Whoever has the lock has undone, or undoes, what the step left: build 8 holds it (deploy v8)"
    )
