"""The generated blocks of docs/migrating.md: the Toolkit's inputs against ours, and what behaves otherwise."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ropeway.inputs import Declared, declared
from ropeway.migrate.differences import ROOMS
from ropeway.migrate.meeting import Room
from ropeway.migrate.toolkit import COVERED, NOT_COVERED, ToolkitInput, ToolkitTask
from ropeway.tasks.task import Task
from tooling.generate import GenerateError
from tooling.generate.pages import table

AnyTask = Task[Any, Any]


def blocks(tasks: Sequence[AnyTask]) -> Mapping[str, str]:
    """Raises GenerateError for an input of the Toolkit that Ropeway does not declare."""
    ours = {task.name: task for task in tasks}
    return {
        "inputs": "\n\n".join(_inputs(theirs, ours[theirs.name]) for theirs in COVERED),
        "differences": "\n\n".join(map(_differences, ROOMS)),
        "not-covered": ", ".join(f"`{name}`" for name in NOT_COVERED) + ".",
    }


def _inputs(theirs: ToolkitTask, ours: AnyTask) -> str:
    declarations = {item.name: item for item in declared(ours.inputs)}
    missing = [given.name for given in theirs.inputs if given.name not in declarations]
    if missing:
        raise GenerateError(f"{ours.pipeline_name} has no input {', '.join(missing)}, which the Toolkit's task has.")
    rows = [_row(given, declarations[given.name]) for given in theirs.inputs]
    heading = f"### `{theirs.name}@1` becomes `{ours.pipeline_name}@{ours.major}`"
    return f"{heading}\n\n{table(('Input', 'Default in the Toolkit', 'Default here', 'Here'), rows)}"


def _row(theirs: ToolkitInput, ours: Declared) -> tuple[str, ...]:
    return (
        f"`{theirs.name}`",
        _default(theirs.required, theirs.default),
        _default(ours.input.required, ours.input.default),
        theirs.change or "the same",
    )


def _default(required: bool, default: str) -> str:
    return "required" if required else f"`{default}`" if default else ""


def _differences(room: Room) -> str:
    heads = ("What happens", "The AWS Toolkit", "Ropeway")
    return f"### {room.title}\n\n{table(heads, list(_rows(room)))}"


def _rows(room: Room) -> Iterator[tuple[str, ...]]:
    for difference in room.differences:
        yield difference.what, difference.toolkit, difference.ropeway
