"""Metadata of any language, as headers carry them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ropeway.s3.metadata import from_ascii, in_ascii


@given(st.text(st.characters(blacklist_categories=("Cs",)), max_size=100).filter(lambda text: not text.isascii()))
def test_what_is_written_in_ascii_is_read_again_and_breaks_no_line(text):
    written = in_ascii(text)
    assert written.isascii()
    assert written.isprintable()
    assert from_ascii(written) == text


@pytest.mark.parametrize("text", ["a\u2028b", "a\x85b", "\u2029"])
def test_what_separates_lines_elsewhere_is_a_character_like_others(text):
    assert from_ascii(in_ascii(text)) == text
