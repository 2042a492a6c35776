"""Running a task against the embedded AWS, the way a door does, but with what it tells kept for the test."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

import pytest

from ropeway.aws.connection import Connection, Network
from ropeway.aws.session import Aws, connect
from ropeway.inputs import camel, read
from ropeway.outcome import Cancellation, Outcome, Plan, Progress, Run
from ropeway.registry import load_task
from tests.leaks import watch
from tests.s3.boto_kit import engine_kind

__all__ = ["engine_kind"]


@dataclass
class Told:
    """A teller that remembers."""

    notes: list[str] = field(default_factory=list)
    progress_seen: list[Progress] = field(default_factory=list)

    def note(self, message: str) -> None:
        watch("what is told", f"{message}\n")
        self.notes.append(message)

    def progress(self, progress: Progress) -> None:
        self.progress_seen.append(progress)


class Store(Protocol):
    """An S3 that a task can be run against."""

    endpoint_url: str
    region: str
    connection: Connection


@dataclass
class Ran:
    """What came of a task, or of its plan alone."""

    plan: Plan
    outcome: Outcome | None
    told: Told


@pytest.fixture
def run_task(embedded):
    """`run_task("s3_upload", bucket_name=...)`: texts as a door collects them, against the embedded AWS or another `store`.

    `between` is done when the plan is made and not yet applied.
    """

    def run(
        module: str,
        *,
        only_plan: bool = False,
        cancellation: Cancellation | None = None,
        store: Store = embedded,
        network: Network | None = None,
        between: Callable[[Aws], object] = lambda _: None,
        **texts: str,
    ) -> Ran:
        task = load_task(module)
        given = read(task.inputs, {"endpoint_url": store.endpoint_url, "region_name": store.region} | texts, camel)
        aws = connect(given, store.connection, network=network)
        told = Told()
        context = Run(told, cancellation or Cancellation())
        plan = task.plan(given, aws, context)
        between(aws)
        return Ran(plan, None if only_plan else task.apply(plan, aws, context), told)

    return run


@pytest.fixture
def make_tree(tmp_path):
    """`make_tree({"a/b.txt": b"..."})` writes files below a new folder and answers its path."""

    def make(files: dict[str, bytes], under: str = "source") -> str:
        root = tmp_path / under
        root.mkdir(exist_ok=True)
        for name, data in files.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        return str(root)

    return make
