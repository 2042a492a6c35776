"""As much of Azure Pipelines' template expansion as our own templates use; anything else in them raises."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
PARAMETER = re.compile(r"\$\{\{ parameters\.(\w+) \}\}")
NOT_EMPTY = re.compile(r"\$\{\{ if (?:ne\(parameters\.(\w+), ''\)|gt\(length\(parameters\.(\w+)\), 0\)) \}\}")


def load(path: Path) -> dict[str, Any]:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def values_for(template: dict, given: dict[str, Any]) -> dict[str, Any]:
    """The parameters' values: what is given, else the defaults. Refuses what the service refuses."""
    declared = {parameter["name"]: parameter for parameter in template["parameters"]}
    assert set(given) <= set(declared), f"no such parameter: {set(given) - set(declared)}"
    missing = {name for name, parameter in declared.items() if "default" not in parameter and name not in given}
    assert not missing, f"not given: {missing}"
    values = {name: given.get(name, parameter.get("default")) for name, parameter in declared.items()}
    for name, parameter in declared.items():
        assert values[name] in parameter.get("values", [values[name]]), f"{name} does not take {values[name]}"
    return values


def steps(path: Path, given: dict[str, Any]) -> list[dict]:
    """The steps of a template, with the templates in it expanded too."""
    template = load(path)
    expanded = _expand(template.get("steps") or _deployment(template), values_for(template, given))
    return [step for item in expanded for step in _included(path, item)]


def _deployment(template: dict) -> list:
    (stage,) = template["stages"]
    (job,) = stage["jobs"]
    return job["strategy"]["runOnce"]["deploy"]["steps"]


def _included(path: Path, step: dict) -> list[dict]:
    return steps(path.parent / step["template"], step.get("parameters", {})) if "template" in step else [step]


def _expand(node: Any, values: dict[str, Any]) -> Any:
    if isinstance(node, list):
        return [_expand(item, values) for item in node]
    if isinstance(node, dict):
        return {key: value for item in node.items() for key, value in _entry(*item, values).items()}
    return _text(node, values) if isinstance(node, str) else node


def _entry(key: str, value: Any, values: dict[str, Any]) -> dict:
    if condition := NOT_EMPTY.fullmatch(key):
        return _expand(value, values) if values[condition[1] or condition[2]] else {}
    assert "${{" not in key, f"unknown expression: {key}"
    return {key: _expand(value, values)}


def _text(text: str, values: dict[str, Any]) -> Any:
    """A text that is one parameter keeps its type; within other text a parameter is written out, a boolean as True or False."""
    if whole := PARAMETER.fullmatch(text):
        return values[whole[1]]
    expanded = PARAMETER.sub(lambda found: str(values[found[1]]), text)
    assert "${{" not in expanded, f"unknown expression: {text}"
    return expanded
