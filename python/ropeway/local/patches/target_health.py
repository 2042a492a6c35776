"""The targets of a target group are probed."""

from __future__ import annotations

import ipaddress
import threading
from collections.abc import Sequence
from typing import Any
from weakref import WeakKeyDictionary

from moto.elbv2.exceptions import InvalidTargetError
from moto.elbv2.models import ELBv2Backend, FakeHealthStatus, FakeTargetGroup, elbv2_backends

from ropeway.local.instances.fleet import FLEET, SUPPORTED
from ropeway.local.instances.settings import SETTINGS
from ropeway.local.patches.patch import around
from ropeway.local.target_health.probe import Probe
from ropeway.local.target_health.watch import NOT_IN_USE, NOT_REGISTERED, STOPPED, Health, Terms, Watch

LEAST_TIMEOUT = 5.0
"""Seconds: AWS's own. Scaled as the interval is, a busy machine would miss it, and call a target unhealthy that is well."""

Target = tuple[str, int]
"""An id and a port: an instance may be registered with several."""

WATCHES: WeakKeyDictionary[FakeTargetGroup, dict[Target, Watch]] = WeakKeyDictionary()
_changing = threading.Lock()
"""Requests are served side by side: two may find that the same target is gone."""


def _of(group: FakeTargetGroup) -> dict[Target, Watch]:
    """Those registered or draining, as they are at this moment."""
    with _changing:
        there = {target: watch for target, watch in WATCHES.get(group, {}).items() if not watch.gone}
        WATCHES[group] = there
        return dict(there)


def _target(group: FakeTargetGroup, given: dict[str, Any]) -> Target:
    return given["Id"], int(given.get("Port") or group.port)


def _targets(group: FakeTargetGroup, given: Sequence[dict[str, Any]]) -> list[Target]:
    """Those that are watched."""
    return [_target(group, target) for target in given] if _watched(group) else []


def _watched(group: FakeTargetGroup) -> bool:
    return group.target_type in {"instance", "ip"}


# --- what a target group asks --------------------------------------------------------------------------------------------


def _terms(group: FakeTargetGroup, target: Target) -> Terms:
    address = _address(target[0])
    return Terms(
        standing=_standing(group, target[0]),
        probe=_probe(group, target, address) if address else None,
        interval=float(group.health_check_interval_seconds) * SETTINGS.health_scale,
        healthy_after=int(group.healthy_threshold_count),
        unhealthy_after=int(group.unhealthy_threshold_count),
    )


def _standing(group: FakeTargetGroup, target_id: str) -> Health | None:
    host = FLEET.get(target_id)
    if host and not host.running:
        return STOPPED
    return None if _in_use(group) else NOT_IN_USE


def _in_use(group: FakeTargetGroup) -> bool:
    elb = elbv2_backends[group.account_id][group.region_name]
    actions = (
        action
        for balancer in list(elb.load_balancers.values())
        for listener in list(balancer.listeners.values())
        for rule in list(listener.rules.values())
        for action in rule.actions
    )
    return any(group.arn in elb._get_target_group_arns_from(action.data) for action in actions)  # noqa: SLF001


def _address(target_id: str) -> str | None:
    """Of a target that is on this machine: nothing else is ever probed."""
    if host := FLEET.get(target_id):
        return host.address
    try:
        return target_id if ipaddress.ip_address(target_id).is_loopback else None
    except ValueError:
        return None


def _probe(group: FakeTargetGroup, target: Target, address: str) -> Probe:
    port = group.health_check_port
    return Probe(
        protocol=group.health_check_protocol or "HTTP",
        address=address,
        port=target[1] if port in {None, "traffic-port"} else int(port),
        path=group.health_check_path or "/",
        codes=(getattr(group, "matcher", None) or {}).get("HttpCode", "200"),
        timeout=max(LEAST_TIMEOUT, float(group.health_check_timeout_seconds) * SETTINGS.health_scale),
    )


# --- registering ---------------------------------------------------------------------------------------------------------


def _register(group: FakeTargetGroup, target: Target) -> None:
    before = _of(group).get(target)
    if before and not before.deregistered:
        return
    watch = Watch(lambda: _terms(group, target))
    with _changing:
        WATCHES[group][target] = watch
    watch.begin()


def _deregister(group: FakeTargetGroup, target: Target) -> None:
    delay = float(group.attributes.get("deregistration_delay.timeout_seconds", 300)) * SETTINGS.health_scale
    watch = _of(group).get(target)
    if watch and not watch.deregistered:
        watch.deregister(delay)


def _registered(group: FakeTargetGroup) -> set[str]:
    return {target_id for (target_id, _), watch in _of(group).items() if not watch.deregistered}


def drains(group: FakeTargetGroup, target_id: str) -> bool:
    return any(watch.deregistered for (one, _), watch in _of(group).items() if one == target_id)


def _told(group: FakeTargetGroup, target: Target, health: Health) -> FakeHealthStatus:
    port = group.health_check_port
    shown = str(target[1]) if port == "traffic-port" else port
    return FakeHealthStatus(target[0], str(target[1]), shown, health.state, health.reason, health.description)


def _end_all() -> None:
    watches = [watch for group in list(WATCHES.values()) for watch in group.values()]
    for watch in watches:
        watch.end()
    WATCHES.clear()


def mend() -> None:
    if not SUPPORTED:
        return
    FLEET.at_end.append(_end_all)
    _mend_registering()

    @around(ELBv2Backend, "delete_target_group")
    def deleted(original: Any, elb: ELBv2Backend, arn: str) -> Any:
        group = original(elb, arn)
        for watch in WATCHES.pop(group, {}).values():
            watch.end()
        return group

    @around(ELBv2Backend, "describe_target_health")
    def described(original: Any, elb: ELBv2Backend, arn: str, targets: Sequence[dict[str, Any]]) -> Any:
        group = elb.target_groups.get(arn)
        if group is None or not _watched(group):
            return original(elb, arn, targets)
        watches = _of(group)
        asked = [_target(group, target) for target in targets] or list(watches)
        return [_told(group, t, watches[t].now if t in watches else NOT_REGISTERED) for t in sorted(asked)]


def _mend_registering() -> None:
    @around(FakeTargetGroup, "register")
    def registered(original: Any, group: FakeTargetGroup, targets: list[dict[str, Any]]) -> None:
        if group.target_type == "instance" and not all(FLEET.get(given["Id"]) for given in targets):
            raise InvalidTargetError
        original(group, targets)
        for target in _targets(group, targets):
            _register(group, target)

    @around(FakeTargetGroup, "deregister")
    def deregistered(original: Any, group: FakeTargetGroup, targets: list[dict[str, Any]]) -> None:
        """A target that is not there is no error. (API reference, DeregisterTargets.)"""
        for target in _targets(group, targets):
            _deregister(group, target)
        left = _registered(group)
        original(group, [t for t in targets if t["Id"] in group.targets and t["Id"] not in left])

    @around(FakeTargetGroup, "deregister_terminated_instances")
    def terminated(original: Any, group: FakeTargetGroup, instance_ids: list[str]) -> None:
        original(group, instance_ids)
        for target in [target for target in _of(group) if target[0] in instance_ids]:
            _deregister(group, target)
