"""What a run that died has left behind is put right: targets back into their groups, instances back into service, processes resumed.

By the post-job handler of the same step, by `ropeway ec2 recover`, or by the next deploy before it begins. Each holds the lock of the application, so that
nobody puts a target back while another run switches it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from ropeway.aws.session import Aws
from ropeway.ec2.balancing.asking import where_of
from ropeway.ec2.balancing.undoing import undo
from ropeway.ec2.journal import Effect, Journal
from ropeway.errors import InputError, RopewayError
from ropeway.outcome import Run, counted


@dataclass(frozen=True)
class Recovered:
    """`undone` is back as it was; `gone` had nothing to come back to; of what is `left`, why. Those of it that are `asleep` are instances that are stopped."""

    undone: tuple[Effect, ...]
    left: Mapping[Effect, str]
    asleep: frozenset[Effect] = frozenset()
    gone: tuple[Effect, ...] = ()

    def check(self, address: str) -> None:
        """Raises RopewayError where something is left."""
        if self.left:
            said = "\n".join(f"{effect}: {why}" for effect, why in self.left.items())
            raise RopewayError(
                f"{counted(len(self.left), 'change')} of an earlier run could not be undone.\n{said}",
                advice=f"They stay in {address}. Mend what is said above, then run: ropeway ec2 recover.",
            )

    def warnings(self, address: str) -> tuple[str, ...]:
        """What is left and keeps nobody from deploying: who is stopped gets no traffic anyway. Raises RopewayError where more is left."""
        awake = {effect: why for effect, why in self.left.items() if effect not in self.asleep}
        replace(self, left=awake).check(address)
        return tuple(
            f"{effect}, since an earlier run: {self.left[effect]} Start it, then run: ropeway ec2 recover."
            for effect in sorted(self.asleep)
        )


def recover(journal: Journal, aws: Aws, run: Run, *, look_every: float = 2.0) -> Recovered:
    """Undoes what the journal tells, and says so. Raises IntegrityError for a journal that cannot be read, and InputError for one of elsewhere."""
    pending = journal.read(run.cancellation)
    if not pending:
        return Recovered((), {})
    run.tell.note(f"An earlier run left {counted(len(pending), 'change')} to undo ({journal.address}).")
    _check_where(journal, aws)
    done = undo(pending, journal, aws, run, look_every=look_every)
    undone = tuple(effect for effect in pending if effect not in done.left and effect not in done.gone)
    for effect in undone:
        run.tell.note(f"Undone: {effect}.")
    run.cancellation.check()
    return Recovered(undone, done.left, done.asleep, tuple(sorted(done.gone)))


def _check_where(journal: Journal, aws: Aws) -> None:
    """Elsewhere nothing of it is found, and all of it would pass for gone."""
    if journal.where and journal.where != (here := where_of(aws)):
        problem = f"What an earlier run left ({journal.address}) is in {journal.where}, and this is {here}."
        raise InputError([problem]).advised(
            "Nothing was undone. Name that region (regionName) and a connection of that account."
        )
