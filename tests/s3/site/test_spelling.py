"""Globs that can never match a path below a site are refused, with what was meant."""

from __future__ import annotations

import pytest

from ropeway.s3.site.spelling import glob_problem


@pytest.mark.parametrize(
    ("pattern", "right"),
    [
        ("uploads/", "uploads/**"),
        ("/uploads/**", "uploads/**"),
        ("./uploads/**", "uploads/**"),
        ("./", "**"),
        (".//uploads/", "uploads/**"),
        ("!/uploads/x", "!uploads/x"),
    ],
)
def test_a_glob_that_matches_no_path_is_told_as_it_is_meant(pattern, right):
    assert glob_problem(pattern) == f"is {pattern!r}, which matches no path below the site: write {right}."


@pytest.mark.parametrize("pattern", ["uploads/**", "uploads", ".well-known/**", "**", "!a/b", "# uploads/", "", " a "])
def test_other_globs_are_fine(pattern):
    assert glob_problem(pattern) == ""


def test_what_is_no_glob_says_so():
    assert glob_problem("x!(a)!(b)!(c)!(d)!(e)!(f)").startswith("is no glob. ")
