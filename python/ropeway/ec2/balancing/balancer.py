"""Takes targets out of the traffic and puts them back. The rollout's `Balancing` (ec2/hands.py) on AWS."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from ropeway.aws.session import Aws
from ropeway.ec2.balancing import changing
from ropeway.ec2.balancing.asking import where_of
from ropeway.ec2.balancing.others import out_already
from ropeway.ec2.balancing.seats import SUSPENDED, BalancerTerms, Seat, Survey
from ropeway.ec2.balancing.undoing import undo, until_standby
from ropeway.ec2.balancing.waiting import until_drained, until_healthy
from ropeway.ec2.journal import Effect, Journal
from ropeway.ec2.model import Target
from ropeway.errors import AwsError, NetworkError, Overtaken, RopewayError
from ropeway.outcome import Run

PUT_BACK_BY_OTHERS = "Whoever has it out puts it back."


class Balancer:
    """`journal` was read. What stands there now is of instances that are stopped, and another one's to put back."""

    def __init__(self, survey: Survey, terms: BalancerTerms, journal: Journal, aws: Aws) -> None:
        self._survey = survey
        self._terms = terms
        self._journal = journal
        self._aws = aws
        self._others = frozenset(journal.pending)
        self._theirs: set[str] = set()

    def take_out(self, targets: Sequence[Target], run: Run) -> Mapping[str, str]:
        """Returns when no request is under way to them any more. The targets for which it failed, and why. Raises Cancelled, Overtaken."""
        self._suspend(run)
        why = self._theirs_of(targets)
        ours = [target for target in targets if target.id not in why]
        seats, standby = self._survey.of(ours), self._standby(ours)
        self._write_down([*standby, *(seat.effect for seat in seats)], run)
        why |= _by_target(self._enter_standby(standby, run), standby)
        out = [seat for seat in seats if seat.target not in why]
        refused = changing.deregister([seat.effect for seat in out], self._aws)
        why |= {seat.target: refused[seat.effect] for seat in out if seat.effect in refused}
        drained = until_drained([seat for seat in out if seat.target not in why], self._terms, self._aws, run)
        return why | _of_seats(drained)

    def put_back(self, targets: Sequence[Target], run: Run) -> Mapping[str, str]:
        """Returns when they are healthy there. The targets for which it failed, and why."""
        seats, standby = self._survey.of(targets), self._standby(targets)
        out = set(self._journal.pending)
        effects = [effect for effect in (*standby, *(seat.effect for seat in seats)) if effect in out]
        theirs = {target.id: PUT_BACK_BY_OTHERS for target in targets if target.id in self._theirs}
        undone = undo(effects, self._journal, self._aws, run, look_every=self._terms.look_every)
        failed = {**undone.left, **undone.gone}
        why = _by_target({one: said for one, said in failed.items() if one.kind == "standby"}, standby)
        why |= {seat.target: failed[seat.effect] for seat in seats if seat.effect in failed}
        waited = {seat for seat in seats if seat.effect in effects}
        served = {effect.member for effect in effects if effect.kind == "standby"}
        waited |= {seat for seat in self._survey.watched if seat.target in served}
        still = sorted(seat for seat in waited if seat.target not in why)
        return theirs | why | _of_seats(until_healthy(still, self._terms, self._aws, run))

    def restore(self, run: Run) -> Mapping[str, str]:
        """At the end, however it came: everything that was taken out is put back, and nobody waits for its health."""
        own = [effect for effect in self._journal.pending if effect not in self._others]
        try:
            left = undo(own, self._journal, self._aws, run, look_every=self._terms.look_every).left
        except Overtaken as other:
            left = dict.fromkeys(own, f"{other.message} It is left to them.")
        if not left:
            run.pending("")
        return {str(effect): why for effect, why in left.items()}

    def _theirs_of(self, targets: Sequence[Target]) -> dict[str, str]:
        """Written down by us, it would be put back by us while another application is switched there."""
        own = set(self._journal.pending)
        seats = [seat for seat in self._survey.of(targets) if seat.effect not in own]
        why = out_already(seats, [effect for effect in self._standby(targets) if effect not in own], self._aws)
        self._theirs = (self._theirs - {target.id for target in targets}) | why.keys()
        return why

    def _suspend(self, run: Run) -> None:
        """Before each batch: who deploys another application to the same group resumes at its end what both need.

        Raises RopewayError: a group that may replace instances meanwhile is not deployed to.
        """
        active = changing.active(sorted({group for _, group in self._survey.scaled}), SUSPENDED, self._aws)
        if not active:
            return
        self._write_down(active, run)
        if refused := changing.suspend(active, self._aws):
            raise RopewayError(next(iter(refused.values())))

    def _write_down(self, effects: Sequence[Effect], run: Run) -> None:
        """Before they are done. Somebody comes after this run wherever it dies."""
        if effects:
            run.pending(self._journal.address)
            self._journal.add(effects, run.cancellation, where_of(self._aws))
            self._others -= frozenset(effects)

    def _standby(self, targets: Iterable[Target]) -> list[Effect]:
        groups = dict(self._survey.scaled) if self._terms.scaling == "standby" else {}
        return [Effect("standby", groups[target.id], target.id) for target in targets if target.id in groups]

    def _enter_standby(self, standby: Sequence[Effect], run: Run) -> dict[Effect, str]:
        """Who is in standby already (a rollback takes out what a deploy has) needs nothing."""
        if not standby:
            return {}
        try:
            states = changing.lifecycles([effect.member for effect in standby], self._aws)
            failed = dict(
                changing.enter_standby([one for one in standby if states.get(one.member) == "InService"], self._aws)
            )
            going = [effect for effect in standby if effect not in failed]
            within = self._survey.standby_delay + self._terms.drain_margin
            return failed | until_standby(going, self._aws, run, self._terms.look_every, within)
        except (AwsError, NetworkError) as unread:
            return dict.fromkeys(standby, str(unread))


def _by_target(failed: Mapping[Effect, str], effects: Iterable[Effect]) -> dict[str, str]:
    return {effect.member: failed[effect] for effect in effects if effect in failed}


def _of_seats(failed: Mapping[Seat, str]) -> dict[str, str]:
    return {seat.target: f"The instance {why}" for seat, why in failed.items()}
