"""Comparisons of JSON; what they say of an answer is asked in kinds/test_http.py."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ropeway.checks.asking import Asking, World
from ropeway.checks.comparing import Comparison, judged_json, same
from tests.checks.asking import nowhere

ASKING = Asking(world=World(aws=nowhere()))
NUMBERS = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
JSON = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@given(JSON)
def test_what_went_through_json_is_the_same(value: Any):
    assert same(value, json.loads(json.dumps(value)))
    assert judged_json("@", (Comparison("==", value),), value, ASKING).verdict == "pass"
    assert judged_json("@", (Comparison("!=", value),), value, ASKING).verdict == "fail"
    assert judged_json("@", (Comparison("in", [[], value]),), value, ASKING).verdict == "pass"


@given(JSON, JSON)
def test_sameness_is_mutual(one: Any, other: Any):
    assert same(one, other) == same(other, one)


@given(NUMBERS, NUMBERS)
def test_numbers_have_an_order(one: float, other: float):
    holds = {word: Comparison(word, other).holds(one, ASKING) for word in ("<", "<=", ">", ">=", "==")}
    assert [holds["<"], holds["=="], holds[">"]].count(True) == 1
    assert holds["<="] == (not holds[">"])
    assert holds[">="] == (not holds["<"])


@pytest.mark.parametrize(
    ("one", "other"), [(1, True), (0, False), (1, "1"), (None, False), ([1], [True]), ({"a": 1}, {"a": "1"}), ([], {})]
)
def test_what_json_tells_apart_is_not_the_same(one: Any, other: Any):
    assert not same(one, other)


@pytest.mark.parametrize("word", ["<", "<=", ">", ">="])
@pytest.mark.parametrize("found", [None, True, "3", [3], {"a": 3}])
def test_what_is_no_number_is_neither_more_nor_less_than_one(word: str, found: Any):
    assert not Comparison(word, 3).holds(found, ASKING)
