"""The kind `alarm`, asked of CloudWatch alarms of the embedded AWS."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from ropeway.checks.asking import Asking
from ropeway.checks.kinds.alarm import KIND
from tests.checks.asking import ask, settings_of


@pytest.fixture
def alarm(client_of: Callable[..., Any]) -> Callable[..., str]:
    """Makes an alarm in that state; answers with its name."""

    def make(state: str, reason: str = "Threshold Crossed", region: str = "us-east-1") -> str:
        name, cloudwatch = f"alarm-{uuid.uuid4().hex[:8]}", client_of("cloudwatch", region)
        rule = {"ComparisonOperator": "GreaterThanThreshold", "EvaluationPeriods": 1, "Threshold": 1, "Period": 60}
        metric = {"Namespace": "Shop", "MetricName": "Errors", "Statistic": "Sum"}
        cloudwatch.put_metric_alarm(AlarmName=name, **metric, **rule)
        cloudwatch.set_alarm_state(AlarmName=name, StateValue=state, StateReason=reason)
        return name

    return make


def test_a_quiet_alarm_passes(aws, alarm):
    finding = ask(KIND, f"name: {alarm('OK')}", aws)
    assert (finding.verdict, finding.expected, finding.got, finding.advice) == ("pass", "the state OK", "OK", "")
    assert finding.details == ("It watches Shop Errors.",)
    assert finding.request_ids


def test_one_that_rings_fails_and_says_why(aws, alarm):
    finding = ask(KIND, f"name: {alarm('ALARM', 'Threshold Crossed: 7.0 was greater than 1.0.')}", aws)
    assert finding.verdict == "fail"
    assert finding.got == "ALARM: Threshold Crossed: 7.0 was greater than 1.0."
    assert finding.advice == "Look at the alarm's metric and at what the release changed."


@pytest.mark.parametrize(("no_data", "verdict"), [("", "error"), ("fail", "fail"), ("pass", "pass")])
def test_one_without_data_is_an_error_unless_it_is_said_what_silence_means(aws, alarm, no_data, verdict):
    rule = f", noData: {no_data}" if no_data else ""
    finding = ask(KIND, f"{{name: {alarm('INSUFFICIENT_DATA', 'No datapoints')}{rule}}}", aws)
    assert (finding.verdict, finding.got) == (verdict, "INSUFFICIENT_DATA: No datapoints")


def test_one_that_has_rung_a_moment_ago_fails_where_it_must_have_been_quiet_for_longer(aws, alarm):
    name = alarm("OK")
    finding = ask(KIND, f"{{name: {name}, quietFor: 5m}}", aws)
    assert (finding.verdict, finding.expected) == ("fail", "the state OK for 5m")
    assert finding.got.startswith("OK for ")


def test_one_that_is_quiet_since_this_very_second_passes(aws, alarm, monkeypatch):
    name, read = alarm("OK"), Asking.call

    def early(*given: Any, **more: Any) -> dict[str, Any]:
        """AWS's date has whole seconds, the state's has more."""
        answer = read(*given, **more)
        changed = answer["MetricAlarms"][0]["StateUpdatedTimestamp"]
        answer["ResponseMetadata"]["HTTPHeaders"]["date"] = format_datetime(changed - timedelta(seconds=1))
        return answer

    monkeypatch.setattr(Asking, "call", early)
    assert ask(KIND, f"name: {name}", aws).verdict == "pass"


def test_one_that_is_not_there_is_an_error_and_no_pass(aws):
    finding = ask(KIND, "name: nobodys", aws)
    assert (finding.verdict, finding.got) == ("error", "no alarm of that name")
    assert finding.advice == "Check the name, the account and the region."


def test_an_alarm_of_another_region_is_found_there(aws, alarm):
    name = alarm("OK", region="eu-west-1")
    assert ask(KIND, f"name: {name}", aws).verdict == "error"
    assert ask(KIND, f"{{name: {name}, region: eu-west-1}}", aws).verdict == "pass"


def test_a_missing_permission_is_an_error_that_names_it(without, alarm):
    finding = ask(KIND, f"name: {alarm('OK')}", without("cloudwatch:DescribeAlarms"))
    assert finding.verdict == "error"
    assert "cloudwatch:DescribeAlarms" in f"{finding.got} {finding.advice}"


def test_an_aws_that_does_not_answer_is_an_error(silent):
    finding = ask(KIND, "name: any", silent)
    assert finding.verdict == "error"
    assert finding.got.startswith("Could not read the alarm any")


def test_each_alarm_is_a_target_of_its_own():
    given = settings_of(KIND, "name: [a, b]")
    assert KIND.targets(given) == ("a", "b")
    assert KIND.subject(given, "a") == "a is quiet"
