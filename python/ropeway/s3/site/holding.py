"""What somebody who deploys needs first: the bucket where it is not there yet, the lock, and a plan of what is there by then."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace

from ropeway.aws.session import Aws
from ropeway.errors import Cancelled, LockHeld
from ropeway.outcome import Run
from ropeway.s3.engines import engine_for
from ropeway.s3.site.new_bucket import make
from ropeway.s3.site.planning import SitePlanned
from ropeway.s3.site.standing import Prepared
from ropeway.s3.site.where import owner_of
from ropeway.s3.state.lock import Lock, lock_place, locked

MINUTE = 60.0


@contextmanager
def held(planned: SitePlanned, prepared: Prepared, run: Run) -> Iterator[Lock | None]:
    """Raises LockHeld and Cancelled with the word that nothing was changed."""
    if planned.look is None:
        yield None
        return
    given = planned.order.given
    wait = given.lock_wait_minutes * MINUTE if given.lock == "wait" else 0.0
    purpose = f"{'release' if planned.releases else 'rollback to'} {prepared.manifest.id}"
    owner = owner_of(run, public=planned.readable is None or planned.readable.public)
    getting = locked(
        prepared.site.engine, lock_place(prepared.site.state), owner, purpose, run, wait=wait, before=planned.look
    )
    with ExitStack() as stack:
        try:
            lock = stack.enter_context(getting)
        except Cancelled as stopped:
            raise stopped.advised("It had not got the lock: nothing was changed.") from stopped
        except LockHeld as taken:
            raise taken.advised(f"Nothing was changed. {taken.advice}") from taken
        yield lock


def with_bucket(planned: SitePlanned, aws: Aws, run: Run) -> SitePlanned:
    """The bucket made, and planned anew on what is there now: the lock lies in it."""
    given = planned.order.given
    make(engine_for(aws, given), given.bucket_name, aws, run)
    return anew(planned)


def anew(planned: SitePlanned) -> SitePlanned:
    """Planned once more. The step that has made the bucket stays the first."""
    if planned.again is None:
        raise AssertionError("What can be planned can be planned anew.")
    again = planned.again()
    return replace(again, makes=planned.makes, steps=(planned.makes, *again.steps)) if planned.makes else again
