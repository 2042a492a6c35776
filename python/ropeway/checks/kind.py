"""What a kind of check is: its settings, and the function that asks once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from ropeway.aws.policy import IamAction
from ropeway.checks.asking import Asking
from ropeway.checks.finding import Finding
from ropeway.checks.settings import Settings

S = TypeVar("S", bound=Settings)


def one_target(_: Settings) -> tuple[str, ...]:
    return ("",)


def one_answer(_: Settings) -> int:
    return 1


@dataclass(frozen=True, kw_only=True)
class Kind(Generic[S]):
    """One file in `checks/kinds`, called as the kind with underscores for hyphens, exports one as KIND.

    `subject` says what is asked of a target, for the plan: "https://example.com/ answers". `targets` are what it fans out to: each is asked
    for itself, as `asking.target`, and is a test case of its own; one empty target where there is but one thing to ask.
    `ask` asks once and returns; waiting and asking again are the runner's. `answers` is how many it waits for, one after the other, each with a time of its own. `actions` are the IAM actions that it needs, `services`
    botocore's names of the services it calls, which have to travel in the extension. `runs` says that asking runs something
    of the user's (a command, a function), so that a steady window asks it no oftener than its `every`. `example` are settings in YAML, for the docs.
    """

    name: str
    title: str
    help: str
    settings: type[S]
    subject: Callable[[S, str], str]
    ask: Callable[[S, Asking], Finding]
    targets: Callable[[S], tuple[str, ...]] = one_target
    answers: Callable[[S], int] = one_answer
    actions: tuple[IamAction, ...] = ()
    services: tuple[str, ...] = ()
    runs: bool = False
    example: str
