"""Services on the addresses of instances, and the target groups that they are probed by."""

from __future__ import annotations

import contextlib
import threading
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from ropeway.local.patches import target_health

PORT = 8080


class Service(ThreadingHTTPServer):
    """Answers as it is told, or hangs."""

    daemon_threads = True

    def __init__(self, address: str, port: int = PORT) -> None:
        self.status, self.hangs, self.paths, self.agents = 200, False, set(), set()
        self.asked: Counter[int] = Counter()
        """How often it was about to answer with which status."""
        self.over = threading.Event()
        super().__init__((address, port), Answer)
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()


class Answer(BaseHTTPRequestHandler):
    server: Service

    def do_GET(self) -> None:
        self.server.paths.add(self.path)
        self.server.agents.add(self.headers["User-Agent"])
        if self.server.hangs:
            self.server.over.wait()
        with contextlib.suppress(OSError):
            status = self.server.status
            self.server.asked[status] += 1
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

    def log_message(self, *_: object) -> None: ...


@contextlib.contextmanager
def serving(address: str, port: int = PORT) -> Iterator[Service]:
    service = Service(address, port)
    try:
        yield service
    finally:
        service.over.set()
        service.shutdown()
        service.server_close()


def drained_in(group: Group, seconds: int) -> None:
    """From now on, a hundredth of it here."""
    delay = {"Key": "deregistration_delay.timeout_seconds", "Value": str(seconds)}
    group.elb.modify_target_group_attributes(TargetGroupArn=group.arn, Attributes=[delay])


NEVER = 3599
"""Seconds of a delay that does not end while a test looks (half a minute here): the test ends it by `drain_ends`."""


def drain_ends(group_arn: str, target_id: str) -> None:
    """The delay of a target is over now, if it drains still. For an embedded AWS in this process."""
    with target_health._changing:
        groups = [targets for group, targets in target_health.WATCHES.items() if group.arn == group_arn]
        drained = [watch for targets in groups for (id_, _), watch in targets.items() if id_ == target_id]
    for watch in drained:
        if watch.deregistered:
            watch._drained = time.monotonic()


class Group:
    """A target group, behind a load balancer unless that is not wanted."""

    def __init__(self, client_of, *, used: bool = True, **more) -> None:
        self.elb, self.name = client_of("elbv2"), f"g{uuid.uuid4().hex[:10]}"
        ec2 = client_of("ec2")
        subnets = ec2.describe_subnets()["Subnets"]
        checks = {"HealthCheckIntervalSeconds": 5, "HealthyThresholdCount": 2, "UnhealthyThresholdCount": 2, **more}
        made = self.elb.create_target_group(
            Name=self.name, Protocol="HTTP", Port=PORT, VpcId=subnets[0]["VpcId"], **checks
        )
        self.arn = made["TargetGroups"][0]["TargetGroupArn"]
        if used:
            self.use([subnet["SubnetId"] for subnet in subnets][:2])

    def use(self, subnets: list[str]) -> None:
        balancer = self.elb.create_load_balancer(Name=self.name, Subnets=subnets)["LoadBalancers"][0]
        self.balancer = balancer["LoadBalancerArn"]
        action = {"Type": "forward", "TargetGroupArn": self.arn}
        self.elb.create_listener(LoadBalancerArn=self.balancer, Protocol="HTTP", Port=80, DefaultActions=[action])

    def register(self, *targets: dict) -> None:
        self.elb.register_targets(TargetGroupArn=self.arn, Targets=list(targets))

    def deregister(self, *targets: dict) -> None:
        self.elb.deregister_targets(TargetGroupArn=self.arn, Targets=list(targets))

    def health(self, *targets: dict) -> dict[tuple[str, int], tuple[str, str | None]]:
        """State and reason by target."""
        given = {"Targets": list(targets)} if targets else {}
        told = self.elb.describe_target_health(TargetGroupArn=self.arn, **given)["TargetHealthDescriptions"]
        return {
            (t["Target"]["Id"], t["Target"]["Port"]): (t["TargetHealth"]["State"], t["TargetHealth"].get("Reason"))
            for t in told
        }

    def wait(self, state: str, reason: str | None = None) -> None:
        """Until the only target is in this state."""
        deadline = time.monotonic() + 120
        while (told := list(self.health().values())) != [(state, reason)]:
            assert time.monotonic() < deadline, told
            time.sleep(0.01)

    def wait_all(self, state: str) -> None:
        """Until every target is in this state."""
        self.wait_all_in({member: state for member, _ in self.health()})

    def wait_all_in(self, states: dict[str, str]) -> None:
        deadline = time.monotonic() + 120
        while {member: state for (member, _), (state, _) in self.health().items()} != states:
            assert time.monotonic() < deadline, self.health()
            time.sleep(0.01)
