"""Faults of AWS and of instances in the middle of a deploy: nobody stays out of the balancer, no lock stays, nothing is green that is not."""

from __future__ import annotations

import json
import os
import signal
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from moto.core.responses import BaseResponse

from ropeway.ec2 import performing
from ropeway.ec2.planning import balancer_terms
from ropeway.errors import DeployFailed
from ropeway.local.patches.protocols import refused
from tests.checks.kinds.aws_kit import client_of
from tests.cli.conftest import ropeway
from tests.ec2.faults import (
    all_have,
    answers,
    as_it_is_taken_out,
    as_the_page_says,
    fleet,
    held_at,
    left_in_journal,
    nothing_is_left,
    of,
    run_out,
    state,
    until,
    when,
)
from tests.ec2.services import service
from tests.servers.balanced import NEVER, PORT, drained_in

__all__ = ["client_of", "fleet", "ropeway"]

pytestmark = pytest.mark.timeout(900)  # a deploy, and another one, and what has to be waited for until it is given up


@pytest.fixture
def roll(fleet, tmp_path):
    """v2 comes to one instance after the other."""

    def deploy(folder: Path | None = None, **more: str):
        return fleet.deploy(
            folder or service(tmp_path, "v2"), **{"batches": "1", "drain_from": fleet.group.name, **more}
        )

    return deploy


@pytest.fixture
def impatient(monkeypatch):
    """Minutes are seconds: a script is given up after 45 s, health after 8 s, a drain after 1 s."""
    terms = performing.Terms
    monkeypatch.setattr(performing, "Terms", partial(terms, overall=45.0))
    monkeypatch.setattr(
        performing,
        "balancer_terms",
        lambda given: replace(balancer_terms(given), healthy_within=8.0, drain_margin=1.0, look_every=0.5),
    )


@pytest.fixture
def denied(monkeypatch):
    """AWS refuses these actions, until the list is emptied."""
    actions: list[str] = []
    original = BaseResponse.call_action

    def call(request):
        action = request._get_action()
        why = (
            f"User: arn:aws:iam::123456789012:user/pipeline is not authorized to perform: elasticloadbalancing:{action}"
        )
        return refused(request, 403, "AccessDenied", why) if action in actions else original(request)

    monkeypatch.setattr(BaseResponse, "call_action", call)
    return actions


