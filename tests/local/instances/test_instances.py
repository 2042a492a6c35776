"""Instances of the embedded AWS: machines with an address, a folder and processes, which all end with their server."""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from ropeway.errors import RopewayError
from ropeway.local import machines
from ropeway.local.instances import roots
from ropeway.local.instances.addresses import Addresses

SERVE = """setsid python3 -c '
import http.server, os, sys
class Who(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers(); self.wfile.write(os.environ["AWS_SSM_INSTANCE_ID"].encode())
    def log_message(self, *_): pass
server = http.server.HTTPServer((os.environ["INSTANCE_ADDRESS"], 8080), Who)
print("up", file=open("up", "w"))
server.serve_forever()' >/dev/null 2>&1 &
while [ ! -e up ]; do sleep 0.01; done"""


def gone(pid: str) -> bool:
    """Within a moment: who was killed may still be on its way."""
    deadline = time.monotonic() + 60
    while Path("/proc", pid).exists():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def test_each_has_an_address_where_it_can_have_any_port(embedded, runner, client_of):
    first, second = embedded.instances.add(2)
    runner.wait(runner.send(SERVE, to=[first.id, second.id]))
    for seen in (first, second):
        with urllib.request.urlopen(f"http://{seen.address}:8080/") as answer:
            assert answer.read().decode() == seen.id
        told = client_of("ec2").describe_instances(InstanceIds=[seen.id])["Reservations"][0]["Instances"][0]
        assert (told["PrivateIpAddress"], told["PublicIpAddress"]) == (seen.address, seen.address)
        assert told["NetworkInterfaces"][0]["PrivateIpAddress"] == seen.address


def test_run_instances_makes_machines_too(embedded, runner, client_of):
    ran = client_of("ec2").run_instances(ImageId="ami-12345678", MinCount=1, MaxCount=1)["Instances"][0]
    assert runner.run("true", to=ran["InstanceId"])["Status"] == "Success"
    assert ran["PrivateIpAddress"] in {seen.address for seen in embedded.instances.all()}


@pytest.mark.parametrize("how", ["stop_instances", "reboot_instances", "terminate_instances"])
def test_what_runs_on_it_dies_with_it_and_files_only_when_it_is_terminated(runner, client_of, host, how):
    pid = runner.run("setsid sleep 600 >/dev/null 2>&1 & echo $! | tee pid", to=host.id)["StandardOutputContent"]
    getattr(client_of("ec2"), how)(InstanceIds=[host.id])
    assert gone(pid.strip())
    assert Path(host.folder, "pid").exists() == (how != "terminate_instances")


def test_a_service_can_be_stopped_by_the_signals_that_stop_services(runner, host):
    script = "for name in INT TERM HUP; do sleep 600 >/dev/null 2>&1 & kill -s $name $!; wait $!; echo $?; done"
    assert runner.run(f"#!/bin/bash\nset -m\n{script}", to=host.id)["StandardOutputContent"].split() == [
        "130",
        "143",
        "129",
    ]


def test_a_stopped_one_is_the_same_when_it_starts_again(runner, client_of, host):
    runner.run("echo kept > file", to=host.id)
    client_of("ec2").stop_instances(InstanceIds=[host.id])
    client_of("ec2").start_instances(InstanceIds=[host.id])
    assert runner.run("cat file; echo $INSTANCE_ADDRESS", to=host.id)["StandardOutputContent"].split() == [
        "kept",
        host.address,
    ]


def test_status_checks_can_fail_and_can_be_asked_for(embedded, client_of):
    good, bad = embedded.instances.add(2)
    embedded.instances.set_status(bad.id, "impaired")
    ec2, ids = client_of("ec2"), [good.id, bad.id]
    told = {s["InstanceId"]: s for s in ec2.describe_instance_status(InstanceIds=ids)["InstanceStatuses"]}
    assert told[bad.id]["InstanceStatus"]["Status"] == "impaired"
    assert told[bad.id]["SystemStatus"]["Details"][0] == {"Name": "reachability", "Status": "failed"}
    impaired = [{"Name": "instance-status.status", "Values": ["impaired"]}]
    found = ec2.describe_instance_status(InstanceIds=ids, Filters=impaired)["InstanceStatuses"]
    assert [s["InstanceId"] for s in found] == [bad.id]


def test_what_cannot_be_is_refused(embedded, host):
    with pytest.raises(RopewayError, match=r"agent of an instance cannot be asleep"):
        embedded.instances._change(host.id, agent="asleep")
    with pytest.raises(RopewayError, match=r"There is no /instances/i-0 here"):
        embedded.instances.take_offline("i-0")
    with pytest.raises(RopewayError, match=r"No such setting: sped"):
        embedded.instances.settings(sped=1)


# --- who may -------------------------------------------------------------------------------------------------------------


def asked(embedded, headers: dict[str, str]) -> int:
    """The status of a SendCommand with these headers."""
    with contextlib.closing(http.client.HTTPConnection(embedded.endpoint_url.partition("//")[2])) as connection:
        signed = "AWS4-HMAC-SHA256 Credential=A/20260101/us-east-1/ssm/aws4_request, SignedHeaders=host, Signature=0"
        kind = {"X-Amz-Target": "AmazonSSM.SendCommand", "Content-Type": "application/x-amz-json-1.1"}
        connection.request("POST", "/", "{}", {"Authorization": signed, **kind, **headers})
        return connection.getresponse().status


