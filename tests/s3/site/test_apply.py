"""Doing what a plan says: in order, up to the first error, under the lock, and never more than it says."""

from __future__ import annotations

import itertools
import re

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from ropeway.errors import IntegrityError, Overtaken, TransferFailed
from ropeway.outcome import Run
from ropeway.s3.site.apply import apply_plan, settled
from ropeway.s3.site.plan import Target
from ropeway.s3.state.lock import break_lock, locked
from ropeway.s3.state.place import StatePlace
from tests.s3.boto_kit import NO_RETRIES, each_engine, engine_at
from tests.s3.site.conftest import FREELY, GO_ON, Site, versioned
from tests.s3.site.test_plan import NEW, ONE, TWO
from tests.servers.misbehaving import s3_error


@pytest.fixture
def watched(misbehaving, embedded, s3, bucket, tmp_path):
    """A site on the embedded AWS whose every request is seen on the way."""
    misbehaving.upstream = embedded.endpoint_url
    versioned(s3, bucket)
    with engine_at(misbehaving.url, **NO_RETRIES) as engine:
        yield Site(engine, s3, Target(bucket, "docs"), tmp_path)


def asked(server):
    return [f"{request.method} {request.target.partition('?')[0].rpartition('/')[2]}" for request in server.requests]


@each_engine
def test_a_group_ends_before_the_next_begins_and_deletes_come_last(watched, misbehaving):
    watched.deploy({**ONE, "gone.html": ""})
    plan = watched.plan({**TWO, "sw.js": ""})
    misbehaving.requests.clear()
    apply_plan(watched.engine, plan, None, Run())
    changed = [line for line in asked(misbehaving) if line.startswith(("PUT", "POST"))]
    bucket = watched.target.bucket
    assert changed == [f"PUT {NEW[7:]}", "PUT style.css", "PUT index.html", "PUT sw.js", changed[-1]]
    assert changed[-1] in {f"POST {bucket}", "POST "}


@each_engine
@pytest.mark.parametrize("denied", ["style.css", NEW])
def test_an_error_stops_it_before_the_pages_and_before_any_delete_and_the_next_run_ends_it(
    watched, misbehaving, denied
):
    watched.deploy({**ONE, "gone.html": ""})
    plan = watched.plan(TWO)
    misbehaving.on(s3_error(403, "AccessDenied"), method="PUT", target=denied, times=1)
    applied = apply_plan(watched.engine, plan, None, Run())
    assert isinstance(applied.error, TransferFailed)
    assert watched.target.address(denied) in str(applied.error)
    shown = watched.shown()
    assert shown["index.html"][0] == ONE["index.html"].encode()
    assert "gone.html" in shown
    watched.deploy(TWO)
    assert watched.shown()["index.html"][0] == TWO["index.html"].encode()
    assert "gone.html" not in watched.shown()
    assert watched.plan(TWO).todo == ()


@each_engine
def test_who_has_lost_the_lock_changes_nothing_more(watched):
    place = StatePlace(watched.target.bucket, "state/lock.json")
    with locked(watched.engine, place, "build 7", "deploy", Run()) as lock:
        plan = watched.plan(ONE)
        break_lock(watched.engine, place, GO_ON)
        applied = apply_plan(watched.engine, plan, lock, Run())
    assert isinstance(applied.error, Overtaken)
    assert watched.shown() == {}


@each_engine
def test_a_lock_that_is_lost_half_way_ends_the_group_it_is_in(watched, misbehaving):
    place = StatePlace(watched.target.bucket, "state/lock.json")
    files = {f"{n}.css": "" for n in range(50)}
    with (
        engine_at(misbehaving.url, concurrency=1, **NO_RETRIES) as engine,
        locked(engine, place, "build 7", "deploy", Run()) as lock,
    ):
        plan = watched.plan({**files, "index.html": ""})

        class Losing:
            def note(self, message): ...

            def progress(self, progress):
                if progress.items:
                    lock.lose(Overtaken("Lost."))

        applied = apply_plan(engine, plan, lock, Run(tell=Losing()))
    assert isinstance(applied.error, Overtaken)
    assert 0 < len(watched.shown()) < 50


@each_engine
def test_under_a_lock_all_is_done(watched):
    place = StatePlace(watched.target.bucket, "state/lock.json")
    with locked(watched.engine, place, "build 7", "deploy", Run()) as lock:
        assert apply_plan(watched.engine, watched.plan(ONE), lock, Run()).error is None
    assert set(watched.shown()) == set(ONE)


