"""The Toolkit's tasks and inputs against what Ropeway declares."""

from __future__ import annotations

import pytest

from ropeway.inputs import declared
from ropeway.migrate.migration import OURS
from ropeway.migrate.toolkit import COVERED, NOT_COVERED, ToolkitInput, task_named

INPUTS = [pytest.param(task.name, given, id=f"{task.name}-{given.name}") for task in COVERED for given in task.inputs]
KINDS = {"radio": {"pickList"}, "pickList": {"pickList", "string"}, "boolean": {"boolean", "pickList"}}
"""Types of ours that take the values of a type of theirs, where it is not the same one."""


def ours(task: str, name: str):
    return next(item.input for item in declared(OURS[task].inputs) if item.name == name)


def values(given: ToolkitInput) -> set[str]:
    return {*given.choices, *(("true", "false", "True") if given.kind == "boolean" else ())}


@pytest.mark.parametrize(("task", "given"), INPUTS)
def test_every_input_is_declared_here_and_takes_every_value(task, given):
    here = ours(task, given.name)
    kind = f"connectedService:{here.endpoint_type}" if here.kind == "connectedService" else here.kind
    assert kind in KINDS.get(given.kind, {given.kind})
    for value in values(given):
        here.read(value)


@pytest.mark.parametrize(("task", "given"), [one for one in INPUTS if not one.values[1].change])
def test_what_is_called_the_same_has_the_same_default_and_the_same_values(task, given):
    here = ours(task, given.name)
    assert (here.default, here.required) == (given.default, given.required)
    assert {value: here.read(value) for value in given.choices} == {value: value for value in given.choices}


def test_nothing_is_required_here_that_was_not_required_there():
    assert [one.id for one in INPUTS if ours(*_named(one)).required and not one.values[1].required] == []


def _named(one) -> tuple[str, str]:
    task, given = one.values
    return task, given.name


def test_the_words_for_overwriting_mean_what_they_meant():
    overwrite = ours("S3Download", "overwrite")
    assert [overwrite.read(word) for word in ("true", "false", overwrite.default)] == ["always", "never", "always"]


def test_all_its_tasks_are_known_each_by_an_id_of_its_own():
    ids = [task.id for task in COVERED] + list(NOT_COVERED.values())
    assert len(ids) == len(set(ids)) == 22
    assert {task.name for task in COVERED}.isdisjoint(NOT_COVERED)


@pytest.mark.parametrize(
    ("reference", "name"),
    [
        ("S3Upload@1", "S3Upload"),
        ("s3upload@1", "S3Upload"),
        (" S3Download@1.23.0 ", "S3Download"),
        ("AmazonWebServices.aws-vsts-tools.S3Upload.S3Upload@1", "S3Upload"),
        ("amazonwebservices.aws-vsts-tools.S3Upload@1", "S3Upload"),
        ("3a219265-181c-4ed2-9a51-75a7f308f0d5@1", "S3Upload"),
        ("30F6A876-1D27-450C-B2BB-9F390A592082@1", "S3Download"),
        ("BC6233AD-6A33-41C0-B2AF-9D71898008D0@1", "SystemsManagerRunCommand"),
        ("AWSCLI@1", "AWSCLI"),
        ("RopewayS3Upload@1", None),
        ("acme.s3-tools.S3Upload.S3Upload@1", None),
        ("S3Upload@2", None),
        ("S3Upload", None),
        ("${{ parameters.task }}", None),
        ("Bash@3", None),
    ],
)
def test_a_task_is_known_however_a_step_names_it(reference, name):
    assert task_named(reference) == name
