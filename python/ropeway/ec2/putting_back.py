"""Putting back what changed: the last batch first, each target to the release that it came from, each one proved like a deploy."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ropeway.ec2.doing import Doing
from ropeway.ec2.hands import Hands
from ropeway.ec2.ledger import Ledger
from ropeway.ec2.model import Target
from ropeway.errors import Cancelled, Overtaken, RopewayError
from ropeway.outcome import Run, counted, listing
from ropeway.s3.state.releases import State

NOWHERE = "No release was healthy here before: there is nothing to go back to."


def put_back(batches: Sequence[Sequence[Target]], doing: Doing, hands: Hands, ledger: Ledger, run: Run) -> None:
    """Batches as they were changed. What cannot be put back stays `stuck` in the ledger, and the others go on.

    Raises Cancelled and Overtaken: then nothing more is put back.
    """
    for batch in reversed(batches):
        touched = [target for target in batch if ledger[target].touched and not ledger[target].back]
        for target in touched:
            if not ledger[target].to:
                ledger[target].stuck = NOWHERE
                run.tell.note(f"{target.title}: {NOWHERE}")
        _batch([target for target in touched if ledger[target].to], doing, hands, ledger, run)


def _batch(batch: Sequence[Target], doing: Doing, hands: Hands, ledger: Ledger, run: Run) -> None:
    if not batch:
        return
    run.cancellation.check()
    run.tell.note(f"Putting back {counted(len(batch), 'instance')}.")
    _unless_stuck(hands.keeper.verify, batch, ledger)
    _unless_stuck(lambda: doing.take_out(batch), batch, ledger)
    _unless_stuck(lambda: doing.roll_back(batch), batch, ledger)
    for to in sorted({ledger[target].to for target in batch}):
        _prove([target for target in batch if ledger[target].to == to], to, doing, ledger, run)


def _prove(batch: Sequence[Target], to: str, doing: Doing, ledger: Ledger, run: Run) -> None:
    there = [target for target in batch if ledger[target].back]
    _unless_stuck(lambda: _stuck(doing.ask(there, to)[1], ledger), there, ledger)
    _mark_unwell([target for target in there if not ledger[target].back], to, doing, run)
    there = [target for target in there if ledger[target].back]
    _unless_stuck(lambda: _stuck(doing.put_in(there), ledger), there, ledger)


def _mark_unwell(unwell: Sequence[Target], to: str, doing: Doing, run: Run) -> None:
    """Their script found them well: with the mark of that the next run would find nothing to do here. That it fails is told, and changes nothing more."""
    try:
        doing.mark(unwell, State.FAILED, to)
    except (Cancelled, Overtaken):
        raise
    except RopewayError as error:
        run.tell.note(f"{listing([target.title for target in unwell])}: not marked: {error}")


def _stuck(failed: dict[Target, str], ledger: Ledger) -> None:
    for target, why in failed.items():
        entry = ledger[target]
        entry.back, entry.serving, entry.stuck = False, False, why


def _unless_stuck(what: Callable[[], object], batch: Sequence[Target], ledger: Ledger) -> None:
    """An error that concerns all is that of each of them, and the next batch is tried all the same."""
    try:
        what()
    except (Cancelled, Overtaken):
        raise
    except RopewayError as error:
        _stuck({target: str(error) for target in batch}, ledger)
