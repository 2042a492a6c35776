"""The tasks from the built extension in other networks than a flat one, as an agent tells them of it.

(What is told in each kind of network is in tests/aws/test_networks.py.)
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ropeway.local.embedded import EmbeddedAws
from tests.secrecy import secret
from tests.servers.proxy import ForwardProxy, forward_proxy
from tests.vsix.agent import Agent, Endpoint, Job
from tests.vsix.commands import StepContext
from tests.vsix.conftest import CONNECTION

USER, PASSWORD = r"CORP\me", secret("password", "hush p@ss:w/rd#ü%")
LOGIN = {"Agent.ProxyUsername": USER}


@pytest.fixture
def proxy() -> Iterator[ForwardProxy]:
    """It wants a password, and alone knows who store is."""
    with forward_proxy(login=f"{USER}:{PASSWORD}", hosts=("store",)) as running:
        yield running


class Steps:
    """Uploads from an agent with such variables, to the embedded AWS over https."""

    def __init__(self, agent: Agent, aws: EmbeddedAws, bucket: str) -> None:
        self.agent = agent
        self.port = aws.endpoint_url.rpartition(":")[2]
        self.inputs = {"awsConnection": CONNECTION, "regionName": aws.region, "bucketName": bucket}
        keys = {"username": aws.connection.access_key_id, "password": aws.connection.secret_access_key}
        self.endpoints = (Endpoint(CONNECTION, keys),)
        (agent.sources / "a.txt").write_text("hello")

    def run(self, task: str, variables: dict[str, str], *, password: str = PASSWORD, host: str = "store",
            env: dict[str, str] | None = None, **inputs: str) -> StepContext:  # fmt: skip
        secrets = {"Agent.ProxyPassword": password} if "Agent.ProxyUsername" in variables else {}
        job = Job(variables=variables, secrets=secrets, endpoints=self.endpoints)
        url = f"https://{host}:{self.port}"
        return self.agent.run(task, {**self.inputs, "endpointUrl": url, **inputs}, job, env=env)

    def upload(self, variables: dict[str, str], **rest: Any) -> StepContext:
        return self.run("RopewayS3Upload", variables, **rest)


@pytest.fixture
def steps(agent: Agent, embedded_tls: EmbeddedAws, bucket: str) -> Steps:
    return Steps(agent, embedded_tls, bucket)


def test_both_tasks_go_through_a_proxy_with_a_password_to_a_store_with_an_authority_of_its_own(
    steps: Steps, proxy: ForwardProxy, certificate_authority: Path
) -> None:
    variables = {**LOGIN, "Agent.ProxyUrl": f"http://{proxy.address}", "Agent.CAInfo": str(certificate_authority)}
    up = steps.upload(variables)
    assert up.result == "Succeeded", up.text
    down = steps.run("RopewayS3Download", variables, targetFolder="back")
    assert down.result == "Succeeded", down.text
    assert (steps.agent.sources / "back/a.txt").read_text() == "hello"
    assert set(proxy.asked) == {f"CONNECT store:{steps.port}"}
    assert "***" not in up.text + down.text  # nothing was there to be masked


def test_a_wrong_password_fails_with_its_reason(steps: Steps, proxy: ForwardProxy, certificate_authority: Path) -> None:
    variables = {**LOGIN, "Agent.ProxyUrl": f"http://{proxy.address}", "Agent.CAInfo": str(certificate_authority)}
    step = steps.upload(variables, password="hush, not the password")
    assert step.result == "Failed"
    assert f"the proxy {proxy.address} does not take the user and password" in step.errors[0]
    assert "the agent's --proxyusername and --proxypassword" in step.errors[0]
    assert "***" not in step.text
    assert proxy.asked == []


def test_an_authority_that_the_agent_does_not_know_fails_with_its_reason(steps: Steps, proxy: ForwardProxy) -> None:
    step = steps.upload({**LOGIN, "Agent.ProxyUrl": f"http://{proxy.address}"})
    assert step.result == "Failed"
    assert f"the certificate of store:{steps.port} is not trusted" in step.errors[0]
    assert "the agent's --sslcacert" in step.errors[0]


def test_an_agent_that_verifies_nothing_is_warned_of_it_in_our_words_alone(steps: Steps) -> None:
    step = steps.upload({"Agent.SkipCertValidation": "True"}, host="0.0.0.0")
    assert step.result == "SucceededWithIssues", step.text
    [warning] = step.warnings
    assert warning.startswith("This agent was configured with --sslskipcertvalidation: nobody checks that it is AWS")
    assert "urllib3" not in step.text


def test_what_the_bypass_list_names_the_proxy_does_not_see(
    steps: Steps, proxy: ForwardProxy, certificate_authority: Path
) -> None:
    variables = {
        **LOGIN,
        "Agent.ProxyUrl": f"http://{proxy.address}",
        "Agent.ProxyBypassList": json.dumps([r"^https://0\.0\.0\.0"]),
        "Agent.CAInfo": str(certificate_authority),
    }
    step = steps.upload(variables, host="0.0.0.0")  # which leads here, but is no loopback address to anybody
    assert step.result == "Succeeded", step.text
    assert proxy.asked == []


def test_an_agent_without_a_proxy_takes_the_environments(
    steps: Steps, proxy: ForwardProxy, certificate_authority: Path
) -> None:
    step = steps.upload({}, env={"HTTPS_PROXY": proxy.url, "AWS_CA_BUNDLE": str(certificate_authority)})
    assert step.result == "Succeeded", step.text
    assert set(proxy.asked) == {f"CONNECT store:{steps.port}"}
