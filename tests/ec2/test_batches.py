"""Batches, budget and minimum healthy as an algebra."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ropeway.ec2.batches import Budget, Floor, cut, read_share, read_sizes
from ropeway.ec2.model import Share, Target

ZONES = ("a", "b", "c")


def fleet(count: int, zones: str = "a") -> list[Target]:
    return [Target(f"i-{at:04}", zone=zones[at % len(zones)]) for at in range(count)]


def sizes(cut_of: object) -> list[int]:
    return [len(batch.targets) for batch in cut_of.batches]  # type: ignore[attr-defined]


# --- as it is written ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("text", "read"), [("1", Share(1)), (" 25% ", Share(25, percent=True)), ("0", Share(0))])
def test_a_share_is_a_number_or_a_percentage(text: str, read: Share) -> None:
    assert read_share(text) == read


@pytest.mark.parametrize("text", ["", "-1", "1.5", "101%", "half", "1 %", "٣", "1%%"])
def test_anything_else_is_refused_in_words(text: str) -> None:
    with pytest.raises(ValueError, match=r"^is '.*; "):
        read_share(text)


def test_a_list_of_sizes_is_read_in_its_order() -> None:
    assert read_sizes("1, 25%,100%") == (Share(1), Share(25, percent=True), Share(100, percent=True))


@pytest.mark.parametrize("text", ["0", "1,0%", "1,,2", ""])
def test_a_batch_of_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is "):
        read_sizes(text)


# --- as it is meant -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "count", "expected"),
    [
        ("1", 3, [1, 1, 1]),
        ("25%", 10, [2, 2, 2, 2, 2]),
        ("1,25%,100%", 10, [1, 2, 7]),
        ("1,2", 6, [1, 2, 2, 1]),
        ("10%", 3, [1, 1, 1]),
        ("50", 3, [3]),
        ("1", 0, []),
    ],
)
def test_sizes_are_taken_in_order_and_the_last_one_goes_on(written: str, count: int, expected: list[int]) -> None:
    targets = fleet(count)
    assert sizes(cut(targets, targets, read_sizes(written), Floor(targets))) == expected


def test_whoever_does_not_serve_comes_first() -> None:
    one, two, three = fleet(3)
    made = cut([one, two, three], {one, three}, read_sizes("1"), Floor([one, two, three]))
    assert [batch.targets for batch in made.batches] == [(two,), (one,), (three,)]


def test_a_batch_is_smaller_where_the_floor_asks_for_it() -> None:
    targets = fleet(4)
    made = cut(targets, targets, read_sizes("100%"), Floor(targets, Share(3)))
    assert sizes(made) == [1, 1, 1, 1]


def test_a_floor_that_lets_nobody_out_says_so() -> None:
    targets = fleet(4)
    made = cut(targets, targets, read_sizes("1"), Floor(targets, Share(100, percent=True)))
    assert (made.batches, made.left) == ((), tuple(targets))
    assert made.why == "3 of 4 instances would go on serving; 4 must (100%)."


def test_a_fleet_of_which_nobody_serves_yet_has_nothing_to_lose() -> None:
    targets = fleet(4)
    assert sizes(cut(targets, (), read_sizes("100%"), Floor(targets, Share(100, percent=True)))) == [4]


def test_the_floor_of_a_zone_spreads_a_batch_over_the_zones() -> None:
    targets = fleet(6, "aaabbb")
    made = cut(targets, targets, read_sizes("2"), Floor(targets, zone=Share(2)))
    assert [[target.zone for target in batch.targets] for batch in made.batches] == [["a", "b"]] * 3


def test_a_zone_with_a_single_instance_cannot_keep_it() -> None:
    targets = fleet(3, "aab")
    made = cut(targets, targets, read_sizes("1"), Floor(targets, zone=Share(1)))
    assert [target.zone for target in made.left] == ["b"]
    assert made.why == "0 of 1 instances in b would go on serving; 1 must (1)."


def test_a_batch_has_no_more_of_an_auto_scaling_group_than_may_be_in_standby() -> None:
    targets = fleet(6)
    groups = {target.id: "web" for target in targets[:4]}
    made = cut(targets, targets[1:], read_sizes("100%"), Floor(targets, groups=groups, standby={"web": 2}))
    assert [batch.targets for batch in made.batches] == [(*targets[:2], *targets[4:]), tuple(targets[2:4])]


@pytest.mark.parametrize(
    ("share", "targets", "allowed"), [("0", 9, 0), ("2", 9, 2), ("34%", 3, 1), ("33%", 3, 0), ("100%", 3, 3)]
)
def test_a_budget_is_what_may_fail_and_no_more(share: str, targets: int, allowed: int) -> None:
    budget = Budget(read_share(share), targets)
    assert not budget.is_exceeded(allowed)
    assert budget.is_exceeded(allowed + 1)


# --- whatever is asked --------------------------------------------------------------------------------------------------------

shares = st.builds(Share, st.integers(0, 12)) | st.builds(Share, st.integers(0, 100), st.just(True))
batch_sizes = st.lists(shares.filter(lambda share: share.amount > 0), min_size=1, max_size=4)


@st.composite
def fleets(draw: st.DrawFn) -> tuple[list[Target], list[Target], set[Target]]:
    zones = draw(st.lists(st.sampled_from(ZONES), max_size=14))
    targets = [Target(f"i-{at:04}", zone=zone) for at, zone in enumerate(zones)]
    todo = [target for target in targets if draw(st.booleans())]
    serving = {target for target in targets if draw(st.booleans())}
    return targets, todo, serving


@given(fleets(), batch_sizes, shares, shares)
def test_every_target_has_one_turn_or_is_named_as_left(
    fleet_: tuple, given_sizes: list, fleet_share: Share, zone: Share
) -> None:
    targets, todo, serving = fleet_
    made = cut(todo, serving, given_sizes, Floor(targets, fleet_share, zone))
    turns = [target for batch in made.batches for target in batch.targets]
    assert sorted([*turns, *made.left]) == todo
    assert bool(made.why) == bool(made.left)
    assert [batch.number for batch in made.batches] == list(range(1, len(made.batches) + 1))


@given(fleets(), batch_sizes, shares, shares)
def test_no_batch_takes_more_than_its_size_or_what_the_floor_needs(
    fleet_: tuple, given_sizes: list, fleet_share: Share, zone_share: Share
) -> None:
    targets, todo, serving = fleet_
    made = cut(todo, serving, given_sizes, Floor(targets, fleet_share, zone_share))
    now = set(serving)
    for at, batch in enumerate(made.batches):
        size = given_sizes[min(at, len(given_sizes) - 1)]
        assert 1 <= len(batch.targets) <= max(1, size.at_most(len(targets)))
        left = now - set(batch.targets)
        if left != now:
            assert len(left) >= fleet_share.at_least(len(targets))
        for zone in {target.zone for target in batch.targets if target in now}:
            there = [target for target in targets if target.zone == zone]
            assert len([target for target in left if target.zone == zone]) >= zone_share.at_least(len(there))
        now |= set(batch.targets)


@given(fleets(), batch_sizes)
def test_without_a_floor_nobody_is_left(fleet_: tuple, given_sizes: list) -> None:
    targets, todo, serving = fleet_
    assert cut(todo, serving, given_sizes, Floor(targets)).left == ()


@given(st.integers(0, 500), shares)
def test_what_must_serve_and_what_may_fail_never_exceed_the_whole(whole: int, share: Share) -> None:
    assert 0 <= share.at_most(whole) <= share.at_least(whole) <= whole
