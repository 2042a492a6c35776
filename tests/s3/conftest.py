"""Tests of the port run once for each engine behind it, and what is not a fault on each of two servers."""

import pytest

from tests.s3.boto_kit import engine_kind

__all__ = ["engine_kind"]


@pytest.fixture(params=["embedded", "seaweed"])
def server(request):
    return request.getfixturevalue(request.param)


@pytest.fixture
def store(server, request):
    """A fresh bucket of that server, and a client that looks into it by itself."""
    kind = "seaweed_" if hasattr(server, "pid") else ""
    return request.getfixturevalue(f"{kind}bucket"), request.getfixturevalue(f"{kind}s3")
