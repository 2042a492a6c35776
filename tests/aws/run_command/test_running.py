"""Scripts on instances: what is told of each of them, whatever becomes of it."""

from __future__ import annotations

import itertools
import json
import random
import re
import string
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from math import ceil
from pathlib import Path

import pytest

from ropeway.aws.run_command.line import Line
from ropeway.aws.run_command.model import HostRun, Pace, Script, Terms
from ropeway.aws.run_command.running import run
from ropeway.aws.session import Aws
from ropeway.errors import AccessDenied, AwsError, InputError, NetworkError
from ropeway.local.instances.api import InstanceSeen
from ropeway.outcome import Cancellation
from tests.aws.run_command.conftest import connected
from tests.servers.misbehaving import Answer, Request, _forwarded
from tests.servers.ssm_between import HANGS_UP, PASS_ON, ssm_answer, ssm_error

QUICK = Pace(pauses=(0.05, 0.1), again=(0.05, 0.05, 0.05), lost=(0.05, 0.05), grace=20.0)
VANISHING = Terms(pace=replace(QUICK, unseen=0.6))
IMPATIENT = Pace(pauses=QUICK.pauses, grace=0.3)
STILL = "It was still (Pending|InProgress)"
"""As it was last seen: a look may be a moment old."""
STOPPED = f"{STILL} when the run was stopped"
UNTIL_THE_GATE_OPENS = "until [ -e gate ]; do sleep 0.05; done"


def ran(
    aws: Aws, hosts: Sequence[InstanceSeen | str], text: str, *, terms: Terms | None = None, **how
) -> list[HostRun]:
    ids = [host if isinstance(host, str) else host.id for host in hosts]
    script = Script(text, how.pop("seconds", 30), how.pop("folder", ""))
    return list(run(aws, ids, script, terms=terms or Terms(pace=QUICK), **how))


def one(aws: Aws, host: InstanceSeen, text: str, **how) -> HostRun:
    (told,) = ran(aws, [host], text, **how)
    return told


def begun(*hosts: InstanceSeen) -> None:
    """Returns when the script has made a file called `begun` on each."""
    until = time.monotonic() + 120
    while not all(Path(host.folder, "begun").exists() for host in hosts):
        assert time.monotonic() < until
        time.sleep(0.01)


def when_begun(*hosts: InstanceSeen, then: Callable[[], object]) -> threading.Thread:
    def wait() -> None:
        begun(*hosts)
        then()

    thread = threading.Thread(target=wait)
    thread.start()
    return thread


def stopping(*hosts: InstanceSeen) -> Cancellation:
    """A cancellation that is asked for as soon as the script runs on these."""
    cancellation = Cancellation()
    when_begun(*hosts, then=lambda: cancellation.ask("the pipeline was cancelled"))
    return cancellation


# --- the truth about each ------------------------------------------------------------------------------------------------


def test_each_host_is_told_for_itself_in_the_order_that_was_asked(aws, hosts, embedded):
    good, bad, lost = hosts
    embedded.instances.take_offline(lost.id)
    script = f"test $AWS_SSM_INSTANCE_ID != {bad.id} || exit 7; echo well"
    told = ran(aws, [lost, bad, "i-0123456789abcdef0", good], script)
    assert [(one.target, one.state, one.code, one.ok) for one in told] == [
        (lost.id, "Undeliverable", -1, False),
        (bad.id, "Failed", 7, False),
        ("i-0123456789abcdef0", "NotManaged", -1, False),
        (good.id, "Success", 0, True),
    ]
    assert [one.began for one in told] == [False, True, False, True]
    assert told[0].why == "SSM could not reach the instance."
    assert "agent is online" in told[0].advice
    assert (told[1].why, told[1].advice) == ("The script ended with exit code 7.", "")


def test_the_command_as_a_whole_reads_success_where_a_host_was_never_reached_and_nobody_falls_for_it(
    aws, hosts, embedded, client_of
):
    embedded.instances.take_offline(hosts[2].id)
    told = ran(aws, hosts, "true")
    (command,) = client_of("ssm").list_commands(CommandId=told[0].command_id)["Commands"]
    assert command["Status"] == "Success"
    assert [one.ok for one in told] == [True, True, False]


