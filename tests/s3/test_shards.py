"""A part of the files: whose each is, and what of the parts is refused."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ropeway.errors import InputError
from ropeway.outcome import Run, Variable
from ropeway.s3.shards import Shard, shard_of, shard_problem

NAMES = st.lists(st.text(st.characters(blacklist_categories=[]), min_size=1, max_size=40), max_size=60, unique=True)


@dataclass(frozen=True)
class Asked:
    shard: str


def run_with(**variables: str) -> Run:
    names = {"number": "System.JobPositionInPhase", "of": "System.TotalJobsInPhase"}
    known = {names[key]: Variable(text) for key, text in variables.items()}
    return Run(variable=known.get)


@given(names=NAMES, of=st.integers(1, 20))
def test_every_name_belongs_to_exactly_one_part(names, of):
    parts = [Shard(number, of) for number in range(1, of + 1)]
    assert [sum(part.has(name) for part in parts) for name in names] == [1] * len(names)


@given(name=st.text(min_size=1), others=NAMES, of=st.integers(1, 20))
def test_whose_a_name_is_does_not_depend_on_the_others(name, others, of):
    parts = [Shard(number, of) for number in range(1, of + 1)]
    (its,) = [part for part in parts if part.has(name)]
    assert name in {one for one in {*others, name} if its.has(one)}


@pytest.mark.parametrize(
    ("name", "number"), [("a", 5), ("js/app.js", 5), ("bä.txt", 1), ("x" * 900, 5)], ids=lambda x: str(x)[:9]
)
def test_whose_a_name_is_stays_so_in_later_releases(name, number):
    """Two jobs may run by two releases of Ropeway for a while."""
    assert Shard(number, 7).has(name)


def test_the_parts_are_about_as_large():
    counts = Counter(number for at in range(5000) for number in range(1, 6) if Shard(number, 5).has(f"img/{at:05}.png"))
    assert min(counts.values()) > 850


@pytest.mark.parametrize("text", ["0/2", "3/2", "2", "2/", "a/b", "-1/2", "1/1001", "1/2 ", "Auto"])
def test_what_is_no_part_is_a_problem(text):
    assert (
        shard_problem(text) == f"is {text!r}; write auto, or the part and how many there are, as 2/5 (1,000 at most)."
    )


@pytest.mark.parametrize("text", ["", "auto", "1/1", "2/5", "1000/1000"])
def test_what_is_one_is_none(text):
    assert shard_problem(text) == ""


def test_nothing_asked_is_all_of_it():
    assert shard_of(Asked(""), run_with(number="2", of="5")) == Shard(1, 1)


def test_auto_is_the_place_of_the_job():
    assert shard_of(Asked("auto"), run_with(number="2", of="5")) == Shard(2, 5)


def test_auto_outside_a_pipeline_is_an_error():
    with pytest.raises(InputError, match=r"^shard is auto, but System.TotalJobsInPhase is not set here"):
        shard_of(Asked("auto"), run_with())


@pytest.mark.parametrize(
    "variables", [{"number": "1"}, {"of": "3"}, {"number": "4", "of": "3"}, {"number": "x", "of": "3"}]
)
def test_half_a_place_is_an_error_and_never_all_of_it(variables):
    with pytest.raises(InputError, match=r"^shard is auto, but System.JobPositionInPhase is "):
        shard_of(Asked("auto"), run_with(**variables))
