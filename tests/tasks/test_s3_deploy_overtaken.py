"""S3Deploy whose lock is lost while its checks are asked: nobody is told that it is well, nor that it is not."""

from __future__ import annotations

import pytest

from ropeway.errors import Overtaken
from ropeway.outcome import Cancellation
from ropeway.s3.state.lock import break_lock, lock_place
from ropeway.s3.state.place import site_place
from tests.s3.boto_kit import engine_at
from tests.servers.misbehaving import Answer, misbehaving_server
from tests.tasks.sites import ONE, TWO, back, build, deploy, history, outputs, said, shown

__all__ = ["back", "build", "deploy"]


@pytest.fixture
def lock_broken(embedded, bucket):
    def break_it():
        with engine_at(embedded) as engine:
            assert break_lock(engine, lock_place(site_place(f"s3://{bucket}", "docs")), Cancellation())

    return break_it


@pytest.fixture
def asked(tmp_path):
    """`asked(200, meanwhile)`: a checks file; when its one check is first asked, `meanwhile` is done, once."""
    with misbehaving_server() as visitors:

        def write(status, meanwhile):
            todo = [meanwhile]

            def answer(_):
                while todo:
                    todo.pop()()
                return Answer(status)

            visitors.on(answer)
            path = tmp_path / "ropeway-checks.yml"
            check = f"http: {{url: '{visitors.url}', status: 200}}"
            path.write_text(
                f"within: 120s\ndefaults: {{failures: 0, timeout: 90s}}\nchecks:\n  home page:\n    {check}\n"
            )
            return str(path)

        yield write


@pytest.mark.parametrize("status", [200, 503])
def test_what_checks_saw_of_a_colleagues_release_says_nothing_of_this_one(
    deploy, asked, lock_broken, s3, bucket, status
):
    def colleague():
        lock_broken()
        assert deploy("43", {**TWO, "about.html": b"43"}).outcome.error is None

    deploy("41", ONE)
    ran = deploy("42", TWO, checks_file=asked(status, colleague))
    assert isinstance(ran.outcome.error, Overtaken)
    words, advice = said("The lock is lost while checks are asked, and another release is live by then")
    assert f"Release 42 was live, and 43 {words}" in str(ran.outcome.error)
    assert advice in str(ran.outcome.error)
    assert (outputs(ran.outcome)["result"], outputs(ran.outcome)["liveRelease"]) == ("failed", "43")
    assert history(s3, bucket) == ("43", {"41": "live", "42": "live", "43": "live"})


def test_a_release_that_was_rolled_back_while_it_was_checked_is_not_healthy(
    deploy, back, asked, lock_broken, s3, bucket
):
    def colleague():
        lock_broken()
        assert back().outcome.error is None

    deploy("41", ONE)
    ran = deploy("42", TWO, checks_file=asked(200, colleague))
    assert "Release 42 was live, and 41 is now" in str(ran.outcome.error)
    assert history(s3, bucket) == ("41", {"41": "live", "42": "rolledBack"})


def test_whose_lock_is_broken_and_nobody_else_deployed_leaves_the_release_live_and_unmarked(
    deploy, asked, lock_broken, s3, bucket
):
    deploy("41", ONE)
    ran = deploy("42", TWO, checks_file=asked(200, lock_broken))
    (words,) = said("The lock is lost while checks are asked, and nobody else has deployed")
    assert f"Release 42 {words} The lock" in str(ran.outcome.error)
    assert history(s3, bucket) == ("42", {"41": "live", "42": "live"})


def test_without_a_lock_the_list_of_releases_tells(deploy, asked, s3, bucket):
    deploy("41", ONE)
    checks = asked(200, lambda: deploy("43", {**TWO, "about.html": b"43"}, lock="none"))
    ran = deploy("42", TWO, lock="none", checks_file=checks)
    assert "Release 42 was live, and 43 is now" in str(ran.outcome.error)
    assert history(s3, bucket) == ("43", {"41": "live", "42": "live", "43": "live"})


def test_a_site_that_begins_below_while_checks_are_asked_is_not_taken_back_with_the_release(deploy, asked, s3, bucket):
    def colleague():
        assert deploy("1", ONE, target_folder="shop").outcome.error is None

    deploy("41", ONE, target_folder="")
    ran = deploy("42", TWO, target_folder="", checks_file=asked(503, colleague))
    assert "42 was not taken back, and stays live, marked as failed" in str(ran.outcome.error)
    assert f"has another site of Ropeway's below it, s3://{bucket}/shop" in str(ran.outcome.error)
    assert shown(s3, bucket, "shop/") == ONE
