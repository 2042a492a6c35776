"""Target health: what a client of ELB sees of targets that are real servers on the instances' addresses."""

from __future__ import annotations

import time
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest
from botocore.exceptions import ClientError

from ropeway.local.patches import target_health
from ropeway.local.target_health.watch import Watch
from tests.servers.balanced import NEVER, PORT, Group, drain_ends, drained_in, serving


@pytest.fixture
def group(client_of):
    return Group(client_of)


ILL = 10
"""Checks that a target must fail before it is unhealthy."""
PATIENT = {"HealthCheckIntervalSeconds": 100, "UnhealthyThresholdCount": ILL}
"""A target that does not answer is initial for ten seconds: a busy machine has time to look."""


def test_a_target_is_initial_then_healthy(client_of, host):
    group = Group(client_of, **PATIENT)
    group.register({"Id": host.id})
    assert group.health()[host.id, PORT] in {
        ("initial", "Elb.RegistrationInProgress"),
        ("initial", "Elb.InitialHealthChecking"),
    }
    with serving(host.address) as service:
        group.wait("healthy")
        assert service.paths == {"/"}
        assert service.agents == {"ELB-HealthChecker/2.0"}


def test_one_where_nobody_listens_is_unhealthy(group, host):
    group.register({"Id": host.id})
    group.wait("unhealthy", "Target.FailedHealthChecks")


def test_one_that_answers_wrongly_is_unhealthy_and_says_with_what(group, host):
    with serving(host.address) as service:
        service.status = 503
        group.register({"Id": host.id})
        group.wait("unhealthy", "Target.ResponseCodeMismatch")
        told = group.elb.describe_target_health(TargetGroupArn=group.arn)["TargetHealthDescriptions"][0]
        assert told["TargetHealth"]["Description"] == "Health checks failed with these codes: [503]"
        service.status = 200
        group.wait("healthy")


def test_one_that_does_not_answer_in_time_is_unhealthy(client_of, host, monkeypatch):
    monkeypatch.setattr(target_health, "LEAST_TIMEOUT", 0.5)
    group = Group(client_of, HealthCheckTimeoutSeconds=2, UnhealthyThresholdCount=2)
    with serving(host.address) as service:
        service.hangs = True
        group.register({"Id": host.id})
        group.wait("unhealthy", "Target.Timeout")


def test_path_matcher_and_port_are_those_of_the_target_group(client_of, host):
    group = Group(client_of, HealthCheckPath="/up", Matcher={"HttpCode": "200,301-302"}, HealthCheckPort="9090")
    with serving(host.address, 9090) as service:
        service.status = 302
        group.register({"Id": host.id})
        group.wait("healthy")
        assert service.paths == {"/up"}
        group.elb.modify_target_group(TargetGroupArn=group.arn, HealthCheckPath="/ready")
        while "/ready" not in service.paths:
            time.sleep(0.01)


def test_a_tcp_check_only_connects(client_of, host):
    group = Group(client_of, HealthCheckProtocol="TCP")
    with serving(host.address) as service:
        group.register({"Id": host.id})
        group.wait("healthy")
        assert service.paths == set()


def test_one_that_falls_ill_is_unhealthy_only_after_its_threshold(client_of, host):
    group = Group(client_of, HealthCheckIntervalSeconds=30, UnhealthyThresholdCount=ILL)
    with serving(host.address) as service:
        group.register({"Id": host.id})
        group.wait("healthy")
        service.status = 500
        while service.asked[500] < ILL:
            state, _ = group.health()[host.id, PORT]
            assert state == "healthy" or service.asked[500] >= ILL
        group.wait("unhealthy", "Target.ResponseCodeMismatch")


def test_without_a_load_balancer_it_is_unused(client_of, host):
    group = Group(client_of, used=False)
    with serving(host.address) as service:
        group.register({"Id": host.id})
        assert group.health()[host.id, PORT] == ("unused", "Target.NotInUse")
        time.sleep(0.15)
        assert service.paths == set()
        group.use([s["SubnetId"] for s in client_of("ec2").describe_subnets()["Subnets"]][:2])
        group.wait("healthy")


def test_a_stopped_instance_is_unused(group, host, client_of):
    with serving(host.address):
        group.register({"Id": host.id})
        group.wait("healthy")
        client_of("ec2").stop_instances(InstanceIds=[host.id])
        assert group.health()[host.id, PORT] == ("unused", "Target.InvalidState")
        client_of("ec2").start_instances(InstanceIds=[host.id])
        group.wait("healthy")


def test_one_that_is_deregistered_drains_and_is_gone(group, host):
    drained_in(group, NEVER)
    with serving(host.address):
        group.register({"Id": host.id})
        group.wait("healthy")
        group.deregister({"Id": host.id})
        assert group.health()[host.id, PORT] == ("draining", "Target.DeregistrationInProgress")
        group.register({"Id": host.id})
        drained_in(group, 20)
        group.deregister({"Id": host.id})
        deadline = time.monotonic() + 60
        while group.health() and time.monotonic() < deadline:
            time.sleep(0.01)
        assert group.health({"Id": host.id}) == {(host.id, PORT): ("unused", "Target.NotRegistered")}


