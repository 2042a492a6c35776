"""Folding: what was asked for is covered, no more folders than need be, and always the same ones."""

from __future__ import annotations

import random
import time
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ropeway.s3.cloudfront.folding import MOST_WILDCARDS, fold
from ropeway.s3.cloudfront.paths import covers, is_wildcard

NAMES = st.sampled_from(["a", "b", "c", "d.html", "index.html"])
PLAIN = st.lists(NAMES, min_size=1, max_size=4).map(lambda parts: "/" + "/".join(parts))
PATHS = st.lists(PLAIN | PLAIN.map(lambda path: f"{path}*") | PLAIN.map(lambda path: f"{path}/"), max_size=40)
LIMITS = st.integers(0, 40)


@given(PATHS, LIMITS)
def test_everything_is_covered(paths, limit):
    folded = fold(paths, limit)
    assert all(any(covers(one, path) for one in folded) for path in paths)


def test_a_site_of_many_pages_is_folded_in_a_moment():
    """It was quadratic, and 30,000 pages took a minute at each of the two or three plans of a deploy."""
    paths = [path for number in range(20_000) for path in (f"/docs/{number}/", f"/docs/{number}/index.html")]
    began = time.process_time()
    assert fold(paths, 30) == ("/docs/*",)
    assert time.process_time() - began < 8


@given(PATHS, LIMITS)
def test_there_are_no_more_than_wanted_and_no_more_wildcards_than_cloudfront_takes(paths, limit):
    folded = fold(paths, limit)
    assert len(folded) <= max(limit, 1)
    assert sum(map(is_wildcard, folded)) <= MOST_WILDCARDS
    assert bool(folded) == bool(paths)


@given(PATHS, st.integers(1, 40), st.randoms())
def test_the_same_paths_fold_in_the_same_way_in_whichever_order(paths, limit, chance: random.Random):
    shuffled = [*paths, *paths[:3]]
    chance.shuffle(shuffled)
    assert fold(shuffled, limit) == fold(paths, limit)
    assert fold(fold(paths, limit), limit) == fold(paths, limit)


@given(PATHS, LIMITS)
def test_nothing_is_named_twice(paths, limit):
    folded = fold(paths, limit)
    assert not any(covers(one, other) for one, other in combinations(folded, 2))
    assert not any(covers(other, one) for one, other in combinations(folded, 2))


@given(PATHS, st.integers(1, 40))
def test_no_folder_is_folded_that_could_be_spared(paths, limit):
    folded = set(fold(paths, limit))
    asked = {path for path in paths if not any(path != other and covers(other, path) for other in paths)}
    for made in folded - asked:
        unfolded = (folded - {made}) | {path for path in asked if covers(made, path)}
        assert len(unfolded) > limit or sum(map(is_wildcard, unfolded)) > MOST_WILDCARDS, made


@given(PATHS, st.integers(1, 40))
def test_what_fits_is_left_as_it_is(paths, limit):
    asked = {path for path in paths if not any(path != other and covers(other, path) for other in paths)}
    if len(asked) <= limit and sum(map(is_wildcard, asked)) <= MOST_WILDCARDS:
        assert set(fold(paths, limit)) == asked


@pytest.mark.parametrize(
    ("paths", "limit", "folded"),
    [
        ([], 0, ()),
        (["/a"], 0, ("/*",)),
        (["/a", "/b"], 1, ("/*",)),
        (["/docs/a", "/docs/b", "/index.html"], 2, ("/docs/*", "/index.html")),
        (["/docs/a/1", "/docs/a/2", "/docs/b/1", "/docs/b/2"], 3, ("/docs/a/*", "/docs/b/1", "/docs/b/2")),
        (["/docs/", "/docs/index.html", "/a"], 2, ("/a", "/docs/*")),
        ([f"/{n}*" for n in range(10, 26)], 30, ("/*",)),
    ],
)
def test_the_deepest_and_fullest_folders_go_first(paths, limit, folded):
    assert fold(paths, limit) == folded


def test_ten_thousand_paths_fold():
    paths = [f"/{n % 40}/{n % 7}/{n}.html" for n in range(10_000)]
    folded = fold(paths, 30)
    assert folded == ("/*",)
    assert len(fold(paths, 3000)) <= 3000
