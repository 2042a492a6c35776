"""Variables in a suite: `{release.id}`, `{env.NAME}`, `{outputs.name}`, `{vars.name}`, put in their place before anything is read.

A variable is a name with a dot in braces, so that the braces of JSON, of `{1,3}` and of `{{ mustaches }}` need no care. Braces that are doubled around such a
name are meant as they are: `{{env.NAME}}` is the text `{env.NAME}`. What is put in is text and nothing else: it is not read as YAML.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from ropeway.checks.nodes import Mistake, Mistakes, Node, Scalar, Sequence, Table, text_of
from ropeway.checks.secrets import SHORTEST, Secrets
from ropeway.checks.words import unknown
from ropeway.outcome import Variable

T = TypeVar("T")

_NAME = r"[A-Za-z]+(?:\.[A-Za-z0-9_-]+)+"
_VARIABLE = re.compile(rf"\{{\{{(?P<plain>{_NAME})\}}\}}|\{{(?P<name>{_NAME})\}}")

_SECRET = re.compile(r"(?i)secret|token|password|passwd|passphrase|pwd|credential|api_?key|private_?key|access_?key")
"""What is called so is taken for a secret, wherever it comes from: a pipeline hands a secret over under any name in `env:`."""

FAMILIES = {"release": "release.id", "env": "env.NAME", "outputs": "outputs.name", "vars": "vars.name"}


@dataclass(frozen=True, kw_only=True)
class Variables:
    """What there is to put in. `environment` looks a name up among the variables of the pipeline or the process."""

    release: str = ""
    outputs: Mapping[str, str] = field(default_factory=dict)
    own: Mapping[str, str] = field(default_factory=dict)
    environment: Callable[[str], Variable | None]
    secrets: Secrets

    def expanded(self, node: Node, judge: Callable[[Node], T]) -> T:
        """What `judge` makes of the node with every variable in its place. Raises Mistakes: those of the variables, and the judge's.

        What cannot be put in stays as it was written, and what the judge says of such a text is left out.
        """
        wrong: list[Mistake] = []
        result = self._node(node, wrong)
        try:
            judged = judge(result)
        except Mistakes as more:
            known = {one.at for one in wrong}
            raise Mistakes(*wrong, *(one for one in more.mistakes if one.at not in known)) from None
        if wrong:
            raise Mistakes(*wrong)
        return judged

    def with_own(self, table: Table) -> Variables:
        """The same with the variables that the suite defines. They may hold others, but not each other. Raises Mistakes."""
        return dataclasses.replace(self, own=self.expanded(table, _texts))

    def _node(self, node: Node, wrong: list[Mistake]) -> Node:
        if isinstance(node, Scalar):
            return self._scalar(node, wrong)
        if isinstance(node, Sequence):
            return Sequence(tuple(self._node(item, wrong) for item in node.items), node.at)
        return Table(tuple((key, self._node(item, wrong)) for key, item in node.entries), node.at)

    def _scalar(self, node: Scalar, wrong: list[Mistake]) -> Scalar:
        def put_in(found: re.Match[str]) -> str:
            if found["plain"]:
                return f"{{{found['plain']}}}"
            try:
                return self._value(found["name"])
            except ValueError as unknown_name:
                wrong.append(Mistake(node.at, str(unknown_name)))
                return found[0]

        text = _VARIABLE.sub(put_in, node.text)
        # What came of a variable is a text, and an empty one is not nothing.
        return node if text == node.text else Scalar(text, plain=node.plain and bool(text), at=node.at)

    def _value(self, name: str) -> str:
        """Raises ValueError with a sentence."""
        family, _, rest = name.partition(".")
        if family not in FAMILIES or (family == "release" and rest != "id"):
            raise ValueError(unknown(name, FAMILIES.values(), "a variable"))
        if family == "release":
            return self._release()
        found = self._looked_up(family, rest)
        if found is None:
            raise ValueError(_absent(family, rest, self.outputs if family == "outputs" else self.own))
        if found.secret or _SECRET.search(rest):
            if 0 < len(found.text) < SHORTEST:
                raise ValueError(
                    f"{{{name}}} has fewer than {SHORTEST} characters: so short a secret cannot be masked."
                )
            self.secrets.add(found.text)
        return found.text

    def _release(self) -> str:
        if not self.release:
            raise ValueError("{release.id} is not known here: say which release was deployed (releaseId).")
        return self.release

    def _looked_up(self, family: str, name: str) -> Variable | None:
        if family == "env":
            return self.environment(name)
        text = (self.outputs if family == "outputs" else self.own).get(name)
        return None if text is None else Variable(text)


def _texts(node: Node) -> dict[str, str]:
    entries = node.entries if isinstance(node, Table) else ()
    return {key.text: text_of(value, key.text) for key, value in entries}


def _absent(family: str, name: str, known: Mapping[str, str]) -> str:
    if family == "env":
        return f"{{env.{name}}}: there is no variable {name} here. Check its spelling, and whether this stage has it."
    where = "outputs of this run" if family == "outputs" else "variables of this suite"
    if not known:
        return f"{{{family}.{name}}}: there are no {where}."
    return f"{{{family}.{name}}}: {unknown(name, known, f'among the {where}')}"
