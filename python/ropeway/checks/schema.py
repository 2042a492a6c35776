"""The JSON Schema of a suite (draft 07, which editors know), from the same declarations that read it."""

from __future__ import annotations

from typing import Any

from ropeway.checks.kind import Kind
from ropeway.checks.options import Options, SuiteSettings
from ropeway.checks.settings import schema_of

TEXT = {"type": ["string", "number", "boolean"]}


def suite_schema(kinds: tuple[Kind[Any], ...]) -> dict[str, Any]:
    suite = schema_of(SuiteSettings)
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Checks of Ropeway",
        "description": "What is asked after a deploy: ropeway-checks.yml.",
        **suite,
        "properties": {
            "variables": {
                "description": "Texts to be used as {vars.name}. They may hold {release.id}, {env.NAME} and {outputs.name}.",
                "type": "object",
                "additionalProperties": TEXT,
            },
            **suite["properties"],
            "checks": {
                "description": "What is asked: checks, each under a name of its own.",
                "type": "object",
                "minProperties": 1,
                "additionalProperties": _check(kinds),
            },
        },
        "required": ["checks"],
    }


def _check(kinds: tuple[Kind[Any], ...]) -> dict[str, Any]:
    """The settings of a check, and just one kind."""
    options = schema_of(Options)
    names = {"type": "string", "description": "The name of a check."}
    asked = {kind.name: {"description": f"{kind.title}. {kind.help}", **schema_of(kind.settings)} for kind in kinds}
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            **asked,
            **options["properties"],
            "requires": {
                "description": "Checks that have to be green first.",
                "anyOf": [names, {"type": "array", "items": names}],
            },
        },
        "oneOf": [{"required": [kind.name]} for kind in kinds],
    }
