"""Run Command runs: what a client of SSM sees of commands on the embedded AWS's instances."""

from __future__ import annotations

import contextlib
import re
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from botocore.exceptions import ClientError


def tagged(name: str) -> list[dict]:
    return [{"Key": "tag:group", "Values": [name]}]


def nothing_runs_of(command: str) -> bool:
    """Within a moment: who was killed may still be on its way."""
    deadline = time.monotonic() + 60
    while any(f"SSM_COMMAND_ID={command}" in environment for environment in environments()):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def environments() -> Iterator[list[str]]:
    """Of all processes that are alive."""
    for path in Path("/proc").glob("[0-9]*/environ"):
        with contextlib.suppress(OSError):
            yield path.read_bytes().decode(errors="replace").split("\0")


def test_a_command_runs_on_the_instance(runner, host):
    told = runner.run("echo hello from $AWS_SSM_INSTANCE_ID", "echo oops >&2", to=host.id)
    assert (told["Status"], told["StatusDetails"], told["ResponseCode"]) == ("Success", "Success", 0)
    assert told["StandardOutputContent"] == f"hello from {host.id}\n"
    assert told["StandardErrorContent"] == "oops\n"
    assert told["ExecutionStartDateTime"] <= told["ExecutionEndDateTime"]
    assert re.fullmatch(r"PT\d+(\.\d+)?S", told["ExecutionElapsedTime"])


def test_its_exit_code_is_told(runner, host):
    told = runner.run("exit 7", to=host.id)
    assert (told["Status"], told["StatusDetails"], told["ResponseCode"]) == ("Failed", "Failed", 7)


def test_the_first_line_may_ask_for_another_shell_than_sh(runner, host):
    assert runner.run("#!/bin/bash", "echo ${BASH_VERSION:+bash}", to=host.id)["StandardOutputContent"] == "bash\n"


def test_it_has_an_environment_of_its_own(runner, host, monkeypatch):
    monkeypatch.setenv("MINE", "1")
    told = runner.run('echo "${MINE:-none}" "$HOME" "$TMPDIR" "$INSTANCE_ROOT" "$INSTANCE_ADDRESS" "$PWD"', to=host.id)
    root = host.folder
    assert told["StandardOutputContent"].split() == ["none", f"{root}/root", f"{root}/tmp", root, host.address, root]


def test_it_starts_where_it_was_asked_to(runner, host):
    Path(host.folder, "srv", "shop").mkdir()
    told = runner.run("pwd", to=host.id, parameters={"workingDirectory": [f"{host.folder}/srv/shop"]})
    assert told["StandardOutputContent"] == f"{host.folder}/srv/shop\n"


def test_a_folder_that_is_not_there_fails_it(runner, host):
    told = runner.run("pwd", to=host.id, parameters={"workingDirectory": ["/no/such/folder"]})
    assert told["Status"] == "Failed"


def test_a_command_of_its_own_on_the_path_is_found(runner, host):
    tool = Path(host.folder, "usr/local/bin/systemctl")
    tool.write_text("#!/bin/sh\necho restarted $2\n")
    tool.chmod(0o755)
    assert runner.run("systemctl restart shop", to=host.id)["StandardOutputContent"] == "restarted shop\n"


def test_a_presigned_address_is_fetched_from_the_host(runner, host, s3, bucket):
    s3.put_object(Bucket=bucket, Key="bundle", Body=b"the bundle")
    url = s3.generate_presigned_url("get_object", {"Bucket": bucket, "Key": "bundle"})
    fetch = (
        f"{sys.executable} -c 'import sys, urllib.request as r; print(r.urlopen(sys.argv[1]).read().decode())' '{url}'"
    )
    assert runner.run(fetch, to=host.id)["StandardOutputContent"] == "the bundle\n"


