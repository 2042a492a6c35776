"""docs/faults.md, row by row: each fault strikes each task, and what comes of it is what the page says.

Never green with something missing or wrong; nothing half-written stays; what is not done is as it was before.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from ropeway.errors import RopewayError
from tests.servers.cable import cable
from tests.tasks.faults import FAULTS, NAMES, Scene, in_quotes, in_small_parts

PAGE = (Path(__file__).parents[2] / "docs" / "faults.md").read_text(encoding="utf-8")


@dataclass(frozen=True)
class Row:
    fault: str
    up: str
    down: str
    todo: str

    def cell(self, way: str) -> str:
        return self.up if way == "up" else self.down


def rows() -> dict[str, Row]:
    cells = [
        [cell.strip() for cell in line.strip("|").split(" | ")] for line in re.findall(r"^\| .*\|$", PAGE, re.MULTILINE)
    ]
    return {row[0]: Row(*row) for row in cells if len(row) == 4 and row[0] not in {"What happens", "---"}}


CASES = [
    pytest.param(fault, way, id=f"{fault.name}-{way}")
    for fault in FAULTS
    for way in ("up", "down")
    if fault.strike(way)
]


@pytest.fixture
def scene(way, misbehaving, embedded, s3, bucket, tmp_path, monkeypatch):
    in_small_parts(monkeypatch)
    misbehaving.upstream = embedded.endpoint_url
    folder = tmp_path / "folder"
    folder.mkdir()
    with cable(misbehaving.url) as line:
        yield Scene(way, misbehaving, line, s3, embedded, bucket, folder, monkeypatch)


def test_the_page_has_a_row_for_each_fault_and_says_where_it_cannot_happen():
    assert list(rows()) == [fault.name for fault in FAULTS]
    for fault in FAULTS:
        for way in ("up", "down"):
            assert (rows()[fault.name].cell(way) == "cannot happen") == (fault.strike(way) is None), (fault.name, way)


@pytest.mark.parametrize(("fault", "way"), CASES)
def test_what_comes_of_a_fault_is_what_the_page_says(run_task, scene, fault, way):
    struck(scene, fault)
    outcome, error = ran(run_task, scene)
    scene.monkeypatch.undo()
    row = rows()[fault.name]
    if row.cell(way).startswith("ends well"):
        assert error is None
        assert scene.arrived() == scene.new
    else:
        assert_told(scene, error, row)
        assert_no_success(scene, outcome)
    assert scene.uploads() == []


def struck(scene, fault):
    scene.large = fault.large
    scene.furnish()
    fault.strike(scene.way)(scene)


def ran(run_task, scene):
    """The outcome, None where there was no more than a plan; and the error, raised or in it."""
    try:
        outcome = run_task(scene.module, store=scene, between=scene.between, **scene.texts).outcome
    except RopewayError as error:
        return None, error
    return outcome, outcome.error


def assert_told(scene, error, row):
    assert row.cell(scene.way).startswith("fails")
    assert error is not None
    for words in [*in_quotes(row.cell(scene.way)), *in_quotes(row.todo)]:
        assert words in str(error)
    assert any(name in str(error) for name in scene.struck_names())


def assert_no_success(scene, outcome):
    """What is said to be done is there, whole; the rest is as it was, or whole."""
    done = [result.step.work.key for result in outcome.results if result.error is None] if outcome else []
    assert done == (list(NAMES[:2]) if outcome else [])
    assert outcome is None or outcome.status == "failed"
    arrived = scene.arrived()
    assert arrived == scene.expected(done)
