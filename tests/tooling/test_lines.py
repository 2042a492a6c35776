"""What counts as a line of code, where the docs say how large a room is."""

from tooling.lines import lines_of

SOURCE = '''"""A module."""

from __future__ import annotations

import os

MOST = 3
"""Of something."""


def some(  # a comment beside code
    a: int,
) -> str:
    """What it does.

    At length.
    """
    # a comment by itself
    text = """two
lines"""
    return text * a
'''


def test_only_code_counts():
    assert lines_of(SOURCE) == 7
    assert lines_of("") == 0
