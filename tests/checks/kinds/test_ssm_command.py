"""The kind `ssm-command`, whose commands really run on instances of the embedded AWS."""

from __future__ import annotations

import dataclasses
import re
import uuid
from pathlib import Path

import pytest

from ropeway.checks import on_instances
from ropeway.checks.asking import Asking
from ropeway.checks.kinds.ssm_command import KIND
from ropeway.checks.nodes import Mistakes
from ropeway.errors import Cancelled
from ropeway.local.embedded import EmbeddedAws
from ropeway.local.instances.api import InstanceSeen
from ropeway.outcome import Cancellation
from tests.checks.asking import ask, settings_of
from tests.servers.ssm_between import ssm_between


@pytest.fixture
def host(embedded: EmbeddedAws) -> InstanceSeen:
    (added,) = embedded.instances.add()
    return added


@pytest.fixture
def fleet(embedded: EmbeddedAws) -> tuple[str, list[InstanceSeen]]:
    """Two instances, and the value of the tag `app` that they alone have."""
    app = f"shop-{uuid.uuid4().hex[:8]}"
    return app, list(embedded.instances.add(2, tags={"app": app}))


def asked(aws, host, rest, **how):
    return ask(KIND, f"{{instances: {host.id}, {rest}}}", aws, timeout=how.pop("timeout", 20), **how)


def test_a_command_that_ends_well_passes(aws, host):
    finding = asked(aws, host, "command: 'echo active; echo beside >&2'")
    assert (finding.verdict, finding.expected, finding.got) == ("pass", "exit code 0", "exit code 0")
    assert finding.details == ("stderr: beside", "stdout: active")
    assert finding.request_ids


def test_one_that_ends_badly_fails_and_shows_the_end_of_what_it_printed(aws, host):
    finding = asked(aws, host, "command: 'seq 30; echo no such unit >&2; exit 3'")
    assert (finding.verdict, finding.got, finding.advice) == ("fail", "exit code 3", "See what it printed.")
    assert finding.details[:2] == ("stderr: no such unit", "stdout: 10 lines before")
    assert finding.details[-1] == "stdout: 30"


def test_other_exit_codes_may_be_good(aws, host):
    assert asked(aws, host, "command: exit 3, exitCodes: [0, 3]").verdict == "pass"
    finding = asked(aws, host, "command: exit 4, exitCodes: [0, 3]")
    assert (finding.verdict, finding.expected) == ("fail", "exit code 0 or 3")


def test_its_output_is_judged_too(aws, host):
    assert asked(aws, host, 'command: echo active, output: {equals: "active\\n"}').verdict == "pass"
    finding = asked(aws, host, "command: echo inactive, output: {matches: '^active'}")
    assert (finding.verdict, finding.expected, finding.got) == (
        "fail",
        "output matching /^active/",
        'output "inactive"',
    )


def test_a_command_that_must_print_nothing(aws, host):
    assert asked(aws, host, "command: 'true', output: {absent: true}").verdict == "pass"
    finding = asked(aws, host, "command: echo failed, output: {absent: true}")
    assert (finding.verdict, finding.expected, finding.got) == ("fail", "no output", 'output "failed"')


def test_an_output_that_was_cut_proves_nothing(aws, host):
    finding = asked(aws, host, "command: 'seq 9000; echo active', output: active")
    assert (finding.verdict, finding.got) == ("error", "an output that SSM cut at 24,000 characters")


def test_what_must_not_stand_in_an_output_may_stand_in_what_was_cut_off(aws, host):
    finding = asked(aws, host, "command: 'seq 9000; echo ERROR', output: {excludes: ERROR}")
    assert (finding.verdict, finding.expected) == ("error", 'output without "ERROR"')
    assert finding.got == "an output that SSM cut at 24,000 characters"

    finding = asked(aws, host, "command: 'seq 9000 >&2; echo active', output: {contains: active, excludes: ERROR}")
    assert finding.verdict == "pass", "what it printed as errors was cut, and is not asked for"
    assert asked(aws, host, "command: 'echo active; seq 9000', output: active").verdict == "pass"


def test_it_starts_in_its_folder_and_several_lines_are_one_script(aws, host):
    Path(host.folder, "srv/shop").mkdir(parents=True)
    yaml = f"instances: {host.id}\nfolder: {host.folder}/srv/shop\noutput: shop bash\n"
    script = 'command: |\n  #!/bin/bash\n  here=$(basename "$PWD")\n  echo "$here ${BASH_VERSION:+bash}"\n'
    assert ask(KIND, yaml + script, aws, timeout=20).verdict == "pass"


def test_tags_find_the_running_instances_and_all_must_pass(aws, fleet):
    app, (first, second) = fleet
    Path(first.folder, "healthy").touch()
    yaml = f"{{tags: {{app: {app}}}, command: 'test -e $INSTANCE_ROOT/healthy'}}"
    finding = ask(KIND, yaml, aws, timeout=20)
    assert (finding.verdict, finding.got) == ("fail", f"exit code 1 on {second.id}")
    Path(second.folder, "healthy").touch()
    assert ask(KIND, yaml, aws, timeout=20).verdict == "pass"


