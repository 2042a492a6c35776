"""docs/checks.md and the schema of a suite."""

from __future__ import annotations

import json
import re

import jsonschema
import pytest

from ropeway.checks.registry import all_kinds
from ropeway.checks.secrets import Secrets
from ropeway.checks.suite import read_suite
from ropeway.checks.variables import Variables
from ropeway.outcome import Variable
from tooling.bundle import ROOT
from tooling.generate import checks

PAGES = [ROOT / "docs/checks.md", ROOT / "docs/tasks/check.md"]
SUITES = [
    pytest.param(suite, id=f"{page.stem}-{at}")
    for page in PAGES
    for at, suite in enumerate(re.findall(r'```yaml title="ropeway-checks.yml"\n(.*?)```', page.read_text(encoding="utf-8"), re.DOTALL))
]  # fmt: skip


def variables() -> Variables:
    return Variables(release="v1", environment=lambda _: Variable("some"), outputs={"files": "1"}, secrets=Secrets())


def test_every_kind_has_a_section_with_its_example_and_every_setting():
    page = checks.blocks()["kinds"]
    for kind in all_kinds():
        section = page.split(f"### {kind.name}\n")[1].split("\n### ")[0]
        assert kind.help in section
        assert f"  {kind.name}:" in section
        assert section.count("| `") >= 1
        for needed in kind.actions:
            assert f"`{needed.action}`" in section


def test_what_is_required_and_what_is_the_default_is_said():
    page = checks.blocks()["kinds"]
    assert "| `address` | text, or a list of them | Host and port, as `host:port`. Required. |" in page
    assert (
        "| `open` | true or false | Whether the port must take connections. `false`: it must take none. Default: `true`. |"
        in page
    )


def test_a_secret_is_marked_and_a_place_reads_as_in_a_policy():
    page = checks.blocks()["kinds"]
    assert "Secret: it is masked. |" in page
    assert "| `s3:GetObjectVersion` | `arn:aws:s3:::BUCKET/PREFIX/*` | for `version` |" in page


def test_the_list_of_kinds_says_what_each_asks():
    assert "| [`tcp`](#tcp) | A port takes connections. |" in checks.blocks()["list"]


def test_the_schema_is_one():
    jsonschema.Draft7Validator.check_schema(json.loads(checks.schema()))


@pytest.mark.parametrize("suite", SUITES)
def test_a_suite_that_the_docs_show_is_one(suite):
    assert read_suite(suite, "ropeway-checks.yml", variables()).checks


@pytest.mark.parametrize("kind", all_kinds(), ids=lambda kind: kind.name)
def test_an_example_of_a_kind_is_part_of_a_suite(kind):
    [shown] = re.findall(
        r"```yaml\n(.*?)```", checks.blocks()["kinds"].split(f"### {kind.name}\n")[1].split("\n### ")[0], re.DOTALL
    )
    indented = "".join(f"  {line}\n" for line in shown.splitlines())
    [check] = read_suite(f"checks:\n{indented}", "ropeway-checks.yml", variables()).checks
    assert (check.name, check.kind.name) == ("my check", kind.name)
