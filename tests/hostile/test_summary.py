"""The summary, as it is rendered: nothing in it is live, and its tables stay tables."""

from __future__ import annotations

import re

import pytest

from ropeway.sanitise import lines, one_line
from tests.hostile.corpus import TEXTS
from tests.hostile.printing import DOORS
from tests.hostile.rendering import RENDERERS, page

pytestmark = pytest.mark.timeout(900)  # the whole corpus, a summary for each text
HARMLESS = "harmless"
BREAK = ("br", ())


def summary(text: str, how: str) -> str:
    return DOORS["agent"](text, how)["summary"].decode()


@pytest.mark.parametrize("how", ["fails", "succeeds", "plans only"])
@pytest.mark.parametrize("renderer", RENDERERS)
def test_a_hostile_text_leaves_headings_tables_rows_and_cells_as_a_harmless_one_does(renderer, how):
    harmless = page(summary(HARMLESS, how), renderer)
    for text in TEXTS:
        hostile = page(summary(text, how), renderer)
        assert [tag for tag in hostile.tags if tag != BREAK] == harmless.tags, ascii(text)
        assert not hostile.comments, ascii(text)
        expected = [shown(part, text) for part in harmless.texts]
        assert list(map(blanks, hostile.texts)) == list(map(blanks, expected)), ascii(text)


def shown(part: str, text: str) -> str:
    """The error that the run ended with has lines, and what to do next (the last word here) begins one where there are several; nothing else has."""
    if not part.startswith("Failed:"):
        return part.replace(HARMLESS, one_line(text))
    message, advice = (said.replace(HARMLESS, text) for said in part.rsplit(" ", 1))
    apart = len(lines(message)) > 1
    return " ".join([*lines(message), *lines(advice)] if apart else lines(f"{message} {advice}"))


def blanks(text: str) -> str:
    """One blank looks like another, and nobody sees what is at the end of a paragraph."""
    return re.sub(r"\s", " ", text).strip()


@pytest.mark.parametrize("renderer", RENDERERS)
def test_blanks_of_a_name_are_seen_in_its_cell(renderer):
    name = "  two  and one at the end "
    cells = page(summary(name, "fails"), renderer).cells(columns=5)
    assert [row[4] for row in cells if row[0] in {"upload", "skip"} and row[4]][-2:] == [name, name]
