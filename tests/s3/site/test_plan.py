"""What a release would change, and what it then changes, on real servers."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from ropeway.errors import RopewayError
from ropeway.s3.engine import Listed
from ropeway.s3.site.becoming import IMMUTABLE
from ropeway.s3.site.gone import DAY
from ropeway.s3.site.plan import Target, Terms
from tests.s3.boto_kit import each_engine
from tests.s3.site.conftest import told

OLD, NEW = "assets/index-C4Zk_2-x.js", "assets/index-Ba91_Xq2.js"
ONE = {"index.html": f"<script src={OLD}>", OLD: "one", "style.css": "a{}", "about.html": "hi"}
TWO = {"index.html": f"<script src={NEW}>", NEW: "two", "style.css": "b{}", "about.html": "hi"}


@each_engine
def test_a_release_is_planned_and_applied_in_the_safe_order_and_a_second_plan_is_empty(site):
    first = site.plan(ONE)
    assert told(first) == [
        (OLD, "upload", "new"),
        ("style.css", "upload", "new"),
        ("about.html", "upload", "new"),
        ("index.html", "upload", "new"),
    ]
    assert not site.apply(first).error
    assert site.plan(ONE).todo == ()
    assert site.shown()[OLD][:3] == (b"one", "text/javascript; charset=utf-8", IMMUTABLE)
    second = site.deploy(TWO)
    assert told(second) == [
        (NEW, "upload", "new"),
        (OLD, "skip", "kept for open pages"),
        ("style.css", "upload", "content"),
        ("index.html", "upload", "content"),
    ]
    assert site.plan(TWO).todo == ()
    assert site.shown()[OLD][0] == b"one"


@each_engine
def test_other_headers_alone_are_a_copy_on_the_servers_side(site):
    site.deploy(ONE)
    other = 'site: {headers: {"*.css": {cacheControl: max-age=60, metadata: {a: b}, tags: {c: d}}}}'
    plan = site.deploy(ONE, other)
    assert told(plan) == [("style.css", "copy", "headers")]
    assert site.shown()["style.css"][:3] == (b"a{}", "text/css; charset=utf-8", "max-age=60")
    assert site.plan(ONE, other).todo == ()


@each_engine
def test_what_others_changed_is_seen_and_put_right(site):
    site.deploy(ONE)
    time.sleep(1.1)  # LastModified has whole seconds
    site.put("style.css", b"x{}")
    site.put("about.html", b"hi", ContentType="text/plain")
    plan = site.deploy(ONE)
    assert told(plan) == [("style.css", "upload", "changed by others"), ("about.html", "copy", "headers")]
    assert site.shown()["style.css"][0] == b"a{}"
    assert site.shown()["about.html"][1] == "text/html; charset=utf-8"
    assert site.plan(ONE).todo == ()


@each_engine
def test_a_site_that_another_tool_put_there_is_compared_and_not_sent_again(site):
    site.put("index.html", b"hi", ContentType="text/html; charset=utf-8", CacheControl="no-cache")
    site.put("old.html", b"old")
    site.put("old-C4Zk_2-x.js", b"old")
    plan = site.deploy({"index.html": "hi"})
    assert told(plan) == [
        ("old-C4Zk_2-x.js", "skip", "kept for open pages"),
        ("old.html", "delete", "gone from source"),
    ]
    assert set(site.shown()) == {"index.html", "old-C4Zk_2-x.js"}
    assert site.plan({"index.html": "hi"}).todo == ()


@each_engine
def test_compressed_files_and_redirects_are_released_like_any_others(site):
    files = {"index.html": "", "a.css": "x" * 1000, "_redirects": "/old /new"}
    site.deploy(files, "site: {gzip: '**'}")
    assert site.shown()["a.css"][3] == "gzip"
    assert site.plan(files, "site: {gzip: '**'}").todo == ()
    assert told(site.deploy(files)) == [("a.css", "upload", "content")]
    assert site.shown()["a.css"][0] == b"x" * 1000


def test_nothing_outside_the_prefix_and_nothing_of_ropeways_is_touched(site):
    for key in ("docsx/a.html", "other.html", ".ropeway/sites/docs/lock.json"):
        site.s3.put_object(Bucket=site.target.bucket, Key=key, Body=b"x")
    site.put(".ropeway/a.json", b"x")
    assert told(site.deploy({"index.html": "hi"})) == [("index.html", "upload", "new")]
    whole = Target(site.target.bucket, "")
    assert set(whole.below(site.engine.list(whole.bucket, ""))) == {"docs/index.html", "docsx/a.html", "other.html"}


def test_protected_objects_are_neither_deleted_nor_overwritten(site):
    site.put("uploads/a.html", b"theirs")
    site.put("robots.txt", b"theirs")
    site.terms = replace(site.terms, protected=("uploads/**", "robots.txt"))
    plan = site.deploy({"index.html": "hi", "robots.txt": "ours"})
    assert ("uploads/a.html", "skip", "protected") in told(plan)
    assert site.shown()["robots.txt"][0] == site.shown()["uploads/a.html"][0] == b"theirs"
    assert plan.warnings == (
        f"1 file of the source not released, because protected: {site.target.address('robots.txt')}.",
    )


def test_assets_whose_time_is_over_count_for_nothing_in_the_bounds_of_deletes(site):
    """Ten releases in a day, and the next one a week later, deletes the assets of most of them: that says nothing of its source."""
    assets = [f"app-C4Zk{number}2-x.js" for number in range(10)]
    for number, asset in enumerate(assets):
        site.deploy({"index.html": str(number), asset: str(number)})
    site.terms = Terms(keep_releases=1, keep_days=0, max_delete=2, max_percent=50)
    site.put(assets[0], b"somebody else's")
    plan = site.deploy({"index.html": "last", "app-B7yX3kLm.js": "last"})
    assert [key for key, action, _ in told(plan) if action == "delete"] == assets[:9]
    assert set(site.shown()) == {"index.html", assets[9], "app-B7yX3kLm.js"}


@pytest.mark.parametrize(
    ("terms", "words"),
    [
        (Terms(max_delete=2, max_percent=100), "3 objects would be deleted, and at most 2 objects may be"),
        (
            Terms(max_delete=9, max_percent=50),
            "3 objects would be deleted, and at most 50 % of the 4 that are neither protected nor kept may be (maxDeletePercent): ",
        ),
    ],
)
def test_more_deletes_than_allowed_are_none_at_all(site, terms, words):
    site.deploy({"index.html": "", "a.html": "", "b.html": "", "c.html": ""})
    site.terms = terms
    with pytest.raises(RopewayError) as refused:
        site.plan({"index.html": ""})
    assert str(refused.value).startswith(words)
    assert site.target.address("a.html") in str(refused.value)
    assert len(site.shown()) == 4


def test_old_assets_go_after_so_many_releases_and_days(site):
    site.terms = replace(site.terms, keep_releases=2, keep_days=7)
    site.deploy({OLD: "one", "index.html": "1"})
    for n in range(2, 5):
        site.deploy({"index.html": f"{n}"})
        site.now += DAY
    assert OLD in site.shown()  # three releases, but three days only
    site.now += 5 * DAY
    assert (OLD, "delete", "gone from source") in told(site.deploy({"index.html": "4"}))
    assert OLD not in site.shown()


def test_the_same_release_again_makes_no_asset_older(site):
    site.terms = replace(site.terms, keep_releases=1, keep_days=0)
    site.deploy({OLD: "one", "index.html": "1"})
    for _ in range(3):
        site.deploy({"index.html": "2"})
    assert OLD in site.shown()
    site.deploy({"index.html": "3"})
    assert OLD not in site.shown()


def test_an_asset_that_comes_back_is_part_of_the_release_again(site):
    site.deploy({OLD: "one", "index.html": "1"})
    site.deploy({"index.html": "2"})
    assert told(site.deploy({OLD: "one", "index.html": "1"})) == [("index.html", "upload", "content")]
    assert site.live.by_key[OLD].gone_at == 0


def test_risks_are_told(site):
    site.deploy({"index.html": "", "app.js": "1", OLD: "1"})
    warnings = site.plan({"index.html": "", "app.js": "2", OLD: "2"}).warnings
    assert warnings[0].startswith("1 asset changed under the same name: pages that are open")
    assert site.target.address("app.js") in warnings[0]
    assert warnings[1].startswith("1 file changed, whose names look as if they changed with the bytes")
    assert "notFingerprinted" in warnings[1]


def test_a_prefix_holds_no_sibling():
    listed = [Listed(key, 1, "e", "", 0.0) for key in ("docs", "docs/", "docs/a", "docsx/b", "docs/.ropeway/x")]
    assert list(Target("b", "docs").below(listed)) == ["a"]
