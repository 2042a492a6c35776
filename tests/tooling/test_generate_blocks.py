"""Generated blocks in hand-written pages."""

from __future__ import annotations

import pytest

from tooling.generate import GenerateError
from tooling.generate.blocks import fill


def test_a_block_is_replaced_and_the_page_around_it_stays():
    page = "before\n<!-- inputs:begin -->\nold\nlines\n<!-- inputs:end -->\nafter\n"

    filled = fill("page.md", page, {"inputs": "new"})

    assert filled == "before\n<!-- inputs:begin -->\n\nnew\n\n<!-- inputs:end -->\nafter\n"
    assert fill("page.md", filled, {"inputs": "new"}) == filled


def test_a_block_in_yaml_is_indented_as_its_markers_are():
    page = "steps:\n    # inputs:begin\n    # inputs:end\n"

    assert fill("a.yml", page, {"inputs": "one: 1\ntwo:\n  - 2"}) == (
        "steps:\n    # inputs:begin\n    one: 1\n    two:\n      - 2\n    # inputs:end\n"
    )


def test_blocks_of_several_names_do_not_meet():
    page = "# a:begin\n# a:end\n# b:begin\n# b:end\n"

    assert fill("x.yml", page, {"b": "B", "a": "A"}) == "# a:begin\nA\n# a:end\n# b:begin\nB\n# b:end\n"


def test_what_looks_like_an_escape_is_put_in_as_it_is():
    assert r"\1 \g<0>" in fill("x.yml", "# a:begin\n# a:end\n", {"a": r"\1 \g<0>"})


@pytest.mark.parametrize(("page", "places"), [("", 0), ("# a:begin\n", 0), ("# a:begin\n# a:end\n" * 2, 2)])
def test_a_page_needs_each_place_once(page, places):
    with pytest.raises(GenerateError, match=f"x.yml needs one place .* # a:begin and # a:end; it has {places}"):
        fill("x.yml", page, {"a": "A"})