@pytest.fixture
def recover(fleet, ropeway, embedded, monkeypatch):
    """`ropeway ec2 recover`."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", embedded.connection.access_key_id)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", embedded.connection.secret_access_key)
    where = ("--application", fleet.name, "--bucket-name", fleet.bucket, "--region-name", embedded.region)
    return lambda: ropeway("ec2", "recover", *where)


# --- instances that are lost ----------------------------------------------------------------------------------------------------


def test_an_instance_that_is_offline_before_it_begins_keeps_it_from_beginning(fleet, roll, s3, embedded):
    last = of(fleet, 1)
    embedded.instances.take_offline(last.id)
    with pytest.raises(DeployFailed, match=f"{last.id}: .*Nothing was changed") as refusal:
        roll()
    as_the_page_says("An instance is offline before it begins", refusal.value)
    embedded.instances.bring_back(last.id)
    all_have(fleet, s3, "v1")


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ("take_offline", "SSM could not reach the instance. Put back, and proved: 1 instance, on v1."),
        ("silence", "Nobody knows what is live on {last}."),
    ],
    ids=["offline", "silent"],
)
def test_an_instance_that_is_lost_when_its_batch_begins_keeps_its_release_and_the_others_go_back(
    fleet, roll, s3, embedded, settings, how, words
):
    settings(timeout_scale=0.03)
    last = of(fleet, 1)
    with as_it_is_taken_out(last, lambda: getattr(embedded.instances, how)(last.id)):
        ended = roll()
    embedded.instances.bring_back(last.id)
    assert isinstance(ended.error, DeployFailed)
    assert last.id in str(ended.error)
    assert words.format(last=last.id) in str(ended.error)
    if how == "take_offline":
        as_the_page_says("An instance goes offline when its batch begins", ended.error)
    all_have(fleet, s3, "v1")


def test_an_instance_that_is_lost_while_it_is_switched_is_named_and_gets_its_traffic_back(
    fleet, roll, s3, embedded, impatient, tmp_path
):
    last, folder = of(fleet, 1), service(tmp_path, "v2")
    hold = held_at(folder, "validate.sh", last)

    def lose() -> None:
        embedded.instances.take_offline(last.id)
        (hold / "go").touch()

    with when((hold / "here").exists, lose):
        ended = roll(folder)
    assert isinstance(ended.error, DeployFailed)
    as_the_page_says("An instance is lost while it is switched", ended.error)
    assert f"Nobody knows what is live on {last.id}" in str(ended.error)
    assert f"{last.id} was not put back: " in str(ended.error)
    nothing_is_left(fleet, s3)
    assert answers(fleet)[fleet.hosts.index(of(fleet, 0))] == "v1"

    embedded.instances.bring_back(last.id)
    assert roll(folder, release_id="v2.1").error is None
    assert answers(fleet) == ["v2", "v2"]
    nothing_is_left(fleet, s3)


def test_an_instance_that_is_away_for_a_moment_while_it_is_switched_is_no_failure(fleet, roll, s3, embedded, tmp_path):
    last, folder = of(fleet, 1), service(tmp_path, "v2")
    hold = held_at(folder, "validate.sh", last)

    def blink() -> None:
        embedded.instances.take_offline(last.id)
        (hold / "go").touch()
        embedded.instances.bring_back(last.id)

    with when((hold / "here").exists, blink):
        ended = roll(folder)
    as_the_page_says("An instance is away for a moment while it is switched", ended.error)
    all_have(fleet, s3, "v2")


@pytest.mark.parametrize("how", ["reboot", "stop and start"])
def test_an_instance_that_reboots_while_it_is_switched_is_named_and_is_back_on_its_release(
    fleet, roll, s3, client_of, tmp_path, how
):
    last, folder, ec2 = of(fleet, 1), service(tmp_path, "v2"), client_of("ec2")
    hold = held_at(folder, "validate.sh", last)

    def reboot() -> None:
        if how == "reboot":
            ec2.reboot_instances(InstanceIds=[last.id])
        else:
            ec2.stop_instances(InstanceIds=[last.id])
            ec2.start_instances(InstanceIds=[last.id])

    with when((hold / "here").exists, reboot):
        ended = roll(folder)
    assert isinstance(ended.error, DeployFailed)
    assert last.id in str(ended.error)
    as_the_page_says("An instance reboots, or is stopped and started, while it is switched", ended.error)
    all_have(fleet, s3, "v1")


def test_a_hook_that_ends_as_who_asks_the_agent_for_a_reboot_has_failed_and_reboots_nothing(fleet, roll, s3, tmp_path):
    first, folder = of(fleet, 0), service(tmp_path, "v2")
    script = folder / "scripts/validate.sh"
    script.write_text('#!/bin/bash\necho again >>"$INSTANCE_ROOT/tmp/seen"\nexit 194\n')
    ended = roll(folder)
    assert "scripts/validate.sh ended with exit code 194" in str(ended.error)
    as_the_page_says("A hook ends with exit code 194, which asks SSM's agent for a reboot", ended.error)
    assert Path(first.folder, "tmp/seen").read_text() == "again\n"
    all_have(fleet, s3, "v1")


# --- S3 -------------------------------------------------------------------------------------------------------------------------


LATE = """#!/bin/sh
: >"$INSTANCE_ROOT/tmp/here"
until [ -e "$INSTANCE_ROOT/tmp/go" ]; do sleep 0.05; done
exec /usr/bin/env -S PATH=/usr/bin:/bin curl "$@"
"""


def test_a_bundle_that_somebody_has_written_over_is_unpacked_nowhere_and_the_next_run_mends_it(
    fleet, roll, s3, tmp_path
):
    last = of(fleet, 1)
    curl, tmp = Path(last.folder, "usr/local/bin/curl"), Path(last.folder, "tmp")
    curl.write_text(LATE)
    curl.chmod(0o755)
    before = bundles(s3, fleet)

    def write_over() -> None:
        ((key, size),) = bundles(s3, fleet).items() - before.items()
        s3.put_object(Bucket=fleet.bucket, Key=key, Body=b"x" * size)
        (tmp / "go").touch()

    with when((tmp / "here").exists, write_over):
        ended = roll()
    assert isinstance(ended.error, DeployFailed)
    assert f"{last.id}: The bundle did not arrive whole: " in str(ended.error)
    assert "and not " in str(ended.error)
    as_the_page_says("Somebody writes over the bundle in S3", ended.error)
    all_have(fleet, s3, "v1")

    assert roll(tmp_path / "v2").error is None
    all_have(fleet, s3, "v2")


def bundles(s3, fleet) -> dict[str, int]:
    prefix = f".ropeway/applications/{fleet.name}/bundles/"
    return {one["Key"]: one["Size"] for one in s3.list_objects_v2(Bucket=fleet.bucket, Prefix=prefix)["Contents"]}


@pytest.mark.parametrize("what", ["journal.json", "*"])
def test_state_that_may_not_be_written_any_more_ends_it_and_a_recovery_finds_nothing_out(
    fleet, roll, s3, what, recover
):
    deny = {"Effect": "Deny", "Principal": "*", "Action": "s3:PutObject"}
    where = f"arn:aws:s3:::{fleet.bucket}/.ropeway/applications/{fleet.name}/{what}"
    policy = json.dumps({"Version": "2012-10-17", "Statement": [{**deny, "Resource": where}]})
    first = of(fleet, 0)
    with as_it_is_taken_out(first, lambda: s3.put_bucket_policy(Bucket=fleet.bucket, Policy=policy)):
        ended = roll()
    s3.delete_bucket_policy(Bucket=fleet.bucket)
    assert isinstance(ended.error, DeployFailed)
    words = "It is back, but that could not be written down: Could not write "
    assert f"{first.id} out of {fleet.group.name}: {words}" in str(ended.error)
    as_the_page_says("The state in S3 may not be written any more", ended.error)
    assert "v2" not in answers(fleet) or f"On v2: {first.id}" in str(ended.error)
    assert left_in_journal(s3, fleet) == [first.id]
    assert {member for member, _ in fleet.group.health()} == set(fleet.addresses), "it is in all the same"
    run_out(s3, fleet)
    assert recover().code == 0
    nothing_is_left(fleet, s3)


# --- load balancers -------------------------------------------------------------------------------------------------------------


UNWELL = """    def do_GET(self):
        if "ELB" in self.headers.get("User-Agent", ""):
            return self.send_error(503)