def test_commands_go_to_all_instances_of_a_tag(embedded, runner):
    added = embedded.instances.add(3, tags={"group": "all"})
    told = runner.wait(runner.send("echo $AWS_SSM_INSTANCE_ID", to=tagged("all")))
    assert {i: told[i]["CommandPlugins"][0]["Output"] for i in told} == {seen.id: f"{seen.id}\n" for seen in added}


def test_a_wildcard_is_no_wildcard(embedded, runner):
    embedded.instances.add(tags={"group": "wild-1"})
    command = runner.command(runner.send("true", to=tagged("wild-*")))
    assert (command["Status"], command["StatusDetails"], command["TargetCount"]) == ("Success", "NoInstancesInTag", 0)


# --- states --------------------------------------------------------------------------------------------------------------


def test_it_goes_from_pending_over_in_progress_to_its_end(embedded, runner, host):
    embedded.instances.silence(host.id)
    command = runner.send("while [ ! -e gate ]; do sleep 0.01; done", to=host.id)
    (told,) = runner.wait(command, {"Pending"}).values()
    assert told["CommandPlugins"][0]["ResponseCode"] == -1
    assert runner.command(command)["Status"] == "Pending"
    embedded.instances.bring_back(host.id)
    runner.wait(command, {"InProgress"})
    assert runner.command(command)["Status"] == "InProgress"
    Path(host.folder, "gate").touch()
    runner.wait(command, {"Success"})
    assert runner.command(command)["CompletedCount"] == 1


def test_its_invocations_are_not_there_at_once(runner, host, settings):
    settings(unseen=60)
    command = runner.send("true", to=host.id)
    with pytest.raises(ClientError, match="InvocationDoesNotExist"):
        runner.ssm.get_command_invocation(CommandId=command, InstanceId=host.id)
    assert runner.invocations(command) == {}
    settings(unseen=0)
    assert host.id in runner.invocations(command)


def test_more_time_than_it_has_kills_all_of_it(runner, host):
    told = runner.run("sleep 600 & sleep 600", to=host.id, parameters={"executionTimeout": ["2"]})
    assert (told["Status"], told["StatusDetails"], told["ResponseCode"]) == ("TimedOut", "ExecutionTimedOut", 137)
    assert nothing_runs_of(told["CommandId"])


def test_cancelling_kills_all_of_it(runner, host):
    command = runner.send("sleep 600 & echo $! > pid; wait", to=host.id)
    pid = Path(host.folder, "pid")
    while not (pid.exists() and pid.read_text().strip()):
        time.sleep(0.01)
    runner.ssm.cancel_command(CommandId=command)
    (told,) = runner.wait(command).values()
    assert (told["Status"], told["StatusDetails"]) == ("Cancelled", "Cancelled")
    assert runner.command(command)["Status"] == "Cancelled"
    assert nothing_runs_of(command)


def test_cancelling_one_of_two_leaves_the_other_alone(embedded, runner):
    first, second = embedded.instances.add(2)
    command = runner.send("while [ ! -e gate ]; do sleep 0.01; done", to=[first.id, second.id])
    runner.wait(command, {"InProgress"})
    runner.ssm.cancel_command(CommandId=command, InstanceIds=[first.id])
    Path(second.folder, "gate").touch()
    told = runner.wait(command)
    assert (told[first.id]["Status"], told[second.id]["Status"]) == ("Cancelled", "Success")


def test_what_has_ended_cannot_be_cancelled(runner, host):
    command = runner.send("true", to=host.id)
    runner.wait(command)
    runner.ssm.cancel_command(CommandId=command)
    assert runner.invocations(command)[host.id]["Status"] == "Success"


def test_a_daemon_that_holds_its_output_open_keeps_it_in_progress(runner, host):
    command = runner.send("setsid sh -c 'while [ ! -e gate ]; do sleep 0.01; done' & echo started", to=host.id)
    runner.wait(command, {"InProgress"})
    time.sleep(0.2)
    assert runner.invocations(command)[host.id]["Status"] == "InProgress"
    Path(host.folder, "gate").touch()
    assert runner.wait(command)[host.id]["CommandPlugins"][0]["Output"] == "started\n"