def test_one_that_fails_does_not_stop_the_others(aws, hosts):
    script = f"test $AWS_SSM_INSTANCE_ID != {min(host.id for host in hosts)} || exit 1; sleep 0.3"
    assert sorted(one.code for one in ran(aws, hosts, script)) == [0, 0, 1]


def test_one_that_is_unmanaged_does_not_keep_the_others_from_being_sent_to(aws, hosts, embedded):
    embedded.instances.unmanage(hosts[1].id)
    assert [one.state for one in ran(aws, hosts, "true")] == ["Success", "NotManaged", "Success"]


def test_those_that_ssm_refuses_without_naming_them_are_found(through, between, embedded):
    hosts = embedded.instances.add(9)
    bad = {hosts[2].id, hosts[7].id}

    def refuse(request: Request):
        asked = json.loads(request.body)["InstanceIds"]
        return ssm_error("InvalidInstanceId", "") if bad & set(asked) else PASS_ON

    between.always("SendCommand", refuse)
    told = ran(through, hosts, "true")
    assert {one.target for one in told if one.state == "NotManaged"} == bad
    assert sum(one.ok for one in told) == 7


def test_changes_are_told_as_they_happen_and_the_last_one_of_each_host_is_what_comes_back(aws, hosts):
    changes: list[HostRun] = []

    def changed(seen: HostRun) -> None:
        changes.append(seen)
        if seen.state == "InProgress":
            gate_of(seen.target).touch()

    def gate_of(id: str) -> Path:
        return next(Path(host.folder, "gate") for host in hosts if host.id == id)

    told = ran(aws, hosts, UNTIL_THE_GATE_OPENS, changed=changed)
    for one in told:
        states = [change.state for change in changes if change.target == one.target]
        assert states[-2:] == ["InProgress", "Success"]
    assert {change.target: change for change in changes} == {one.target: one for one in told}


def test_nobody_is_asked_about_no_host(aws):
    assert run(aws, [], Script("true")) == ()


# --- what it printed -----------------------------------------------------------------------------------------------------


def test_outputs_are_told_apart_and_as_they_are(aws, hosts):
    told = one(aws, hosts[0], "echo 'grün ✓ 日本'; echo '##vso[task.complete result=Succeeded]DONE' >&2")
    assert told.stdout == "grün ✓ 日本\n"
    assert told.stderr == "##vso[task.complete result=Succeeded]DONE\n"
    assert not told.cut


def test_a_short_output_costs_no_further_call_and_a_long_one_one(through, between, hosts):
    one(through, hosts[0], "echo short; exit 3")
    assert between.calls("GetCommandInvocation") == 0
    told = one(through, hosts[0], "echo first; seq 2000; echo oops >&2")
    assert between.calls("GetCommandInvocation") == 1
    assert told.stdout.startswith("first\n1\n2\n")
    assert told.stdout.endswith("\n2000\n")
    assert (told.stderr, told.cut) == ("oops\n", False)


def test_an_output_over_every_limit_keeps_its_beginning_and_says_that_it_was_cut(aws, hosts):
    told = one(aws, hosts[0], "echo first; seq 20000; seq 9000 >&2; exit 2")
    assert (told.state, told.code, told.cut) == ("Failed", 2, True)
    assert told.stdout.startswith("first\n1\n")
    assert len(told.stdout) == 24_000
    assert len(told.stderr) == 8_000


# --- long scripts --------------------------------------------------------------------------------------------------------


def test_a_script_of_more_than_64_kb_goes_out_packed_and_runs_in_its_own_shell(through, between, hosts):
    text = "#!/bin/bash\n" + "# a comment that says nothing\n" * 5000 + 'echo "${BASH_VERSION:+bash}" "$0"; exit 9\n'
    told = one(through, hosts[0], text)
    assert told.code == 9
    shell, path = told.stdout.split()
    assert shell == "bash"
    assert not Path(path).exists()
    assert len(json.dumps(between.bodies("SendCommand")[0]["Parameters"])) < 60_000


