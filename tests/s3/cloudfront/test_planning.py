"""What would be invalidated: all that an edge shows wrongly, and, as long as it is little, nothing else."""

from __future__ import annotations

import re
from dataclasses import replace
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ropeway.s3.cloudfront.distributions import Distribution, Origin, is_of_bucket
from ropeway.s3.cloudfront.journal import Journal, Pending
from ropeway.s3.cloudfront.paths import covers
from ropeway.s3.cloudfront.planning import Stale, plan_invalidations, warnings_of

BUCKET = "www.example.com"
MANY = 3000
NAMES = st.sampled_from(["index.html", "a.html", "b-c.css", "ü.js", "d", "e?.txt"])
KEYS = st.lists(NAMES, min_size=1, max_size=3).map("/".join)
TREES = st.dictionaries(KEYS, st.integers(0, 3), max_size=12)
ORIGINS = st.sampled_from(["", "/site", "/site/d"])


def shows(*paths: str, id: str = "E1", by_query: bool = False, host: str = "", root: str = "") -> Distribution:
    where = host or f"{BUCKET}.s3.eu-west-1.amazonaws.com"
    origins = tuple(Origin(where, path) for path in paths)
    return Distribution(id, "d1.cloudfront.net", (), enabled=True, origins=origins, root=root, by_query=by_query)


def planned(keys, *distributions, limit=MANY, journal=None, everything=False):
    stale = Stale(BUCKET, tuple(keys), "42", everything)
    found = plan_invalidations(distributions or (shows(""),), stale, journal or Journal(), limit)
    return {one.distribution: one.pending.paths for one in found}


def answers(tree, origin):
    """What the origin answers to each path that can be asked for: the oracle, which knows nothing of invalidations."""
    below = f"{origin.strip('/')}/" if origin else ""
    known = {key[len(below) :]: content for key, content in tree.items() if key.startswith(below)}
    asked = dict(known)
    for key, content in known.items():
        folder, _, name = key.rpartition("/")
        if name == "index.html":
            asked[f"{folder}/" if folder else ""] = content
    upper = {f"/{quote(path)}": content for path, content in asked.items()}
    return upper | {re.sub("%..", lambda digits: digits[0].lower(), path): content for path, content in upper.items()}


@given(TREES, TREES, ORIGINS, st.integers(0, 6) | st.just(MANY))
def test_after_it_no_edge_shows_anything_that_is_not_so_any_more(before, after, origin, limit):
    changed = {key for key in {*before, *after} if before.get(key) != after.get(key)}
    gone = planned(sorted(changed), shows(origin), limit=limit).get("E1", ())
    was, now = answers(before, origin), answers(after, origin)
    cached = {path: was.get(path) for path in {*was, *now} if not any(covers(one, path) for one in gone)}
    assert cached == {path: now.get(path) for path in cached}


@given(TREES, TREES, ORIGINS)
def test_as_long_as_there_are_few_nothing_else_is_invalidated(before, after, origin):
    changed = {key for key in {*before, *after} if before.get(key) != after.get(key)}
    was, now = answers(before, origin), answers(after, origin)
    differ = {path for path in {*was, *now} if was.get(path) != now.get(path)}
    assert set(planned(sorted(changed), shows(origin)).get("E1", ())) == differ


def test_each_distribution_has_paths_of_its_own():
    keys = ["site/a.html", "site/docs/index.html", "other/b.html"]
    found = planned(
        keys, shows("/site"), shows("", id="E2"), shows("/other", "/site/docs", id="E3"), shows("/x", id="E4")
    )
    assert found == {
        "E1": ("/a.html", "/docs/", "/docs/index.html"),
        "E2": ("/other/b.html", "/site/a.html", "/site/docs/", "/site/docs/index.html"),
        "E3": ("/", "/b.html", "/index.html"),
    }


def test_a_default_root_object_of_another_name_is_an_index_too():
    assert planned(["home.htm"], shows("", root="home.htm")) == {"E1": ("/", "/home.htm")}


def test_a_default_root_object_in_a_folder_is_what_the_root_shows():
    assert planned(["docs/app/home.htm"], shows("/docs", root="app/home.htm")) == {"E1": ("/", "/app/home.htm")}


def test_a_distribution_whose_origin_is_not_known_as_the_bucket_is_told_of_its_own_paths_too():
    """By an alias of an access point, or a name of one's own, that leads to the bucket."""
    found = planned(["site/a.html", "b.html"], shows("/site", host="shop-abc-s3alias.s3.eu-west-1.amazonaws.com"))
    assert found == {"E1": ("/a.html", "/b.html", "/site/a.html")}


