"""What ended half-way, what was overtaken, and what others did to the state: nobody is led astray by it."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest

from ropeway.errors import Archived, Cancelled, InputError, LocalFileError, NothingMatched, Overtaken, RopewayError
from ropeway.outcome import Cancellation, Run
from ropeway.s3.site.apply import apply_plan, settled
from ropeway.s3.site.plan import Terms
from ropeway.s3.site.preparing import prepare_release, prepare_rollback
from ropeway.s3.site.releasing import release
from ropeway.s3.site.settings import SiteSettings
from ropeway.s3.site.source import read_site
from ropeway.s3.site.standing import Identity
from ropeway.s3.state.documents import encode
from ropeway.s3.state.held import WhileHeld
from ropeway.s3.state.lock import break_lock, lock_place, locked
from ropeway.s3.state.manifest import manifest_place, to_bytes
from ropeway.s3.state.releases import KEPT, VERSION, History, Release, State, _told
from tests.s3.site.conftest import FREELY, GO_ON
from tests.s3.site.conftest import Site as Bench
from tests.s3.site.test_plan import NEW, OLD, ONE, TWO
from tests.s3.site.test_releasing import bench, deploy, roll_back, site_of, states
from tests.servers.misbehaving import s3_error

__all__ = ["bench"]

THREE = {"index.html": "<script src=assets/index-Xx77_yZ1.js>", "assets/index-Xx77_yZ1.js": "three"}


@pytest.fixture
def half_done(bench, misbehaving):
    """41 and 42 have been live, 42 is; 43 ended when its assets were there and its page was not."""
    deploy(bench, "41", ONE)
    deploy(bench, "42", TWO)
    misbehaving.on(s3_error(403, "AccessDenied"), method="PUT", target="index.html", times=1)
    assert deploy(bench, "43", {**THREE, "lib/v3.js": "3"}).manifest is None
    assert states(bench)[0] == "42"
    return bench


def test_a_rollback_after_a_release_that_ended_half_way_leads_to_the_live_one_and_no_further(half_done):
    roll_back(half_done)
    assert states(half_done) == ("42", {"41": "live", "42": "live", "43": "rolledBack"})
    assert half_done.shown()["index.html"][0] == TWO["index.html"].encode()
    roll_back(half_done)
    assert states(half_done)[0] == "41"


def test_the_release_that_ended_half_way_can_be_named_as_what_is_taken_back(half_done):
    roll_back(half_done, expected="43")
    assert states(half_done)[0] == "42"
    with pytest.raises(Overtaken, match="Release 42 is live, and not 43"):
        roll_back(half_done, expected="43")


def test_assets_of_a_release_that_ended_half_way_stay_for_pages_that_are_open(half_done):
    roll_back(half_done, terms=Terms(max_percent=100, fingerprinted=("lib/**",)))
    assert {"assets/index-Xx77_yZ1.js", "lib/v3.js", OLD, NEW} <= set(half_done.shown())


def test_the_globs_of_fingerprinted_names_are_kept_for_rollbacks(bench, misbehaving):
    site = site_of(bench)
    terms = Terms(max_percent=100, fingerprinted=("lib/**",))
    for name in ("41", "42"):
        files = {**ONE, f"lib/v{name}.js": name}
        release(prepare_release(site, Identity(name), bench.source(files, "site: {fingerprinted: lib/**}"), terms, now=1e9, cancellation=GO_ON), None, Run())  # fmt: skip
    roll_back(bench)
    assert {"lib/v41.js", "lib/v42.js"} <= set(bench.shown())


def test_a_release_that_never_was_whole_is_nothing_to_go_back_to(half_done):
    with pytest.raises(NothingMatched, match="Release 43 was never whole"):
        roll_back(half_done, to="43")


def test_what_a_rollback_passed_over_is_never_gone_back_to(bench):
    for name, files in (("40", THREE), ("41", ONE), ("42", TWO)):
        deploy(bench, name, files)
    roll_back(bench, to="40")
    assert states(bench) == ("40", {"40": "live", "41": "rolledBack", "42": "rolledBack"})
    deploy(bench, "43", TWO)
    roll_back(bench)
    assert states(bench)[0] == "40"


def test_going_forward_again_takes_nothing_back(bench):
    for name, files in (("41", ONE), ("42", TWO)):
        deploy(bench, name, files)
    roll_back(bench)
    roll_back(bench, to="42")
    assert states(bench) == ("42", {"41": "live", "42": "live"})
    roll_back(bench)
    assert states(bench)[0] == "41"


def test_what_a_rollback_leaves_of_the_later_release_is_none_of_the_earlier_one(bench):
    deploy(bench, "41", ONE)
    deploy(bench, "42", TWO)
    back = roll_back(bench)
    assert back.manifest.by_key[NEW].gone_at > 0
    assert back.manifest.by_key[NEW].gone_for == 1


def test_a_repair_that_fails_takes_nothing_from_the_release_that_is_live(bench, misbehaving):
    deploy(bench, "41", ONE)
    bench.s3.delete_object(Bucket=bench.target.bucket, Key=bench.target.key("style.css"))
    misbehaving.on(s3_error(403, "AccessDenied"), method="PUT", target="style.css", times=1)
    assert deploy(bench, "41", ONE).manifest is None
    assert states(bench) == ("41", {"41": "live"})
    deploy(bench, "42", TWO)
    roll_back(bench)
    assert states(bench)[0] == "41"


def test_more_than_allowed_of_what_no_release_knows_stops_a_rollback(bench):
    deploy(bench, "41", ONE)
    deploy(bench, "42", TWO)
    for number in range(3):
        bench.put(f"of-others-{number}.txt", b"theirs")
    shown = bench.shown()
    with pytest.raises(RopewayError, match="3 objects would be deleted, and at most 2 objects may be"):
        roll_back(bench, terms=Terms(max_delete=2))
    assert bench.shown() == shown


def test_versions_in_an_archive_are_told_before_anything_is_touched(bench):
    deploy(bench, "41", ONE)
    bench.s3.put_object(
        Bucket=bench.target.bucket, Key=bench.target.key("style.css"), Body=b"a{}", StorageClass="GLACIER"
    )
    archived = bench.s3.list_object_versions(Bucket=bench.target.bucket, Prefix=bench.target.key("style.css"))[
        "Versions"
    ]
    version = next(one["VersionId"] for one in archived if one["IsLatest"])
    deploy(bench, "42", {**ONE, "style.css": "b{}"})
    site = site_of(bench)
    prepared = prepare_rollback(site, GO_ON, now=1e9)
    (copy,) = [one.step.work for one in prepared.plan.todo]
    assert copy.source_version_id != version
    wanted = prepare_rollback(site, GO_ON, now=1e9).manifest
    entries = tuple(_at(one, version) if one.key == "style.css" else one for one in wanted.entries)
    body = _rewritten(bench, wanted, entries)
    assert body
    with pytest.raises(
        Archived, match=r"1 object of the release cannot be brought back as long as the version lies in an archive"
    ):
        roll_back(bench)


def _at(entry, version):
    return replace(entry, version_id=version)


def _rewritten(bench, manifest, entries):
    """As if the version had moved there by a rule of the bucket's."""
    body = to_bytes(replace(manifest, entries=entries), public=False)
    place = manifest_place(site_of(bench).state, manifest.id)
    bench.s3.put_object(Bucket=place.bucket, Key=place.key, Body=body)
    return body


