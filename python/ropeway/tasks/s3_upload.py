"""S3Upload: files from the agent or the laptop become objects in a bucket."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial

from ropeway import inputs
from ropeway.aws.connection import ADVANCED, AWS_GROUPS
from ropeway.aws.policy import IamAction
from ropeway.aws.session import Aws
from ropeway.errors import BucketMissing, LocalFileError, RopewayError
from ropeway.inputs import Group, NamedRule, Rule, Spelling
from ropeway.outcome import Done, Outcome, Output, Plan, Reason, Run, Step, counted, in_units
from ropeway.s3 import buckets, encryption, modified
from ropeway.s3.engine import CustomerKey, Headers, ObjectEngine, Put, Transfer
from ropeway.s3.engines import engine_for
from ropeway.s3.files import check_unchanged
from ropeway.s3.headers import HeaderMaker, HeaderRules, check_metadata, check_tag
from ropeway.s3.inputs import (
    CANNED_ACLS,
    ENCRYPTION,
    STORAGE_CLASSES,
    customer_key,
    customer_key_problems,
    nothing_matched,
    tell_idle,
)
from ropeway.s3.keys import folder_prefix, keys_for, normal_prefix
from ropeway.s3.locks import LOCK, LockInputs, least, now, retain_until
from ropeway.s3.moving import move
from ropeway.s3.shards import shard_of, tell_shard
from ropeway.s3.upload_plan import Comparison
from ropeway.s3.walk import LocalFile, pick_files, without_leftovers
from ropeway.tasks.task import OutputVariable, Task, introduce

HEADERS = Group("headers", "Headers, metadata and tags")


def _labels(values: tuple[str, ...], none: str) -> dict[str, str]:
    return {"none": none, **{value: value for value in values}}


@dataclass(frozen=True, kw_only=True)
class S3UploadInputs(LockInputs):
    """What an upload is asked to do. Names and meanings are the AWS Toolkit's where it has them."""

    source_folder: str = inputs.path(
        "Source folder",
        "The folder that the globs start from. Empty: the working directory.",
        metavar="FOLDER",
    )
    target_folder: str = inputs.text(
        "Target folder",
        "The prefix of the keys in the bucket, for example `site/v2`. Empty: the root of the bucket.",
        metavar="PREFIX",
    )
    skip_unchanged: bool = inputs.flag(
        "Skip unchanged files",
        "Leave out a file whose object has the same bytes and headers already. Every file is hashed; its date is no evidence. "
        "The ACL of a skipped object is left as it is. A KMS key is compared where it is named by its id or ARN: S3 does not tell which one is the account's aws/s3, "
        "nor what an alias stands for, so that with none named any key counts as the same, and with an alias every file as changed.",
    )
    compare_headers: bool = inputs.flag(
        "Compare headers, too",
        "Look at each object (a HEAD request for each file whose object has as many bytes). Otherwise only bytes count, and a listing (a request for each 1,000 objects) tells them "
        "where its ETags are MD5s; what differs in headers, tags or encryption alone is left out.",
        default=True,
        visible="skipUnchanged = true",
    )
    create_bucket: bool = inputs.flag("Create the bucket", "Create the bucket in the region when it does not exist.")
    content_type: str = inputs.text(
        "Content type",
        "One content type for every file. Empty: by rule, else by the file's extension.",
        group=HEADERS.name,
    )
    content_types: tuple[Rule, ...] = inputs.rules(
        "Content types by rule",
        "Lines of `glob=type`; the first line that matches a file counts.",
        group=HEADERS.name,
    )
    charset: str = inputs.text(
        "Charset of text files",
        "Added to the content type of text files when it comes from the extension. `none` adds nothing.",
        default="utf-8",
        group=HEADERS.name,
    )
    content_encoding: str = inputs.text(
        "Content encoding", "One content encoding for every file, for example `gzip`.", group=HEADERS.name
    )
    content_encodings: tuple[Rule, ...] = inputs.rules(
        "Content encodings by rule",
        "Lines of `glob=encoding`, for example `**/*.gz=gzip`; the first line that matches a file counts.",
        group=HEADERS.name,
    )
    cache_control: tuple[Rule, ...] = inputs.rules(
        "Cache control",
        "Lines of `glob=value`, for example `**/*.html=no-cache`; the first line that matches a file counts.",
        group=HEADERS.name,
    )
    metadata: tuple[NamedRule, ...] = inputs.named_rules(
        "Metadata",
        "Lines of `glob=name=value`; every line that matches a file counts, a later one replaces an earlier one of the same name.",
        check=check_metadata,
        group=HEADERS.name,
    )
    tags: tuple[NamedRule, ...] = inputs.named_rules(
        "Tags",
        "Lines of `glob=name=value`; every line that matches a file counts. An object has at most 10 tags.",
        check=check_tag,
        group=HEADERS.name,
    )
    storage_class: str = inputs.choice(
        "Storage class",
        "The storage class of the objects.",
        choices={value: value for value in STORAGE_CLASSES},
        default="STANDARD",
        group=ADVANCED.name,
    )
    files_acl: str = inputs.choice(
        "Canned ACL",
        "The access control list of the objects. `none` sends none, which is right for buckets that enforce the owner (the default since 2023).",
        choices=_labels(CANNED_ACLS, "None: the bucket decides"),
        default="none",
        group=ADVANCED.name,
    )
    keep_modified: bool = inputs.flag(
        "Keep the files' times",
        "Write the time of a file's last change into the metadata of its object (`mtime`, in seconds, as rclone and s3fs do). "
        "A skipped object keeps the time that it has.",
        group=ADVANCED.name,
    )
    key_management: str = encryption.key_management(customerManaged="You (SSE-C)")
    encryption_algorithm: str = encryption.encryption_algorithm()
    kms_master_key_id: str = encryption.kms_master_key_id()
    customer_key: str = inputs.text(
        "Customer key",
        "The SSE-C key, 64 hex digits. Put it in a secret variable. It is sent over https only.",
        secret=True,
        group=ENCRYPTION.name,
        visible="keyManagement = customerManaged",
    )

    def problems(self, spell: Spelling) -> Iterator[str]:
        yield from super().problems(spell)
        for one, by_rule in (("content_type", "content_types"), ("content_encoding", "content_encodings")):
            if getattr(self, one) and getattr(self, by_rule):
                yield f"{spell(one)} holds for every file, so {spell(by_rule)} would hold for none: keep one of the two."
        yield from customer_key_problems(self, spell)
        yield from encryption.kms_key_problems(self, spell)
        yield from self._metadata_problems(spell)
        if self.skip_unchanged and not self.compare_headers and (self.locks or self.customer_key):
            yield f"{spell('compare_headers')} is false, so nobody would see whether an object is locked, or encrypted with your key: leave it true."
        if any(part in {".", ".."} for part in self.target_folder.replace("\\", "/").split("/")):
            yield f"{spell('target_folder')} is {self.target_folder!r}: a key's prefix knows no . or .. folders."

    def _metadata_problems(self, spell: Spelling) -> Iterator[str]:
        twice = [rule for rule in self.metadata if self.keep_modified and rule.name.lower() == modified.NAME]
        for rule in twice:
            yield f"{spell('metadata')} line {rule.line} gives {modified.NAME}, which {spell('keep_modified')} gives: keep one of them."


