"""What the tests of the embedded AWS share."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config

from ropeway.local.embedded import EmbeddedAws
from ropeway.local.instances.api import InstanceSeen
from tests.local.running import Runner


@pytest.fixture(scope="session")
def moto_url() -> Iterator[str]:
    """moto as it comes, in a process of its own: what is mended is mended for a whole process."""
    program = (
        "import sys; from moto.server import ThreadedMotoServer; s = ThreadedMotoServer('127.0.0.1', 0, verbose=False); "
        "s.start(); print(s.get_host_and_port()[1], flush=True); sys.stdin.read(); s.stop()"
    )
    command = [sys.executable, "-c", program]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as moto:
        yield f"http://127.0.0.1:{moto.stdout.readline().strip()}"
        moto.stdin.close()


@pytest.fixture(scope="session")
def client_of(embedded: EmbeddedAws) -> Iterator[Callable[[str], Any]]:
    """Clients of the embedded AWS's services, each made once. They do not try again: a test wants the first answer."""
    made: dict[str, Any] = {}

    def client(service: str) -> Any:
        if service not in made:
            made[service] = boto3.client(
                service,
                endpoint_url=embedded.endpoint_url,
                region_name=embedded.region,
                aws_access_key_id=embedded.connection.access_key_id,
                aws_secret_access_key=embedded.connection.secret_access_key,
                config=Config(retries={"max_attempts": 0}),
            )
        return made[service]

    yield client
    for service in made.values():
        service.close()


@pytest.fixture(scope="session")
def runner(client_of: Callable[[str], Any]) -> Runner:
    return Runner(client_of("ssm"))


@pytest.fixture
def settings(embedded: EmbeddedAws) -> Iterator[Callable[..., Any]]:
    """Changes settings of the embedded AWS for one test."""
    before = dict(embedded.instances.settings())
    yield embedded.instances.settings
    embedded.instances.settings(**before)


@pytest.fixture
def host(embedded: EmbeddedAws) -> InstanceSeen:
    """An instance that no other test has."""
    (added,) = embedded.instances.add()
    return added
