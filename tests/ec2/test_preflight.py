"""The targets before anything changes: what AWS and the hosts say of them, all of it at once."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path

import pytest

from ropeway.aws.run_command import running
from ropeway.aws.run_command.model import HostRun, Pace, Script, Terms
from ropeway.ec2.host import HostScripts
from ropeway.ec2.model import Deployment, Found, HostRelease, HostReport, Layout, Target
from ropeway.ec2.preflight import ACTIONS, Question, look, storage
from ropeway.ec2.transport import RunCommand
from ropeway.errors import AccessDenied, Cancelled, RopewayError
from ropeway.local.instances.api import InstanceSeen
from ropeway.outcome import Cancellation, Run
from ropeway.s3.state.releases import State
from tests.servers.ssm_between import Between, ssm_answer, ssm_between

QUICK = Terms(pace=Pace(pauses=(0.05, 0.1), grace=1.0))
FOLDER = "/opt/shop"
EBS = "Amazon Elastic Block Store"
STORE = "Amazon EC2 NVMe Instance Storage"


def question(needed: int = 0, *, script: str = "cat report.json", **report: object) -> Question:
    """Hosts answer with what stands in their report.json; those that have none, with this."""
    otherwise = json.dumps({"free": 10_000, "live": "41", **report})
    return Question(Script(f"{script} 2>/dev/null || echo '{otherwise}'", 20), read, FOLDER, needed)


def read(run: HostRun) -> HostReport | None:
    try:
        told = {"ok": True, **json.loads(run.stdout)}
        releases = tuple(HostRelease(id, State(state), content) for id, state, content in told.get("releases", ()))
        return HostReport("status", **{**told, "releases": releases})
    except ValueError:
        return None


def looked(aws, hosts: Sequence[InstanceSeen], asked: Question | None = None, run: Run | None = None) -> list[Found]:
    targets = [Target(host.id) for host in hosts]
    return list(look(targets, asked or question(), RunCommand(aws, QUICK), aws, run or Run()))


def says(host: InstanceSeen, **report: object) -> None:
    Path(host.folder).mkdir(parents=True, exist_ok=True)
    Path(host.folder, "report.json").write_text(json.dumps(report))


@pytest.fixture
def hosts(embedded) -> list[InstanceSeen]:
    return list(embedded.instances.add(3))


@pytest.fixture
def host(hosts) -> InstanceSeen:
    return hosts[0]


def test_hosts_that_are_well_tell_which_release_is_live(aws, hosts):
    says(hosts[0], live="42", free=20_000)
    first, second, third = looked(aws, hosts, question(needed=10_000))
    assert [found.target.id for found in (first, second, third)] == [host.id for host in hosts]
    assert [found.ready for found in (first, second, third)] == [True, True, True]
    assert [found.live for found in (first, second, third)] == ["42", "41", "41"]
    assert first.problems == first.warnings == ()


def test_everything_that_is_wrong_is_told_at_once_and_the_others_are_asked_all_the_same(
    aws, embedded, client_of, settings
):
    stopped, lost, unmanaged, impaired, full, well = embedded.instances.add(6)
    client_of("ec2").stop_instances(InstanceIds=[stopped.id])
    embedded.instances.take_offline(lost.id)
    embedded.instances.unmanage(unmanaged.id)
    embedded.instances.set_status(impaired.id, "impaired")
    says(full, free=1_500, live="")
    found = looked(aws, [stopped, lost, unmanaged, impaired, full, well], question(needed=4096))
    told = [one.problems for one in found]
    assert told[0] == ("It is stopped, and must be running.",)
    assert len(told[1]) == 1
    assert told[1][0].startswith("SSM's agent on it is not online: ConnectionLost, last heard of on 20")
    assert told[1][0].endswith(" UTC (agent 3.3.3050.0).")
    assert told[2][0].startswith("SSM does not know it: it needs SSM's agent, an instance profile")
    assert told[3] == (
        "Its instance status check fails: see EC2, and its system log.",
        "Its system status check fails: see EC2, and its system log.",
    )
    assert told[4] == ("1.5 KB are free where /opt/shop lies, and 4.0 KB are needed.",)
    assert told[5] == ()
    assert [one.ready for one in found] == [False] * 5 + [True]


def test_one_that_is_there_no_more_is_told(aws, client_of, host):
    client_of("ec2").terminate_instances(InstanceIds=[host.id])
    (found,) = looked(aws, [host])
    assert found.problems == ("It is terminated, and must be running.",)


def test_status_checks_that_are_not_over_are_a_warning(aws, embedded, host):
    embedded.instances.set_status(host.id, "initializing")
    (found,) = looked(aws, [host])
    assert found.ready
    assert "Its instance status check is not over (initializing)." in found.warnings


def test_windows_is_told(aws, client_of):
    (made,) = client_of("ec2").run_instances(ImageId="ami-12c6146b", MinCount=1, MaxCount=1)["Instances"]
    (found,) = look([Target(made["InstanceId"], platform="windows")], question(), RunCommand(aws, QUICK), aws, Run())
    assert found.problems == ("It runs Windows, and Ropeway deploys to Linux.",)


def test_a_host_that_never_had_a_release_answers_the_script_that_deploys_ask_with(aws, host):
    folder = f"{host.folder}/opt/shop"
    scripts = HostScripts(Layout(folder), Deployment("shop", "production", "1", "42"))
    asked = Question(scripts.status(), lambda run: scripts.report(run, "status"), folder, needed=1)
    (found,) = looked(aws, [host], asked)
    assert found.problems == ()
    assert found.ready
    assert found.live == ""
    (full,) = looked(aws, [host], dataclasses.replace(asked, needed=1 << 60))
    assert full.problems[0].endswith(f" are free where {folder} lies, and 1048576.0 TB are needed.")


# --- what the host says --------------------------------------------------------------------------------------------------


def test_a_host_that_is_silent_though_ssm_calls_it_online_is_told(aws, embedded, host, settings):
    settings(timeout_scale=0.01)
    embedded.instances.silence(host.id)
    (found,) = looked(aws, [host])
    assert not found.ready
    assert found.problems[0].startswith("Its state could not be read. SSM did not reach the instance in time")
    assert "agent is online" in found.problems[0]


def test_a_script_that_fails_is_told_with_the_last_that_it_printed(aws, host):
    asked = Question(Script("echo one; echo 'bash: not found' >&2; exit 127", 20), read, FOLDER)
    (found,) = looked(aws, [host], asked)
    words = "Its state could not be read. The script ended with exit code 127. It printed: bash: not found"
    assert found.problems == (words,)


def test_a_script_that_ends_well_and_says_nothing_is_no_answer(aws, host):
    (found,) = looked(aws, [host], Question(Script("true", 20), read, FOLDER))
    assert found.problems == ("Its state could not be read. The script ended with exit code 0.",)


def test_a_host_that_says_why_not_is_quoted(aws, host):
    says(host, ok=False, why="The folder /opt/shop is a file.")
    (found,) = looked(aws, [host])
    assert found.problems == ("Its state could not be read. The folder /opt/shop is a file.",)


# --- room on the disk ------------------------------------------------------------------------------------------------------


def test_a_full_disk_is_no_reason_where_the_release_lies_already(aws, hosts):
    """Nothing has to arrive there, and who goes back may do so because the disk is full."""
    for host, content in zip(hosts, ("c1", "other", ""), strict=True):
        releases = [["42", "healthy", content]] if content else []
        says(host, free=2, releases=releases)
    there, other, new = looked(aws, hosts, dataclasses.replace(question(1000), release="42", content="c1"))
    assert there.ready
    for full in (other, new):
        assert full.problems == ("2 bytes are free where /opt/shop lies, and 1000 bytes are needed.",)


def test_room_that_nobody_could_measure_is_warned_of(aws, host):
    says(host, free=-1)
    (found,) = looked(aws, [host], question(1000))
    assert found.ready
    assert found.warnings == (
        "How much is free where /opt/shop lies could not be read there (df): nobody has seen that there is room.",
    )


# --- where the folder lies -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mount", "disk", "kind", "words"),
    [
        ("/dev/nvme1n1 xfs", f"{EBS}|vol0123456789abcdef0", "ebs", "EBS volume vol-0123456789abcdef0"),
        ("/dev/nvme0n1p1 ext4", f"{EBS}|", "ebs", "EBS volume"),
        ("/dev/xvda1 xfs", "|", "ebs", "EBS volume"),
        ("/dev/nvme1n1 ext4", f"{STORE}|AWS6B2A1", "instance-store", "instance store"),
        ("fs-0123.efs.eu-west-1.amazonaws.com:/ nfs4", "|", "efs", "EFS (fs-0123.efs.eu-west-1.amazonaws.com:/)"),
        ("127.0.0.1:/ nfs4", "|", "efs", "EFS (127.0.0.1:/)"),
        ("tmpfs tmpfs", "|", "memory", "memory"),
        ("overlay overlay", "|", "", ""),
        ("", "|", "", ""),
        ("", "", "", ""),
    ],
)
def test_what_it_lies_on_is_told_by_what_the_host_says(mount, disk, kind, words):
    assert storage(HostReport("status", ok=True, mount=mount, disk=disk)) == (kind, words)


@pytest.mark.parametrize(
    ("mount", "disk", "warning"),
    [
        (
            "/dev/nvme1n1 ext4",
            f"{STORE}|AWS1",
            "lies on an instance store, which loses its data when the instance stops",
        ),
        ("tmpfs tmpfs", "|", "lies in memory, which loses its data when the instance reboots"),
    ],
)
def test_one_that_would_lose_its_releases_is_warned_of_and_ready(aws, hosts, mount, disk, warning):
    says(hosts[0], mount=mount, disk=disk)
    says(hosts[1], mount="/dev/nvme1n1 xfs", disk=f"{EBS}|vol0123456789abcdef0")
    losing, keeping = looked(aws, hosts[:2])
    assert losing.warnings == (f"/opt/shop {warning}: EBS and EFS keep it.",)
    assert losing.ready
    assert (keeping.warnings, keeping.volume) == ((), "EBS volume vol-0123456789abcdef0")


# --- what is planned -----------------------------------------------------------------------------------------------------


def test_what_aws_has_planned_for_an_instance_is_warned_of_and_what_is_over_is_not(aws, host, monkeypatch):
    status = aws.client("ec2").describe_instance_status(InstanceIds=[host.id])["InstanceStatuses"][0]
    when = datetime(2026, 12, 1, 4, 30, tzinfo=timezone.utc)
    status["Events"] = [
        {"Code": "instance-stop", "Description": "The instance will be stopped.", "NotBefore": when},
        {"Code": "instance-reboot", "Description": "[Completed] The instance was rebooted."},
    ]
    monkeypatch.setattr(aws.client("ec2"), "describe_instance_status", lambda **_: {"InstanceStatuses": [status]})
    (found,) = looked(aws, [host])
    words = "AWS has planned instance-stop for it on 2026-12-01 at 04:30 UTC: The instance will be stopped."
    assert found.warnings == (words,)


# --- many, and nobody ----------------------------------------------------------------------------------------------------


def test_many_are_asked_for_in_portions_and_only_who_can_answer_is_sent_to(aws, embedded, monkeypatch):
    with ssm_between(embedded.endpoint_url) as between:
        monkeypatch.setenv("AWS_ENDPOINT_URL_SSM", between.url)
        fleet = embedded.instances.add(60)
        for lost in fleet[:3]:
            embedded.instances.take_offline(lost.id)
        found = looked(aws, fleet)
        assert between.calls("DescribeInstanceInformation") == 2
        assert sent(between) == 57
    assert [one.ready for one in found] == [False] * 3 + [True] * 57


def sent(between: Between) -> int:
    return sum(len(body["InstanceIds"]) for body in between.bodies("SendCommand"))


def test_an_agent_that_says_little_is_told_as_it_is(aws, embedded, host, monkeypatch):
    with ssm_between(embedded.endpoint_url) as between:
        monkeypatch.setenv("AWS_ENDPOINT_URL_SSM", between.url)
        agent = {"InstanceId": host.id, "PlatformType": "Linux"}
        between.always("DescribeInstanceInformation", ssm_answer(InstanceInformationList=[agent]))
        (found,) = looked(aws, [host])
    assert found.problems == ("SSM's agent on it is not online: nothing is known (agent unknown).",)


def test_nothing_is_sent_where_nobody_can_answer(aws, host, embedded, monkeypatch):
    embedded.instances.take_offline(host.id)
    with ssm_between(embedded.endpoint_url) as between:
        monkeypatch.setenv("AWS_ENDPOINT_URL_SSM", between.url)
        (found,) = looked(aws, [host])
        assert between.calls("SendCommand") == 0
    assert not found.ready


def test_a_pipeline_that_is_cancelled_meanwhile_stops_it(aws, host):
    cancellation = Cancellation()
    cancellation.ask("the pipeline was cancelled")
    with pytest.raises(Cancelled, match=r"Stopped: the pipeline was cancelled\. The script was not sent to i-"):
        looked(aws, [host], run=Run(cancellation=cancellation))


# --- permissions ---------------------------------------------------------------------------------------------------------

NEEDED = [row.action for row in (*ACTIONS, *running.ACTIONS[:2])]


@pytest.mark.parametrize("action", NEEDED)
def test_a_missing_permission_is_an_error_of_all_and_named(without, host, action):
    with pytest.raises(AccessDenied, match=action):
        looked(without(action), [host])


def test_all_that_is_needed_is_declared(only, host):
    (found,) = looked(only((*ACTIONS, *running.ACTIONS)), [host])
    assert found.ready


def test_an_aws_that_is_not_there_is_an_error_of_all(aws, host, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL_SSM", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    with pytest.raises(RopewayError, match="Could not see whether SSM's agents are online"):
        looked(aws, [host])
