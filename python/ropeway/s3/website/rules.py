"""Routing rules, as S3's console shows them: YAML or JSON. (S3 user guide, "Configuring advanced conditional redirects".)"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any

from ropeway.checks.forms import many, record_form
from ropeway.checks.nodes import Mistakes, Node, Scalar, Sequence, Table
from ropeway.checks.settings import Settings, choice, record, text
from ropeway.errors import InputError

MOST = 50
"""Rules of a website (S3 user guide, the same page)."""


def _status(pattern: str, example: str) -> Any:
    def check(given: str) -> None:
        if not re.fullmatch(pattern, given):
            raise ValueError(f"is {given!r}; it is a status as {example}.")

    return check


def _host(given: str) -> None:
    if not re.fullmatch(r"[A-Za-z0-9.-]+(:[0-9]{1,5})?", given):
        raise ValueError(f"is {given!r}, which is no host name.")


@dataclass(frozen=True, kw_only=True)
class ConditionSettings(Settings):
    """When a rule counts: both, where both are said."""

    key_prefix_equals: str | None = text("What the key begins with.", default=None)
    http_error_code_returned_equals: str | None = text(
        "The error that it would be.", default=None, check=_status("[45][0-9]{2}", "404")
    )

    def problems(self) -> Iterator[str]:
        if self.key_prefix_equals is None and self.http_error_code_returned_equals is None:
            yield "A condition needs keyPrefixEquals or httpErrorCodeReturnedEquals. Without a condition a rule counts always."


@dataclass(frozen=True, kw_only=True)
class RedirectSettings(Settings):
    """Where to; what is not said stays as it was asked."""

    host_name: str | None = text("Another host.", default=None, check=_host)
    protocol: str = choice("Another protocol.", choices=("http", "https"))
    replace_key_prefix_with: str | None = text("Instead of what keyPrefixEquals says.", default=None)
    replace_key_with: str | None = text("Instead of the whole key.", default=None)
    http_redirect_code: str | None = text("Instead of 301.", default=None, check=_status("30[1-578]", "302"))

    def problems(self) -> Iterator[str]:
        if self.replace_key_prefix_with is not None and self.replace_key_with is not None:
            yield "A redirect has replaceKeyPrefixWith or replaceKeyWith, not both."
        if not dict(_said(self)):
            yield "A redirect leads nowhere: say at least one thing of it."


@dataclass(frozen=True, kw_only=True)
class RuleSettings(Settings):
    condition: ConditionSettings | None = record(ConditionSettings, "When it counts; always, where it is left out.")
    redirect: RedirectSettings | None = record(RedirectSettings, "Where it leads.", required=True)


RULES = many(record_form(RuleSettings))


def read_rules(given: str, source: str) -> tuple[dict[str, Any], ...]:
    """As S3's API takes them. `source` names the text in messages. Raises InputError with every mistake: `routingRules:2:5: what is wrong`."""
    from ropeway.checks.yaml import parse  # noqa: PLC0415 - start-up counts

    try:
        rules = RULES.read(_lowered(parse(given)), source)
    except Mistakes as wrong:
        ordered = sorted(dict.fromkeys(wrong.mistakes), key=lambda one: (one.at.line, one.at.column))
        raise InputError([f"{source}:{one.at.line}:{one.at.column}: {one.words}" for one in ordered]) from None
    if len(rules) > MOST:
        raise InputError([f"{source} holds {len(rules)} rules; a website has at most {MOST}."])
    return tuple(_as_s3(rule) for rule in rules)


def _lowered(node: Node) -> Node:
    """S3 begins names with a capital (KeyPrefixEquals), Ropeway's files do not: both are taken."""
    if isinstance(node, Table):
        return Table(tuple((_small(key), _lowered(inner)) for key, inner in node.entries), node.at)
    if isinstance(node, Sequence):
        return Sequence(tuple(map(_lowered, node.items)), node.at)
    return node


def _small(key: Scalar) -> Scalar:
    return Scalar(key.text[:1].lower() + key.text[1:], key.plain, key.at)


def _as_s3(rule: RuleSettings) -> dict[str, Any]:
    parts = {"Condition": rule.condition, "Redirect": rule.redirect}
    return {name: dict(_said(settings)) for name, settings in parts.items() if settings}


def _said(settings: Settings) -> Iterator[tuple[str, str]]:
    for one in fields(settings):  # type: ignore[arg-type]  # whoever derives from Settings is a dataclass
        value = getattr(settings, one.name)
        if value is not None and (value or one.name != "protocol"):
            yield "".join(part.capitalize() for part in one.name.split("_")), value
