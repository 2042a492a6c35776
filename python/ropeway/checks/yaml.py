"""YAML, read as nodes with their places (`nodes`). Nothing is executed, nothing is guessed, and nothing grows."""

from __future__ import annotations

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError
from ruamel.yaml.nodes import Node as YamlNode
from ruamel.yaml.nodes import ScalarNode, SequenceNode
from ruamel.yaml.reader import ReaderError

from ropeway.checks.nodes import Mistake, Mistakes, Node, Place, Scalar, Sequence, Table

DEEPEST = 50
"""Tables and lists within each other."""

MOST = 20_000
"""Nodes, those counted again that an alias repeats: a bomb of aliases has millions."""

LONGEST = 1_000_000
"""Characters of a document."""


def parse(text: str) -> Node:
    """The one document in it. Raises Mistakes."""
    if len(text) > LONGEST:
        raise Mistakes(Mistake(Place(1, 1), f"This has {len(text):,} characters; {LONGEST:,} are the most."))
    try:
        root = YAML(typ="safe", pure=True).compose(text)
    except MarkedYAMLError as wrong:
        raise Mistakes(_of_yaml(wrong)) from None
    except ReaderError as wrong:
        at = _place_of(text, wrong.position)
        raise Mistakes(Mistake(at, f"The character U+{wrong.character:04X} has no place in YAML.")) from None
    except RecursionError:
        raise Mistakes(Mistake(Place(1, 1), _TOO_MUCH)) from None
    return _Reader().node(root, 0) if root else Scalar("", plain=True, at=Place(1, 1))


_TOO_MUCH = "There is too much in this document: tables, lists or aliases within each other."


def _of_yaml(wrong: MarkedYAMLError) -> Mistake:
    mark = wrong.problem_mark or wrong.context_mark
    at = Place(mark.line + 1, mark.column + 1) if mark else Place(1, 1)
    context = f", {wrong.context}" if wrong.context else ""
    indentation = " Look at the indentation of this line." if "block" in f"{wrong.problem}{context}" else ""
    return Mistake(at, f"This is no YAML: {wrong.problem or 'not readable'}{context}.{indentation}")


def _place_of(text: str, position: int) -> Place:
    before = text[:position]
    return Place(before.count("\n") + 1, position - before.rfind("\n"))


class _Reader:
    def __init__(self) -> None:
        self._count = 0

    def node(self, node: YamlNode, depth: int) -> Node:
        at = Place(node.start_mark.line + 1, node.start_mark.column + 1)
        self._count += 1
        if depth > DEEPEST or self._count > MOST:
            raise Mistakes(Mistake(at, _TOO_MUCH))
        if not str(node.tag).startswith("tag:yaml.org,2002:") or "python" in str(node.tag):
            raise Mistakes(Mistake(at, f"The tag {node.tag} means nothing here: write the value without it."))
        if isinstance(node, ScalarNode):
            return Scalar(node.value, node.style is None, at)
        if isinstance(node, SequenceNode):
            return Sequence(tuple(self.node(item, depth + 1) for item in node.value), at)
        return self._table(node, at, depth)

    def _table(self, node: YamlNode, at: Place, depth: int) -> Table:
        entries: dict[str, tuple[Scalar, Node]] = {}
        wrong: list[Mistake] = []
        for key_node, value_node in node.value:
            key = self.node(key_node, depth + 1)
            if not isinstance(key, Scalar):
                raise Mistakes(Mistake(key.at, "The name of a setting is a text."))
            if key.text in entries:
                first = entries[key.text][0].at.line
                wrong.append(Mistake(key.at, f"{key.text} is there twice: it stands in line {first} already."))
            entries[key.text] = (key, self.node(value_node, depth + 1))
        if wrong:
            raise Mistakes(*wrong)
        return Table(tuple(entries.values()), at)