def test_what_a_rule_moved_to_an_archive_is_sent_anew(bench):
    deploy(bench, "41", ONE)
    key = bench.target.key("about.html")
    head = bench.s3.head_object(Bucket=bench.target.bucket, Key=key)
    bench.s3.put_object(
        Bucket=bench.target.bucket, Key=key, Body=b"hi", StorageClass="GLACIER", ContentType=head["ContentType"], CacheControl=head["CacheControl"],
    )  # fmt: skip
    deploy(bench, "42", ONE)
    assert "StorageClass" not in bench.s3.head_object(Bucket=bench.target.bucket, Key=key)


def test_a_header_that_no_release_gives_is_seen_and_taken_off(bench):
    bench.put("index.html", b"hi", ContentType="text/html; charset=utf-8", CacheControl="no-cache", Expires="Wed, 01 Jan 2031 00:00:00 GMT")  # fmt: skip
    deploy(bench, "41", {"index.html": "hi"})
    assert "Expires" not in bench.s3.head_object(Bucket=bench.target.bucket, Key=bench.target.key("index.html"))


def test_pages_are_deleted_before_what_they_name(bench, misbehaving):
    deploy(bench, "41", {**ONE, "a.css": "", "old.html": "names a.css", "older": "", "z.png": ""})
    misbehaving.requests.clear()
    deploy(bench, "42", ONE)
    deletes = [request.body.decode() for request in misbehaving.requests if request.method == "POST"]
    assert [
        sorted(one for one in ("a.css", "old.html", "older", "z.png") if f"/{one}<" in body) for body in deletes
    ] == [
        ["old.html"],
        ["a.css", "older", "z.png"],
    ]


