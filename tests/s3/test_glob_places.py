"""Expressions run without backtracking, however they are written."""

from __future__ import annotations

import pytest

from ropeway.s3.glob_expression import name_matcher
from ropeway.s3.glob_places import BrokenExpression, compiled

LONG = "a" * 255


@pytest.mark.parametrize(
    "glob",
    [
        "*a" * 100 + "*b",
        "+(+(+(a|aa)|aaa)*)b",
        "*(*(*(*(*(*(a))))))b",
        "@(a|aa)" * 20 + "b",
        "+(a|b|+(a|b|+(a|b|*)))c",
        "*!(a)*!(a)*b",
        "*(!(a)|*(!(b)|*(!(c))))" * 1 + "*(a|*a|a*)b",
        "?" * 256,
        "[a-z]" * 100 + "*" + "b",
    ],
)
def test_patterns_that_keep_backtracking_matchers_busy_for_ever_are_answered(glob):
    assert not name_matcher(glob)(LONG)


@pytest.mark.parametrize(
    ("expression", "matches", "others"),
    [
        ("a|b", ["a", "b"], ["", "ab", "c"]),
        ("(?:ab)+c?", ["ab", "ababc"], ["", "c", "aba"]),
        ("(?:ab)*", ["", "abab"], ["a", "aba"]),
        ("(?!(?:a)$)[^/]*?", ["", "b", "ab"], ["a"]),
        ("(?=.)x?", ["x"], ["", "y"]),
        ("[^a-c]", ["d", "é"], ["a", "b", ""]),
        (r"[\]\-a]", ["]", "-", "a"], ["\\", "b"]),
        ("[^]", ["x", "\n"], [""]),
        ("[]", [], ["", "]"]),
        ("(?:^|x)a", ["a", "xa"], ["ya"]),
        (r"\.a+?", [".a", ".aaa"], ["a", "."]),
    ],
)
def test_an_expression_means_what_it_means_in_javascript(expression, matches, others):
    found = compiled(expression)
    assert [text for text in [*matches, *others] if found(text)] == matches


@pytest.mark.parametrize("expression", ["(?:a", "a)", "[a", "[b-a]", "+a", "(?:|*)", "a\\"])
def test_what_javascript_refuses_is_broken(expression):
    with pytest.raises(BrokenExpression):
        compiled(expression)


def test_case_is_ignored_on_both_sides():
    found = compiled("a[x-z]É", ignore_case=True)
    assert found("AYé")
    assert found("ayÉ")
    assert not found("awé")
