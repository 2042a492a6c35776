"""The built extension on a stand-in for the agent.

installed    the stand-in that every test of this worker shares the tasks of          agent     a fresh machine with those tasks
own          the same, with an own copy of the tasks, to be altered                   job       keys and endpoint for the real S3
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers.seaweed import Seaweed
from tests.vsix.agent import Agent, Endpoint, Job

CONNECTION = "3fa85f64-5717-4562-b3fc-2c963f66afa6"


@pytest.fixture(scope="session")
def installed(extension: Path, tmp_path_factory: pytest.TempPathFactory) -> Agent:
    agent = Agent(tmp_path_factory.mktemp("agent"))
    agent.install(extension)
    return agent


@pytest.fixture
def agent(installed: Agent, tmp_path: Path) -> Iterator[Agent]:
    machine = Agent(tmp_path / "agent")
    machine.tasks = installed.tasks
    yield machine
    machine.close()


@pytest.fixture
def own(extension: Path, tmp_path: Path) -> Iterator[Agent]:
    machine = Agent(tmp_path / "agent")
    machine.install(extension)
    yield machine
    machine.close()


def with_connection(host: str, seaweed: Seaweed) -> Job:
    """A job whose connection holds the keys of the real S3."""
    keys = {"username": seaweed.access_key_id, "password": seaweed.secret_access_key}
    return Job(host, endpoints=(Endpoint(CONNECTION, keys),))


@pytest.fixture
def s3_inputs(seaweed: Seaweed, seaweed_bucket: str) -> dict[str, str]:
    return {
        "awsConnection": CONNECTION,
        "regionName": seaweed.region,
        "bucketName": seaweed_bucket,
        "endpointUrl": seaweed.endpoint_url,
        "forcePathStyleAddressing": "true",
    }
