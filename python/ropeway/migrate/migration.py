"""A file of YAML with the Toolkit's steps made Ropeway's: nothing else of it changes, not a blank."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from ropeway.errors import InputError
from ropeway.inputs import camel, declared, read
from ropeway.migrate.differences import DIFFERENCES, met_by
from ropeway.migrate.meeting import Difference
from ropeway.migrate.steps import Scalar, Step, find_steps
from ropeway.migrate.toolkit import COVERED
from ropeway.migrate.values import REWRITERS, holds_expression
from ropeway.registry import all_tasks
from ropeway.tasks.task import Task

AnyTask = Task[Any, Any]

OURS = {task.name: task for task in all_tasks() if task.name in {covered.name for covered in COVERED}}
"""By the Toolkit's name, which is the same."""


@dataclass(frozen=True)
class Remark:
    """Something to say about this line, counted from 1."""

    line: int
    message: str


@dataclass(frozen=True)
class Met:
    """A difference, and the lines of the steps that meet it."""

    difference: Difference
    lines: tuple[int, ...]


@dataclass(frozen=True)
class Migration:
    """What becomes of one file: its text before and after.

    `moved` are the steps that change, each with its new task; `remarks` is what is wrong with them; `left` are those that stay the
    Toolkit's, each with its task.
    """

    path: str
    before: str
    after: str
    moved: tuple[Remark, ...]
    differences: tuple[Met, ...]
    remarks: tuple[Remark, ...]
    left: tuple[Remark, ...]


def migrate(path: str, text: str) -> Migration:
    """Raises InputError that says where the text is no YAML."""
    found = find_steps(path, text)
    covered = [(step, OURS[step.task]) for step in found if step.task in OURS]
    renewed = [(_rewritten(step, text), task) for step, task in covered]
    return Migration(
        path=path,
        before=text,
        after=_edited(text, (edit for step, task in covered for edit in _edits(step, task, text))),
        moved=tuple(Remark(step.line, _reference(task)) for step, task in covered),
        differences=tuple(_met(step for step, _ in renewed)),
        remarks=tuple(remark for step, task in renewed for remark in _remarks(step, task)),
        left=tuple(Remark(step.line, step.written.value.strip()) for step in found if step.task not in OURS),
    )


def _reference(task: AnyTask) -> str:
    return f"{task.pipeline_name}@{task.major}"


# --- the text ----------------------------------------------------------------------------------------------------------

_Edit = tuple[Scalar, str]


def _edits(step: Step, task: AnyTask, text: str) -> Iterator[_Edit]:
    """The texts of the step that change, each with what is to be written in its place."""
    name, old = step.written.value.strip(), text[step.written.begin : step.written.end]
    yield step.written, old.replace(name, _reference(task)) if name in old else _reference(task)
    for name, scalars in step.inputs.items():
        for scalar in scalars:
            old = text[scalar.begin : scalar.end]
            if (new := _respelled(step.task, name, scalar, text, old)) != old:
                yield scalar, new or "''"


def _respelled(task: str, name: str, scalar: Scalar, text: str, of: str) -> str:
    r"""`of`, which is the value or what is written of it, with each line replaced that is another one here. Quotes and blanks stay.

    What is written otherwise than it reads (`'it''s'`, `"\t"`) is left to be looked at. A line that is part of a longer one is not taken for it.
    """
    rewrite = REWRITERS.get((task, name), str)
    written = text[scalar.begin : scalar.end]
    lines = [line for line in map(str.strip, scalar.value.splitlines()) if line and line in written]
    if not lines:
        return of
    longest_first = "|".join(map(re.escape, sorted(lines, key=len, reverse=True)))
    return re.sub(longest_first, lambda found: rewrite(found[0]), of)


def _edited(text: str, edits: Iterable[_Edit]) -> str:
    """An alias leads several steps to one place, which changes once."""
    once = {at.begin: (at, new) for at, new in edits}
    for _, (at, new) in sorted(once.items(), reverse=True):
        text = text[: at.begin] + new + text[at.end :]
    return text


# --- what to look at ---------------------------------------------------------------------------------------------------


def _rewritten(step: Step, text: str) -> Step:
    """The step with the values that it will have."""
    inputs = {
        name: tuple(
            replace(scalar, value=_respelled(step.task, name, scalar, text, scalar.value)) for scalar in scalars
        )
        for name, scalars in step.inputs.items()
    }
    return replace(step, inputs=inputs)


def _met(steps: Iterable[Step]) -> Iterator[Met]:
    lines: dict[str, list[int]] = {}
    for step in steps:
        for difference in met_by(step):
            lines.setdefault(difference.name, []).append(step.line)
    for difference in DIFFERENCES:
        if difference.name in lines:
            yield Met(difference, tuple(lines[difference.name]))


def _remarks(step: Step, task: AnyTask) -> Iterator[Remark]:
    names = {name.lower() for item in declared(task.inputs) for name in (item.name, *item.input.aliases)}
    for name, (scalar, *_) in step.inputs.items():
        if name not in names:
            yield Remark(
                scalar.line, f"Neither the Toolkit's {step.task} nor {task.pipeline_name} has an input {name}."
            )
    for problem in _refusals(step, task):
        yield Remark(step.line, f"{task.pipeline_name} would refuse this step: {problem}")


def _refusals(step: Step, task: AnyTask) -> Iterator[str]:
    """What the task itself would say, as far as the values can be read here."""
    given = {item.field: _one_text(step, item.name) for item in declared(task.inputs)}
    unknown = {item.name for item in declared(task.inputs) if given[item.field] is None}
    try:
        read(task.inputs, {field: text for field, text in given.items() if text}, camel)
    except InputError as refused:
        for problem in refused.problems:
            if not _speaks_of(problem, unknown):
                yield problem


def _one_text(step: Step, name: str) -> str | None:
    """The value of the input; None when it cannot be known here."""
    texts = step.texts(name) or ("",)
    known = len(texts) == 1 and not holds_expression(texts[0]) and not (step.open and not texts[0])
    return texts[0] if known else None


def _speaks_of(problem: str, names: Iterable[str]) -> bool:
    return any(re.search(rf"\b{name}\b", problem) for name in names)
