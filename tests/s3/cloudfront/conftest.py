"""The embedded AWS as the rooms meet it: whoever asks may do everything, unless it is said otherwise."""

from __future__ import annotations

import pytest

from ropeway.outcome import Cancellation
from ropeway.s3.state.place import site_place
from tests.checks.kinds.aws_kit import client_of
from tests.s3.boto_kit import engine_at
from tests.s3.cloudfront.kit import aws, distribution

__all__ = ["aws", "client_of"]

GO_ON = Cancellation()


@pytest.fixture(autouse=True)
def named(embedded, monkeypatch):
    """For clients that a test makes itself."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", embedded.endpoint_url)


@pytest.fixture
def engine(embedded):
    with engine_at(embedded) as made:
        yield made


@pytest.fixture
def site(bucket):
    """Where the state of the site lies."""
    return site_place(f"s3://{bucket}", "")


@pytest.fixture
def edge(client_of, bucket):
    return distribution(client_of("cloudfront"), bucket)
