"""Ten thousand random texts, read back by the agent's own rules, and rendered."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ropeway.azure.commands import Command, set_variable
from ropeway.sanitise import lines, one_line, table_cell
from tests.hostile.corpus import TEXTS
from tests.hostile.reading import executed, unprintable
from tests.hostile.rendering import page

pytestmark = pytest.mark.timeout(1200)  # minutes of work where a machine is slow and does other things beside it
MANY = settings(max_examples=10_000)
FEWER = settings(max_examples=2_500)
"""For a renderer in Python: it takes ten times as long. (The whole corpus goes through it in test_summary.py.)"""
PIECES = (
    "#",
    "##",
    "vso[",
    "##vso[",
    "##[",
    "[",
    "]",
    ";",
    "%",
    "%0A",
    "%AZP25",
    "=",
    "\r",
    "\n",
    "\x1b[",
    "task.complete",
    "\u200d",
)
texts = st.lists(
    st.sampled_from(PIECES) | st.sampled_from(TEXTS) | st.text(st.characters(), max_size=6), max_size=3
).map("".join)
"""Mostly made of what commands and the corpus are made of."""


@MANY
@given(texts)
def test_what_is_made_safe_runs_nothing_and_what_is_escaped_is_read_back(text):
    for line in (one_line(text), "##[group]" + one_line(text), *lines(text), table_cell(text)):
        assert_harmless(line)
    assert_read_back(text.encode(errors="replace").decode())


def assert_harmless(line: str) -> None:
    printed = line.encode()
    assert not executed(printed)
    assert not unprintable(printed)
    assert len(line.splitlines()) <= 1


def assert_read_back(text: str) -> None:
    """Once as the data of a command, and once as a property of one."""
    about = Command("task.logissue", text, (("type", "error"), ("sourcepath", f"/{text}")))
    read = executed(f"{set_variable('s3Prefix', text, output=True)}\n{about}".encode())
    assert [(command.name, command.data) for command in read] == [("task.setvariable", text), ("task.logissue", text)]
    assert read[0].properties == {"variable": "s3Prefix", "isoutput": "true", "issecret": "false"}
    assert read[1].properties == {"type": "error", "sourcepath": f"/{text}"}


@MANY
@given(texts)
def test_a_cell_is_one_cell_of_plain_text_where_github_renders_it(text):
    assert_one_cell(text, "GitHub")


@FEWER
@given(texts)
def test_a_cell_is_one_cell_of_plain_text_where_markdown_it_renders_it(text):
    assert_one_cell(text, "markdown-it")


def assert_one_cell(text: str, renderer: str) -> None:
    shown = page(f"## {table_cell(text)}\n\n|a|b|\n|---|---|\n|{table_cell(text)}|x|\n", renderer)
    assert [tag for tag, _ in shown.tags] == ["h2", "table", "thead", "tr", "th", "th", "tbody", "tr", "td", "td"]
    assert shown.texts[-1] == "x"
    assert "".join(shown.texts[-2].split()) == "".join(one_line(text).split())
