"""docs/faults.md, row by row: each fault strikes each task, and what comes of it is what the page says.

Never green with something missing or wrong; nothing half-written stays; what is not done is as it was before.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from ropeway.errors import RopewayError
from tests.azure.agent import Agent, Ran
from tests.secrecy import SECRET_ACCESS_KEY
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
def scene(way, engine_kind, misbehaving, embedded, s3, bucket, tmp_path, monkeypatch):
    in_small_parts(engine_kind, monkeypatch)
    misbehaving.upstream = embedded.endpoint_url
    folder = tmp_path / "folder"
    folder.mkdir()
    with cable(misbehaving.url) as line:
        yield Scene(way, engine_kind, misbehaving, line, s3, embedded, bucket, folder, monkeypatch)


@pytest.fixture
def agent(tmp_path):
    with closing(Agent(tmp_path)) as agent:
        yield agent


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
    for words in [*in_quotes(row.cell(scene.way), scene.kind.name), *in_quotes(row.todo)]:
        assert words in str(error)
    assert any(name in str(error) for name in scene.struck_names())


def assert_no_success(scene, outcome):
    """What is said to be done is there, whole; the rest is as it was, or whole."""
    done = [result.step.work.key for result in outcome.results if result.error is None] if outcome else []
    assert done == (list(NAMES[:2]) if outcome else [])
    assert outcome is None or outcome.status == "failed"
    arrived = scene.arrived()
    assert arrived == scene.expected(done)


# --- at the doors ----------------------------------------------------------------------------------------------------------

ROPEWAY = Path(sys.executable).parent / "ropeway"
DOOR = "import sys; from ropeway.azure.main import main; sys.exit(main(sys.argv[1]))"
ENDINGS = [
    pytest.param(fault, way, id=f"{fault.name}-{way}")
    for fault in FAULTS
    if fault.name
    in {"Access to one object is denied", "The bucket is deleted", "The session token expires (`ExpiredToken`)"}
    for way in ("up", "down")
]


def environment(scene):
    keys = {"AWS_ACCESS_KEY_ID": scene.connection.access_key_id, "AWS_SECRET_ACCESS_KEY": SECRET_ACCESS_KEY}
    return os.environ | keys | {"AWS_REGION": scene.region, "AWS_ENDPOINT_URL": scene.endpoint_url}


def typed(scene, *before):
    ends = [scene.folder, f"s3://{scene.bucket}"]
    command = [ROPEWAY, "s3", "upload" if scene.way == "up" else "download", *ends[:: 1 if scene.way == "up" else -1]]
    return subprocess.run(
        [*before, *command, "--max-concurrency", "1"],
        env=environment(scene),
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(("fault", "way"), ENDINGS)
def test_the_command_line_says_what_was_done_what_failed_and_what_is_left(scene, fault, way):
    struck(scene, fault)
    answer = typed(scene)
    assert answer.returncode == 1
    lines = answer.stderr.splitlines()
    (error,) = (line for line in lines if line.startswith("Error: "))
    assert scene.struck_names()[0] in error
    for words in [*in_quotes(rows()[fault.name].cell(way)), *in_quotes(rows()[fault.name].todo)]:
        assert words in answer.stderr
    assert re.search(r"^(up|down)load +\S.* 2 +200 bytes *$", answer.stdout, re.MULTILINE), answer.stdout
    assert re.search(r"[23] +\S+ \S+ +not done$", answer.stdout, re.MULTILINE), answer.stdout


@pytest.mark.parametrize(("fault", "way"), ENDINGS)
def test_an_agent_is_told_that_the_task_failed_at_which_object_and_how_far_it_came(scene, agent, fault, way):
    struck(scene, fault)
    inputs = {re.sub("_(.)", lambda letter: letter[1].upper(), name): text for name, text in scene.texts.items()}
    variables = environment(scene)
    process = agent.popen((sys.executable, "-I", "-u", "-X", "utf8", "-c", DOOR, scene.module), variables, inputs)
    output, _ = process.communicate(timeout=60)
    told = Ran(process.returncode, output.decode())
    ((result, message),) = told.completions
    assert result == "Failed"
    assert scene.struck_names()[0] in message
    assert "  2 done: " in told.output
    assert re.search(r"^  [23] not done: ", told.output, re.MULTILINE), told.output
    (listed,) = told.data("task.setvariable", variable="listFile")
    done = [json.loads(line)["done"] for line in Path(listed).read_text("ascii").splitlines()]
    assert done == [True, True, False, False, False]


@pytest.mark.parametrize("way", ["down"])
def test_a_disk_that_is_full_fails_the_command_and_leaves_the_old_files(scene):
    """`ulimit -f`: no file may grow beyond 8 blocks of 1,024 bytes."""
    scene.furnish()
    answer = typed(scene, "bash", "-c", 'ulimit -f 8; exec "$@"', "-")
    assert answer.returncode == 1
    assert f"Error: {scene.path} cannot be written: File too large." in answer.stderr
    assert scene.arrived() == scene.expected(list(NAMES[:2]))
