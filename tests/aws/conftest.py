from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from ropeway.aws.session import connect
from tests.aws.asked import KEYS, ONCE, connection, inputs, lists_any_bucket
from tests.servers.misbehaving import Answer, Misbehaving, misbehaving_server


@pytest.fixture
def store(misbehaving: Misbehaving, monkeypatch: pytest.MonkeyPatch) -> Misbehaving:
    """A store that lists any bucket, and an STS at the same address that answers what the test adds."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", misbehaving.url)
    lists_any_bucket(misbehaving)
    return misbehaving


@pytest.fixture
def imds(monkeypatch: pytest.MonkeyPatch) -> Iterator[Misbehaving]:
    """The metadata service of an EC2 instance, version 2: it gives a token and answers what the test adds."""
    with misbehaving_server() as running:
        monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", running.url)
        monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "false")
        running.on(Answer(200, body=b"imds-token"), method="PUT", target="/latest/api/token", times=9)
        yield running


@pytest.fixture(scope="session")
def asked_s3() -> Iterator[tuple[Misbehaving, Any]]:
    """A server and one client of it: making a client takes longer than what most tests ask it."""
    with misbehaving_server() as running:
        yield running, connect(inputs(endpoint_url=running.url), connection(**KEYS)).client("s3", **ONCE)


@pytest.fixture
def answering(asked_s3: tuple[Misbehaving, Any]) -> tuple[Misbehaving, Any]:
    """The same, having forgotten what the test before told it."""
    server, _ = asked_s3
    server._rules.clear()
    server.requests.clear()
    return asked_s3
