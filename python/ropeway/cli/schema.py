"""`ropeway schema`: what editors ask to know of our steps."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import typer

from ropeway.cli.reporting import DONE
from ropeway.errors import InputError, LocalFileError
from ropeway.pipeline.schema import onto, tasks_schema
from ropeway.registry import all_tasks

ADVICE = (
    "Save what https://dev.azure.com/ORGANISATION/_apis/distributedtask/yamlschema shows you once you have signed in."
)


def run(given: Mapping[str, Any]) -> int:
    """Print it; the exit code. Raises InputError for what is no schema, LocalFileError for what cannot be read."""
    schema = _onto(given["onto"]) if given["onto"] else tasks_schema(all_tasks())
    typer.echo(json.dumps(schema, indent=2))
    return DONE


def _onto(path: str) -> dict[str, Any]:
    try:
        return onto(_read(path), all_tasks())
    except InputError as wrong:
        raise InputError([f"{_called(path)}: {problem}" for problem in wrong.problems]).advised(ADVICE) from wrong


def _called(path: str) -> str:
    return "standard input" if path == "-" else path


def _read(path: str) -> dict[str, Any]:
    """By any of Unicode's encodings, as shells of Windows write files in several."""
    try:
        data = sys.stdin.buffer.read() if path == "-" else Path(path).read_bytes()
    except OSError as error:
        raise LocalFileError(f"Could not read {path}: {error.strerror}.") from error
    try:
        found = json.loads(data)
    except ValueError as wrong:
        raise InputError([f"This is no JSON: {wrong}."]) from wrong
    if not isinstance(found, dict):
        raise InputError(["This is no schema: it is no object."])
    return found
