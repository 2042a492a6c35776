"""The kind `target-group`, asked of target groups whose targets the embedded AWS really probes."""

from __future__ import annotations

import contextlib
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from ropeway.checks.kinds.target_group import KIND
from ropeway.checks.nodes import Mistakes
from ropeway.local.embedded import EmbeddedAws
from tests.checks.asking import ask, settings_of

PORT = 8080


class Group:
    """A target group behind a load balancer, and what runs on its targets."""

    def __init__(self, client_of: Callable[..., Any], embedded: EmbeddedAws) -> None:
        self._elb, self._embedded, self.name = client_of("elbv2"), embedded, f"g{uuid.uuid4().hex[:10]}"
        subnets = client_of("ec2").describe_subnets()["Subnets"]
        checks = {"HealthCheckIntervalSeconds": 5, "HealthyThresholdCount": 2, "UnhealthyThresholdCount": 2}
        made = self._elb.create_target_group(
            Name=self.name, Protocol="HTTP", Port=PORT, VpcId=subnets[0]["VpcId"], **checks
        )
        self.arn = made["TargetGroups"][0]["TargetGroupArn"]
        # A hundredth of it passes here: whoever drains does so still when he is asked about.
        delay = {"Key": "deregistration_delay.timeout_seconds", "Value": "3000"}
        self._elb.modify_target_group_attributes(TargetGroupArn=self.arn, Attributes=[delay])
        balancer = self._elb.create_load_balancer(Name=self.name, Subnets=[s["SubnetId"] for s in subnets][:2])
        action = {"Type": "forward", "TargetGroupArn": self.arn}
        arn = balancer["LoadBalancers"][0]["LoadBalancerArn"]
        self._elb.create_listener(LoadBalancerArn=arn, Protocol="HTTP", Port=80, DefaultActions=[action])
        self._running = contextlib.ExitStack()

    def add(self, count: int, *, serving: int = 200) -> list[str]:
        """Instances whose service answers with that status; 0: nothing runs there."""
        added = self._embedded.instances.add(count)
        for instance in added:
            if serving:
                self._running.enter_context(service(instance.address, serving))
        self._elb.register_targets(TargetGroupArn=self.arn, Targets=[{"Id": instance.id} for instance in added])
        return [instance.id for instance in added]

    def take_out(self, id: str) -> None:
        self._elb.deregister_targets(TargetGroupArn=self.arn, Targets=[{"Id": id}])

    def settled(self) -> Group:
        """Once every target was probed often enough."""
        deadline = time.monotonic() + 30
        while "initial" in self._states():
            assert time.monotonic() < deadline
            time.sleep(0.02)
        return self

    def _states(self) -> set[str]:
        told = self._elb.describe_target_health(TargetGroupArn=self.arn)["TargetHealthDescriptions"]
        return {target["TargetHealth"]["State"] for target in told}

    def close(self) -> None:
        self._running.close()


@contextlib.contextmanager
def service(address: str, status: int) -> Iterator[None]:
    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    with ThreadingHTTPServer((address, PORT), Answer) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield
        server.shutdown()


@pytest.fixture
def group(client_of: Callable[..., Any], embedded: EmbeddedAws) -> Iterator[Group]:
    made = Group(client_of, embedded)
    yield made
    made.close()


def test_targets_that_are_all_healthy_pass(aws, group):
    ids = group.add(2)
    group.settled()
    finding = ask(KIND, f"group: {group.name}", aws)
    assert (finding.verdict, finding.expected, finding.got) == ("pass", "all targets healthy", "2 of 2 targets healthy")
    assert sorted(finding.details) == sorted(f"{id}:{PORT} is healthy" for id in ids)
    assert ask(KIND, f"group: {group.arn}", aws).verdict == "pass"


def test_one_that_answers_wrongly_fails_with_its_reason_and_what_to_try(aws, group):
    group.add(1)
    (bad,) = group.add(1, serving=503)
    finding = ask(KIND, f"group: {group.settled().name}", aws)
    assert (finding.verdict, finding.got) == ("fail", "1 of 2 targets healthy")
    line = f"{bad}:{PORT} is unhealthy (Target.ResponseCodeMismatch, Health checks failed with these codes: [503])"
    assert line in finding.details
    assert finding.advice == "The service answers another status than the matcher of the target group asks for."


def test_a_share_of_them_is_enough_where_it_is_said_so(aws, group):
    group.add(2)
    group.add(1, serving=0)
    group.settled()
    assert ask(KIND, f"{{group: {group.name}, healthy: 50%}}", aws).verdict == "pass"
    assert ask(KIND, f"{{group: {group.name}, healthy: 2}}", aws).verdict == "pass"
    finding = ask(KIND, f"{{group: {group.name}, healthy: 67%}}", aws)
    assert (finding.verdict, finding.expected) == ("fail", "at least 67% healthy")


def test_a_group_without_targets_never_passes(aws, group):
    finding = ask(KIND, f"group: {group.name}", aws)
    assert (finding.verdict, finding.expected, finding.got) == ("fail", "at least 1 target", "0 targets")


def test_one_that_drains_is_told_but_counts_for_nothing(aws, group):
    group.add(1)
    (leaving,) = group.add(1, serving=503)
    group.settled()
    group.take_out(leaving)
    finding = ask(KIND, f"group: {group.name}", aws)
    assert (finding.verdict, finding.got) == ("pass", "1 of 1 target healthy")
    assert any(line.startswith(f"{leaving}:{PORT} is draining") for line in finding.details)


def test_a_group_that_is_not_there_is_an_error(aws):
    finding = ask(KIND, "group: nobodys", aws)
    assert (finding.verdict, finding.got) == ("error", "no target group of that name")


@pytest.mark.parametrize(
    "action", ["elasticloadbalancing:DescribeTargetHealth", "elasticloadbalancing:DescribeTargetGroups"]
)
def test_a_missing_permission_is_an_error_that_names_it(without, group, action):
    finding = ask(KIND, f"group: {group.name}", without(action))
    assert finding.verdict == "error"
    assert action in f"{finding.got} {finding.advice}"


@pytest.mark.parametrize("healthy", ["0", "some", "101%", "-1", "1.5"])
def test_a_share_that_is_none_is_a_mistake_of_the_suite(healthy):
    with pytest.raises(Mistakes, match=r"healthy is '.*'; write all, a number of targets, or a percentage as 75%"):
        settings_of(KIND, f"{{group: shop, healthy: '{healthy}'}}")
