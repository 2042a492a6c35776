"""What the value of a setting looks like, and how tables of settings are read: everything that is wrong in them, with its place."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from ropeway.checks.nodes import (
    BLANK,
    Mistake,
    Mistakes,
    Node,
    Sequence,
    Table,
    is_blank,
    is_nothing,
    mistake,
    table_of,
    text_of,
)
from ropeway.checks.secrets import SHORTEST
from ropeway.checks.words import unknown
from ropeway.inputs import camel

T = TypeVar("T")

TEMPLATE = r"\{[^{}]+\}"
"""A variable, which may stand wherever a text can: `{env.PORT}` for a number, too."""


class Settings:
    """What all dataclasses of settings have."""

    def problems(self) -> Iterator[str]:
        """What is wrong with the values taken together, a sentence each."""
        yield from ()


S = TypeVar("S", bound=Settings)


@dataclass(frozen=True)
class Form(Generic[T]):
    """What a value looks like. `read` takes node and name of the setting, and raises Mistakes.

    `word` names it in the docs ("text", "duration"); `schema` is its JSON Schema; `inner` the settings within it, if any.
    """

    word: str
    schema: Mapping[str, Any]
    read: Callable[[Node, str], T]
    inner: type[Settings] | None = None


@dataclass(frozen=True)
class Setting:
    """The declaration of one setting. `default` is a value as `form.read` gives it."""

    help: str
    form: Form[Any]
    default: Any
    required: bool = False
    secret: bool = False


@dataclass(frozen=True)
class Named:
    """A setting with its names: `field` in Python, `name` in the suite."""

    field: str
    name: str
    setting: Setting


def named(settings: type[Settings]) -> tuple[Named, ...]:
    """The settings of a dataclass in the order of their declaration."""
    fields = dataclasses.fields(settings)  # type: ignore[arg-type]  # whoever derives from Settings is a dataclass: tested
    return tuple(Named(f.name, camel(f.name.removesuffix("_")), f.metadata["setting"]) for f in fields)


# --- forms ------------------------------------------------------------------------------------------------------------------


def of_text(word: str, schema: Mapping[str, Any], read: Callable[[str], T]) -> Form[T]:
    """A value that is written as one text. `read` raises ValueError, worded to follow the setting's name."""

    def read_text(node: Node, name: str) -> T:
        given = text_of(node, name)
        try:
            return read(given)
        except ValueError as wrong:
            raise mistake(node, f"{name} {wrong}") from None

    return Form(word, schema, read_text)


def many(form: Form[T]) -> Form[tuple[T, ...]]:
    def read_many(node: Node, name: str) -> tuple[T, ...]:
        items = node.items if isinstance(node, Sequence) else (node,)
        return tuple(_all(lambda item=item: form.read(item, name) for item in items))  # type: ignore[misc]  # mypy takes no default in a lambda

    schema = {"anyOf": [form.schema, {"type": "array", "items": form.schema}]}
    return Form(f"{form.word}, or a list of them", schema, read_many, form.inner)


def record_form(settings: type[S]) -> Form[S]:
    return Form("settings", schema_of(settings), lambda node, name: read(settings, node, name), settings)


def short_form(settings: type[S], field: str) -> Form[S]:
    """Settings, or the one `field` of them alone."""
    alone = next(item.setting.form for item in named(settings) if item.field == field)

    def read_short(node: Node, name: str) -> S:
        if isinstance(node, Table):
            return read(settings, node, name)
        return settings(**{field: alone.read(node, name)})

    return Form(f"{alone.word}, or settings", {"anyOf": [alone.schema, schema_of(settings)]}, read_short, settings)


def mapping_form(form: Form[T]) -> Form[dict[str, T]]:
    def read_mapping(node: Node, name: str) -> dict[str, T]:
        entries = table_of(node, name).entries
        read_values = _all(lambda key=key, item=item: form.read(item, f"{name}.{key.text}") for key, item in entries)  # type: ignore[misc]  # as above
        return dict(zip((key.text for key, _ in entries), read_values, strict=True))

    return Form(
        f"names, each with {form.word}",
        {"type": "object", "additionalProperties": form.schema},
        read_mapping,
        form.inner,
    )


