"""A contract over every task: what a newcomer's file must bring along."""

from __future__ import annotations

import dataclasses
import re
import uuid
from pathlib import Path

import pytest
from botocore.session import Session

from ropeway.inputs import declared
from ropeway.registry import all_tasks, load_task, task_modules
from ropeway.tasks.task import Task

ROOT = Path(__file__).parents[1]
ALL = all_tasks()

each_task = pytest.mark.parametrize("task", ALL, ids=lambda task: task.name)
each_input = pytest.mark.parametrize(
    ("task", "item"),
    [pytest.param(task, item, id=f"{task.name}-{item.name}") for task in ALL for item in declared(task.inputs)],
)


def sentence(text: str) -> bool:
    return bool(re.fullmatch(r"[A-Z`].*[.)]", text, re.DOTALL))


def test_the_tasks_are_those_of_the_folder():
    files = {path.stem for path in (ROOT / "python/ropeway/tasks").glob("*.py")}
    assert set(task_modules()) == files - {"__init__", "task"}
    assert {task.name for task in ALL} >= {"S3Upload", "S3Download"}


def test_a_task_is_loaded_without_the_others():
    assert load_task("s3_upload").name == "S3Upload"
    with pytest.raises(ModuleNotFoundError):
        load_task("s3_uplaod")


def test_a_module_that_exports_something_else_is_named(monkeypatch):
    monkeypatch.setattr("ropeway.tasks.s3_upload.TASK", "no task")
    with pytest.raises(TypeError, match=r"ropeway/tasks/s3_upload\.py exports TASK as str, not as a Task"):
        load_task("s3_upload")


def test_names_and_guids_are_unique():
    for field in ("name", "id", "friendly_name", "command"):
        values = [getattr(task, field) for task in ALL]
        assert len(set(values)) == len(values), field


@pytest.mark.parametrize("module", task_modules())
def test_a_task_is_called_the_same_in_every_convention(module):
    task = load_task(module)
    assert "_".join(task.command) == module
    assert task.name.lower() == module.replace("_", "")
    assert task.inputs.__name__ == f"{task.name}Inputs"
    assert (ROOT / "tasks" / task.name / "task.json").is_file()
    assert (ROOT / "docs" / "tasks" / f"{'-'.join(task.command)}.md").is_file()
    assert (ROOT / "tests" / "tasks" / f"test_{module}.py").is_file()


@each_task
def test_a_task_describes_itself(task: Task):
    assert uuid.UUID(task.id).version == 4
    assert task.major >= 1
    assert len(task.friendly_name) <= 40
    assert sentence(task.description)
    assert sentence(task.help)
    assert task.step_title
    assert callable(task.plan)
    assert callable(task.apply)


@each_task
def test_inputs_are_frozen_and_named_when_they_are_given(task: Task):
    parameters = task.inputs.__dataclass_params__
    assert parameters.frozen
    assert all(field.kw_only for field in dataclasses.fields(task.inputs))


@each_task
def test_every_group_holds_an_input_and_every_input_lies_in_a_declared_group(task: Task):
    groups = [group.name for group in task.groups]
    assert len(set(groups)) == len(groups)
    assert {item.input.group for item in declared(task.inputs)} - {""} == set(groups)


@each_task
def test_outputs_are_named_in_camel_case_and_described(task: Task):
    assert task.outputs
    for output in task.outputs:
        assert re.fullmatch(r"[a-z][A-Za-z0-9]*", output.name)
        assert sentence(output.help), output.name


@each_task
def test_a_task_says_which_iam_actions_it_needs_and_of_which_services(task: Task):
    assert task.actions
    assert task.may_do_without_aws or any(not action.when for action in task.actions)
    for action in task.actions:
        assert re.fullmatch(r"[a-z0-9-]+:[A-Z][A-Za-z]+", action.action)
        assert action.resource
        assert "arn:aws" not in action.resource
    assert len({(action.action, action.resource) for action in task.actions}) == len(task.actions)
    assert set(task.services) <= set(Session().get_available_services())


@each_input
def test_an_input_has_label_and_help(task, item):
    assert re.fullmatch(r"[A-Z].*[^.]", item.input.label)
    assert sentence(item.input.help)


@each_input
def test_the_default_of_an_input_can_be_read(task, item):
    item.input.read(item.input.default)


@each_input
def test_a_secret_has_no_default_and_is_not_shown(task, item):
    if not item.input.secret:
        assert not re.search(r"secret|password|token|customer_key", item.field)
        return
    assert item.input.default == ""
    assert item.input.kind == "string"
    assert "hush" not in repr(dataclasses.replace(task.inputs(), **{item.field: "hush"}))


@each_input
def test_the_default_of_a_field_is_the_default_that_the_form_shows(task, item):
    (field,) = (field for field in dataclasses.fields(task.inputs) if field.name == item.field)
    assert field.default == item.input.read(item.input.default)
