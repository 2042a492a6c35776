"""Where a target gets its traffic from, as it is seen before anything changes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from ropeway.ec2.journal import Effect, short
from ropeway.ec2.model import Target

Scaling = Literal["none", "suspend", "standby"]
"""What an Auto Scaling group of the targets is kept from: nothing; replacing and adding instances meanwhile; that, and counting those which are being
switched as in service."""

SUSPENDED = ("AZRebalance", "AlarmNotification", "ReplaceUnhealthy", "ScheduledActions")
"""Processes of an Auto Scaling group that take away, or add, instances while it is deployed to (CodeDeploy user guide, "Integrating
CodeDeploy with Amazon EC2 Auto Scaling", lists the same)."""


@dataclass(frozen=True)
class BalancerTerms:
    """`target_groups` are names or ARNs. Times are seconds: how long a target may take to be drained on top of the group's own delay,
    and to be healthy. It is healthy after `healthy_times` looks in a row that say so.
    """

    target_groups: tuple[str, ...] = ()
    scaling: Scaling = "none"
    drain_margin: float = 60.0
    look_every: float = 5.0
    healthy_within: float = 600.0
    healthy_times: int = 2

    @property
    def asks_nothing(self) -> bool:
        return not self.target_groups and self.scaling == "none"


@dataclass(frozen=True, slots=True, order=True)
class Seat:
    """A place of a target in a target group. `member` is what the group knows it by: the instance's id, or an address.

    `delay` is the group's deregistration delay in seconds.
    """

    target: str
    group: str
    member: str
    port: int
    zone: str = ""
    delay: float = 300.0

    @property
    def effect(self) -> Effect:
        return Effect("deregistered", self.group, self.member, self.port, self.zone)

    def __str__(self) -> str:
        return f"{short(self.group)}:{self.port}"


@dataclass(frozen=True)
class Survey:
    """`seats` of all targets; `scaled`: the Auto Scaling group of each instance that has one.

    `watched` are places that an Auto Scaling group gives an instance back by itself as it leaves standby.
    `unhealthy` are targets that a load balancer says are not healthy now. `standby_delay` is how many seconds an instance is drained for
    before it is in standby, `room` how many of an Auto Scaling group may be in standby at a time.
    """

    seats: tuple[Seat, ...] = ()
    scaled: tuple[tuple[str, str], ...] = ()
    unhealthy: frozenset[str] = frozenset()
    problems: tuple[str, ...] = ()
    warnings: tuple[str, ...] = field(default=())
    standby_delay: float = 0.0
    watched: tuple[Seat, ...] = ()
    room: tuple[tuple[str, int], ...] = ()

    def of(self, targets: Sequence[Target]) -> list[Seat]:
        wanted = {target.id for target in targets}
        return [seat for seat in self.seats if seat.target in wanted]

    @property
    def where(self) -> dict[str, str]:
        """For the plan, by the id of a target: "web:80, Auto Scaling group shop (2 at a time in standby)"."""
        found: dict[str, list[str]] = {}
        room = {group: f" ({many} at a time in standby)" for group, many in self.room}
        for seat in self.seats:
            found.setdefault(seat.target, []).append(str(seat))
        for target_id, group in self.scaled:
            found.setdefault(target_id, []).append(f"Auto Scaling group {group}{room.get(group, '')}")
        return {target_id: ", ".join(places) for target_id, places in found.items()}
