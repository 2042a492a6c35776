"""What has become of what could not be undone: its group may be deleted, its instance terminated or stopped."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from ropeway.aws.session import Aws
from ropeway.ec2.balancing.asking import in_groups_of, pages
from ropeway.ec2.journal import Effect, short
from ropeway.ec2.reading import pages as ec2_pages
from ropeway.errors import RopewayError

VALUES = 200
"""Values of a filter in one request (EC2 API reference, "Filtering")."""


@dataclass(frozen=True)
class Standing:
    """Sentences: `gone` has nothing to come back to, or is nothing to come back; `asleep` is stopped, and may come back. `unseen`: why nobody
    could look.
    """

    gone: Mapping[Effect, str] = field(default_factory=dict)
    asleep: Mapping[Effect, str] = field(default_factory=dict)
    unseen: str = ""


def standing(effects: Iterable[Effect], aws: Aws) -> Standing:
    wanted = list(effects)
    if not wanted:
        return Standing()
    try:
        states, groups = _states(wanted, aws), _groups(wanted, aws)
    except RopewayError as unseen:
        return Standing(unseen=f"What has become of it could not be seen: {unseen}")
    deleted = {effect: f"{short(effect.group)} is there no more." for effect in wanted if effect.group not in groups}
    ended = _those(states, {"terminated", "shutting-down", "there no more"})
    return Standing({**ended, **deleted}, _those(states, {"stopped", "stopping"}))


def _those(states: Mapping[Effect, str], wanted: set[str]) -> dict[Effect, str]:
    return {effect: f"{effect.member} is {state}." for effect, state in states.items() if state in wanted}


def _states(effects: Iterable[Effect], aws: Aws) -> dict[Effect, str]:
    """Of those that are instances. A target that is an address is taken as it comes: nobody asks whose it is."""
    instances = [effect for effect in effects if effect.kind != "suspended" and effect.member.startswith("i-")]
    found: dict[str, str] = {}
    for some in in_groups_of(VALUES, sorted({effect.member for effect in instances})):
        for reservation in ec2_pages(
            aws,
            "ec2",
            "describe_instances",
            "Reservations",
            doing="see what has become of the instances",
            action="ec2:DescribeInstances",
            Filters=[{"Name": "instance-id", "Values": list(some)}],
        ):
            found |= {one["InstanceId"]: one["State"]["Name"] for one in reservation["Instances"]}
    return {effect: found.get(effect.member, "there no more") for effect in instances}


def _groups(effects: Iterable[Effect], aws: Aws) -> set[str]:
    """Those that are there: target groups by their ARNs, Auto Scaling groups by their names."""
    balanced = {effect.group for effect in effects if effect.kind == "deregistered"}
    scaled = sorted({effect.group for effect in effects} - balanced)
    found = set(_target_groups(aws)) if balanced else set()
    return found | (set(_scaling_groups(scaled, aws)) if scaled else set())


def _target_groups(aws: Aws) -> Iterator[str]:
    doing = "see which target groups there are"
    return (one["TargetGroupArn"] for one in pages(aws, "elbv2", "describe_target_groups", "TargetGroups", doing))


def _scaling_groups(names: list[str], aws: Aws) -> Iterator[str]:
    doing, items = "see which Auto Scaling groups there are", "AutoScalingGroups"
    found = pages(aws, "autoscaling", "describe_auto_scaling_groups", items, doing, AutoScalingGroupNames=names)
    return (one["AutoScalingGroupName"] for one in found)