def test_a_script_that_is_too_long_even_packed_is_refused_before_anything_is_sent(through, between, hosts):
    text = "".join(random.Random(4).choices(string.ascii_letters, k=200_000))
    with pytest.raises(
        InputError, match=r"A script of 195\.3 KB .* is more than the 64 KB that SSM takes\. Nothing was sent\."
    ):
        one(through, hosts[0], text)
    assert between.calls("SendCommand") == 0


@pytest.mark.parametrize(
    "text", ["{{ commands }}", "{{ssm:secret}}", "a\u2028b", "a\x0cb\x1cc\x85d", "back\\slash 'quotes' \"$\""]
)
def test_no_sign_of_a_script_is_changed_on_the_way(aws, hosts, text):
    assert one(aws, hosts[0], f"cat <<'END'\n{text}\nEND").stdout == f"{text}\n"


def test_it_starts_in_its_folder(aws, hosts):
    folder = f"{hosts[0].folder}/srv"
    assert one(aws, hosts[0], "pwd", folder=folder).stdout == f"{folder}\n"


# --- what happens on the host --------------------------------------------------------------------------------------------


def test_a_script_that_takes_too_long_is_killed_and_said_so(aws, hosts):
    told = one(aws, hosts[0], "sleep 60", seconds=1)
    assert (told.state, told.code, told.ended) == ("ExecutionTimedOut", -1, False)
    assert told.why == "The script took longer than it may, and was killed."


def test_a_reboot_that_the_script_asks_for_is_waited_for(aws, hosts, settings):
    settings(reboot=0.3)
    told = one(aws, hosts[0], "echo run >> runs; test $(wc -l < runs) = 2 || exit 194")
    assert told.ok
    assert Path(hosts[0].folder, "runs").read_text() == "run\nrun\n"


def test_a_host_that_reboots_on_its_own_is_no_success(aws, hosts, client_of):
    thread = when_begun(hosts[0], then=lambda: client_of("ec2").reboot_instances(InstanceIds=[hosts[0].id]))
    told = one(aws, hosts[0], "touch begun; sleep 60")
    thread.join()
    assert (told.state, told.ok) == ("Failed", False)


def test_a_host_that_is_stopped_meanwhile_is_given_up_and_named(aws, hosts, client_of):
    thread = when_begun(hosts[0], then=lambda: client_of("ec2").stop_instances(InstanceIds=[hosts[0].id]))
    told = one(aws, hosts[0], "touch begun; sleep 60", terms=Terms(overall=10, pace=QUICK))
    thread.join()
    assert (told.state, told.ok) == ("Overdue", False)
    assert re.match(f"{STILL} after 10.0 s", told.note)


def test_a_host_that_is_lost_meanwhile_is_no_success_though_its_script_ends_well(aws, hosts, embedded):
    lost, kept = hosts[:2]

    def lose() -> None:
        embedded.instances.take_offline(lost.id)
        for host in (lost, kept):
            Path(host.folder, "gate").touch()

    thread = when_begun(lost, kept, then=lose)
    told = ran(aws, [lost, kept], f"touch begun; {UNTIL_THE_GATE_OPENS}", terms=Terms(overall=12, pace=QUICK))
    thread.join()
    assert [one.ok for one in told] == [False, True]
    assert told[0].state in {"Overdue", "DeliveryTimedOut"}


def test_a_host_that_is_silent_is_told_as_not_reached(aws, hosts, embedded, settings):
    settings(timeout_scale=0.02)
    embedded.instances.silence(hosts[0].id)
    told = one(aws, hosts[0], "true", terms=Terms(delivery=30, pace=QUICK))
    assert (told.state, told.ok) == ("DeliveryTimedOut", False)
    assert told.why == "SSM did not reach the instance in time, or did not hear from it again."


