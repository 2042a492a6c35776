"""`ropeway s3 releases` and `ropeway s3 lock status|break`: what the state of a site says, and freeing its lock."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any

import typer
from rich.text import Text

from ropeway import as_json, terminal
from ropeway.aws.connection import AWS_GROUPS
from ropeway.aws.session import Aws, connect
from ropeway.cli.manner import Manner
from ropeway.cli.perform import at_home, in_options, inputs_of
from ropeway.cli.progress import showing
from ropeway.cli.reporting import DONE, Account, report
from ropeway.cli.stopping import stoppable
from ropeway.errors import RopewayError
from ropeway.inputs import Group
from ropeway.outcome import Run, in_units
from ropeway.s3.engines import engine_for
from ropeway.s3.inputs import ENCRYPTION, BucketInputs
from ropeway.s3.site.inputs import STATE, SiteInputs
from ropeway.s3.site.standing import Site
from ropeway.s3.site.where import site_of
from ropeway.s3.state.lock import break_lock, lock_place, look
from ropeway.s3.state.releases import History, Release, State, read_history
from ropeway.sanitise import one_line
from ropeway.tasks.task import introduce
from ropeway.terminal.text import table


@dataclass(frozen=True)
class Answer:
    """A sentence, a table below it where there is one, and the same as JSON."""

    sentence: str
    told: Mapping[str, Any]
    head: Sequence[str] = ()
    rows: Sequence[Sequence[Text]] = ()


OF_WRITERS = frozenset({"dry_run", "key_management", "encryption_algorithm", "kms_master_key_id"})
"""What is said of what is written."""


@dataclass(frozen=True)
class Question:
    """Something that is asked of the state: its command, and what answers."""

    command: tuple[str, ...]
    ask: Callable[[Any, Aws, Run], Answer]
    """Is given the inputs."""
    inputs: type[BucketInputs] = SiteInputs
    groups: tuple[Group, ...] = field(default=(ENCRYPTION, STATE, *AWS_GROUPS))
    writes: bool = False

    @property
    def unasked(self) -> frozenset[str]:
        """Inputs that mean nothing to it, and are no options of its command."""
        return frozenset() if self.writes else OF_WRITERS


def answer(question: Question, given: Mapping[str, Any]) -> int:
    """Ask, say, and answer the exit code."""
    manner = Manner.of(given)
    manner.settle()
    try:
        found = _asked(question, given, manner)
    except Exception as error:  # noqa: BLE001 - not swallowed: it is reported, as a bug of ours unless it is a RopewayError
        if isinstance(error, RopewayError):
            error.advised(in_options(question, error.advice))
        return report(Account(" ".join(question.command), error=error), manner)
    if manner.json:
        typer.echo(as_json.dumps(dict(found.told)))
    else:
        _render(found)
    return DONE


def _asked(question: Question, given: Mapping[str, Any], manner: Manner) -> Answer:
    inputs = inputs_of(question, given, manner)
    teller = showing(terminal.console(stderr=True))
    run = Run(teller)
    with stoppable(run.cancellation), teller:
        inputs, connection = at_home(inputs, manner, run) if manner.local else (inputs, None)
        aws = connect(inputs, connection, profile=manner.profile, debug=teller.note)
        introduce(aws, run)
        return question.ask(inputs, aws, run)


def _render(found: Answer) -> None:
    screen = terminal.console()
    screen.print(Text(one_line(found.sentence), style="bold"))
    if found.rows:
        screen.print()
        table(screen, found.head, found.rows)


# --- releases -------------------------------------------------------------------------------------------------------------------

HEAD = ("", "Release", "State", "When", "Build", "Files", "Size", "Commit", "Who")


def _releases(site: Site, _given: SiteInputs, run: Run) -> Answer:
    history, _ = read_history(site.engine, site.state, run.cancellation)
    where = f"s3://{site.target.bucket}/{site.target.prefix}"
    newest_first = history.releases[::-1]
    told = {
        "site": where,
        "live": history.live,
        "releases": [_told(one, history) for one in newest_first],
    }
    if not newest_first:
        return Answer(f"There are no releases at {where}.", told)
    sentence = f"Release {history.live} is live at {where}." if history.live else f"No release is live at {where}."
    rows = [_row(one, history) for one in newest_first]
    return Answer(sentence, told, HEAD, rows)


def _told(one: Release, history: History) -> dict[str, Any]:
    return {
        "id": one.id,
        "state": str(one.state),
        "unproved": one.unproved,
        "failedBefore": one.failed_before,
        "live": one.id == history.live,
        "when": _time(one.when),
        "build": one.build,
        "files": one.files,
        "bytes": one.size,
        "commit": one.commit,
        "who": one.who,
    }


def _row(one: Release, history: History) -> list[Text]:
    live = one.id == history.live
    cells = (
        "*" if live else "",
        one.id,
        _state(one, live=live),
        _time(one.when),
        one.build,
        f"{one.files:,}",
        in_units(one.size),
        one.commit[:10],
        one.who,
    )
    return [Text(one_line(cell), style="bold" if live else "") for cell in cells]


def _state(one: Release, *, live: bool) -> str:
    state = "was live" if one.state is State.LIVE and not live else str(one.state)
    if one.failed_before:
        return f"{state}, failed before and not seen to be well since"
    return f"{state}, checks not seen to the end" if one.unproved else state


def _time(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, timezone.utc):%Y-%m-%d %H:%M:%SZ}"


# --- the lock -------------------------------------------------------------------------------------------------------------------


def _status(site: Site, _given: SiteInputs, run: Run) -> Answer:
    place = lock_place(site.state)
    seen = look(site.engine, place, run.cancellation)
    held = seen is not None and not seen.over
    told: dict[str, Any] = {"lock": place.address, "held": held, "owner": "", "purpose": "", "since": "", "expires": ""}
    if seen is None or seen.hold.free:
        return Answer(f"The lock {place.address} is free.", told)
    hold = seen.hold
    told |= {"owner": hold.owner, "purpose": hold.purpose}
    told |= {name: _time(at) for name, at in (("since", hold.since), ("expires", hold.expires)) if at}
    if seen.over:
        return Answer(f"The lock {place.address} ran out: {hold.words}. The next deploy takes it over.", told)
    return Answer(f"The lock {place.address} is held: {hold.words}.", told)


def _break(site: Site, given: SiteInputs, run: Run) -> Answer:
    place = lock_place(site.state)
    if given.dry_run:
        found = _status(site, given, run)
        return Answer(f"{found.sentence} Dry run: it was left as it is.", found.told)
    broken = break_lock(site.engine, place, run.cancellation)
    told = {"lock": place.address, "broken": broken is not None, "owner": broken.owner if broken else ""}
    if broken is None:
        return Answer(f"The lock {place.address} was free.", told)
    return Answer(f"The lock {place.address} was taken from {broken.owner} ({broken.purpose}), and is free.", told)


def _of_site(ask: Callable[[Site, SiteInputs, Run], Answer]) -> Callable[[SiteInputs, Aws, Run], Answer]:
    return lambda given, aws, run: ask(site_of(given, engine_for(aws, given)), given, run)


def _all() -> Iterator[Question]:
    yield Question(("s3", "releases"), _of_site(_releases))
    yield Question(("s3", "lock", "status"), _of_site(_status))
    yield Question(("s3", "lock", "break"), _of_site(_break), writes=True)


QUESTIONS = {question.command: question for question in _all()}