def test_a_daemon_lives_on_after_it(runner, host):
    pid = runner.run("setsid sleep 600 >/dev/null 2>&1 & echo $!", to=host.id)["StandardOutputContent"].strip()
    assert runner.run(f"kill -0 {pid} && echo alive; kill {pid}", to=host.id)["StandardOutputContent"] == "alive\n"


def test_an_exit_code_of_194_reboots_and_runs_it_again(runner, host, settings):
    settings(reboot=0.1)
    told = runner.run(
        "[ -e rebooted ] && { echo again; exit 0; }", "touch rebooted", "setsid sleep 600 >/dev/null 2>&1 &",
        "echo $! > daemon", "exit 194", to=host.id
    )  # fmt: skip
    assert (told["Status"], told["StandardOutputContent"]) == ("Success", "again\n")
    assert nothing_runs_of(told["CommandId"])


# --- many at once --------------------------------------------------------------------------------------------------------


def test_no_more_run_at_once_than_was_asked_for(embedded, runner, tmp_path):
    ids = [added.id for added in embedded.instances.add(4)]
    script = f"cd {tmp_path}; mkdir $AWS_SSM_INSTANCE_ID; ls | wc -l; sleep 0.1; rmdir $AWS_SSM_INSTANCE_ID"
    told = runner.wait(runner.send(script, to=ids, MaxConcurrency="50%"))
    seen = [int(told[i]["CommandPlugins"][0]["Output"]) for i in ids]
    assert max(seen) <= 2
    assert {told[i]["Status"] for i in ids} == {"Success"}


def test_one_failure_more_than_allowed_stops_the_sending(embedded, runner):
    ids = [added.id for added in embedded.instances.add(4)]
    command = runner.send("exit 1", to=ids, MaxConcurrency="1", MaxErrors="1")
    told = runner.wait(command)
    states = sorted((i["Status"], i["StatusDetails"]) for i in told.values())
    assert states == [("Cancelled", "Terminated")] * 2 + [("Failed", "Failed")] * 2
    assert (runner.command(command)["Status"], runner.command(command)["ErrorCount"]) == ("Failed", 2)


def test_failures_within_the_limit_leave_it_incomplete(embedded, runner):
    first, second = embedded.instances.add(2)
    command = runner.send(f"[ $AWS_SSM_INSTANCE_ID = {first.id} ]", to=[first.id, second.id], MaxErrors="1")
    runner.wait(command)
    assert runner.command(command)["StatusDetails"] == "Incomplete"


# --- instances that do not answer ----------------------------------------------------------------------------------------


def test_an_instance_that_is_known_to_be_lost_is_undeliverable_and_the_whole_a_success(embedded, runner, settings):
    settings(undeliverable=0.1)
    there, lost = embedded.instances.add(2)
    embedded.instances.take_offline(lost.id)
    command = runner.send("true", to=[there.id, lost.id])
    told = runner.wait(command)
    assert (told[lost.id]["Status"], told[lost.id]["StatusDetails"]) == ("Failed", "Undeliverable")
    assert told[lost.id]["CommandPlugins"][0]["ResponseCode"] == -1
    assert (runner.command(command)["Status"], runner.command(command)["ErrorCount"]) == ("Success", 0)


def test_nobody_there_at_all_is_a_failure(embedded, runner, host, settings):
    settings(undeliverable=0.1)
    embedded.instances.take_offline(host.id)
    command = runner.send("true", to=host.id)
    runner.wait(command)
    assert runner.command(command)["Status"] == "Failed"


def test_an_instance_that_is_silent_times_out_undelivered(embedded, runner, host, settings):
    settings(timeout_scale=0.005)
    embedded.instances.silence(host.id)
    command = runner.send("touch ran", to=host.id, TimeoutSeconds=30)
    (told,) = runner.wait(command).values()
    assert (told["Status"], told["StatusDetails"]) == ("TimedOut", "DeliveryTimedOut")
    assert runner.command(command)["DeliveryTimedOutCount"] == 1
    assert not Path(host.folder, "ran").exists()


