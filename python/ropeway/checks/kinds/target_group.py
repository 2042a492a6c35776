"""The targets of a load balancer's target group are healthy."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ropeway.aws.policy import IamAction
from ropeway.checks import settings
from ropeway.checks.asking import Asking
from ropeway.checks.finding import Finding, failed, judged, unasked
from ropeway.checks.kind import Kind
from ropeway.checks.settings import Settings
from ropeway.outcome import counted

HEALTH = "elasticloadbalancing:DescribeTargetHealth"
GROUPS = "elasticloadbalancing:DescribeTargetGroups"
ARN = re.compile(r"arn:[\w-]+:elasticloadbalancing:([\w-]+):\d{12}:targetgroup/.+")


@dataclass(frozen=True)
class Share:
    """So many of the targets: a number, or a percentage of them."""

    amount: int
    percent: bool

    def of(self, count: int) -> int:
        return math.ceil(count * self.amount / 100) if self.percent else self.amount

    def __str__(self) -> str:
        return f"{self.amount}%" if self.percent else str(self.amount)


ALL = Share(100, percent=True)


def share(given: str) -> Share:
    """Raises ValueError, worded to follow the name of a setting."""
    if given == "all":
        return ALL
    if not (found := re.fullmatch(r"([1-9][0-9]*)(%?)", given)) or (found[2] and int(found[1]) > 100):
        raise ValueError(f"is {given!r}; write all, a number of targets, or a percentage as 75%.")
    return Share(int(found[1]), percent=bool(found[2]))


@dataclass(frozen=True, kw_only=True)
class TargetGroupSettings(Settings):
    group: tuple[str, ...] = settings.texts("Names or ARNs of the target groups.", required=True)
    healthy: Share = settings.parsed(
        "How many of the targets must be healthy: `all`, a number, or a percentage.",
        word="number or percentage",
        read=share,
        schema={"type": ["string", "integer"], "pattern": r"^(all|[1-9][0-9]*%?|\{.+\})$", "minimum": 1},
        default=ALL,
    )
    min_targets: int = settings.whole("How many targets there must be at least.", at_least=1, default=1)


def ask(given: TargetGroupSettings, asking: Asking) -> Finding:
    arn = _arn(asking)
    if not arn:
        return unasked(_expected(given), "no target group of that name", advice="Check the name, account and region.")
    found = asking.call(
        "elbv2",
        "describe_target_health",
        doing=f"read the health of the targets of {asking.target}",
        action=HEALTH,
        region=_region(arn),
        TargetGroupArn=arn,
    )["TargetHealthDescriptions"]
    return _judge(given, [target for target in found if _state(target) != "draining"], found)


def _arn(asking: Asking) -> str:
    if ARN.fullmatch(asking.target):
        return asking.target
    groups = asking.pages(
        "elbv2", "describe_target_groups", "TargetGroups", doing="find the target group", action=GROUPS
    )
    return next((group["TargetGroupArn"] for group in groups if group["TargetGroupName"] == asking.target), "")


def _region(arn: str) -> str:
    found = ARN.fullmatch(arn)
    return found[1] if found else ""


def _judge(
    given: TargetGroupSettings, staying: Sequence[dict[str, Any]], all_of_them: Sequence[dict[str, Any]]
) -> Finding:
    """Those that are draining are leaving: they count for nothing."""
    details = tuple(_line(target) for target in all_of_them)
    if len(staying) < given.min_targets:
        got = counted(len(staying), "target")
        return failed(f"at least {counted(given.min_targets, 'target')}", got, advice=_FEW, details=details)
    healthy = sum(_state(target) == "healthy" for target in staying)
    got = f"{healthy} of {counted(len(staying), 'target')} healthy"
    if any(_state(target) == "unavailable" for target in staying):
        return unasked(_expected(given), got, advice=_UNAVAILABLE, details=details)
    return judged(
        healthy >= given.healthy.of(len(staying)), _expected(given), got, advice=_advice(staying), details=details
    )


def _expected(given: TargetGroupSettings) -> str:
    return "all targets healthy" if given.healthy == ALL else f"at least {given.healthy} healthy"


def _state(target: dict[str, Any]) -> str:
    return str(target["TargetHealth"]["State"])


def _line(target: dict[str, Any]) -> str:
    where, health = target["Target"], target["TargetHealth"]
    why = ", ".join(health[name] for name in ("Reason", "Description") if health.get(name))
    return f"{where['Id']}:{where.get('Port', '')} is {health['State']}{f' ({why})' if why else ''}"


def _advice(targets: Sequence[dict[str, Any]]) -> str:
    """By the reason of the first one that is not healthy (ELB API reference, TargetHealth)."""
    reasons = [str(target["TargetHealth"].get("Reason", "")) for target in targets if _state(target) != "healthy"]
    return next((_ADVICE[reason] for reason in reasons if reason in _ADVICE), _LOOK)


_ADVICE = {
    "Elb.RegistrationInProgress": "The first probes are not over: give it more time.",
    "Elb.InitialHealthChecking": "The first probes are not over: give it more time.",
    "Target.ResponseCodeMismatch": "The service answers another status than the matcher of the target group asks for.",
    "Target.Timeout": "The service does not answer in time: see its load, and the security group between.",
    "Target.FailedHealthChecks": "Nothing answers at the port: see whether the service runs and the security group lets the balancer in.",
    "Target.NotInUse": "No listener of a load balancer forwards to the group, or none in the target's zone.",
    "Target.InvalidState": "The instance is stopped or terminated.",
}
_LOOK = "See the reason of each target above, and the service's log there."
_FEW = "Register the targets, or see why the Auto Scaling group has none."
_UNAVAILABLE = "Health checks are switched off for the group, so nobody knows. Switch them on."

KIND = Kind(
    name="target-group",
    title="Target group",
    help="The targets behind a load balancer are healthy. Those that are draining are not counted.",
    settings=TargetGroupSettings,
    subject=lambda given, target: f"{target}: {_expected(given)}",
    targets=lambda given: given.group,
    ask=ask,
    actions=(IamAction(HEALTH, "*"), IamAction(GROUPS, "*", "for a group that is named and not given by ARN")),
    services=("elbv2",),
    example="group: shop\nhealthy: 75%\nminTargets: 2",
)
