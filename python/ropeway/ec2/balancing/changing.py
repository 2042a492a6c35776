"""The changes themselves, each by as few requests as AWS lets: what is refused is told for each one it concerns."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import groupby

from ropeway.aws.session import Aws
from ropeway.ec2.balancing.asking import call, in_groups_of, pages
from ropeway.ec2.journal import Effect, short
from ropeway.errors import AccessDenied, AwsError, RopewayError

MOST = 20
"""Members of one request: one that is refused is asked for again by itself, and should not make hundreds."""

Why = Mapping[Effect, str]
"""What could not be done, and why."""


def deregister(effects: Iterable[Effect], aws: Aws) -> Why:
    """A target that is not there is no error (ELB API reference, DeregisterTargets)."""
    return _by_group(effects, lambda group, some: _targets(aws, "deregister_targets", group, some))


def register(effects: Iterable[Effect], aws: Aws) -> Why:
    """One that is there already stays as it is (ELB API reference, RegisterTargets)."""
    return _by_group(effects, lambda group, some: _targets(aws, "register_targets", group, some))


_DOING = {
    "deregister_targets": "take {} out of target group {}",
    "register_targets": "put {} back into target group {}",
}


def _targets(aws: Aws, method: str, group: str, some: Sequence[Effect]) -> None:
    doing = _DOING[method].format(", ".join(effect.member for effect in some), short(group))
    call(aws, "elbv2", method, doing, TargetGroupArn=group, Targets=[_target(effect) for effect in some])


def _target(effect: Effect) -> dict[str, object]:
    zone = {"AvailabilityZone": effect.zone} if effect.zone else {}
    return {"Id": effect.member, "Port": effect.port, **zone}


def enter_standby(effects: Iterable[Effect], aws: Aws) -> Why:
    return _by_group(effects, lambda group, some: _enter(aws, group, some))


def _enter(aws: Aws, group: str, some: Sequence[Effect]) -> None:
    ids = [effect.member for effect in some]
    call(
        aws, "autoscaling", "enter_standby", f"put {', '.join(ids)} of Auto Scaling group {group} in standby",
        AutoScalingGroupName=group, InstanceIds=ids, ShouldDecrementDesiredCapacity=True,
    )  # fmt: skip


def exit_standby(effects: Iterable[Effect], aws: Aws) -> Why:
    """Of those that are in standby now."""
    return _by_group(effects, lambda group, some: _exit(aws, group, some))


def _exit(aws: Aws, group: str, some: Sequence[Effect]) -> None:
    ids = [effect.member for effect in some]
    call(
        aws, "autoscaling", "exit_standby", f"put {', '.join(ids)} of Auto Scaling group {group} back into service",
        AutoScalingGroupName=group, InstanceIds=ids,
    )  # fmt: skip


def suspend(effects: Iterable[Effect], aws: Aws) -> Why:
    return _by_group(effects, lambda group, some: _processes(aws, "suspend_processes", "suspend", group, some))


def resume(effects: Iterable[Effect], aws: Aws) -> Why:
    """One that runs goes on (Auto Scaling API reference, ResumeProcesses)."""
    return _by_group(effects, lambda group, some: _processes(aws, "resume_processes", "resume", group, some))


def _processes(aws: Aws, method: str, verb: str, group: str, some: Sequence[Effect]) -> None:
    names = [effect.member for effect in some]
    doing = f"{verb} {', '.join(names)} of Auto Scaling group {group}"
    call(aws, "autoscaling", method, doing, AutoScalingGroupName=group, ScalingProcesses=names)


def active(groups: Sequence[str], processes: Sequence[str], aws: Aws) -> list[Effect]:
    """Which of these processes of these groups are not suspended now: what is, is somebody else's. A group that is not there has them all."""
    doing = "read the Auto Scaling groups of the targets"
    found = {
        one["AutoScalingGroupName"]: {process["ProcessName"] for process in one["SuspendedProcesses"]}
        for some in in_groups_of(MOST, groups)
        for one in pages(
            aws,
            "autoscaling",
            "describe_auto_scaling_groups",
            "AutoScalingGroups",
            doing,
            AutoScalingGroupNames=list(some),
        )
    }
    return [Effect("suspended", name, one) for name in groups for one in processes if one not in found.get(name, ())]


def lifecycles(ids: Sequence[str], aws: Aws) -> dict[str, str]:
    """LifecycleState by instance; who belongs to no Auto Scaling group any more is not in it."""
    doing = "read the state of the instances in their Auto Scaling groups"
    found: dict[str, str] = {}
    for some in in_groups_of(50, ids):
        told = call(aws, "autoscaling", "describe_auto_scaling_instances", doing, InstanceIds=list(some))
        found.update({one["InstanceId"]: one["LifecycleState"] for one in told["AutoScalingInstances"]})
    return found


def _by_group(effects: Iterable[Effect], change: Callable[[str, Sequence[Effect]], None]) -> dict[Effect, str]:
    """Each group by itself: what is wrong with one does not keep the others."""
    failed: dict[Effect, str] = {}
    for group, all_of_it in groupby(sorted(effects), key=lambda effect: effect.group):
        for some in in_groups_of(MOST, all_of_it):
            failed.update(_changed(group, some, change))
    return failed


def _changed(
    group: str, some: Sequence[Effect], change: Callable[[str, Sequence[Effect]], None]
) -> Iterator[tuple[Effect, str]]:
    """AWS refuses all for one that it does not take (an instance that is gone): then each is asked for by itself."""
    try:
        change(group, some)
    except AwsError as refused:
        if len(some) == 1 or isinstance(refused, AccessDenied):
            yield from ((effect, str(refused)) for effect in some)
        else:
            for effect in some:
                yield from _changed(group, [effect], change)
    except RopewayError as unheard:
        yield from ((effect, str(unheard)) for effect in some)