def test_a_host_that_is_listed_no_more_is_no_success(through, between, hosts):
    between.always("ListCommandInvocations", ssm_answer(CommandInvocations=[]))
    told = one(through, hosts[0], "true", terms=VANISHING)
    assert (told.state, told.note) == ("Vanished", "It was Pending before. It was told to stop.")
    assert told.ok is False


def test_a_host_that_is_listed_no_more_is_told_to_stop_and_the_others_go_on(through, between, hosts):
    lost, kept = hosts[:2]

    def all_but_one(request: Request) -> Answer:
        told = json.loads(_forwarded(between._upstream, request).body)
        others = [told for told in told["CommandInvocations"] if told["InstanceId"] != lost.id]
        return ssm_answer(CommandInvocations=others)

    between.always("ListCommandInvocations", all_but_one)
    script = f'touch begun; [ "$AWS_SSM_INSTANCE_ID" = {kept.id} ] || sleep 20; sleep 1.5; touch done'
    told = ran(through, [lost, kept], script, terms=VANISHING)
    assert [(one.state, one.ok) for one in told] == [("Vanished", False), ("Success", True)]
    assert [body["InstanceIds"] for body in between.bodies("CancelCommand")] == [[lost.id]]
    assert not Path(lost.folder, "done").exists()


def test_a_host_that_vanishes_and_cannot_be_told_to_stop_is_told_so(through, between, hosts):
    between.always("ListCommandInvocations", ssm_answer(CommandInvocations=[]))
    between.always("CancelCommand", ssm_error("InternalServerError", "no"))
    told = one(through, hosts[0], "true", terms=VANISHING)
    assert told.note.startswith("It was Pending before. It could not be cancelled: Could not cancel a script: ")


def test_nobody_vanishes_while_nobody_can_look(through, between, hosts):
    slow = ssm_error("ThrottlingException", "Rate exceeded")
    between.instead("ListCommandInvocations", *[slow] * 10, ssm_answer(CommandInvocations=[]))
    assert one(through, hosts[0], "true", terms=VANISHING).state == "Success"


def saying(host: InstanceSeen, **invocation: object) -> Callable[[Request], Answer]:
    """What SSM says of a command on this host, in place of what is so."""

    def says(request: Request) -> Answer:
        command = json.loads(request.body)["CommandId"]
        return ssm_answer(CommandInvocations=[{"CommandId": command, "InstanceId": host.id, **invocation}])

    return says


def test_a_state_that_nobody_has_heard_of_is_waited_for_and_no_success(through, between, hosts):
    between.always("ListCommandInvocations", saying(hosts[0], Status="Paused", StatusDetails="Paused"))
    told = one(through, hosts[0], "true", terms=Terms(overall=0.4, pace=IMPATIENT))
    assert (told.state, told.ok) == ("Overdue", False)
    assert "It was still Paused after 0.4 s" in told.why


def test_a_success_without_an_exit_code_is_looked_up(through, between, hosts):
    between.always("ListCommandInvocations", saying(hosts[0], Status="Success", StatusDetails="Success"))
    between.instead("GetCommandInvocation", ssm_answer(ResponseCode=0, StandardOutputContent="hello"))
    told = one(through, hosts[0], "true")
    assert (told.ok, told.stdout) == (True, "hello")


def test_a_success_without_an_exit_code_that_can_be_found_is_none(through, between, hosts):
    between.always("ListCommandInvocations", saying(hosts[0], Status="Success", StatusDetails="Success"))
    between.instead("GetCommandInvocation", ssm_error("InvocationDoesNotExist"))
    told = one(through, hosts[0], "true")
    assert (told.state, told.code, told.ok) == ("Success", -1, False)
    assert "InvocationDoesNotExist" in told.why


def test_a_listing_of_several_pages_is_read_to_its_end(aws, embedded, monkeypatch):
    monkeypatch.setattr("ropeway.aws.run_command.watching.A_PAGE", 3)
    assert [one.ok for one in ran(aws, embedded.instances.add(8), "true")] == [True] * 8


