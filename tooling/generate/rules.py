"""The rules of a task.json: those of azure-pipelines-task-lib's tasks.schema.json, restated, and what the form and the agent need beyond.

The server takes a broken task.json without a word and shows a broken form, so it is refused here.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from itertools import chain
from typing import Any

Json = Mapping[str, Any]

GUID = r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"
NAME = r"[A-Za-z][A-Za-z0-9]*"
INPUT_TYPE = rf"string|boolean|int|pickList|radio|multiLine|filePath|secureFile|connectedService:{NAME}"
WORDS = r"(?s)\S.*"

TASK: Mapping[str, str] = {
    "$schema": r"https://.+",
    "id": GUID,
    "name": r"[A-Za-z0-9-]+",
    "friendlyName": r".{1,40}",
    "description": WORDS,
    "helpUrl": r"https://.+",
    "helpMarkDown": WORDS,
    "author": WORDS,
    "category": r"Build|Utility|Test|Package|Deploy",
    "minimumAgentVersion": r"\d+\.\d+(\.\d+)?",
    "instanceNameFormat": WORDS,
}
TASK_STRUCTURES = {
    "visibility",
    "runsOn",
    "version",
    "groups",
    "inputs",
    "outputVariables",
    "execution",
    "postjobexecution",
    "restrictions",
}
TASK_OPTIONAL = {"$schema", "helpUrl", "postjobexecution"}
INPUT: Mapping[str, str] = {
    "name": NAME,
    "type": INPUT_TYPE,
    "label": WORDS,
    "helpMarkDown": WORDS,
    "defaultValue": r"(?s).*",
    "groupName": WORDS,
    "visibleRule": WORDS,
}
INPUT_STRUCTURES = {"aliases", "required", "options", "properties"}
INPUT_OPTIONAL = {"defaultValue", "groupName", "visibleRule", *INPUT_STRUCTURES}
PROPERTIES: Mapping[str, Callable[[object], bool]] = {
    "EditableOptions": lambda value: value in {"True", "False"},
    "resizable": lambda value: isinstance(value, bool),
    "rows": lambda value: isinstance(value, str) and value.isdigit(),
}
HANDLERS = {"Node20_1", "Node24"}
"""The handlers that agents still run everywhere without a warning."""

CLAUSE = re.compile(rf'(?P<input>{NAME}) (?P<operator>=|==|!=|EndsWith|NotEndsWith) (?P<value>"[^"]*"|[^\s"&|]+)')


def problems(task: Json) -> Iterator[str]:
    """What is wrong with a task.json, a sentence each."""
    yield from _shape("the task", task, TASK, TASK_STRUCTURES, TASK_OPTIONAL)
    if missing := sorted(TASK_STRUCTURES - TASK_OPTIONAL - set(task)):
        yield f"the task lacks {', '.join(missing)}"
        return
    yield from _among("visibility", task["visibility"], {"Build", "Release"})
    yield from _among("runsOn", task["runsOn"], {"Agent", "DeploymentGroup"})
    for handlers in ("execution", "postjobexecution"):
        if handlers in task or handlers == "execution":
            yield from _among(handlers, task[handlers], HANDLERS)
    yield from _version(task["version"])
    yield from _groups(task)
    yield from _inputs(task["inputs"], {group["name"] for group in task["groups"]})
    yield from _outputs(task)
    yield from _step_title(task)


def _shape(
    what: str, given: Json, patterns: Mapping[str, str], structures: Collection[str], optional: Collection[str]
) -> Iterator[str]:
    for key in given:
        if key not in patterns and key not in structures:
            yield f"{what} has the key {key}, which nobody knows"
    for key, pattern in patterns.items():
        if key in given and not (isinstance(given[key], str) and re.fullmatch(pattern, given[key])):
            yield f"{what} has {key} {given[key]!r}, which is not {pattern}"
        elif key not in given and key not in optional:
            yield f"{what} lacks {key}"


def _among(what: str, given: Collection[str], known: Collection[str]) -> Iterator[str]:
    if not given:
        yield f"{what} is empty"
    for value in given:
        if value not in known:
            yield f"{what} holds {value}, which is not among {', '.join(sorted(known))}"


def _version(version: Json) -> Iterator[str]:
    if set(version) != {"Major", "Minor", "Patch"} or not all(type(number) is int for number in version.values()):
        yield f"version is {dict(version)}, which is not Major, Minor and Patch, each a number"


def _twice(what: str, names: Iterable[str]) -> Iterator[str]:
    """Whatever their case: the agent writes names in capitals into the environment."""
    for name, times in Counter(name.upper() for name in names).items():
        if times > 1:
            yield f"{what} {name} is there {times} times"


def _groups(task: Json) -> Iterator[str]:
    names = [group["name"] for group in task["groups"]]
    used = {given.get("groupName") for given in task["inputs"]}
    yield from _twice("the group", names)
    yield from (f"the group {name} holds no input" for name in names if name not in used)
    for group in task["groups"]:
        if set(group) != {"name", "displayName", "isExpanded"} or not group["displayName"]:
            yield f"the group {group['name']} needs name, displayName and isExpanded"


def _inputs(inputs: Collection[Json], groups: Collection[str]) -> Iterator[str]:
    yield from _twice("the input", chain.from_iterable((given["name"], *given.get("aliases", ())) for given in inputs))
    by_name = {given["name"]: given for given in inputs}
    for given in inputs:
        what = f"the input {given['name']}"
        yield from _shape(what, given, INPUT, INPUT_STRUCTURES, INPUT_OPTIONAL)
        yield from (f"{what} {wrong}" for wrong in _input(given, groups))
        yield from (f"{what} {wrong}" for wrong in _visible_rule(given.get("visibleRule", ""), by_name))


def _input(given: Json, groups: Collection[str]) -> Iterator[str]:
    if given.get("groupName", "") not in {"", *groups}:
        yield f"is in the group {given['groupName']}, which is not declared"
    if (given["type"] in {"pickList", "radio"}) != bool(given.get("options")):
        yield "needs options if it is a pickList or a radio, and only then"
    if given.get("defaultValue") and not _takes(given, given["defaultValue"]):
        yield f"has the default {given['defaultValue']!r}, which it does not take"
    for key, value in given.get("properties", {}).items():
        if key not in PROPERTIES or not PROPERTIES[key](value):
            yield f"has the property {key}: {value!r}, which nobody knows"


def _takes(given: Json, value: str) -> bool:
    if given["type"] == "boolean":
        return value in {"true", "false"}
    if given["type"] == "int":
        return value.lstrip("-").isdigit()
    open_choice = given.get("properties", {}).get("EditableOptions") == "True"
    return value in given["options"] or open_choice if given.get("options") else True


def _visible_rule(rule: str, inputs: Mapping[str, Json]) -> Iterator[str]:
    for clause in re.split(r" (?:&&|\|\|) ", rule) if rule else ():
        found = CLAUSE.fullmatch(clause)
        if not found:
            yield f"has the visibleRule {rule!r}; {clause!r} is not `input operator value`"
        elif found["input"] not in inputs:
            yield f"has a visibleRule about {found['input']}, which is no input"
        elif "EndsWith" not in found["operator"] and not _takes(inputs[found["input"]], found["value"].strip('"')):
            yield f"has a visibleRule with {found['input']} {found['value']}, which that input does not take"


def _outputs(task: Json) -> Iterator[str]:
    names = [output["name"] for output in task["outputVariables"]]
    yield from _twice("the output", names)
    for output in task["outputVariables"]:
        yield from _shape(f"the output {output['name']}", output, {"name": NAME, "description": WORDS}, (), ())
    if task["restrictions"] != {"settableVariables": {"allowed": names}}:
        yield "restrictions must let the outputs be set, nothing else, and set no command mode (it would refuse our summary)"


def _step_title(task: Json) -> Iterator[str]:
    names = {given["name"] for given in task["inputs"]}
    for name in re.findall(r"\$\((.*?)\)", task.get("instanceNameFormat", "")):
        if name not in names:
            yield f"instanceNameFormat shows $({name}), which is no input"
