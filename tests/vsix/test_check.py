"""Check from the built extension: how a step ends, what stands in the Tests tab and in the summary, and what a mistake says."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest
from junitparser import JUnitXml

from tests.vsix.agent import Agent, Job
from tests.vsix.conftest import with_connection


@pytest.fixture
def listening() -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"127.0.0.1:{server.getsockname()[1]}"


@pytest.fixture
def closed() -> Iterator[str]:
    """Held, so that nobody else listens there meanwhile."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{held.getsockname()[1]}"


def suite(agent: Agent, *checks: str) -> None:
    """The suite of the repository: every check ends at its first fail."""
    text = "defaults: {failures: 0, errors: 0}\nchecks:\n" + "".join(f"  {check}\n" for check in checks)
    (agent.sources / "ropeway-checks.yml").write_text(text)


def test_what_works_is_green_without_a_connection_and_without_a_region(agent, listening):
    suite(agent, f"port: {{tcp: {{address: '{listening}'}}}}")
    step = agent.run("RopewayCheck", {})

    assert (step.result, step.completions) == (
        "Succeeded",
        [("Succeeded", "Asked 1 check of ropeway-checks.yml: all passed")],
    )
    assert step.outputs == {"result": "passed", "failedChecks": "", "warningChecks": "", "attempt": "1"}


def test_what_fails_is_red_with_its_test_results_and_its_summary(agent, listening, closed):
    suite(
        agent,
        f"port: {{tcp: {{address: ['{listening}', '{closed}']}}}}",
        f"home page: {{http: {{url: 'http://{closed}/', certificate: {{file: none.pem}}}}}}",
        f"after: {{tcp: {{address: '{listening}'}}, requires: port}}",
    )
    step = agent.run("RopewayCheck", {})

    assert step.result == "Failed"
    [(result, message)] = step.completions
    assert result == "Failed"
    assert f"port ({closed})" in message
    assert step.outputs["failedChecks"].split(",")[0] == "port"
    [(properties, [file])] = step.published
    assert properties["type"] == "JUnit"
    assert properties["failtaskonfailedtests"] == "false"
    found = {
        case.name: [type(each).__name__ for each in case.result]
        for each in JUnitXml.fromfile(str(file))
        for case in each
    }
    assert found == {
        f"port ({listening})": [],
        f"port ({closed})": ["Failure"],
        "home page": ["Error"],
        "after": ["Skipped"],
    }
    [summary] = step.summaries
    shown = summary.read_text()
    assert shown.startswith("## Asked 3 checks with 4 targets of ropeway-checks")
    assert "an open port" in shown
    assert "connection refused" in shown


def test_what_only_warns_is_succeeded_with_issues(agent, listening, closed):
    suite(
        agent, f"port: {{tcp: {{address: '{listening}'}}}}", f"old: {{tcp: {{address: '{closed}'}}, severity: warning}}"
    )
    step = agent.run("RopewayCheck", {})

    assert step.result == "SucceededWithIssues"
    refused = f"no connection to {closed}: connection refused"
    assert step.warnings == [f"The check old did not pass: expected an open port, got {refused}."]
    assert step.outputs == {"result": "warnings", "failedChecks": "", "warningChecks": "old", "attempt": "1"}


def test_a_mistake_in_the_suite_is_told_with_file_line_and_what_was_meant(agent, listening):
    suite(
        agent, f"port: {{tcp: {{adress: '{listening}'}}}}", f"other: {{tcp: {{address: '{listening}'}}, timeout: 10}}"
    )
    step = agent.run("RopewayCheck", {})

    assert step.result == "Failed"
    column = len(f"  other: {{tcp: {{address: '{listening}'}}, timeout: ") + 1
    assert step.errors[:3] == [
        "ropeway-checks.yml:3:15: tcp needs address: Host and port, as `host:port`.",
        "ropeway-checks.yml:3:16: 'adress' is not a setting of tcp. Did you mean address?",
        f"ropeway-checks.yml:4:{column}: timeout is '10', which is no duration: write 500ms, 30s, 5m, 1h30m or 14d. Did you mean 10s?",
    ]
    assert step.published == []
    assert step.outputs == {}


def test_a_suite_that_stands_in_the_step_is_asked_with_the_pipelines_variables(agent, listening):
    text = (
        "checks:\n  port:\n    tcp:\n      address: '{env.SHOP}'\n  release:\n    tcp: {address: '{outputs.where}'}\n"
    )
    step = agent.run(
        "RopewayCheck", {"suite": text, "outputs": f"where={listening}"}, Job(variables={"shop": listening})
    )

    assert step.result == "Succeeded", step.text


def test_a_secret_variable_is_in_nothing_that_is_left(agent, closed):
    host, number = closed.split(":")
    text = f"defaults: {{failures: 0}}\nchecks:\n  db:\n    tcp:\n      address: '{{env.DATABASE}}:{number}'"
    step = agent.run("RopewayCheck", {"suite": text}, Job(secrets={"Hidden": host}), env={"DATABASE": "$(Hidden)"})

    assert step.result == "Failed"
    [(_, [file])] = step.published
    [summary] = step.summaries
    for told in (file.read_text(), summary.read_text()):
        assert host not in told
        assert "db" in told


def test_a_step_that_is_cancelled_ends_in_time_and_says_what_it_knew(agent, listening):
    suite(agent, f"port: {{tcp: {{address: '{listening}'}}}}")
    text = (agent.sources / "ropeway-checks.yml").read_text()
    (agent.sources / "ropeway-checks.yml").write_text("steady: 5m\n" + text)
    step = agent.start("RopewayCheck", {})
    while "port" not in step.context.text:
        assert step.process.poll() is None
    seconds = step.cancel()

    assert seconds < 5
    assert not step.context.killed
    assert step.context.completions[0][0] == "Failed"
    assert "The run was stopped." in step.context.text


def test_word_is_left_for_another_job(agent, seaweed, s3_inputs, closed):
    suite(agent, f"port: {{tcp: {{address: '{closed}'}}}}")
    place = {"stateLocation": f"s3://{s3_inputs['bucketName']}/ops", "stateTarget": "shop"}
    connected = {name: value for name, value in s3_inputs.items() if name != "bucketName"} | place
    job = with_connection("YAML deployment", seaweed)

    asked = agent.run("RopewayCheck", connected, job)
    recalled = agent.run("RopewayCheck", {**connected, "mode": "recall"}, job)

    assert (asked.result, recalled.result) == ("Failed", "Succeeded")
    assert (
        recalled.outputs
        == asked.outputs
        == {"result": "failed", "failedChecks": "port", "warningChecks": "", "attempt": "1"}
    )
