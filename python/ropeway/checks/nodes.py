"""A YAML document as texts with their places, before anything is made of them.

No text is turned into a number or a boolean by its look: what a setting is, its declaration says. `on`, `no`, `1.10` and `0123`
stay what was written.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Place:
    """Both count from 1."""

    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Scalar:
    """`plain` is a text without quotes around it."""

    text: str
    plain: bool
    at: Place


@dataclass(frozen=True, slots=True)
class Sequence:
    items: tuple[Node, ...]
    at: Place


@dataclass(frozen=True, slots=True)
class Table:
    entries: tuple[tuple[Scalar, Node], ...]
    at: Place

    def get(self, name: str) -> Node | None:
        return next((node for key, node in self.entries if key.text == name), None)


Node = Scalar | Sequence | Table


@dataclass(frozen=True, slots=True)
class Mistake:
    """`words` are a sentence."""

    at: Place
    words: str


class Mistakes(Exception):
    """Everything that is wrong with a node, at once."""

    def __init__(self, *mistakes: Mistake) -> None:
        super().__init__("\n".join(f"{mistake.at.line}:{mistake.at.column}: {mistake.words}" for mistake in mistakes))
        self.mistakes = mistakes


def mistake(node: Node, words: str) -> Mistakes:
    return Mistakes(Mistake(node.at, words))


def is_nothing(node: Node) -> bool:
    """`name:` with nothing behind it. Nothing in quotes is an empty text."""
    return isinstance(node, Scalar) and node.plain and node.text in {"", "~", "null"}


def is_blank(node: Node) -> bool:
    """`name:` with nothing at all behind it, as a blank variable of the pipeline leaves it. `null` and `~` are said on purpose."""
    return isinstance(node, Scalar) and node.plain and not node.text


BLANK = "has nothing behind it: leave it out, or see whether its variable has a value."


def text_of(node: Node, name: str) -> str:
    if isinstance(node, Scalar):
        return node.text
    if isinstance(node, Table) and len(node.entries) == 1 and is_nothing(node.entries[0][1]):
        inside = node.entries[0][0].text
        raise mistake(
            node, f'{name} is written {{{inside}}}, which YAML reads as a table: write it in quotes, "{{{inside}}}".'
        )
    raise mistake(node, f"{name} is a {'list' if isinstance(node, Sequence) else 'table'}; it takes one value.")


def table_of(node: Node, name: str) -> Table:
    if isinstance(node, Table):
        return node
    if is_nothing(node):
        return Table((), node.at)
    raise mistake(
        node, f"{name} is a {'list' if isinstance(node, Sequence) else 'text'}; it takes a table of names and values."
    )


def plain(node: Node) -> Any:
    """The value of a node by the core schema of YAML 1.2 (chapter 10.3.2): no yes and no, no octal of old."""
    if isinstance(node, Table):
        return {key.text: plain(item) for key, item in node.entries}
    if isinstance(node, Sequence):
        return [plain(item) for item in node.items]
    return _core(node.text) if node.plain else node.text


_CORE: tuple[tuple[str, Callable[[str], Any]], ...] = (
    (r"|~|null|Null|NULL", lambda _: None),
    (r"true|True|TRUE", lambda _: True),
    (r"false|False|FALSE", lambda _: False),
    (r"[-+]?[0-9]+", int),
    (r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", float),
)


def _core(given: str) -> Any:
    return next((make(given) for form, make in _CORE if re.fullmatch(form, given)), given)
