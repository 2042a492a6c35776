from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ropeway.errors import ConditionFailed, InputError, IntegrityError, Overtaken
from ropeway.outcome import Cancellation
from ropeway.s3.state.place import StatePlace
from ropeway.s3.state.releases import (
    KEPT,
    NEXT,
    History,
    Release,
    State,
    change_history,
    history_place,
    is_older,
    read_history,
)
from tests.s3.boto_kit import each_engine, engine_at

GO_ON = Cancellation()


def release(name, content="c"):
    return Release(name, State.STAGED, 1.5, name, content, 3, 1000)


def deployed(history, name, content="c"):
    return history.staged(release(name, content)).switched(name, over=history.live)


def test_a_release_is_staged_then_live_then_healthy():
    history = History().staged(release("41"))
    assert (history.live, history.find("41").state) == ("", State.STAGED)
    history = history.switched("41", over="")
    assert (history.live, history.live_release.state) == ("41", State.LIVE)
    assert history.now("41", State.HEALTHY).live_release.state is State.HEALTHY


def test_a_rollback_leads_to_the_last_release_that_was_live_and_did_not_fail():
    history = History()
    for name in ("41", "42", "43", "44"):
        history = deployed(history, name)
    history = history.now("43", State.FAILED)
    assert history.before("44").id == "42"
    assert history.before("41") is None
    assert history.before("9") is None


def test_what_somebody_else_has_made_live_is_not_switched_away():
    history = deployed(deployed(History(), "41"), "42").staged(release("43"))
    with pytest.raises(Overtaken, match="Release 42 is live, and 41 was when this began: nothing was switched"):
        history.switched("43", over="41")


def test_a_switch_that_was_made_already_may_be_made_again():
    history = deployed(History(), "41")
    assert history.switched("41", over="").live == "41"


def test_an_id_names_one_content_for_good():
    history = deployed(History(), "41").now("41", State.FAILED)
    assert history.staged(release("41")).find("41").state is State.STAGED
    with pytest.raises(InputError, match=r"Release 41 is there already \(failed\), with other files"):
        history.staged(release("41", "other"))


def test_no_state_follows_that_cannot():
    with pytest.raises(Overtaken, match="Release 41 is staged, and cannot become healthy"):
        History().staged(release("41")).now("41", State.HEALTHY)
    with pytest.raises(Overtaken, match="There is no release 9 any more"):
        History().now("9", State.LIVE)


def test_the_live_release_is_never_forgotten():
    history = deployed(History(), "first")
    for n in range(KEPT + 5):
        history = history.staged(release(f"r{n}"))
    assert history.live_release.id == "first"
    assert len(history.releases) <= KEPT + 1


@given(st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from(State)), max_size=30))
def test_whatever_happens_ids_are_unique_and_the_live_one_is_there(steps):
    history = History()
    for name, state in steps:
        try:
            if state is State.STAGED:
                history = history.staged(release(name))
            elif state is State.LIVE:
                history = history.switched(name, over=history.live)
            else:
                history = history.now(name, state)
        except Overtaken:
            continue
        assert len({one.id for one in history.releases}) == len(history.releases)
        assert not history.live or history.live_release
    assert set(NEXT) == set(State)


@pytest.mark.parametrize(
    ("build", "live", "older"),
    [
        ("1.9.3", "1.10", True),
        ("20261122.2", "20261122.10", True),
        ("7", "7", False),
        ("8", "7", False),
        ("a", "b", False),
        ("", "7", False),
        ("7", "", False),
        ("1.x", "2", False),
    ],
)
def test_builds_are_compared_as_far_as_they_are_numbers(build, live, older):
    assert is_older(build, live) is older


# --- in the bucket --------------------------------------------------------------------------------------------------------------


@pytest.fixture
def site(store):
    return StatePlace(store[0], "state/sites/@root")


@each_engine
def test_what_is_written_is_read_again_and_nothing_is_written_without_a_change(server, store, site):
    with engine_at(server) as engine:
        assert read_history(engine, site, GO_ON) == (History(), "")
        written = change_history(engine, site, lambda history: deployed(history, "41"), GO_ON)
        there, etag = read_history(engine, site, GO_ON)
        assert (there, etag) == written
        change_history(engine, site, lambda history: history, GO_ON)
        assert read_history(engine, site, GO_ON)[1] == etag


@each_engine
def test_what_was_read_already_is_not_read_again_and_not_trusted_when_it_is_old(server, site):
    with engine_at(server) as engine:
        known = change_history(engine, site, lambda history: deployed(history, "41"), GO_ON)
        change_history(engine, site, lambda history: history.now("41", State.HEALTHY), GO_ON)
        change_history(engine, site, lambda history: deployed(history, "42"), GO_ON, known=known)
        history, _ = read_history(engine, site, GO_ON)
    assert [(one.id, one.state) for one in history.releases] == [("41", State.HEALTHY), ("42", State.LIVE)]


@each_engine
def test_a_word_written_between_is_not_lost(server, site):
    with engine_at(server) as engine:
        others = iter(["41", "42"])

        def change(history):
            if name := next(others, None):  # somebody else is faster, twice
                change_history(engine, site, lambda there: there.staged(release(name)), GO_ON)
            return history.staged(release("mine"))

        change_history(engine, site, change, GO_ON)
        assert [one.id for one in read_history(engine, site, GO_ON)[0].releases] == ["41", "42", "mine"]


def test_who_is_never_first_gives_up(embedded, bucket):
    site, count = StatePlace(bucket, "state"), iter(range(100))
    with engine_at(embedded) as engine:

        def change(history):
            change_history(engine, site, lambda there: there.staged(release(f"r{next(count)}")), GO_ON)
            return history.staged(release("mine"))

        with pytest.raises(ConditionFailed):
            change_history(engine, site, change, GO_ON)


@pytest.mark.parametrize(
    "body",
    [b'{"version": 1, "live": "x"}', b"[]", b'{"version": 1, "live": "", "releases": [{"id": "1", "state": "?"}]}'],
)
def test_what_cannot_be_read_is_told(embedded, s3, bucket, body):
    site = StatePlace(bucket, "state")
    s3.put_object(Bucket=bucket, Key=history_place(site).key, Body=body)
    with engine_at(embedded) as engine, pytest.raises(IntegrityError, match=f"s3://{bucket}/state/releases.json"):
        read_history(engine, site, GO_ON)
