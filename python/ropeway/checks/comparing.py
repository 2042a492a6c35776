"""JSON, looked into by JMESPath (https://jmespath.org) and compared: what an HTTP server or a function answered."""

from __future__ import annotations

import json
import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import jmespath
from jmespath.exceptions import JMESPathError, UnknownFunctionError

from ropeway.checks import settings
from ropeway.checks.asking import Asking
from ropeway.checks.finding import Finding, excerpt, failed, passed, unasked
from ropeway.checks.nodes import BLANK, Node, Table, is_blank, mistake
from ropeway.checks.settings import Form

ORDERED: Mapping[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
COMPARISONS = ("==", "!=", *ORDERED, "in", "matches", "type")
TYPES = ("string", "number", "boolean", "array", "object", "null")


@dataclass(frozen=True)
class Comparison:
    comparison: str
    value: Any

    def holds(self, found: Any, asking: Asking) -> bool:
        match self.comparison:
            case "==":
                return same(found, self.value)
            case "!=":
                return not same(found, self.value)
            case "in":
                return any(same(found, one) for one in self.value)
            case "matches":
                return isinstance(found, str) and asking.search(re.compile(self.value), found) is not None
            case "type":
                return bool(type_of(found) == self.value)
        alike = type_of(found) == type_of(self.value)
        return alike and bool(ORDERED[self.comparison](found, self.value))

    def __str__(self) -> str:
        told = self.value if self.comparison in {"matches", "type"} else shown(self.value)
        return f"{self.comparison} {told}"


def same(one: Any, other: Any) -> bool:
    """As JSON has it: 1 is 1.0, but not true."""
    if type_of(one) != type_of(other):
        return False
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    return bool(one == other)


def type_of(value: Any) -> str:
    """The name that JSON has for it."""
    if value is None or isinstance(value, bool):
        return "null" if value is None else "boolean"
    known: dict[type, str] = {str: "string", int: "number", float: "number", list: "array", dict: "object"}
    return known[type(value)]


def shown(value: Any) -> str:
    return excerpt(json.dumps(value, ensure_ascii=False))


def parsed_json(text: str) -> Any:
    """Raises ValueError, worded to follow "no JSON: "."""
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def value_at(path: str, document: Any) -> Any:
    """None where there is nothing. Raises ValueError for an expression that cannot be taken of this document."""
    try:
        return jmespath.search(path, document)
    except (
        TypeError,
        ArithmeticError,
    ) as unfit:  # of a text that is compared with a number, jmespath says so in Python's way
        raise ValueError(str(unfit)) from unfit


def release_in(value: Any) -> str | None:
    """The id of a release may be a number: that of a build often is."""
    return str(value) if isinstance(value, (str, int)) and not isinstance(value, bool) else None


def judged_json(
    path: str, comparisons: tuple[Comparison, ...], document: Any, asking: Asking, *, advice: str = ""
) -> Finding:
    """`path` is a JMESPath expression. Where there is nothing, it finds null."""
    wrong = ", ".join(f"{path} {comparison}" for comparison in comparisons)
    try:
        found = value_at(path, document)
    except UnknownFunctionError as unknown:
        return unasked(wrong, str(unknown), advice="See jmespath.org for the functions that there are.")
    except ValueError as unfit:
        return failed(wrong, f"what {path} cannot be taken of: {unfit}", advice=advice)
    missed = [comparison for comparison in comparisons if not comparison.holds(found, asking)]
    got = f"{path} is {shown(found)}" + (", or not there" if found is None else "")
    if missed:
        return failed(", ".join(f"{path} {comparison}" for comparison in missed), got, advice=advice)
    return passed(wrong, got)


# --- declaring ---------------------------------------------------------------------------------------------------------------


def json_path(expression: str) -> str:
    """Raises ValueError, worded to follow a setting's name."""
    try:
        jmespath.compile(expression)
    except JMESPathError as wrong:
        reason = str(wrong).splitlines()[0].rstrip(".")
        raise ValueError(f"is {expression!r}, which is no JMESPath expression: {reason}.") from None
    return expression


def comparisons(help: str, **rest: Any) -> Any:
    """JMESPath expressions, each with the value that is found there, or with comparisons: {"items[0].id": {">=": 3}}."""

    def read(node: Node, name: str) -> dict[str, tuple[Comparison, ...]]:
        entries = settings.table_of(node, name).entries
        for key, _ in entries:
            try:
                json_path(key.text)
            except ValueError as wrong:
                raise mistake(Table((), key.at), f"A path of {name} {wrong}") from None
        return {key.text: _read(item, f"{name}.{key.text}") for key, item in entries}

    schema = {"type": "object", "additionalProperties": {"anyOf": [_SCHEMA, {"not": {"type": "object"}}]}}
    return settings.of(
        Form("JMESPath expressions, each with a value or comparisons", schema, read), help, default={}, **rest
    )


_SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "minProperties": 1,
    "properties": {
        **{name: {} for name in ("==", "!=")},
        **{name: {"type": ["number", "string"]} for name in ORDERED},
        "in": {"type": "array"},
        "matches": {"type": "string", "format": "regex"},
        "type": {"enum": list(TYPES)},
    },
}


def _read(node: Node, name: str) -> tuple[Comparison, ...]:
    if not isinstance(node, Table):
        return (Comparison("==", _value(node, name)),)
    if not node.entries:
        raise mistake(node, f"{name} compares with nothing. There are {', '.join(COMPARISONS)}.")
    return tuple(_comparison(key.text, item, name, key) for key, item in node.entries)


def _comparison(word: str, node: Node, name: str, key: Node) -> Comparison:
    if word not in COMPARISONS:
        raise mistake(
            key, f"{settings.unknown(word, COMPARISONS, f'a comparison of {name}')} A table is compared by ==."
        )
    value = _value(node, f"{name} {word}")
    if wrong := _problem(word, value):
        raise mistake(node, f"{name} {word} {wrong}")
    return Comparison(word, value)


def _value(node: Node, name: str) -> Any:
    """A blank variable would ask for null, which every answer has that lacks the path."""
    if is_blank(node):
        raise mistake(node, f"{name} {BLANK} Where it has to be null, write null.")
    return settings.plain(node)


def _problem(word: str, value: Any) -> str:
    if word in ORDERED and type_of(value) not in {"number", "string"}:
        return "takes a number or a text."
    if word == "in" and not isinstance(value, list):
        return "takes a list."
    if word == "type" and value not in TYPES:
        return f"takes one of {', '.join(TYPES)}."
    return _pattern_problem(value) if word == "matches" else ""


def _pattern_problem(value: Any) -> str:
    try:
        re.compile(value if isinstance(value, str) else str(value))
    except re.error as wrong:
        return f"is {value!r}, which is no regular expression: {wrong}."
    if value == "":
        return "is empty, which any answer would pass: see whether its variable has a value."
    return "" if isinstance(value, str) else "takes a regular expression; write it in quotes."
