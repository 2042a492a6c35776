from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ropeway.sanitise import lines, one_line, table_cell
from tests.azure.agent import read_command
from tests.hostile.rendering import RENDERERS, page

PIECES = (
    "#",
    "##",
    "##vso",
    "##vso[",
    "##VSO[",
    "##[",
    "vso[",
    "[",
    "]",
    "task.complete",
    " result=Failed",
    "\x1b[0m",
    "\x1b[",
    "\x1b",
)
hostile = st.lists(st.sampled_from(PIECES) | st.text(max_size=3), max_size=12).map("".join)
"""Text that is mostly made of what a command is made of."""

markdown = st.text("|\\`*_[]()<>&#!~@$:/.-w= ab\n\t", max_size=20)


@pytest.mark.parametrize(
    ("foreign", "shown"),
    [
        ("site/index.html", "site/index.html"),
        ("Grüße, 世界 👩‍💻.txt", "Grüße, 世界 👩‍💻.txt"),
        ("a\tb", "a\tb"),
        ("##vso[task.complete result=Succeeded;]", "**vso[task.complete result=Succeeded;]"),
        ("x ##VsO[a.b]", "x **VsO[a.b]"),
        ("####vso[a.b]", "##**vso[a.b]"),
        ("##[error]no", "**[error]no"),
        ("## heading", "## heading"),
        ("two\nlines\r", r"two\nlines\r"),
        ("\x1b[31mred\x1b[0m", r"\x1b[31mred\x1b[0m"),
        ("\x1b]8;;https://example.com\x1b\\link\x1b]8;;\x07", r"\x1b]8;;https://example.com\x1b\link\x1b]8;;\x07"),
        ("##\x1b[0mvso[a.b]", r"##\x1b[0mvso[a.b]"),
        ("bell\x07 nul\x00 del\x7f", r"bell\x07 nul\x00 del\x7f"),
        ("next\x85line\u2028separator", r"next\x85line\u2028separator"),
        ("gpj.\u202eexe", r"gpj.\u202eexe"),
        ("in\u200bvisible\ufeff", r"in\u200bvisible\ufeff"),
        ("##v\u200dso[a.b] \ufe0f#", r"##v\u200dso[a.b] \ufe0f#"),
        (
            "\u0645\u06cc\u200c\u062e \u2764\ufe0f \u845b\U000e0100",
            "\u0645\u06cc\u200c\u062e \u2764\ufe0f \u845b\U000e0100",
        ),
        (b"caf\xe9.txt".decode("utf-8", "surrogateescape"), r"caf\xe9.txt"),
        ("half \ud83d", r"half \ud83d"),
        ("\U000e0041", r"\U000e0041"),
    ],
)
def test_foreign_text_becomes_one_readable_line(foreign: str, shown: str) -> None:
    assert one_line(foreign) == shown


def test_a_text_of_several_lines_becomes_as_many_safe_lines() -> None:
    assert lines("a\r\nb\n\nc\x0bd\u2028e ##vso[a.b]") == ("a", "b", "", "c", "d", "e **vso[a.b]")
    assert lines("a\n\n") == ("a", "")
    assert lines("\n") == ("",)
    assert lines("") == ()


@given(hostile)
@example("##\x1b[0m\x1b[0mvso[task.setvariable variable=PATH;]x")
def test_no_line_holds_a_command_or_a_decoration(text: str) -> None:
    for line in (one_line(text), *lines(text), table_cell(text)):
        assert read_command(line) is None
        assert "##vso" not in line.lower()
        assert "##[" not in line


@given(hostile | st.text(), hostile | st.text(), st.sampled_from(["", " ", ": ", "#", "##", "##[group]"]))
def test_a_template_of_ours_around_foreign_text_makes_no_command(first: str, second: str, between: str) -> None:
    assert read_command(one_line(first) + " " + one_line(second)) is None
    assert read_command("##[group]" + one_line(first)) is None
    assert read_command(one_line(first + between + second)) is None


@given(hostile | st.text(st.characters()))
def test_a_line_is_one_line_that_every_reader_can_decode_and_nothing_in_it_is_unseen(text: str) -> None:
    line = one_line(text)
    assert len(line.splitlines()) <= 1
    assert line.encode("utf-8").decode("utf-8") == line
    assert not [c for c in line if c != "\t" and unicodedata.category(c) in {"Cc", "Cs", "Zl", "Zp"}]
    assert not [
        c
        for c in line
        if unicodedata.bidirectional(c) in {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
    ]


@given(hostile | st.text(st.characters()))
def test_what_is_safe_stays_as_it_is(text: str) -> None:
    once = one_line(text)
    assert one_line(once) == once
    assert lines(once) == ((once,) if once else ())


@given(st.text(st.characters(categories=["L", "N", "P", "S", "Zs"], exclude_characters="#\u115f\u1160\u3164\uffa0")))
def test_ordinary_text_is_not_touched(text: str) -> None:
    assert one_line(text) == text


@pytest.mark.parametrize("renderer", RENDERERS)
@given(first=markdown, second=hostile | markdown)
def test_a_table_cell_means_nothing_but_itself(renderer: str, first: str, second: str) -> None:
    table = f"|a|b|\n|---|---|\n|{table_cell(f'x{first}x')}|{table_cell(second)}|\n"
    shown = page(table, renderer)
    assert [tag for tag, _ in shown.tags] == ["table", "thead", "tr", "th", "th", "tbody", "tr", "td", "td"]
    assert [_blanks(text) for text in shown.texts[2:]] == [_blanks(one_line(text)) for text in (f"x{first}x", second)]


def _blanks(text: str) -> str:
    return re.sub(r"\s", " ", text)


LINKS = (
    "http",
    "https://",
    "HTTP://",
    "ftp://",
    "mailto:",
    "xmpp:",
    "www.",
    "//",
    "a@b.",
    "@",
    "evil.com",
    "localhost",
    ".de",
    "1.2.3.4",
)


@pytest.mark.parametrize("renderer", RENDERERS)
@given(parts=st.lists(st.sampled_from(LINKS) | st.text("abc./?#:-_@", max_size=5), max_size=5))
def test_a_table_cell_holds_nothing_that_a_renderer_turns_into_a_link_by_itself(
    renderer: str, parts: list[str]
) -> None:
    shown = page("## " + table_cell("".join(parts)), renderer)
    assert [tag for tag, _ in shown.tags] == ["h2"]
    assert "".join(shown.texts) == "".join(parts)


def test_blanks_that_html_would_drop_are_kept() -> None:
    assert table_cell(" a  b ") == "&#160;a&#160;&#160;b&#160;"
    assert table_cell("a b") == "a b"