def test_an_instance_that_comes_back_in_time_runs_it(embedded, runner, host):
    embedded.instances.silence(host.id)
    command = runner.send("echo late", to=host.id)
    runner.wait(command, {"Pending"})
    embedded.instances.bring_back(host.id)
    assert runner.wait(command)[host.id]["Status"] == "Success"


def test_an_instance_that_is_lost_in_the_middle_tells_the_end_when_it_is_back(embedded, runner, host):
    command = runner.send("while [ ! -e gate ]; do sleep 0.01; done; touch done", to=host.id)
    runner.wait(command, {"InProgress"})
    embedded.instances.take_offline(host.id)
    Path(host.folder, "gate").touch()
    while not Path(host.folder, "done").exists():
        time.sleep(0.01)
    time.sleep(0.1)
    assert runner.invocations(command)[host.id]["Status"] == "InProgress"
    embedded.instances.bring_back(host.id)
    assert runner.wait(command)[host.id]["Status"] == "Success"


def test_a_stopped_instance_that_is_named_is_refused_and_one_that_is_meant_is_undeliverable(
    embedded, runner, client_of, settings
):
    settings(undeliverable=0.1)
    (stopped,) = embedded.instances.add(tags={"group": "stopped"})
    client_of("ec2").stop_instances(InstanceIds=[stopped.id])
    with pytest.raises(ClientError, match=rf"InvalidInstanceId.*\[\[{stopped.id}\]\] not in a valid state for account"):
        runner.send("true", to=stopped.id)
    told = runner.wait(runner.send("true", to=tagged("stopped")))
    assert told[stopped.id]["StatusDetails"] == "Undeliverable"


# --- outputs -------------------------------------------------------------------------------------------------------------


def test_outputs_are_cut_as_the_api_cuts_them_and_whole_in_s3(runner, host, s3, bucket):
    script = "i=0; while [ $i -lt 3000 ]; do echo 123456789; echo abcdefghi >&2; i=$((i+1)); done"
    told = runner.run(script, to=host.id, OutputS3BucketName=bucket, OutputS3KeyPrefix="logs")
    out, error = told["StandardOutputContent"], told["StandardErrorContent"]
    assert (len(out), out.startswith("123456789\n"), out.endswith("\n---Output truncated---")) == (24_000, True, True)
    assert (len(error), error.endswith("---Error truncated----")) == (8_000, True)
    (listed,) = runner.invocations(told["CommandId"])[host.id]["CommandPlugins"]
    assert (len(listed["Output"]), listed["Output"].endswith("---Output truncated---")) == (2_500, True)
    key = f"logs/{told['CommandId']}/{host.id}/awsrunShellScript/0.awsrunShellScript/stdout"
    assert told["StandardOutputUrl"].endswith(f"/{bucket}/{key}")
    assert s3.get_object(Bucket=bucket, Key=key)["Body"].read() == b"123456789\n" * 3000
    assert s3.get_object(Bucket=bucket, Key=key.replace("stdout", "stderr"))["Body"].read() == b"abcdefghi\n" * 3000


def test_bytes_that_are_no_text_do_no_harm(runner, host):
    assert runner.run(r"printf 'a\377b'", to=host.id)["StandardOutputContent"] == "a\ufffdb"


def test_while_it_runs_nothing_of_its_output_is_told(runner, host):
    command = runner.send("echo early; while [ ! -e gate ]; do sleep 0.01; done", to=host.id)
    runner.wait(command, {"InProgress"})
    time.sleep(0.1)
    told = runner.ssm.get_command_invocation(CommandId=command, InstanceId=host.id)
    assert (told["StandardOutputContent"], told["ExecutionEndDateTime"]) == ("", "")
    Path(host.folder, "gate").touch()
    runner.wait(command)


