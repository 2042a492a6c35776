"""docs/cli.md says what the code does."""

from __future__ import annotations

import re
from pathlib import Path

from ropeway import as_json, errors
from ropeway.cli.reporting import DONE, WARNED

PAGE = (Path(__file__).parents[2] / "docs" / "cli.md").read_text()


def first_column(heading: str) -> set[str]:
    section = PAGE.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    return {found.strip("`") for found in re.findall(r"^\| *([^|]+?) *\|", section, re.MULTILINE)} - {
        "code",
        "key",
        "---",
    }


def test_the_table_of_exit_codes_is_whole_and_true():
    raised = {
        kind.exit_code
        for kind in vars(errors).values()
        if isinstance(kind, type) and issubclass(kind, errors.RopewayError)
    }
    assert first_column("Exit codes") == {str(code) for code in raised | {DONE, WARNED}}


def test_the_table_of_json_keys_is_whole_and_true():
    assert first_column("JSON") == as_json.envelope("S3Upload").keys()
