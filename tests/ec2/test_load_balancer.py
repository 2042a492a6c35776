"""The balancer of the tests itself: it must lose requests where a real one does, else that none is lost proves nothing."""

from __future__ import annotations

import time

import pytest

from tests.checks.kinds.aws_kit import client_of
from tests.servers.balanced import NEVER, Group, drained_in, serving
from tests.servers.load_balancer import balancing, load

__all__ = ["client_of"]


@pytest.fixture
def hosts(embedded):
    return embedded.instances.add(2)


def test_it_forwards_to_the_healthy_ones_by_turns(client_of, hosts):
    group, addresses = Group(client_of), {host.id: host.address for host in hosts}
    with serving(hosts[0].address), serving(hosts[1].address):
        group.register(*({"Id": host.id} for host in hosts))
        group.wait_all("healthy")
        with (
            balancing(client_of("elbv2"), group.arn, addresses.__getitem__) as balancer,
            load(balancer.url, users=2) as seen,
        ):
            while len(seen.answers) < 20:
                time.sleep(0.01)
    assert seen.lost == []
    assert {one.target for one in balancer.carried} == {host.id for host in hosts}
    assert balancer.fewest == 2


def test_one_that_dies_undrained_loses_requests_and_one_that_is_drained_loses_none(client_of, hosts):
    group, addresses = Group(client_of), {host.id: host.address for host in hosts}
    drained_in(group, NEVER)
    with serving(hosts[0].address), serving(hosts[1].address) as second:
        group.register(*({"Id": host.id} for host in hosts))
        group.wait_all("healthy")
        with (
            balancing(client_of("elbv2"), group.arn, addresses.__getitem__) as balancer,
            load(balancer.url, users=3) as seen,
        ):
            while not seen.answers:
                time.sleep(0.01)
            group.deregister({"Id": hosts[1].id})
            while hosts[1].id in {member for member, _ in group.health()}:
                time.sleep(0.01)
            drained = len(seen.answers)
            assert seen.lost == []
            group.register({"Id": hosts[1].id})
            group.wait_all("healthy")
            while hosts[1].id not in {one.target for one in balancer.carried[-5:]}:
                time.sleep(0.01)
            # Its death is noticed by a request before it is by a check: those come each three seconds, ten of them.
            group.elb.modify_target_group(
                TargetGroupArn=group.arn, HealthCheckIntervalSeconds=300, UnhealthyThresholdCount=10
            )
            second.shutdown()
            second.server_close()
            while not seen.lost:
                time.sleep(0.01)
    assert drained > 0
    assert seen.lost[0][0] == 502
