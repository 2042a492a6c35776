"""Where the targets get their traffic from, before anything changes. Reads only."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ropeway.aws.session import Aws
from ropeway.ec2.balancing.asking import call, in_groups_of, pages
from ropeway.ec2.balancing.seats import BalancerTerms, Seat, Survey
from ropeway.ec2.journal import short
from ropeway.ec2.model import Target
from ropeway.outcome import listing

ASKED_AT_ONCE = 50
"""Instances of one DescribeAutoScalingInstances (API reference)."""
NOT_THERE = frozenset({"unused", "draining"})
"""Health states of what gets no new request. An `unused` one that is registered has no load balancer in front of its group, or none in its zone."""

UNHEALTHY = "unhealthy"
"""How the states of one that is not healthy begin: behind a Network Load Balancer it is `unhealthy.draining` at first (ELB API reference, TargetHealth)."""

CLASSIC = 3_600.0
"""Seconds that a Classic Load Balancer drains at most (user guide, "Configure connection draining"); which of them it is nobody asks."""


def survey(terms: BalancerTerms, targets: Sequence[Target], aws: Aws) -> Survey:
    """Raises AwsError for what concerns all; what concerns a group or a target is among the problems, all of them at once."""
    looked = _Looked([], [], [], set(), set(), [], {})
    groups = _groups(terms.target_groups, aws, looked)
    for group in groups:
        _look(group, targets, aws, looked)
    if groups and not looked.problems:
        looked.warnings += _untouched(groups, targets, looked)
    scaled = _scaled(targets, aws) if terms.scaling != "none" else {}
    delay = _look_at_standby(scaled, targets, aws, looked) if scaled and terms.scaling == "standby" else 0.0
    if terms.scaling != "none" and not scaled:
        looked.problems.append("autoScaling is asked for, and no target belongs to an Auto Scaling group.")
    return Survey(
        tuple(sorted(looked.seats)),
        tuple(sorted(scaled.items())),
        frozenset(looked.unhealthy),
        tuple(looked.problems),
        tuple(looked.warnings),
        delay,
        tuple(sorted(looked.watched)),
        tuple(sorted(looked.room.items())),
    )


@dataclass
class _Looked:
    seats: list[Seat]
    problems: list[str]
    warnings: list[str]
    unhealthy: set[str]
    members: set[str]
    watched: list[Seat]
    room: dict[str, int]


# --- target groups ------------------------------------------------------------------------------------------------------------------


def _groups(given: Sequence[str], aws: Aws, looked: _Looked) -> list[dict[str, Any]]:
    """Those that were named; a name or an ARN that is none of this region's is a problem."""
    if not given:
        return []
    doing = "find the target groups"
    known = list(pages(aws, "elbv2", "describe_target_groups", "TargetGroups", doing))
    found = {key: group for group in known for key in (group["TargetGroupArn"], group["TargetGroupName"])}
    looked.problems += [f"There is no target group {name} in {aws.region}." for name in given if name not in found]
    chosen = {found[name]["TargetGroupArn"]: found[name] for name in given if name in found}
    return list(chosen.values())


def _look(group: Mapping[str, Any], targets: Sequence[Target], aws: Aws, looked: _Looked) -> None:
    arn, kind = str(group["TargetGroupArn"]), group.get("TargetType", "instance")
    if kind not in {"instance", "ip"}:
        looked.problems.append(f"Target group {short(arn)} has targets of type {kind}; instances are none of these.")
        return
    by_member = {member: target for target in targets for member in _members(target, kind)}
    delay = _delay(arn, aws)
    health = call(aws, "elbv2", "describe_target_health", f"read the targets of {short(arn)}", TargetGroupArn=arn)[
        "TargetHealthDescriptions"
    ]
    members = [told for told in health if told["Target"]["Id"] in by_member]
    if not members:
        looked.problems.append(f"None of the targets is registered in target group {short(arn)}.")
    looked.members |= {by_member[told["Target"]["Id"]].id for told in members}
    for told in members:
        _weigh(by_member[told["Target"]["Id"]], told, arn, delay, looked)


def _weigh(target: Target, told: Mapping[str, Any], arn: str, delay: float, looked: _Looked) -> None:
    state, where = told["TargetHealth"]["State"], told["Target"]
    if state in NOT_THERE:
        looked.warnings.append(
            f"{target.title} gets no traffic from {short(arn)} now ({state}), and is left as it is there."
        )
        return
    if state.startswith(UNHEALTHY):
        looked.unhealthy.add(target.id)
    looked.seats.append(Seat(target.id, arn, where["Id"], int(where["Port"]), where.get("AvailabilityZone", ""), delay))


