"""S3Download: objects of a bucket become files on the agent or the laptop."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import PurePath

from ropeway import inputs
from ropeway.aws.connection import ADVANCED, AWS_GROUPS
from ropeway.aws.policy import IamAction
from ropeway.aws.session import Aws
from ropeway.errors import LocalFileError
from ropeway.inputs import Pair, Spelling
from ropeway.outcome import Cancellation, Outcome, Output, Plan, Reason, Run, Step, counted, in_units, listing
from ropeway.s3.archive import refuse_archived
from ropeway.s3.compare import same_bytes
from ropeway.s3.engine import CustomerKey, Get, Head, Listed, ObjectEngine, Transfer
from ropeway.s3.engines import engine_for
from ropeway.s3.globs import Globs
from ropeway.s3.inputs import ENCRYPTION, S3Inputs, customer_key, customer_key_problems, nothing_matched, tell_idle
from ropeway.s3.keys import folder_prefix, is_marker, paths_for
from ropeway.s3.moving import move
from ropeway.s3.pins import Pins, pinned_by, with_pinned
from ropeway.s3.shards import shard_of, tell_shard
from ropeway.s3.spelling import BACKSLASHED, is_backslashed
from ropeway.s3.temporary import TAKEN, make_folder
from ropeway.tasks.task import OutputVariable, Task, introduce

OVERWRITE = {
    "always": "Replace it",
    "changed": "Replace it when its bytes differ",
    "never": "Fail before anything is written",
}


@dataclass(frozen=True, kw_only=True)
class S3DownloadInputs(S3Inputs):
    """What a download is asked to do. Names and meanings are the AWS Toolkit's where it has them."""

    source_folder: str = inputs.text(
        "Source folder",
        "The prefix in the bucket that the globs start from, with or without a final `/`. Empty: the whole bucket.",
        metavar="PREFIX",
    )
    target_folder: str = inputs.path(
        "Target folder",
        "Where the files go; it is created when it does not exist. Empty: the working directory.",
        metavar="FOLDER",
    )
    overwrite: str = inputs.choice(
        "When a file exists",
        "What to do with a file that is there already. (The AWS Toolkit's `true` means always, its `false` never.)",
        choices=OVERWRITE,
        synonyms={"true": "always", "false": "never"},
        default="always",
    )
    strip_prefix: bool = inputs.flag(
        "Leave the source folder out",
        "Place files below the target folder without the source folder's own path.",
    )
    version_ids: tuple[Pair, ...] = inputs.pairs(
        "Versions",
        "Lines of `key=versionId`: take this version of the object instead of the current one, also when it was deleted since. A key "
        "starts below the source folder, and the globs must pick it, too.",
        written="key=versionId",
        group=ADVANCED.name,
    )
    keep_modified: bool = inputs.flag(
        "Keep the files' times",
        "Give each file the time of its last change that its object tells (metadata `mtime`, in seconds, as rclone and s3fs do), "
        "else the time at which the object was stored.",
        group=ADVANCED.name,
    )
    key_management: str = inputs.choice(
        "Keys are managed by",
        "Who keeps the key that the objects are encrypted with.",
        choices={"noneOrAWSManaged": "Nobody, or AWS", "customerManaged": "You (SSE-C)"},
        default="noneOrAWSManaged",
        group=ENCRYPTION.name,
    )
    customer_key: str = inputs.text(
        "Customer key",
        "The SSE-C key, 64 hex digits. Put it in a secret variable. It is sent over https only.",
        secret=True,
        group=ENCRYPTION.name,
        visible="keyManagement = customerManaged",
    )

    def problems(self, spell: Spelling) -> Iterator[str]:
        yield from super().problems(spell)
        yield from customer_key_problems(self, spell)


GROUPS = (ENCRYPTION, *AWS_GROUPS)


# --- the plan: what is read ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class DownloadPlan(Plan[Transfer]):
    """The steps, and what applying them needs to know."""

    inputs: S3DownloadInputs
    prefix: str


def plan(given: S3DownloadInputs, aws: Aws, run: Run) -> DownloadPlan:
    """Lists the bucket and looks at the target folder. Everything that can be refused is refused here."""
    introduce(aws, run)
    engine = engine_for(aws, given)
    prefix = folder_prefix(given.source_folder)
    objects = _picked(given, prefix, engine, run)
    source = f"s3://{given.bucket_name}/{prefix}"
    warnings = (*_doubts(given.target_folder), *(() if objects else nothing_matched(given, source)))
    if objects:
        tell_idle(given.glob_expressions, (listed.key[len(prefix) :] for listed in objects), run)
    shard = shard_of(given, run)
    everything = _gets(given, prefix, objects)
    _refuse_meeting(everything)
    gets = [get for get in everything if shard.has(get.key[len(prefix) :])]
    tell_shard(shard, (listed.key[len(prefix) :] for listed in objects), run)
    steps = _steps(given, gets, engine, run)
    refuse_archived(given.bucket_name, _read(steps, objects), engine, _customer_key(given), run.cancellation)
    return DownloadPlan(
        title=_title("Download", steps, source, given),
        steps=tuple(steps),
        warnings=warnings,
        inputs=given,
        prefix=prefix,
    )


