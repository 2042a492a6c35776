"""The generated blocks of the Markdown pages."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from ropeway import inputs
from ropeway.cli import main
from ropeway.registry import all_tasks
from tests.tooling.declaring import ferry, with_input
from tooling.generate import pages

ROOT = Path(__file__).parents[2]
PAGES = sorted(ROOT.glob("docs/tasks/*.md"))


def test_an_input_has_a_row_with_both_names_its_default_and_what_it_takes():
    table = pages.inputs_tables(ferry())

    assert "| `harbour` | `--harbour` | required | Where it lies. |" in table
    assert "| `flag` | `--flag` | `red` | Its flag. One of `red` (Red \\| white), `none` (None). |" in table
    assert "| `link` | none |  | The connection. |" in table
    assert "| `portOfCall` | `--port-of-call` | `y` |" in table


def test_a_secret_is_never_an_argument():
    table = pages.inputs_tables(with_input(pass_word=inputs.text("Word", "Say it.", secret=True)))
    assert "| `passWord` | `--ask-pass-word`, or the environment's `ROPEWAY_PASS_WORD` |  | Say it. |" in table


def help_for(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """What the command line says when it understood the arguments."""
    with pytest.raises(SystemExit) as ended:
        main([*arguments, "--help"])
    assert ended.value.code == 0, capsys.readouterr().err
    return capsys.readouterr().out


@pytest.mark.parametrize("task", all_tasks(), ids=lambda task: task.name)
def test_every_option_in_the_table_is_one_of_the_command(task, capsys):
    of_table = set(re.findall(r"`(--[a-z0-9-]+)`", pages.inputs_tables(task)))
    assert len(of_table) > 10
    assert of_table <= set(re.findall(r"--[a-z0-9-]+", help_for(capsys, *task.command)))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_commands_of_a_page_are_understood(page, capsys):
    blocks = re.findall(r"```sh\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    commands = [line for block in blocks for line in block.splitlines()]
    assert commands
    for command in commands:
        _, *arguments = shlex.split(command)
        help_for(capsys, *arguments)


def test_a_group_has_a_table_of_its_own():
    _, extras = pages.inputs_tables(ferry()).split("### Extras\n\n")

    assert extras == (
        "| Input | Command line | Default | What it does |\n"
        "| --- | --- | --- | --- |\n"
        "| `lights` | `--lights` | `false` | On or off. |\n"
        "| `hold` | `--hold` |  | A folder. Only with `lights = true && flag != none`. |"
    )


def test_the_outputs_have_a_table():
    assert pages.outputs_table(ferry()).endswith("| `carried` | How many things. |")


def test_the_policy_holds_what_is_always_needed_and_tells_when_the_rest_is():
    assert pages.policy(ferry()) == (
        "```json\n"
        '{\n  "Version": "2012-10-17",\n  "Statement": [\n'
        '    {\n      "Effect": "Allow",\n      "Action": [\n        "s3:ListBucket"\n      ],\n'
        '      "Resource": "arn:aws:s3:::BUCKET"\n    },\n'
        '    {\n      "Effect": "Allow",\n      "Action": [\n        "s3:GetObject",\n        "s3:PutObject"\n      ],\n'
        '      "Resource": "arn:aws:s3:::BUCKET/PREFIX/*"\n    }\n  ]\n}\n'
        "```\n\n"
        "And, as far as it applies:\n\n"
        "| Action | On | When |\n"
        "| --- | --- | --- |\n"
        "| `kms:Decrypt` | the KMS key | a key of yours is used |"
    )


def test_the_table_of_tasks_links_each_page():
    assert pages.tasks_table([ferry()]).splitlines()[-1] == (
        "| [`RopewayFerry@3`](docs/tasks/ferry-over.md) | `ropeway ferry over` | Carries things over. |"
    )


def test_the_table_of_policies_has_what_a_task_cannot_do_without():
    assert pages.policies_table([ferry()]).splitlines()[-1] == (
        "| [`RopewayFerry@3`](docs/tasks/ferry-over.md#iam-policy) | `s3:ListBucket` on `arn:aws:s3:::BUCKET`; "
        "`s3:GetObject`, `s3:PutObject` on `arn:aws:s3:::BUCKET/PREFIX/*` |"
    )


@pytest.mark.parametrize(
    "page", [*PAGES, ROOT / "docs/pipelines.md", ROOT / "docs/templates.md"], ids=lambda page: page.name
)
def test_the_links_of_a_page_lead_somewhere(page):
    targets = re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8"))
    assert [target for target in targets if not (page.parent / target).exists()] == []
