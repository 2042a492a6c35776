"""docs/faults.md, the table of deploys to instances: no row without a test that strikes so, and none is tested that it does not have."""

from __future__ import annotations

import re
from pathlib import Path

from tests.ec2.faults import rows

CALL = r"as_the_page_says\(\s*\"(.*?)\""
IN_CASES = r"\"page: ([^\"]+)\""
"""Of a test with several cases."""


def test_each_row_is_what_a_test_has_seen():
    folders = (Path(__file__).parent, Path(__file__).parents[1] / "tasks")
    files = [path for one in folders for path in one.rglob("test_*.py") if path != Path(__file__)]
    tests = "".join(path.read_text(encoding="utf-8") for path in files)
    struck = {*re.findall(CALL, tests), *re.findall(IN_CASES, tests)}
    assert struck == set(rows())
