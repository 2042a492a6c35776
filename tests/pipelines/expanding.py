"""What Azure Pipelines makes of a pipeline's templates: includes, `extends`, `${{ }}`, if, else, each and insert.

Built from learn.microsoft.com/azure/devops/pipelines/process/template-expressions and its neighbours; what is not here raises.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from tests.pipelines.expressions import as_boolean, as_text, evaluate
from tests.pipelines.parameters import values_for

ROOT = Path(__file__).parents[2]
EXPRESSION = re.compile(r"\$\{\{(.*?)\}\}(?!\})", re.DOTALL)
DIRECTIVE = re.compile(r"\$\{\{\s*(if|elseif|else|each|insert)\b(.*?)\}\}", re.DOTALL)
HOLDS = ("stages", "jobs", "steps")
KINDS: Mapping[str, Collection[str]] = {
    "stages": ("stage",),
    "jobs": ("job", "deployment"),
    "steps": (
        "task", "script", "bash", "pwsh", "powershell", "checkout", "publish", "download", "downloadBuild", "getPackage", "reviewApp",
    ),
}  # fmt: skip
"""By which word a stage, a job or a step is known (the YAML schema reference)."""
NESTED = 20
"""Templates in templates, as far as Azure DevOps Server goes."""


class TemplateError(Exception):
    """A template that does not expand."""


def load(path: Path) -> dict[str, Any]:
    """By YAML 1.2, as the service reads it: `on` is a word. Not to be changed: it is read once."""
    return _read(path, path.stat().st_mtime_ns)


@functools.cache
def _read(path: Path, _when: int) -> dict[str, Any]:
    return YAML(typ="safe").load(path)


def expand(
    path: Path, given: Mapping[str, Any] | None = None, repositories: Mapping[str, Path] | None = None
) -> dict[str, Any]:
    """A pipeline or a template with all that it includes. `repositories` are the folders of the resources that templates come from.

    Raises ParameterError, ExpressionError, TemplateError.
    """
    made = _file(_Where(path, dict(repositories or {"ropeway": ROOT})), given or {})
    _held_to_its_kinds(made)
    return made


def _held_to_its_kinds(node: Any) -> None:
    """What is no stage, job or step where one must be is named by its key, as the page of `extends` shows it of the service."""
    if not isinstance(node, (dict, list)):
        return
    for name, inner in node.items() if isinstance(node, dict) else enumerate(node):
        for item in inner if name in KINDS and isinstance(inner, list) else ():
            if isinstance(item, dict) and not set(KINDS[name]) & set(item):
                raise TemplateError(f"Unexpected value '{next(iter(item), '')}'")
        _held_to_its_kinds(inner)


@dataclass(frozen=True)
class _Where:
    """The file that is expanded, and what its expressions may name."""

    file: Path
    repositories: dict[str, Path]
    named: Mapping[str, Any] = field(default_factory=dict)
    depth: int = 0

    def value(self, expression: str) -> Any:
        return evaluate(expression, self.named)

    def naming(self, name: str, value: Any) -> _Where:
        return replace(self, named={**self.named, name: value})

    def included(self, reference: str) -> _Where:
        """Beside the file that includes it, or from the top of another repository."""
        place, _, alias = reference.partition("@")
        if alias and alias not in self.repositories:
            raise TemplateError(f"Repository '{alias}' is no resource of this pipeline: {reference}")
        base = self.repositories[alias] if alias else self.file.parent
        if not (base / place).is_file():
            raise TemplateError(f"File {reference} not found, which {self.file.name} includes.")
        if self.depth == NESTED:
            raise TemplateError(f"{reference} is more than {NESTED} templates deep.")
        return replace(self, file=(base / place).resolve(), depth=self.depth + 1)


def _file(where: _Where, given: Mapping[str, Any]) -> dict[str, Any]:
    written = load(where.file)
    values = values_for(written.get("parameters", []), given)
    inside = replace(where, named={"parameters": values, "variables": _constants(written.get("variables", {}))})
    expanded = _expanded({name: value for name, value in written.items() if name != "parameters"}, inside)
    if "extends" in expanded:
        base = expanded.pop("extends")
        return {**expanded, **_file(inside.included(base["template"]), base.get("parameters", {}))}
    return expanded


def _constants(variables: Any) -> dict[str, Any]:
    """What is known of variables when a pipeline is compiled: those that its file says."""
    if isinstance(variables, list):
        return {one["name"]: one["value"] for one in variables if "value" in one}
    return dict(variables)


# --- structure ------------------------------------------------------------------------------------------------------------------


def _expanded(node: Any, where: _Where) -> Any:
    if isinstance(node, list):
        return list(_items(node, where))
    if isinstance(node, dict):
        return _mapping(node, where)
    return _scalar(node, where) if isinstance(node, str) else node


def _items(nodes: list[Any], where: _Where) -> Iterator[Any]:
    """Of a list: what directives bring is put in its place, a list within it is made flat, and a template is what it holds."""
    held = True
    for node in nodes:
        if directive := _directive_of(node):
            (body,) = node.values()
            held, scopes = _scopes(directive, where, held=held)
            for scope in scopes:
                brought = _expanded(body, scope)
                yield from brought if isinstance(brought, list) else [brought]
            continue
        expanded = _expanded(node, where)
        if isinstance(node, str) and isinstance(expanded, list):
            yield from expanded
        elif isinstance(expanded, dict) and "template" in expanded:
            yield from _included(expanded, where)
        else:
            yield expanded


def _directive_of(node: Any) -> re.Match[str] | None:
    return DIRECTIVE.fullmatch(next(iter(node))) if isinstance(node, dict) and len(node) == 1 else None


def _mapping(node: dict[Any, Any], where: _Where) -> dict[str, Any]:
    made: dict[str, Any] = {}
    seen: set[str] = set()
    for key, value in _pairs(node, where):
        if key.lower() in seen:
            raise TemplateError(f"'{key}' is already defined")
        seen.add(key.lower())
        made[key] = value
    return made


def _pairs(node: dict[Any, Any], where: _Where) -> Iterator[tuple[str, Any]]:
    held = True
    for key, value in node.items():
        if directive := DIRECTIVE.fullmatch(str(key)):
            held, scopes = _scopes(directive, where, held=held)
            for scope in scopes:
                yield from _expanded(value, scope).items()
        else:
            yield as_text(_scalar(str(key), where)), _expanded(value, where)


def _scopes(directive: re.Match[str], where: _Where, *, held: bool) -> tuple[bool, list[_Where]]:
    """In which scopes the body of a directive is expanded: none, one, or one for each. `held`: whether one of the ifs above did."""
    word, rest = directive[1], directive[2].strip()
    if word == "insert":
        return True, [where]
    if word == "each":
        name, _, of = rest.partition(" in ")
        return True, [where.naming(name.strip(), item) for item in _each(where.value(of))]
    if word == "if":
        holds = as_boolean(where.value(rest))
        return holds, [where] if holds else []
    if held:
        return True, []
    holds = word == "else" or as_boolean(where.value(rest))
    return holds, [where] if holds else []


def _each(collection: Any) -> list[Any]:
    if isinstance(collection, dict):
        return [{"key": key, "value": value} for key, value in collection.items()]
    if isinstance(collection, list):
        return collection
    raise TemplateError(f"Expected a sequence or a mapping, and not {collection!r}")


def _included(reference: dict[str, Any], where: _Where) -> list[Any]:
    inside = _file(where.included(reference["template"]), reference.get("parameters", {}))
    (held,) = (inside[name] for name in HOLDS if name in inside)
    return held


# --- texts ----------------------------------------------------------------------------------------------------------------------


def _scalar(text: str, where: _Where) -> Any:
    """A text that is one expression keeps its type; within other text its value is written out, a boolean as True or False."""
    if "${{" not in text:
        return text
    if (whole := EXPRESSION.fullmatch(text.strip())) and text.strip().count("${{") == 1:
        value = where.value(whole[1])
        return "" if value is None else value
    return EXPRESSION.sub(lambda found: as_text(where.value(found[1])), text)