GROUPS = (HEADERS, ENCRYPTION, LOCK, *AWS_GROUPS)


# --- the plan: what is read ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class UploadPlan(Plan[Transfer]):
    """The steps, and what applying them needs to know."""

    inputs: S3UploadInputs
    prefix: str
    create_bucket: bool


def plan(given: S3UploadInputs, aws: Aws, run: Run) -> UploadPlan:
    """Reads the source folder and asks the bucket. Everything that can be refused is refused here."""
    files, warnings = without_leftovers(
        pick_files(given.source_folder or ".", given.glob_expressions, run.cancellation)
    )
    if not files:
        warnings += nothing_matched(given, given.source_folder or "the working directory")
    else:
        names = (file.relative for file in files)
        tell_idle(given.glob_expressions, names, run, root=given.source_folder or ".")
    prefix = normal_prefix(given.target_folder)
    shard = shard_of(given, run)
    puts = [put for put, file in zip(_puts(given, prefix, files), files, strict=True) if shard.has(file.relative)]
    tell_shard(shard, (file.relative for file in files), run)
    introduce(aws, run)
    engine = engine_for(aws, given)
    create = not buckets.is_there(
        engine,
        given.bucket_name,
        folder_prefix(prefix),
        may_make=given.create_bucket,
        cancellation=run.cancellation,
    )
    steps = _compared(given, puts, engine, run) if given.skip_unchanged and not create else _not_compared(puts)
    return UploadPlan(
        title=_title("Upload", steps, given, prefix),
        steps=(*_creation(given, create), *steps),
        warnings=warnings,
        inputs=given,
        prefix=prefix,
        create_bucket=create,
    )


