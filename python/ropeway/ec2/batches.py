"""How many instances are changed at the same time, how many may fail, and how many must go on serving. No clock, no AWS.

`1,25%,100%` are the sizes of the first batches; the last one is that of all further ones (Ansible's `serial`). Percentages are of
all targets of the run: of a size and of what may fail rounded down (a size is 1 at least), of what must serve rounded up.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain, repeat

from ropeway.ec2.model import Batch, Share, Target

NONE = Share(0)


def read_share(text: str) -> Share:
    """`3` or `25%`. Raises ValueError, worded to follow the name of an input."""
    found = re.fullmatch(r"(\d{1,6})(%?)", text.strip(), re.ASCII)
    if not found:
        raise ValueError(f"is {text.strip()!r}; write a number (2) or a percentage (25%).")
    amount, percent = int(found[1]), bool(found[2])
    if percent and amount > 100:
        raise ValueError(f"is {text.strip()!r}; a percentage is 100% at most.")
    return Share(amount, percent)


def read_sizes(text: str) -> tuple[Share, ...]:
    """`1,25%,100%`. Raises ValueError, worded to follow the name of an input."""
    sizes = tuple(map(read_share, text.split(",")))
    if any(size.amount == 0 for size in sizes):
        raise ValueError(f"is {text.strip()!r}; a batch of none would never end.")
    return sizes


@dataclass(frozen=True, slots=True)
class Budget:
    """How many targets may not succeed. One more, and the rollout stops."""

    share: Share
    targets: int

    @property
    def allowed(self) -> int:
        return self.share.at_most(self.targets)

    def is_exceeded(self, failures: int) -> bool:
        return failures > self.allowed


@dataclass(frozen=True)
class Floor:
    """How many of the targets must serve at any time: of all, and of each availability zone.

    `standby` is how many of an Auto Scaling group may be in standby at a time, by its name; `groups` that of an instance, by its id.
    """

    targets: Sequence[Target]
    fleet: Share = NONE
    zone: Share = NONE
    groups: Mapping[str, str] = field(default_factory=dict)
    standby: Mapping[str, int] = field(default_factory=dict)

    def room(self, serving: Collection[Target]) -> tuple[int, Counter[str]]:
        """How many of those that serve may be taken out: of all, and of each availability zone."""
        wholes, now = (Counter(target.zone for target in some) for some in (self.targets, serving))
        zones = {zone: count - self.zone.at_least(wholes[zone]) for zone, count in now.items()}
        return len(serving) - self.fleet.at_least(len(self.targets)), Counter(zones)

    def broken(self, serving: Collection[Target], out: Iterable[Target]) -> Iterator[str]:
        """What would be lost were these taken out, a sentence each. To take out what does not serve takes nothing away."""
        leaving = [target for target in out if target in serving]
        if leaving:
            yield from self._fleet(len(serving) - len(leaving))
            yield from self._zones(serving, leaving)

    def refusing(self, serving: Collection[Target], first: Target) -> Iterator[str]:
        """What keeps the first of those that wait from being changed, a sentence each."""
        yield from self.broken(serving, [first])
        group = self.groups.get(first.id, "")
        if self.standby.get(group, 1) < 1:
            yield f"no further instance of Auto Scaling group {group} may be in standby, because of those that failed and are."

    def with_out(self, out: Iterable[Target]) -> Floor:
        """As things stand while these are out: who is in standby takes a place there."""
        taken = Counter(self.groups.get(target.id, "") for target in out)
        return replace(self, standby={group: room - taken[group] for group, room in self.standby.items()})

    def _fleet(self, left: int) -> Iterator[str]:
        least = self.fleet.at_least(len(self.targets))
        if left < least:
            yield f"{left} of {len(self.targets)} instances would go on serving; {least} must ({self.fleet})."

    def _zones(self, serving: Iterable[Target], leaving: Iterable[Target]) -> Iterator[str]:
        wholes, now = (Counter(target.zone for target in some) for some in (self.targets, serving))
        for zone, gone in sorted(Counter(target.zone for target in leaving).items()):
            left, least = now[zone] - gone, self.zone.at_least(wholes[zone])
            if left < least:
                yield f"{left} of {wholes[zone]} instances in {zone or 'no zone'} would go on serving; {least} must ({self.zone})."


@dataclass(frozen=True)
class Cut:
    """`left` are targets whose turn never comes, because the floor does not let it: `why` says so."""

    batches: tuple[Batch, ...]
    left: tuple[Target, ...] = ()
    why: str = ""


def cut(todo: Sequence[Target], serving: Collection[Target], sizes: Sequence[Share], floor: Floor) -> Cut:
    """The batches of those that are to be changed, if all goes well: whoever was changed serves from then on.

    First those that do not serve, then the others, each in their order (CodeDeploy's order). A batch is smaller than its size
    where the floor asks for it, or an Auto Scaling group lets no more into standby.
    """
    now = set(serving)
    waiting = sorted(todo, key=lambda target: target in now)
    batches: list[Batch] = []
    for size in chain(sizes, repeat(sizes[-1])):
        if not waiting:
            break
        chosen = members(waiting, now, size, floor)
        if not chosen:
            return Cut(tuple(batches), tuple(waiting), " ".join(floor.broken(now, waiting[:1])))
        batches.append(Batch(len(batches) + 1, tuple(chosen)))
        gone = set(chosen)
        waiting = [target for target in waiting if target not in gone]
        now |= gone
    return Cut(tuple(batches))


def members(waiting: Sequence[Target], serving: Collection[Target], size: Share, floor: Floor) -> list[Target]:
    """The next batch, from the first ones on; empty where the floor lets nobody out."""
    most = max(1, size.at_most(len(floor.targets)))
    chosen: list[Target] = []
    fleet, zones = floor.room(serving)
    standby = Counter(floor.standby)
    for target in waiting:
        group = floor.groups.get(target.id, "")
        if len(chosen) == most:
            break
        if group in floor.standby and standby[group] < 1:
            continue
        if target in serving:
            if fleet < 1 or zones[target.zone] < 1:
                continue
            fleet -= 1
            zones[target.zone] -= 1
        standby[group] -= 1
        chosen.append(target)
    return chosen
