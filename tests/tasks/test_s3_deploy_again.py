"""S3Deploy on a second try: what failed is not green for being tried again, what was good is not taken back for it, and what nobody has proved is no way back."""

from __future__ import annotations

import pytest

from ropeway.errors import InputError, IntegrityError
from ropeway.outcome import Cancellation
from ropeway.s3.site.gate import Gate
from tests.s3.site.test_plan_is_the_truth import _of_moto
from tests.servers.misbehaving import Answer, _forwarded, s3_error
from tests.tasks.sites import ONE, TWO, back, build, deploy, history, outputs, said, shown, suite

__all__ = ["back", "build", "deploy", "suite"]


# --- what read back wrong ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def garbling(misbehaving, embedded):
    """The address of an S3 whose first page comes back reversed."""
    misbehaving.upstream = embedded.endpoint_url

    def reverse(request):
        answer = _forwarded(embedded.endpoint_url, request)
        return Answer(answer.status, answer.headers, bytes(reversed(answer.body)))

    misbehaving.on(reverse, method="GET", target="docs/index.html")
    return misbehaving.url


def test_what_read_back_wrong_is_read_back_again_on_the_second_try(deploy, garbling, s3, bucket):
    for _ in range(2):
        ran = deploy("41", ONE, on_failure="fail", endpoint_url=garbling)
        assert isinstance(ran.outcome.error, IntegrityError)
        for words in said("What was released reads back otherwise, and it is tried again"):
            assert words in str(ran.outcome.error)
        assert outputs(ran.outcome)["result"] == "failed"
        assert history(s3, bucket) == ("41", {"41": "failed"})


def test_what_others_changed_so_that_no_listing_shows_it_is_mended_on_the_second_try(
    deploy, misbehaving, embedded, s3, bucket
):
    misbehaving.upstream = embedded.endpoint_url
    key = {"Bucket": bucket, "Key": "docs/index.html"}

    def hook(request):
        """Other headers on the very bytes, in the same second as far as a listing tells."""
        when = _of_moto(bucket, key["Key"]).last_modified
        s3.copy_object(**key, CopySource=key, MetadataDirective="REPLACE", ContentType="binary/octet-stream")
        _of_moto(bucket, key["Key"]).last_modified = when
        return _forwarded(embedded.endpoint_url, request)

    misbehaving.on(hook, method="HEAD", target="docs/index.html", times=1)
    ran = deploy("41", ONE, on_failure="fail", endpoint_url=misbehaving.url)
    assert "docs/index.html (its headers)" in str(ran.outcome.error)
    ran = deploy("41", ONE, on_failure="fail")
    assert (ran.outcome.error, history(s3, bucket)) == (None, ("41", {"41": "live"}))
    assert s3.head_object(**key)["ContentType"] == "text/html; charset=utf-8"


# --- attempts at a stage -----------------------------------------------------------------------------------------------------------


def test_a_second_attempt_that_touched_nothing_leaves_the_good_release_of_the_first(deploy, back, build, s3, bucket):
    build("41")
    deploy("41", ONE)
    build("42")
    deploy("42", TWO)
    build("42", attempt=2)
    with pytest.raises(InputError, match="Release 42 is there already"):
        deploy("42", ONE)
    ran = back(mode="takeBack")
    assert (ran.outcome.error, outputs(ran.outcome)["result"]) == (None, "nothing")
    (words,) = said("A stage is tried again, its second attempt deploys nothing, and takes back")
    assert f"release 42 is of attempt 1 at this stage, and {words}" in ran.outcome.title
    assert history(s3, bucket) == ("42", {"41": "live", "42": "live"})


@pytest.mark.parametrize("checked", [False, True])
def test_a_second_attempt_that_deployed_once_more_takes_back_what_it_deployed(
    deploy, back, build, suite, s3, bucket, checked
):
    checks = {"checks_file": suite("42")} if checked else {}
    build("41")
    deploy("41", ONE)
    for attempt in (1, 2):
        build("42", attempt=attempt)
        assert deploy("42", TWO, **checks).outcome.error is None
    back(mode="takeBack")
    assert history(s3, bucket) == ("41", {"41": "live", "42": "rolledBack"})


def test_a_second_attempt_whose_run_died_in_its_checks_leaves_the_release_that_was_healthy(
    deploy, back, build, suite, dies_in_its_checks, s3, bucket
):
    build("41")
    deploy("41", ONE)
    build("42")
    deploy("42", TWO, checks_file=suite("42"))
    build("42", attempt=2)
    dies_in_its_checks("42", TWO)
    assert outputs(back(mode="takeBack").outcome)["result"] == "nothing"
    assert history(s3, bucket) == ("42", {"41": "live", "42": "healthy"})


def test_a_second_attempt_takes_back_what_the_first_left_half_done(
    deploy, back, build, misbehaving, embedded, s3, bucket
):
    build("41")
    deploy("41", ONE)
    build("42")
    misbehaving.upstream = embedded.endpoint_url
    misbehaving.on(s3_error(403, "AccessDenied"), method="PUT", target="/index.html", times=1)
    assert deploy("42", TWO, endpoint_url=misbehaving.url).outcome.error
    build("42", attempt=2)
    back(mode="takeBack")
    assert history(s3, bucket) == ("41", {"41": "live", "42": "rolledBack"})


