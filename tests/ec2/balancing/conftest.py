"""Instances with a service on each, target groups that probe them, and a balancer for them."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import pytest

from ropeway.aws.session import Aws
from ropeway.ec2.balancing.balancer import Balancer
from ropeway.ec2.balancing.seats import BalancerTerms
from ropeway.ec2.balancing.survey import survey
from ropeway.ec2.journal import Journal
from ropeway.ec2.model import Target
from ropeway.local.embedded import EmbeddedAws
from ropeway.outcome import Run
from ropeway.s3.state.place import StatePlace
from tests.checks.kinds.aws_kit import aws, client_of
from tests.s3.wire_kit import WIRE
from tests.servers.balanced import Group, Service, serving

__all__ = ["aws", "client_of"]


@dataclass
class Fleet:
    """Instances that serve, and what AWS knows of them."""

    targets: tuple[Target, ...]
    services: dict[str, Service]


@pytest.fixture
def fleet(embedded: EmbeddedAws) -> Iterator[Fleet]:
    seen = embedded.instances.add(2)
    with ExitStack() as open_ones:
        services = {one.id: open_ones.enter_context(serving(one.address)) for one in seen}
        targets = tuple(sorted(Target(one.id, private_address=one.address) for one in seen))
        yield Fleet(targets, services)


@pytest.fixture
def group_of(client_of: Callable[[str], Any]) -> Callable[..., Group]:
    """A target group with these members, healthy; drained in a hundredth of its two seconds."""

    def make(*targets: Target, ip: bool = False, **more: Any) -> Group:
        group = Group(client_of, **({"TargetType": "ip"} if ip else {}), **more)
        delay = {"Key": "deregistration_delay.timeout_seconds", "Value": "2"}
        group.elb.modify_target_group_attributes(TargetGroupArn=group.arn, Attributes=[delay])
        if targets:
            group.register(*({"Id": one.private_address if ip else one.id} for one in targets))
            group.wait_all("healthy")
        return group

    return make


@pytest.fixture
def journal(embedded: EmbeddedAws, bucket: str) -> Iterator[Journal]:
    with WIRE.at(embedded.endpoint_url) as engine:
        made = Journal(engine, StatePlace(bucket, ".ropeway/applications/shop/journal.json"))
        made.read(Run().cancellation)
        yield made


@dataclass
class Told:
    lines: list[str] = field(default_factory=list)

    def note(self, message: str) -> None:
        self.lines.append(message)

    def progress(self, _: object) -> None: ...


@pytest.fixture
def balancer_of(aws: Aws, journal: Journal) -> Callable[..., Balancer]:
    """As a deploy makes it. Nothing must stand against it."""

    def make(targets: Sequence[Target], *groups: Group, **more: Any) -> Balancer:
        given = {"look_every": 0.02, "healthy_within": 20.0, "drain_margin": 20.0, **more}
        terms = BalancerTerms(tuple(group.name for group in groups), **given)
        found = survey(terms, targets, aws)
        assert found.problems == ()
        return Balancer(found, terms, journal, aws)

    return make


@pytest.fixture
def scaled(client_of: Callable[[str], Any]) -> Iterator[Callable[..., str]]:
    """An Auto Scaling group that these instances belong to; its name."""
    scaling, made = client_of("autoscaling"), []

    def make(targets: Sequence[Target], *groups: Group, least: int = 0) -> str:
        name = f"s{uuid.uuid4().hex[:8]}"
        made.append(name)
        scaling.create_launch_configuration(
            LaunchConfigurationName=name, ImageId="ami-12345678", InstanceType="t3.micro"
        )
        scaling.create_auto_scaling_group(
            AutoScalingGroupName=name, LaunchConfigurationName=name, MinSize=0, MaxSize=5, DesiredCapacity=0,
            AvailabilityZones=["us-east-1a"], TargetGroupARNs=[group.arn for group in groups],
        )  # fmt: skip
        scaling.attach_instances(AutoScalingGroupName=name, InstanceIds=[target.id for target in targets])
        scaling.update_auto_scaling_group(AutoScalingGroupName=name, MinSize=least)
        return name

    yield make
    left = scaling.describe_auto_scaling_groups(AutoScalingGroupNames=made)["AutoScalingGroups"] if made else []
    for name in (group["AutoScalingGroupName"] for group in left):
        scaling.delete_auto_scaling_group(AutoScalingGroupName=name, ForceDelete=True)
