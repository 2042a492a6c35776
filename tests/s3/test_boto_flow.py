"""Jobs, batches, and what becomes of them when something fails or everything must stop."""

import threading
import time
from functools import partial

import pytest

from ropeway.errors import Cancelled, NetworkError, RopewayError
from ropeway.outcome import Cancellation
from ropeway.s3.boto import flow
from ropeway.s3.boto.flow import Flow, Stop, check_current
from tests.waiting import wait_until


def results(jobs, *, width=4, cancellation=None, stop=None):
    return Flow(jobs, width=width, stop=stop or Stop(cancellation or Cancellation())).results()


def job(name, *batches):
    """A job that yields these batches and returns its name with all answers."""
    answers = []
    for batch in batches:
        answers += [(yield batch)]
    return name, answers


def test_a_job_is_resumed_with_the_answers_in_the_order_of_its_requests():
    slow = partial(_after, 0.05, "slow")
    assert list(results([job("a", [slow, lambda: "fast"], [lambda: "last"])])) == [
        ("a", [["slow", "fast"], ["last"]]),
    ]


def _after(seconds, answer):
    time.sleep(seconds)
    return answer


def test_results_come_in_the_order_of_completion():
    first_may_end = threading.Event()
    found = results([job("first", [first_may_end.wait]), job("second", [int])])
    assert next(found)[0] == "second"
    first_may_end.set()
    assert next(found)[0] == "first"


def test_jobs_without_a_request_and_batches_without_one_end_at_once():
    assert list(results([job("none"), job("empty", [], [])])) == [("none", []), ("empty", [[], []])]


def test_no_more_requests_are_in_flight_than_the_width_and_all_of_it_is_used():
    gate = threading.Barrier(3, timeout=20)  # breaks unless three are in flight together
    running, most, lock = 0, 0, threading.Lock()

    def request():
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        gate.wait()
        with lock:
            running -= 1

    list(results([job("parts", [request] * 6), job("small", [request]), job("small", [request] * 2)], width=3))
    assert most == 3


def test_a_job_is_begun_only_when_a_thread_is_free_for_it():
    begun = []

    def counting():
        for name in range(100):
            begun.append(name)
            yield job(name, [int])

    next(results(counting(), width=3))
    assert len(begun) <= 4


def test_an_error_reaches_its_job_when_none_of_its_requests_is_in_flight_any_more():
    ended = []
    second_runs = threading.Event()

    def failing():
        second_runs.wait()
        raise RopewayError("broken")

    def slow():
        second_runs.set()
        wait_until(lambda: any(batch.error for batch in list(flow._live.values())))
        ended.append("slow")

    def careful():
        try:
            yield [failing, slow, partial(ended.append, "never begun")]
        except RopewayError as error:
            return error.message, list(ended)

    flow = Flow([careful()], width=2, stop=Stop(Cancellation()))
    assert list(flow.results()) == [("broken", ["slow"])]


def test_clean_up_is_run_and_the_other_jobs_go_on():
    cleaned = []
    found = list(results([careful("failed", [_break], cleaned), job("fine", [int])]))
    assert sorted(found, key=str) == [("fine", [[0]]), "failed"]
    assert cleaned == ["failed"]


def careful(name, batch, cleaned):
    """A job that cleans up after an error and tells it as its result."""
    try:
        yield batch
    except RopewayError:
        yield [partial(cleaned.append, name)]
        return name


def _break():
    raise RopewayError("broken")


def sheltered(batch, cleaned, name="sheltered"):
    """A job that cleans up and lets the error through."""
    try:
        yield batch
    except RopewayError:
        yield [partial(cleaned.append, name)]
        raise


def test_an_error_that_leaves_a_job_ends_the_run_after_every_job_has_cleaned_up():
    cleaned = []
    other_runs = threading.Event()

    def fail():
        other_runs.wait()
        raise RopewayError("broken")

    jobs = [sheltered([fail], cleaned, "failed"), sheltered([other_runs.set, _until_stopped], cleaned, "stopped")]
    with pytest.raises(RopewayError, match="broken"):
        list(results(jobs))
    assert sorted(cleaned) == ["failed", "stopped"]


def _until_stopped():
    while True:
        check_current()
        time.sleep(0.005)


def test_cancellation_stops_what_is_in_flight_begins_nothing_and_cleans_up():
    cancellation, cleaned, begun = Cancellation(), [], []

    def cancel_and_wait():
        cancellation.ask("the job was cancelled")
        _until_stopped()

    def jobs():
        yield sheltered([cancel_and_wait, *[partial(begun.append, "part")] * 3], cleaned)
        yield job("later", [partial(begun.append, "later")])

    with pytest.raises(Cancelled, match="the job was cancelled"):
        list(results(jobs(), width=1, cancellation=cancellation))
    assert cleaned == ["sheltered"]
    assert begun == []


