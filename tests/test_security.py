"""What SECURITY.md names is there: a page about protection that names tests which are gone would be worse than none."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
THREATS = re.findall(r"^\| \*\*.*\|$", PAGE, re.MULTILINE)
TESTS = sorted(set(re.findall(r"`(tests/[^`]*)`", PAGE)))
FILES = sorted(set(re.findall(r"`((?:python|tasks|tooling|requirements)/[^`]*)`", PAGE)))


def named_in(file: str) -> set[str]:
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")}


@pytest.mark.parametrize("node", TESTS)
def test_a_test_that_is_named_exists(node):
    file, _, name = node.partition("::")
    assert name in named_in(file)


@pytest.mark.parametrize("file", FILES)
def test_a_file_that_is_named_exists(file):
    assert (ROOT / file).exists()


def test_every_threat_has_its_test_but_the_one_that_needs_the_network():
    assert len(THREATS) > 10
    assert [threat for threat in THREATS if "`tests/" not in threat and "`make audit`" not in threat] == []
