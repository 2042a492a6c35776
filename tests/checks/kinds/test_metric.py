"""The kind `metric`, asked of samples that the embedded AWS's CloudWatch holds."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any

import pytest

from ropeway.checks.asking import Asking
from ropeway.checks.kinds.metric import KIND
from ropeway.checks.nodes import Mistakes
from tests.checks.asking import ask, settings_of

PLAIN = "{{namespace: {0}, metric: Errors, statistic: Sum, over: 10m{1}}}"


@pytest.fixture
def report(client_of: Callable[..., Any]) -> Callable[..., str]:
    """Samples of a metric, one a minute, the last two minutes ago; answers with its namespace."""

    last = time.time() // 60 * 60 - 90  # in the middle of a period, and the same for all metrics of a test

    def put(*values: float, metric: str = "Errors", namespace: str = "") -> str:
        namespace = namespace or f"Shop-{uuid.uuid4().hex[:8]}"
        data = [
            {"MetricName": metric, "Value": value, "Timestamp": last - 60 * (len(values) - 1 - at)}
            for at, value in enumerate(values)
        ]
        client_of("cloudwatch").put_metric_data(Namespace=namespace, MetricData=data)
        return namespace

    return put


def test_values_within_the_bounds_pass_and_are_told(aws, report):
    finding = ask(KIND, PLAIN.format(report(0, 2, 1), ", atMost: 2"), aws)
    assert (finding.verdict, finding.expected, finding.got) == ("pass", "at most 2", "0 to 2")
    assert [line.split(": ")[1] for line in finding.details] == ["0", "2", "1"]


def test_one_value_outside_them_fails_and_says_in_how_many_periods(aws, report):
    finding = ask(KIND, PLAIN.format(report(0, 7, 1), ", atMost: 2"), aws)
    assert (finding.verdict, finding.got) == ("fail", "7 in 1 of 3 periods")
    assert finding.advice == "See the metric in CloudWatch, and what the release changed."


def test_so_many_periods_may_miss_the_bounds(aws, report):
    assert ask(KIND, PLAIN.format(report(0, 7, 1), ", atMost: 2, mayMiss: 1"), aws).verdict == "pass"


def test_not_all_that_is_known_may_miss_the_bounds(aws, report):
    finding = ask(KIND, PLAIN.format(report(7), ", atMost: 2, mayMiss: 1"), aws)
    assert (finding.verdict, finding.got) == ("fail", "7 in 1 of 1 period")


def test_a_lower_bound_holds_too(aws, report):
    finding = ask(KIND, PLAIN.format(report(5, 3), ", atLeast: 4, atMost: 9"), aws)
    assert (finding.verdict, finding.expected, finding.got) == (
        "fail",
        "at least 4 and at most 9",
        "3 in 1 of 2 periods",
    )


@pytest.mark.parametrize(
    ("no_data", "verdict"), [("", "error"), (", noData: fail", "fail"), (", noData: pass", "pass")]
)
def test_no_value_is_an_error_unless_it_is_said_what_silence_means(aws, no_data, verdict):
    finding = ask(KIND, PLAIN.format("Nobodys", f", atMost: 2{no_data}"), aws)
    assert (finding.verdict, finding.got) == (verdict, "no value in the last 10m")


@pytest.mark.parametrize(
    ("no_data", "verdict"), [("", "error"), (", noData: fail", "fail"), (", noData: pass", "pass")]
)
def test_a_heartbeat_that_has_stopped_is_silence_where_it_is_said_how_many_values_there_must_be(
    aws, report, no_data, verdict
):
    asked = PLAIN.format(report(1, 1, 1), f", atLeast: 1, minValues: 4{no_data}")
    finding = ask(KIND, asked, aws)
    assert (finding.verdict, finding.got) == (verdict, "3 values in the last 10m")
    assert finding.expected == "at least 1 and 4 values or more"
    assert ask(KIND, asked.replace("minValues: 4", "minValues: 3"), aws).verdict == "pass"


def test_few_values_are_no_silence_where_one_of_them_is_bad(aws, report):
    finding = ask(KIND, PLAIN.format(report(7), ", atMost: 2, minValues: 4, noData: pass"), aws)
    assert (finding.verdict, finding.got) == ("fail", "7 in 1 of 1 period")


def test_old_values_are_no_evidence(aws, report, client_of):
    namespace = f"Shop-{uuid.uuid4().hex[:8]}"
    old = [{"MetricName": "Errors", "Value": 1, "Timestamp": time.time() - 3600}]
    client_of("cloudwatch").put_metric_data(Namespace=namespace, MetricData=old)
    assert ask(KIND, PLAIN.format(namespace, ", atMost: 2"), aws).verdict == "error"


def test_a_missing_permission_is_an_error_that_names_it(without):
    finding = ask(KIND, PLAIN.format("Shop", ", atMost: 2"), without("cloudwatch:GetMetricData"))
    assert finding.verdict == "error"
    assert "cloudwatch:GetMetricData" in f"{finding.got} {finding.advice}"


EXPRESSION = """
expression: 100 * errors / requests
metrics:
  errors: {{namespace: {0}, metric: Errors, statistic: Sum}}
  requests: {{namespace: {0}, metric: Requests, statistic: Sum}}