def test_a_job_of_which_a_part_was_never_begun_is_stopped_even_where_what_was_in_flight_is_answered():
    cancellation, ended = Cancellation(), []
    stop = Stop(cancellation)

    def stopping():
        cancellation.ask("enough")
        wait_until(lambda: stop._ended)  # the answer comes all the same
        return "first"

    def waiting():
        try:
            ended.append((yield [stopping, lambda: "never begun"]))
        except RopewayError as error:
            ended.append(error.message)
            raise

    with pytest.raises(Cancelled, match="enough"):
        list(results([waiting()], width=1, stop=stop))
    assert ended == ["Stopped."]


@pytest.fixture
def patient(monkeypatch):
    """What can end is waited for, however slow this machine is."""
    monkeypatch.setattr(flow, "GRACE", 60.0)
    monkeypatch.setattr(flow, "CLEAN_UP", 60.0)


@pytest.mark.usefixtures("patient")
def test_what_was_done_by_the_time_of_a_cancellation_is_still_told():
    cancellation = Cancellation()
    stop = Stop(cancellation)

    def arrive_late():
        cancellation.ask("enough")
        wait_until(lambda: stop._ended)
        return "arrived"

    found = results([job("late", [arrive_late]), sheltered([_until_stopped], [])], stop=stop)
    assert next(found) == ("late", [["arrived"]])
    with pytest.raises(Cancelled):
        next(found)


@pytest.fixture
def hurried(monkeypatch, patient):
    """Little patience with what cannot end."""
    monkeypatch.setattr(flow, "GRACE", 0.2)


@pytest.fixture
def stuck():
    """A request that hangs, whatever is asked, until the test is over."""
    over = threading.Event()
    yield over.wait
    over.set()


def test_clean_up_has_threads_even_when_all_are_stuck_and_left_behind(hurried, stuck):
    cancellation, cleaned = Cancellation(), []

    def stick():
        cancellation.ask("enough")
        stuck()

    with pytest.raises(Cancelled):
        list(results([sheltered([stick, stick], cleaned)], width=2, cancellation=cancellation))
    assert cleaned == ["sheltered"]


def test_clean_up_that_is_stuck_is_told_to_its_job_and_said_in_the_error(hurried, stuck, monkeypatch):
    monkeypatch.setattr(flow, "CLEAN_UP", 0.2)
    cancellation = Cancellation()

    def stubborn():
        try:
            yield [partial(cancellation.ask, "enough"), _until_stopped]
        except Cancelled as error:
            try:
                yield [stuck]
            except NetworkError as failure:
                error.advice = f"Upload 42 is left: {failure.message}"
            raise

    with pytest.raises(Cancelled, match=r"Stopped: enough.*Upload 42 is left: There was no answer within"):
        list(results([stubborn()], cancellation=cancellation))


def test_a_closed_run_cleans_up():
    cleaned = []
    found = results([job("first", [int]), sheltered([_until_stopped], cleaned)], width=2)
    next(found)
    found.close()
    assert cleaned == ["sheltered"]


def test_a_closed_run_says_what_it_could_not_clean_up():
    def untidy():
        try:
            yield [_until_stopped]
        except Cancelled as error:
            error.advice = "Upload 42 is left."
            raise

    found = results([job("first", [int]), untidy()], width=2)
    next(found)
    with pytest.raises(Cancelled, match="Upload 42 is left"):
        found.close()


def test_a_bug_in_a_request_is_not_taken_for_an_answer():
    with pytest.raises(ZeroDivisionError):
        list(results([job("buggy", [lambda: 1 / 0])]))


def test_a_bug_in_clean_up_is_not_hidden_by_the_cancellation():
    cancellation = Cancellation()

    def buggy():
        try:
            yield [partial(cancellation.ask, "enough"), _until_stopped]
        except Cancelled:
            yield [lambda: 1 / 0]

    with pytest.raises(ZeroDivisionError):
        list(results([buggy()], cancellation=cancellation))


def test_a_run_leaves_no_thread():
    before = threading.active_count()
    list(results([job("parts", [partial(time.sleep, 0.01)] * 8)], width=8))
    deadline = time.monotonic() + 20
    while threading.active_count() > before and time.monotonic() < deadline:
        time.sleep(0.01)
    assert threading.active_count() <= before


def test_a_pause_ends_at_once_with_the_cancellation():
    cancellation = Cancellation()
    threading.Timer(0.05, cancellation.ask, ["enough"]).start()
    with pytest.raises(Cancelled, match="enough"):
        Stop(cancellation).sleep(3600)
