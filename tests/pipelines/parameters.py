"""A template's parameters: what is given, else the defaults, each of its type. Refuses what the service refuses, in its words.

The types: learn.microsoft.com/azure/devops/pipelines/process/template-parameters. The words are those that people quote of the service; those
about `values` nobody has quoted, and are ours.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from tests.pipelines.expressions import Strict, as_text

LISTS = {"stepList": ("steps",), "jobList": ("jobs",), "deploymentList": ("jobs",), "stageList": ("stages",)}


class ParameterError(Exception):
    """What was given does not fit what is declared."""


def values_for(declared: list[dict[str, Any]], given: Mapping[str, Any]) -> dict[str, Any]:
    names = {parameter["name"].lower() for parameter in declared}
    for name in given:
        if name.lower() not in names:
            raise ParameterError(f"Unexpected parameter '{name}'")
    by_name = {name.lower(): value for name, value in given.items()}
    return Strict({parameter["name"]: _value(parameter, by_name) for parameter in declared})


def _value(parameter: Mapping[str, Any], given: Mapping[str, Any]) -> Any:
    name = parameter["name"]
    if name.lower() not in given and "default" not in parameter:
        raise ParameterError(f"A value for the '{name}' parameter must be provided.")
    value = _typed(name, parameter["type"], given.get(name.lower(), parameter.get("default")))
    allowed = parameter.get("values", [value])
    if as_text(value) not in map(as_text, allowed):
        raise ParameterError(
            f"The '{name}' parameter value '{as_text(value)}' is not one of {', '.join(map(as_text, allowed))}."
        )
    return value


def _typed(name: str, kind: str, value: Any) -> Any:
    if kind == "object":
        return value
    if kind in LISTS:
        if not isinstance(value, list):
            raise ParameterError(f"The '{name}' parameter is not a valid {kind[0].upper()}{kind[1:]}.")
        return value
    if isinstance(value, (list, Mapping)):
        raise ParameterError(f"The '{name}' parameter is not a valid {kind.capitalize()}.")
    return {"string": _string, "boolean": _boolean, "number": _number}[kind](name, value)


def _string(_name: str, value: Any) -> str:
    return as_text(value)


def _boolean(name: str, value: Any) -> bool:
    words = {"true": True, "false": False}
    if as_text(value).lower() not in words:
        raise ParameterError(f"The '{name}' parameter value '{as_text(value)}' is not a valid Boolean.")
    return words[as_text(value).lower()]


def _number(name: str, value: Any) -> Any:
    if not re.fullmatch(r"-?\d+(\.\d+)?", as_text(value)):
        raise ParameterError(f"The '{name}' parameter value '{as_text(value)}' is not a valid Number.")
    return float(as_text(value)) if "." in as_text(value) else int(as_text(value))
