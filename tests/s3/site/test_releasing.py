"""Releases with their history: staged, live, taken back; two deployers; one that dies half-way."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ropeway.errors import InputError, IntegrityError, NothingMatched, Overtaken, TransferFailed
from ropeway.outcome import Run
from ropeway.s3.site.plan import Target
from ropeway.s3.site.preparing import prepare_release, prepare_rollback
from ropeway.s3.site.releasing import release
from ropeway.s3.site.standing import Identity, Site, read_standing
from ropeway.s3.state.lock import lock_place, locked
from ropeway.s3.state.manifest import manifest_place
from ropeway.s3.state.place import site_place
from tests.s3.boto_kit import NO_RETRIES, each_engine, engine_at
from tests.s3.site.conftest import FREELY, GO_ON, versioned
from tests.s3.site.conftest import Site as Bench
from tests.s3.site.test_plan import NEW, OLD, ONE, TWO
from tests.servers.misbehaving import s3_error


@pytest.fixture
def bench(misbehaving, embedded, s3, bucket, tmp_path):
    """A site on the embedded AWS whose every request is seen on the way."""
    misbehaving.upstream = embedded.endpoint_url
    versioned(s3, bucket)
    with engine_at(misbehaving.url, **NO_RETRIES) as engine:
        yield Bench(engine, s3, Target(bucket, "docs"), tmp_path)


def site_of(bench):
    return Site(bench.engine, bench.target, site_place(f"s3://{bench.target.bucket}", bench.target.prefix))


def deploy(bench, name, files, **more):
    site = site_of(bench)
    with locked(bench.engine, lock_place(site.state), name, "deploy", Run()) as lock:
        build = more.pop("build", name)
        prepared = prepare_release(
            site,
            Identity(name, build, "c0ffee", "Ada"),
            bench.source(files),
            FREELY,
            now=lock.verify(),
            cancellation=GO_ON,
            **more,
        )
        return release(prepared, lock, Run())


def roll_back(bench, **how):
    site = site_of(bench)
    with locked(bench.engine, lock_place(site.state), "rollback", "rollback", Run()) as lock:
        return release(prepare_rollback(site, GO_ON, now=lock.since, **how), lock, Run())


def states(bench):
    history = read_standing(site_of(bench), GO_ON).history
    return history.live, {one.id: str(one.state) for one in history.releases}


@each_engine
def test_two_releases_and_back(bench):
    deploy(bench, "41", ONE)
    shown = bench.shown()
    made = deploy(bench, "42", TWO)
    assert states(bench) == ("42", {"41": "live", "42": "live"})
    assert made.manifest.previous == "41"
    roll_back(bench, expected="42")
    assert states(bench) == ("41", {"41": "live", "42": "rolledBack"})
    assert bench.shown() == {**shown, NEW: bench.shown()[NEW]}
    deploy(bench, "42", TWO)
    assert states(bench) == ("42", {"41": "live", "42": "live"})
    assert bench.shown()["index.html"][0] == TWO["index.html"].encode()
    assert read_standing(site_of(bench), GO_ON).live.by_key[OLD].gone_for >= 1


def test_a_release_that_is_live_already_writes_nothing(bench, misbehaving):
    deploy(bench, "41", ONE)
    before = states(bench)
    with locked(bench.engine, lock_place(site_of(bench).state), "x", "y", Run()) as lock:
        prepared = prepare_release(
            site_of(bench), Identity("41", "41"), bench.source(ONE), FREELY, now=1e9, cancellation=GO_ON
        )
        misbehaving.requests.clear()
        assert prepared.nothing_to_do
        assert len(release(prepared, lock, Run()).manifest.entries) == 4
    assert [request.method for request in misbehaving.requests if "lock.json" not in request.target] == []
    assert states(bench) == before


def test_an_unchanged_tree_costs_ten_requests_and_its_listing(bench, misbehaving):
    files = {f"{n}.html": f"{n}" for n in range(60)}
    deploy(bench, "41", files)
    misbehaving.requests.clear()
    deploy(bench, "42", files)
    assert len(misbehaving.requests) <= 1 + 10
    misbehaving.requests.clear()
    deploy(bench, "43", {**files, "7.html": "changed"})
    assert len(misbehaving.requests) <= 1 + 10 + 3
    assert states(bench)[0] == "43"


def test_a_rollback_after_a_colleagues_release_changes_nothing_and_says_so(bench):
    deploy(bench, "41", ONE)
    deploy(bench, "42", TWO)
    shown = bench.shown()
    with pytest.raises(
        Overtaken, match=r"Release 42 is live, and not 41, which was to be taken back\. Nothing was changed"
    ):
        roll_back(bench, expected="41")
    assert (bench.shown(), states(bench)[0]) == (shown, "42")


def test_a_release_over_one_that_somebody_else_made_live_meanwhile_is_not_switched_to(bench):
    deploy(bench, "41", ONE)
    late = prepare_release(site_of(bench), Identity("42"), bench.source(ONE), FREELY, now=1e9, cancellation=GO_ON)
    deploy(bench, "43", TWO)
    with pytest.raises(Overtaken, match="Release 43 is live, and 41 was when this began"):
        release(late, None, Run())


def test_what_cannot_be_released_is_refused_before_anything_is_written(bench):
    deploy(bench, "41", ONE, build="20261122.10")
    shown = bench.shown()
    with pytest.raises(InputError, match=r"Release 41 is there already \(live\), with other files"):
        deploy(bench, "41", TWO)
    with pytest.raises(InputError, match=r"Build 20261122.9 is older than 20261122.10, which is live \(release 41\)"):
        deploy(bench, "42", TWO, build="20261122.9")
    with pytest.raises(InputError, match="The release id is ''"):
        deploy(bench, "", TWO)
    with pytest.raises(NothingMatched, match="There is no release before 41 to go back to"):
        roll_back(bench)
    with pytest.raises(InputError, match=r"There is no release 9\. The last ones are: 41"):
        roll_back(bench, to="9")
    assert (bench.shown(), states(bench)) == (shown, ("41", {"41": "live"}))
    deploy(bench, "42", TWO, build="20261122.9", allow_older=True)
    assert states(bench)[0] == "42"


def test_a_release_that_failed_says_so_and_the_next_one_ends_it(bench, misbehaving):
    deploy(bench, "41", ONE)
    misbehaving.on(s3_error(403, "AccessDenied"), method="PUT", target=NEW, times=1)
    failed = deploy(bench, "42", TWO)
    assert isinstance(failed.applied.error, TransferFailed)
    assert failed.manifest is None
    assert states(bench) == ("41", {"41": "live", "42": "failed"})
    deploy(bench, "42", TWO)
    assert states(bench) == ("42", {"41": "live", "42": "live"})


def test_a_live_release_that_lost_its_manifest_is_deployed_over_with_a_warning(bench):
    deploy(bench, "41", ONE)
    site = site_of(bench)
    bench.s3.delete_object(Bucket=site.state.bucket, Key=manifest_place(site.state, "41").key)
    prepared = prepare_release(site, Identity("42"), bench.source(TWO), FREELY, now=1e9, cancellation=GO_ON)
    assert prepared.plan.warnings[0].startswith("The manifest of release 41, which is live, is gone")
    release(prepared, None, Run())
    assert bench.shown()["index.html"][0] == TWO["index.html"].encode()
    assert OLD in bench.shown()
    with pytest.raises(IntegrityError, match="Release 41 has no manifest at"):
        roll_back(bench)


# --- processes that die ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(3))
def test_whoever_is_killed_half_way_leaves_what_the_next_one_or_a_rollback_ends(embedded, s3, bucket, tmp_path, seed):
    versioned(s3, bucket)
    many = {f"p/{n}.html": f"{n}" for n in range(12)}
    one, two = {**many, **ONE}, {**{name: f"new {body}" for name, body in many.items()}, **TWO}
    with engine_at(embedded) as engine:
        bench = Bench(engine, s3, Target(bucket, "docs"), tmp_path)
        deploy(bench, "41", one)
        shown = bench.shown()
        kill_a_deploy(embedded, bucket, tmp_path, two, random.Random(seed))
        page = bench.shown()["index.html"][0]
        assert page == one["index.html"].encode() or NEW in bench.shown()
        site = site_of(bench)
        with locked(engine, lock_place(site.state), "next", "recover", Run(), wait=60) as lock:
            if seed % 2 and states(bench)[0] == "41":
                release(prepare_rollback(site, GO_ON, now=lock.since, to="41"), lock, Run())
                assert shown.items() <= bench.shown().items()
            prepared = prepare_release(
                site, Identity("42", "42"), bench.source(two), FREELY, now=lock.verify(), cancellation=GO_ON
            )
            assert release(prepared, lock, Run()).applied.error is None
        assert {key: value[0] for key, value in bench.shown().items()} == {
            **{name: body.encode() for name, body in two.items()},
            OLD: b"one",
        }
        assert states(bench)[0] == "42"


def kill_a_deploy(embedded, bucket, tmp_path, files, chance):
    source = tmp_path / "killed"
    for name, body in files.items():
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_text(body)
    command = [sys.executable, "-m", "tests.s3.site.deployer", embedded.endpoint_url, bucket, str(source)]
    process = subprocess.Popen(command, cwd=Path(__file__).parents[3], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "begins\n"
    time.sleep(chance.uniform(0, 0.5))
    process.kill()
    process.communicate()
