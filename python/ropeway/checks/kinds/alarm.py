"""A CloudWatch alarm is quiet."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any

from ropeway.aws.policy import IamAction
from ropeway.checks import settings
from ropeway.checks.asking import Asking
from ropeway.checks.finding import Finding, Verdict, failed, judged, passed, unasked
from ropeway.checks.kind import Kind
from ropeway.checks.settings import Settings
from ropeway.checks.words import lasting

READ = "cloudwatch:DescribeAlarms"


@dataclass(frozen=True, kw_only=True)
class AlarmSettings(Settings):
    name: tuple[str, ...] = settings.texts("Names of the alarms, metric alarms and composite ones.", required=True)
    no_data: Verdict = settings.choice(
        "What `INSUFFICIENT_DATA` means: the alarm cannot judge yet, or nothing reports to it any more.",
        choices=("error", "fail", "pass"),
        default="error",
    )
    quiet_for: float = settings.duration(
        "How long the alarm must have been quiet, by AWS's clock. It shows an alarm that rang during the deploy and is over.",
        default=0,
    )
    region: str = settings.text("The region of the alarms, where it is another one.")


def ask(given: AlarmSettings, asking: Asking) -> Finding:
    name = asking.target
    answer = asking.call(
        "cloudwatch",
        "describe_alarms",
        doing=f"read the alarm {name}",
        action=READ,
        region=given.region,
        AlarmNames=[name],
        AlarmTypes=["MetricAlarm", "CompositeAlarm"],
    )
    found = [*answer.get("MetricAlarms", ()), *answer.get("CompositeAlarms", ())]
    if not found:
        return unasked("the state OK", "no alarm of that name", advice="Check the name, the account and the region.")
    now = parsedate_to_datetime(answer["ResponseMetadata"]["HTTPHeaders"]["date"])
    return _judge(given, found[0], now)


def _judge(given: AlarmSettings, alarm: dict[str, Any], now: datetime) -> Finding:
    state, expected = alarm["StateValue"], "the state OK"
    details = tuple(_details(alarm))
    if state == "ALARM":
        return failed(expected, f"ALARM: {alarm.get('StateReason', '')}".rstrip(": "), advice=_RINGS, details=details)
    if state != "OK":
        return Finding(given.no_data, expected, _reason(alarm), _SILENT, details=details)
    # The date of an answer has whole seconds: it may stand before what has just happened.
    quiet = max((now - alarm["StateUpdatedTimestamp"]).total_seconds(), 0.0)
    if quiet < given.quiet_for:
        return judged(
            False,
            f"the state OK for {lasting(given.quiet_for)}",
            f"OK for {lasting(round(quiet))}",
            advice="It rang a while ago: see what its metric did then.",
            details=details,
        )
    return passed(expected, "OK", details=details)


def _reason(alarm: dict[str, Any]) -> str:
    return f"{alarm['StateValue']}: {alarm.get('StateReason', '')}".rstrip(": ")


def _details(alarm: dict[str, Any]) -> Iterator[str]:
    if metric := alarm.get("MetricName"):
        yield f"It watches {alarm.get('Namespace', '')} {metric}."
    if not alarm.get("ActionsEnabled", True):
        yield "Its actions are switched off: nobody else is told when it rings."


_NO_DATA = {"error": "error", "fail": "fail", "pass": "pass"}
_RINGS = "Look at the alarm's metric and at what the release changed."
_SILENT = "See whether anything reports the metric. Where silence is good news, set noData: pass."

KIND = Kind(
    name="alarm",
    title="CloudWatch alarm",
    help="Alarms are in the state OK. `INSUFFICIENT_DATA` is an error unless you say what it means.",
    settings=AlarmSettings,
    subject=lambda _, target: f"{target} is quiet",
    targets=lambda given: given.name,
    ask=ask,
    actions=(IamAction(READ, "*"),),
    services=("cloudwatch",),
    example="name: shop-5xx\nquietFor: 5m",
)