def _doubts(target: str) -> Iterator[str]:
    """Where a folder of this odd name is there already, it was meant."""
    if is_backslashed(target) and not os.path.isdir(target):
        yield f"The target folder {target} is a new one, with a backslash in its name. {BACKSLASHED}"


def _picked(given: S3DownloadInputs, prefix: str, engine: ObjectEngine, run: Run) -> list[Listed]:
    globs = Globs(given.glob_expressions)
    pins = Pins(given.bucket_name, prefix, given.version_ids)
    pinned = pinned_by(pins, globs, engine, _customer_key(given), run.cancellation)
    return with_pinned(list(_current(given, prefix, globs, engine, run)), pinned)


def _current(given: S3DownloadInputs, prefix: str, globs: Globs, engine: ObjectEngine, run: Run) -> Iterator[Listed]:
    for listed in engine.list(given.bucket_name, prefix, cancellation=run.cancellation):
        run.cancellation.check()
        if not is_marker(listed.key, listed.size) and globs.matches_key(listed.key[len(prefix) :]):
            yield listed


def _gets(given: S3DownloadInputs, prefix: str, objects: list[Listed]) -> list[Get]:
    target = given.target_folder or "."
    places = paths_for(
        target, [listed.key for listed in objects], prefix, strip=given.strip_prefix, flatten=given.flatten_folders
    )
    key = _customer_key(given)
    return [
        Get(
            given.bucket_name,
            listed.key,
            path,
            listed.size,
            listed.etag,
            key,
            listed.version_id,
            given.keep_modified,
            only_new=given.overwrite == "never",
        )
        for listed, path in zip(objects, places, strict=True)
    ]


def _refuse_meeting(gets: Sequence[Get]) -> None:
    """A link from one folder of the target to another makes one file of two keys. Where they are the same bytes, that is no harm."""
    real = cache(os.path.realpath)
    first: dict[str, Get] = {}
    twins: list[str] = []
    for get in gets:
        folder, name = os.path.split(get.path)
        other = first.setdefault(os.path.join(real(folder), name), get)
        if (other.size, other.etag) != (get.size, get.etag):
            twins.append(f"{other.key!r} and {get.key!r} (both would be the file {get.path})")
    if twins:
        raise LocalFileError(
            f"{counted(len(twins), 'pair')} of objects would become one file, as there is a link from one folder to the other: "
            f"{listing(twins)}. Nothing was written.",
            advice="Remove the link, or choose another target folder.",
        )


def _read(steps: Sequence[Step[Transfer]], objects: Sequence[Listed]) -> list[Listed]:
    """Those whose bytes are asked for: HEAD tells of an archived one, too, whether a file holds them already."""
    moving = {step.work.key for step in steps if step.action == "download" and step.work}
    return [listed for listed in objects if listed.key in moving]


def _customer_key(given: S3DownloadInputs) -> CustomerKey | None:
    return CustomerKey(customer_key(given.customer_key)) if given.customer_key else None


def _steps(given: S3DownloadInputs, gets: list[Get], engine: ObjectEngine, run: Run) -> list[Step[Transfer]]:
    there = [get for get in gets if os.path.lexists(get.path)]
    _refuse_existing(given, there)
    reasons = dict.fromkeys((get.key for get in gets), Reason.NEW) | dict.fromkeys(
        (get.key for get in there), Reason.NOT_COMPARED
    )
    if given.overwrite == "changed":
        reasons |= _compared(given, there, engine, run)
    return [_step(get, reasons[get.key]) for get in gets]


def _refuse_existing(given: S3DownloadInputs, there: Sequence[Get]) -> None:
    folders = [get.path for get in there if os.path.isdir(get.path)]
    if folders:
        raise LocalFileError(
            f"{listing(folders)} would be written as a file, but is a folder.", advice="Choose another target folder."
        )
    if there and given.overwrite == "never":
        raise LocalFileError(
            f"{counted(len(there), 'file')} would be overwritten: {listing([get.path for get in there])}. Nothing was written.",
            advice=TAKEN,
        )


