"""Alarms follow their metrics, and metrics are told apart by all of their dimensions.

CloudWatch user guide: "Using Amazon CloudWatch alarms" (a new alarm has INSUFFICIENT_DATA), "Concepts" (each combination of
dimensions is a metric of its own), "Statistics definitions" (percentiles).
"""

from __future__ import annotations

import math
import operator
import re
from collections import defaultdict
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

from moto.cloudwatch import models
from moto.cloudwatch.models import Alarm, CloudWatchBackend, Dimension, MetricDatum, Statistics
from moto.cloudwatch.responses import CloudWatchResponse

from ropeway.local.patches.metric_math import evaluated
from ropeway.local.patches.patch import around

COMPARE = {
    "GreaterThanOrEqualToThreshold": operator.ge,
    "GreaterThanThreshold": operator.gt,
    "LessThanOrEqualToThreshold": operator.le,
    "LessThanThreshold": operator.lt,
}
PERCENTILE = re.compile(r"p(\d{1,2}(?:\.\d+)?|100)")


def _is(datum: Any, namespace: str, name: str, dimensions: Sequence[Dimension]) -> bool:
    same = (datum.namespace, datum.name) == (namespace, name)
    return same and sorted(datum.dimensions) == sorted(dimensions)


def _of_query(datum: Any, query: dict[str, Any]) -> bool:
    metric = query["MetricStat"]["Metric"]
    dimensions = [Dimension(name=d["Name"], value=d["Value"]) for d in metric.get("Dimensions") or []]
    return _is(datum, metric["Namespace"], metric["MetricName"], dimensions)


# --- alarms --------------------------------------------------------------------------------------------------------------


def _evaluate(cloudwatch: CloudWatchBackend, alarm: Alarm) -> None:
    """Anew when data have come; what SetAlarmState said stays until then."""
    compare = COMPARE.get(alarm.comparison_operator or "")
    if alarm.rule or not alarm.metric_name or not compare:
        return
    data = [d for d in cloudwatch.metric_data if _is(d, alarm.namespace, alarm.metric_name, alarm.dimensions)]
    if len(data) == alarm.data_seen:
        return
    alarm.data_seen = len(data)
    values = _latest(data, alarm)
    breaching = sum(bool(compare(value, float(alarm.threshold))) for value in values)
    state = "ALARM" if breaching >= int(alarm.datapoints_to_alarm or alarm.evaluation_periods) else "OK"
    words = (
        f"Threshold Crossed: {breaching} of the last {len(values)} datapoints breach the threshold ({alarm.threshold})."
    )
    if state != alarm.state_value:
        alarm.update_state(words, "{}", state)


def _latest(data: Sequence[Any], alarm: Alarm) -> list[float]:
    """The values of the last periods that have any."""
    periods = defaultdict(list)
    for datum in data:
        periods[int(datum.timestamp.timestamp() // int(alarm.period))].append(datum)
    latest = sorted(periods)[-int(alarm.evaluation_periods) :]
    return [_statistic(periods[period], alarm.extended_statistic or alarm.statistic) for period in latest]


def _statistic(data: Sequence[Any], name: str) -> float:
    statistics = Statistics([name], data[0].timestamp)
    statistics.metric_data = data
    return float(statistics.get_statistics_for_type(name) or 0)


def _percentile(values: Sequence[float], percent: float) -> float:
    ordered = sorted(values)
    return ordered[max(0, math.ceil(percent / 100 * len(ordered)) - 1)]


def mend() -> None:
    Alarm.data_seen = 0

    @around(Alarm, "__init__")
    def made(original: Any, alarm: Alarm, *args: Any, **kwargs: Any) -> None:
        original(alarm, *args, **kwargs)
        alarm.state_value = "INSUFFICIENT_DATA"

    @around(CloudWatchBackend, "put_metric_alarm")
    def put(original: Any, cloudwatch: CloudWatchBackend, name: str, *args: Any, **kwargs: Any) -> Alarm:
        """One that is changed keeps its state. (API reference, PutMetricAlarm.)"""
        before = cloudwatch.alarms.get(name)
        alarm = original(cloudwatch, name, *args, **kwargs)
        if before:
            alarm.state_value, alarm.data_seen = before.state_value, before.data_seen
        return alarm

    @around(CloudWatchResponse, "describe_alarms")
    def described(original: Any, request: CloudWatchResponse) -> Any:
        for alarm in list(request.cloudwatch_backend.alarms.values()):
            _evaluate(request.cloudwatch_backend, alarm)
        return original(request)

    _mend_data()


def _mend_data() -> None:
    models.parse_expression = evaluated

    @around(CloudWatchBackend, "get_metric_data")
    def got(original: Any, cloudwatch: CloudWatchBackend, queries: list[Any], *args: Any, **kwargs: Any) -> Any:
        """An expression needs all other queries at once."""
        if any("MetricStat" not in query for query in queries):
            return original(cloudwatch, queries, *args, **kwargs)
        told = []
        for query in queries:
            own = [datum for datum in cloudwatch.get_all_metrics() if _of_query(datum, query)]
            told += original(SimpleNamespace(get_all_metrics=lambda own=own: own), [query], *args, **kwargs)
        return told

    @around(Statistics, "get_statistics_for_type")
    def calculated(original: Any, statistics: Statistics, stat: str) -> Any:
        wanted = PERCENTILE.fullmatch(stat)
        values = [datum.value for datum in statistics.metric_data if isinstance(datum, MetricDatum)]
        return _percentile(values, float(wanted[1])) if wanted and values else original(statistics, stat)
