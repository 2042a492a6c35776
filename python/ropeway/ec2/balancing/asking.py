"""AWS is asked about load balancers and Auto Scaling, in our words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypeVar

from ropeway.aws.policy import IamAction
from ropeway.aws.session import Aws

ELB, SCALING = "elasticloadbalancing", "autoscaling"
SERVICES = ("elbv2", "autoscaling")
WITH_GROUPS, WITH_SCALING, WITH_STANDBY = (
    "with drainFrom or targetGroup",
    "with autoScaling",
    "with autoScaling: standby",
)

ACTIONS = (
    IamAction("elasticloadbalancing:DescribeTargetGroups", "*", WITH_GROUPS),
    IamAction("elasticloadbalancing:DescribeTargetGroupAttributes", "*", WITH_GROUPS),
    IamAction("elasticloadbalancing:DescribeTargetGroupAttributes", "*", WITH_STANDBY),
    IamAction("elasticloadbalancing:DescribeTargetHealth", "*", WITH_GROUPS),
    IamAction("elasticloadbalancing:DescribeTargetHealth", "*", WITH_STANDBY),
    IamAction("elasticloadbalancing:DeregisterTargets", "*", WITH_GROUPS),
    IamAction("elasticloadbalancing:RegisterTargets", "*", WITH_GROUPS),
    IamAction("autoscaling:DescribeAutoScalingInstances", "*", WITH_SCALING),
    IamAction("autoscaling:DescribeAutoScalingGroups", "*", WITH_SCALING),
    IamAction("autoscaling:SuspendProcesses", "*", WITH_SCALING),
    IamAction("autoscaling:ResumeProcesses", "*", WITH_SCALING),
    IamAction("autoscaling:EnterStandby", "*", WITH_STANDBY),
    IamAction("autoscaling:ExitStandby", "*", WITH_STANDBY),
)

T = TypeVar("T")


def where_of(aws: Aws) -> str:
    """Where groups and instances are looked for. Raises what asking for the identity does."""
    return f"account {aws.identity().account}, region {aws.region}"


def call(aws: Aws, service: str, method: str, doing: str, **arguments: Any) -> dict[str, Any]:
    """`doing` reads on from "Could not". Raises AccessDenied (which names the action), AwsError, NetworkError, CredentialsError."""
    from ropeway.aws.answers import asking  # noqa: PLC0415 - botocore, which bad inputs need not wait for

    client = aws.client(service)
    with asking(doing, action=_action(service, method), region=client.meta.region_name):
        answer: dict[str, Any] = getattr(client, method)(**arguments)
    return answer


def pages(aws: Aws, service: str, method: str, items: str, doing: str, **arguments: Any) -> Iterator[dict[str, Any]]:
    from ropeway.aws.answers import asking  # noqa: PLC0415 - the same

    client = aws.client(service)
    with asking(doing, action=_action(service, method), region=client.meta.region_name):
        for page in client.get_paginator(method).paginate(**arguments):
            yield from page.get(items, ())


def _action(service: str, method: str) -> str:
    """describe_target_health of elbv2: elasticloadbalancing:DescribeTargetHealth."""
    return f"{ELB if service == 'elbv2' else SCALING}:{method.title().replace('_', '')}"


def in_groups_of(most: int, some: Iterable[T]) -> Iterator[Sequence[T]]:
    every = list(some)
    for at in range(0, len(every), most):
        yield every[at : at + most]
