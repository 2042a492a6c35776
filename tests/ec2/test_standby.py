"""A deploy to instances of an Auto Scaling group, each of which is in standby while it is switched."""

from __future__ import annotations

import pytest

from ropeway.errors import DeployFailed
from tests.checks.kinds.aws_kit import client_of
from tests.ec2.balancing.conftest import scaled
from tests.ec2.faults import all_have, answers, as_the_page_says, fleet, left_in_journal, told
from tests.ec2.services import service

__all__ = ["client_of", "fleet", "scaled"]


def test_a_batch_is_no_larger_than_the_minimum_of_its_auto_scaling_group_lets(fleet, scaled, s3, tmp_path):
    name = scaled(fleet.hosts, fleet.group, least=1)
    given = {"auto_scaling": "standby", "batches": "100%"}
    planned, *_ = fleet.planned(service(tmp_path, "v2"), dry_run="true", **given)
    assert [one.batch for one in planned.instances] == [1, 2]
    assert all(f"Auto Scaling group {name} (1 at a time in standby)" in one.notes for one in planned.instances)
    assert fleet.deploy(tmp_path / "v2", **given).error is None
    all_have(fleet, s3, "v2")


def test_an_instance_that_another_application_has_in_standby_fails_and_stays_there(
    fleet, scaled, s3, client_of, tmp_path
):
    scaling, name, (theirs, _) = client_of("autoscaling"), scaled(fleet.hosts, fleet.group), fleet.hosts
    planned, aws, run = fleet.planned(service(tmp_path, "v2"), auto_scaling="standby", batches="100%")
    scaling.enter_standby(AutoScalingGroupName=name, InstanceIds=[theirs.id], ShouldDecrementDesiredCapacity=True)

    ended = fleet.task.apply(planned, aws, run)
    as_the_page_says("Another application on the same instances has one out", ended.error, told(ended))
    assert answers(fleet) == ["v1", "v1"]
    assert left_in_journal(s3, fleet) == []
    (group,) = scaling.describe_auto_scaling_groups(AutoScalingGroupNames=[name])["AutoScalingGroups"]
    states = {one["InstanceId"]: one["LifecycleState"] for one in group["Instances"]}
    assert states[theirs.id] in {"EnteringStandby", "Standby"}
    assert list(states.values()).count("InService") == 1


def test_the_folder_of_another_application_is_left_as_it_is(fleet, s3, tmp_path):
    folder = f"/opt/{fleet.name}"
    with pytest.raises(DeployFailed) as refused:
        fleet.deploy(service(tmp_path, "v2"), application="copied", application_folder=folder)
    error = refused.value
    as_the_page_says(
        "Another application has the folder on the instances (a YAML that was copied)", error, error.advice
    )
    assert f"{folder} is of the application {fleet.name}, and not of copied" in error.message
    all_have(fleet, s3, "v1")