def test_one_that_comes_back_while_it_drains_begins_anew(client_of, host):
    group = Group(client_of, **PATIENT)
    with serving(host.address):
        group.register({"Id": host.id})
        group.wait("healthy")
    group.deregister({"Id": host.id})
    group.register({"Id": host.id})
    assert group.health()[host.id, PORT][0] == "initial"
    with serving(host.address):
        group.wait("healthy")


def test_one_that_is_gone_is_so_to_all_who_ask_at_the_same_time(group, host, monkeypatch):
    drained_in(group, NEVER)
    group.register({"Id": host.id})
    group.deregister({"Id": host.id})
    drain_ends(group.arn, host.id)
    gone = Watch.gone.fget
    monkeypatch.setattr(Watch, "gone", property(lambda watch: (gone(watch), time.sleep(0.05))[0]))  # all find it so
    with ThreadPoolExecutor(4) as pool:
        assert [told.result() for told in [pool.submit(group.health) for _ in range(4)]] == [{}] * 4


def test_an_instance_can_be_there_with_two_ports(group, host):
    drained_in(group, NEVER)
    with serving(host.address), serving(host.address, 9090):
        group.register({"Id": host.id}, {"Id": host.id, "Port": 9090})
        group.deregister({"Id": host.id})
        told = group.health()
        assert told[host.id, PORT][0] == "draining"
        assert told[host.id, 9090][0] in {"initial", "healthy"}


def test_an_instance_that_there_is_not_is_refused(group):
    with pytest.raises(ClientError, match="InvalidTarget"):
        group.register({"Id": "i-0123456789abcdef0"})


def test_deregistering_who_is_not_there_is_no_error(group, host):
    group.deregister({"Id": host.id})


def test_an_address_elsewhere_is_not_probed(client_of):
    """Nothing leaves this machine."""
    group = Group(client_of, TargetType="ip")
    group.register({"Id": "192.0.2.1"})
    group.wait("unhealthy", "Target.FailedHealthChecks")


def test_a_service_that_a_command_starts_becomes_healthy_and_dies_with_its_instance(group, host, runner, client_of):
    script = f"setsid python3 -m http.server --bind $INSTANCE_ADDRESS {PORT} >/dev/null 2>&1 &"
    assert runner.run(script, to=host.id)["Status"] == "Success"
    group.register({"Id": host.id})
    group.wait("healthy")
    client_of("ec2").reboot_instances(InstanceIds=[host.id])
    group.wait("unhealthy", "Target.FailedHealthChecks")


def lifecycle(scaling, instance_id: str) -> str:
    (told,) = scaling.describe_auto_scaling_instances(InstanceIds=[instance_id])["AutoScalingInstances"]
    return told["LifecycleState"]


def test_an_instance_in_standby_leaves_its_target_groups_and_comes_back(group, client_of):
    scaling, name = client_of("autoscaling"), f"s{uuid.uuid4().hex[:8]}"
    scaling.create_launch_configuration(LaunchConfigurationName=name, ImageId="ami-12345678", InstanceType="t3.micro")
    scaling.create_auto_scaling_group(
        AutoScalingGroupName=name, LaunchConfigurationName=name, MinSize=0, MaxSize=2, DesiredCapacity=1,
        AvailabilityZones=["us-east-1a"], TargetGroupARNs=[group.arn]
    )  # fmt: skip
    drained_in(group, NEVER)
    ((instance_id, _),) = group.health()
    change = {"AutoScalingGroupName": name, "InstanceIds": [instance_id]}
    scaling.enter_standby(**change, ShouldDecrementDesiredCapacity=True)
    assert group.health()[instance_id, PORT][0] == "draining"
    with pytest.raises(ClientError, match="is not in Standby"):
        scaling.exit_standby(**change)
    drain_ends(group.arn, instance_id)
    deadline = time.monotonic() + 60
    while lifecycle(scaling, instance_id) == "EnteringStandby":
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert group.health() == {}
    scaling.exit_standby(**change)
    assert group.health()[instance_id, PORT][0] in {"initial", "unhealthy"}
    scaling.delete_auto_scaling_group(AutoScalingGroupName=name, ForceDelete=True)


def test_standby_below_the_minimum_of_its_group_is_refused_and_changes_nothing(group, client_of):
    scaling, name = client_of("autoscaling"), f"s{uuid.uuid4().hex[:8]}"
    scaling.create_launch_configuration(LaunchConfigurationName=name, ImageId="ami-12345678", InstanceType="t3.micro")
    scaling.create_auto_scaling_group(
        AutoScalingGroupName=name, LaunchConfigurationName=name, MinSize=1, MaxSize=3, DesiredCapacity=2,
        AvailabilityZones=["us-east-1a"], TargetGroupARNs=[group.arn]
    )  # fmt: skip
    both = [instance_id for instance_id, _ in group.health()]
    words = (
        f"AutoScalingGroup {name} has min-size=1, max-size=3, and desired-size=2. To place into standby 2 instances, please update the "
        "AutoScalingGroup sizes appropriately."
    )
    change = {"AutoScalingGroupName": name, "InstanceIds": both}
    with pytest.raises(ClientError, match=words) as refused:
        scaling.enter_standby(**change, ShouldDecrementDesiredCapacity=True)
    assert refused.value.response["Error"]["Code"] == "ValidationError"
    assert [lifecycle(scaling, one) for one in both] == ["InService", "InService"]
    scaling.delete_auto_scaling_group(AutoScalingGroupName=name, ForceDelete=True)
