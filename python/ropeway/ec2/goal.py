"""Which release is to be live: a new one, an earlier one, or the one before what this stage has deployed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ropeway.aws.session import Aws
from ropeway.ec2.bundle import Bundle
from ropeway.ec2.history import Application, Packed, made_by, rollback_target
from ropeway.ec2.inputs import EC2DeployInputs
from ropeway.ec2.model import Found
from ropeway.errors import InputError
from ropeway.outcome import Run
from ropeway.s3.site.standing import Identity
from ropeway.s3.site.where import attempt_of, identity_of, run_of
from ropeway.s3.state.manifest import check_id
from ropeway.s3.state.releases import History, Release, State, check_content, is_older


@dataclass(frozen=True)
class Order:
    """Who asks for what."""

    given: EC2DeployInputs
    aws: Aws
    run: Run


@dataclass(frozen=True)
class Goal:
    """Which release is to be live. `bundle` is None where it lies in S3 already; `kind` is deploy or rollback.

    `over` is the release that is live now, `over_state` what is known of it (None: there is none). `past` is one that was begun and came to
    nobody, which a rollback passes over; empty where there is none.
    """

    kind: str
    identity: Identity
    packed: Packed
    bundle: Bundle | None
    over: str
    over_state: State | None = None
    past: str = ""

    @property
    def release(self) -> str:
        return self.identity.id


def goal_of(order: Order, application: Application, history: History, bundle: Bundle | None) -> Goal | None:
    if bundle:
        return _forward(order, history, bundle)
    to, of = order.given.release_id if order.given.mode == "rollback" else "", ""
    if order.given.mode == "takeBack":
        made = _made(order, history)
        if made is None or made.state is State.ROLLED_BACK or history.stays(made, attempt_of(order.run)):
            return None
        of = made.id
    wanted = rollback_target(history, to, of)
    packed = application.packed(wanted.id, order.run.cancellation)
    identity = replace(identity_of(wanted.id, order.run), build=wanted.build, run=wanted.run, attempt=wanted.attempt)
    return Goal("rollback", identity, packed, None, history.live, _state_of(history))


def beyond(order: Order, application: Application, history: History, found: Sequence[Found]) -> Goal | None:
    """Where a rollback leads that names no release, when what was begun last has come to none of these: its run died before it switched anybody, and
    back to what is live would be where they are. None where it stays with `goal_of`.
    """
    left = history.half_done
    if order.given.mode != "rollback" or order.given.release_id or left is None or left.state is not State.STAGED:
        return None
    if not history.live or any(one.came(left.id) or one.live not in {"", history.live} for one in found):
        return None  # what somebody else has left half-way before it is to go first
    order.run.tell.note(f"Release {left.id} was begun, and has come to no instance: it is passed over.")
    further = goal_of(order, application, history.now(left.id, State.ROLLED_BACK), None)
    return further and replace(further, past=left.id)


def _forward(order: Order, history: History, bundle: Bundle) -> Goal:
    identity = identity_of(order.given.release_id, order.run)
    check_id(identity.id)
    check_content(history, identity.id, bundle.content)
    live = history.live_release
    if live and not order.given.allow_older and is_older(identity.build, live.build):
        raise InputError(
            [
                f"Build {identity.build} is older than {live.build}, which is live (release {live.id}). Nothing was changed."
            ]
        ).advised("Roll back instead, or set allowOlder.")
    packed = Packed(identity.id, bundle.sha256, bundle.content, bundle.size, bundle.unpacked, bundle.files)
    return Goal("deploy", identity, packed, bundle, history.live, _state_of(history))


def _state_of(history: History) -> State | None:
    live = history.live_release
    return live.state if live else None


def _made(order: Order, history: History) -> Release | None:
    ours = run_of(order.run)
    if not ours:
        problem = "mode is takeBack, which takes back what this build and stage has deployed: there is no build here."
        raise InputError([problem]).advised("Set mode to rollback.")
    return made_by(history, ours)


def no_need(order: Order, history: History) -> str:
    made, name = _made(order, history), order.given.application
    if made and made.state is not State.ROLLED_BACK:
        return (
            f"Release {made.id} of {name} stays: attempt {made.attempt} of this stage has deployed it, and it is healthy; "
            f"attempt {attempt_of(order.run)} has deployed nothing"
        )
    if made:
        return f"Release {made.id} of {name} is taken back already"
    return f"There is nothing to take back: this build and stage has deployed nothing to {name}"
