"""Azure Pipelines' expressions, as learn.microsoft.com/azure/devops/pipelines/process/expressions has them.

Literals, `a.b`, `a['b']`, and functions, for `${{ }}` when a pipeline is compiled and for conditions while it runs. What is not here raises. Names of
functions, and of what an expression may begin with, are taken as Microsoft writes them.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

Value = Any
"""None, bool, int or float, str, list, dict."""

Functions = Mapping[str, Callable[..., Value]]

TOKEN = re.compile(
    r"\s*(?:(?P<text>'(?:[^']|'')*')|(?P<number>-?(?:\d+\.?\d*|\.\d+))|(?P<name>[A-Za-z_]\w*)|(?P<sign>[()\[\],.]))"
)
LITERALS = {"true": True, "false": False, "null": None}


class ExpressionError(Exception):
    """An expression that cannot be read, or has no value."""


def evaluate(expression: str, named: Mapping[str, Value], functions: Functions | None = None) -> Value:
    """The value of an expression. `named` are the values that it may begin with: parameters, variables, what an `each` has named."""
    reader = _Reader(expression, named, {**FUNCTIONS, **(functions or {})})
    value = reader.value()
    reader.end()
    return value


# --- reading: each value is known when it is read, since nothing here has a side effect -----------------------------------------


class _Reader:
    def __init__(self, expression: str, named: Mapping[str, Value], functions: Functions) -> None:
        self.expression, self.named, self.functions = expression, named, functions
        self.tokens = _tokens(expression)
        self.at = 0

    def value(self) -> Value:
        kind, token = self._take()
        if kind == "text":
            value: Value = token[1:-1].replace("''", "'")
        elif kind == "number":
            value = _number(token)
        elif kind == "name":
            value = self._named(token)
        else:
            raise self._wrong(token)
        while self._next() in {".", "["}:
            value = self._member(value)
        return value

    def end(self) -> None:
        if self._next():
            raise self._wrong(self._next())

    def _named(self, name: str) -> Value:
        if self._next() == "(":
            return self._called(name)
        if name.lower() in LITERALS:
            return LITERALS[name.lower()]
        if name in self.named:
            return self.named[name]
        raise ExpressionError(f"Unrecognized value: '{name}'. Located within expression: {self.expression}")

    def _called(self, name: str) -> Value:
        if name not in self.functions:
            raise ExpressionError(f"Unrecognized function: '{name}'. Located within expression: {self.expression}")
        self._take()
        given = []
        while self._next() != ")":
            given.append(self.value())
            if self._next() != ")":
                self._expect(",")
        self._take()
        return self.functions[name](*given)

    def _member(self, value: Value) -> Value:
        if self._take()[1] == ".":
            key: Value = self._take()[1]
        else:
            key = self.value()
            self._expect("]")
        if isinstance(value, list):
            return value[int(key)] if int(key) < len(value) else None
        return member(value, as_text(key))

    # --- tokens -----------------------------------------------------------------------------------------------------------------

    def _next(self) -> str:
        return self.tokens[self.at][1] if self.at < len(self.tokens) else ""

    def _take(self) -> tuple[str, str]:
        if self.at == len(self.tokens):
            raise self._wrong("the end")
        self.at += 1
        return self.tokens[self.at - 1]

    def _expect(self, token: str) -> None:
        if self._take()[1] != token:
            raise self._wrong(token)

    def _wrong(self, at: str) -> ExpressionError:
        return ExpressionError(f"Unexpected symbol: '{at}'. Located within expression: {self.expression}")


class Strict(dict[str, Value]):
    """The parameters: one that was not declared is an error, where what another object does not have is null."""


@functools.cache
def _tokens(expression: str) -> list[tuple[str, str]]:
    found, at = [], 0
    text = expression.rstrip()
    while at < len(text):
        if not (token := TOKEN.match(text, at)):
            raise ExpressionError(f"Unexpected symbol: '{text[at:].strip()[:10]}'. Located within expression: {text}")
        found.append((token.lastgroup or "", token[token.lastgroup or 0]))
        at = token.end()
    return found


def _number(text: str) -> float:
    return float(text) if "." in text else int(text)


def member(value: Value, key: str) -> Value:
    """Of an object, in any case; of anything else, and where there is none, null."""
    if not isinstance(value, dict):
        return None
    if key in value:
        return value[key]
    found = next((name for name in value if name.lower() == key.lower()), None)
    if found is None and isinstance(value, Strict):
        raise ExpressionError(f"Key not found '{key}'")
    return value.get(found)


# --- types ----------------------------------------------------------------------------------------------------------------------


class _Unlike(Exception):
    """A value that cannot become one of another type."""


def as_boolean(value: Value) -> bool:
    """Every text but the empty one is true, "False" too."""
    return bool(value) if isinstance(value, (bool, int, float, str)) else value is not None


def as_text(value: Value) -> str:
    if isinstance(value, str):
        return value
    if value is None or isinstance(value, (dict, list)):
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def as_number(value: Value) -> float:
    if value is None or value == "":
        return 0
    if isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, str) and re.fullmatch(r"\s*-?(\d+\.?\d*|\.\d+)\s*", value):
        return _number(value.strip())
    raise _Unlike


def _like(value: Value, other: Value) -> Value:
    """The other one in the type of the first."""
    if isinstance(value, bool):
        return as_boolean(other)
    if isinstance(value, (int, float)):
        return as_number(other)
    if isinstance(value, str):
        return as_text(other)
    if value is None and other in {None, ""}:
        return None
    raise _Unlike


def _folded(value: Value) -> Value:
    return value.upper() if isinstance(value, str) else value


# --- functions ------------------------------------------------------------------------------------------------------------------


def _equal(left: Value, right: Value) -> bool:
    if isinstance(left, (dict, list)):
        return left is right
    try:
        return bool(_folded(left) == _folded(_like(left, right)))
    except (_Unlike, TypeError):
        return False


def _compared(holds: Callable[[Value, Value], bool]) -> Callable[[Value, Value], bool]:
    def compare(left: Value, right: Value) -> bool:
        try:
            return holds(_folded(left), _folded(_like(left, right)))
        except _Unlike:
            raise ExpressionError(f"Unable to convert {right!r} to the type of {left!r}") from None

    return compare


def _format(text: str, *given: Value) -> str:
    plain = text.replace("{{", "\0").replace("}}", "\1")
    filled = re.sub(r"\{(\d+)\}", lambda found: as_text(given[int(found[1])]), plain)
    return filled.replace("\0", "{").replace("\1", "}")


def _join(between: Value, items: Value) -> str:
    return as_text(between).join(map(as_text, items)) if isinstance(items, list) else as_text(items)


def _contains(within: Value, value: Value) -> bool:
    items: Sequence[Value] = list(within.values()) if isinstance(within, dict) else within
    return isinstance(items, list) and any(_equal(value, item) for item in items)


FUNCTIONS: Functions = {
    "and": lambda *given: all(map(as_boolean, given)),
    "or": lambda *given: any(map(as_boolean, given)),
    "not": lambda value: not as_boolean(value),
    "eq": _equal,
    "ne": lambda left, right: not _equal(left, right),
    "in": lambda value, *among: any(_equal(value, one) for one in among),
    "notIn": lambda value, *among: not any(_equal(value, one) for one in among),
    "gt": _compared(lambda left, right: left > right),
    "ge": _compared(lambda left, right: left >= right),
    "lt": _compared(lambda left, right: left < right),
    "le": _compared(lambda left, right: left <= right),
    "coalesce": lambda *given: next((one for one in given if one not in {None, ""}), None),
    "contains": lambda left, right: as_text(right).lower() in as_text(left).lower(),
    "containsValue": _contains,
    "startsWith": lambda left, right: as_text(left).lower().startswith(as_text(right).lower()),
    "endsWith": lambda left, right: as_text(left).lower().endswith(as_text(right).lower()),
    "format": _format,
    "join": _join,
    "length": lambda value: len(value) if isinstance(value, (str, list, dict)) else 0,
    "lower": lambda value: as_text(value).lower(),
    "upper": lambda value: as_text(value).upper(),
}