@pytest.mark.parametrize(
    ("status", "details", "state"),
    [
        ("TimedOut", "Delivery Timed Out", "DeliveryTimedOut"),
        ("TimedOut", "Execution Timed Out", "ExecutionTimedOut"),
        ("Failed", "Invalid Platform", "InvalidPlatform"),
        ("Failed", "Access Denied", "AccessDenied"),
        ("Failed", "Undeliverable", "Undeliverable"),
        ("Cancelled", "Terminated", "Terminated"),
        ("Cancelled", "Canceled", "Cancelled"),
        ("Failed", "Incomplete", "Incomplete"),
        ("Failed", "", "Failed"),
    ],
)
def test_the_states_of_the_user_guide_are_read_in_either_spelling(through, between, hosts, status, details, state):
    between.always("ListCommandInvocations", saying(hosts[0], Status=status, StatusDetails=details))
    told = one(through, hosts[0], "true")
    assert (told.state, told.ok) == (state, False)
    assert told.why
    assert told.advice


# --- SSM itself ----------------------------------------------------------------------------------------------------------


def test_throttling_is_waited_out_by_whoever_sends_and_by_whoever_looks(through, between, hosts):
    slow = ssm_error("ThrottlingException", "Rate exceeded")
    between.instead("SendCommand", slow, slow)
    between.instead(
        "ListCommandInvocations", PASS_ON, slow, slow, ssm_error("InternalServerError", status=500), HANGS_UP
    )
    assert [one.state for one in ran(through, hosts, "echo once >> runs; sleep 0.3")] == ["Success"] * 3
    assert between.calls("SendCommand") == 3
    assert [Path(host.folder, "runs").read_text() for host in hosts] == ["once\n"] * 3


def test_throttling_without_end_is_an_error_of_whoever_sends(through, between, hosts):
    between.always("SendCommand", ssm_error("ThrottlingException", "Rate exceeded"))
    with pytest.raises(AwsError, match=r"Could not send a script to .* AWS answered ThrottlingException"):
        one(through, hosts[0], "true")
    assert between.calls("ListCommands") == 0


def test_throttling_without_end_makes_hosts_overdue_and_never_well(through, between, hosts):
    between.always("ListCommandInvocations", ssm_error("ThrottlingException", "Rate exceeded"))
    told = one(through, hosts[0], "true", terms=Terms(overall=0.5, pace=IMPATIENT))
    assert (told.state, told.ok, told.began) == ("Overdue", False, True)


def test_the_comment_of_a_command_begins_as_it_was_given_and_is_as_long_as_ssm_takes(through, between, hosts):
    one(through, hosts[0], "true", terms=Terms(comment=f"Ropeway: {'9' * 200}", pace=QUICK))
    (sent,) = between.bodies("SendCommand")
    assert sent["Comment"].startswith("Ropeway: 999")
    assert len(sent["Comment"]) <= 100


def test_a_command_whose_answer_was_lost_is_found_and_not_sent_again(through, between, hosts):
    between.lose("SendCommand")
    told = ran(through, hosts, "echo once >> runs")
    assert all(one.ok for one in told)
    assert between.calls("SendCommand") == 1
    assert [Path(host.folder, "runs").read_text() for host in hosts] == ["once\n"] * 3


def test_a_command_that_never_arrived_is_sent_again(through, between, hosts):
    between.instead("SendCommand", HANGS_UP, ssm_error("InternalServerError", status=500))
    assert one(through, hosts[0], "echo once >> runs").ok
    assert between.calls("SendCommand") == 3
    assert Path(hosts[0].folder, "runs").read_text() == "once\n"


