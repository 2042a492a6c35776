"""The inputs that the S3 tasks share, and the values S3 knows (a test compares them with botocore's service model)."""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

from ropeway import inputs
from ropeway.aws.connection import ADVANCED, AwsInputs, is_account_id
from ropeway.errors import NothingMatched
from ropeway.inputs import Group, Spelling
from ropeway.outcome import Run, listing
from ropeway.s3.globs import idle, takes_in
from ropeway.s3.shards import shard_problem

ENCRYPTION = Group("encryption", "Server-side encryption")

CANNED_ACLS = (
    "private", "public-read", "public-read-write", "authenticated-read", "aws-exec-read", "bucket-owner-read",
    "bucket-owner-full-control",
)  # fmt: skip
STORAGE_CLASSES = (
    "STANDARD", "REDUCED_REDUNDANCY", "STANDARD_IA", "ONEZONE_IA", "INTELLIGENT_TIERING", "GLACIER", "DEEP_ARCHIVE", "OUTPOSTS",
    "GLACIER_IR", "SNOW", "EXPRESS_ONEZONE", "FSX_OPENZFS", "FSX_ONTAP", "AWS_BACKUP_WARM", "AWS_BACKUP_LOW_COST_WARM",
)  # fmt: skip

NO_MATCH = {"error": "Fail", "warn": "Warn and go on", "ignore": "Go on"}


@dataclass(frozen=True, kw_only=True)
class BucketInputs(AwsInputs):
    """The inputs of whatever works on a bucket: which one, and how its objects are moved."""

    bucket_name: str = inputs.text(
        "Bucket",
        "The name of the bucket, or the ARN of an access point.",
        required=True,
        metavar="BUCKET",
    )
    max_concurrency: int = inputs.number(
        "Transfers at once",
        "How many requests are in flight at the same time, at most. Ropeway's own engine finds out by itself how many pay off; boto3 takes no "
        "more than 32.",
        default=256,
        at_least=1,
        at_most=512,
        group=ADVANCED.name,
    )
    transfer_engine: str = inputs.choice(
        "Transfer engine",
        "What moves the objects. `auto` takes Ropeway's own engine, and boto3 where that does not apply (docs/engine.md); the result says "
        "which it was.",
        choices={"auto": "Choose", "wire": "Ropeway's own", "boto3": "boto3"},
        default="auto",
        group=ADVANCED.name,
    )
    expected_bucket_owner: str = inputs.text(
        "Account of the bucket",
        "The id of the account (12 digits) that the bucket must belong to; every request to a bucket of another one is refused by S3. "
        "Empty: anybody's.",
        group=ADVANCED.name,
        metavar="ACCOUNT",
    )
    requester_pays: bool = inputs.flag(
        "Requester pays",
        "Agree to pay for the requests and the transfer, which buckets that are set to *requester pays* demand.",
        group=ADVANCED.name,
    )

    def problems(self, spell: Spelling) -> Iterator[str]:
        yield from super().problems(spell)
        if wrong := bucket_problem(self.bucket_name):
            yield f"{spell('bucket_name')} {wrong}"
        if self.expected_bucket_owner and not is_account_id(self.expected_bucket_owner):
            yield f"{spell('expected_bucket_owner')} is {self.expected_bucket_owner!r}, which is no account id (12 digits)."


@dataclass(frozen=True, kw_only=True)
class S3Inputs(BucketInputs):
    """The inputs of the S3 tasks that move files and delete none."""

    glob_expressions: tuple[str, ...] = inputs.lines(
        "Files",
        "Which files, one glob a line, by Azure Pipelines' rules: `*`, `**`, `?`, `[a-z]`; `!` at the beginning takes files out again; "
        "`#` begins a comment; the order of the lines counts.",
        default="**",
        never_blank=True,
        metavar="GLOB",
    )
    flatten_folders: bool = inputs.flag(
        "Flatten folders",
        "Leave the folders out of the names. Two files that would get the same name are an error before anything is written.",
        group=ADVANCED.name,
    )
    no_match: str = inputs.choice(
        "When no file matches",
        "What to do when the globs match nothing.",
        choices=NO_MATCH,
        default="error",
        group=ADVANCED.name,
    )
    delete_extra: bool = inputs.flag(
        "Delete what is gone",
        "Not for this task, which deletes nothing: when it is set, the task refuses to begin. S3Deploy deletes from a bucket what is "
        "gone from the source.",
        group=ADVANCED.name,
    )

    shard: str = inputs.text(
        "Part",
        "Share the files among parallel jobs: this one moves the part `2/5`, or with `auto` the one of its place among the jobs of "
        "`strategy: parallel`. Each file belongs to one part, by its name. Empty: all files.",
        group=ADVANCED.name,
        metavar="PART",
    )

    def problems(self, spell: Spelling) -> Iterator[str]:
        yield from super().problems(spell)
        if wrong := shard_problem(self.shard):
            yield f"{spell('shard')} {wrong}"
        if wrong := globs_problem(self.glob_expressions):
            yield f"{spell('glob_expressions')} {wrong}"
        if self.delete_extra:
            yield (
                f"{spell('delete_extra')} is set, but uploads and downloads delete nothing. S3Deploy brings a folder to a bucket "
                "and deletes there what is gone from the folder. To download into an empty folder, empty it in a step before."
            )