def text_form(check: Callable[[str], object] | None, schema: Mapping[str, Any]) -> Form[str]:
    def read_text(given: str) -> str:
        if check:
            check(given)
        return given

    return of_text("text", {"type": ["string", "number", "boolean"], **schema}, read_text)


# --- reading ----------------------------------------------------------------------------------------------------------------


def read(settings: type[S], node: Node, name: str) -> S:
    """The typed settings of a table. Raises Mistakes with everything that is wrong in it."""
    table = table_of(node, name)
    wanted = {item.name: item for item in named(settings)}
    wrong = [
        Mistake(key.at, unknown(key.text, wanted, f"a setting of {name}"))
        for key, _ in table.entries
        if key.text not in wanted
    ]
    found: dict[str, Any] = {}
    for item in wanted.values():
        try:
            found |= _field(item, table, name)
        except Mistakes as more:
            wrong.extend(more.mistakes)
    if wrong:
        raise Mistakes(*wrong)
    result = settings(**found)
    if problems := [Mistake(node.at, problem) for problem in result.problems()]:
        raise Mistakes(*problems)
    return result


def _field(item: Named, table: Table, name: str) -> dict[str, Any]:
    given = table.get(item.name)
    if given is not None and is_blank(given) and not item.setting.required:
        raise mistake(given, f"{item.name} {BLANK}")
    if given is not None and not is_nothing(given):
        found = _read_field(item, given)
        if not (item.setting.required and _is_empty(found)):
            return {item.field: found}
    if item.setting.required:
        raise mistake(given or table, f"{name} needs {item.name}: {item.setting.help}")
    return {}


def _is_empty(found: Any) -> bool:
    """Of what is required, nothing in quotes or brackets is nothing: a check of no targets would pass unasked."""
    return found == "" or (isinstance(found, (tuple, dict)) and not [one for one in found if one != ""])


def _read_field(item: Named, given: Node) -> Any:
    """What is wrong with a secret is not told: it would show it."""
    try:
        found = item.setting.form.read(given, item.name)
    except Mistakes:
        if not item.setting.secret:
            raise
    else:
        if item.setting.secret and any(0 < len(text) < SHORTEST for text in _texts_within(found, secret=True)):
            raise mistake(
                given, f"{item.name} has fewer than {SHORTEST} characters: so short a secret cannot be masked."
            )
        return found
    raise mistake(
        given, f"{item.name} cannot be what is given (it is not shown, for it is a secret): {item.setting.help}"
    )


def _all(reads: Iterable[Callable[[], T]]) -> list[T]:
    """Each read, and every mistake of each."""
    results: list[T] = []
    wrong: list[Mistake] = []
    for one in reads:
        try:
            results.append(one())
        except Mistakes as more:
            wrong.extend(more.mistakes)
    if wrong:
        raise Mistakes(*wrong)
    return results


def secrets_of(given: Settings) -> Iterator[str]:
    """The texts of all settings that are secret, those within settings too."""
    for item in named(type(given)):
        yield from _texts_within(getattr(given, item.field), secret=item.setting.secret)


def _texts_within(value: Any, *, secret: bool) -> Iterator[str]:
    if isinstance(value, Settings):
        yield from secrets_of(value)
    elif isinstance(value, Mapping):
        yield from (text for one in value.values() for text in _texts_within(one, secret=secret))
    elif isinstance(value, (tuple, list)):
        yield from (text for one in value for text in _texts_within(one, secret=secret))
    elif secret and value is not None:
        yield str(value)


# --- JSON Schema ------------------------------------------------------------------------------------------------------------


def schema_of(settings: type[Settings]) -> dict[str, Any]:
    """JSON Schema (draft 07, which editors know) of a table of settings."""
    items = named(settings)
    required = [item.name for item in items if item.setting.required]
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": {item.name: _property(item.setting) for item in items},
        **({"required": required} if required else {}),
    }


def _property(setting: Setting) -> dict[str, Any]:
    told: dict[str, Any] = {"description": setting.help}
    schema = dict(setting.form.schema)
    if (
        not schema
        or "string" in str(schema.get("type"))
        or "enum" in schema
        or "anyOf" in schema
        or schema.get("type") == "object"
    ):
        return {**told, **schema}
    return {**told, "anyOf": [schema, {"type": "string", "pattern": TEMPLATE}]}
