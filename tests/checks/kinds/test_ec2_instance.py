"""The kind `ec2-instance`, asked of the embedded AWS's instances; what lies on what, of the machines themselves."""

from __future__ import annotations

import uuid
from pathlib import Path

import pytest

from ropeway.checks.asking import Asking
from ropeway.checks.kinds.ec2_instance import KIND
from ropeway.checks.nodes import Mistakes
from ropeway.local.embedded import EmbeddedAws
from ropeway.local.instances.api import InstanceSeen
from tests.checks.asking import ask, settings_of


@pytest.fixture
def host(embedded: EmbeddedAws) -> InstanceSeen:
    (added,) = embedded.instances.add()
    return added


def asked(aws, host, rest=""):
    return ask(KIND, f"{{instances: {host.id}{', ' if rest else ''}{rest}}}", aws, timeout=20)


def test_one_that_runs_and_is_well_passes(aws, host):
    finding = asked(aws, host)
    assert (finding.verdict, finding.expected, finding.got) == ("pass", "status checks ok", f"{host.id} ok")


def test_one_that_is_stopped_fails(aws, host, client_of):
    client_of("ec2").stop_instances(InstanceIds=[host.id])
    finding = asked(aws, host)
    assert (finding.verdict, finding.expected) == ("fail", "a running instance")
    assert finding.got.startswith(f"{host.id} stopped")
    assert finding.advice == "Start it, or take it out of the fleet."


@pytest.mark.parametrize(
    ("status", "advice"),
    [("impaired", "See the instance's system log"), ("initializing", "The checks are not over: give it more time.")],
)
def test_one_whose_status_checks_are_not_ok_fails(aws, host, embedded, status, advice):
    embedded.instances.set_status(host.id, status)
    finding = asked(aws, host)
    assert (finding.verdict, finding.expected) == ("fail", "status checks ok")
    assert status in finding.got
    assert finding.advice.startswith(advice)


def test_one_of_many_that_has_no_status_checks_yet_does_not_pass_with_the_others(aws, embedded, monkeypatch):
    app = f"shop-{uuid.uuid4().hex[:8]}"
    ids = [added.id for added in embedded.instances.add(2, tags={"app": app})]
    pages = Asking.pages

    def without_the_first(asking, service, method, items, /, **rest):
        found = pages(asking, service, method, items, **rest)
        return [one for one in found if one["InstanceId"] != ids[0]] if items == "InstanceStatuses" else found

    monkeypatch.setattr(Asking, "pages", without_the_first)
    finding = ask(KIND, f"{{tags: {{app: {app}}}}}", aws)
    assert (finding.verdict, finding.got) == ("error", f"none of {ids[0]}")


def test_tags_find_the_running_ones_and_too_few_never_pass(aws, embedded):
    app = f"shop-{uuid.uuid4().hex[:8]}"
    embedded.instances.add(2, tags={"app": app})
    assert ask(KIND, f"{{tags: {{app: {app}}}, minInstances: 2}}", aws).verdict == "pass"
    finding = ask(KIND, f"{{tags: {{app: {app}}}, minInstances: 3}}", aws)
    assert (finding.verdict, finding.expected, finding.got) == ("fail", "at least 3 running instances", "2 instances")


def test_one_that_is_not_there_is_an_error(aws):
    finding = ask(KIND, "instances: i-0123456789abcdef0", aws)
    assert finding.verdict == "error"
    assert "InvalidInstanceID.NotFound" in finding.got
    assert finding.advice == "Check the name, the account and the region."


# --- volumes -----------------------------------------------------------------------------------------------------------------


@pytest.fixture
def data(client_of, host) -> str:
    """An encrypted volume of 8 GiB at /dev/sdf."""
    ec2 = client_of("ec2")
    zone = ec2.describe_instances(InstanceIds=[host.id])["Reservations"][0]["Instances"][0]["Placement"]
    volume = ec2.create_volume(AvailabilityZone=zone["AvailabilityZone"], Size=8, Encrypted=True)["VolumeId"]
    ec2.attach_volume(VolumeId=volume, InstanceId=host.id, Device="/dev/sdf")
    return str(volume)


@pytest.mark.usefixtures("data")
def test_a_volume_that_is_as_it_should_be_passes(aws, host):
    finding = asked(aws, host, "volumes: [{device: /dev/sdf, encrypted: true, minGib: 8}, {device: root}]")
    assert finding.verdict == "pass"
    assert "/dev/sdf" in finding.got


@pytest.mark.usefixtures("data")
@pytest.mark.parametrize(
    ("rule", "expected", "got"),
    [
        ("minGib: 9", "9 GiB", "/dev/sdf of {0} of 8 GiB"),
        ("encrypted: false", "not encrypted", "/dev/sdf of {0} encrypted"),
    ],
)
def test_one_that_is_not_fails_and_says_what_it_is(aws, host, rule, expected, got):
    finding = asked(aws, host, f"volumes: {{device: /dev/sdf, {rule}}}")
    assert (finding.verdict, finding.expected, finding.got) == ("fail", expected, got.format(host.id))


