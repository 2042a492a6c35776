"""A rolling deploy under load: users ask all the time, through a balancer that honours the target group, and every one is answered."""

from __future__ import annotations

import time
import uuid

import pytest

from ropeway.aws.connection import AwsInputs
from ropeway.aws.session import connect
from ropeway.inputs import camel, read
from ropeway.outcome import Run
from ropeway.registry import load_task
from tests.checks.kinds.aws_kit import client_of
from tests.ec2.services import service
from tests.servers.balanced import NEVER, Group, drained_in
from tests.servers.load_balancer import balancing, load
from tests.tasks.conftest import Told

pytestmark = pytest.mark.timeout(900)  # releases of ten instances, batch by batch

__all__ = ["client_of"]


class Fleet:
    """So many instances with one application, behind a target group."""

    def __init__(self, embedded, client_of, bucket: str, count: int) -> None:
        self.embedded, self.bucket = embedded, bucket
        self.name = f"shop-{uuid.uuid4().hex[:8]}"
        self.hosts = embedded.instances.add(count, tags={"app": self.name})
        self.addresses = {host.id: host.address for host in self.hosts}
        self.group = Group(client_of)
        drained_in(self.group, 30)  # 0.3 s here

    task = load_task("ec2_deploy")

    def texts(self, folder) -> dict[str, str]:
        return {
            "application": self.name,
            "bucket_name": self.bucket,
            "region_name": self.embedded.region,
            "endpoint_url": self.embedded.endpoint_url,
            "source_path": str(folder),
            "release_id": folder.name,
            "instance_tags": f"app={self.name}",
            "application_folder": f"/opt/{self.name}",
        }

    def deploy(self, folder, **more: str):
        return self.task.apply(*self.planned(folder, **more))

    def planned(self, folder, **more: str):
        given = read(self.task.inputs, {**self.texts(folder), **more}, camel)
        aws = connect(AwsInputs(region_name=self.embedded.region), self.embedded.connection)
        run = Run(Told())
        return self.task.plan(given, aws, run), aws, run

    def register(self) -> None:
        self.group.register(*({"Id": host.id} for host in self.hosts))
        self.group.wait_all("healthy")


@pytest.fixture
def fleet_of(embedded, client_of, bucket, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", embedded.endpoint_url)
    return lambda count: Fleet(embedded, client_of, bucket, count)


def begin(seen) -> None:
    while len(seen.answers) < 20:
        time.sleep(0.01)


def test_a_rolling_deploy_over_ten_instances_loses_no_request(fleet_of, client_of, tmp_path):
    fleet = fleet_of(10)
    first = fleet.deploy(service(tmp_path, "v1"), batches="100%")
    assert first.error is None
    fleet.register()
    drained_in(fleet.group, NEVER)  # until the balancer has let it go
    with (
        balancing(client_of("elbv2"), fleet.group.arn, fleet.addresses.__getitem__) as balancer,
        load(balancer.url) as seen,
    ):
        begin(seen)
        second = fleet.deploy(service(tmp_path, "v2"), batches="1,3", drain_from=fleet.group.name)
        asked = len(seen.answers)
        while "v1" in [text for _, text in seen.answers[-10:]] or len(seen.answers) < asked + 20:
            time.sleep(0.01)
    assert second.error is None
    assert seen.lost == []
    assert seen.versions() == ["v1", "v2"]
    assert balancer.fewest == 7, "three at a time, and never more"
    assert {member for member, _ in fleet.group.health()} == set(fleet.addresses)


def test_a_release_that_fails_half_way_is_taken_back_and_no_request_is_lost(fleet_of, client_of, tmp_path):
    fleet = fleet_of(4)
    assert fleet.deploy(service(tmp_path, "v1"), batches="100%").error is None
    fleet.register()
    drained_in(fleet.group, NEVER)
    last = max(fleet.addresses)
    with (
        balancing(client_of("elbv2"), fleet.group.arn, fleet.addresses.__getitem__) as balancer,
        load(balancer.url) as seen,
    ):
        begin(seen)
        ended = fleet.deploy(service(tmp_path, "v3", broken_on=last), batches="1", drain_from=fleet.group.name)
        fleet.group.wait_all("healthy")
    assert ended.error is not None
    assert "broken here" in str(ended.error) + "".join(str(one) for one in ended.instances)
    assert seen.lost == []
    assert {member for member, _ in fleet.group.health()} == set(fleet.addresses)
    assert balancer.fewest == 3
    with (
        balancing(client_of("elbv2"), fleet.group.arn, fleet.addresses.__getitem__) as after,
        load(after.url) as back,
    ):
        begin(back)
        while len(back.answers) < 40:
            time.sleep(0.01)
    assert back.versions() == ["v1"]
