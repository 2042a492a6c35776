"""Doing what the plan says, each thing only over what the plan has seen."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from ropeway.aws.session import Aws
from ropeway.errors import AccessDenied, Cancelled, Overtaken, RopewayError
from ropeway.outcome import Done, Run, Step
from ropeway.s3 import buckets
from ropeway.s3.engine import ObjectEngine
from ropeway.s3.website.documents import canonical
from ropeway.s3.website.planning import MakeBucket, SetDocument, WebsitePlan, Work
from ropeway.s3.website.records import AliasRecord, change_records
from ropeway.s3.website.settings import SETTINGS, Buckets

BLOCKED = "Block Public Access"
"""S3's words where a block refuses a policy that opens a bucket."""


def apply_website(planned: WebsitePlan, aws: Aws, engine: ObjectEngine, run: Run) -> tuple[Done[Work], ...]:
    """The first error ends it, and is in the last result. Raises Cancelled."""
    applying = _Applying(planned, aws, engine, run)
    done: list[Done[Work]] = []
    for steps in _together([step for step in planned.steps if step.action != "skip"]):
        began, error = time.monotonic(), applying.error_of(steps)
        done += [Done(step, time.monotonic() - began, error) for step in steps]
        if error:
            break
    return tuple(done)


def _together(todo: Sequence[Step[Work]]) -> Iterator[list[Step[Work]]]:
    """The records of a zone are changed in one request."""
    numbers = {id(step): number for number, step in enumerate(todo)}

    def zone(step: Step[Work]) -> object:
        return step.work.zone.id if isinstance(step.work, AliasRecord) else numbers[id(step)]

    for _, steps in groupby(todo, zone):
        yield list(steps)


@dataclass(frozen=True)
class _Applying:
    planned: WebsitePlan
    aws: Aws
    engine: ObjectEngine
    run: Run

    def error_of(self, steps: Sequence[Step[Work]]) -> RopewayError | None:
        self.run.cancellation.check()
        try:
            self._do([step.work for step in steps if step.work])
        except Cancelled:
            raise
        except RopewayError as error:
            return error
        for step in steps:
            self.run.tell.note(f"Set up: {step.name}.")
        return None

    def _do(self, works: Sequence[Work]) -> None:
        match works[0]:
            case MakeBucket(bucket):
                buckets.make(self.engine, bucket, self.aws.region, self.run, object_lock=False)
            case SetDocument() as setting:
                self._set(setting)
            case AliasRecord() as record:
                change_records(self.aws, record.zone, [one for one in works if isinstance(one, AliasRecord)], self.run)

    def _set(self, setting: SetDocument) -> None:
        there = _buckets(self.planned, self.aws)
        _check_as_seen(setting, there)
        _blocked(lambda: there.write(setting.kind, setting.bucket, setting.wanted), setting.bucket)


def check_as_seen(planned: WebsitePlan, aws: Aws) -> None:
    """Raises Overtaken where a setting is not what the plan has seen: before a release begins that would end with it."""
    for step in planned.steps:
        if isinstance(step.work, SetDocument) and step.work.bucket == planned.wanted.bucket:
            _check_as_seen(step.work, _buckets(planned, aws))


def _check_as_seen(setting: SetDocument, there: Buckets) -> None:
    now = there.read(setting.kind, setting.bucket)
    if canonical(now) != canonical(setting.seen):
        raise Overtaken(
            f"The {SETTINGS[setting.kind].noun} of the bucket {setting.bucket} is not what it was when this was planned.",
            advice="Somebody else has set it meanwhile, and nothing was written over that. Run again.",
        )


def _buckets(planned: WebsitePlan, aws: Aws) -> Buckets:
    return Buckets(aws.client("s3"), planned.wanted.region, planned.wanted.owner)


def _blocked(write: Callable[[], None], bucket: str) -> None:
    try:
        write()
    except AccessDenied as denied:
        if BLOCKED not in denied.message:
            raise
        raise denied.advised(
            f"Public access is blocked for the whole account of {bucket}, or by its organization: allow it there first, or put "
            "CloudFront before a bucket that stays closed."
        ) from None
