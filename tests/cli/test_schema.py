"""`ropeway schema`: what is printed, and what is said of a file that is no schema."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

COMMITTED = Path(__file__).parents[2] / "docs" / "ropeway-tasks.schema.json"
THEIRS = {"definitions": {"task": {"properties": {"task": {"anyOf": []}}, "anyOf": []}}}


def test_the_schema_of_our_steps_is_the_one_that_is_committed(ropeway):
    answer = ropeway("schema")
    assert (answer.code, answer.err) == (0, "")
    assert answer.out == COMMITTED.read_text(encoding="utf-8")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_onto_a_file_in_any_encoding_that_a_shell_writes(ropeway, tmp_path, encoding):
    file = tmp_path / "theirs.json"
    file.write_text(json.dumps(THEIRS), encoding=encoding)
    task = ropeway("schema", "--onto", file).json["definitions"]["task"]
    assert "^RopewayS3Upload@1$" in [step["properties"]["task"]["pattern"] for step in task["anyOf"]]


def test_onto_standard_input(ropeway):
    answer = ropeway("schema", "--onto", "-", typed=json.dumps(THEIRS))
    assert answer.json["definitions"]["task"]["anyOf"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("<html>", "This is no JSON: Expecting value"),
        ("[]", "This is no schema: it is no object."),
        ("{}", "This is no schema of Azure Pipelines: it lists no tasks in `definitions`, `task`, `anyOf`."),
    ],
)
def test_what_is_no_schema_is_refused_with_the_way_to_one(ropeway, tmp_path, content, said):
    file = tmp_path / "theirs.json"
    file.write_text(content)
    answer = ropeway("schema", "--onto", file)
    assert (answer.code, answer.out) == (2, "")
    words = " ".join(answer.err.split())
    assert f"theirs.json: {said}" in words
    assert "/_apis/distributedtask/yamlschema" in words


def test_a_file_that_is_not_there_is_named(ropeway, tmp_path):
    answer = ropeway("schema", "--onto", tmp_path / "theirs.json")
    assert answer.code == 1
    assert "theirs.json: No such file or directory." in " ".join(answer.err.split())