def test_a_page_that_is_shown_and_kept_wherever_there_is_none_makes_everything_stale():
    """`/orders/7` of a site of one page is no object: the edge shows /index.html there, for as long as it keeps errors."""
    app = replace(shows("/docs"), error_pages=("/index.html",))
    assert planned(["docs/index.html", "docs/a.css"], app) == {"E1": ("/*",)}
    assert planned(["docs/a.css"], app) == {"E1": ("/a.css",)}


def test_a_folder_is_asked_for_without_its_slash_too_where_it_is_kept_that_it_was_not_there():
    website = f"{BUCKET}.s3-website.eu-central-1.amazonaws.com"
    keeps = replace(shows("", host=website), keeps_absence=True)
    assert planned(["docs/index.html", "index.html"], keeps) == {
        "E1": ("/", "/docs", "/docs/", "/docs/index.html", "/index.html")
    }
    assert "/docs" not in planned(["docs/index.html"], replace(keeps, keeps_absence=False))["E1"]
    assert "/docs" not in planned(["docs/index.html"], replace(shows(""), keeps_absence=True))["E1"]


def test_what_code_behind_the_edge_may_show_under_any_path_makes_everything_stale():
    """A function of requests to the origin makes /about.html of /about: the edge keeps it as /about."""
    pretty = replace(shows("/docs"), rewrites=True)
    assert planned(["docs/about.html"], pretty) == {"E1": ("/*",)}
    assert planned(["other/about.html"], pretty) == planned([], pretty) == {}


def test_copies_that_are_kept_by_query_string_are_reached_by_wildcards():
    assert planned(["docs/a.html"], shows("", by_query=True)) == {"E1": ("/docs/a.html*",)}


def test_everything_is_one_path_whatever_changed():
    assert planned([], everything=True) == {"E1": ("/*",)}


def test_what_an_earlier_run_has_left_is_asked_for_under_its_own_reference():
    left = Pending("41", ("/a.html",), "nonce")
    [one] = plan_invalidations([shows("")], Stale(BUCKET, (), "42"), Journal({"E1": left}), MANY)
    assert one.pending.reference == left.reference


def test_what_changed_again_is_asked_for_anew_with_what_was_left():
    left = Pending("41", ("/a.html", "/b.html"), "nonce")
    [one] = plan_invalidations([shows("")], Stale(BUCKET, ("a.html",), "41"), Journal({"E1": left}), MANY)
    assert one.pending.paths == left.paths
    assert one.pending.reference != left.reference


def test_the_same_release_deployed_again_asks_under_another_reference():
    references = {
        one.pending.reference
        for _ in range(2)
        for one in plan_invalidations([shows("")], Stale(BUCKET, ("a",), "42"), Journal(), MANY)
    }
    assert len(references) == 2


@pytest.mark.parametrize("release", ["42", "ü/ä 20261122.1" * 30])
def test_a_reference_names_the_release_and_is_short_and_plain(release):
    reference = Pending(release, ("/a",), "nonce").reference
    assert len(reference) <= 128
    assert reference.isascii()
    assert reference.startswith("ropeway-")


@pytest.mark.parametrize(
    ("site", "origin", "shown"),
    [
        ("docs", "/docs", True),
        ("docs/v2", "/docs", True),
        ("docs", "/docs/v2", True),
        ("docs", "", True),
        ("", "/docs", True),
        ("docs", "/blog", False),
        ("docs", "/doc", False),
    ],
)
def test_a_distribution_that_begins_elsewhere_in_the_bucket_is_told(site, origin, shown):
    warnings = list(warnings_of([shows(origin)], BUCKET, site))
    assert len(warnings) == (0 if shown else 1)
    assert all(
        f"begins at {origin} in the bucket, and shows nothing of s3://{BUCKET}/{site}" in one for one in warnings
    )


@pytest.mark.parametrize(
    ("host", "is_it"),
    [
        ("www.example.com.s3.eu-west-1.amazonaws.com", True),
        ("www.example.com.s3.amazonaws.com", True),
        ("www.example.com.s3-eu-west-1.amazonaws.com", True),
        ("www.example.com.s3-website-eu-west-1.amazonaws.com", True),
        ("www.example.com.s3-website.eu-central-1.amazonaws.com", True),
        ("WWW.example.com.s3.dualstack.us-east-1.amazonaws.com", True),
        ("www.example.com.s3.cn-north-1.amazonaws.com.cn", True),
        ("other.www.example.com.s3.amazonaws.com", False),
        ("example.com.s3.amazonaws.com", False),
        ("www.example.com.s3.amazonaws.com.evil.example", False),
        ("www.example.com", False),
    ],
)
def test_an_origin_is_the_bucket_by_any_of_its_names(host, is_it):
    assert is_of_bucket(host, BUCKET) == is_it


def test_a_distribution_that_does_not_show_the_bucket_is_told():
    [warning] = warnings_of([shows("", host="lb.example.com")], BUCKET)
    assert warning.startswith(f"No origin of the distribution E1 is the bucket {BUCKET} (they are lb.example.com)")
