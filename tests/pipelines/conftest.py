"""The public schema of Azure Pipelines, with our tasks added from their task.json."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from importlib.resources import files
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
EXPRESSION = {"type": "string", "pattern": r"\$[\[({]"}


def _value(given: Mapping) -> Mapping:
    """What YAML may say for an input: its value, or an expression that becomes it."""
    if given["type"] == "boolean":
        return {"anyOf": [{"type": "boolean"}, {"type": "string", "pattern": "^(?i:true|false)$"}, EXPRESSION]}
    if given["type"] == "int":
        return {"anyOf": [{"type": "integer"}, {"type": "string", "pattern": r"^\d+$"}, EXPRESSION]}
    if given.get("options") and given.get("properties", {}).get("EditableOptions") != "True":
        return {"anyOf": [{"enum": list(given["options"])}, EXPRESSION]}
    return {"type": "string"}


def _task(manifest: Mapping) -> Mapping:
    given = manifest["inputs"]
    return {
        "properties": {
            "task": {"const": f"{manifest['name']}@{manifest['version']['Major']}"},
            "inputs": {
                "properties": {item["name"]: _value(item) for item in given},
                "additionalProperties": False,
                "required": [item["name"] for item in given if item["required"]],
            },
        },
        "required": ["task", "inputs"],
    }


def _mend(definitions: dict) -> None:
    """Where the schema is narrower than the service: it takes a default for text, and no expression in a step's name."""
    definitions["any"]["anyOf"] += [{"type": "boolean"}, {"type": "number"}]
    name = definitions["task"]["properties"]["name"]
    definitions["task"]["properties"]["name"] = {"anyOf": [name, EXPRESSION]}


@pytest.fixture(scope="session")
def pipeline_schema(tmp_path_factory) -> Path:
    """The schema that check-jsonschema carries, where a task is one of its own or one of ours."""
    carried = files("check_jsonschema") / "builtin_schemas" / "vendor" / "azure-pipelines.json"
    schema = json.loads(carried.read_text(encoding="utf-8"))
    _mend(schema["definitions"])
    task = schema["definitions"]["task"]
    for path in sorted(ROOT.glob("tasks/*/task.json")):
        ours = _task(json.loads(path.read_text(encoding="utf-8")))
        task["properties"]["task"]["anyOf"].append(ours["properties"]["task"])
        task["anyOf"].append(ours)
    place = tmp_path_factory.mktemp("schema") / "azure-pipelines.json"
    place.write_text(json.dumps(schema), encoding="utf-8")
    return place


@pytest.fixture
def refused(pipeline_schema: Path) -> Callable[..., set[str]]:
    """Asks check-jsonschema, as a user would; answers with the names of the files that it refuses."""

    def ask(*paths: Path) -> set[str]:
        command = [
            sys.executable,
            "-m",
            "check_jsonschema",
            "--schemafile",
            str(pipeline_schema),
            "--output-format",
            "json",
        ]
        options = ["--regex-variant", "python", "--data-transform", "azure-pipelines"]
        answer = subprocess.run([*command, *options, *map(str, paths)], capture_output=True, text=True, check=False)
        report = json.loads(answer.stdout)
        assert not report.get("parse_errors"), report
        assert (answer.returncode == 0) == (report["errors"] == []), answer.stderr
        return {Path(error["filename"]).name for error in report["errors"]}

    return ask
