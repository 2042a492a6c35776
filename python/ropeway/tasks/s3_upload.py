"""S3Upload: files from the agent or the laptop become objects in a bucket."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from ropeway import inputs
from ropeway.aws.connection import ADVANCED, AWS_GROUPS
from ropeway.aws.session import Aws
from ropeway.errors import AccessDenied, BucketMissing
from ropeway.inputs import Group, NamedRule, Rule, Spelling
from ropeway.outcome import Done, Outcome, Output, Plan, Reason, Run, Step, counted, in_units
from ropeway.s3.compare import same_bytes
from ropeway.s3.engine import CustomerKey, Head, Headers, ObjectEngine, Put, Transfer
from ropeway.s3.engines import engine_for
from ropeway.s3.headers import HeaderMaker, HeaderRules
from ropeway.s3.inputs import (
    CANNED_ACLS,
    ENCRYPTION,
    STORAGE_CLASSES,
    S3Inputs,
    customer_key,
    customer_key_problems,
    nothing_matched,
)
from ropeway.s3.keys import keys_for, normal_prefix
from ropeway.s3.moving import move
from ropeway.s3.walk import LocalFile, pick_files
from ropeway.tasks.task import IamAction, OutputVariable, Task, introduce

HEADERS = Group("headers", "Headers, metadata and tags")


def _labels(values: tuple[str, ...], none: str) -> dict[str, str]:
    return {"none": none, **{value: value for value in values}}


def _metadata(name: str, value: str) -> None:
    if not name.isascii() or not all(c.isalnum() or c in "!#$%&'*+-.^_`|~" for c in name):
        raise ValueError(
            f"{name!r} cannot be the name of a metadata entry: it becomes an HTTP header (x-amz-meta-{name})."
        )
    if "\r" in value or "\n" in value:
        raise ValueError(f"the value of {name!r} holds a line break.")


def _tag(name: str, value: str) -> None:
    if len(name) > 128 or len(value) > 256:
        raise ValueError(f"the tag {name!r} is too long: a name has at most 128 characters, a value 256.")


@dataclass(frozen=True, kw_only=True)
class S3UploadInputs(S3Inputs):
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
        "The ACL of a skipped object is left as it is.",
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
        check=_metadata,
        group=HEADERS.name,
    )
    tags: tuple[NamedRule, ...] = inputs.named_rules(
        "Tags",
        "Lines of `glob=name=value`; every line that matches a file counts. An object has at most 10 tags.",
        check=_tag,
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
    key_management: str = inputs.choice(
        "Keys are managed by",
        "Who keeps the key that S3 encrypts with.",
        choices={"none": "The bucket's own setting", "awsManaged": "AWS", "customerManaged": "You (SSE-C)"},
        default="none",
        group=ENCRYPTION.name,
    )
    encryption_algorithm: str = inputs.choice(
        "Encryption",
        "With AWS-managed keys: SSE-KMS or SSE-S3.",
        choices={"KMS": "SSE-KMS (aws:kms)", "AES256": "SSE-S3 (AES256)"},
        default="KMS",
        group=ENCRYPTION.name,
        visible="keyManagement = awsManaged",
    )
    kms_master_key_id: str = inputs.text(
        "KMS key",
        "Id, ARN or alias of the KMS key. Empty: the account's aws/s3 key.",
        group=ENCRYPTION.name,
        visible="keyManagement = awsManaged && encryptionAlgorithm = KMS",
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
        yield from self._key_problems(spell)
        if any(part in {".", ".."} for part in self.target_folder.replace("\\", "/").split("/")):
            yield f"{spell('target_folder')} is {self.target_folder!r}: a key's prefix knows no . or .. folders."

    def _key_problems(self, spell: Spelling) -> Iterator[str]:
        yield from customer_key_problems(self, spell)
        if self.kms_master_key_id and (self.key_management, self.encryption_algorithm) != ("awsManaged", "KMS"):
            yield (
                f"{spell('kms_master_key_id')} is set, but that needs {spell('key_management')} awsManaged "
                f"and {spell('encryption_algorithm')} KMS."
            )


GROUPS = (HEADERS, ENCRYPTION, *AWS_GROUPS)


# --- the plan: what is read ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class UploadPlan(Plan[Transfer]):
    """The steps, and what applying them needs to know."""

    inputs: S3UploadInputs
    prefix: str
    create_bucket: bool


def plan(given: S3UploadInputs, aws: Aws, run: Run) -> UploadPlan:
    """Reads the source folder and asks the bucket. Everything that can be refused is refused here."""
    files = pick_files(given.source_folder or ".", given.glob_expressions, run.cancellation)
    warnings = () if files else nothing_matched(given, given.source_folder or "the working directory")
    prefix = normal_prefix(given.target_folder)
    puts = _puts(given, prefix, files)
    introduce(aws, run)
    engine = engine_for(aws, given)
    create = not _bucket_is_there(given, prefix, engine)
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
        Put(file.path, given.bucket_name, key, file.size, file.mtime_ns, maker.headers(file.relative))
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
    aws_managed = given.key_management == "awsManaged"
    return Headers(
        content_type=given.content_type,
        content_encoding=given.content_encoding,
        storage_class="" if given.storage_class == "STANDARD" else given.storage_class,
        acl="" if given.files_acl == "none" else given.files_acl,
        sse={"KMS": "aws:kms", "AES256": "AES256"}[given.encryption_algorithm] if aws_managed else "",
        kms_key_id=given.kms_master_key_id,
        customer_key=CustomerKey(customer_key(given.customer_key)) if given.customer_key else None,
    )


def _bucket_is_there(given: S3UploadInputs, prefix: str, engine: ObjectEngine) -> bool:
    """False only where `createBucket` will make it. An identity that may write but not list is welcome: the first PUT tells."""
    try:
        engine.probe(given.bucket_name, prefix)
    except AccessDenied:
        return True
    except BucketMissing as missing:
        if given.create_bucket:
            return False
        raise missing.advised("Check the name, or set createBucket to have it made.") from None
    return True


def _creation(given: S3UploadInputs, create: bool) -> Iterator[Step[Transfer]]:
    if create:
        yield Step("create", f"s3://{given.bucket_name}", Reason.NEW, 0)


def _not_compared(puts: Iterable[Put]) -> list[Step[Transfer]]:
    return [Step("upload", _address(put), Reason.NOT_COMPARED, put.size, put) for put in puts]


def _compared(given: S3UploadInputs, puts: list[Put], engine: ObjectEngine, run: Run) -> list[Step[Transfer]]:
    by_key = {put.key: put for put in puts}
    reasons: dict[str, Reason] = {}
    for key, head in engine.heads(
        given.bucket_name, list(by_key), _common_headers(given).customer_key, cancellation=run.cancellation
    ):
        run.cancellation.check()
        reasons[key] = _reason(by_key[key], head, engine)
    return [_step(put, reasons[put.key]) for put in puts]


def _step(put: Put, reason: Reason) -> Step[Transfer]:
    return Step("skip" if reason is Reason.UNCHANGED else "upload", _address(put), reason, put.size, put)


def _reason(put: Put, head: Head | None, engine: ObjectEngine) -> Reason:
    if head is None:
        return Reason.NEW
    if head.size != put.size or not same_bytes(put.path, head):
        return Reason.CONTENT
    return Reason.UNCHANGED if _same_headers(put, head, engine) else Reason.HEADERS


def _same_headers(put: Put, head: Head, engine: ObjectEngine) -> bool:
    """What is asked for against what is there. What S3 fills in by itself (the bucket's encryption) is not asked for.

    S3 tells a key's ARN, never the alias it was asked by: with an alias the headers always count as changed.
    """
    asked, there = put.headers, head.headers
    encrypted = not asked.sse or (asked.sse == there.sse and there.kms_key_id.endswith(asked.kms_key_id))
    return (
        encrypted
        and _comparable(asked) == _comparable(there)
        and asked.tags == (engine.tags(put.bucket, put.key) if asked.tags or head.tag_count else ())
    )


def _comparable(headers: Headers) -> Headers:
    return replace(
        headers,
        acl="",
        sse="",
        kms_key_id="",
        tags=(),
        storage_class=headers.storage_class or "STANDARD",
        customer_key=None,
    )


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
        engine.create_bucket(planned.inputs.bucket_name, aws.region)
        run.tell.note(f"Created the bucket {planned.inputs.bucket_name} in {aws.region}.")
    created = [Done(step) for step in planned.steps if step.action == "create"]
    steps = [step for step in planned.steps if step.action == "upload"]
    moved = move(engine, steps, "Uploading", run)
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


def _outputs(planned: UploadPlan, uploaded: list[Step[Transfer]]) -> tuple[Output, ...]:
    skipped = sum(1 for step in planned.steps if step.action == "skip")
    return (
        Output("filesUploaded", str(len(uploaded))),
        Output("filesSkipped", str(skipped)),
        Output("bytesUploaded", str(sum(step.size for step in uploaded))),
        Output("s3Prefix", _target(planned.inputs, planned.prefix)),
    )


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
            "listFile", "A file with one JSON object a line for each step: name, action, reason, size, error."
        ),
    ),
    actions=(
        IamAction("s3:PutObject", "arn:{partition}:s3:::{bucket}/{prefix}*"),
        IamAction(
            "s3:AbortMultipartUpload",
            "arn:{partition}:s3:::{bucket}/{prefix}*",
            "a file of more than 8 MB may fail half-way",
        ),
        IamAction("s3:PutObjectAcl", "arn:{partition}:s3:::{bucket}/{prefix}*", "filesAcl is not none"),
        IamAction("s3:PutObjectTagging", "arn:{partition}:s3:::{bucket}/{prefix}*", "tags are given"),
        IamAction("s3:GetObject", "arn:{partition}:s3:::{bucket}/{prefix}*", "skipUnchanged"),
        IamAction("s3:GetObjectTagging", "arn:{partition}:s3:::{bucket}/{prefix}*", "skipUnchanged and tags"),
        IamAction(
            "s3:ListBucket",
            "arn:{partition}:s3:::{bucket}",
            "skipUnchanged; and to be told of a missing bucket before the first file",
        ),
        IamAction("s3:CreateBucket", "arn:{partition}:s3:::{bucket}", "createBucket"),
        IamAction("kms:GenerateDataKey", "the KMS key", "the objects are encrypted with a KMS key of yours"),
        IamAction(
            "kms:Decrypt",
            "the KMS key",
            "the objects are encrypted with a KMS key of yours, and skipUnchanged or files over 8 MB",
        ),
    ),
    services=("s3", "sts"),
    plan=plan,
    apply=apply,
)
