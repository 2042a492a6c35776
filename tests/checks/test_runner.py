"""The runner with its threads, and a real server that counts who is connected."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from ropeway.checked import CheckNow
from ropeway.checks.asking import World
from ropeway.checks.cases import Case, Pace, Terms
from ropeway.checks.runner import Threads, run_checks
from ropeway.checks.secrets import Secrets
from ropeway.checks.suite import read_suite
from ropeway.checks.variables import Variables
from ropeway.errors import Cancelled
from ropeway.outcome import Cancellation, Progress, Run
from tests.checks.asking import nowhere
from tests.waiting import wait_until


class Counting(ThreadingHTTPServer):
    """Answers after a moment, and knows how many were waiting at once. Nobody is answered until `held` is set.

    From the question `newer_from` on it answers as v2.
    """

    request_queue_size = 256
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.lock = threading.Lock()
        self.now = self.most = self.answered = 0
        self.takes = 0.02
        self.held = threading.Event()
        self.held.set()
        self.release = "v2"
        self.asked = self.newer_from = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    server: Counting
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        with self.server.lock:
            self.server.now += 1
            self.server.most = max(self.server.most, self.server.now)
            self.server.asked += 1
            if self.server.asked == self.server.newer_from:
                self.server.release = "v2"
        time.sleep(self.server.takes)
        self.server.held.wait(60)
        with self.server.lock:
            self.server.now -= 1
            self.server.answered += 1
        self.send_response(200)
        self.send_header("X-Release", self.server.release)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def server() -> Iterator[Counting]:
    with Counting() as counting:
        thread = threading.Thread(target=counting.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        yield counting
        counting.shutdown()
        thread.join()


class Seeing:
    """A teller that remembers how the checks stood."""

    def __init__(self) -> None:
        self.stood: list[tuple[CheckNow, ...]] = []

    def note(self, message: str) -> None: ...

    def progress(self, progress: Progress) -> None:
        self.stood.append(progress.checks)


def cases(text: str) -> tuple[tuple[Case, ...], Terms]:
    known = Variables(release="v2", environment=lambda _: None, secrets=Secrets())
    read = read_suite(text, "suite", known)
    return read.cases(Secrets()), read.terms


def world(cancellation: Cancellation | None = None, **given: object) -> World:
    return World(aws=nowhere(), cancellation=cancellation or Cancellation(), **given)  # type: ignore[arg-type]


def test_sixty_checks_over_two_hundred_targets_never_have_more_connections_than_may_be(server):
    shares = [4 if at < 20 else 3 for at in range(60)]
    assert sum(shares) == 200
    urls = [[f"{server.url}/{at}/{target}" for target in range(share)] for at, share in enumerate(shares)]
    text = "parallel: 8\nchecks:\n" + "".join(f"  c{at}: {{http: {{url: {some}}}}}\n" for at, some in enumerate(urls))
    asked, terms = cases(text)
    assert len(asked) == 200

    checked = run_checks(asked, terms, world(), Run())

    assert checked.result == "passed"
    assert server.answered == 200
    assert 1 < server.most <= 8


def test_the_answer_of_an_older_release_never_passes(server):
    server.release = "v1"
    asked, terms = cases(
        f"checks: {{shop: {{http: {{url: '{server.url}', release: {{header: x-release}}}}, failures: 2, every: 100ms}}}}"
    )

    [result] = run_checks(asked, terms, world(release="v2"), Run()).results
    assert result.verdict == "fail"
    assert result.asked == 3
    assert result.last
    assert ("v2" in result.last.expected, "v1" in result.last.got) == (True, True)

    server.release = "v2"
    [result] = run_checks(asked, terms, world(release="v2"), Run()).results
    assert result.verdict == "pass"


def test_a_service_that_comes_up_while_it_is_asked_passes_then(server):
    server.release = "v1"
    asked, terms = cases(
        f"steady: 1s\nchecks: {{shop: {{http: {{url: '{server.url}', release: {{header: x-release}}}}, within: 2m, every: 100ms, backOff: 1}}}}"
    )
    server.newer_from = 6
    seeing = Seeing()

    checked = run_checks(asked, terms, world(release="v2"), Run(seeing))

    assert checked.result == "passed"
    assert checked.results[0].asked >= 5 + 2
    standings = [checks[0].standing for checks in seeing.stood]
    assert {"waiting", "asking", "passing", "passed"} >= set(standings)
    assert standings[-1] == "passed"


def test_a_run_that_is_cancelled_is_over_within_seconds_even_while_a_server_says_nothing(server):
    server.held.clear()
    cancellation = Cancellation()
    asked, terms = cases(f"checks: {{shop: {{http: {{url: '{server.url}'}}, timeout: 30s}}}}")
    began: list[float] = []

    def cancel_once_asked() -> None:
        wait_until(lambda: server.asked)
        began.append(time.monotonic())
        cancellation.ask("of the test")

    cancelling = threading.Thread(target=cancel_once_asked)
    cancelling.start()
    checked = run_checks(asked, terms, world(cancellation), Run(cancellation=cancellation))
    cancelling.join()

    assert time.monotonic() - began[0] < 3
    assert not server.answered
    server.held.set()
    assert isinstance(checked.stopped, Cancelled)
    assert checked.results[0].why == "The run was stopped."


@pytest.mark.parametrize("several", ["p95: 400ms", "requests: 20"])
def test_each_of_several_answers_has_the_whole_time_of_one(server, several):
    server.takes = 0.1
    asked, terms = cases(f"checks: {{shop: {{http: {{url: '{server.url}', {several}}}, timeout: 1s, failures: 0}}}}")
    checked = run_checks(asked, terms, world(), Run())

    assert checked.result == "passed", checked.results[0].last
    assert (server.answered, checked.results[0].asked) == (20, 1)


def test_one_of_several_answers_that_does_not_come_is_waited_for_as_long_as_one(server):
    server.takes = 1.0
    asked, terms = cases(f"checks: {{shop: {{http: {{url: '{server.url}', p95: 10s}}, timeout: 500ms, failures: 0}}}}")
    began = time.monotonic()
    checked = run_checks(asked, terms, world(), Run())

    assert time.monotonic() - began < 5
    assert checked.result == "failed"
    assert checked.results[0].last.got == "no whole answer within 0.5 s (answer 1 of 20)"


def test_what_nobody_foresaw_ends_the_run(server, monkeypatch):
    asked, terms = cases("checks: {port: {tcp: {address: '127.0.0.1:1'}}}")

    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("of ours")

    monkeypatch.setattr("ropeway.checks.kinds.tcp.Line", broken)
    with pytest.raises(ZeroDivisionError, match="of ours"):
        run_checks(asked, terms, world(), Run())


def test_threads_wait_no_longer_than_they_are_told():
    [case], _ = cases("checks: {port: {tcp: {address: '127.0.0.1:1'}}}")
    threads = Threads(world())
    assert threads.answers(threads.now() + 0.1) == []
    assert threads.now() >= 0.05

    threads.ask(0, case, 1.0)
    [answer] = threads.answers(float("inf"))
    assert (answer.at, answer.finding.verdict) == (0, "fail")
    assert case.pace == Pace()