"""


def test_a_release_that_its_load_balancer_never_calls_healthy_goes_back(fleet, roll, s3, impatient, tmp_path):
    folder = service(tmp_path, "v2")
    code = folder / "service.py"
    code.write_text(code.read_text().replace("    def do_GET(self):\n", UNWELL))
    ended = roll(folder)
    assert isinstance(ended.error, DeployFailed)
    first = of(fleet, 0)
    assert f"{first.id}: The instance was not healthy in {fleet.group.name} within 8.0 s: it is " in str(ended.error)
    as_the_page_says("The load balancer never calls the new release healthy", ended.error)
    all_have(fleet, s3, "v1")


def test_an_instance_that_its_load_balancer_calls_unhealthy_has_not_got_the_release_already(fleet, roll, s3, tmp_path):
    """Its process has died since; its folder, and its mark, are those of a healthy one."""
    last = of(fleet, 1)
    run = Path(last.folder, "opt", fleet.name, "shared/run/pid")
    os.kill(int(run.read_text()), signal.SIGKILL)
    until(lambda: fleet.group.health()[(last.id, PORT)][0] == "unhealthy")
    ended = roll(tmp_path / "v1")
    fates = {one.instance.id: one.fate for one in ended.instances}
    as_the_page_says("A load balancer calls an instance unhealthy that has the release", ended.error, fates[last.id])
    all_have(fleet, s3, "v1")


def test_a_load_balancer_that_calls_nobody_healthy_any_more_is_no_proof_of_the_way_back(fleet, roll, s3, impatient):
    """Its health check asks for a page that there never was."""
    first, group = of(fleet, 0), fleet.group
    probe = {"TargetGroupArn": group.arn, "HealthCheckPort": "9"}
    with as_it_is_taken_out(first, lambda: group.elb.modify_target_group(**probe)):
        ended = roll()
    assert isinstance(ended.error, DeployFailed)
    assert f"{first.id} was not put back: The instance was not healthy in {group.name}" in str(ended.error)
    assert answers(fleet) == ["v1", "v1"]
    group.elb.modify_target_group(**{**probe, "HealthCheckPort": "traffic-port"})
    nothing_is_left(fleet, s3)


def test_a_deregistration_that_never_ends_is_no_leave_to_switch(fleet, roll, s3, impatient, monkeypatch):
    first, group = of(fleet, 0), fleet.group

    drained_in(group, 0)
    original = performing.perform
    surveyed = []
    monkeypatch.setattr(
        performing, "perform", lambda *given: (drained_in(group, NEVER), surveyed.append(1), original(*given))[2]
    )
    ended = roll()
    assert surveyed
    assert isinstance(ended.error, DeployFailed)
    assert f"{first.id}: The instance was not drained by {group.name} within 1.0 s: it is draining" in str(ended.error)
    as_the_page_says("A target is never drained", ended.error)
    all_have(fleet, s3, "v1")


def test_who_may_not_put_an_instance_back_says_which_are_out_and_a_recovery_puts_them_in(
    fleet, roll, s3, denied, recover
):
    denied.append("RegisterTargets")
    ended = roll(batches="100%")
    ids = sorted(fleet.addresses)
    assert isinstance(ended.error, DeployFailed)
    for id_ in ids:
        assert f"{id_} out of {fleet.group.name}: " in str(ended.error)
    as_the_page_says("The pipeline may not put targets back", ended.error)
    assert fleet.group.health() == {}
    assert sorted(left_in_journal(s3, fleet)) == ids
    assert state(s3, fleet, "lock.json")["owner"] == ""

    refused_again = recover()
    assert refused_again.code != 0
    assert "2 changes of an earlier run could not be undone" in refused_again.err
    denied.clear()
    assert recover().code == 0
    all_have(fleet, s3, "v1")


# --- AWS that is busy -----------------------------------------------------------------------------------------------------------


def test_an_api_that_throttles_each_action_holds_a_deploy_up_and_no_more(fleet, roll, s3, settings):
    actions = [
        "DescribeInstances",
        "DescribeInstanceStatus",
        "DescribeInstanceInformation",
        "SendCommand",
        "ListCommandInvocations",
        "DescribeTargetGroups",
        "DescribeTargetGroupAttributes",
        "DescribeTargetHealth",
        "DeregisterTargets",
        "RegisterTargets",
    ]
    settings(throttled=dict.fromkeys(actions, 1))
    as_the_page_says("AWS throttles each of its answers once", roll(batches="100%").error)
    assert not any(dict(settings()["throttled"]).values()), "each was refused once"
    all_have(fleet, s3, "v2")
