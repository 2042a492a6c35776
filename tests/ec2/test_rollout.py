"""What a rollout does, seen at the hosts: a fleet in memory, with every fault that a host can have."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ropeway.ec2.batches import read_share, read_sizes
from ropeway.ec2.course import End, OnFailure, Rolled
from ropeway.ec2.hands import NoBalancing
from ropeway.ec2.model import Found
from ropeway.ec2.telling import error_of, results, title, warnings_of
from ropeway.errors import AwsError, Cancelled, NetworkError, Overtaken
from ropeway.outcome import Cancellation
from ropeway.rolled import PlannedInstance
from ropeway.s3.state.releases import State
from tests.ec2.hosts import FAULTS, Fleet, Host, fleet

# --- it goes well -------------------------------------------------------------------------------------------------------------


def test_all_is_staged_before_anything_is_switched() -> None:
    some = fleet(3)
    assert some.roll("1,100%").end is End.HEALTHY
    assert [step for step, _, _ in some.events] == ["stage", "switch", "mark", "switch", "mark", "prune"]
    assert some.steps("stage") == [("i-0000", "i-0001", "i-0002")]
    assert some.steps("switch") == [("i-0000",), ("i-0001", "i-0002")]


def test_each_batch_carries_its_mark_before_the_next_one_begins() -> None:
    some = fleet(2)
    rolled = some.roll("1")
    assert rolled.end is End.HEALTHY
    assert [(step, ids) for step, _, ids in some.events if step in {"switch", "mark"}] == [
        ("switch", ("i-0000",)),
        ("mark", ("i-0000",)),
        ("switch", ("i-0001",)),
        ("mark", ("i-0001",)),
    ]
    assert {host.states["42"] for host in some.hosts.values()} == {State.HEALTHY}


def test_who_has_it_already_is_left_alone() -> None:
    some = fleet(3)
    some.hosts["i-0001"].live = "42"
    some.hosts["i-0001"].states["42"] = State.HEALTHY
    assert some.roll("3", live="42").end is End.HEALTHY
    assert some.steps("switch") == [("i-0000", "i-0002")]


def test_the_bundle_is_fetched_before_a_hook_of_another_instance_may_take_its_time() -> None:
    """Its address works for an hour from the beginning, and hooks may take longer than that."""
    some = fleet(2)
    some.hosts["i-0001"].live, some.hosts["i-0001"].states["42"] = "42", State.HEALTHY
    some.hosts["i-0001"].faults["validate"] = "hangs"
    fetched: list[bool] = []
    some.at = lambda step: fetched.append("42" in some.hosts["i-0000"].states) if step == "validate" else None
    assert some.roll("2", live="42").end is End.HEALTHY
    assert fetched == [True]


def test_where_too_many_cannot_be_staged_no_hook_is_run() -> None:
    some = fleet(2)
    some.hosts["i-0000"].faults["stage"] = "fails"
    some.hosts["i-0001"].live, some.hosts["i-0001"].states["42"] = "42", State.HEALTHY
    assert some.roll("2", live="42").end is End.UNTOUCHED
    assert some.steps("validate") == []


@pytest.mark.parametrize("fault", FAULTS)
def test_who_has_it_already_and_does_not_prove_it_is_switched_again(fault: str) -> None:
    some = fleet(3)
    for id in ("i-0001", "i-0002"):
        some.hosts[id].live, some.hosts[id].states["42"] = "42", State.HEALTHY
    some.hosts["i-0001"].faults["validate"] = fault
    rolled = some.roll("3", live="42")
    assert some.steps("validate") == [("i-0001", "i-0002")]
    if fault == "dies":
        assert rolled.end is End.UNTOUCHED
        assert named(rolled) == {"i-0001"}
    else:
        assert rolled.end is End.HEALTHY
        assert some.steps("switch") == [("i-0001",), ("i-0000",)]


def that_have_it_already(count: int, *faults: str) -> Fleet:
    some = fleet(count)
    for host in some.hosts.values():
        host.live, host.states["42"] = "42", State.HEALTHY
        host.faults = dict.fromkeys(faults, "fails")  # type: ignore[arg-type]
    return some


@pytest.mark.parametrize(
    ("on_failure", "sizes"), [("rollback", "100%"), ("stop", "100%"), ("continue", "1"), ("continue", "100%")]
)
def test_a_hook_that_finds_everybody_unwell_takes_out_no_more_than_may_be(on_failure: OnFailure, sizes: str) -> None:
    """They answer. What is broken is the hook, or what it asks."""
    some = that_have_it_already(4, "validate", "switch")
    rolled = some.roll(sizes, floor="50%", on_failure=on_failure, live="42", proved=True)
    assert rolled.end is not End.HEALTHY
    assert min(some.serving) >= 2
    assert sum(host.up for host in some.hosts.values()) >= 2


def test_checks_of_hosts_that_find_everybody_unwell_take_out_no_more_than_may_be() -> None:
    some = that_have_it_already(4)
    some.unwell = lambda host, release: "status 500"
    assert some.roll("100%", floor="50%", on_failure="continue", live="42").end is End.FAILED
    assert min(some.serving) >= 2


def test_who_is_in_doubt_is_switched_before_any_that_serves_and_nobody_counts_on_it() -> None:
    some = fleet(4)
    for id in ("i-0002", "i-0003"):
        some.hosts[id].live, some.hosts[id].states["42"], some.hosts[id].up = "42", State.HEALTHY, id != "i-0003"
    assert some.roll("100%", floor="75%", live="42").end is End.HEALTHY
    assert some.steps("switch") == [("i-0003",), ("i-0000",), ("i-0001",)]


def test_who_may_not_be_taken_out_says_why_it_was_to_be_switched_again() -> None:
    some = that_have_it_already(2, "validate")
    rolled = some.roll("1", floor="100%", live="42")
    assert rolled.end is End.UNTOUCHED
    assert rolled.why == (
        "The next batch may not begin: 1 of 2 instances would go on serving; 2 must (100%). "
        "web-0 (i-0000) is to be switched again: exit code 7."
    )


def test_who_was_switched_but_never_proved_is_switched_again() -> None:
    some = fleet(2)
    some.hosts["i-0001"].live = "42"
    some.hosts["i-0001"].states["42"] = State.LIVE
    assert some.roll("2").end is End.HEALTHY
    assert sorted(id for ids in some.steps("switch") for id in ids) == ["i-0000", "i-0001"]


def test_hosts_that_had_another_release_before_are_switched_over_their_own() -> None:
    some = fleet(2)
    some.hosts["i-0001"].live, some.hosts["i-0001"].states["39"] = "39", State.HEALTHY
    assert some.roll("2").end is End.HEALTHY
    assert set(some.live.values()) == {"42"}


def test_it_is_watched_between_batches_and_longer_after_the_last_one() -> None:
    soaks: list[float] = []
    some = fleet(3)
    some.judged = lambda _, soak: soaks.append(soak) or ""  # type: ignore[func-returns-value]
    assert some.roll("1", pause=3.0, bake=60.0).end is End.HEALTHY
    assert soaks == [3.0, 3.0, 60.0]


# --- it does not --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "fault", [fault for fault in FAULTS if fault not in {"undeliverable", "dies", "fails at once"}]
)
def test_a_fleet_is_back_where_it_was_when_one_of_it_fails(fault: str) -> None:
    some = fleet(3)
    some.hosts["i-0002"].faults["switch"] = fault
    rolled = some.roll("1")
    assert (rolled.end, rolled.why[:20]) == (End.ROLLED_BACK, "1 instance failed. w")
    assert set(some.live.values()) == {"41"}
    assert all(host.up for host in some.hosts.values())
    assert some.steps("rollback") == [("i-0002",), ("i-0001",), ("i-0000",)]


@pytest.mark.parametrize("fault", ["undeliverable", "fails at once"])
def test_a_host_on_which_nothing_began_is_not_put_back(fault: str) -> None:
    some = fleet(3)
    some.hosts["i-0001"].faults["switch"] = fault
    assert some.roll("1").end is End.ROLLED_BACK
    assert some.steps("rollback") == [("i-0000",)]


def test_a_host_that_dies_is_named_and_the_others_are_back() -> None:
    some = fleet(3)
    some.hosts["i-0001"].faults["switch"] = "dies"
    rolled = some.roll("1")
    assert rolled.end is End.FAILED
    entry = rolled.ledger[some.hosts["i-0001"].target]
    assert (entry.live, entry.stuck) == (None, "SSM could not reach the instance.")
    assert some.live["i-0000"] == "41"


def test_what_the_checks_of_a_host_do_not_pass_goes_back() -> None:
    some = fleet(2)
    some.unwell = lambda host, release: "status 500" if (host.target.id, release) == ("i-0001", "42") else ""
    rolled = some.roll("1")
    assert (rolled.end, rolled.why) == (End.ROLLED_BACK, "1 instance failed. web-1 (i-0001): status 500.")
    assert set(some.live.values()) == {"41"}


def test_a_rollback_that_the_checks_do_not_pass_is_no_rollback() -> None:
    some = fleet(2)
    some.unwell = lambda host, _: "status 500" if host.target.id == "i-0001" else ""
    rolled = some.roll("1")
    assert rolled.end is End.FAILED
    assert [entry.stuck for entry in rolled.ledger.entries] == ["", "status 500"]


def test_a_gate_that_does_not_open_takes_everything_back() -> None:
    some = fleet(4)
    some.judged = lambda release, _: (
        "the alarm shop-5xx rings" if release == "42" and len(some.steps("switch")) == 2 else ""
    )
    rolled = some.roll("1")
    assert (rolled.end, rolled.why) == (End.ROLLED_BACK, "the alarm shop-5xx rings")
    assert some.steps("rollback") == [("i-0001",), ("i-0000",)]


def test_an_application_that_is_unwell_after_the_rollback_too_was_not_put_right() -> None:
    some = fleet(2)
    some.judged = lambda release, _: f"{release} answers 500"
    rolled = some.roll("1")
    assert (rolled.end, rolled.why, rolled.back_unwell) == (End.FAILED, "42 answers 500", "41 answers 500")
    assert set(some.live.values()) == {"41"}


@pytest.mark.parametrize("other", ["is on another release", "cannot be reached"])
def test_the_application_is_asked_after_the_rollback_though_one_instance(other: str) -> None:
    some = fleet(3)
    last = some.hosts["i-0002"]
    if other == "is on another release":
        last.live = "40"
    else:
        last.found = lambda: Found(last.target, None, ("SSM's agent on it is not online.",))  # type: ignore[method-assign]
    some.judged = lambda release, _: f"{release} answers 500"
    rolled = some.roll("1", "1")
    assert (rolled.end, rolled.why, rolled.back_unwell) == (End.FAILED, "42 answers 500", "41 answers 500")


def test_a_balancer_that_cannot_be_put_right_is_named_and_no_green() -> None:
    class Stuck(NoBalancing):
        def restore(self, run: object) -> dict[str, str]:
            raise NetworkError("Could not reach ELB.")

    some = fleet(1)
    some.balancing = Stuck()
    rolled = some.roll("1")
    assert rolled.left_out == ["whatever was taken out: Could not reach ELB."]
    assert "not all of them have their traffic back" in str(error_of(rolled, "42", "shop"))


@pytest.mark.parametrize("step", ["take_out", "put_back"])
def test_a_balancer_that_fails_for_a_host_counts_like_any_failure(step: str) -> None:
    class Stuck(NoBalancing):
        tries = 0

        def fail(self, targets: object, run: object) -> dict[str, str]:
            self.tries += 1
            return {"i-0001": "not healthy"} if any(one.id == "i-0001" for one in targets) and self.tries < 4 else {}  # type: ignore[attr-defined]

    some = fleet(2)
    some.balancing = Stuck()
    setattr(some.balancing, step, some.balancing.fail)
    rolled = some.roll("1")
    assert (rolled.why, set(some.live.values())) == ("1 instance failed. web-1 (i-0001): not healthy.", {"41"})
    assert rolled.end in {End.ROLLED_BACK, End.FAILED}


@pytest.mark.parametrize("heals", [True, False])
def test_who_cannot_be_taken_out_gets_its_traffic_back_and_serves_nobody_until_it_has(heals: bool) -> None:
    some, did = fleet(3), []

    class Stuck(NoBalancing):
        def take_out(self, targets, run):
            did.extend(("out", target.id) for target in targets)
            return {"i-0000": "not drained"}

        def put_back(self, targets, run):
            did.extend(("in", target.id) for target in targets)
            return {} if heals else {"i-0000": "not healthy"}

    some.balancing = Stuck()
    rolled = some.roll("1", "1", floor="2")
    assert did[:2] == [("out", "i-0000"), ("in", "i-0000")]
    assert ("i-0000",) not in some.steps("switch")
    if heals:
        assert (rolled.end, did[2:]) == (
            End.PARTLY,
            [("out", "i-0001"), ("in", "i-0001"), ("out", "i-0002"), ("in", "i-0002")],
        )
    else:
        assert ("out", "i-0001") not in did
        assert "The next batch may not begin: 1 of 3 instances would go on serving; 2 must" in rolled.why


@pytest.mark.parametrize("on_failure", ["rollback", "stop", "continue"])
@pytest.mark.parametrize("heals", [True, False])
def test_who_was_taken_out_and_not_changed_has_its_traffic_back_before_anybody_else_is_taken_out(
    heals: bool, on_failure: OnFailure
) -> None:
    some, did, out = fleet(3), list[tuple[str, frozenset[str]]](), set[str]()
    some.hosts["i-0000"].faults["switch"] = "fails at once"

    class Watched(NoBalancing):
        def take_out(self, targets, run):
            out.update(target.id for target in targets)
            did.extend((target.id, frozenset(out)) for target in targets)
            return {}

        def put_back(self, targets, run):
            out.difference_update(target.id for target in targets)
            return {} if heals else {target.id: "not healthy" for target in targets if target.id == "i-0000"}

    some.balancing = Watched()
    rolled = some.roll("1", "1", floor="2", on_failure=on_failure)
    if heals:
        assert [alone for _, alone in did] == [{"i-0000"}, {"i-0001"}, {"i-0002"}]
        assert rolled.ledger[some.hosts["i-0000"].target].live == "41"
    else:
        assert did == [("i-0000", {"i-0000"})]
        assert "The next batch may not begin: 1 of 3 instances would go on serving; 2 must" in rolled.why


class InStandby(NoBalancing):
    """An Auto Scaling group of which so many may be in standby: one more is refused."""

    def __init__(self, room: int) -> None:
        self.room, self.out = room, set[str]()

    def take_out(self, targets, run):
        refused = [target.id for target in targets][self.room - len(self.out) :]
        self.out.update(target.id for target in targets if target.id not in refused)
        return dict.fromkeys(refused, "AWS answered ValidationError")

    def put_back(self, targets, run):
        self.out.difference_update(target.id for target in targets)
        return {}


def test_who_failed_and_is_in_standby_still_takes_the_place_of_another_there() -> None:
    some = fleet(5)
    some.hosts["i-0001"].faults["switch"] = "fails"
    some.balancing = InStandby(2)
    rolled = some.roll("2", "1", on_failure="stop", standby=2)
    assert some.steps("switch") == [("i-0000", "i-0001"), ("i-0002",), ("i-0003",), ("i-0004",)]
    assert (rolled.end, named(rolled)) == (End.PARTLY, {"i-0001"})


def test_where_all_that_may_be_in_standby_have_failed_nobody_else_is_taken_out() -> None:
    some = fleet(3)
    some.hosts["i-0000"].faults["switch"] = "fails"
    some.balancing = InStandby(1)
    rolled = some.roll("1", "2", on_failure="stop", standby=1)
    assert (rolled.end, named(rolled)) == (End.FAILED, {"i-0000"})
    assert rolled.why == (
        "The next batch may not begin: no further instance of Auto Scaling group shop may be in standby, because of those that failed and are."
    )


def test_a_failure_that_is_allowed_goes_back_alone_and_is_no_green() -> None:
    some = fleet(4)
    some.hosts["i-0001"].faults["switch"] = "fails"
    rolled = some.roll("1", "1")
    assert rolled.end is End.PARTLY
    assert some.live == {"i-0000": "42", "i-0001": "41", "i-0002": "42", "i-0003": "42"}
    assert some.hosts["i-0001"].up
    assert [entry.target.id for entry in rolled.ledger.failures] == ["i-0001"]


@pytest.mark.parametrize(("count", "budget", "on_failure"), [(1, "1", "rollback"), (3, "100%", "stop")])
def test_failures_that_are_allowed_leave_no_green_where_nobody_has_the_release(
    count: int, budget: str, on_failure: OnFailure
) -> None:
    some = fleet(count)
    for host in some.hosts.values():
        host.faults["switch"] = "fails"
    rolled = some.roll("1", budget, on_failure=on_failure)
    error = str(error_of(rolled, "42", "shop"))
    assert f"Release 42 was not deployed to shop. {count} instance" in error
    if on_failure == "rollback":
        assert rolled.end is End.ROLLED_BACK
        assert "Put back, and proved: 1 instance, on 41." in error


def test_who_failed_after_it_was_switched_is_not_counted_among_those_who_have_it() -> None:
    some = fleet(1)
    some.unwell = lambda host, release: "status 500"
    rolled = some.roll("1", "1", on_failure="stop")
    assert (rolled.end, some.live) == (End.FAILED, {"i-0000": "42"})
    three = fleet(3)
    three.unwell = lambda host, release: "status 500" if host.target.id == "i-0001" else ""
    partly = three.roll("1", "1", on_failure="stop")
    assert partly.end is End.PARTLY
    assert title(partly, "42", "shop", "deploy") == "Deployed 42 of shop on 2 of 3 instances"


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("dies", "Nobody knows what is live on web-1 (i-0001). web-1 (i-0001) was not put back: SSM could not reach"),
        ("fails", "web-1 (i-0001) was not put back: The script"),
    ],
)
def test_a_failure_that_is_allowed_and_could_not_be_put_back_is_warned_of_as_that(fault: str, words: str) -> None:
    some = fleet(3)
    some.hosts["i-0001"].faults.update({"switch": fault, "rollback": "says nothing"})
    rolled = some.roll("1", "1")
    assert rolled.end is End.PARTLY
    [warning] = warnings_of(rolled)
    assert "No more than may (maxFailures)." in warning
    assert words in warning


def test_one_failure_more_than_allowed_takes_everything_back() -> None:
    some = fleet(4)
    for id in ("i-0001", "i-0003"):
        some.hosts[id].faults["switch"] = "fails"
    assert some.roll("1", "1").end is End.ROLLED_BACK
    assert set(some.live.values()) == {"41"}


def test_staging_that_fails_changes_nothing() -> None:
    some = fleet(3)
    some.hosts["i-0001"].faults["stage"] = "fails"
    assert some.roll("1").end is End.UNTOUCHED
    assert some.steps("switch") == some.steps("rollback") == []


def test_a_host_that_cannot_be_reached_counts_before_anything_begins() -> None:
    some = fleet(3)
    some.hosts["i-0001"].dead = True
    rolled = some.roll("1")
    assert (rolled.end, rolled.why) == (End.UNTOUCHED, "1 instance failed. web-1 (i-0001): It is dead.")
    assert some.events == []


def test_with_a_budget_the_others_go_on_without_it() -> None:
    some = fleet(3)
    some.hosts["i-0001"].dead = True
    rolled = some.roll("1", "1")
    assert rolled.end is End.PARTLY
    assert [some.live[id] for id in ("i-0000", "i-0002")] == ["42", "42"]


def test_stop_leaves_it_as_it_is_with_the_mark_of_it() -> None:
    some = fleet(3)
    some.unwell = lambda host, _: "status 500" if host.target.id == "i-0001" else ""
    rolled = some.roll("1", on_failure="stop")
    assert rolled.end is End.FAILED
    assert some.live == {"i-0000": "42", "i-0001": "42", "i-0002": "41"}
    assert (some.hosts["i-0000"].states["42"], some.hosts["i-0001"].states["42"]) == (State.HEALTHY, State.FAILED)


def test_continue_goes_through_and_ends_red() -> None:
    some = fleet(4)
    some.hosts["i-0001"].faults["switch"] = "fails"
    rolled = some.roll("1", on_failure="continue")
    assert rolled.end is End.FAILED
    assert len(some.steps("switch")) == 4


def test_a_gate_that_was_passed_by_ends_red_too() -> None:
    some = fleet(2)
    some.judged = lambda release, soak: "status 500"
    rolled = some.roll("1", on_failure="continue")
    assert (rolled.end, rolled.why) == (End.FAILED, "status 500")
    assert title(rolled, "42", "shop", "rollback") == "Rolled back to 42 of shop, which does not pass its checks"
    assert str(error_of(rolled, "42", "shop")).startswith(
        "Release 42 is on the instances of shop, but it does not pass its checks: status 500. On 42: web-0"
    )


def test_a_first_deploy_says_that_there_is_nothing_to_go_back_to() -> None:
    some = fleet(2, live="")
    some.hosts["i-0001"].faults["switch"] = "fails"
    rolled = some.roll("1", live="")
    assert rolled.end is End.FAILED
    assert {entry.stuck for entry in rolled.ledger.entries} == {
        "No release was healthy here before: there is nothing to go back to."
    }
    assert some.steps("rollback") == []


def test_a_live_release_that_is_known_to_be_bad_is_not_gone_back_to() -> None:
    some = fleet(1)
    some.hosts["i-0000"].states["41"] = State.FAILED
    some.hosts["i-0000"].faults["switch"] = "fails"
    assert some.roll("1").end is End.ROLLED_BACK
    assert some.live == {"i-0000": "40"}


def test_a_live_release_that_was_never_proved_is_not_gone_back_to_either() -> None:
    """The run that brought 41 was killed before it was seen to work."""
    some = fleet(1)
    some.hosts["i-0000"].states["41"] = State.LIVE
    some.hosts["i-0000"].faults["switch"] = "fails"
    assert some.roll("1", live="40").end is End.ROLLED_BACK
    assert some.live == {"i-0000": "40"}


def test_what_an_earlier_try_has_changed_goes_back_with_the_rest() -> None:
    """It was killed after its first batch: 41 is live by the history, and i-0000 has 42."""
    some = fleet(3)
    first = some.hosts["i-0000"]
    first.live, first.previous, first.states["42"] = "42", "41", State.HEALTHY
    some.hosts["i-0002"].faults["switch"] = "fails"
    assert some.roll("1").end is End.ROLLED_BACK
    assert set(some.live.values()) == {"41"}


def test_what_an_earlier_run_has_left_half_way_goes_back_with_the_rest_also_where_this_one_has_not_come_to_it() -> None:
    """It stopped 41 on i-0001, and was killed before `current` was switched."""
    some = fleet(3)
    left = some.hosts["i-0001"]
    left.up, left.half_way = False, True
    some.hosts["i-0002"].faults["stage"] = "fails"
    assert some.roll("1").end is End.ROLLED_BACK
    assert some.steps("rollback") == [("i-0001",)]
    assert all(host.up for host in some.hosts.values())


def test_who_was_left_half_way_serves_nobody_and_comes_first() -> None:
    some = fleet(3)
    some.hosts["i-0002"].up, some.hosts["i-0002"].half_way = False, True
    assert some.roll("1", floor="2").end is End.HEALTHY
    assert some.steps("switch") == [("i-0002",), ("i-0000",), ("i-0001",)]


def test_what_is_live_by_the_history_stays_when_a_later_host_fails() -> None:
    """A host that was added later is brought up to the release that the others have: they keep it."""
    some = fleet(3)
    for id in ("i-0000", "i-0001"):
        some.hosts[id].live, some.hosts[id].previous, some.hosts[id].states["42"] = "42", "41", State.HEALTHY
    some.hosts["i-0002"].faults["switch"] = "fails"
    assert some.roll("1", live="42").end is End.ROLLED_BACK
    assert some.live == {"i-0000": "42", "i-0001": "42", "i-0002": "41"}


def test_the_live_release_that_goes_out_once_more_and_fails_on_one_stays_on_all() -> None:
    """With `force`: the release before it would leave some on that, and some on this one."""
    some = fleet(4, live="42")
    some.hosts["i-0002"].faults["switch"] = "fails"
    rolled = some.roll("1", live="42", force=True, proved=True)
    assert (rolled.end, set(some.live.values())) == (End.ROLLED_BACK, {"42"})
    assert all(host.up for host in some.hosts.values())
    assert "Put back, and proved: 3 instances, on 42." in str(error_of(rolled, "42", "shop"))


def test_what_the_application_has_is_gone_back_to_though_it_has_failed_on_this_host_meanwhile() -> None:
    """An earlier rollback to 41 failed here, for a reason that is mended by now; the other hosts have 41."""
    some = fleet(2)
    some.hosts["i-0001"].states["41"] = State.FAILED
    some.hosts["i-0001"].faults["switch"] = "fails"
    assert some.roll("1", proved=True).end is End.ROLLED_BACK
    assert set(some.live.values()) == {"41"}


def test_an_error_of_aws_in_the_middle_is_a_failure_like_another() -> None:
    some = fleet(3)
    some.broken = lambda step: (
        NetworkError("Could not reach SSM.") if step == "switch" and len(some.steps(step)) == 2 else None
    )
    rolled = some.roll("1")
    assert (rolled.end, rolled.why) == (End.ROLLED_BACK, "Could not reach SSM.")
    assert some.steps("rollback") == [("i-0001",), ("i-0000",)]


def test_a_rollback_without_aws_names_every_instance() -> None:
    some = fleet(2)
    some.hosts["i-0001"].faults["switch"] = "fails"
    some.broken = lambda step: NetworkError("Could not reach SSM.") if step == "rollback" else None
    rolled = some.roll("1")
    assert rolled.end is End.FAILED
    assert [(entry.live, entry.stuck) for entry in rolled.ledger.entries] == [(None, "Could not reach SSM.")] * 2


def test_whoever_has_lost_the_lock_changes_nothing_more() -> None:
    some = fleet(3)

    def lost(step: str) -> None:
        if step == "verify" and len(some.steps("switch")) == 1:
            raise Overtaken("The lock is another one's.")

    some.at = lost
    rolled = some.roll("1")
    assert (rolled.end, rolled.why) == (End.STOPPED, "The lock is another one's.")
    assert isinstance(rolled.error, Overtaken)
    assert (len(some.steps("switch")), some.steps("rollback")) == (1, [])


@pytest.mark.parametrize("step", ["stage", "switch", "mark", "gate", "rollback"])
def test_whoever_is_stopped_says_what_is_known_of_each(step: str) -> None:
    some, cancellation = fleet(3), Cancellation()
    some.hosts["i-0002"].faults["switch"] = "fails"
    some.at = lambda at: cancellation.ask("by you") if at == step else None
    rolled = some.roll("1", cancellation=cancellation)
    assert (rolled.end, type(rolled.error)) == (End.STOPPED, Cancelled)
    assert {entry.target.id: entry.live for entry in rolled.ledger.entries} == some.live


@pytest.mark.parametrize(
    ("step", "words"),
    [
        ("take_out", "Stopped: by you. No instance was switched. Deploy again."),
        ("stage", "Stopped: by you. No instance was switched. Deploy again."),
        ("ask", "Stopped: by you. On 42, and not proved: web-0 (i-0000). As before: web-1 (i-0001), web-2 (i-0002). Deploy again, which does"),
        ("gate", "Stopped: by you. On 42: web-0 (i-0000). As before: web-1 (i-0001), web-2 (i-0002). Deploy again, which does"),
    ],
)  # fmt: skip
def test_whoever_is_stopped_says_who_has_it_who_was_not_seen_to_work_and_who_is_as_before(
    step: str, words: str
) -> None:
    some, cancellation = fleet(3), Cancellation()

    class Stopping(NoBalancing):
        def take_out(self, targets: object, run: object) -> dict[str, str]:
            if step == "take_out":
                cancellation.ask("by you")
            return {}

    some.balancing = Stopping()
    some.at = lambda at: cancellation.ask("by you") if at == step else None
    rolled = some.roll("1", cancellation=cancellation)
    assert str(error_of(rolled, "42", "shop")).startswith(words)
    planned = [PlannedInstance(host.target.id, "", "", "41", 1, "") for host in some.hosts.values()]
    fates = [one.fate for one in results(rolled, planned, "42")]
    first = {"ask": "unproved", "gate": "deployed"}.get(step, "not begun")
    assert fates == [first, "not begun", "not begun"]


def test_a_minimum_that_failures_break_stops_it() -> None:
    some = fleet(4)
    some.hosts["i-0000"].faults.update(switch="fails", rollback="fails")
    rolled = some.roll("1", "2", "3")
    assert rolled.end is End.FAILED
    assert rolled.why.startswith("The next batch may not begin: 2 of 4 instances would go on serving; 3 must (3).")


def test_a_host_that_is_not_heard_of_any_more_when_it_is_marked_is_no_success() -> None:
    some = fleet(2)
    some.hosts["i-0001"].faults["mark"] = "hangs"
    assert some.roll("1").end is End.ROLLED_BACK
    assert set(some.live.values()) == {"41"}


def test_old_releases_that_stay_are_a_warning() -> None:
    some = fleet(2)
    some.hosts["i-0001"].faults["prune"] = "fails at once"
    rolled = some.roll("1")
    assert (rolled.end, rolled.warnings) == (
        End.HEALTHY,
        ["web-1 (i-0001) keeps more old releases than it should: exit code 7"],
    )


def test_old_releases_that_nobody_could_be_told_to_remove_take_back_nothing() -> None:
    some = fleet(3)
    busy = AwsError("send a script", code="ThrottlingException", answer="slow down")
    some.broken = lambda step: busy if step == "prune" else None
    rolled = some.roll("1,100%")
    assert (rolled.end, set(some.live.values())) == (End.HEALTHY, {"42"})
    assert len(rolled.warnings) == 3
    assert all("keeps more old releases than it should: " in warning for warning in rolled.warnings)


# --- whatever happens ---------------------------------------------------------------------------------------------------------

STEPS = ["validate", "stage", "switch", "rollback", "mark"]
faults = st.dictionaries(st.sampled_from(STEPS), st.sampled_from(FAULTS), max_size=2)


@st.composite
def fleets(draw: st.DrawFn) -> Fleet:
    some = fleet(draw(st.integers(1, 7)), zones="ab", live=draw(st.sampled_from(["", "41"])))
    for host in some.hosts.values():
        if draw(st.integers(0, 2)) == 0:
            host.faults = dict(draw(faults))  # type: ignore[arg-type]
        if draw(st.integers(0, 9)) == 0:
            host.dead, host.up = True, False
        if host.live and draw(st.integers(0, 5)) == 0:
            host.live, host.previous = "42", "41"
            host.states["42"] = draw(st.sampled_from([State.LIVE, State.HEALTHY, State.FAILED]))
            if host.states["42"] is State.HEALTHY and draw(st.booleans()):
                host.up = False  # it died since, and no mark says so
    return some


def is_well(host: Host) -> bool:
    return host.up and not host.dead and bool(host.live)


def named(rolled: Rolled) -> set[str]:
    return {entry.target.id for entry in rolled.ledger.entries if entry.failed or entry.stuck}


@given(
    fleets(),
    st.sampled_from(["1", "2", "1,50%", "100%"]),
    st.sampled_from(["0", "1", "30%", "100%"]),
    st.sampled_from(["0", "1", "50%"]),
    st.sampled_from(["0", "1"]),
    st.sampled_from(["rollback", "stop", "continue"]),
)
def test_no_green_is_wrong_and_no_rule_is_broken(
    some: Fleet, sizes: str, budget: str, floor: str, zone: str, on_failure: str
) -> None:
    before = {id: (host.live, host.up and host.found().serving) for id, host in some.hosts.items()}
    live = "41" if any(before) else ""
    rolled = some.roll(sizes, budget, floor, zone, on_failure, live)  # type: ignore[arg-type]
    hosts, count = some.hosts.values(), len(some.hosts)
    good = {host.target.id for host in hosts if host.live == "42" and is_well(host)}

    # What is green is green, on every host, and what is not is named.
    if rolled.end is End.HEALTHY:
        assert good == set(some.hosts)
    if rolled.end is End.PARTLY:
        assert good >= set(some.hosts) - named(rolled)
        assert set(some.hosts) - named(rolled), "somebody has it"
        assert len(named(rolled)) <= read_share(budget).at_most(count)
    if rolled.end is End.ROLLED_BACK:
        for entry in rolled.ledger.entries:
            assert not entry.touched or (
                some.hosts[entry.target.id].live == entry.to and is_well(some.hosts[entry.target.id])
            )
    for host in hosts:
        assert is_well(host) or host.target.id in named(rolled) or not before[host.target.id][1]

    # What the ledger says is live, is.
    for entry in rolled.ledger.entries:
        assert entry.live is None or entry.live == some.hosts[entry.target.id].live

    # Nobody else was changed at the same time, and enough were left.
    written = read_sizes(sizes)
    for at, ids in enumerate(some.steps("switch")):
        assert len(ids) <= max(1, *(size.at_most(count) for size in written)), at
    least = read_share(floor).at_least(count)
    for (step, _, ids), left in zip(
        [one for one in some.events if one[0] in {"switch", "rollback"}], some.serving, strict=True
    ):
        took = [id for id in ids if before[id][1]]
        assert step == "rollback" or not took or left >= least


@given(fleets(), st.sampled_from(["gate", *STEPS]), st.integers(1, 4))
def test_stopped_wherever_it_is_the_ledger_tells_no_lie(some: Fleet, step: str, times: int) -> None:
    cancellation, seen = Cancellation(), []

    def at(where: str) -> None:
        seen.append(where)
        if where == step and seen.count(step) == times:
            cancellation.ask("by you")

    some.at = at
    rolled = some.roll("2", cancellation=cancellation)
    assert (rolled.end is End.STOPPED) == cancellation.asked
    for entry in rolled.ledger.entries:
        assert entry.live is None or entry.live == some.hosts[entry.target.id].live
