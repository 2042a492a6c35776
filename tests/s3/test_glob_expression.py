"""Names match as minimatch's expressions do: what is odd about them is wanted, because Azure's tasks have it."""

from __future__ import annotations

import pytest

from ropeway.s3.glob_expression import MOST, name_matcher


@pytest.mark.parametrize(
    ("glob", "matches", "others"),
    [
        ("*.js", ["a.js", ".js"], ["a.jsx", "a"]),
        ("*", ["a", ".a", "..."], ["", ".", ".."]),
        (".*", [".", "..", ".a"], ["a"]),
        ("a**b", ["ab", "axb"], ["a", "b"]),
        ("\\*", ["*"], ["a", "\\*"]),
        ("a\\b", ["ab"], ["a\\b"]),
        ("!(a)", ["b", "ab"], ["a", ""]),
        ("!(a)b", ["b", "xb"], ["ab", "abb"]),
        ("*.!(js|css)", ["a.map", "a.js.map"], ["a.js", "a.css"]),
        ("[!a]", ["b"], ["a", ""]),
        ("[]a]", ["]", "a"], ["b"]),
        ("[ab", ["[ab"], ["a", "b"]),
        ("[a*", ["[a", "[abc"], ["a"]),
        ("[z-a]", ["[z-a]"], ["z", "a"]),
        ("+(a|b)", ["a", "abba"], ["", "c"]),
        ("+(a|b", ["+(a|b"], ["a", "b"]),
        ("*(a|b", ["(a|b", "x(a|b"], ["", "a", "ab"]),
        ("@()", [], ["", "@()"]),
        ("{a,b}", ["{a,b}"], ["a", "b"]),
        ("@(a)!(b)@(c)", [], ["ac", "axc", "abc"]),
    ],
)
def test_a_name_matches(glob, matches, others):
    found = name_matcher(glob)
    assert [name for name in [*matches, *others] if found(name)] == matches


@pytest.mark.parametrize("sign", MOST)
def test_a_glob_that_is_too_much_to_read_is_refused(sign):
    assert name_matcher(sign * MOST[sign])("x") is False
    with pytest.raises(ValueError, match="has more than"):
        name_matcher(sign * (MOST[sign] + 1))
