"""The generated blocks of docs/checks.md, and the JSON Schema of a suite: from the declarations of the kinds."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from ropeway.checks.kind import Kind
from ropeway.checks.options import Options, SuiteSettings
from ropeway.checks.registry import all_kinds
from ropeway.checks.schema import suite_schema
from ropeway.checks.settings import Setting, Settings, named
from ropeway.checks.words import lasting
from ropeway.outcome import in_units
from tooling.generate.pages import PLACES, table

SCHEMA = "docs/ropeway-checks.schema.json"


def schema() -> str:
    return json.dumps(suite_schema(all_kinds()), indent=2, ensure_ascii=False) + "\n"


def blocks() -> Mapping[str, str]:
    kinds = all_kinds()
    return {
        "suite": settings_table(SuiteSettings),
        "options": settings_table(Options),
        "list": table(
            ("Kind", "What it asks"), [(f"[`{kind.name}`](#{kind.name})", _first_sentence(kind.help)) for kind in kinds]
        ),
        "kinds": "\n\n".join(map(_kind, kinds)),
    }


def _first_sentence(help: str) -> str:
    return re.split(r"(?<=\.) (?=[A-Z`])", help, maxsplit=1)[0]


def _kind(kind: Kind[Any]) -> str:
    example = "\n".join(f"    {line}" for line in kind.example.strip().splitlines())
    parts = [
        f"### {kind.name}",
        kind.help,
        f"```yaml\nmy check:\n  {kind.name}:\n{example}\n```",
        settings_table(kind.settings),
    ]
    return "\n\n".join([*parts, *_actions(kind)])


def _actions(kind: Kind[Any]) -> Iterator[str]:
    if kind.actions:
        rows = [
            (f"`{needed.action}`", f"`{needed.resource.format(**PLACES)}`", needed.when or "always")
            for needed in kind.actions
        ]
        yield table(("IAM action", "On", "When"), rows)


def settings_table(settings: type[Settings]) -> str:
    return table(("Setting", "Takes", "What it is"), list(_rows(settings, "")))


def _rows(settings: type[Settings], within: str) -> Iterator[tuple[str, str, str]]:
    for item in named(settings):
        form = item.setting.form
        yield f"`{within}{item.name}`", form.word, item.setting.help + _default(item.setting) + _secret(item.setting)
        if form.inner and form.inner is not Options:
            name = next((f"{one.upper()}." for one in ("name", "glob") if form.word.startswith(f"{one}s")), "")
            yield from _rows(form.inner, f"{within}{item.name}.{name}")


def _secret(setting: Setting) -> str:
    return " Secret: it is masked." if setting.secret else ""


def _default(setting: Setting) -> str:
    if setting.required:
        return " Required."
    value = setting.default
    if value in (None, "", (), {}) or (value is False):
        return ""
    if setting.form.word == "duration":
        return f" Default: `{lasting(value) if value else 0}`."
    if setting.form.word == "size":
        return f" Default: `{in_units(value)}`."
    if isinstance(value, bool):
        return " Default: `true`."
    shown = ", ".join(f"`{one}`" for one in value) if isinstance(value, tuple) else f"`{value}`"
    return f" Default: {shown}."
