"""The generated blocks of the YAML templates: a template's parameters are its task's inputs."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from ropeway.inputs import Declared, Kind
from ropeway.tasks.task import Task
from tooling.generate.task_json import in_form_order

AnyTask = Task[Any, Any]

DEPLOYS = "mode = deploy"
"""Of an input that has a meaning only then."""

PARAMETER_TYPES: Mapping[Kind, str] = {
    "string": "string",
    "boolean": "boolean",
    "int": "number",
    "pickList": "string",
    "multiLine": "string",
    "filePath": "string",
    "connectedService": "string",
}


def step_blocks(task: AnyTask) -> Mapping[str, str]:
    """For a template that holds the task's step."""
    items = in_form_order(task)
    return {"parameters": _lines(map(_parameter, items)), "inputs": _lines(map(_handed_to_task, items))}


def stage_blocks(task: AnyTask, without: Collection[str]) -> Mapping[str, str]:
    """For a template that hands all its parameters on; it declares the inputs in `without` itself."""
    return {"parameters": _lines(map(_parameter, _others(task, without)))}


def job_blocks(task: AnyTask, without: Collection[str]) -> Mapping[str, str]:
    """For a template that includes the step's template."""
    arguments = _lines(map(_handed_on, _others(task, without)))
    return {**stage_blocks(task, without), "arguments": arguments}


def release_blocks(task: AnyTask, without: Collection[str]) -> Mapping[str, str]:
    """For a job that takes back what it has released."""
    return {**job_blocks(task, without), "back": back_block(task, without)}


def canary_blocks(task: AnyTask, without: Collection[str]) -> Mapping[str, str]:
    """For a stage that hands all on to two jobs, and has a job of its own that takes back what was refused."""
    return {**stage_blocks(task, without), "back": back_block(task, without)}


def back_block(task: AnyTask, without: Collection[str]) -> str:
    """What the step is handed when it takes back: no input that only a deploy has, and no release, which it finds by itself."""
    items = (item for item in _others(task, {*without, "releaseId"}) if item.input.visible != DEPLOYS)
    return _lines(map(_handed_on, items))


def _others(task: AnyTask, without: Collection[str]) -> list[Declared]:
    return [item for item in in_form_order(task) if item.name not in without]


def _parameter(item: Declared) -> Iterator[str]:
    what = item.input
    yield f"- name: {item.name}"
    yield f"  displayName: {_scalar(what.label)}"
    yield f"  type: {PARAMETER_TYPES[what.kind]}"
    if not what.required:
        yield f"  default: {what.default if what.kind in {'boolean', 'int'} else _scalar(what.default)}"
    if what.choices and not what.open_choices:
        yield "  values:"
        yield from (f"    - {_scalar(value)}" for value in what.choices)


def _handed_to_task(item: Declared) -> Iterator[str]:
    """A connection is looked up by its name when the pipeline is compiled: an empty one is left out."""
    if item.input.kind == "connectedService":
        yield f"${{{{ if ne(parameters.{item.name}, '') }}}}:"
        yield from (f"  {line}" for line in _handed_on(item))
    else:
        yield from _handed_on(item)


def _handed_on(item: Declared) -> Iterator[str]:
    yield f"{item.name}: ${{{{ parameters.{item.name} }}}}"


def _scalar(text: str) -> str:
    """A YAML string: plain where nobody can take it for something else, quoted as in JSON otherwise."""
    plain = re.fullmatch(r"[A-Za-z][A-Za-z0-9_ -]*[A-Za-z0-9]", text)
    if plain and text.lower() not in {"true", "false", "yes", "no", "on", "off", "null"}:
        return text
    return json.dumps(text, ensure_ascii=False)


def _lines(blocks: Iterator[Iterator[str]]) -> str:
    return "\n".join(line for block in blocks for line in block)
