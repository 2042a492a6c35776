"""Instances of the embedded AWS, and somebody between them and whoever sends them scripts.

Clients are made once for all tests: that takes longer than what most tests ask of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from ropeway.aws.connection import AwsInputs
from ropeway.aws.run_command.line import Line
from ropeway.aws.session import Aws, connect
from ropeway.local.embedded import EmbeddedAws
from ropeway.local.instances.api import InstanceSeen
from tests.checks.kinds.aws_kit import client_of, without
from tests.servers.ssm_between import Between, ssm_between

__all__ = ["client_of", "without"]


@pytest.fixture(autouse=True)
def _there(embedded: EmbeddedAws, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", embedded.endpoint_url)


def connected(embedded: EmbeddedAws, ssm: str) -> Aws:
    """With clients that know their address, whatever the environment says later."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", embedded.endpoint_url)
        patch.setenv("AWS_ENDPOINT_URL_SSM", ssm)
        aws = connect(AwsInputs(region_name=embedded.region), embedded.connection)
        for line in (Line(aws), Line(aws, hurry=True)):
            line.client()
        aws.client("s3")
    return aws


@pytest.fixture(scope="session")
def aws(embedded: EmbeddedAws) -> Aws:
    return connected(embedded, embedded.endpoint_url)


@pytest.fixture(scope="session")
def _between(embedded: EmbeddedAws) -> Iterator[tuple[Between, Aws]]:
    with ssm_between(embedded.endpoint_url) as running:
        yield running, connected(embedded, running.url)


@pytest.fixture
def between(_between: tuple[Between, Aws], monkeypatch: pytest.MonkeyPatch) -> Between:
    """From here on SSM is asked by this way; what the test before planned is forgotten."""
    running, _ = _between
    running.forget()
    monkeypatch.setenv("AWS_ENDPOINT_URL_SSM", running.url)
    return running


@pytest.fixture
def through(between: Between, _between: tuple[Between, Aws]) -> Aws:
    return _between[1]


@pytest.fixture
def hosts(embedded: EmbeddedAws) -> list[InstanceSeen]:
    """Three instances that no other test has."""
    return list(embedded.instances.add(3))


@pytest.fixture
def settings(embedded: EmbeddedAws) -> Iterator[Callable[..., Any]]:
    """Changes settings of the embedded AWS for one test."""
    before = dict(embedded.instances.settings())
    yield embedded.instances.settings
    embedded.instances.settings(**before)
