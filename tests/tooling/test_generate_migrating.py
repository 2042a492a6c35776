"""The generated blocks of docs/migrating.md."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ropeway.migrate.differences import DIFFERENCES
from ropeway.migrate.toolkit import COVERED, NOT_COVERED
from ropeway.registry import all_tasks
from tests.tooling.declaring import ferry
from tooling.generate import GenerateError
from tooling.generate.migrating import blocks


def test_every_input_of_the_toolkit_has_a_row_with_both_defaults_and_what_changes():
    tables = blocks(all_tasks())["inputs"]

    assert (
        "### `S3Upload@1` becomes `RopewayS3Upload@1`\n\n| Input | Default in the Toolkit | Default here | Here |"
        in tables
    )
    assert "| `bucketName` | required | required | the same |" in tables
    assert "| `filesAcl` | `private` | `none` | `none` sends no ACL, and is the default. |" in tables
    assert tables.count("\n| `") == sum(len(task.inputs) for task in COVERED)


def test_every_difference_has_a_row():
    tables = blocks(all_tasks())["differences"]

    assert tables.startswith(
        "### Both tasks\n\n| What happens | The AWS Toolkit | Ropeway |\n| --- | --- | --- |\n| No file matches. |"
    )
    for difference in DIFFERENCES:
        row = f"{difference.what} | {difference.toolkit} | {difference.ropeway}"
        assert f"| {row.replace('a|b', chr(92).join(('a', '|b')))} |" in tables


def test_what_is_not_covered_is_listed():
    assert blocks(all_tasks())["not-covered"].count("`") == 2 * len(NOT_COVERED)


def test_an_input_of_the_toolkit_that_is_gone_here_is_refused():
    tasks = [replace(task, inputs=ferry().inputs) if task.name == "S3Download" else task for task in all_tasks()]
    with pytest.raises(
        GenerateError, match=r"RopewayS3Download has no input .*overwrite.*, which the Toolkit's task has"
    ):
        blocks(tasks)