def _members(target: Target, kind: str) -> set[str]:
    """What a group may know it by: of type ip, by any address of any of its interfaces."""
    return {target.id} if kind == "instance" else {target.private_address, *target.addresses} - {""}


def _untouched(groups: Sequence[Mapping[str, Any]], targets: Sequence[Target], looked: _Looked) -> Iterator[str]:
    """Those that no group knows."""
    names = listing([group["TargetGroupName"] for group in groups])
    if strange := [target.title for target in targets if target.id not in looked.members]:
        yield f"Not registered in {names}, so without traffic from there before and after: {listing(strange, 20)}."


def _delay(arn: str, aws: Aws) -> float:
    """Seconds that a target is drained for (ELB user guide, "Deregistration delay"; 300 unless it says otherwise)."""
    doing = f"read how long {short(arn)} drains its targets"
    told = call(aws, "elbv2", "describe_target_group_attributes", doing, TargetGroupArn=arn)["Attributes"]
    values = {one["Key"]: one["Value"] for one in told}
    return float(values.get("deregistration_delay.timeout_seconds", 300))


# --- Auto Scaling -------------------------------------------------------------------------------------------------------------------


def _scaled(targets: Sequence[Target], aws: Aws) -> dict[str, str]:
    found: dict[str, str] = {}
    for some in in_groups_of(ASKED_AT_ONCE, targets):
        ids = [target.id for target in some]
        for told in pages(
            aws,
            "autoscaling",
            "describe_auto_scaling_instances",
            "AutoScalingInstances",
            "find the Auto Scaling groups of the targets",
            InstanceIds=ids,
        ):
            found[told["InstanceId"]] = told["AutoScalingGroupName"]
    return found


def _look_at_standby(scaled: Mapping[str, str], targets: Sequence[Target], aws: Aws, looked: _Looked) -> float:
    """How many seconds it takes to get there: as long as the load balancers of the groups drain."""
    groups = pages(
        aws,
        "autoscaling",
        "describe_auto_scaling_groups",
        "AutoScalingGroups",
        "read the Auto Scaling groups of the targets",
        AutoScalingGroupNames=sorted(set(scaled.values())),
    )
    delays = [0.0]
    for group in groups:
        looked.problems += _standby_problems(group, targets)
        looked.room[group["AutoScalingGroupName"]] = group["DesiredCapacity"] - group["MinSize"]
        for arn in group.get("TargetGroupARNs", ()):
            delays.append(_delay(arn, aws))
            looked.watched += _watched(arn, delays[-1], targets, aws, looked)
        if classic := group.get("LoadBalancerNames", ()):
            delays.append(CLASSIC)
            looked.warnings.append(_unwatched(group["AutoScalingGroupName"], classic))
    return max(delays)


def _watched(arn: str, delay: float, targets: Sequence[Target], aws: Aws, looked: _Looked) -> Iterator[Seat]:
    """In service says nothing of health: the group registers an instance and goes on (Auto Scaling user guide, "Temporarily remove instances")."""
    by_id = {target.id: target for target in targets}
    health = call(aws, "elbv2", "describe_target_health", f"read the targets of {short(arn)}", TargetGroupArn=arn)
    for told in health["TargetHealthDescriptions"]:
        where, state = told["Target"], told["TargetHealth"]["State"]
        if where["Id"] in by_id and state not in NOT_THERE:
            if state.startswith(UNHEALTHY):
                looked.unhealthy.add(where["Id"])
            yield Seat(where["Id"], arn, where["Id"], int(where["Port"]), where.get("AvailabilityZone", ""), delay)


def _unwatched(group: str, classic: Sequence[str]) -> str:
    names = f"Classic Load Balancer{'' if len(classic) == 1 else 's'} {listing(classic)}"
    return (
        f"Auto Scaling group {group} gets traffic from {names}: whether an instance is healthy there after standby is not looked at. "
        "Ask the instances themselves (hostChecksFile), or attach a target group."
    )


def _standby_problems(group: Mapping[str, Any], targets: Sequence[Target]) -> Iterator[str]:
    """EnterStandby lowers the desired capacity, which may not fall below the least (Auto Scaling API reference, EnterStandby)."""
    name, ids = group["AutoScalingGroupName"], {target.id for target in targets}
    if group["DesiredCapacity"] <= group["MinSize"]:
        yield (
            f"Auto Scaling group {name} wants {group['DesiredCapacity']} instances and may not have fewer than {group['MinSize']}, so none "
            "can be in standby. Lower its minimum, or use autoScaling: suspend."
        )
    away = [one["InstanceId"] for one in group["Instances"] if one["LifecycleState"] != "InService"]
    if others := sorted(ids & set(away)):
        yield f"{listing(others)} of Auto Scaling group {name} is not in service. Put it back, or leave it out."