# --- what is refused -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"InstanceIds": [f"i-{number:017x}" for number in range(51)]}, "ValidationException.*instanceIds.*less than or equal to 50"),
        ({"InstanceIds": ["i-00000000000000000"]}, "InvalidInstanceId"),
        ({"DocumentName": "AWS-RunShelScript"}, "InvalidDocument.*AWS-RunShelScript does not exist"),
        ({"Parameters": {"comands": ["true"]}}, "InvalidParameters.*comands"),
        ({"Parameters": {}}, "InvalidParameters.*commands is required"),
        ({"Parameters": {"commands": ["true"], "executionTimeout": ["soon"]}}, "InvalidParameters.*executionTimeout"),
        ({"Parameters": {"commands": ["#" * 66_000]}}, "MaxDocumentSizeExceeded"),
        ({"Targets": [{"Key": "tag:a", "Values": ["b"]}]}, "ValidationException"),
        ({"InstanceIds": []}, "ValidationException"),
        ({"MaxErrors": "many"}, "ValidationException.*maxErrors"),
        ({"Comment": "x" * 101}, "ValidationException.*comment"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_what_ssm_refuses_is_refused(runner, host, changes, words):
    request = {"DocumentName": "AWS-RunShellScript", "InstanceIds": [host.id], "Parameters": {"commands": ["true"]}}
    with pytest.raises(ClientError, match=words):
        runner.ssm.send_command(**{**request, **changes})


def test_the_same_instance_twice_is_refused(runner, host):
    with pytest.raises(ClientError, match="DuplicateInstanceId"):
        runner.send("true", to=[host.id, host.id])


def test_a_command_that_there_is_not_is_refused(runner, host):
    with pytest.raises(ClientError, match="InvalidCommandId"):
        runner.ssm.cancel_command(CommandId="00000000-0000-0000-0000-000000000000")


def test_throttling_is_refused_so_often_and_then_no_more(runner, host, settings):
    settings(throttled={"SendCommand": 2})
    for _ in range(2):
        with pytest.raises(ClientError, match=r"ThrottlingException.*Rate exceeded"):
            runner.send("true", to=host.id)
    runner.wait(runner.send("true", to=host.id))


# --- who is there --------------------------------------------------------------------------------------------------------


def test_managed_instances_are_told_with_their_state(embedded, runner):
    there, lost, unmanaged = embedded.instances.add(3, tags={"group": "managed"})
    embedded.instances.take_offline(lost.id)
    embedded.instances.unmanage(unmanaged.id)
    asked = [{"Key": "tag:group", "Values": ["managed"]}]
    told = {
        i["InstanceId"]: i for i in runner.ssm.describe_instance_information(Filters=asked)["InstanceInformationList"]
    }
    assert {i: told[i]["PingStatus"] for i in told} == {there.id: "Online", lost.id: "ConnectionLost"}
    assert (told[there.id]["PlatformType"], told[there.id]["IPAddress"]) == ("Linux", there.address)
    asked.append({"Key": "PingStatus", "Values": ["Online"]})
    online = runner.ssm.describe_instance_information(Filters=asked)["InstanceInformationList"]
    assert [i["InstanceId"] for i in online] == [there.id]


def test_managed_instances_come_in_pages(embedded, runner):
    added = embedded.instances.add(12, tags={"group": "pages"})
    pages = runner.ssm.get_paginator("describe_instance_information").paginate(
        Filters=[{"Key": "tag:group", "Values": ["pages"]}], PaginationConfig={"PageSize": 5}
    )
    told = [[i["InstanceId"] for i in page["InstanceInformationList"]] for page in pages]
    assert [len(page) for page in told] == [5, 5, 2]
    assert sorted(instance_id for page in told for instance_id in page) == sorted(seen.id for seen in added)


def test_an_unknown_filter_is_refused(runner, host):
    with pytest.raises(ClientError, match=r"InvalidFilterKey.*Colour"):
        runner.ssm.describe_instance_information(Filters=[{"Key": "Colour", "Values": ["red"]}])
