"""A task's declared inputs as options of the command line, and what was given back as texts."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import typer

from ropeway.inputs import Declared, Group, declared, hyphens

SHORT = 40
"""Choices that are not longer than this together stand beside the option's name; others in its help."""


class Asking(Protocol):
    """Whatever has a command and declared inputs: a task, or a question about a site."""

    @property
    def command(self) -> tuple[str, ...]: ...
    @property
    def inputs(self) -> type[Any]: ...
    @property
    def groups(self) -> tuple[Group, ...]: ...


def parameters(task: Asking, panels: Mapping[str, str]) -> tuple[inspect.Parameter, ...]:
    """An option for each input that has one, in the group of the task's form. `panels` (field -> title) places some elsewhere."""
    titles = {group.name: group.label for group in task.groups}
    return tuple(_parameter(item, panels.get(item.field) or titles.get(item.input.group)) for item in on_cli(task))


def on_cli(task: Asking) -> tuple[Declared, ...]:
    return tuple(item for item in declared(task.inputs) if item.input.on_cli)


def texts(task: Asking, given: Mapping[str, object]) -> dict[str, str]:
    """Field -> text, as `ropeway.inputs.read` takes it, of the options that were given."""
    found = {item.field: _text(given.get(item.field)) for item in on_cli(task)}
    blank = {item.field for item in on_cli(task) if item.input.never_blank and given.get(item.field)}  # as [""]
    return {field: text for field, text in found.items() if text or field in blank}


def keyword(name: str, annotation: Any, option: Any) -> inspect.Parameter:
    """A parameter of a command: typer makes the option from its annotation and its default."""
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=option, annotation=annotation)


def variable(field: str) -> str:
    """The environment variable that a secret input is read from."""
    return f"ROPEWAY_{field.upper()}"


def asking(field: str) -> str:
    """The parameter that has a secret input asked for."""
    return f"ask_{field}"


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return "\n".join(value)
    return str(value or "")


# --- one option --------------------------------------------------------------------------------------------------------


_ANNOTATIONS: Mapping[str, Any] = {"boolean": bool | None, "multiLine": list[str] | None}
_METAVARS = {"int": "NUMBER", "multiLine": "LINE"}


def _parameter(item: Declared, panel: str | None) -> inspect.Parameter:
    if item.input.secret:
        return _secret(item, panel)
    option = typer.Option(
        None,
        _names(item),
        help=_help(item),
        metavar=_metavar(item),
        rich_help_panel=panel,
        show_default=item.input.default if item.input.kind != "boolean" and item.input.default else False,
        autocompletion=_beginning(item.input.choices) if item.input.choices else None,
    )
    # Bounds and choices are the reader's: it answers in the same words as for the agent, all problems at once.
    return keyword(item.field, _ANNOTATIONS.get(item.input.kind, str | None), option)


def _secret(item: Declared, panel: str | None) -> inspect.Parameter:
    """Never the secret itself: an argument stays in the shell's history and shows in the list of processes."""
    name = asking(item.field)
    help = f"{item.input.help} With this option it is asked for, without echo; otherwise it is read from the environment variable `{variable(item.field)}`."
    return keyword(name, bool, typer.Option(False, hyphens(name), help=help, rich_help_panel=panel, show_default=False))


def _names(item: Declared) -> str:
    return f"{item.option}/{hyphens(f'no_{item.field}')}" if item.input.kind == "boolean" else item.option


def _metavar(item: Declared) -> str | None:
    if item.input.metavar or item.input.kind == "boolean":
        return item.input.metavar or None
    return _METAVARS.get(item.input.kind) or (_choices(item) if _is_short(item) else "TEXT")


def _help(item: Declared) -> str:
    if item.input.kind == "multiLine":
        return f"{item.input.help} May be given several times, once for each line."
    if item.input.choices and not _is_short(item):
        return f"{item.input.help} One of `{'`, `'.join(item.input.choices)}`."
    return item.input.help


def _choices(item: Declared) -> str:
    return "|".join(item.input.choices)


def _is_short(item: Declared) -> bool:
    return bool(item.input.choices) and len(_choices(item)) <= SHORT


def _beginning(choices: Mapping[str, str]) -> Callable[[str], list[tuple[str, str]]]:
    def completion(incomplete: str) -> list[tuple[str, str]]:
        return [(value, label) for value, label in choices.items() if value.startswith(incomplete)]

    return completion