over: 10m
atMost: 1
"""


def test_an_expression_over_several_metrics_is_judged_as_one(aws, report):
    namespace = report(1, 4)
    report(200, 200, metric="Requests", namespace=namespace)
    finding = ask(KIND, EXPRESSION.format(namespace), aws)
    assert (finding.verdict, finding.got) == ("fail", "2 in 1 of 2 periods")


def test_an_expression_that_cloudwatch_does_not_understand_is_an_error(aws, report):
    namespace = report(1)
    finding = ask(KIND, EXPRESSION.format(namespace).replace("100 * errors / requests", "errors +* 2"), aws)
    assert finding.verdict == "error"


def series(*values: float, status: str = "Complete") -> dict[str, Any]:
    """As GetMetricData answers; of METRICS() and SEARCH(), which the embedded AWS does not know, each under the id of the expression."""
    at = [datetime(2026, 11, 22, 10, minute, tzinfo=timezone.utc) for minute in range(len(values))]
    return {"Id": "result", "Label": "errors", "Timestamps": at, "Values": list(values), "StatusCode": status}


@pytest.mark.parametrize(
    ("found", "verdict", "got"),
    [
        ([series(0, 1), series(1, 0)], "pass", "0 to 1; 0 to 1"),
        ([series(0, 1), series(0, 7)], "fail", "7 in 1 of 2 periods"),
        ([series(0, 1), series()], "error", "no value in the last 10m"),
        ([series(0, 1), series(status="InternalError")], "error", "InternalError"),
        ([], "error", "no value in the last 10m"),
    ],
    ids=["well", "one is not", "one is silent", "one is broken", "none"],
)
def test_an_expression_may_find_several_series_and_each_is_judged(
    monkeypatch: pytest.MonkeyPatch, found: list[dict[str, Any]], verdict: str, got: str
):
    monkeypatch.setattr(Asking, "call", lambda *_, **__: {"MetricDataResults": found})
    finding = ask(KIND, EXPRESSION.format("Shop").replace("100 * errors / requests", "METRICS()"))
    assert (finding.verdict, finding.got) == (verdict, got)


@pytest.mark.parametrize(
    ("yaml", "words"),
    [
        ("{namespace: A, metric: B}", "atMost or atLeast is required: without bounds there is nothing to judge."),
        ("{metric: B, atMost: 1}", "namespace is required beside metric."),
        ("{atMost: 1}", "set either metric and namespace, or expression and metrics."),
        ("{expression: a, atMost: 1}", "metrics is required beside expression"),
        (
            "{namespace: A, metric: B, atMost: 1, period: 90s}",
            "period must be whole minutes, and over at least as long.",
        ),
        ("{namespace: A, metric: B, atMost: 1, statistic: Median}", "statistic is 'Median'; write Average, Sum"),
        ("{namespace: A, metric: B, atMost: 1, minValues: 6}", "minValues is 6, and over has only 5 periods."),
        ("{expression: A, atMost: 1, metrics: {A: {namespace: N, metric: M}}}", "'A' in metrics is no id"),
    ],
)
def test_what_cannot_be_judged_is_a_mistake_of_the_suite(yaml, words):
    with pytest.raises(Mistakes) as caught:
        settings_of(KIND, yaml)
    assert words in str(caught.value)
