"""S3Deploy after a release that ended half-way: it can be taken back, deployed over and finished, however many files it brought."""

from __future__ import annotations

import pytest

from ropeway.errors import RopewayError
from tests.servers.misbehaving import s3_error
from tests.tasks.sites import ONE, TWO, back, build, deploy, history, outputs, said, shown

__all__ = ["back", "build", "deploy"]

PICTURES = {f"img/{number}.png": b"%d" % number for number in range(9)}
WITH_PICTURES = {**TWO, "about.html": b"about two", **PICTURES}
USUAL = {"max_delete_percent": "50"}
"""As a pipeline has it that says nothing of it."""


@pytest.fixture
def half_way(deploy, misbehaving, embedded):
    """`half_way("42", FILES)`: its first page is denied, so that all else is there and the release before is live."""
    misbehaving.upstream = embedded.endpoint_url

    def end(release, files, **given):
        misbehaving.on(s3_error(403, "AccessDenied"), method="PUT", target="/index.html", times=1)
        ran = deploy(release, files, endpoint_url=misbehaving.url, **USUAL | given)
        (advice,) = said("A release ends half-way, however many files it has brought")
        assert advice in str(ran.outcome.error)

    return end


def test_what_brought_many_files_and_ended_half_way_is_taken_back(deploy, back, build, half_way, s3, bucket):
    build("41")
    deploy("41", ONE)
    build("42")
    half_way("42", WITH_PICTURES)
    ran = back(mode="takeBack", **USUAL)
    assert (ran.outcome.error, outputs(ran.outcome)["liveRelease"]) == (None, "41")
    assert shown(s3, bucket) == {**ONE, "app-B7yX3kLm.js": b"two()"}
    assert history(s3, bucket) == ("41", {"41": "live", "42": "rolledBack"})


def test_what_brought_many_files_and_ended_half_way_is_deployed_over(deploy, half_way, s3, bucket):
    deploy("41", ONE)
    half_way("42", WITH_PICTURES)
    ran = deploy("43", {**ONE, "b.html": b"b"}, max_delete="0", **USUAL)
    assert ran.outcome.error is None
    assert shown(s3, bucket) == {**ONE, "b.html": b"b", "app-B7yX3kLm.js": b"two()"}


def test_two_that_ended_half_way_in_a_row_are_taken_back_together(deploy, back, half_way, s3, bucket):
    deploy("41", ONE)
    half_way("42", WITH_PICTURES)
    half_way("42", WITH_PICTURES)
    half_way("43", {**TWO, **PICTURES, **{f"more/{number}.txt": b"more" for number in range(9)}})
    ran = back(**USUAL)
    assert (ran.outcome.error, outputs(ran.outcome)["liveRelease"]) == (None, "41")
    assert shown(s3, bucket) == {**ONE, "app-B7yX3kLm.js": b"two()"}


def test_a_first_release_that_ended_half_way_is_deployed_over(deploy, half_way, s3, bucket):
    half_way("41", WITH_PICTURES)
    assert deploy("42", ONE, max_delete="0", **USUAL).outcome.error is None
    assert shown(s3, bucket) == {**ONE, "app-B7yX3kLm.js": b"two()"}


def test_what_others_had_put_there_before_it_still_counts(deploy, back, half_way, s3, bucket):
    deploy("41", ONE)
    for key in PICTURES:
        s3.put_object(Bucket=bucket, Key=f"docs/{key}", Body=b"of others")
    half_way("42", WITH_PICTURES)
    with pytest.raises(RopewayError, match="9 objects would be deleted, and at most 8 objects may be"):
        back(max_delete="8", max_delete_percent="100")
    with pytest.raises(RopewayError, match="9 objects would be deleted, and at most 8 objects may be"):
        deploy("43", ONE, max_delete="8")


def test_files_of_the_live_release_count_although_one_that_ended_half_way_brought_them_too(
    deploy, half_way, s3, bucket
):
    deploy("41", ONE)
    half_way("42", WITH_PICTURES)
    deploy("42", WITH_PICTURES)
    half_way("43", TWO | PICTURES | {"index.html": b"three"})
    with pytest.raises(RopewayError, match="9 objects would be deleted, and at most 8 objects may be"):
        deploy("44", TWO, max_delete="8")


def test_a_state_that_tells_nothing_of_what_was_brought_is_read_as_before(deploy, back, half_way, s3, bucket):
    """As an earlier Ropeway leaves it."""
    deploy("41", ONE)
    half_way("42", WITH_PICTURES)
    s3.delete_object(Bucket=bucket, Key=".ropeway/sites/docs/staged/42.json")
    with pytest.raises(RopewayError, match="9 objects would be deleted, and at most 50 % of the"):
        back(**USUAL)
    assert back(max_delete_percent="100").outcome.error is None


def test_who_deploys_the_live_release_again_is_rid_of_what_had_ended_half_way(deploy, back, half_way, s3, bucket):
    deploy("40", {"index.html": b"forty"})
    deploy("41", ONE)
    half_way("42", TWO)
    assert deploy("41", ONE).outcome.error is None
    assert history(s3, bucket) == ("41", {"40": "live", "41": "live", "42": "rolledBack"})
    ran = back()
    assert outputs(ran.outcome)["liveRelease"] == "40"
    assert shown(s3, bucket)["index.html"] == b"forty"


def test_a_release_that_ended_before_its_first_object_is_taken_back_by_the_live_one_too(
    deploy, misbehaving, embedded, s3, bucket
):
    deploy("41", ONE)
    misbehaving.upstream = embedded.endpoint_url
    misbehaving.on(s3_error(403, "AccessDenied"), method="PUT", target="/app-B7yX3kLm.js", times=1)
    assert deploy("42", TWO, endpoint_url=misbehaving.url).outcome.error
    assert deploy("41", ONE).outcome.error is None
    assert history(s3, bucket) == ("41", {"41": "live", "42": "rolledBack"})
