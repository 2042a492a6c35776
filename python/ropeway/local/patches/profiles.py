"""Where IAM policies decide, SSM's agent does what the role of the instance lets it do.

The agent itself asks nothing of the embedded AWS: what it would ask for is looked up in the role. Systems Manager user guide, "Reference: ec2messages,
ssmmessages, and other API operations": it tells that it is there by `ssm:UpdateInstanceInformation`; it is sent commands over the control channel of
`ssmmessages`, or, where it has none, over `ec2messages`. (The data channels of `ssmmessages` are for sessions.)
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from moto.iam.access_control import IAMPolicy, PermissionResult
from moto.iam.models import iam_backends

from ropeway.local.patches.identities import decides

TELLS = ("ssm:UpdateInstanceInformation",)
CONTROL = ("ssmmessages:CreateControlChannel", "ssmmessages:OpenControlChannel")
MESSAGES = tuple(
    f"ec2messages:{name}"
    for name in ("AcknowledgeMessage", "DeleteMessage", "FailMessage", "GetEndpoint", "GetMessages", "SendReply")
)


def is_known(instance: Any) -> bool:
    """Whether its agent may tell SSM that it is there."""
    return _may(instance, TELLS)


def is_reached(instance: Any) -> bool:
    """Whether its agent may be sent commands."""
    return _may(instance, CONTROL) or _may(instance, MESSAGES)


def _may(instance: Any, actions: tuple[str, ...]) -> bool:
    """Of an instance without a profile nothing is asked: docs/embedded-aws.md says so."""
    profile = instance.ec2_backend.iam_instance_profile_associations.get(instance.id)
    if profile is None or not decides():
        return True
    policies = [IAMPolicy(one) for role in profile.iam_instance_profile.roles for one in _policies(role)]
    return all(_allowed(policies, action) for action in actions)


def _allowed(policies: list[IAMPolicy], action: str) -> bool:
    results = [policy.is_action_permitted(action, "*") for policy in policies]
    return PermissionResult.DENIED not in results and PermissionResult.PERMITTED in results


def _policies(role: Any) -> Iterator[Any]:
    iam = iam_backends[role.account_id][role.partition]
    for name in iam.list_role_policies(role.name):
        yield iam.get_role_policy(role.name, name)[1]
    yield from iam.list_attached_role_policies(role.name)[0]