# --- ids --------------------------------------------------------------------------------------------------------------------------


def test_an_id_whose_release_is_listed_no_more_still_names_its_content(bench):
    deploy(bench, "41", ONE)
    place = f"{site_of(bench).state.key}/releases.json"
    bench.s3.delete_object(Bucket=bench.target.bucket, Key=place)
    with pytest.raises(InputError, match="Release 41 was there before the releases that are listed, with other files"):
        deploy(bench, "41", TWO)
    assert bench.shown()["index.html"][0] == ONE["index.html"].encode()
    deploy(bench, "41", ONE)
    assert states(bench) == ("41", {"41": "live"})


def test_the_live_release_is_never_forgotten():
    history = History("0", (Release("0", State.LIVE, 0.0, "", "c", 1, 1),))
    for number in range(1, KEPT + 5):
        history = history.staged(Release(str(number), State.STAGED, 0.0, "", "c", 1, 1))
    assert history.live_release
    assert len(history.releases) <= KEPT + 1


# --- who was overtaken ------------------------------------------------------------------------------------------------------------


def test_a_release_that_was_begun_before_another_one_is_not_switched_to(bench):
    site = site_of(bench)
    deploy(bench, "41", ONE)
    slow = prepare_release(site, Identity("42"), bench.source(TWO), FREELY, now=1e9, cancellation=GO_ON)

    class Overtaking:
        """Another one begins while this one is at its objects."""

        begun = False

        def note(self, message): ...

        def progress(self, progress):
            if not self.begun:
                self.begun = True
                fast = prepare_release(site, Identity("43"), bench.source(THREE), FREELY, now=1e9, cancellation=GO_ON)
                history = History("41", (*fast.standing.history.releases, fast.releasing))
                _put_history(bench, history)

    with pytest.raises(Overtaken, match="Release 42 was overtaken: 43 is the last one that was begun"):
        release(slow, None, Run(tell=Overtaking()))
    assert states(bench)[0] == "41"


def _put_history(bench, history):
    key = f"{site_of(bench).state.key}/releases.json"
    bench.s3.put_object(Bucket=bench.target.bucket, Key=key, Body=encode(VERSION, _told(history)))