def _puts(given: S3UploadInputs, prefix: str, files: list[LocalFile]) -> list[Put]:
    maker = HeaderMaker(_header_rules(given), os.path.abspath(given.source_folder or "."))
    keys = keys_for(prefix, [file.relative for file in files], flatten=given.flatten_folders)
    return [
        Put(
            file.path,
            given.bucket_name,
            key,
            file.size,
            file.mtime_ns,
            maker.headers(file.relative),
            given.keep_modified,
        )
        for file, key in zip(files, keys, strict=True)
    ]


def _header_rules(given: S3UploadInputs) -> HeaderRules:
    return HeaderRules(
        common=_common_headers(given),
        charset="" if given.charset.lower() == "none" else given.charset,
        content_types=given.content_types,
        content_encodings=given.content_encodings,
        cache_control=given.cache_control,
        metadata=given.metadata,
        tags=given.tags,
    )


def _common_headers(given: S3UploadInputs) -> Headers:
    retained = given.object_lock_mode != "none"
    plain = Headers(
        content_type=given.content_type,
        content_encoding=given.content_encoding,
        storage_class="" if given.storage_class == "STANDARD" else given.storage_class,
        acl="" if given.files_acl == "none" else given.files_acl,
        customer_key=CustomerKey(customer_key(given.customer_key)) if given.customer_key else None,
        lock_mode=given.object_lock_mode if retained else "",
        lock_until=retain_until(given.object_lock_retain_until, now()) if retained else "",
        legal_hold=given.object_lock_legal_hold,
    )
    return encryption.encryption_of(given).on(plain)


def _creation(given: S3UploadInputs, create: bool) -> Iterator[Step[Transfer]]:
    if create:
        yield Step("create", f"s3://{given.bucket_name}", Reason.NEW, 0)


def _not_compared(puts: Iterable[Put]) -> list[Step[Transfer]]:
    return [Step("upload", _address(put), Reason.NOT_COMPARED, put.size, put) for put in puts]


def _compared(given: S3UploadInputs, puts: list[Put], engine: ObjectEngine, run: Run) -> list[Step[Transfer]]:
    key = _common_headers(given).customer_key
    comparison = Comparison(engine, run, key, partial(least, given, now()), headers=given.compare_headers)
    reasons = comparison.reasons(puts)
    return [_step(put, reasons[put.key]) for put in puts]


def _step(put: Put, reason: Reason) -> Step[Transfer]:
    return Step("skip" if reason is Reason.UNCHANGED else "upload", _address(put), reason, put.size, put)


def _address(put: Put) -> str:
    return f"s3://{put.bucket}/{put.key}"


def _title(verb: str, steps: Iterable[Step[Transfer]], given: S3UploadInputs, prefix: str) -> str:
    moving = [step for step in steps if step.action == "upload"]
    size = in_units(sum(step.size for step in moving))
    source = given.source_folder or "."
    return f"{verb} {counted(len(moving), 'file')} ({size}) from {source} to {_target(given, prefix)}"


def _target(given: S3UploadInputs, prefix: str) -> str:
    return f"s3://{given.bucket_name}/{prefix}"


# --- applying it: what is written ---------------------------------------------------------------------------------------


def apply(planned: UploadPlan, aws: Aws, run: Run) -> Outcome[Transfer]:
    """Does what the plan says. The first failing file ends it; files that are on their way still arrive."""
    began = time.monotonic()
    engine = engine_for(aws, planned.inputs)
    if planned.create_bucket:
        buckets.make(engine, planned.inputs.bucket_name, aws.region, run, object_lock=planned.inputs.locks)
    created = [Done(step) for step in planned.steps if step.action == "create"]
    steps = [step for step in planned.steps if step.action == "upload"]
    moved = move(engine, steps, "Uploading", run)
    if isinstance(moved.error, BucketMissing) and planned.inputs.create_bucket:
        moved.error.advised(
            "To see that the bucket is missing, and make it (createBucket), the identity needs s3:ListBucket."
        )
    moved.error = moved.error or _changed(planned)
    uploaded = [result.step for result in moved.results if result.error is None]
    return Outcome(
        title=_title("Uploaded", uploaded, planned.inputs, planned.prefix),
        plan=planned,
        results=(*created, *moved.results),
        outputs=_outputs(planned, uploaded),
        seconds=time.monotonic() - began,
        engine=engine.name,
        warnings=planned.warnings,
        error=moved.error,
    )


