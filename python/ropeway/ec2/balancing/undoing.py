"""Undoing what a journal tells, whoever wrote it: each entry is looked at first, since what it tells of may never have been done."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ropeway.aws.session import Aws
from ropeway.ec2.balancing import changing
from ropeway.ec2.balancing.standing import standing
from ropeway.ec2.journal import Effect, Journal
from ropeway.errors import AwsError, NetworkError, Overtaken, RopewayError
from ropeway.outcome import Cancellation, Run

LONGEST = 3_700.0
"""Seconds that an instance may take into service. It cannot leave standby before it is in it, which takes as long as its target groups drain: 3,600 at
most (ELB API reference, deregistration_delay.timeout_seconds)."""

LEAVING = ("Terminat", "Detach")
"""How the lifecycle states of who leaves its Auto Scaling group for good begin."""


@dataclass(frozen=True)
class Undone:
    """Of what is `left`, why; it stays in the journal. Of those of it that are `asleep` the instance is stopped. `gone` had nothing to come back to, or
    was nothing to come back any more, and why; the journal knows no more of it.
    """

    left: Mapping[Effect, str]
    asleep: frozenset[Effect]
    gone: Mapping[Effect, str]


def undo(effects: Iterable[Effect], journal: Journal, aws: Aws, run: Run, *, look_every: float = 2.0) -> Undone:
    """Whether what is put back is healthy is for the caller to wait for. Who was stopped does what can be done at once, and waits for nobody.

    Raises Overtaken when somebody else writes the journal: what stands there is theirs then, and nothing is changed.
    """
    wanted = list(effects)
    if wanted:
        _verify(journal, run)
    failed = _failed(wanted, aws, run, look_every)
    seen = standing(failed, aws)
    for effect, why in seen.gone.items():
        run.tell.note(f"{effect}: {why} Nothing comes back.")
    left = {
        one: f"{seen.asleep.get(one, why)} {seen.unseen}".strip() for one, why in failed.items() if one not in seen.gone
    }
    done = [effect for effect in wanted if effect not in left]
    return Undone(left | _unwritten(done, journal), frozenset(seen.asleep), seen.gone)


def _verify(journal: Journal, run: Run) -> None:
    """A journal that cannot be read now is no reason to keep anybody without traffic."""
    try:
        journal.verify(Cancellation())
    except Overtaken:
        raise
    except RopewayError as unseen:
        run.tell.note(f"Whether somebody else works on it could not be seen: {unseen}")


def _failed(effects: Sequence[Effect], aws: Aws, run: Run, look_every: float) -> dict[Effect, str]:
    kinds: dict[str, list[Effect]] = {"standby": [], "deregistered": [], "suspended": []}
    for effect in effects:
        kinds[effect.kind].append(effect)
    failed = _back_in_service(kinds["standby"], aws, run, look_every)
    failed |= changing.register(kinds["deregistered"], aws)
    failed |= changing.resume(kinds["suspended"], aws)
    return failed


def _unwritten(done: Sequence[Effect], journal: Journal) -> dict[Effect, str]:
    """What is done is done: it is told even when somebody wants to stop. What could not be told stands in the journal still, and is named."""
    try:
        journal.remove(done, Cancellation())
    except Overtaken:
        raise
    except RopewayError as error:
        return dict.fromkeys(done, f"It is back, but that could not be written down: {error}")
    return {}


def _back_in_service(effects: Sequence[Effect], aws: Aws, run: Run, look_every: float) -> dict[Effect, str]:
    """Who left its Auto Scaling group meanwhile has nothing to come back to."""
    failed: dict[Effect, str] = {}
    ends, asked, left = time.monotonic() + LONGEST, set[Effect](), list(effects)
    while left:
        try:
            states = changing.lifecycles([effect.member for effect in left], aws)
        except (AwsError, NetworkError) as unread:
            return failed | {effect: str(unread) for effect in left}
        left = [effect for effect in left if _comes_back(states.get(effect.member, "InService"))]
        ready = [effect for effect in left if states[effect.member] == "Standby" and effect not in asked]
        failed |= changing.exit_standby(ready, aws)
        asked |= set(ready)
        left = [effect for effect in left if effect not in failed]
        if left and (run.cancellation.asked or time.monotonic() >= ends):
            return failed | {effect: f"It is {states[effect.member]} still." for effect in left}
        if left:
            run.cancellation.wait(look_every)
    return failed


def _comes_back(state: str) -> bool:
    return state != "InService" and not state.startswith(LEAVING)


def until_standby(effects: Sequence[Effect], aws: Aws, run: Run, look_every: float, within: float) -> dict[Effect, str]:
    """Those that are not in standby in so many seconds. Raises Cancelled, AwsError."""
    ends, left, states = time.monotonic() + within, list(effects), dict[str, str]()
    while left:
        states = changing.lifecycles([effect.member for effect in left], aws)
        left = [effect for effect in left if states.get(effect.member) != "Standby"]
        if left and time.monotonic() >= ends:
            break
        if left:
            run.cancellation.wait(look_every)
            run.cancellation.check()
    return {effect: f"It is {states.get(effect.member, 'in no Auto Scaling group')} still." for effect in left}
