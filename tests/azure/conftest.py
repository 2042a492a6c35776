from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.azure.agent import Agent
from tests.azure.task_lib import TaskLib, started


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[Agent]:
    with closing(Agent(tmp_path)) as agent:
        yield agent


@pytest.fixture(scope="session")
def task_lib(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TaskLib]:
    """Microsoft's own library for tasks, asked what it makes of the same texts."""
    with started(tmp_path_factory.mktemp("task-lib")) as library:
        yield library