def _changed(planned: UploadPlan) -> RopewayError | None:
    """What was left out because its object has the same bytes must have them still, or the bucket is not what the folder is."""
    try:
        for step in planned.steps:
            if step.action == "skip" and isinstance(step.work, Put):
                check_unchanged(step.work)
    except LocalFileError as changed:
        return changed
    return None


def _outputs(planned: UploadPlan, uploaded: list[Step[Transfer]]) -> tuple[Output, ...]:
    skipped = sum(1 for step in planned.steps if step.action == "skip")
    return (
        Output("filesUploaded", str(len(uploaded))),
        Output("filesSkipped", str(skipped)),
        Output("bytesUploaded", str(sum(step.size for step in uploaded))),
        Output("s3Prefix", _target(planned.inputs, planned.prefix)),
    )


BUCKET = "arn:{partition}:s3:::{bucket}"
OBJECTS = BUCKET + "/{prefix}*"

TASK = Task(
    name="S3Upload",
    id="eeca6f4b-12e7-4644-8551-d2344a90a83e",
    major=1,
    friendly_name="Ropeway: Amazon S3 upload",
    step_title="S3 upload to $(bucketName)",
    description="Upload files to an Amazon S3 bucket, many at a time, with headers by rule, checksums and a dry run.",
    help="Uploads the files that the globs pick from a folder to a bucket. See docs/tasks/s3-upload.md.",
    command=("s3", "upload"),
    inputs=S3UploadInputs,
    groups=GROUPS,
    outputs=(
        OutputVariable("filesUploaded", "How many files were uploaded."),
        OutputVariable("filesSkipped", "How many files were left out because they are unchanged."),
        OutputVariable("bytesUploaded", "How many bytes were uploaded."),
        OutputVariable("s3Prefix", "Where the files went, as s3://bucket/prefix."),
        OutputVariable(
            "listFile",
            "A file with one JSON object a line for each step: name, action, reason, size, error, version id.",
        ),
    ),
    actions=(
        IamAction("s3:PutObject", OBJECTS),
        IamAction("s3:AbortMultipartUpload", OBJECTS, "a file of more than 8 MB may fail half-way"),
        IamAction("s3:PutObjectAcl", OBJECTS, "filesAcl is not none"),
        IamAction("s3:PutObjectTagging", OBJECTS, "tags are given"),
        IamAction("s3:PutObjectRetention", OBJECTS, "objectLockMode is not none"),
        IamAction("s3:PutObjectLegalHold", OBJECTS, "objectLockLegalHold"),
        IamAction("s3:GetObject", OBJECTS, "skipUnchanged"),
        IamAction("s3:GetObjectTagging", OBJECTS, "skipUnchanged and tags"),
        IamAction("s3:GetObjectRetention", OBJECTS, "skipUnchanged, and objectLockMode is not none"),
        IamAction("s3:GetObjectLegalHold", OBJECTS, "skipUnchanged and objectLockLegalHold"),
        IamAction("s3:ListBucket", BUCKET, "skipUnchanged or createBucket"),
        IamAction("s3:CreateBucket", BUCKET, "createBucket"),
        IamAction("s3:PutBucketObjectLockConfiguration", BUCKET, "createBucket with Object Lock"),
        IamAction("s3:PutBucketVersioning", BUCKET, "createBucket with Object Lock"),
        IamAction("kms:GenerateDataKey", "{kms_key}", "the objects are encrypted with a KMS key of yours"),
        IamAction(
            "kms:Decrypt",
            "{kms_key}",
            "the objects are encrypted with a KMS key of yours, and skipUnchanged or files over 8 MB",
        ),
    ),
    services=("s3", "sts"),
    plan=plan,
    apply=apply,
)
