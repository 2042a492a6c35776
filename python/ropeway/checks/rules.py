"""What a text has to be: a header, a cookie, the output of a command, the metadata of an object."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from ropeway.checks import settings
from ropeway.checks.asking import Asking
from ropeway.checks.finding import Finding, excerpt, judged
from ropeway.checks.settings import Settings
from ropeway.checks.words import some_text


@dataclass(frozen=True, kw_only=True)
class TextRule(Settings):
    equals: str | None = settings.text("The whole text.", default=None)
    contains: tuple[str, ...] = settings.texts("Texts that stand in it, all of them.", check=some_text)
    excludes: tuple[str, ...] = settings.texts("Texts that do not stand in it, none of them.", check=some_text)
    matches: re.Pattern[str] | None = settings.pattern("A regular expression that is found in it.")
    absent: bool = settings.flag("`true`: it must not be there at all.")

    def problems(self) -> Iterator[str]:
        if self.absent and self.compares:
            yield "absent stands alone: what is not there has no text."
        if not self.absent and not self.compares:
            names = ", ".join(item.name for item in settings.named(type(self)) if item.name != "absent")
            yield f"There is nothing to compare with: set one of {names}, or absent."

    @property
    def compares(self) -> bool:
        return self.equals is not None or bool(self.contains or self.excludes or self.matches)


def judged_text(
    rule: TextRule, what: str, value: str | None, asking: Asking, *, told: str | None = None, advice: str = ""
) -> Finding:
    """`what` is its name ("header server"); `told` stands for the value where that is not for everybody's eyes."""
    got = f"no {what}" if value is None else f"{what} {_shown(value, told)}"
    if rule.absent:
        return judged(value is None, f"no {what}", got, advice=advice)
    answers = dict(_answers(rule, value or "", asking))
    missed = [words for words, well in answers.items() if value is None or not well]
    return judged(not missed, f"{what} {' and '.join(missed or answers)}", got, advice=advice)


def _answers(rule: TextRule, value: str, asking: Asking) -> Iterator[tuple[str, bool]]:
    if rule.equals is not None:
        yield f'"{excerpt(rule.equals)}"', value == rule.equals
    for text in rule.contains:
        yield f'with "{excerpt(text)}"', text in value
    for text in rule.excludes:
        yield f'without "{excerpt(text)}"', text not in value
    if rule.matches:
        yield f"matching /{rule.matches.pattern}/", asking.search(rule.matches, value) is not None


def _shown(value: str, told: str | None) -> str:
    return f'"{excerpt(value)}"' if told is None else told
