"""The stand-in is as strict as the agent: what it lets pass, the agent lets pass."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ropeway.azure import commands
from tests.vsix.agent import Agent, Endpoint, Job
from tests.vsix.commands import StepContext, parse, worse

DEFINITION: dict[str, Any] = {
    "outputVariables": [{"name": "filesUploaded"}],
    "restrictions": {"settableVariables": {"allowed": ["filesUploaded", "site*"]}},
}


@pytest.fixture
def step() -> Callable[..., StepContext]:
    def after(*lines: str, host: str = "build", code: int = 0) -> StepContext:
        context = StepContext(DEFINITION, {"System.HostType": host, "Build.BuildId": "1"}, ["s3cr3t"])
        for line in lines:
            context.line(line)
        context.ended(code)
        return context

    return after


@given(st.text(), st.text(), st.sampled_from([commands.log_issue, commands.complete]))
def test_what_the_tasks_write_is_read_as_it_was_meant(before, text, command):
    kind = "Failed" if command is commands.complete else "error"
    read = parse(re.sub(r"##vso\[|[\r\n]", "", before) + str(command(kind, text)))
    assert read is not None
    assert read.data == text


@given(st.text(min_size=1).filter(lambda name: not name.startswith("=")))
def test_a_property_is_read_as_it_was_meant(value):
    read = parse(str(commands.Command("task.setvariable", "", (("variable", value),))))
    assert read is not None
    assert read.properties == {"variable": value}


def test_a_command_is_found_in_the_middle_of_a_line(step):
    assert step("downloading ##vso[task.complete result=Failed;]half a line").result == "Failed"


def test_an_event_that_the_agent_does_not_know_fails_the_step(step):
    assert step("##vso[task.setvarible variable=siteUrl;]x").result == "Failed"


def test_a_result_in_other_letters_fails_the_step(step):
    assert step("##vso[task.complete result=succeeded;]").result == "Failed"


def test_an_exit_code_overrides_what_the_task_said(step):
    assert step("##vso[task.complete result=Succeeded;]", code=3).result == "Failed"


def test_the_worst_result_counts(step):
    lines = [f"##vso[task.complete result={result};]" for result in ("Succeeded", "SucceededWithIssues", "Succeeded")]
    assert step(*lines).result == "SucceededWithIssues"
    assert worse("Canceled", "Failed") == "Canceled"


def test_a_variable_that_the_task_does_not_declare_is_not_set(step):
    ended = step("##vso[task.setvariable variable=path;]/evil", "##vso[task.setvariable variable=siteUrl;]https://a")
    assert ended.variables == {"siteUrl": "https://a"}
    assert ended.warnings == ["Setting variable 'path' has been disabled by the task or build definition."]


def test_a_declared_output_is_no_plain_variable(step):
    ended = step("##vso[task.setvariable variable=filesUploaded;]3")
    assert (ended.outputs, ended.variables) == ({"filesUploaded": "3"}, {})


def test_a_command_for_releases_fails_a_build(step):
    line = "##vso[release.updatereleasename]v2"
    assert step(line).result == "Failed"
    assert step(line, host="release").result == "Succeeded"


def test_secrets_are_masked_from_the_moment_that_they_are_known(step):
    ended = step("key s3cr3t", "token abc", "##vso[task.setsecret]abc", "token abc")
    assert ended.log == ["key ***", "token abc", "token ***"]


def test_the_environment_is_the_agents(tmp_path):
    agent = Agent(tmp_path)
    inputs = [
        {"name": "sourceFolder", "type": "filePath"},
        {"name": "targetFolder", "type": "string", "defaultValue": "a"},
        {"name": "dryRun", "type": "boolean", "defaultValue": "false"},
        {"name": "awsConnection", "type": "connectedService:RopewayAWS"},
    ]
    task = type("Task", (), {"folder": tmp_path, "definition": {"inputs": inputs}})
    endpoint = Endpoint("id-1", {"username": "AK", "sessionToken": "hush T"}, {"some data": "1"})
    job = Job(
        variables={"my.prefix": "v1"}, secrets={"my secret": "hush S"}, endpoints=(endpoint, Endpoint("id-2", {}))
    )
    given = {"targetFolder": " $(My.Prefix)/$(none) ", "awsConnection": "id-1"}
    environment = agent.environment(task, given, job, agent.variables(job), {})
    wanted = {
        "INPUT_SOURCEFOLDER": str(agent.sources),
        "INPUT_TARGETFOLDER": "v1/$(none)",
        "INPUT_DRYRUN": "false",
        "MY_PREFIX": "v1",
        "SECRET_MY_SECRET": "hush S",
        "ENDPOINT_AUTH_id-1": '{"parameters": {"username": "AK", "sessionToken": "hush T"}, "scheme": "UsernamePassword"}',
        "ENDPOINT_AUTH_PARAMETER_id-1_SESSIONTOKEN": "hush T",
        "ENDPOINT_DATA_id-1_SOME_DATA": "1",
        "SYSTEM_HOSTTYPE": "build",
        "agent.jobstatus": "Succeeded",
        "TF_BUILD": "True",
    }
    assert {name: environment.get(name) for name in wanted} == wanted
    assert "ENDPOINT_AUTH_id-2" not in environment
