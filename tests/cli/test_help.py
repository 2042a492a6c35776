"""Help that can be read at 80 columns: whole names, the form's groups, an example that works."""

from __future__ import annotations

import dataclasses
import re
import shlex
import subprocess
import sys

import pytest

from ropeway.cli import doctor, organizations, setups, sites, tree
from ropeway.cli.examples import EXAMPLES
from ropeway.cli.help import marked_up
from ropeway.cli.parameters import on_cli
from ropeway.errors import LocalFileError
from ropeway.registry import all_tasks, load_task
from ropeway.tasks import ec2_deploy, s3_deploy
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


def test_a_paragraph_fills_its_lines(ropeway):
    _, about, *_ = ropeway("setup", "policy", "--help").out.split("\n\n")[1:]
    *full, _ = about.splitlines()
    assert [line for line in full if len(line) < 60] == []


def test_an_option_says_of_what_it_is(ropeway):
    """The form has a label beside the help, the command line has not."""
    for words in (["policy"], ["connection"], ["pipeline"]):
        help = ropeway("setup", *words, "--help").out
        assert not re.search(r"^      (Of|That|Its|Whose|In) ", help, re.MULTILINE), words
    assert not re.search(r"^      (Of|That|Its|Whose|In) ", ropeway("doctor", "--help").out, re.MULTILINE)


@EACH_TASK
def test_a_task_is_a_command_of_the_same_name_as_its_module_and_has_examples(task):
    assert task.command in EXAMPLES


def examples() -> list[str]:
    return [line for text in EXAMPLES.values() for line in text.splitlines() if line.startswith("ropeway ")]


@pytest.mark.parametrize("example", examples())
def test_an_example_is_a_command_that_can_be_given(ropeway, monkeypatch, example):
    def plan(*_, **__):
        raise LocalFileError("The command was understood.")

    monkeypatch.setattr(tree, "load_task", lambda module: dataclasses.replace(load_task(module), plan=plan))
    monkeypatch.setattr(s3_deploy, "ROLLBACK", dataclasses.replace(s3_deploy.ROLLBACK, plan=plan))
    monkeypatch.setattr(ec2_deploy, "ROLLBACK", dataclasses.replace(ec2_deploy.ROLLBACK, plan=plan))
    monkeypatch.setattr(sites, "connect", plan)
    monkeypatch.setattr(setups, "Wanted", plan)
    monkeypatch.setattr(organizations, "organization_of", plan)
    monkeypatch.setattr(doctor, "try_all", plan)
    monkeypatch.setattr("typer.prompt", lambda *_, **__: "hush")
    arguments = [word for word in shlex.split(example)[1:] if word != "--local"]
    assert "The command was understood." in ropeway(*arguments).err


@pytest.mark.parametrize("command", EXAMPLES)
def test_every_example_belongs_to_a_command_whose_help_shows_it(ropeway, command):
    assert EXAMPLES[command].splitlines()[1] in ropeway(*command, "--help").out


def test_markdown_of_the_help_texts_is_shown_and_nothing_else_is_markup():
    text = marked_up("Lines of `[a-z]=x` for *AWS for Ropeway*: `**`, `!`, [red]no[/red] 2*3*4")
    assert text.plain == "Lines of `[a-z]=x` for AWS for Ropeway: `**`, `!`, [red]no[/red] 2*3*4"


def test_it_runs_as_a_module_too():
    ran = subprocess.run([sys.executable, "-m", "ropeway.cli", "--version"], capture_output=True, text=True, check=True)
    assert ran.stdout == f"ropeway {VERSION}\n"
