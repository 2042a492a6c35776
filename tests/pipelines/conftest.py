"""Our YAML held to two schemas: the public one of Azure Pipelines with our tasks put onto it, and the one of our steps alone."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

import pytest

from ropeway.pipeline.schema import EXPRESSION, onto
from ropeway.registry import all_tasks

ROOT = Path(__file__).parents[2]
OURS = ROOT / "docs" / "ropeway-tasks.schema.json"


REFUSED = {"const": "refused"}
"""What check-jsonschema leaves of `- ${{ format(...) }}: refused`, by which a template names what it does not take."""


def _mend(definitions: dict) -> None:
    """Where the schema is narrower than the service: it takes a default for text, and no expression in a name, a time or a choice, or for whole steps."""
    definitions["any"]["anyOf"] += [{"type": "boolean"}, {"type": "number"}]
    name = definitions["task"]["properties"]["name"]
    definitions["task"]["properties"]["name"] = {"anyOf": [name, EXPRESSION]}
    definitions["step"]["anyOf"] += [EXPRESSION, REFUSED]
    definitions["stage"]["anyOf"].append(REFUSED)
    times = definitions["task"]["properties"]["timeoutInMinutes"]
    definitions["task"]["properties"]["timeoutInMinutes"] = {"anyOf": [times, EXPRESSION]}
    definitions["lockBehavior"]["anyOf"].append(EXPRESSION)
    definitions["referenceName"] = {"anyOf": [definitions["referenceName"], EXPRESSION]}


@pytest.fixture(scope="session")
def public_schema() -> dict:
    """Microsoft's, which check-jsonschema carries."""
    carried = files("check_jsonschema") / "builtin_schemas" / "vendor" / "azure-pipelines.json"
    return json.loads(carried.read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def pipeline_schema(public_schema, tmp_path_factory) -> Path:
    """Microsoft's, where a task is one of its own or one of ours."""
    schema = onto(public_schema, all_tasks())
    _mend(schema["definitions"])
    place = tmp_path_factory.mktemp("schema") / "azure-pipelines.json"
    place.write_text(json.dumps(schema), encoding="utf-8")
    return place


@pytest.fixture(params=["onto-that-of-azure-pipelines", "ours-alone"])
def refused(request, pipeline_schema: Path) -> Callable[..., set[str]]:
    """Asks check-jsonschema, as a user would; answers with the names of the files that it refuses."""
    alone = request.param == "ours-alone"
    unnesting = () if alone else ("--regex-variant", "python", "--data-transform", "azure-pipelines")

    def ask(*paths: Path) -> set[str]:
        checker = [sys.executable, "-m", "check_jsonschema", "--output-format", "json"]
        command = [*checker, "--schemafile", str(OURS if alone else pipeline_schema), *unnesting, *map(str, paths)]
        answer = subprocess.run(command, capture_output=True, text=True, check=False)
        report = json.loads(answer.stdout)
        assert not report.get("parse_errors"), report
        assert (answer.returncode == 0) == (report["errors"] == []), answer.stderr
        return {Path(error["filename"]).name for error in report["errors"]}

    ask.alone = alone
    return ask
