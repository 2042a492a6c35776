"""One attempt: its time, its cancellation, its words for what AWS refuses, and what becomes of what a kind raises."""

from __future__ import annotations

import dataclasses
import time

import pytest

from ropeway.checks.asking import Asking, World
from ropeway.checks.finding import Finding, passed
from ropeway.checks.kinds.tcp import KIND
from ropeway.checks.once import ask_once
from ropeway.errors import AccessDenied, Cancelled, NetworkError
from ropeway.outcome import Cancellation
from tests.checks.asking import nowhere


def world(cancellation: Cancellation | None = None) -> World:
    return World(aws=nowhere(), cancellation=cancellation or Cancellation(), release="v1", folder="here")


def test_the_time_that_is_left_runs_out_but_never_to_nothing():
    asking = Asking(world=world(), timeout=0.2)
    assert 0.1 <= asking.left <= 0.2
    time.sleep(0.25)
    assert asking.left == 0.1


def test_waiting_ends_with_the_attempt():
    with pytest.raises(NetworkError, match=r"There was no answer within 0\.2 s\."):
        Asking(world=world(), timeout=0.2).wait(5)


def test_waiting_ends_with_the_run():
    stopped = Cancellation()
    stopped.ask("of the test")
    with pytest.raises(Cancelled):
        Asking(world=world(stopped), timeout=60).wait(60)


def asked(ask: object) -> Finding:
    kind = dataclasses.replace(KIND, ask=ask)
    return ask_once(kind, None or KIND.settings(address=("a:1",)), "a:1", 1.0, world())


def test_what_a_kind_raises_is_an_error_with_its_advice_and_the_requests_before_it():
    def ask(_: object, asking: Asking) -> Finding:
        asking.request_ids.append("R0")
        raise AccessDenied("look", code="AccessDenied", answer="no", request_id="R1", advice="Allow it.")

    told = asked(ask)
    assert (told.verdict, told.got, told.advice) == (
        "error",
        "Could not look: AWS answered AccessDenied: no (request id R1).",
        "Allow it.",
    )
    assert told.request_ids == ("R1", "R0")


def test_a_secret_that_comes_into_being_is_masked_in_the_finding():
    def ask(_: object, asking: Asking) -> Finding:
        token = asking.secret("came-into-being")
        return passed("a token", f"the token {token}", details=(f"x {token} y",))

    told = asked(ask)
    assert (told.got, told.details) == ("the token ***", ("x *** y",))


def test_what_nobody_foresaw_is_not_taken_for_a_finding():
    def ask(*_: object) -> Finding:
        raise KeyError("of ours")

    with pytest.raises(KeyError):
        asked(ask)