def test_a_manifest_does_not_vouch_for_what_somebody_else_wrote_over(watched):
    plan = watched.plan(ONE)
    applied = apply_plan(watched.engine, plan, None, Run())
    watched.put("style.css", b"theirs")
    with pytest.raises(IntegrityError) as wrong:
        settled(watched.engine, plan, applied, GO_ON)
    assert str(wrong.value).startswith(f"{watched.target.address('style.css')} is not what was just released")


@each_engine
def test_what_is_unchanged_costs_no_request_each(watched, misbehaving):
    files = {f"{n}.html": f"{n}" for n in range(40)}
    watched.deploy(files)
    misbehaving.requests.clear()
    watched.deploy(files)
    assert len(misbehaving.requests) == 1
    misbehaving.requests.clear()
    watched.deploy({**files, "7.html": "changed"})
    assert len(misbehaving.requests) == 3  # a listing, the file, and a look at it


# --- the plan is the truth ---------------------------------------------------------------------------------------------------------

NAMES = [
    "index.html",
    "a/b.html",
    "style.css",
    "assets/x-C4Zk_2-x.js",
    "assets/x-Ba91_Xq2.js",
    "sw.js",
    "ünï code.txt",
    "_redirects",
]
BODIES = {name: st.sampled_from(["", "1", "2" * 300]) for name in NAMES} | {
    "_redirects": st.sampled_from(["/old /new", "/old /other\n/older /old"])
}
TREES = st.fixed_dictionaries({}, optional=BODIES)
RULES = st.sampled_from(
    [
        "",
        "site: {gzip: '**'}",
        'site: {headers: {"**/*.html": {cacheControl: x, tags: {a: b}}}}',
        "site: {extensionless: true}",
    ]
)
DRIFT = st.dictionaries(
    st.sampled_from([*NAMES[:6], "theirs.html"]), st.sampled_from([None, b"theirs", b"1"]), max_size=2
)
ids = itertools.count()


def changes(site, begun):
    """Keys that got a version, and keys that were deleted, as the server tells it."""
    told = site.s3.list_object_versions(Bucket=site.target.bucket, Prefix=site.target.begins)
    below = len(site.target.begins)
    versions = {(one["Key"][below:], one["VersionId"]) for one in told.get("Versions", [])}
    markers = {(one["Key"][below:], one["VersionId"]) for one in told.get("DeleteMarkers", [])}
    new = (versions | markers) - begun
    return versions | markers, sorted(key for key, _ in new & versions), sorted(key for key, _ in new & markers)


def expected(site, files, rules):
    found = {}
    for one in site.source(files, rules):
        with open(one.path, "rb") as file:
            found[one.key] = (file.read(), one.headers.content_type, one.headers.cache_control)
    return found


@settings(max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(first=st.tuples(TREES, RULES), second=st.none() | st.tuples(TREES, RULES), drift=DRIFT)
@example(first=({"index.html": "1", "style.css": "1"}, ""), second=None, drift={"style.css": b"theirs"})
def test_the_plan_is_the_truth(embedded, s3, bucket, tmp_path, first, second, drift):
    """`second` None: the same files again."""
    second = second or first
    versioned(s3, bucket)
    with engine_at(embedded) as engine:
        site = Site(engine, s3, Target(bucket, f"site{next(ids)}"), tmp_path / f"{next(ids)}", FREELY)
        site.deploy(*first)
        manifest, shown = site.live, site.shown()
        for key, body in drift.items():
            if body is None:
                s3.delete_object(Bucket=bucket, Key=site.target.key(key))
            else:
                site.put(key, body + b"!")
        begun, _, _ = changes(site, set())
        plan = site.deploy(*second)
        begun, written, deleted = changes(site, begun)
        assert written == sorted(one.key for one in plan.todo if one.step.action != "delete")
        assert deleted == sorted(one.key for one in plan.todo if one.step.action == "delete")
        now = {key: value[:3] for key, value in site.shown().items()}
        wanted = expected(site, *second)
        kept = {one.key for one in plan.steps if str(one.step.reason) == "kept for open pages"}
        assert {key: value for key, value in now.items() if key not in kept} == wanted
        assert site.plan(*second).todo == ()
        back = site.plan_back(manifest)
        assert not site.apply(back).error
        begun, written, deleted = changes(site, begun)
        assert written == sorted(one.key for one in back.todo if one.step.action == "copy")
        assert deleted == sorted(one.key for one in back.todo if one.step.action == "delete")
        again = site.shown()
        assert {key: value for key, value in again.items() if key in shown} == shown
        assert all(re.search("assets/", key) for key in set(again) - set(shown))
