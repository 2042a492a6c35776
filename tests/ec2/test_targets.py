"""Which instances are meant: by id, tags, Auto Scaling group and target group, on the embedded AWS."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from moto.autoscaling.models import autoscaling_backends
from moto.core import DEFAULT_ACCOUNT_ID

from ropeway.ec2.targets import ACTIONS, Chosen, Selection, Tag, resolve, tags
from ropeway.errors import RopewayError, TargetsMissing
from ropeway.local.instances.api import InstanceSeen
from ropeway.outcome import Run, Silent


class Notes(Silent):
    def __init__(self) -> None:
        self.lines: list[str] = []

    def note(self, message: str) -> None:
        self.lines.append(message)


def chosen(aws, notes: Notes | None = None, /, **selection) -> Chosen:
    return resolve(Selection(**selection), aws, Run(notes or Notes()))


def ids(found: Chosen) -> list[str]:
    return [target.id for target in found.targets]


def sorted_ids(hosts: Sequence[InstanceSeen]) -> list[str]:
    return sorted(host.id for host in hosts)


# --- by tags -------------------------------------------------------------------------------------------------------------


def test_tags_find_instances_which_are_sorted_and_told(aws, embedded, app):
    hosts = embedded.instances.add(3, tags={"app": app, "Name": "web"}, zone="us-east-1b")
    notes = Notes()
    found = chosen(aws, notes, tags=(Tag("app", (app,)),))
    assert ids(found) == sorted_ids(hosts)
    by_id = {host.id: host for host in hosts}
    for target in found.targets:
        assert (target.name, target.zone, target.platform) == ("web", "us-east-1b", "linux")
        assert target.private_address == by_id[target.id].address
    titles = ", ".join(f"web ({id})" for id in sorted_ids(hosts))
    assert notes.lines == [f"3 targets by tags app={app}: {titles}."]


def test_several_tags_must_all_be_there_and_values_may_be_any_of_several_or_hold_wildcards(aws, embedded, app):
    (first,) = embedded.instances.add(tags={"app": app, "role": "web-1"})
    (second,) = embedded.instances.add(tags={"app": app, "role": "web-2"})
    (third,) = embedded.instances.add(tags={"app": app, "role": "db", "canary": ""})
    ours = Tag("app", (app,))

    def by(*more: Tag) -> list[str]:
        return ids(chosen(aws, tags=(ours, *more)))

    assert by(Tag("role", ("web-*",))) == sorted_ids([first, second])
    assert by(Tag("role", ("web-?", "db"))) == sorted_ids([first, second, third])
    assert by(Tag("role", ("web-1",))) == [first.id]
    assert by(Tag("canary")) == [third.id]
    assert by(Tag("canary", ("",))) == [third.id]


def test_lines_are_read_as_tags():
    assert tags(["app=shop", "role = web-*", "role=db", "canary", "path=a=b", "empty="]) == (
        Tag("app", ("shop",)),
        Tag("role", ("web-*", "db")),
        Tag("canary"),
        Tag("path", ("a=b",)),
        Tag("empty", ("",)),
    )


def test_more_instances_than_a_page_holds_are_all_found(aws, embedded, app, monkeypatch):
    monkeypatch.setattr("ropeway.ec2.targets.PAGE", 5)
    hosts = embedded.instances.add(12, tags={"app": app})
    assert ids(chosen(aws, tags=(Tag("app", (app,)),))) == sorted_ids(hosts)


def test_those_that_do_not_run_are_left_out_and_told(aws, embedded, app, client_of):
    good, stopped, gone = embedded.instances.add(3, tags={"app": app})
    client_of("ec2").stop_instances(InstanceIds=[stopped.id])
    client_of("ec2").terminate_instances(InstanceIds=[gone.id])
    found = chosen(aws, tags=(Tag("app", (app,)),))
    assert ids(found) == [good.id]
    assert found.warnings == (f"{stopped.id} is left out: it is stopped. It will not have this release.",)


def test_no_instance_is_an_error(aws, embedded):
    with pytest.raises(TargetsMissing) as caught:
        chosen(aws, tags=(Tag("app", ("nobodys",)),))
    words = f"The selection (tags app=nobodys) finds no instance in {embedded.region}, and at least 1 must be there."
    assert caught.value.message == words
    assert "minTargets" in caught.value.advice


def test_too_few_are_an_error_that_names_who_was_left_out(aws, embedded, app, client_of):
    _, stopped = embedded.instances.add(2, tags={"app": app})
    client_of("ec2").stop_instances(InstanceIds=[stopped.id])
    with pytest.raises(TargetsMissing, match=r"finds 1 instance in .*, and at least 2 must be there\.") as caught:
        chosen(aws, tags=(Tag("app", (app,)),), min_targets=2)
    assert f"{stopped.id} is left out: it is stopped." in caught.value.message


# --- by id ---------------------------------------------------------------------------------------------------------------


def test_ids_are_taken_once_each_and_sorted(aws, embedded):
    hosts = embedded.instances.add(3)
    named = tuple(host.id for host in reversed(hosts))
    assert ids(chosen(aws, instances=(*named, named[0]))) == sorted_ids(hosts)


def test_every_id_that_is_not_there_is_named(aws, embedded, client_of):
    good, gone = embedded.instances.add(2)
    client_of("ec2").terminate_instances(InstanceIds=[gone.id])
    unknown = ("i-0123456789abcdef0", "i-0123456789abcdef1")
    with pytest.raises(TargetsMissing) as caught:
        chosen(aws, instances=(unknown[0], good.id, unknown[1], gone.id))
    assert caught.value.message == (
        f"There is no such instance in {embedded.region}: {unknown[0]} (unknown), {unknown[1]} (unknown), "
        f"{gone.id} (terminated)."
    )


def test_one_that_is_named_and_stopped_stays_so_that_the_preflight_tells_it_with_all_the_rest(aws, embedded, client_of):
    (stopped,) = embedded.instances.add()
    client_of("ec2").stop_instances(InstanceIds=[stopped.id])
    assert ids(chosen(aws, instances=(stopped.id,))) == [stopped.id]


# --- by groups -----------------------------------------------------------------------------------------------------------


class Scaling:
    """An Auto Scaling group of its own."""

    def __init__(self, client_of: Callable[..., Any], size: int) -> None:
        self.client, self.name = client_of("autoscaling"), f"asg-{uuid.uuid4().hex[:8]}"
        configuration = {"ImageId": "ami-0abcdef1234567890", "InstanceType": "t3.micro"}
        self.client.create_launch_configuration(LaunchConfigurationName=self.name, **configuration)
        self.client.create_auto_scaling_group(
            AutoScalingGroupName=self.name,
            LaunchConfigurationName=self.name,
            MinSize=0,
            MaxSize=size,
            DesiredCapacity=size,
            AvailabilityZones=["us-east-1a"],
        )

    @property
    def ids(self) -> list[str]:
        (group,) = self.client.describe_auto_scaling_groups(AutoScalingGroupNames=[self.name])["AutoScalingGroups"]
        return sorted(instance["InstanceId"] for instance in group["Instances"])


def test_an_auto_scaling_group_gives_its_instances_those_in_standby_too(aws, client_of):
    group = Scaling(client_of, 3)
    everybody = group.ids
    group.client.enter_standby(
        AutoScalingGroupName=group.name, InstanceIds=everybody[:1], ShouldDecrementDesiredCapacity=True
    )
    assert ids(chosen(aws, auto_scaling_group=group.name)) == everybody


def test_one_that_comes_or_goes_is_left_out_and_told(aws, client_of, monkeypatch):
    group = Scaling(client_of, 3)
    going, coming, staying = group.ids
    put_into(monkeypatch, group.name, {going: "Terminating:Wait", coming: "Pending"})
    found = chosen(aws, auto_scaling_group=group.name)
    assert ids(found) == [staying]
    where = f"the Auto Scaling group {group.name} has it as"
    assert sorted(found.warnings) == sorted(
        [
            f"{going} is left out: {where} Terminating:Wait.",
            f"{coming} is left out: {where} Pending, and it will not have this release.",
        ]
    )


def put_into(monkeypatch, group: str, states: dict[str, str]) -> None:
    """Moto's instances are at once where they go to."""
    scaling = autoscaling_backends[DEFAULT_ACCOUNT_ID]["us-east-1"]
    for state in scaling.autoscaling_groups[group].instance_states:
        if state.instance.id in states:
            monkeypatch.setattr(state, "lifecycle_state", states[state.instance.id])


