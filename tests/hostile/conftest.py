from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from ropeway.aws.connection import AwsInputs, Connection
from ropeway.aws.session import connect
from ropeway.registry import load_task
from tests.hostile.printing import at_the_door
from tests.s3.wire_kit import WIRE
from tests.servers.misbehaving import Misbehaving

Run = Callable[..., dict[str, bytes]]


def _runner(endpoint_url: str, connection: Connection) -> Run:
    """`run("s3_upload", bucketName="b", ...)`: the real task, through the agent's door. One session serves all runs: it costs most."""
    aws = connect(AwsInputs(endpoint_url=endpoint_url, region_name="us-east-1"), connection)

    def run(module: str, **inputs: str) -> dict[str, bytes]:
        given = {f"INPUT_{name.upper()}": text for name, text in inputs.items()}
        return at_the_door(given, lambda _: load_task(module), lambda *_, **__: aws)

    return run


@pytest.fixture
def run(embedded) -> Run:
    """Against the embedded AWS."""
    return _runner(embedded.endpoint_url, embedded.connection)


@pytest.fixture
def run_misled(misbehaving: Misbehaving, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    """Against a server that says what the test tells it to. What is asked again is asked at once."""
    WIRE.hurry(monkeypatch)
    return _runner(
        misbehaving.url, Connection("a test", access_key_id="AKIAROPEWAYTEST00000", secret_access_key="hush")
    )