def test_a_command_that_comes_to_light_after_it_was_sent_again_is_cancelled(through, between, hosts, client_of):
    between.lose("SendCommand")
    between.instead("ListCommands", *[ssm_answer(Commands=[])] * 2)

    def cancelled(request: Request) -> Answer:
        answer = _forwarded(between._upstream, request)
        Path(hosts[0].folder, "gate").touch()
        return answer

    between.instead("CancelCommand", cancelled)
    told = one(through, hosts[0], UNTIL_THE_GATE_OPENS)
    assert told.ok
    commands = client_of("ssm").list_commands(InstanceId=hosts[0].id)["Commands"]
    (twin,) = [command for command in commands if command["CommandId"] != told.command_id]
    assert twin["Status"] in {"Cancelling", "Cancelled"}


@pytest.mark.parametrize("told", [ssm_error("ThrottlingException"), ssm_error("AccessDeniedException")])
def test_a_command_that_was_taken_is_watched_though_nobody_tells_of_another_copy_of_it(through, between, hosts, told):
    """Whoever lost sight of it here would call an instance untouched on which it runs."""
    between.instead("SendCommand", HANGS_UP, ssm_error("ThrottlingException"), PASS_ON)
    between.always("ListCommands", lambda _: told if between.calls("SendCommand") == 3 else PASS_ON)
    assert one(through, hosts[0], "echo once >> runs").ok
    assert between.calls("SendCommand") == 3
    assert Path(hosts[0].folder, "runs").read_text() == "once\n"


def test_another_copy_is_looked_for_until_ssm_answers(through, between, hosts, client_of):
    between.lose("SendCommand")
    between.instead("ListCommands", *[ssm_answer(Commands=[])] * 2, ssm_error("ThrottlingException"), PASS_ON)

    def cancelled(request: Request) -> Answer:
        answer = _forwarded(between._upstream, request)
        Path(hosts[0].folder, "gate").touch()
        return answer

    between.instead("CancelCommand", ssm_error("InternalServerError", status=500), cancelled)
    assert one(through, hosts[0], UNTIL_THE_GATE_OPENS).ok
    states = [command["Status"] for command in client_of("ssm").list_commands(InstanceId=hosts[0].id)["Commands"]]
    assert len(states) == 2
    assert set(states) - {"Success"} <= {"Cancelling", "Cancelled"}


def test_of_a_later_command_that_was_taken_nobody_says_that_it_was_not_sent(through, between, embedded):
    hosts = embedded.instances.add(51)
    between.instead("SendCommand", PASS_ON, HANGS_UP, ssm_error("ThrottlingException"))
    busy = ssm_error("ThrottlingException")
    between.always("ListCommands", lambda _: busy if between.calls("SendCommand") == 4 else PASS_ON)
    told = ran(through, hosts, "echo once >> runs")
    assert [one.state for one in told] == ["Success"] * 51
    assert Path(hosts[50].folder, "runs").read_text() == "once\n"


def test_where_nobody_can_tell_whether_a_command_was_taken_the_error_says_so(through, between, hosts):
    between.lose("SendCommand")
    between.always("ListCommands", HANGS_UP)
    with pytest.raises(NetworkError, match=r"Whether SSM took the command is not known\.") as caught:
        one(through, hosts[0], "true")
    (sent,) = between.bodies("SendCommand")
    assert f"Look for the comment {sent['Comment']!r} in Run Command's history" in caught.value.advice


def test_a_later_command_of_which_nobody_can_tell_leaves_its_hosts_in_doubt_and_the_others_are_told(
    through, between, embedded
):
    hosts = embedded.instances.add(60)
    between.instead("SendCommand", PASS_ON)
    between.lose("SendCommand")
    between.always("ListCommands", HANGS_UP)
    told = ran(through, hosts, "true")
    assert [one.state for one in told] == ["Success"] * 50 + ["Unsure"] * 10
    assert all(one.began for one in told)
    assert "Whether SSM took the command is not known." in told[-1].why


def test_a_later_command_that_ssm_refuses_leaves_its_hosts_unsent_and_the_others_are_told(through, between, embedded):
    hosts = embedded.instances.add(60)
    between.instead(
        "SendCommand", PASS_ON, ssm_error("AccessDeniedException", "not authorized to perform: ssm:SendCommand")
    )
    told = ran(through, hosts, "true")
    assert [one.state for one in told] == ["Success"] * 50 + ["NotSent"] * 10
    assert not told[-1].began
    assert "ssm:SendCommand" in told[-1].why