def test_tags_that_find_too_few_fail_and_never_pass(aws, fleet):
    app, _ = fleet
    finding = ask(KIND, "{tags: {app: nobodys}, command: 'true'}", aws)
    assert (finding.verdict, finding.expected) == ("fail", "at least 1 running instance with app=nobodys")
    finding = ask(KIND, f"{{tags: {{app: {app}}}, command: 'true', minInstances: 3}}", aws)
    assert (finding.verdict, finding.got) == ("fail", "2 instances")


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """The time of an attempt begins when its command is sent; what a cancelled one comes to is waited for."""
    monkeypatch.setattr(Asking, "left", property(lambda asking: asking.timeout))
    monkeypatch.setattr(on_instances, "PACE", dataclasses.replace(on_instances.PACE, grace=60.0))


def test_an_instance_that_ssm_has_lost_is_an_error_and_no_pass(aws, host, embedded):
    embedded.instances.take_offline(host.id)
    finding = asked(aws, host, "command: 'true'")
    assert finding.verdict == "error"
    assert "SSM" in finding.advice


def test_one_that_ssm_does_not_know_is_an_error(aws, host, embedded):
    embedded.instances.unmanage(host.id)
    finding = asked(aws, host, "command: 'true'")
    assert finding.verdict == "error"
    assert finding.got == "NotManaged"
    assert "SSM's agent" in finding.advice


@pytest.mark.usefixtures("patient")
def test_one_that_does_not_end_in_time_is_cancelled_and_an_error(aws, host, client_of):
    finding = asked(aws, host, "command: sleep 60", timeout=2)
    assert finding.verdict == "error"
    words = r"did not end in time\. It was still (Pending|InProgress) after 2\.0 s, and was cancelled\."
    assert re.fullmatch(f"The command on {host.id} {words}", finding.got)
    assert finding.advice == "Give it more time, or see what it waits for."
    told = client_of("ssm").list_command_invocations(InstanceId=host.id)["CommandInvocations"]
    assert {invocation["Status"] for invocation in told} <= {"Cancelled", "Cancelling", "TimedOut"}


def test_a_run_that_is_stopped_leaves_no_command_behind(aws, host, client_of):
    stopped = Cancellation()
    stopped.ask("the pipeline was cancelled")
    with pytest.raises(Cancelled):
        asked(aws, host, "command: sleep 60", cancellation=stopped)
    told = client_of("ssm").list_command_invocations(InstanceId=host.id)["CommandInvocations"]
    assert {invocation["Status"] for invocation in told} <= {"Cancelled", "Cancelling"}


@pytest.mark.usefixtures("patient")
def test_who_may_not_cancel_is_told_so_when_a_command_does_not_end(without, host):
    finding = asked(without("ssm:CancelCommand"), host, "command: sleep 20", timeout=1)
    assert finding.verdict == "error"
    assert re.search(r"It was still (Pending|InProgress) after 1\.0 s, and could not be cancelled: ", finding.got)
    assert "The identity needs ssm:CancelCommand." in finding.got


@pytest.mark.parametrize("action", ["ssm:SendCommand", "ssm:ListCommandInvocations", "ec2:DescribeInstances"])
def test_a_missing_permission_is_an_error_that_names_it(without, fleet, action):
    app, _ = fleet
    finding = ask(KIND, f"{{tags: {{app: {app}}}, command: 'true'}}", without(action), timeout=20)
    assert finding.verdict == "error"
    assert action in f"{finding.got} {finding.advice}"


def test_a_command_whose_answer_is_lost_is_looked_for_and_who_may_not_look_is_told_so(
    without, host, embedded, monkeypatch
):
    with ssm_between(embedded.endpoint_url) as between:
        monkeypatch.setenv("AWS_ENDPOINT_URL_SSM", between.url)
        between.lose("SendCommand")
        finding = asked(without("ssm:ListCommands"), host, "command: 'true'")
    assert finding.verdict == "error"
    assert "The identity needs ssm:ListCommands." in finding.got


def test_a_long_output_that_may_not_be_read_is_no_pass_and_names_what_is_missing(without, host):
    finding = asked(without("ssm:GetCommandInvocation"), host, "command: seq 900, output: '900'")
    assert finding.verdict == "error"
    assert "ssm:GetCommandInvocation" in finding.got


@pytest.mark.parametrize(
    ("yaml", "words"),
    [
        ("command: 'true'", "set either instances or tags."),
        ("{command: 'true', instances: web-1}", "instances is 'web-1'; write the id of an instance"),
        ("{command: 'true', tags: {a: b}, exitCodes: [256]}", "exitCodes is '256', which is no exit code"),
    ],
)
def test_what_cannot_be_run_is_a_mistake_of_the_suite(yaml, words):
    with pytest.raises(Mistakes) as caught:
        settings_of(KIND, yaml)
    assert words in str(caught.value)


def test_each_instance_is_a_target_of_its_own():
    given = settings_of(KIND, "{instances: [i-0123456789abcdef0, i-0123456789abcdef1], command: 'systemctl status'}")
    assert KIND.targets(given) == ("i-0123456789abcdef0", "i-0123456789abcdef1")
    assert KIND.subject(given, "i-0123456789abcdef1") == "`systemctl status` on i-0123456789abcdef1"
