"""Help that can be read at 80 columns: whole names, the form's groups, an example that works."""

from __future__ import annotations

import dataclasses
import shlex

import pytest

from ropeway.cli import tree
from ropeway.cli.examples import EXAMPLES
from ropeway.cli.help import marked_up
from ropeway.cli.parameters import on_cli
from ropeway.errors import LocalFileError
from ropeway.registry import all_tasks, load_task
from ropeway.version import VERSION


@pytest.fixture(autouse=True)
def narrow(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")


TASKS = all_tasks()
EACH_TASK = pytest.mark.parametrize("task", TASKS, ids=[task.name for task in TASKS])


def test_without_a_command_there_is_help(ropeway):
    assert ropeway().code == 0
    assert ropeway().out == ropeway("--help").out
    assert ropeway("s3").out == ropeway("s3", "--help").out


def test_the_root_lists_what_there_is(ropeway):
    help = ropeway("--help").out
    assert help.startswith("Usage: ropeway [OPTIONS] COMMAND [ARGS]...\n")
    assert "\n  s3\n      Files to Amazon S3 and back.\n" in help
    assert "\n  local\n      The embedded AWS" in help
    assert "\n  demo\n      See it work" in help


def test_the_version_is_told(ropeway):
    assert ropeway("--version").out == f"ropeway {VERSION}\n"


def test_a_group_lists_its_tasks_with_what_they_do(ropeway):
    help = ropeway("s3", "--help").out
    assert "\n  download\n      Download files from an Amazon S3 bucket" in help
    assert "\n  upload\n      Upload files to an Amazon S3 bucket" in help


@EACH_TASK
def test_the_help_of_a_task_has_every_option_whole_and_no_line_too_long(ropeway, task):
    help = ropeway(*task.command, "--help").out
    for item in on_cli(task):
        assert f"  --ask{item.option[1:]}\n" in help if item.input.secret else f"  {item.option}" in help
    assert max(len(line) for line in help.splitlines() if not line.startswith("  ropeway ")) <= 80
    for group in {item.input.group for item in on_cli(task)} - {""}:
        (title,) = (declared.label for declared in task.groups if declared.name == group)
        assert f"\n{title}\n" in help


@EACH_TASK
def test_a_task_is_a_command_of_the_same_name_as_its_module_and_has_examples(task):
    assert task.command in EXAMPLES


def examples() -> list[str]:
    return [line for text in EXAMPLES.values() for line in text.splitlines() if line.startswith("ropeway ")]


@pytest.mark.parametrize("example", examples())
def test_an_example_is_a_command_that_can_be_given(ropeway, monkeypatch, example):
    def plan(*_):
        raise LocalFileError("The command was understood.")

    monkeypatch.setattr(tree, "load_task", lambda module: dataclasses.replace(load_task(module), plan=plan))
    arguments = [word for word in shlex.split(example)[1:] if word != "--local"]
    assert "The command was understood." in ropeway(*arguments).err


def test_every_example_belongs_to_a_task():
    assert EXAMPLES.keys() == {task.command for task in TASKS}


def test_markdown_of_the_help_texts_is_shown_and_nothing_else_is_markup():
    text = marked_up("Lines of `[a-z]=x` for *AWS for Ropeway*: `**`, `!`, [red]no[/red] 2*3*4")
    assert text.plain == "Lines of `[a-z]=x` for AWS for Ropeway: `**`, `!`, [red]no[/red] 2*3*4"
