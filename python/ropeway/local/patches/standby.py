"""An instance of an Auto Scaling group that is in standby gets no traffic, and is in standby once its target groups have drained it.

Auto Scaling user guide, "Temporarily remove instances from your Auto Scaling group".
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from moto.autoscaling.exceptions import ValidationError
from moto.autoscaling.models import AutoScalingBackend, FakeAutoScalingGroup, InstanceState
from moto.elbv2.models import ELBv2Backend, FakeTargetGroup

from ropeway.local.patches.patch import around
from ropeway.local.patches.target_health import drains
from ropeway.outcome import counted


def _groups(scaling: AutoScalingBackend, name: str) -> Sequence[FakeTargetGroup]:
    elb: ELBv2Backend = scaling.elbv2_backend
    return [elb.target_groups[arn] for arn in scaling.autoscaling_groups[name].target_group_arns]


def _takes_traffic(state: Any) -> bool:
    return str(state.lifecycle_state) == "InService"


def _lifecycle(state: InstanceState) -> str:
    told = str(vars(state)["lifecycle_state"])
    group = state.auto_scaling_group
    if told != "Standby" or group is None:
        return told
    groups = _groups(group.autoscaling_backend, group.name)
    return "EnteringStandby" if any(drains(one, state.instance.id) for one in groups) else told


def _set_lifecycle(state: InstanceState, told: str) -> None:
    vars(state)["lifecycle_state"] = told


def _refuse_too_many(group: FakeAutoScalingGroup, many: int, lowers: bool) -> None:
    """Auto Scaling API reference, EnterStandby: the desired capacity may not fall below the least."""
    wanted, least = int(group.desired_capacity or 0), int(group.min_size or 0)
    if lowers and wanted - many < least:
        raise ValidationError(
            f"AutoScalingGroup {group.name} has min-size={least}, max-size={group.max_size}, and desired-size={wanted}. "
            f"To place into standby {counted(many, 'instance')}, please update the AutoScalingGroup sizes appropriately."
        )


def mend() -> None:
    InstanceState.lifecycle_state = property(_lifecycle, _set_lifecycle)

    @around(AutoScalingBackend, "enter_standby_instances")
    def entered(original: Any, scaling: AutoScalingBackend, name: str, ids: list[str], *rest: Any) -> Any:
        _refuse_too_many(scaling.autoscaling_groups[name], len(ids), *rest)
        for group in _groups(scaling, name):
            group.deregister([{"Id": instance_id} for instance_id in ids])
        return original(scaling, name, ids, *rest)

    @around(AutoScalingBackend, "exit_standby_instances")
    def exited(original: Any, scaling: AutoScalingBackend, name: str, ids: list[str], *rest: Any) -> Any:
        states = [one for one in scaling.autoscaling_groups[name].instance_states if one.instance.id in ids]
        if early := [one.instance.id for one in states if one.lifecycle_state != "Standby"]:
            raise ValidationError(f"The instance {early[0]} is not in Standby.")
        activities = original(scaling, name, ids, *rest)
        scaling.update_attached_target_groups(name)
        return activities

    def updated(scaling: AutoScalingBackend, name: str) -> None:
        """Moto registers all; AWS none in standby, and nobody new while AddToLoadBalancer is suspended."""
        group = scaling.autoscaling_groups[name]
        if "AddToLoadBalancer" in group.suspended_processes:
            return
        serving = [{"Id": state.instance.id} for state in group.instance_states if _takes_traffic(state)]
        for target_group in _groups(scaling, name):
            target_group.register(serving)

    AutoScalingBackend.update_attached_target_groups = updated