def test_a_group_that_is_not_there_is_an_error(aws):
    with pytest.raises(TargetsMissing, match="There is no Auto Scaling group nobodys in us-east-1"):
        chosen(aws, auto_scaling_group="nobodys")
    with pytest.raises(
        TargetsMissing, match="Could not look at the target group nobodys: AWS answered TargetGroupNotFound"
    ):
        chosen(aws, target_group="nobodys")


@pytest.fixture
def target_group(client_of) -> Callable[..., Any]:
    elb, vpc = client_of("elbv2"), client_of("ec2").describe_vpcs()["Vpcs"][0]["VpcId"]

    def made(*targets: str, kind: str = "instance", within: str = vpc) -> Any:
        how = {} if kind == "lambda" else {"Protocol": "HTTP", "Port": 80, "VpcId": within}
        (group,) = elb.create_target_group(Name=f"g{uuid.uuid4().hex[:10]}", TargetType=kind, **how)["TargetGroups"]
        if targets:
            elb.register_targets(TargetGroupArn=group["TargetGroupArn"], Targets=[{"Id": id} for id in targets])
        return group

    return made


@pytest.mark.parametrize("named_by", ["TargetGroupArn", "TargetGroupName"])
def test_a_target_group_gives_its_instances(aws, embedded, target_group, named_by):
    hosts = embedded.instances.add(2)
    group = target_group(*(host.id for host in hosts))
    assert ids(chosen(aws, target_group=group[named_by])) == sorted_ids(hosts)


