"""Servers that are odd but right are understood; what is broken is tried again, a bounded number of times, and all arrives, equal."""

import os
import random
import time

import pytest

from ropeway.errors import NetworkError, RopewayError
from ropeway.wire import connection
from tests.s3.boto_kit import BOTO, each_engine, engine_at, get, noise, put, transfer, tune, well
from tests.s3.wire_kit import WIRE
from tests.servers import odd as manners
from tests.waiting import wait_until

FILES = 30
ATTEMPTS = 4
"""Of a request at most, the first one included."""
wire_only = pytest.mark.parametrize("engine_kind", [WIRE], indirect=True, ids=["wire"])
"""For what botocore, or the http.client beneath it, does not do well: that is why there is another engine."""


@pytest.fixture(autouse=True)
def _hurried(engine_kind, monkeypatch):
    engine_kind.hurry(monkeypatch)
    engine_kind.tune(monkeypatch, pauses=(0.0, 0.0))


@pytest.fixture
def tree(tmp_path):
    return grown(tmp_path / "source", FILES)


def grown(folder, count, size=lambda number: number * 97):
    folder.mkdir()
    for number in range(count):
        (folder / f"{number:05}").write_bytes(noise(size(number), number))
    return folder


def up_and_down(odd, tree, target, *, attempts=ATTEMPTS, concurrency=4):
    """There and back; raises the first error."""
    names = sorted(os.listdir(tree))
    retries = {"mode": "standard", "total_max_attempts": attempts}
    with engine_at(odd.url, retries=retries, concurrency=concurrency) as engine:
        well(transfer(engine, *(put(tree / name, "bucket", name) for name in names)))
        heads = dict(engine.heads("bucket", names))
        assert {name: head.size for name, head in heads.items()} == {
            name: (tree / name).stat().st_size for name in names
        }
        listed = [entry.key for entry in engine.list("bucket", "")]
        well(transfer(engine, *(get("bucket", key, target / key, (tree / key).read_bytes()) for key in listed)))


def assert_equal(odd, tree, target):
    names = sorted(os.listdir(tree))
    assert {name: (tree / name).read_bytes() for name in names} == odd.objects
    assert sorted(os.listdir(target)) == names
    assert all((target / name).read_bytes() == (tree / name).read_bytes() for name in names)


def named(manner):
    return manner.__name__


UNDERSTOOD = [
    manners.closing_silently,
    manners.closing_aloud,
    manners.half_closing,
    manners.in_chunks,
    manners.a_byte_at_a_time,
]


@each_engine
@pytest.mark.parametrize("manner", UNDERSTOOD, ids=named)
def test_an_odd_server_that_is_right_is_understood(odd, tree, tmp_path, manner):
    odd.speak(manner)
    up_and_down(odd, tree, tmp_path / "target")
    assert_equal(odd, tree, tmp_path / "target")
    assert max(odd.attempts.values()) <= 2  # on a kept connection that was closed meanwhile


@wire_only
@pytest.mark.parametrize(
    "manner",
    [manners.with_interim_answers, manners.with_a_body_to_head, manners.with_an_answer_too_many],
    ids=named,
)
def test_an_answer_that_nobody_asked_for_is_taken_for_no_other(odd, tree, tmp_path, manner):
    odd.speak(manner)
    up_and_down(odd, tree, tmp_path / "target")
    assert_equal(odd, tree, tmp_path / "target")


@wire_only
def test_an_answer_that_came_while_a_connection_lay_idle_is_taken_for_no_other(odd, tmp_path):
    odd.objects["key"] = noise(5000)
    odd.speak(manners.with_an_answer_too_many_later, method="HEAD")
    with engine_at(odd.url) as engine:
        for number in range(5):
            ((_, head),) = engine.heads("bucket", ["key"])
            assert head.size == 5000
            wait_until(lambda: odd.unasked > number)  # noqa: B023 - it waits here and now
    assert odd.connections == 5


pytestmark = pytest.mark.filterwarnings("ignore::dateutil.parser.UnknownTimezoneWarning")
"""botocore reads a head that is cut within GMT, and wonders."""

BROKEN = [
    manners.hanging_up,
    manners.half_closed_midway,
    manners.resetting_midway,
    manners.resetting_at_once,
    manners.refusing_early,
    manners.in_html,
]


def assert_tried_again(odd, tree, target, manner, method):
    odd.speak(manner, method=method, target="/bucket/", times=3)
    up_and_down(odd, tree, target)
    assert_equal(odd, tree, target)
    assert len(odd.asked) <= 3 * FILES + 1 + 3 * 3
    assert max(odd.attempts.values()) <= ATTEMPTS


@each_engine
@pytest.mark.parametrize("manner", BROKEN, ids=named)
@pytest.mark.parametrize("method", ["PUT", "GET"])
def test_what_breaks_is_tried_again_and_arrives(odd, tree, tmp_path, manner, method):
    assert_tried_again(odd, tree, tmp_path / "target", manner, method)


MALFORMED = [
    manners.with_two_lengths,
    manners.with_length_and_chunks,
    manners.folded,
    manners.with_bare_line_feeds,
    manners.with_endless_headers,
]


@wire_only
@pytest.mark.parametrize("manner", [*BROKEN, *MALFORMED], ids=named)
def test_half_a_head_and_a_malformed_one_are_no_answer(odd, tree, tmp_path, manner):
    assert_tried_again(odd, tree, tmp_path / "target", manner, "HEAD")


