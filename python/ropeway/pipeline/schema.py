"""The JSON Schema (draft 07, which editors know) of our steps in an Azure pipeline, from the same declarations that the steps are read by.

Alone it knows our steps and lets everything else be. Put onto the schema of an organisation (`onto`) it knows all that an organisation has.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ropeway.errors import InputError
from ropeway.inputs import Declared, Input, declared
from ropeway.tasks.task import Task

AnyTask = Task[Any, Any]
Json = dict[str, Any]

EXPRESSION: Json = {"type": "string", "pattern": r"\$[\[({]"}
"""A macro or an expression, which becomes the value when the pipeline is compiled or run."""

INSERTED = r"^\$\{\{.*\}\}$"
"""A key that is an expression, `${{ if ... }}:`, with inputs of its own below."""

TEXT: Json = {"type": ["string", "number", "boolean"]}
"""The service takes any scalar for text."""


def tasks_schema(tasks: Sequence[AnyTask]) -> Json:
    """For a whole pipeline or template: each step of ours is asked after, wherever it stands; what else there is may be anything."""
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Steps of Ropeway in an Azure pipeline",
        "description": "Knows the steps of Ropeway, their inputs and what these take. Of other steps, jobs and stages it says nothing.",
        "$ref": "#/definitions/anything",
        "definitions": {
            "anything": {
                "properties": {"steps": {"$ref": "#/definitions/steps"}},
                "additionalProperties": {"$ref": "#/definitions/anything"},
                "items": {"$ref": "#/definitions/anything"},
                "if": _says_task("^Ropeway"),
                "then": {"$ref": "#/definitions/ours"},
            },
            "steps": {"allOf": [{"$ref": "#/definitions/anything"}, {"items": _offered(tasks)}]},
            "ours": {
                "properties": {"task": _names(tasks)},
                "allOf": [{"if": _says_task(f"^{name(task)}$"), "then": _step(task)} for task in tasks],
            },
            **{task.name: _inputs(task) for task in tasks},
        },
    }


def name(task: AnyTask) -> str:
    """What a step says after `task:`."""
    return f"{task.pipeline_name}@{task.major}"


def _says_task(pattern: str) -> Json:
    return {
        "type": "object",
        "required": ["task"],
        "properties": {"task": {"type": "string", "pattern": pattern}},
    }


def _offered(tasks: Sequence[AnyTask]) -> Json:
    """An editor suggests them at `task:`, among any others."""
    return {"properties": {"task": {"anyOf": [_names(tasks), {"type": "string"}]}}}


def _names(tasks: Sequence[AnyTask]) -> Json:
    return {"description": "A task of Ropeway.", "enum": [name(task) for task in tasks]}


def _step(task: AnyTask) -> Json:
    """Where an expression inserts inputs, nobody can say yet that one is missing."""
    inserted = {"propertyNames": {"not": {"pattern": INSERTED}}}
    given = {"if": inserted, "then": {"required": _required(task)}}
    return {
        "description": f"{task.friendly_name}. {task.description}",
        "properties": {"inputs": {"allOf": [{"$ref": f"#/definitions/{task.name}"}, given]}},
        **({"required": ["inputs"]} if _required(task) else {}),
    }


def _inputs(task: AnyTask) -> Json:
    return {
        "type": "object",
        "properties": _properties(task, lambda _: {}),
        "patternProperties": {INSERTED: {"anyOf": [{"type": "string"}, {"$ref": f"#/definitions/{task.name}"}]}},
        "additionalProperties": False,
    }


def _required(task: AnyTask) -> list[str]:
    return [item.name for item in declared(task.inputs) if item.input.required]


def _properties(task: AnyTask, more: Callable[[Declared], Json]) -> Json:
    return {
        item.name: {"description": _told(item), **_value(item.input), **more(item)} for item in declared(task.inputs)
    }


def _told(item: Declared) -> str:
    default = f" Default: {item.input.default}." if item.input.default else ""
    return f"{item.input.label}. {item.input.help}{default}"


def _value(given: Input) -> Json:
    """What YAML may say for an input: its value, or an expression that becomes it."""
    if given.kind == "boolean":
        return {"anyOf": [{"type": "boolean"}, {"enum": ["true", "false", "True", "False"]}, EXPRESSION]}
    if given.kind == "int":
        return {"anyOf": [{"type": "integer"}, {"type": "string", "pattern": "^-?[0-9]+$"}, EXPRESSION]}
    if given.choices and not given.open_choices:
        return {"anyOf": [{"enum": list(given.choices)}, EXPRESSION]}
    if given.choices:
        return {"anyOf": [{"enum": list(given.choices)}, TEXT]}
    return TEXT


# --- onto the schema of an organisation -------------------------------------------------------------------------------------


def onto(theirs: Mapping[str, Any], tasks: Sequence[AnyTask]) -> Json:
    """The schema of an organisation (its `_apis/distributedtask/yamlschema`) with our tasks, in its own manner; ours take the place of older ones.

    Raises InputError for what is no such schema.
    """
    whole: Json = copy.deepcopy(dict(theirs))
    try:
        task = whole["definitions"]["task"]
        names, steps = task["properties"]["task"]["anyOf"], task["anyOf"]
        known = {name(one).casefold() for one in tasks}
        names[:] = [one for one in names if not known & {str(said).casefold() for said in one.get("enum", ())}]
        steps[:] = [one for one in steps if _pattern(one).casefold() not in known]
    except (KeyError, TypeError, AttributeError):
        raise InputError(
            ["This is no schema of Azure Pipelines: it lists no tasks in `definitions`, `task`, `anyOf`."]
        ) from None
    names += [_suggested(one) for one in tasks]
    steps += [_their_step(one) for one in tasks]
    return whole


def _pattern(step: Mapping[str, Any]) -> str:
    return str(step["properties"]["task"].get("pattern", "")).strip("^$")


def _suggested(task: AnyTask) -> Json:
    return {"description": task.description, "doNotSuggest": False, "ignoreCase": "value", "enum": [name(task)]}


def _their_step(task: AnyTask) -> Json:
    """With the words of Microsoft's language server that are no JSON Schema: `ignoreCase`, `aliases`, `firstProperty`, `doNotSuggest`."""
    required = _required(task)
    return {
        "properties": {
            "task": {
                "description": f"{task.friendly_name}\n\n{task.description}",
                "ignoreCase": "value",
                "pattern": f"^{name(task)}$",
            },
            "inputs": {
                "description": f"{task.friendly_name} inputs",
                "properties": _properties(task, _their_words),
                "additionalProperties": False,
                "required": required,
            },
        },
        "doNotSuggest": False,
        "firstProperty": ["task"],
        "required": ["task", "inputs"] if required else ["task"],
    }


def _their_words(item: Declared) -> Json:
    choices = item.input.choices and not item.input.open_choices
    aliases = {"aliases": list(item.input.aliases)} if item.input.aliases else {}
    return {"ignoreCase": "all" if choices else "key", **aliases}
