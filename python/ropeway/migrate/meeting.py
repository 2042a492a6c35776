"""What a difference from the Toolkit is, and how a step that meets it is told from what it says."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from ropeway.migrate.steps import Step
from ropeway.migrate.values import DOTS, holds_expression

Meets = Callable[[Step], bool]


def nowhere(_: Step) -> bool:
    return False


def everywhere(_: Step) -> bool:
    return True


@dataclass(frozen=True)
class Difference:
    """`what` happens; what the Toolkit does then, and what Ropeway does, a sentence or two each.

    `met` says whether a step, as it is written, meets it for sure or likely. What depends on more than the step (the bucket, the
    files, the network) or is seen only in a better message is met nowhere: it stands in the docs.
    """

    name: str
    what: str
    toolkit: str
    ropeway: str
    met: Meets = nowhere


@dataclass(frozen=True)
class Room:
    """Differences that belong together; `tasks` are those that may meet them."""

    title: str
    tasks: tuple[str, ...]
    differences: tuple[Difference, ...]


# --- what a step says --------------------------------------------------------------------------------------------------


def switched(name: str) -> Meets:
    """The input may be true."""
    return lambda step: any(text.lower() != "false" for text in step.texts(name) if text)


def begins(name: str, *beginnings: str) -> Meets:
    return lambda step: any(text.startswith(beginnings) for text in step.texts(name))


def a_line(name: str, pattern: str) -> Meets:
    found = re.compile(pattern).search
    return lambda step: any(found(line) for line in step.lines_of(name))


def left_out(name: str) -> Meets:
    return lambda step: step.lacks(name)


def in_another_case(name: str, *choices: str) -> Meets:
    """Not to the letter, as the Toolkit compares, but as it is read here."""
    by_fold = {choice.casefold(): choice for choice in choices}
    return lambda step: any(by_fold.get(text.casefold(), text) != text for text in step.texts(name))


def prefix_without_slash(step: Step) -> bool:
    return any(text and not text.endswith("/") for text in step.texts("sourceFolder"))


def prefix_with_slash(step: Step) -> bool:
    return any(text.endswith("/") for text in step.texts("sourceFolder"))


def dots_in_target(step: Step) -> bool:
    return any(not DOTS.isdisjoint(re.split(r"[/\\]", text)) for text in step.texts("targetFolder"))


def never_overwrites(step: Step) -> bool:
    return any(text.lower() in {"false", "never"} for text in step.texts("overwrite"))


def key_in_the_clear(step: Step) -> bool:
    return any(text and not holds_expression(text) for text in step.texts("customerKey"))


def takes_in_by_pattern(step: Step) -> bool:
    lines = step.lines_of("globExpressions") or ("**",)
    return any(set("*?[") & set(line) for line in lines if not line.startswith("!"))
