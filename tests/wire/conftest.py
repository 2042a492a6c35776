"""Faults and oddities are met by each engine behind the port."""

from collections.abc import Iterator

import pytest

from tests.s3.boto_kit import engine_kind
from tests.servers.odd import Odd, odd_server

__all__ = ["engine_kind"]


@pytest.fixture
def odd() -> Iterator[Odd]:
    with odd_server() as running:
        yield running