def globs_problem(globs: Iterable[str]) -> str:
    """Why these pick nothing, whatever is there; empty when they may pick something."""
    if any(map(takes_in, globs)):
        return ""
    return "only takes files out: add a line such as ** that takes some in."


def bucket_problem(name: str) -> str:
    """Why this cannot be a bucket's name or an access point's ARN; empty when it can (S3 user guide, bucket naming rules)."""
    if name.startswith("arn:"):
        return _arn_problem(name)
    if name.startswith("s3://"):
        return f"is {name!r}: write the bucket's name alone, without s3://."
    allowed = set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_")
    if not 3 <= len(name) <= 255 or not set(name) <= allowed:
        return f"is {name!r}, which is no bucket's name: 3 to 63 letters, digits, dots and hyphens."
    return ""


ACCESS_POINT = re.compile(
    r"arn:[a-z-]+:(?:(?:s3|s3-object-lambda):([a-z0-9-]*):\d{12}|s3-outposts:([a-z0-9-]+):\d{12}:outpost[/:][a-zA-Z0-9-]+)"
    r"[/:]accesspoint[/:][a-zA-Z0-9.-]{1,63}"
)
"""As botocore takes them (its validate_bucket_name)."""


def _arn_problem(arn: str) -> str:
    found = ACCESS_POINT.fullmatch(arn)
    if not found:
        return f"is {arn!r}: of ARNs only access points' are taken."
    if not (found[1] or found[2]):
        return (
            f"is {arn!r}: requests to a multi-region access point need signatures (SigV4A) that Ropeway cannot make. Name the bucket, "
            "or an access point of one region."
        )
    return ""


def customer_key(text: str) -> bytes:
    """The 32 bytes of a 256-bit SSE-C key written as 64 hex digits, as the Toolkit takes it. Raises ValueError without showing it."""
    try:
        key = binascii.unhexlify(text)
    except (binascii.Error, ValueError):
        raise ValueError("is not written in hex digits.") from None
    if len(key) != 32:
        raise ValueError(f"holds {len(key) * 8} bits; SSE-C takes 256 (64 hex digits).")
    return key


class WithCustomerKey(Protocol):
    """The inputs of a task that takes an SSE-C key."""

    @property
    def key_management(self) -> str: ...
    @property
    def customer_key(self) -> str: ...
    @property
    def endpoint_url(self) -> str: ...


def customer_key_problems(given: WithCustomerKey, spell: Spelling) -> Iterator[str]:
    """What is wrong with the SSE-C inputs taken together."""
    managed = spell("key_management")
    key = spell("customer_key")
    if given.key_management != "customerManaged":
        if given.customer_key:
            yield f"{key} is set, but {managed} is {given.key_management}, not customerManaged."
        return
    if not given.customer_key:
        yield f"{key} is required when {managed} is customerManaged."
        return
    if given.endpoint_url.startswith("http://"):
        yield f"{key} would travel in the clear: {spell('endpoint_url')} is not https."
    try:
        customer_key(given.customer_key)
    except ValueError as wrong:
        yield f"{key} {wrong}"


def tell_idle(globs: Iterable[str], names: Iterable[str], run: Run, *, root: str = "") -> None:
    """Which lines picked nothing, where others did: half a release looks whole. No warning: what a line is for may be there at times."""
    if unmet := idle(globs, names, root=root):
        run.tell.note(f"Globs that match nothing: {listing(unmet)}.")


def nothing_matched(given: S3Inputs, where: str) -> tuple[str, ...]:
    """What `noMatch` makes of an empty pick: the warnings to go on with. Raises NothingMatched."""
    what = "object" if where.startswith("s3://") else "file"
    message = f"No {what} matches in {where}: {', '.join(given.glob_expressions)}."
    if given.no_match == "error":
        raise NothingMatched(message, advice="Check the folder and the globs, or set noMatch to warn or ignore.")
    return (message,) if given.no_match == "warn" else ()