@wire_only
@pytest.mark.parametrize("manner", MALFORMED, ids=named)
@pytest.mark.parametrize("method", ["PUT", "GET"])
def test_what_can_be_read_in_two_ways_is_tried_again(odd, tree, tmp_path, manner, method):
    assert_tried_again(odd, tree, tmp_path / "target", manner, method)


NEVER = [(manner, "GET") for manner in BROKEN] + [
    (manner, "PUT")
    for manner in (manners.hanging_up, manners.resetting_at_once, manners.refusing_early, manners.in_html)
]
"""What is no answer however often it is asked for. A PUT's has no body to break off in."""


@each_engine
@pytest.mark.parametrize(("manner", "method"), NEVER, ids=lambda each: each if isinstance(each, str) else named(each))
def test_what_stays_broken_is_an_error_after_a_few_attempts(odd, tmp_path, manner, method):
    (tmp_path / "file").write_bytes(noise(5000))
    odd.objects["key"] = noise(5000)
    odd.speak(manner, method=method)
    work = (
        put(tmp_path / "file", "bucket", "key")
        if method == "PUT"
        else get("bucket", "key", tmp_path / "down", noise(5000))
    )
    with (
        engine_at(odd.url, retries={"mode": "standard", "total_max_attempts": 3}) as engine,
        pytest.raises(RopewayError),
    ):
        well(transfer(engine, work))
    assert len(odd.asked) <= 9  # a body that breaks off is fetched a few times by itself
    assert not (tmp_path / "down").exists()


@wire_only
@pytest.mark.parametrize("manner", MALFORMED, ids=named)
def test_what_stays_malformed_is_an_error_that_says_so(odd, tmp_path, manner):
    (tmp_path / "file").write_bytes(noise(5000))
    odd.speak(manner, method="PUT")
    with (
        engine_at(odd.url, retries={"mode": "standard", "total_max_attempts": 2}) as engine,
        pytest.raises(NetworkError),
    ):
        well(transfer(engine, put(tmp_path / "file", "bucket", "key")))
    assert len(odd.asked) == 2


@each_engine
@pytest.mark.parametrize("method", ["PUT", "POST"])
def test_a_file_in_parts_arrives_through_a_server_that_resets(odd, tmp_path, monkeypatch, method):
    tune(monkeypatch, single=5 << 20)
    (tmp_path / "large").write_bytes(noise(16 << 20))
    odd.speak(manners.resetting_midway, method=method, times=2)
    with engine_at(odd.url, retries={"mode": "standard", "total_max_attempts": ATTEMPTS}) as engine:
        well(transfer(engine, put(tmp_path / "large", "bucket", "large")))
    assert odd.objects["large"] == noise(16 << 20)
    assert max(odd.attempts.values()) <= ATTEMPTS


@each_engine
def test_a_redirect_to_a_stranger_is_not_followed(odd, tmp_path):
    """307 may name another host; the keys and the bytes are for the one that was meant."""
    (tmp_path / "file").write_bytes(noise(5000))
    with manners.odd_server() as stranger:
        odd.speak(manners.redirecting_to(stranger.url.replace("127.0.0.1", "localhost")), method="PUT")
        with engine_at(odd.url) as engine, pytest.raises(RopewayError):
            well(transfer(engine, put(tmp_path / "file", "bucket", "key")))
        assert stranger.asked == []
    assert len(odd.asked) <= 5


@wire_only
def test_a_slow_loris_is_given_up_and_the_next_answer_taken(odd, tree, tmp_path, monkeypatch):
    """It sends a byte now and then, so that no pause is ever long: it is its pace that betrays it."""
    monkeypatch.setattr(connection, "IDLE", 2.0)  # a slow machine, too, has a pause now and then
    odd.speak(manners.trickling, target="/bucket/", method="PUT", times=3)
    odd.speak(manners.silent, target="/bucket/", method="GET", times=3)
    began = time.monotonic()
    up_and_down(odd, tree, tmp_path / "target")
    assert_equal(odd, tree, tmp_path / "target")
    assert time.monotonic() - began < 20  # it would have trickled for 30 s each time
    assert len(odd.asked) <= 3 * FILES + 1 + 6


COUNTS = {BOTO.name: 200, WIRE.name: 10_000}
"""boto3 needs 25 times as long for each."""


@each_engine
def test_all_arrive_where_one_answer_in_twenty_is_a_reset(odd, tmp_path, engine_kind):
    count = COUNTS[engine_kind.name]
    tree = grown(tmp_path / "source", count, lambda number: number % 3000)
    odd.speak(manners.resetting_at_random(0.05, seed=count))
    names = sorted(os.listdir(tree))
    retries = {"mode": "standard", "total_max_attempts": 8}
    with engine_at(odd.url, retries=retries, concurrency=16) as engine:
        well(transfer(engine, *(put(tree / name, "bucket", name) for name in names)))
        listed = [(entry.key, entry.etag, entry.size) for entry in engine.list("bucket", "")]
        some = random.Random(1).sample(names, count // 10)
        gets = [get("bucket", name, tmp_path / "target" / name, (tree / name).read_bytes()) for name in some]
        well(transfer(engine, *gets))
    assert [key for key, _, _ in listed] == names
    assert odd.objects == {name: (tree / name).read_bytes() for name in names}
    assert all((tmp_path / "target" / name).read_bytes() == (tree / name).read_bytes() for name in some)
    assert odd.resets >= count / 30
    assert len(odd.asked) <= len(names) + len(some) + count // 1000 + 1 + 2 * odd.resets
    assert max(odd.attempts.values()) <= 8
