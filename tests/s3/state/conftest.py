"""State on both servers, through each engine."""

from tests.s3.conftest import server, store

__all__ = ["server", "store"]