def _compared(
    given: S3DownloadInputs, there: list[Get], engine: ObjectEngine, run: Run
) -> Iterator[tuple[str, Reason]]:
    by_key = {get.key: get for get in there}
    versions = {get.key: get.version_id for get in there}
    key_of_customer = _customer_key(given)
    inside = os.path.realpath(given.target_folder or ".")
    for key, head in engine.heads(
        given.bucket_name, list(by_key), key_of_customer, versions=versions, cancellation=run.cancellation
    ):
        run.cancellation.check()
        yield key, _reason(by_key[key], head, inside, run.cancellation)


def _reason(get: Get, head: Head | None, inside: str, cancellation: Cancellation) -> Reason:
    """A link that leads nowhere and a pipe have no bytes to compare: what comes takes their place.

    So it is with a link to another file `inside` the target folder: its bytes are what that file will hold once all has come.
    """
    if os.path.islink(get.path) and PurePath(os.path.realpath(get.path)).is_relative_to(inside):
        return Reason.NOT_COMPARED
    same = head is not None and _is_file_of(get.path, head.size) and same_bytes(get.path, head, cancellation)
    return Reason.UNCHANGED if same else Reason.CONTENT


def _is_file_of(path: str, size: int) -> bool:
    """One of another length is not read, and need not be readable: it will be replaced. So it is with one that has gone."""
    try:
        there = os.stat(path)
    except OSError:
        return False
    return stat.S_ISREG(there.st_mode) and there.st_size == size


def _step(get: Get, reason: Reason) -> Step[Transfer]:
    return Step("skip" if reason is Reason.UNCHANGED else "download", get.path, reason, get.size, get)


def _title(verb: str, steps: Sequence[Step[Transfer]], source: str, given: S3DownloadInputs) -> str:
    moving = [step for step in steps if step.action == "download"]
    size = in_units(sum(step.size for step in moving))
    return f"{verb} {counted(len(moving), 'file')} ({size}) from {source} to {given.target_folder or '.'}"


# --- applying it: what is written ---------------------------------------------------------------------------------------


def apply(planned: DownloadPlan, aws: Aws, run: Run) -> Outcome[Transfer]:
    """Does what the plan says. The first failing object ends it; what is on its way still arrives, whole."""
    began = time.monotonic()
    given = planned.inputs
    engine = engine_for(aws, given)
    make_folder(given.target_folder or ".")
    moved = move(engine, planned.todo, "Downloading", run)
    downloaded = [result.step for result in moved.results if result.error is None]
    return Outcome(
        title=_title("Downloaded", downloaded, f"s3://{given.bucket_name}/{planned.prefix}", given),
        plan=planned,
        results=tuple(moved.results),
        outputs=_outputs(planned, downloaded),
        seconds=time.monotonic() - began,
        engine=engine.name,
        warnings=planned.warnings,
        error=moved.error,
    )


def _outputs(planned: DownloadPlan, downloaded: Sequence[Step[Transfer]]) -> tuple[Output, ...]:
    return (
        Output("filesDownloaded", str(len(downloaded))),
        Output("filesSkipped", str(len(planned.steps) - len(planned.todo))),
        Output("bytesDownloaded", str(sum(step.size for step in downloaded))),
        Output("targetFolder", os.path.abspath(planned.inputs.target_folder or ".")),
    )


TASK = Task(
    name="S3Download",
    id="211d63dd-09e5-48b5-9cae-29d480a00ba4",
    major=1,
    friendly_name="Ropeway: Amazon S3 download",
    step_title="S3 download from $(bucketName)",
    description="Download files from an Amazon S3 bucket, many at a time, verified, and never outside the target folder.",
    help="Downloads the objects that the globs pick from a bucket to a folder. See docs/tasks/s3-download.md.",
    command=("s3", "download"),
    inputs=S3DownloadInputs,
    groups=GROUPS,
    outputs=(
        OutputVariable("filesDownloaded", "How many files were downloaded."),
        OutputVariable("filesSkipped", "How many files were left out because they are unchanged."),
        OutputVariable("bytesDownloaded", "How many bytes were downloaded."),
        OutputVariable("targetFolder", "The folder that the files are in."),
        OutputVariable(
            "listFile",
            "A file with one JSON object a line for each step: name, action, reason, size, error, version id.",
        ),
    ),
    actions=(
        IamAction("s3:ListBucket", "arn:{partition}:s3:::{bucket}"),
        IamAction("s3:GetObject", "arn:{partition}:s3:::{bucket}/{prefix}*"),
        IamAction("s3:GetObjectVersion", "arn:{partition}:s3:::{bucket}/{prefix}*", "versionIds"),
        IamAction("kms:Decrypt", "{kms_key}", "the objects are encrypted with a KMS key of yours"),
    ),
    services=("s3", "sts"),
    plan=plan,
    apply=apply,
)
