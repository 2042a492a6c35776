"""The Toolkit's steps in the YAML of a pipeline or a template, each with where its texts lie in the file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import yaml
from yaml import MappingNode, Node, ScalarNode, SequenceNode
from yaml.error import Mark, MarkedYAMLError, YAMLError
from yaml.reader import ReaderError

from ropeway.errors import InputError
from ropeway.migrate.toolkit import task_named


@dataclass(frozen=True)
class Scalar:
    """A value, and where it is written: `begin` and `end` count characters of the file, quotes included; `line` counts from 1."""

    value: str
    begin: int
    end: int
    line: int


@dataclass(frozen=True)
class Step:
    """One step with a task of the Toolkit. `inputs` has the values that an input may get (`${{ if }}` gives it several).

    The names of inputs are in lower case. `open`: further inputs come from an expression that cannot be read here.
    """

    task: str
    written: Scalar
    inputs: Mapping[str, tuple[Scalar, ...]]
    open: bool

    @property
    def line(self) -> int:
        return self.written.line

    def texts(self, name: str) -> tuple[str, ...]:
        return tuple(scalar.value.strip() for scalar in self.inputs.get(name.lower(), ()))

    def lines_of(self, name: str) -> tuple[str, ...]:
        """The lines of an input of several lines, trimmed, comments and blank ones left out."""
        lines = (line.strip() for text in self.texts(name) for line in text.splitlines())
        return tuple(line for line in lines if line and not line.startswith("#"))

    def lacks(self, name: str) -> bool:
        """Whether the input is given no value, or an empty one somewhere."""
        return not self.open and not all(self.texts(name) or ("",))


def find_steps(path: str, text: str) -> list[Step]:
    """In the order of the file, at any depth, those in `${{ if }}` and `${{ each }}` too.

    Raises InputError that says where the text is no YAML.
    """
    try:
        documents = list(yaml.compose_all(text, Loader=yaml.SafeLoader))
    except ReaderError as error:
        at = text.count("\n", 0, error.position) + 1
        raise InputError(
            [f"{path}, line {at}: a pipeline cannot hold the character U+{error.character:04X}."]
        ) from None
    except YAMLError as error:
        raise InputError([f"{path}{_where(error)}"]) from None
    except RecursionError:
        raise InputError([f"{path}: this is nested deeper than any pipeline."]) from None
    seen: set[int] = set()
    return [step for document in documents if document for step in _below(document, seen)]


def _where(error: YAMLError) -> str:
    if not isinstance(error, MarkedYAMLError):
        return f": {error}."
    mark: Mark | None = error.problem_mark or error.context_mark
    said = ", ".join(part for part in (error.context, error.problem) if part)
    return f", line {mark.line + 1}, column {mark.column + 1}: {said}." if mark else f": {said}."


def _below(node: Node, seen: set[int]) -> Iterator[Step]:
    if id(node) in seen:  # an alias: what it stands for is changed where it is written
        return
    seen.add(id(node))
    if isinstance(node, MappingNode):
        if step := _step(node):
            yield step
        for _, value in node.value:
            yield from _below(value, seen)
    elif isinstance(node, SequenceNode):
        for item in node.value:
            yield from _below(item, seen)


def _step(node: MappingNode) -> Step | None:
    written = next((value for key, value in node.value if key.value == "task" and isinstance(value, ScalarNode)), None)
    task = task_named(written.value) if written else None
    if not (written and task):
        return None
    inputs: dict[str, tuple[Scalar, ...]] = {}
    is_open = False
    for name, value in _entries(node):
        if name != "inputs":
            is_open |= name == OPEN
        elif isinstance(value, MappingNode):
            is_open |= _read_inputs(value, inputs)
        else:
            is_open = True
    return Step(task, _scalar(written), inputs, is_open)


def _read_inputs(node: MappingNode, inputs: dict[str, tuple[Scalar, ...]]) -> bool:
    """Adds what is given; whether there may be more."""
    is_open = False
    for name, value in _entries(node):
        if isinstance(value, ScalarNode) and name != OPEN:
            inputs[name.lower()] = (*inputs.get(name.lower(), ()), _scalar(value))
        else:
            is_open = True
    return is_open


OPEN = "${{ }}"
"""Stands for the names that an expression brings."""


def _entries(node: MappingNode) -> Iterator[tuple[str, Node]]:
    """Name and value of each entry, those below `${{ if }}` and the like as if they stood here."""
    for key, value in node.value:
        if not str(key.value).startswith("${{"):
            yield str(key.value), value
        elif isinstance(value, MappingNode):
            yield from _entries(value)
        else:
            yield OPEN, value


def _scalar(node: ScalarNode) -> Scalar:
    return Scalar(node.value, node.start_mark.index, node.end_mark.index, node.start_mark.line + 1)
