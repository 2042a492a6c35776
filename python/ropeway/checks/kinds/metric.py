"""A CloudWatch metric, or an expression over several, stays within its bounds."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ropeway.aws.policy import IamAction
from ropeway.checks import settings
from ropeway.checks.asking import Asking
from ropeway.checks.finding import Finding, Verdict, failed, passed, together, unasked
from ropeway.checks.kind import Kind
from ropeway.checks.settings import Settings
from ropeway.checks.words import lasting
from ropeway.outcome import counted

READ = "cloudwatch:GetMetricData"
STATISTIC = re.compile(
    r"Average|Sum|Minimum|Maximum|SampleCount|IQM|(?:p|tm|wm|tc|ts)\d{1,2}(?:\.\d{1,10})?|p100|(?:PR|TM|WM|TC|TS)\(.+\)"
)
"""CloudWatch user guide, "Statistics definitions"."""

RESULT = "result"
MOST_DETAILS = 20


def statistic(given: str) -> None:
    if not STATISTIC.fullmatch(given):
        raise ValueError(f"is {given!r}; write Average, Sum, Minimum, Maximum, SampleCount or a percentile as p95.")


@dataclass(frozen=True, kw_only=True)
class OneMetric(Settings):
    namespace: str = settings.text("The namespace, for example `AWS/ApplicationELB`.", required=True)
    metric: str = settings.text("The name of the metric.", required=True)
    dimensions: dict[str, str] = settings.mapping("The dimensions, all of them: CloudWatch adds up none.")
    statistic: str = settings.text("What is made of the samples of a period.", default="Average", check=statistic)


@dataclass(frozen=True, kw_only=True)
class MetricSettings(Settings):
    namespace: str = settings.text("The namespace, for example `AWS/ApplicationELB`.")
    metric: str = settings.text("The name of the metric.")
    dimensions: dict[str, str] = settings.mapping("The dimensions, all of them: CloudWatch adds up none.")
    statistic: str = settings.text("What is made of the samples of a period.", default="Average", check=statistic)
    expression: str = settings.text("Metric math over `metrics`, in place of one metric, as `100 * errors / requests`.")
    metrics: dict[str, OneMetric] = settings.by_name(
        settings.record_form(OneMetric), "The metrics of the expression by their ids, which begin with a small letter."
    )
    period: float = settings.duration("How long a period is, in whole minutes.", default=60, at_least=60)
    over: float = settings.duration("How far back it looks: all periods in it are judged.", default=300, at_least=60)
    at_most: float | None = settings.number("No value may be above.", at_least=float("-inf"))
    at_least: float | None = settings.number("No value may be below.", at_least=float("-inf"))
    may_miss: int = settings.whole("How many periods may lie outside the bounds.", default=0)
    min_values: int = settings.whole(
        "How many periods must have a value, where silence since then is no good news: with fewer, `noData` decides.",
        default=1,
        at_least=1,
    )
    no_data: Verdict = settings.choice(
        "What it means that there is no value, or fewer than `minValues`.",
        choices=("error", "fail", "pass"),
        default="error",
    )
    region: str = settings.text("The region of the metric, where it is another one.")

    def problems(self) -> Iterator[str]:
        if bool(self.expression) == bool(self.metric):
            yield "set either metric and namespace, or expression and metrics."
        if self.metric and not self.namespace:
            yield "namespace is required beside metric."
        if self.expression and not self.metrics:
            yield "metrics is required beside expression: it names what the expression speaks of."
        if self.at_most is None and self.at_least is None:
            yield "atMost or atLeast is required: without bounds there is nothing to judge."
        if self.period % 60 or self.over < self.period:
            yield "period must be whole minutes, and over at least as long."
        if self.min_values > self.over // self.period:
            yield f"minValues is {self.min_values}, and over has only {counted(int(self.over // self.period), 'period')}."
        for id in self.metrics:
            if not re.fullmatch(r"[a-z][A-Za-z0-9_]*", id) or id == RESULT:
                yield f"{id!r} in metrics is no id: write a small letter, then letters, digits and _ (and not {RESULT})."


def ask(given: MetricSettings, asking: Asking) -> Finding:
    end = _whole_period(given)
    answer = asking.call(
        "cloudwatch",
        "get_metric_data",
        doing=f"read {_subject(given)}",
        action=READ,
        region=given.region,
        MetricDataQueries=list(_queries(given)),
        StartTime=end - given.over,
        EndTime=end,
        ScanBy="TimestampAscending",
    )
    results = [entry for entry in answer["MetricDataResults"] if entry["Id"] == RESULT]
    if trouble := _trouble(answer, results):
        return unasked(_expected(given), trouble, advice="Check namespace, metric, dimensions and expression.")
    series = [list(zip(result["Timestamps"], result["Values"], strict=True)) for result in results]
    # METRICS() and SEARCH() find one for each metric, or none.
    return together(*(_judge(given, values) for values in series or [[]]))


def _whole_period(given: MetricSettings) -> float:
    """The end of the last period that is over: a period that goes on has not all of its samples."""
    return time.time() // given.period * given.period


def _queries(given: MetricSettings) -> Iterator[dict[str, Any]]:
    if not given.expression:
        yield _query(RESULT, given, given.period, returned=True)
        return
    for id, metric in given.metrics.items():
        yield _query(id, metric, given.period, returned=False)
    yield {"Id": RESULT, "Expression": given.expression, "Period": int(given.period), "ReturnData": True}


def _query(id: str, metric: OneMetric | MetricSettings, period: float, *, returned: bool) -> dict[str, Any]:
    named = {"Namespace": metric.namespace, "MetricName": metric.metric, "Dimensions": _pairs(metric.dimensions)}
    return {
        "Id": id,
        "MetricStat": {"Metric": named, "Period": int(period), "Stat": metric.statistic},
        "ReturnData": returned,
    }


def _pairs(dimensions: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Name": name, "Value": value} for name, value in dimensions.items()]


def _trouble(answer: dict[str, Any], results: Sequence[dict[str, Any]]) -> str:
    """GetMetricData answers 200 with its errors inside (API reference, MetricDataResult)."""
    told = [*answer.get("Messages", ()), *(one for result in results for one in result.get("Messages", ()))]
    states = (result.get("StatusCode", "Complete") for result in results)
    broken = next((state for state in states if state != "Complete"), "")
    return "; ".join(f"{one.get('Code', '')}: {one.get('Value', '')}" for one in told) or broken


def _judge(given: MetricSettings, values: list[tuple[Any, float]]) -> Finding:
    outside = [value for _, value in values if not _within(given, value)]
    details = tuple(f"{at:%H:%M} UTC: {value:g}" for at, value in values[-MOST_DETAILS:])
    # Of few values, those that may miss would be all of them, and nothing at all within the bounds.
    if len(outside) > min(given.may_miss, max(len(values) - 1, 0)):
        got = (
            f"{', '.join(f'{value:g}' for value in outside[-3:])} in {len(outside)} of {counted(len(values), 'period')}"
        )
        return failed(_expected(given), got, advice=_OUTSIDE, details=details)
    if len(values) < given.min_values:
        got = f"{counted(len(values), 'value') if values else 'no value'} in the last {lasting(given.over)}"
        return Finding(given.no_data, _expected(given), got, "" if given.no_data == "pass" else _SILENT, details)
    return passed(_expected(given), _span([value for _, value in values]), details=details)


def _within(given: MetricSettings, value: float) -> bool:
    return (given.at_most is None or value <= given.at_most) and (given.at_least is None or value >= given.at_least)


def _span(values: list[float]) -> str:
    low, high = min(values), max(values)
    return f"{low:g}" if low == high else f"{low:g} to {high:g}"


def _expected(given: MetricSettings) -> str:
    bounds = [f"at least {given.at_least:g}"] if given.at_least is not None else []
    bounds += [f"at most {given.at_most:g}"] if given.at_most is not None else []
    bounds += [f"{given.min_values} values or more"] if given.min_values > 1 else []
    return " and ".join(bounds)


def _subject(given: MetricSettings) -> str:
    return given.expression or f"{given.namespace} {given.metric}"


_SILENT = "See whether anything reports the metric, with exactly these dimensions. Where silence is good news, set noData: pass."
_OUTSIDE = "See the metric in CloudWatch, and what the release changed."

KIND = Kind(
    name="metric",
    title="CloudWatch metric",
    help="Every period of a metric, or of an expression over several, lies within its bounds. No value at all is an error unless you say what it means.",
    settings=MetricSettings,
    subject=lambda given, _: f"{_subject(given)} is {_expected(given)} for {lasting(given.over)}",
    ask=ask,
    actions=(IamAction(READ, "*"),),
    services=("cloudwatch",),
    example="""\
expression: 100 * errors / requests
metrics:
  errors: {namespace: AWS/ApplicationELB, metric: HTTPCode_Target_5XX_Count, statistic: Sum, dimensions: {LoadBalancer: app/shop/50dc6c495c0c9188}}
  requests: {namespace: AWS/ApplicationELB, metric: RequestCount, statistic: Sum, dimensions: {LoadBalancer: app/shop/50dc6c495c0c9188}}
over: 10m
atMost: 1
""",
)
