"""The names of all inputs that were ever declared, by task and major. It only grows: pipelines that say them must go on working."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from ropeway.inputs import declared
from ropeway.tasks.task import Task
from tooling.generate import GenerateError

Ledger = Mapping[str, Sequence[str]]


def grown(ledger: str, tasks: Sequence[Task[Any, Any]]) -> str:
    """The ledger with what is declared now added. Raises GenerateError when a name in it is declared no more."""
    before: Ledger = json.loads(ledger or "{}")
    now = {f"{task.pipeline_name}@{task.major}": _names(task) for task in tasks}
    lost = [_lost(task, name) for task in now for name in before.get(task, ()) if name not in now[task]]
    if lost:
        raise GenerateError("\n".join(lost))
    return json.dumps({**before, **{task: sorted(now[task]) for task in now}}, indent=2, sort_keys=True) + "\n"


def _names(task: Task[Any, Any]) -> set[str]:
    return {name for item in declared(task.inputs) for name in (item.name, *item.input.aliases)}


def _lost(task: str, name: str) -> str:
    return (
        f"{task}: the input {name} is in tooling/ledgers/inputs.json, but is not declared any more; pipelines that set it would fail. "
        f"Keep it; or, if it has a new name, give the new input aliases=({name!r},); "
        f"or, if it must go, raise the task's major and leave the old one's list in the ledger as it is."
    )
