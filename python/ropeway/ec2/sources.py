"""The members of an Auto Scaling group, and of a target group."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ropeway.aws.session import Aws
from ropeway.ec2.reading import call, pages, portions
from ropeway.errors import AwsError, TargetsMissing

GROUPS = "autoscaling:DescribeAutoScalingGroups"
TARGET_GROUPS = "elasticloadbalancing:DescribeTargetGroups"
TARGET_HEALTH = "elasticloadbalancing:DescribeTargetHealth"

STAYING = {"InService", "Standby", "EnteringStandby"}
"""Lifecycle states of who is there and stays there. (Auto Scaling user guide, "Lifecycle of the instances in a group".)"""

FILTERS = ("network-interface.addresses.private-ip-address", "network-interface.ipv6-addresses.ipv6-address")


@dataclass(frozen=True)
class Member:
    """`id` is an instance's, or an address that is none's; `left_out` says why it is no target, without a full stop."""

    id: str
    left_out: str = ""


def of_group(aws: Aws, name: str) -> list[Member]:
    """Raises TargetsMissing where there is no such Auto Scaling group."""
    groups = call(
        aws,
        "autoscaling",
        "describe_auto_scaling_groups",
        doing=f"look at the Auto Scaling group {name}",
        action=GROUPS,
        AutoScalingGroupNames=[name],
    )["AutoScalingGroups"]
    if not groups:
        raise TargetsMissing(
            f"There is no Auto Scaling group {name} in {aws.region}.",
            advice="Check its name, the region (regionName) and the account of the connection. Nothing was changed.",
        )
    return [_in_group(name, instance) for instance in groups[0]["Instances"]]


def _in_group(name: str, instance: Mapping[str, Any]) -> Member:
    state = instance["LifecycleState"]
    why = "" if state in STAYING else f"the Auto Scaling group {name} has it as {state}"
    beware = ", and it will not have this release" if state.startswith(("Pending", "Warmed")) else ""
    return Member(instance["InstanceId"], f"{why}{beware}")


def of_target_group(aws: Aws, group: str) -> list[Member]:
    """Of the types `instance` and `ip`. Raises TargetsMissing where there is no such group, or one of functions or load balancers."""
    described = _described(aws, group)
    kind = described.get("TargetType", "instance")
    if kind not in {"instance", "ip"}:
        raise TargetsMissing(
            f"The target group {group} has targets of the type {kind}, which are no instances.",
            advice="Name a target group of the type instance or ip.",
        )
    told = call(
        aws,
        "elbv2",
        "describe_target_health",
        doing=f"see the targets of {group}",
        action=TARGET_HEALTH,
        TargetGroupArn=described["TargetGroupArn"],
    )["TargetHealthDescriptions"]
    states = {target["Target"]["Id"]: target["TargetHealth"]["State"] for target in told}
    owners = {id: id for id in states} if kind == "instance" else _owners(aws, described.get("VpcId", ""), list(states))
    return list(_members(group, states, owners))


def _members(group: str, states: Mapping[str, str], owners: Mapping[str, str]) -> Iterator[Member]:
    """An instance that leaves by one address and stays by another stays."""
    staying = {owners.get(id, "") for id, state in states.items() if state != "draining"}
    for id, state in states.items():
        owner = owners.get(id, "")
        if not owner:
            yield Member(id, f"no instance of this account has this address of the target group {group}")
        elif state == "draining" and owner not in staying:
            yield Member(owner, f"it leaves the target group {group} (draining)")
    yield from (Member(owner) for owner in sorted(filter(None, staying)))


def _described(aws: Aws, group: str) -> Mapping[str, Any]:
    named = {"TargetGroupArns": [group]} if group.startswith("arn:") else {"Names": [group]}
    try:
        answer = call(
            aws,
            "elbv2",
            "describe_target_groups",
            doing=f"look at the target group {group}",
            action=TARGET_GROUPS,
            **named,
        )
    except AwsError as error:
        if not error.code.startswith("TargetGroupNotFound"):
            raise
        raise TargetsMissing(
            error.message, advice="Check the name or ARN, the region (regionName) and the account. Nothing was changed."
        ) from error
    (described,) = answer["TargetGroups"]
    return dict(described)


def _owners(aws: Aws, vpc: str, addresses: Sequence[str]) -> dict[str, str]:
    """The instance of each address; the same address may be in use in another VPC. IPv6 addresses hold a colon."""
    owners: dict[str, str] = {}
    for name in FILTERS:
        of_kind = [address for address in addresses if (":" in address) == ("ipv6" in name)]
        for some in portions(of_kind, 199):
            filters = [{"Name": "vpc-id", "Values": [vpc]}, {"Name": name, "Values": some}]
            owners |= _owned(aws, filters, set(some))
    return owners


def _owned(aws: Aws, filters: list[dict[str, Any]], addresses: set[str]) -> dict[str, str]:
    reservations = pages(
        aws,
        "ec2",
        "describe_instances",
        "Reservations",
        doing="find the instances behind the addresses of the target group",
        action="ec2:DescribeInstances",
        Filters=filters,
    )
    return {
        address: instance["InstanceId"]
        for reservation in reservations
        for instance in reservation["Instances"]
        for address in addresses_of(instance)
        if address in addresses
    }


def addresses_of(instance: Mapping[str, Any]) -> Iterator[str]:
    for interface in instance.get("NetworkInterfaces", ()):
        yield from (told["PrivateIpAddress"] for told in interface.get("PrivateIpAddresses", ()))
        yield from (told["Ipv6Address"] for told in interface.get("Ipv6Addresses", ()))
    yield instance.get("PrivateIpAddress", "")