@pytest.mark.parametrize("lost_at", ["before it begins", "in the midst, by a refusal"])
def test_who_has_lost_the_lock_writes_nothing_to_the_list_of_releases(bench, misbehaving, lost_at):
    """No line of its own, and no word of its failure: whoever has the lock now finds what it wrote."""
    deploy(bench, "41", ONE)
    site = site_of(bench)
    with locked(bench.engine, lock_place(site.state), "slow", "deploy", Run()) as lock:
        slow = prepare_release(site, Identity("42"), bench.source(TWO), FREELY, now=1e9, cancellation=GO_ON)

        def overtaken(_):
            lock.lose(Overtaken("The lock is another one's."))
            return s3_error(403, "AccessDenied")

        if lost_at == "before it begins":
            overtaken(None)
            with pytest.raises(Overtaken, match="The lock is another one's"):
                release(slow, lock, Run())
            assert states(bench) == ("41", {"41": "live"})
        else:
            misbehaving.on(overtaken, method="PUT", target="docs/index.html", times=1)
            assert release(slow, lock, Run()).manifest is None
            assert states(bench) == ("41", {"41": "live", "42": "staged"})


def test_a_line_that_meets_another_ones_is_not_written_over_it_without_the_lock(bench, misbehaving):
    """A process wakes within its write: that is refused, as somebody wrote meanwhile, and there is no second one."""
    deploy(bench, "41", ONE)
    site = site_of(bench)
    with locked(bench.engine, lock_place(site.state), "slow", "deploy", Run()) as lock:
        slow = prepare_release(site, Identity("42"), bench.source(TWO), FREELY, now=1e9, cancellation=GO_ON)
        fast = prepare_release(site, Identity("43"), bench.source(THREE), FREELY, now=1e9, cancellation=GO_ON)

        def asleep(_):
            _put_history(bench, History("41", (*fast.standing.history.releases, fast.releasing)))
            lock.lose(Overtaken("The lock is another one's."))
            return s3_error(412, "PreconditionFailed")

        misbehaving.on(asleep, method="PUT", target="releases.json", times=1)
        with pytest.raises(Overtaken, match="The lock is another one's"):
            release(slow, lock, Run())
    assert states(bench) == ("41", {"41": "live", "43": "staged"})


def test_once_the_lock_is_lost_no_second_attempt_is_begun(bench):
    place = lock_place(site_of(bench).state)
    outer = Cancellation()
    with locked(bench.engine, place, "build 7", "deploy", Run()) as lock:
        held = WhileHeld(outer, lock)
        assert not held.asked
        held.check()
        break_lock(bench.engine, place, GO_ON)
        with pytest.raises(Overtaken):
            lock.verify()
        assert held.asked
        assert not outer.asked
        with pytest.raises(Cancelled, match="is not this run's any more"):
            held.check()


# --- the source --------------------------------------------------------------------------------------------------------------------


def test_a_source_that_is_written_to_while_it_is_read_is_no_release(tmp_path, monkeypatch):
    source, spool = tmp_path / "dist", tmp_path / "spool"
    source.mkdir()
    spool.mkdir()
    (source / "index.html").write_text("one")
    pick = "ropeway.s3.site.source.digests"

    def digests(path, cancellation):
        os.utime(path, (1, 1))
        return "", ""

    monkeypatch.setattr(pick, digests)
    with pytest.raises(LocalFileError, match=r"The source was written to while it was read: index\.html"):
        read_site(str(source), SiteSettings(), str(spool), GO_ON)


def test_a_file_that_changed_and_had_its_time_put_back_is_not_vouched_for(bench: Bench):
    plan = bench.plan({"index.html": "", "style.css": "1"})
    (put,) = [one.step.work for one in plan.todo if one.key == "style.css"]
    stamp = os.stat(put.path)
    with open(put.path, "w") as file:
        file.write("2")
    os.utime(put.path, ns=(stamp.st_atime_ns, put.mtime_ns))
    applied = apply_plan(bench.engine, plan, None, Run())
    assert applied.error is None
    with pytest.raises(RopewayError, match=r"style\.css is not what was just released"):
        settled(bench.engine, plan, applied, GO_ON)