@pytest.mark.parametrize(
    "headers", [{"Origin": "http://evil.example"}, {"Sec-Fetch-Site": "same-origin"}, {"Host": "evil.example:5000"}]
)
def test_a_web_page_runs_nothing(embedded, headers):
    assert asked(embedded, headers) == 403


def test_who_is_another_user_runs_nothing(embedded, host, runner, monkeypatch):
    monkeypatch.setattr(os, "getuid", lambda: 4242)
    with pytest.raises(ClientError, match=r"AccessDenied.*only for the user who started it"):
        runner.send("true", to=host.id)


# --- isolation -----------------------------------------------------------------------------------------------------------


def test_with_namespaces_it_has_folders_of_its_own_in_their_places(embedded, runner, settings):
    settings(isolation="namespaces")
    (seen,) = embedded.instances.add()
    if seen.isolation == "directory":  # this machine allows none: then it must say so, and why
        assert seen.isolation_missing
        return
    told = runner.run(
        "mkdir -p /opt/app && echo 1 > /opt/app/release; touch /usr/bin/mine; ls -d /proc/[0-9]* | wc -l", to=seen.id
    )
    assert Path(seen.folder, "opt/app/release").read_text() == "1\n"
    assert "Read-only file system" in told["StandardErrorContent"]
    assert int(told["StandardOutputContent"]) < 10
    assert not Path("/opt/app/release").exists()


def test_with_namespaces_a_daemon_is_seen_by_the_next_command_and_dies_with_the_instance(
    embedded, runner, settings, client_of
):
    settings(isolation="namespaces")
    (seen,) = embedded.instances.add()
    runner.run("setsid sleep 600 >/dev/null 2>&1 & echo $! > /root/pid", to=seen.id)
    if seen.isolation == "namespaces":
        assert runner.run('kill -0 "$(cat /root/pid)"', to=seen.id)["Status"] == "Success"
        client_of("ec2").reboot_instances(InstanceIds=[seen.id])
        assert runner.run('kill -0 "$(cat /root/pid)"', to=seen.id)["Status"] == "Failed"


def test_without_namespaces_it_is_a_directory_and_says_why(embedded, settings, monkeypatch):
    monkeypatch.setattr(roots, "_probed", ["not on this machine"])
    settings(isolation="namespaces")
    (seen,) = embedded.instances.add()
    assert (seen.isolation, seen.isolation_missing) == ("directory", "not on this machine")


# --- the end -------------------------------------------------------------------------------------------------------------

PROGRAM = """
import sys, time, boto3
sys.path.insert(0, sys.argv[1])
from ropeway.local.server import embedded, reset
from ropeway.local.instances.fleet import FLEET
from tests.local.running import Runner
with embedded() as aws:
    (plain,) = aws.instances.add()
    aws.instances.settings(isolation="namespaces")
    (seen,) = aws.instances.add()
    ssm = boto3.client("ssm", endpoint_url=aws.endpoint_url, region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b")
    runner = Runner(ssm)
    command = runner.send("sleep 600 & setsid sleep 600 >/dev/null 2>&1 & (setsid env -i sleep 600 >/dev/null 2>&1 &) ; wait", to=[plain.id, seen.id])
    runner.wait(command, {"InProgress"})
    print(FLEET.keeper, seen.folder, flush=True)
    if sys.argv[2] == "killed":
        sys.stdin.read()
    if sys.argv[2] == "reset":
        reset()
        print("reset", flush=True)
        sys.stdin.read()
    ssm.close()
"""


def parent(pid: str) -> str:
    try:
        return Path("/proc", pid, "stat").read_text().rpartition(")")[2].split()[1]
    except OSError:
        return ""


def below(pid: int) -> list[str]:
    """All that runs below a process, by number."""
    found = [str(pid)]
    parents = {path.name: parent(path.name) for path in Path("/proc").glob("[0-9]*")}
    for above in found:
        found += [pid for pid in parents if parents[pid] == above]
    return found


@pytest.mark.parametrize("how", ["closed", "killed", "reset"])
def test_nothing_is_left_of_them(how):
    command = [sys.executable, "-c", PROGRAM, str(Path(__file__).parents[3]), how]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        keeper, folder = server.stdout.readline().split()
        if how == "killed":
            while sum("sleep" in Path("/proc", pid, "cmdline").read_text() for pid in below(int(keeper))) < 6:
                time.sleep(0.01)
            processes = below(int(keeper))
            os.kill(server.pid, signal.SIGKILL)
            assert len(processes) > 6
        else:
            processes = [keeper]
            assert server.stdout.readline() == ("reset\n" if how == "reset" else "")
        assert all(gone(pid) for pid in processes)
        deadline = time.monotonic() + 60
        while Path(folder).parent.exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        assert not Path(folder).parent.exists()
        server.stdin.close()


def test_two_servers_share_no_address():
    first, second = Addresses(), Addresses()
    try:
        assert not {first.take() for _ in range(300)} & {second.take() for _ in range(300)}
    finally:
        first.release()
        second.release()


def test_an_address_can_be_listened_at():
    addresses = Addresses()
    with socket.socket() as server:
        server.bind((addresses.take(), 0))
    addresses.release()


def test_a_mistake_of_the_embedded_aws_is_an_answer_too(embedded, monkeypatch):
    monkeypatch.setattr(machines, "seen", lambda: 1 / 0)
    with pytest.raises(RopewayError, match=r"says no: .*ZeroDivisionError"):
        embedded.instances.all()
