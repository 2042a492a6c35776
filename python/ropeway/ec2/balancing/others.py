"""Who is out already, and not by us: another application on the same instances has them out, switches them, and puts them back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from ropeway.aws.session import Aws
from ropeway.ec2.balancing import changing
from ropeway.ec2.balancing.seats import Seat
from ropeway.ec2.balancing.waiting import GONE, Seen, look
from ropeway.ec2.journal import Effect, short
from ropeway.errors import AwsError, NetworkError

STANDBY = frozenset({"EnteringStandby", "Standby"})
UNREGISTERED = "Target.NotRegistered"
"""Of an `unused` target. One that is registered may be unused too: its instance is stopped, or its group has no load balancer (ELB API reference,
TargetHealth).
"""


def out_already(seats: Iterable[Seat], standby: Sequence[Effect], aws: Aws) -> dict[str, str]:
    """Of what is not in our journal: a sentence for each target. Whoever cannot be seen is not taken out either."""
    return {**dict(_unseated(seats, aws)), **_in_standby(standby, aws)}


def _unseated(seats: Iterable[Seat], aws: Aws) -> Iterator[tuple[str, str]]:
    for seat, seen in look(seats, aws):
        if not seen.state:
            yield seat.target, f"Whether somebody else has it out of {short(seat.group)} could not be seen: {seen}"
        elif _is_out(seen):
            yield seat.target, _words(f"It is out of {short(seat.group)} already: {seen}")


def _is_out(seen: Seen) -> bool:
    return seen.state == "draining" or (seen.state == GONE and UNREGISTERED in seen.why)


def _in_standby(standby: Sequence[Effect], aws: Aws) -> dict[str, str]:
    if not standby:
        return {}
    try:
        states = changing.lifecycles([effect.member for effect in standby], aws)
    except (AwsError, NetworkError) as unread:
        return {effect.member: str(unread) for effect in standby}
    return {
        effect.member: _words(f"It is {states[effect.member]} in Auto Scaling group {effect.group} already")
        for effect in standby
        if states.get(effect.member) in STANDBY
    }


def _words(where: str) -> str:
    return f"{where}. This run has not done that: somebody else has it out, or it is there no more. It is left to them."