@pytest.fixture
def half_way(deploy, misbehaving, embedded):
    """A release that ends when all is there but its first page."""

    def run(release, files):
        misbehaving.upstream = embedded.endpoint_url
        misbehaving.on(s3_error(403, "AccessDenied"), method="PUT", target="/index.html", times=1)
        assert deploy(release, files, endpoint_url=misbehaving.url).outcome.error

    return run


def test_a_stage_takes_back_what_is_live_although_another_build_has_ended_half_way_over_it(
    deploy, back, build, half_way, s3, bucket
):
    build("41")
    deploy("41", ONE)
    build("42")
    deploy("42", TWO)
    build("43")
    half_way("43", THREE | {"index.html": b"three"})
    build("42")
    assert outputs(back(mode="takeBack").outcome)["liveRelease"] == "41"
    assert history(s3, bucket) == ("41", {"41": "live", "42": "rolledBack", "43": "rolledBack"})
    assert {key: body for key, body in shown(s3, bucket).items() if key in ONE} == ONE


# --- what nobody has proved ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def dies_in_its_checks(deploy, suite, monkeypatch):
    def die(*_):
        raise KeyboardInterrupt

    def run(release, files):
        checks = suite()
        with monkeypatch.context() as patch:
            patch.setattr(Gate, "ask", die)
            with pytest.raises(KeyboardInterrupt):
                deploy(release, files, checks_file=checks)

    return run


THREE = {**TWO, "about.html": b"three"}


def test_a_release_whose_run_died_in_its_checks_is_not_gone_back_to(deploy, suite, dies_in_its_checks, s3, bucket):
    deploy("41", ONE, checks_file=suite("41"))
    dies_in_its_checks("42", TWO)
    ran = deploy("43", THREE, checks_file=suite("41"))
    assert "43 was taken back: release 41 is live again, and passes the checks." in str(ran.outcome.error)
    assert history(s3, bucket)[0] == "41"


def test_it_is_gone_back_to_where_there_is_no_other(deploy, back, dies_in_its_checks, s3, bucket):
    dies_in_its_checks("41", ONE)
    deploy("42", TWO)
    back()
    assert history(s3, bucket)[0] == "41"


def test_once_its_checks_have_passed_it_is_gone_back_to(deploy, back, suite, dies_in_its_checks, s3, bucket):
    deploy("41", ONE)
    dies_in_its_checks("42", TWO)
    assert deploy("42", TWO, checks_file=suite("42")).outcome.error is None
    deploy("43", THREE)
    back()
    assert history(s3, bucket)[0] == "42"


def test_a_rollback_whose_checks_fail_is_not_gone_back_to_later(deploy, back, suite, s3, bucket):
    for release, files in (("40", {"index.html": b"forty"}), ("41", ONE), ("42", TWO)):
        deploy(release, files)
    ran = back(checks_file=suite("40"))
    (words,) = said("The checks of a rollback fail")
    assert f"Release 41 {words}" in str(ran.outcome.error)
    assert history(s3, bucket) == ("41", {"40": "live", "41": "failed", "42": "rolledBack"})
    assert deploy("43", THREE).outcome.error is None
    back()
    assert history(s3, bucket)[0] == "40"


def test_a_release_that_failed_is_no_better_for_being_mended_after_another_one(
    deploy, back, suite, half_way, s3, bucket
):
    deploy("41", ONE, checks_file=suite("41"))
    deploy("42", TWO, checks_file=suite(), on_failure="fail")
    half_way("43", THREE | {"index.html": b"three"})
    back()
    assert history(s3, bucket)[0] == "42"
    deploy("44", THREE, checks_file=suite("41"))
    assert history(s3, bucket)[0] == "41"


# --- stopped ------------------------------------------------------------------------------------------------------------------------


def test_who_is_stopped_after_a_check_had_failed_says_that_nothing_was_begun(
    deploy, suite, misbehaving, embedded, s3, bucket
):
    deploy("41", ONE)
    misbehaving.upstream, stop = embedded.endpoint_url, Cancellation()

    def stopping(request):
        stop.ask("the job was cancelled")
        return _forwarded(embedded.endpoint_url, request)

    misbehaving.on(stopping, method="PUT", target="releases.json", skip=2)  # staged, live, and then failed
    ran = deploy("42", TWO, checks_file=suite(), cancellation=stop, endpoint_url=misbehaving.url)
    error = ran.outcome.error
    words, advice = said("A check fails, and the task is stopped before the way back has begun")
    assert f"42 {words}: Stopped: the job was cancelled." in str(error)
    assert advice in str(error)
    assert "parts of both" not in str(error)
    assert history(s3, bucket) == ("42", {"41": "live", "42": "failed"})
    assert shown(s3, bucket)["index.html"] == TWO["index.html"]
