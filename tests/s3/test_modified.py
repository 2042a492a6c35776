"""The time of a file's last change as metadata."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ropeway.s3.modified import LATEST, from_text, to_text


@pytest.mark.parametrize(
    ("mtime_ns", "text"),
    [
        (0, "0"),
        (1_712_345_678_000_000_000, "1712345678"),
        (1_712_345_678_500_000_000, "1712345678.5"),
        (1_712_345_678_000_000_001, "1712345678.000000001"),
        (1_000_000_000_000_000_000, "1000000000"),
    ],
)
def test_it_is_written_in_seconds_with_as_many_decimals_as_it_has(mtime_ns, text):
    assert to_text(mtime_ns) == text


@given(st.integers(0, LATEST * 10**9 - 1))
def test_it_is_read_as_it_was_written(mtime_ns):
    assert from_text(to_text(mtime_ns)) == mtime_ns


@pytest.mark.parametrize(
    ("text", "mtime_ns"),
    [
        ("1712345678.1234567899", 1_712_345_678_123_456_789),  # more decimals than a file system keeps
        (" 1712345678 ", 1_712_345_678_000_000_000),
        ("253402300799.5", 253_402_300_799_500_000_000),
        ("", None),
        ("yesterday", None),
        ("2017-09-24 19:53:52.000000000 +0000", None),
        ("1712345678000", None),  # milliseconds
        ("1712345678000000000", None),
        ("-5", None),
        ("1e9", None),
        ("nan", None),
        ("١٧١٢", None),
        ("1.", None),
    ],
)
def test_what_others_wrote_is_read_as_far_as_it_is_a_time(text, mtime_ns):
    assert from_text(text) == mtime_ns