def test_a_target_group_of_addresses_gives_the_instances_that_have_them(aws, embedded, target_group):
    hosts = embedded.instances.add(2)
    group = target_group(*(host.address for host in hosts), "10.99.99.99", kind="ip")
    found = chosen(aws, target_group=group["TargetGroupName"])
    assert ids(found) == sorted_ids(hosts)
    no_one = f"no instance of this account has this address of the target group {group['TargetGroupName']}"
    assert found.warnings == (f"10.99.99.99 is left out: {no_one}.",)


def test_the_same_address_in_another_vpc_is_another_machine(aws, embedded, target_group, client_of):
    (host,) = embedded.instances.add()
    elsewhere = client_of("ec2").create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    group = target_group(host.address, kind="ip", within=elsewhere)
    with pytest.raises(TargetsMissing):
        chosen(aws, target_group=group["TargetGroupName"])


def test_a_target_group_of_functions_has_no_instances(aws, target_group):
    with pytest.raises(TargetsMissing, match="has targets of the type lambda, which are no instances"):
        chosen(aws, target_group=target_group(kind="lambda")["TargetGroupName"])


# --- together ------------------------------------------------------------------------------------------------------------


def test_what_is_asked_for_together_must_all_hold_and_who_was_named_in_vain_is_told(aws, embedded, app, target_group):
    both, tagged = embedded.instances.add(2, tags={"app": app})
    (grouped,) = embedded.instances.add()
    name = target_group(both.id, grouped.id)["TargetGroupName"]
    ours = (Tag("app", (app,)),)
    assert ids(chosen(aws, tags=ours, target_group=name)) == [both.id]
    found = chosen(aws, instances=(both.id, tagged.id, grouped.id), tags=ours, target_group=name)
    assert ids(found) == [both.id]
    assert sorted(found.warnings) == sorted(
        [
            f"{tagged.id} is left out: it is not in the target group {name}.",
            f"{grouped.id} is left out: it is not tagged app={app}.",
        ]
    )


@pytest.mark.parametrize(
    ("selection", "words"),
    [
        (Selection(), "Say which instances: by their ids, tags, an Auto Scaling group or a target group."),
        (Selection(instances=("web-1",)), "'web-1' is no id of an EC2 instance"),
        (Selection(instances=("mi-0123456789abcdef0",)), "'mi-0123456789abcdef0' is no id of an EC2 instance"),
        (Selection(instances=("i-0123",)), "'i-0123' is no id of an EC2 instance"),
        (Selection(tags=(Tag(""),)), "A tag has no key: write key or key=value."),
    ],
)
def test_what_cannot_be_meant_is_seen_before_aws_is_asked(selection, words):
    (problem,) = selection.problems()
    assert problem.startswith(words)


def test_what_can_be_meant_has_no_problem():
    assert not list(Selection(instances=("i-01234567", "i-0123456789abcdef0"), tags=(Tag("a"),)).problems())


# --- permissions ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("action", [row.action for row in ACTIONS])
def test_a_missing_permission_is_named(without, embedded, target_group, client_of, action):
    (host,) = embedded.instances.add()
    scaling = Scaling(client_of, 1)
    group = target_group(host.id)["TargetGroupName"]
    aws = without(action)
    with pytest.raises(RopewayError, match=action):
        chosen(aws, target_group=group, auto_scaling_group=scaling.name, instances=(host.id,))


def test_all_that_is_needed_is_declared(only, embedded, target_group, client_of):
    (host,) = embedded.instances.add()
    group = target_group(host.id)["TargetGroupName"]
    aws = only(ACTIONS)
    assert ids(chosen(aws, target_group=group, instances=(host.id,), tags=())) == [host.id]
    with pytest.raises(TargetsMissing):
        chosen(aws, auto_scaling_group="nobodys")
