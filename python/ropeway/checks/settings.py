"""How a setting of a check is declared, once, and read, once.

The settings of a kind are one frozen, keyword-only dataclass that derives from `Settings`. Each field is made by one of the functions below
(`text`, `whole`, `duration`, ...), which carry help, default and the rest. From the declaration come the reading of the suite,
with the place of every mistake, the JSON Schema for editors, and the tables in docs/checks.md.

The name in the suite is the field's in camelCase (`expect_status` -> `expectStatus`). A field that ends in an underscore, because
its name is a word of Python's, loses it (`from_` -> `from`). The sibling for the inputs of tasks, which are texts, is
`ropeway.inputs`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import field
from typing import Any, TypeVar

from ropeway.checks.forms import (
    TEMPLATE,
    Form,
    Setting,
    Settings,
    many,
    mapping_form,
    named,
    of_text,
    read,
    record_form,
    schema_of,
    short_form,
    text_form,
)
from ropeway.checks.nodes import plain, table_of
from ropeway.checks.words import PARTS, duration_of, number_of, one_of, pattern_of, size_of, truth_of, unknown, whole_of

__all__ = [
    "Form", "Setting", "Settings", "by_name", "choice", "duration", "flag", "many", "mapping", "named", "number", "of", "of_text",
    "parsed", "parsed_many", "pattern", "plain", "read", "record", "record_form", "records", "schema_of", "short", "short_form", "size",
    "table_of", "text", "texts", "unknown", "value", "values", "whole",
]  # fmt: skip

T = TypeVar("T")

PLAIN: Mapping[str, Any] = {"type": ["string", "number", "boolean"]}
"""What YAML makes of a text without quotes."""

# --- declaring: one value -------------------------------------------------------------------------------------------------


def text(
    help: str,
    *,
    default: str | None = "",
    check: Callable[[str], object] | None = None,
    schema: Mapping[str, Any] | None = None,
    **rest: Any,
) -> Any:
    """`check` raises ValueError with what is wrong, worded to follow the setting's name ("is no address")."""
    return of(text_form(check, schema or {}), help, default=default, **rest)


def texts(
    help: str, *, default: tuple[str, ...] = (), check: Callable[[str], object] | None = None, **rest: Any
) -> Any:
    """A list of texts, as a tuple. A single text is a list of one."""
    return of(many(text_form(check, {})), help, default=default, **rest)


def parsed(
    help: str,
    *,
    word: str,
    read: Callable[[str], T],
    schema: Mapping[str, Any] | None = None,
    default: T | None = None,
    **rest: Any,
) -> Any:
    """A text that means something. `read` raises ValueError with what is wrong, worded to follow the setting's name."""
    return of(of_text(word, schema or PLAIN, read), help, default=default, **rest)


def whole(help: str, *, at_least: int = 0, at_most: int | None = None, default: int | None = None, **rest: Any) -> Any:
    """A whole number within bounds, both included."""
    bounds = {"minimum": at_least, **({} if at_most is None else {"maximum": at_most})}
    return of(
        of_text("whole number", {"type": "integer", **bounds}, lambda given: whole_of(given, at_least, at_most)),
        help,
        default=default,
        **rest,
    )


def number(help: str, *, at_least: float = 0, default: float | None = None, **rest: Any) -> Any:
    return of(
        of_text("number", {"type": "number", "minimum": at_least}, lambda given: number_of(given, at_least)),
        help,
        default=default,
        **rest,
    )


def flag(help: str, *, default: bool | None = False, **rest: Any) -> Any:
    """With the default None there is a third state: not said."""
    return of(of_text("true or false", {"type": "boolean"}, truth_of), help, default=default, **rest)


def choice(help: str, *, choices: Iterable[str], default: str = "", **rest: Any) -> Any:
    words = tuple(choices)
    return of(
        of_text(
            "one of " + ", ".join(f"`{word}`" for word in words),
            {"enum": list(words)},
            lambda given: one_of(given, words),
        ),
        help,
        default=default,
        **rest,
    )


def duration(help: str, *, default: float | None = None, at_least: float = 0, **rest: Any) -> Any:
    """`500ms`, `30s`, `5m`, `1h30m`, `14d`; seconds, as a float. A number without a unit is a mistake."""
    schema = {"type": "string", "pattern": rf"^({PARTS}+|0|{TEMPLATE})$"}
    return of(of_text("duration", schema, lambda given: duration_of(given, at_least)), help, default=default, **rest)


def pattern(help: str, **rest: Any) -> Any:
    """A regular expression of Python's, compiled."""
    return of(
        of_text("regular expression", {"type": "string", "format": "regex"}, pattern_of), help, default=None, **rest
    )


def size(help: str, *, default: int | None = None, **rest: Any) -> Any:
    """`512`, `64 KB`, `10 MB`, `1 GB` (powers of 1024); bytes."""
    schema = {"type": ["string", "integer"], "pattern": rf"^([0-9]+ ?(bytes|KB|MB|GB)?|{TEMPLATE})$"}
    return of(of_text("size", schema, size_of), help, default=default, **rest)


def value(help: str, *, default: Any = None, **rest: Any) -> Any:
    """Any value: texts in quotes stay texts, plain ones are numbers, true, false and null where YAML 1.2 says so."""
    return of(Form("any value", {}, lambda node, _: plain(node)), help, default=default, **rest)


# --- declaring: values within values ----------------------------------------------------------------------------------------


def mapping(help: str, **rest: Any) -> Any:
    """Names and texts, as a dict."""
    return of(mapping_form(text_form(None, {})), help, default={}, **rest)


def values(help: str, **rest: Any) -> Any:
    """Names and any values, as a dict."""
    return of(mapping_form(Form("any value", {}, lambda node, _: plain(node))), help, default={}, **rest)


def record(settings: type[Settings], help: str, **rest: Any) -> Any:
    """Settings within a setting; None when it is left out."""
    return of(record_form(settings), help, default=None, **rest)


def records(settings: type[Settings], help: str, **rest: Any) -> Any:
    """A list of settings, as a tuple. A single one is a list of one."""
    return of(many(record_form(settings)), help, default=(), **rest)


def parsed_many(
    help: str,
    *,
    word: str,
    read: Callable[[str], T],
    schema: Mapping[str, Any] | None = None,
    default: tuple[T, ...] = (),
    **rest: Any,
) -> Any:
    """A list of `parsed`. A single one is a list of one."""
    return of(many(of_text(word, schema or PLAIN, read)), help, default=default, **rest)


def short(settings: type[Settings], field: str, help: str, **rest: Any) -> Any:
    """A `record`; what is written without a table is the one `field` of it."""
    return of(short_form(settings, field), help, default=None, **rest)


def by_name(form: Form[Any], help: str, **rest: Any) -> Any:
    """Names, each with a value of that form, as a dict."""
    return of(mapping_form(form), help, default={}, **rest)


def of(form: Form[Any], help: str, *, default: Any, required: bool = False, secret: bool = False) -> Any:
    """A field of a form that is not among these. `secret`: its texts are masked wherever they would be printed."""
    # A secret stays out of the repr, which a trace may show.
    kept: dict[str, Any] = (
        {"default_factory": lambda: dict(default)} if isinstance(default, dict) else {"default": default}
    )
    return field(**kept, repr=not secret, metadata={"setting": Setting(help, form, default, required, secret)})
