"""One deployer at a time: with the words that a user reads, and with processes that are stopped and killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from ropeway.errors import AccessDenied, Cancelled, InputError, IntegrityError, LockHeld, NetworkError, Overtaken
from ropeway.outcome import Cancellation, Run
from ropeway.s3.state import lock as lock_module
from ropeway.s3.state.lock import break_lock, lock_place, locked, look, look_before
from ropeway.s3.state.place import StatePlace
from tests.s3.boto_kit import NO_RETRIES, boto_only, each_engine, engine_at
from tests.servers.misbehaving import Answer, s3_error
from tests.waiting import wait_until

pytestmark = each_engine

GO_ON = Cancellation()


@pytest.fixture(autouse=True)
def hurry(monkeypatch):
    monkeypatch.setattr("ropeway.s3.state.lock.PAUSE", 0.2)


@pytest.fixture
def renewed_often(monkeypatch):
    """A lock of the usual length that no busy machine loses, renewed without a wait of a third of it."""
    keep = lock_module._keep
    monkeypatch.setattr(lock_module, "_keep", lambda lock, ended, over, _: keep(lock, ended, over, 0.2))


def check_until_lost(lock):
    while True:
        lock.check()
        time.sleep(0.01)


class Notes:
    """A teller that keeps what it is told."""

    def __init__(self):
        self.lines = []

    def note(self, message):
        self.lines.append(message)

    def progress(self, progress): ...


@pytest.fixture
def engine(server):
    with engine_at(server) as engine:
        yield engine


@pytest.fixture
def place(store):
    return StatePlace(store[0], "state/lock.json")


def test_a_lock_is_held_by_its_owner_and_free_at_the_end(engine, place):
    assert look(engine, place, GO_ON) is None
    began = time.monotonic()
    with locked(engine, place, "build 7 on agent A", "deploy of 42", Run()) as lock:
        lock.check()
        seen = look(engine, place, GO_ON)
        assert (seen.hold.owner, seen.hold.purpose) == ("build 7 on agent A", "deploy of 42")
        assert abs(seen.hold.expires - seen.date - 60) <= 2 + (time.monotonic() - began)
        assert not seen.over
    assert look(engine, place, GO_ON).hold.free


def test_a_second_owner_is_told_who_holds_it(engine, place):
    with locked(engine, place, "build 7", "deploy of 42", Run()):
        with (
            pytest.raises(LockHeld) as held,
            locked(engine, place, "build 8", "deploy of 43", Run()),
        ):
            raise AssertionError
        assert str(held.value).startswith(
            f"The lock s3://{place.bucket}/state/lock.json is not free: build 7 holds it (deploy of 42), until "
        )
        assert "ropeway s3 lock break" in str(held.value)


def test_who_waits_says_so_once_and_gets_it_when_it_is_free(engine, place):
    notes, ended = Notes(), threading.Event()
    with locked(engine, place, "build 7", "deploy of 42", Run()):

        def second():
            with locked(engine, place, "build 8", "deploy of 43", Run(tell=notes), wait=30):
                ended.set()

        waiting = threading.Thread(target=second)
        waiting.start()
        while not notes.lines:
            time.sleep(0.01)
        assert not ended.is_set()
    waiting.join(30)
    assert ended.is_set()
    assert len(notes.lines) == 1
    assert notes.lines[0].startswith(f"Waiting for s3://{place.bucket}/state/lock.json: build 7 holds it")


def test_who_waits_can_be_stopped(engine, place):
    stopped = Cancellation()
    threading.Timer(0.2, stopped.ask, ["enough"]).start()
    with (
        locked(engine, place, "build 7", "deploy", Run()),
        pytest.raises(Cancelled),
        locked(engine, place, "build 8", "deploy", Run(cancellation=stopped), wait=60),
    ):
        raise AssertionError


def test_of_many_who_want_a_new_lock_one_gets_it(engine, place):
    got, refused = [], []
    barrier = threading.Barrier(4)

    def want(name):
        barrier.wait()
        try:
            with locked(engine, place, name, "race", Run()):
                got.append(name)
                barrier.wait(30)
        except LockHeld:
            refused.append(name)
            barrier.wait(30)

    threads = [threading.Thread(target=want, args=(f"build {n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert (len(got), len(refused)) == (1, 3)


def test_a_broken_lock_is_free_and_its_owner_stops(engine, place):
    with locked(engine, place, "build 7", "deploy", Run()) as lock:
        assert break_lock(engine, place, GO_ON).owner == "build 7"
        assert break_lock(engine, place, GO_ON) is None
        with pytest.raises(Overtaken, match="is not this run's any more"):
            lock.verify()
        with pytest.raises(Overtaken):
            lock.check()
    assert look(engine, place, GO_ON).hold.free


def test_nobody_frees_the_lock_of_another_one(engine, place):
    with locked(engine, place, "build 7", "deploy", Run()):
        break_lock(engine, place, GO_ON)
        second = locked(engine, place, "build 8", "deploy", Run())
        second.__enter__()
    assert look(engine, place, GO_ON).hold.owner == "build 8"
    second.__exit__(None, None, None)


def test_a_work_that_lasts_longer_than_the_lock_keeps_it(engine, place):
    with locked(engine, place, "build 7", "deploy", Run(), lasts=10.0) as lock:
        ends = look(engine, place, GO_ON).hold.expires
        while look(engine, place, GO_ON).date <= ends:
            lock.check()
            time.sleep(0.2)
        assert look(engine, place, GO_ON).hold.owner == "build 7"
        assert lock.verify() > 0


def test_guarded_work_ends_when_the_lock_does(engine, place):
    with locked(engine, place, "build 7", "deploy", Run()) as lock:
        work = lock.guarded([1, 2])
        assert next(work) == 1
        lock.lose(Overtaken("Gone."))
        with pytest.raises(Overtaken, match="Gone"):
            next(work)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"{}", "is nothing that Ropeway left there"),
        (b"\xff", "is nothing that Ropeway left there"),
        (b'{"version": 1, "owner": "x"}', "is nothing that Ropeway left there"),
        (b'{"version": 2}', "has form 2, and this Ropeway knows forms up to 1"),
    ],
)
def test_what_no_ropeway_or_a_newer_one_wrote_is_left_alone(engine, store, place, body, words):
    store[1].put_object(Bucket=place.bucket, Key=place.key, Body=body)
    with pytest.raises(IntegrityError, match=words), locked(engine, place, "build 7", "deploy", Run()):
        raise AssertionError
    assert store[1].get_object(Bucket=place.bucket, Key=place.key)["Body"].read() == body


def test_the_lock_of_a_site_lies_with_its_state():
    assert lock_place(StatePlace("b", ".ropeway/sites/docs")).address == "s3://b/.ropeway/sites/docs/lock.json"


# --- bad stores ---------------------------------------------------------------------------------------------------------------


def test_a_store_that_knows_no_conditions_cannot_lock_and_the_next_run_finds_that_out_again(misbehaving):
    misbehaving.on(s3_error(404, "NoSuchKey"), method="GET")
    misbehaving.on(Answer(200, {"ETag": '"e"'}), method="PUT")
    gone = b"<DeleteResult><Deleted><Key>lock.json</Key></Deleted></DeleteResult>"
    misbehaving.on(Answer(200, {}, gone), method="POST")
    with (
        engine_at(misbehaving.url, **NO_RETRIES) as engine,
        pytest.raises(InputError, match="knows no conditional writes"),
        locked(engine, StatePlace("bucket", "lock.json"), "build 7", "deploy", Run()),
    ):
        raise AssertionError
    assert [request.method for request in misbehaving.requests][-1] == "POST"


@pytest.mark.usefixtures("renewed_often")
def test_a_lock_that_may_not_be_renewed_any_more_is_lost(misbehaving, embedded, s3, bucket):
    misbehaving.upstream = embedded.endpoint_url
    with (
        engine_at(misbehaving.url, **NO_RETRIES) as engine,
        locked(engine, StatePlace(bucket, "lock.json"), "build 7", "deploy", Run()) as lock,
    ):
        misbehaving.on(s3_error(403, "AccessDenied"), method="PUT")
        with pytest.raises(AccessDenied):
            check_until_lost(lock)


@pytest.mark.usefixtures("renewed_often")
@pytest.mark.parametrize(
    ("status", "code"), [(503, "SlowDown"), (500, "InternalError"), (409, "ConditionalRequestConflict")]
)
def test_a_lock_that_could_not_be_renewed_at_the_moment_is_renewed_later(misbehaving, embedded, bucket, status, code):
    misbehaving.upstream, place = embedded.endpoint_url, StatePlace(bucket, "lock.json")
    refused = []
    with (
        engine_at(misbehaving.url, **NO_RETRIES) as engine,
        locked(engine, place, "build 7", "deploy", Run()) as lock,
    ):
        misbehaving.on(lambda _: refused.append(code) or s3_error(status, code), method="PUT", times=1)
        before = look(engine, place, GO_ON)
        wait_until(lambda: lock.check() or look(engine, place, GO_ON).etag != before.etag)
        assert refused
        lock.check()


class _Deaf:
    """An engine that hears no answers to what it writes, as long as it is `deaf`."""

    def __init__(self, engine):
        self._engine, self.deaf = engine, False

    def __getattr__(self, name):
        return getattr(self._engine, name)

    def write(self, *args, **given):
        written = self._engine.write(*args, **given)
        if self.deaf:
            raise NetworkError("no answer")
        return written


def test_an_owner_that_heard_no_answer_to_its_renewal_has_its_lock_still(engine, place):
    deaf = _Deaf(engine)
    with locked(deaf, place, "build 7", "deploy", Run()) as lock:
        deaf.deaf = True
        for _ in range(2):
            with pytest.raises(NetworkError):
                lock.verify()
        deaf.deaf = False
        lock.verify()
        deaf.deaf = True
        with pytest.raises(NetworkError):
            lock.verify()
        deaf.deaf = False
    assert look(engine, place, GO_ON).hold.free


def test_a_lock_that_could_not_be_freed_is_told(misbehaving, embedded, bucket):
    misbehaving.upstream, notes = embedded.endpoint_url, Notes()
    with (
        engine_at(misbehaving.url, **NO_RETRIES) as engine,
        locked(engine, StatePlace(bucket, "lock.json"), "build 7", "deploy", Run(tell=notes)),
    ):
        misbehaving.on(s3_error(403, "AccessDenied"), method="PUT")
    assert notes.lines[-1].startswith(f"The lock s3://{bucket}/lock.json was not freed, and runs out by itself: ")


# --- processes ----------------------------------------------------------------------------------------------------------------


@contextmanager
def holder(kind, server, place, name, lasts=10):
    where = [server.endpoint_url, server.connection.access_key_id, place.bucket]
    command = [sys.executable, "-m", "tests.s3.state.holder", kind.name, *where, name]
    process = subprocess.Popen(
        [*command, str(lasts)],
        cwd=Path(__file__).parents[3],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


@boto_only
def test_a_stopped_owner_is_taken_over_and_stops_when_it_wakes(engine_kind, server, engine, place):
    with holder(engine_kind, server, place, "stalled") as stalled:
        assert stalled.stdout.readline() == "held\n"
        os.kill(stalled.pid, signal.SIGSTOP)
        notes = Notes()
        with locked(engine, place, "build 8", "deploy", Run(tell=notes), wait=60):
            assert notes.lines[-1].startswith(f"Took over s3://{place.bucket}/state/lock.json, which ran out: stalled")
            os.kill(stalled.pid, signal.SIGCONT)
            assert stalled.stdout.readline().startswith("Overtaken The lock ")
            assert look(engine, place, GO_ON).hold.owner == "build 8"


@boto_only
def test_a_killed_owner_is_taken_over_and_not_before_its_time(engine_kind, server, engine, place):
    with holder(engine_kind, server, place, "killed") as killed:
        assert killed.stdout.readline() == "held\n"
        killed.kill()
        killed.wait()
        seen = look(engine, place, GO_ON)
        with pytest.raises(LockHeld), locked(engine, place, "build 8", "deploy", Run()):
            raise AssertionError
        with locked(engine, place, "build 8", "deploy", Run(), wait=60) as lock:
            assert lock.verify() >= seen.hold.expires


def test_an_owner_that_died_before_it_knew_the_time_is_taken_over_as_the_others_are(engine, store, place):
    def died(lasts):
        told = {"version": 1, "owner": "new", "purpose": "p", "since": 0, "expires": 0, "lasts": lasts, "nonce": "n"}
        store[1].put_object(Bucket=place.bucket, Key=place.key, Body=json.dumps(told).encode())

    died(600)
    with pytest.raises(LockHeld), locked(engine, place, "build 8", "deploy", Run()):
        raise AssertionError
    died(1)
    deadline = time.monotonic() + 60
    while not look(engine, place, GO_ON).over:
        assert time.monotonic() < deadline
        time.sleep(0.2)
    with locked(engine, place, "build 8", "deploy", Run()):  # who does not wait has not seen it before
        assert look(engine, place, GO_ON).hold.owner == "build 8"


def test_who_was_stopped_is_not_held_up_by_a_lock_that_cannot_be_freed(misbehaving, embedded, bucket, monkeypatch):
    monkeypatch.setattr("ropeway.s3.state.lock.PATIENCE", 0.2)
    misbehaving.upstream, run, told = embedded.endpoint_url, Run(tell=Notes()), threading.Event()
    with engine_at(misbehaving.url, **NO_RETRIES) as engine:
        with locked(engine, StatePlace(bucket, "lock.json"), "build 7", "deploy", run):
            misbehaving.on(lambda _: told.wait(60) and Answer(200), method="PUT")
            run.cancellation.ask("the job was cancelled")
        told.set()
    (note,) = run.tell.lines
    assert note.startswith(
        f"The lock s3://{bucket}/lock.json was not freed, and runs out by itself: Stopped: the lock could"
    )


# --- what was read before -------------------------------------------------------------------------------------------------------


def test_a_lock_that_nobody_had_since_it_was_looked_at_is_undisturbed(engine, place):
    for _ in range(2):  # there was none, there is a free one
        before = look_before(engine, place, GO_ON)
        with locked(engine, place, "build 7", "deploy", Run(), before=before) as lock:
            assert lock.undisturbed


def test_a_lock_that_somebody_had_meanwhile_is_taken_but_disturbed(engine, place):
    for _ in range(2):
        before = look_before(engine, place, GO_ON)
        with locked(engine, place, "build 8", "deploy", Run()):
            pass
        with locked(engine, place, "build 7", "deploy", Run(), before=before) as lock:
            assert not lock.undisturbed


def test_a_lock_that_was_looked_at_long_ago_is_held_from_now_on(engine, place, monkeypatch):
    with locked(engine, place, "build 6", "deploy", Run()):
        pass
    began = time.monotonic()
    before = look_before(engine, place, GO_ON)
    long_ago = replace(before, seen=replace(before.seen, date=before.seen.date - 300), at=before.at - 300)
    with locked(engine, place, "build 7", "deploy", Run(), before=long_ago):
        seen = look(engine, place, GO_ON)
        assert abs(seen.hold.expires - seen.date - 60) <= 2 + (time.monotonic() - began)
