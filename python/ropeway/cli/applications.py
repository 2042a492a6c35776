"""`ropeway ec2 releases` and `ropeway ec2 recover`: what the state of an application says, and undoing what a dead run left."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timezone
from typing import Any

from rich.text import Text

from ropeway.aws.connection import AWS_GROUPS
from ropeway.aws.session import Aws
from ropeway.cli.sites import Answer, Question
from ropeway.ec2.history import Application, DeployRecord
from ropeway.ec2.inputs import STATE, ApplicationInputs, ChangingInputs
from ropeway.ec2.journal import Journal
from ropeway.ec2.performing import hold
from ropeway.ec2.planning import application_of
from ropeway.ec2.recover import recover
from ropeway.outcome import Run, counted, duration, in_units
from ropeway.s3.inputs import ENCRYPTION
from ropeway.s3.state.releases import History, Release
from ropeway.sanitise import one_line

MOST = 20
"""Deploys that are listed."""

HEAD = ("", "Release", "State", "When", "Build", "Size", "Last deploys of it")


def _releases(given: ApplicationInputs, aws: Aws, run: Run) -> Answer:
    application = application_of(given, aws)
    history = application.history(run.cancellation)
    records = application.records(MOST, run.cancellation)
    told = {
        "application": application.name,
        "live": history.live,
        "releases": [_told(one, history) for one in reversed(history.releases)],
        "deploys": [_deploy(record) for record in records],
    }
    if not history.releases:
        return Answer(f"There are no releases of {application.name} at {application.place.address}.", told)
    live = f"Release {history.live} of {application.name} is live." if history.live else "No release is live."
    rows = [_row(one, history, records) for one in reversed(history.releases)]
    return Answer(live, told, HEAD, rows)


def _told(one: Release, history: History) -> dict[str, Any]:
    return {
        "id": one.id,
        "state": str(one.state),
        "live": one.id == history.live,
        "when": _time(one.when),
        "build": one.build,
        "content": one.content,
        "bytes": one.size,
    }


def _deploy(record: DeployRecord) -> dict[str, Any]:
    return {
        "id": record.id,
        "kind": record.kind,
        "release": record.release,
        "over": record.over,
        "who": record.who,
        "build": record.build,
        "commit": record.commit,
        "began": _time(record.began),
        "ended": _time(record.ended) if record.ended else "",
        "end": record.end,
        "why": record.why,
        "instances": [
            {"id": one.id, "name": one.name, "zone": one.zone, "batch": one.batch}
            | {"before": one.before, "after": one.after, "fate": one.fate, "why": one.why}
            for one in record.instances
        ],
    }


def _row(one: Release, history: History, records: tuple[DeployRecord, ...]) -> list[Text]:
    live = one.id == history.live
    deploys = "; ".join(_in_short(record) for record in records if record.release == one.id)
    cells = ("*" if live else "", one.id, str(one.state), _time(one.when), one.build, in_units(one.size), deploys)
    return [Text(one_line(cell), style="bold" if live else "") for cell in cells]


def _in_short(record: DeployRecord) -> str:
    took = f" in {duration(record.ended - record.began)}" if record.ended else ""
    on = f" on {counted(len(record.instances), 'instance')}" if record.instances else ""
    who = f" by {record.who}" if record.who else ""
    return f"{record.kind} {_time(record.began)}: {record.end}{on}{took}{who}"


def _time(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, timezone.utc):%Y-%m-%d %H:%M:%SZ}"


# --- what a dead run left -------------------------------------------------------------------------------------------------------


def _recover(given: ChangingInputs, aws: Aws, run: Run) -> Answer:
    application = application_of(given, aws)
    journal = _journal(application)
    if given.dry_run:
        left = [str(effect) for effect in journal.read(run.cancellation)]
        return Answer(
            f"{counted(len(left), 'change')} to undo: {', '.join(left)}." if left else "There is nothing to undo.",
            {"application": application.name, "undone": [], "left": left},
        )
    with hold(application, given, "recover", run):
        recovered = recover(journal, aws, run)
    recovered.check(journal.address)
    undone, gone = [str(effect) for effect in recovered.undone], [str(effect) for effect in recovered.gone]
    sentences = (
        f"Undone: {', '.join(undone)}." if undone else "",
        f"There is nothing any more that could come back: {', '.join(gone)}." if gone else "",
    )
    sentence = " ".join(filter(None, sentences)) or "There was nothing to undo."
    return Answer(sentence, {"application": application.name, "undone": undone, "left": []})


def _journal(application: Application) -> Journal:
    return Journal(application.engine, application.journal)


def _all() -> Iterator[Question]:
    yield Question(("ec2", "releases"), _releases, ApplicationInputs, (STATE, *AWS_GROUPS))
    yield Question(("ec2", "recover"), _recover, ChangingInputs, (ENCRYPTION, STATE, *AWS_GROUPS), writes=True)


QUESTIONS = {question.command: question for question in _all()}
