"""The level that is found for a server, played through without one: a clock, answers, and what it costs to ask."""

import heapq
import resource

import pytest

from ropeway.wire.level import START, Level, affordable


def played(level, *, latency, cost, answers=5000, capacity=10_000, refuse=lambda now: False):
    """Seconds that so many answers take. Each costs `cost` seconds here and comes `latency` after it was asked for; the server gives no
    more than one in 1 / `capacity` seconds."""
    now, free, flying, asked, done = 0.0, 0.0, [], 0, 0
    level.begin(0.0)
    while done < answers:
        while len(flying) < level.now and asked < answers:
            now += cost / 2
            free = max(free, now) + 1 / capacity
            heapq.heappush(flying, (max(now + latency, free), now))
            asked += 1
        at, began = heapq.heappop(flying)
        if at > now:
            level.waited(at - now)
            now = at
        now += cost / 2
        done += 1
        level.too_much(now) if refuse(level.now) else level.answered(now, now - began, 4096)
    return now


@pytest.mark.parametrize("latency", [0.0, 0.001, 0.03, 0.1])
@pytest.mark.parametrize("capacity", [1_000, 10_000, 100_000])
def test_it_is_never_much_slower_than_the_best_fixed_level(latency, capacity):
    def fixed(width):
        level = Level(width)
        level.now = width
        level._judge = level.begin
        return played(level, latency=latency, cost=0.0001, capacity=capacity, answers=20_000)

    best = min(map(fixed, (1, 8, 32, 64, 128, 256)))
    assert played(Level(256), latency=latency, cost=0.0001, capacity=capacity, answers=20_000) <= best * 1.1


def test_a_server_that_answers_at_once_is_not_asked_by_more_than_the_first_few():
    level = Level(256)
    played(level, latency=0.0, cost=0.0001)
    assert level.now == START


def test_latency_is_filled_up_to_the_ceiling():
    level = Level(100)
    played(level, latency=0.1, cost=0.0001)
    assert level.now == 100


def test_a_server_that_gives_no_more_gets_no_more():
    level = Level(512)
    played(level, latency=0.03, cost=0.0001, capacity=1_000)
    assert level.now <= 4 * START


def test_slow_down_halves_it_once_for_all_that_was_in_flight():
    level = Level(64)
    level.now = 64
    for _ in range(10):
        level.too_much(100.0)
    assert level.now == 32


def test_a_server_that_keeps_saying_so_is_left_with_few():
    level = Level(256)
    played(level, latency=0.03, cost=0.0001, answers=2_000_0, refuse=lambda now: now > 8)
    assert level.now <= 16


def test_there_is_always_one():
    level = Level(1)
    level.too_much(1.0)
    assert level.now == 1


def test_no_more_are_wanted_than_files_may_be_open(monkeypatch):
    for limit, wanted in ((1024, 256), (256, 96), (70, 3), (64, 1), (resource.RLIM_INFINITY, 256)):
        monkeypatch.setattr(resource, "getrlimit", lambda _, limit=limit: (limit, limit))
        assert affordable(256) == wanted