def test_an_ssm_that_is_not_there_is_no_doubt(silent_ssm, hosts):
    with pytest.raises(NetworkError) as caught:
        one(silent_ssm, hosts[0], "true")
    assert "is not known" not in str(caught.value)


@pytest.fixture
def silent_ssm(embedded) -> Aws:
    return connected(embedded, "http://127.0.0.1:9")


# --- permissions ---------------------------------------------------------------------------------------------------------


def test_who_may_not_send_is_told_so(without, hosts):
    with pytest.raises(AccessDenied, match="ssm:SendCommand"):
        one(without("ssm:SendCommand"), hosts[0], "true")


def test_who_may_not_look_is_told_so_and_nothing_goes_on(without, hosts, client_of):
    with pytest.raises(AccessDenied, match="ssm:ListCommandInvocations") as caught:
        one(without("ssm:ListCommandInvocations"), hosts[0], "sleep 60")
    assert str(caught.value.message).endswith(f"The script was under way on {hosts[0].id}, and was cancelled.")


def test_who_may_not_read_long_outputs_is_told_so_beside_the_truth(without, hosts):
    told = one(without("ssm:GetCommandInvocation"), hosts[0], "seq 9000; exit 3")
    assert (told.state, told.code, told.cut) == ("Failed", 3, True)
    assert "The identity needs ssm:GetCommandInvocation." in told.why


def test_who_may_not_cancel_is_told_what_may_still_be_running(without, hosts):
    told = one(without("ssm:CancelCommand"), hosts[0], "sleep 60", terms=Terms(overall=0.5, pace=QUICK))
    assert told.state == "Overdue"
    assert "and could not be cancelled: " in told.why
    assert "The identity needs ssm:CancelCommand." in told.why


def test_who_may_not_look_for_lost_commands_is_told_so_when_one_is_lost(without, between, hosts):
    between.lose("SendCommand")
    with pytest.raises(NetworkError, match="The identity needs ssm:ListCommands"):
        one(without("ssm:ListCommands"), hosts[0], "true")


# --- stopped -------------------------------------------------------------------------------------------------------------


def asked_to_stop() -> Cancellation:
    cancellation = Cancellation()
    cancellation.ask("the pipeline was cancelled")
    return cancellation


def test_stopped_before_the_first_byte_nothing_is_sent(through, between, hosts):
    told = ran(through, hosts, "true", cancellation=asked_to_stop())
    assert [(one.state, one.began, one.ok) for one in told] == [("NotSent", False, False)] * 3
    assert between.calls("SendCommand") == 0


def test_stopped_between_two_commands_what_was_sent_is_cancelled_and_the_rest_stays(through, between, embedded):
    hosts = embedded.instances.add(60)
    cancellation = Cancellation()

    def stop(_: Request):
        cancellation.ask("the pipeline was cancelled")
        return PASS_ON

    between.instead("SendCommand", stop)
    told = ran(through, hosts, "sleep 60", cancellation=cancellation)
    assert [one.state for one in told] == ["Cancelled"] * 50 + ["NotSent"] * 10
    assert between.calls("SendCommand") == 1


class AfterALook(Cancellation):
    """Asked for when SSM has been looked at once: who looks waits before, each time."""

    _waits = 0

    def wait(self, seconds: float) -> bool:
        self._waits += 1
        if self._waits == 2:
            self.ask("the pipeline was cancelled")
        return super().wait(seconds)


def test_stopped_before_it_is_delivered_nothing_runs(aws, hosts, embedded):
    embedded.instances.silence(hosts[0].id)
    told = one(aws, hosts[0], "touch begun", cancellation=AfterALook())
    embedded.instances.bring_back(hosts[0].id)
    assert (told.state, told.ok) == ("Cancelled", False)
    assert not Path(hosts[0].folder, "begun").exists()


