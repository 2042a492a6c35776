"""The house rules that a machine can keep (DESIGN: the house; interfaces that stay put)."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "python" / "ropeway"
LINTER = [
    sys.executable,
    "-c",
    "from importlinter.cli import lint_imports_command as lint; lint()",
    "--no-cache",
    "--no-logo",
]


def lint_imports(root: Path) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": str(root / "python"), "PYTHONUTF8": "1", "COLUMNS": "200"}
    return subprocess.run(LINTER, cwd=root, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """A copy of the package, to be spoilt."""
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    shutil.copytree(PACKAGE, tmp_path / "python" / "ropeway", ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


def test_the_import_contract_is_kept():
    answer = lint_imports(ROOT)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert "0 broken" in answer.stdout


@pytest.mark.parametrize(
    ("module", "line", "broken"),
    [
        ("aws/region.py", "import ropeway.s3.engine", "ropeway.aws is not allowed to import ropeway.s3"),
        ("errors.py", "import ropeway.inputs", "ropeway.errors is not allowed to import ropeway.inputs"),
        ("tasks/task.py", "import rich", "ropeway.tasks is not allowed to import rich"),
        ("s3/keys.py", "def f():\n    import moto", "ropeway.s3 is not allowed to import moto"),
        ("newcomer.py", "", "ropeway.newcomer"),
    ],
)
def test_a_broken_contract_is_seen(house, module, line, broken):
    with (house / "python" / "ropeway" / module).open("a", encoding="utf-8") as file:
        file.write(f"\n{line}\n")

    answer = lint_imports(house)

    assert answer.returncode == 1
    assert broken in answer.stdout


ROOMS = [
    pytest.param(r"arn:aws[:-]", set(), id="partitions follow the region: no ARN is spelled out"),
    pytest.param(r"amazonaws\.com(?!/doc/)", {"aws", "local"}, id="endpoints are the aws room's"),  # /doc/: a name of XML
    pytest.param(r"\bINPUT_|\bENDPOINT_(AUTH|DATA|URL)", {"azure"}, id="the agent's environment is the azure room's"),
    pytest.param(r"##vso\[", {"azure", "sanitise.py"}, id="logging commands are the azure room's"),
    pytest.param(r"(import|from) boto(3|core\.session)\b|\.create_client\(", {"aws", "local"}, id="clients are made in the aws room"),
]  # fmt: skip


@pytest.mark.parametrize(("pattern", "rooms"), ROOMS)
def test_what_belongs_to_one_room_is_found_in_no_other(pattern, rooms):
    found = {
        path.relative_to(PACKAGE).as_posix()
        for path in PACKAGE.rglob("*.py")
        if re.search(pattern, path.read_text(encoding="utf-8"))
    }
    assert {place for place in found if place.split("/")[0] not in rooms} == set()


def test_every_module_says_what_it_is_for():
    silent = [
        path for path in PACKAGE.rglob("*.py") if not path.read_text(encoding="utf-8").startswith(('"""', 'r"""'))
    ]
    assert silent == []
