"""task.json: what Azure DevOps reads of a task. Its rules are those of azure-pipelines-task-lib's tasks.schema.json."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from ropeway.inputs import Declared, Group, Input, declared
from ropeway.tasks.task import Task
from tooling.generate import GenerateError
from tooling.generate.rules import problems

SCHEMA = "https://raw.githubusercontent.com/microsoft/azure-pipelines-task-lib/master/tasks.schema.json"

MINIMUM_AGENT = "3.232.0"
"""The first line of agents that knows the handler Node20_1 (microsoft/azure-pipelines-agent, Node20_1HandlerData). An older
agent is asked to update itself."""

HANDLERS = ("Node20_1", "Node24")
"""Node24 alone would fail on agents before 4.265; an agent ignores a handler that it does not know."""

Json = dict[str, Any]


def task_json(task: Task[Any, Any], version: str) -> str:
    """The text of a task's task.json. Minor and patch are those of `version`, major is the task's own.

    Raises GenerateError for a declaration that cannot be a task.json.
    """
    content = _task(task, version)
    if wrong := list(problems(content)):
        raise GenerateError("\n".join(f"{task.name}: {problem}." for problem in wrong))
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def _task(task: Task[Any, Any], version: str) -> Json:
    _, minor, patch = version.split(".")
    return {
        "$schema": SCHEMA,
        "id": task.id,
        "name": task.pipeline_name,
        "friendlyName": task.friendly_name,
        "description": task.description,
        "helpMarkDown": task.help,
        "category": "Deploy",
        "visibility": ["Build", "Release"],
        "runsOn": ["Agent", "DeploymentGroup"],
        "author": "Ropeway",
        "version": {"Major": task.major, "Minor": int(minor), "Patch": int(patch)},
        "minimumAgentVersion": MINIMUM_AGENT,
        "instanceNameFormat": task.step_title,
        "groups": [_group(group) for group in task.groups],
        "inputs": [_input(item) for item in in_form_order(task)],
        "outputVariables": [{"name": output.name, "description": output.help} for output in task.outputs],
        "execution": {handler: {"target": "launch.js"} for handler in HANDLERS},
        **_after(task),
        "restrictions": {"settableVariables": {"allowed": [output.name for output in task.outputs]}},
    }


def _after(task: Task[Any, Any]) -> Json:
    """Agents run it when the job is over, however that ended, for a step that has begun."""
    return {"postjobexecution": {handler: {"target": "after.js"} for handler in HANDLERS}} if task.clean_up else {}


def in_form_order(task: Task[Any, Any]) -> tuple[Declared, ...]:
    """As the form shows them: what is in no group first, then group by group; within each, as declared."""
    places = {"": -1} | {group.name: place for place, group in enumerate(task.groups)}
    return tuple(sorted(declared(task.inputs), key=lambda item: places.get(item.input.group, len(places))))


def _group(group: Group) -> Json:
    return {"name": group.name, "displayName": group.label, "isExpanded": group.expanded}


def _input(item: Declared) -> Json:
    what = item.input
    every = {
        "name": item.name,
        "aliases": list(what.aliases),
        "type": f"connectedService:{what.endpoint_type}" if what.kind == "connectedService" else what.kind,
        "label": what.label,
        "groupName": what.group,
        "visibleRule": what.visible,
        "helpMarkDown": what.help,
        "options": dict(what.choices),
        "properties": _properties(what),
    }
    return _without_empty(every.items()) | {"defaultValue": what.default, "required": what.required}


def _properties(what: Input) -> Mapping[str, object]:
    if what.kind == "multiLine":
        return {"resizable": True, "rows": "4"}
    return {"EditableOptions": "True"} if what.open_choices else {}


def _without_empty(items: Iterable[tuple[str, Any]]) -> Json:
    return {key: value for key, value in items if value}