def test_stopped_while_it_runs_it_is_killed_and_what_had_ended_keeps_its_end(aws, hosts):
    first, second, third = hosts
    script = f"case $AWS_SSM_INSTANCE_ID in {first.id}) exit 0;; esac; echo $$ > pid; touch begun; sleep 60"
    cancellation = Cancellation()

    def stop(seen: HostRun) -> None:
        if seen.target == first.id and seen.ok:
            begun(second, third)
            cancellation.ask("the pipeline was cancelled")

    told = ran(aws, hosts, script, cancellation=cancellation, changed=stop)
    assert [one.state for one in told] == ["Success", "Cancelled", "Cancelled"]
    assert re.fullmatch(rf"It was cancelled\. {STOPPED}\.", told[1].why)
    pid, until = Path(second.folder, "pid").read_text().strip(), time.monotonic() + 60
    while Path("/proc", pid).exists():  # who was killed may still be on its way
        assert time.monotonic() < until
        time.sleep(0.01)


def test_stopped_it_says_what_may_still_be_running_where_ssm_does_not_answer(through, between, hosts):
    between.always("CancelCommand", HANGS_UP)
    began = time.monotonic()
    told = one(through, hosts[0], "touch begun; sleep 60", cancellation=stopping(hosts[0]))
    assert (told.state, told.ok) == ("StillRunning", False)
    assert re.match(f"{STOPPED}, and could not be cancelled: Could not cancel a script", told.note)
    assert time.monotonic() - began < 20


def test_stopped_it_says_so_where_the_agent_does_not_stop_in_time(through, between, hosts):
    between.always("CancelCommand", ssm_answer())
    terms = Terms(pace=IMPATIENT)
    told = one(through, hosts[0], "touch begun; sleep 60", cancellation=stopping(hosts[0]), terms=terms)
    assert (told.state, told.ok) == ("StillRunning", False)
    assert re.fullmatch(rf"{STOPPED}, and was told to stop: it may still be running\.", told.note)


def test_an_error_of_whoever_is_told_leaves_nothing_running(aws, hosts, client_of):
    def fall(told: HostRun) -> None:
        if told.state == "InProgress":
            raise KeyError("of ours")

    with pytest.raises(KeyError):
        one(aws, hosts[0], "sleep 60", changed=fall)
    (told,) = client_of("ssm").list_command_invocations(InstanceId=hosts[0].id)["CommandInvocations"]
    assert told["Status"] in {"Cancelling", "Cancelled"}


def test_what_is_late_is_cancelled_and_told_as_late(aws, hosts):
    told = ran(
        aws, hosts[:2], f"test $AWS_SSM_INSTANCE_ID = {hosts[0].id} || sleep 60", terms=Terms(overall=8, pace=QUICK)
    )
    assert [one.state for one in told] == ["Success", "Overdue"]
    assert re.fullmatch(rf"It did not end in time\. {STILL} after 8\.0 s, and was cancelled\.", told[1].why)


# --- many ----------------------------------------------------------------------------------------------------------------


class Rounds(Cancellation):
    """Counts: whoever looks waits first, once for all hosts."""

    def __init__(self, line: Line) -> None:
        super().__init__()
        self._line = line
        self.at: list[int] = []

    def wait(self, seconds: float) -> bool:
        self.at.append(self._line.calls)
        return super().wait(seconds)

    def calls(self) -> list[int]:
        """Of each round."""
        return [after - before for before, after in itertools.pairwise([*self.at, self._line.calls])]


@pytest.mark.parametrize("count", [50, 500])
def test_a_round_costs_a_call_for_50_hosts(aws, embedded, count):
    hosts = embedded.instances.add(count)
    line = Line(aws)
    rounds = Rounds(line)
    told = ran(aws, hosts, "true", line=line, cancellation=rounds, terms=Terms(pace=Pace()))
    assert all(one.ok for one in told)
    assert rounds.at[0] == ceil(count / 50)  # those are sends
    assert max(rounds.calls()) <= ceil(count / 50)
    assert rounds.calls()
