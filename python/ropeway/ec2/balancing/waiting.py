"""Waiting until a target is drained, or healthy, by looks at the target groups: one request a group and look, however many targets."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from ropeway.aws.session import Aws
from ropeway.ec2.balancing.asking import call
from ropeway.ec2.balancing.seats import BalancerTerms, Seat
from ropeway.ec2.journal import Effect, short
from ropeway.errors import AwsError, NetworkError
from ropeway.outcome import Run, duration

SOONEST = 0.25
"""Seconds between the first two looks; then twice as many each time."""

GONE = "unused"
"""What is said of a target that is registered no more, and drained (ELB API reference, TargetHealth: Target.NotRegistered)."""


@dataclass(frozen=True, slots=True)
class Seen:
    """Health of one seat: AWS's state and its own words on why. `state` is empty where AWS did not answer, or not of it."""

    state: str
    why: str

    def __str__(self) -> str:
        return f"{self.state}{f' ({self.why})' if self.why else ''}" if self.state else self.why


@dataclass(frozen=True)
class _Hope:
    """So many looks in a row as hoped for, within so many seconds."""

    fulfilled: Callable[[Seen], bool]
    times: int
    seconds: float


@dataclass
class _Watched:
    """`good` counts the looks in a row that were as hoped for."""

    good: Counter[Seat] = field(default_factory=Counter)
    last: dict[Seat, Seen] = field(default_factory=dict)


def until_drained(seats: Sequence[Seat], terms: BalancerTerms, aws: Aws, run: Run) -> dict[Seat, str]:
    """Those that were not, and why. Raises Cancelled."""
    longest = max((seat.delay for seat in seats), default=0.0) + terms.drain_margin
    hope = _Hope(lambda seen: seen.state == GONE, 1, longest)
    left = _until(seats, hope, terms, aws, run)
    return {
        seat: f"was not drained by {short(seat.group)} within {duration(longest)}: it is {seen}."
        for seat, seen in left.items()
    }


def until_healthy(seats: Sequence[Seat], terms: BalancerTerms, aws: Aws, run: Run) -> dict[Seat, str]:
    """Those that were not so many times in a row, and why. Raises Cancelled."""
    within = terms.healthy_within
    hope = _Hope(lambda seen: seen.state == "healthy", terms.healthy_times, within)
    left = _until(seats, hope, terms, aws, run)
    return {
        seat: f"was not healthy in {short(seat.group)} within {duration(within)}: it is {seen}."
        for seat, seen in left.items()
    }


def until_probed(effects: Iterable[Effect], terms: BalancerTerms, aws: Aws, run: Run) -> None:
    """What was put back counts as serving once it is healthy, and not before it was asked: until then, or so long as it may take."""
    seats = [
        Seat(one.member, one.group, one.member, one.port, one.zone) for one in effects if one.kind == "deregistered"
    ]
    _until(seats, _Hope(lambda seen: seen.state not in {"", "initial"}, 1, terms.healthy_within), terms, aws, run)


def _until(seats: Sequence[Seat], hope: _Hope, terms: BalancerTerms, aws: Aws, run: Run) -> dict[Seat, Seen]:
    """Those that were not as hoped for so many times in a row before the time was over, with what was seen of them last."""
    ends, watched, left = time.monotonic() + hope.seconds, _Watched(), list(seats)
    for pause in _pauses(terms.look_every):
        for seat, seen in look(left, aws):
            watched.last[seat] = seen
            watched.good[seat] = watched.good[seat] + 1 if hope.fulfilled(seen) else 0
        left = [seat for seat in left if watched.good[seat] < hope.times]
        if not left or time.monotonic() >= ends:
            break
        run.cancellation.wait(min(pause, max(0.0, ends - time.monotonic())))
        run.cancellation.check()
    return {seat: watched.last[seat] for seat in left}


def _pauses(longest: float) -> Iterator[float]:
    """Between two looks, in seconds: what is soon over is soon seen."""
    pause = SOONEST
    while True:
        yield min(pause, longest)
        pause *= 2


def look(seats: Iterable[Seat], aws: Aws) -> Iterator[tuple[Seat, Seen]]:
    """What AWS says of each now. Where it does not answer, that: the next look may know more."""
    for group, some in groupby(sorted(seats, key=lambda seat: seat.group), key=lambda seat: seat.group):
        members = list(some)
        try:
            told = _health(group, members, aws)
        except (AwsError, NetworkError) as unanswered:
            yield from ((seat, Seen("", str(unanswered))) for seat in members)
        else:
            yield from ((seat, told.get((seat.member, seat.port), _UNTOLD)) for seat in members)


_UNTOLD = Seen("", "AWS said nothing of it")


def _health(group: str, seats: Sequence[Seat], aws: Aws) -> dict[tuple[str, int], Seen]:
    told = call(
        aws,
        "elbv2",
        "describe_target_health",
        f"read the health of the targets of {short(group)}",
        TargetGroupArn=group,
        Targets=[{"Id": seat.member, "Port": seat.port} for seat in seats],
    )["TargetHealthDescriptions"]
    return {(one["Target"]["Id"], int(one["Target"]["Port"])): _seen(one["TargetHealth"]) for one in told}


def _seen(health: dict[str, Any]) -> Seen:
    return Seen(health["State"], ", ".join(health[name] for name in ("Reason", "Description") if health.get(name)))
