"""What a set-up command does with its plan: one request after the other, until one is refused."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar

from ropeway.errors import RopewayError
from ropeway.outcome import Done, Outcome, Output, Plan, Reason, Step

W = TypeVar("W")


@dataclass(frozen=True, kw_only=True)
class SetupPlan(Plan[W]):
    """`outputs` are those that are known before anything is done."""

    outputs: tuple[Output, ...] = ()


def step(kind: Literal["create", "configure", "skip"], name: str, work: W | None = None) -> Step[W]:
    reason = {"create": Reason.NEW, "configure": Reason.SETTINGS, "skip": Reason.UNCHANGED}[kind]
    return Step(kind, name, reason, 0, work)


def carry_out(planned: SetupPlan[W], do: Callable[[W], Sequence[Output]], done: str) -> Outcome[W]:
    """In the order of the plan: whatever is attached to something comes after it. The first error ends it; a second run goes on from there.

    `do` answers the outputs that are known only now.
    """
    began, results, error = time.monotonic(), [], None
    outputs = {output.name: output for output in planned.outputs}
    for one in planned.todo:
        if one.work is None:
            continue
        try:
            outputs |= {output.name: output for output in do(one.work)}
        except RopewayError as refused:
            results.append(Done(one, error=refused))
            error = refused
            break
        results.append(Done(one))
    title = done if error is None else "Not finished: " + planned.title
    told = tuple(outputs.values()) if error is None else ()
    return Outcome(title, planned, tuple(results), told, time.monotonic() - began, error=error)