def test_one_that_is_not_attached_fails_and_names_those_that_are(aws, host):
    finding = asked(aws, host, "volumes: {device: /dev/sdz}")
    assert (finding.verdict, finding.expected, finding.got) == ("fail", f"a volume at /dev/sdz of {host.id}", "none")
    assert finding.advice.startswith("Attach it. The instance has /dev/")


# --- mounts ------------------------------------------------------------------------------------------------------------------


@pytest.fixture
def lying(host):
    """Makes a folder that lies on that, as the instance's own findmnt and lsblk tell it."""

    def make(line: str) -> str:
        tool = Path(host.folder, "usr/local/bin/findmnt")
        tool.write_text(f"#!/bin/sh\necho '{line}'\n")
        tool.chmod(0o755)
        folder = Path(host.folder, "srv/data")
        folder.mkdir(parents=True, exist_ok=True)
        return str(folder)

    return make


TLS_EFS = "127.0.0.1:/ nfs4 rw,relatime,vers=4.1"
EFS = "fs-0123456789abcdef0.efs.eu-west-1.amazonaws.com:/ nfs4 rw,relatime,vers=4.1"


@pytest.mark.parametrize(
    ("line", "rule"),
    [
        (EFS, "storage: efs, fileSystem: fs-0123456789abcdef0"),
        (TLS_EFS, "storage: efs"),
        ("/dev/xvdf ext4 rw,relatime", "storage: ebs"),
    ],
)
def test_a_folder_that_lies_where_it_should_passes(aws, host, lying, line, rule):
    path = lying(line)
    finding = asked(aws, host, f"mounts: {{path: {path}, {rule}}}")
    assert finding.verdict == "pass"
    assert line in finding.details


def test_one_that_lies_elsewhere_fails_and_says_where(aws, host, lying):
    path = lying("/dev/xvdf ext4 rw,relatime")
    finding = asked(aws, host, f"mounts: {{path: {path}, storage: efs}}")
    assert (finding.verdict, finding.expected) == ("fail", f"{path} on efs")
    assert finding.got == f"{path} on {host.id}: ebs"


def test_another_file_system_than_the_right_one_fails(aws, host, lying):
    path = lying(EFS)
    finding = asked(aws, host, f"mounts: {{path: {path}, storage: efs, fileSystem: fs-0aaaaaaaaaaaaaaaa}}")
    assert (finding.verdict, finding.got.split(": ")[1]) == ("fail", EFS.split(":", maxsplit=1)[0] + ":/")


def test_a_folder_that_is_not_there_fails(aws, host):
    finding = asked(aws, host, "mounts: {path: /no/such/folder, storage: ebs}")
    assert (finding.verdict, finding.got) == ("fail", f"no /no/such/folder on {host.id}")


def test_a_disk_of_which_nobody_knows_what_it_is_fails_and_never_passes(aws, host, lying):
    path = lying("/dev/mapper/data xfs rw")
    finding = asked(aws, host, f"mounts: {{path: {path}, storage: ebs}}")
    assert (finding.verdict, finding.got) == ("fail", f"{path} on {host.id}: unknown (/dev/mapper/data)")


def test_an_instance_that_ssm_does_not_reach_is_an_error(aws, host, embedded):
    embedded.instances.take_offline(host.id)
    finding = ask(KIND, f"{{instances: {host.id}, mounts: {{path: /srv, storage: ebs}}}}", aws, timeout=2)
    assert finding.verdict == "error"


@pytest.mark.parametrize(
    ("action", "rest"),
    [
        ("ec2:DescribeInstances", ""),
        ("ec2:DescribeInstanceStatus", ""),
        ("ec2:DescribeVolumes", "volumes: {device: root}"),
        ("ec2:DescribeVolumeStatus", "volumes: {device: root}"),
        ("ssm:SendCommand", "mounts: {path: /srv, storage: ebs}"),
    ],
)
def test_a_missing_permission_is_an_error_that_names_it(without, host, action, rest):
    finding = asked(without(action), host, rest)
    assert finding.verdict == "error"
    assert action in f"{finding.got} {finding.advice}"


@pytest.mark.parametrize(
    ("yaml", "words"),
    [
        ("{}", "set either instances or tags."),
        ("{tags: {a: b}, mounts: {path: data, storage: ebs}}", "path is 'data'; write an absolute path."),
        ("{tags: {a: b}, mounts: {path: /data}}", "storage is required: one of ebs, efs, instance-store."),
        ("{tags: {a: b}, mounts: {path: /data, storage: ebs, fileSystem: fs-1}}", "fileSystem goes with storage: efs."),
    ],
)
def test_what_cannot_be_asked_is_a_mistake_of_the_suite(yaml, words):
    with pytest.raises(Mistakes) as caught:
        settings_of(KIND, yaml)
    assert words in str(caught.value)
