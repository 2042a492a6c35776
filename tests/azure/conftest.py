from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from ropeway.aws import web
from tests.azure.agent import Agent
from tests.azure.job import ID, OURS, TEMPORARY, VARIABLE, Machine, Time
from tests.azure.task_lib import TaskLib, started
from tests.secrecy import SESSION_TOKEN
from tests.servers.azure_devops import AzureDevOps
from tests.servers.identities import Identities
from tests.servers.misbehaving import misbehaving_server


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[Agent]:
    with closing(Agent(tmp_path)) as agent:
        yield agent


@pytest.fixture(scope="session")
def task_lib(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TaskLib]:
    """Microsoft's own library for tasks, asked what it makes of the same texts."""
    with started(tmp_path_factory.mktemp("task-lib")) as library:
        yield library


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Machine]:
    """A job's machine, with AWS and Azure DevOps around it."""
    passing = Time()
    with misbehaving_server() as aws, misbehaving_server() as devops, misbehaving_server() as metadata:
        identities, tokens = Identities(passing.clock()), AzureDevOps(ID, passing.clock())
        aws.on(identities)
        devops.on(tokens)
        for service in ("S3", "STS"):
            monkeypatch.setenv(f"AWS_ENDPOINT_URL_{service}", aws.url)
        monkeypatch.setattr(web, "PAUSES", (0, 0))
        monkeypatch.setattr("botocore.utils.ContainerMetadataFetcher.SLEEP_TIME", 0)
        made = Machine(aws, devops, metadata, identities, tokens, passing, monkeypatch, tmp_path)
        made.job()
        identities.users |= {OURS: "", VARIABLE: "", TEMPORARY: SESSION_TOKEN}
        yield made
