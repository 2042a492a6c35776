"""An object is in its bucket, with the headers that it should have."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any

from ropeway.aws.policy import IamAction
from ropeway.checks import settings
from ropeway.checks.asking import Asking
from ropeway.checks.finding import Finding, failed, judged, passed, together, unasked
from ropeway.checks.kind import Kind
from ropeway.checks.rules import TextRule, judged_text
from ropeway.checks.settings import Settings
from ropeway.checks.words import lasting, some_text
from ropeway.errors import AwsError
from ropeway.outcome import duration, in_units

READ = "s3:GetObject s3:ListBucket"
"""The second one to be told that there is no such object: without it, S3 answers 403 (HeadObject, "Permissions")."""

READ_VERSION = "s3:GetObjectVersion s3:ListBucket"
OBJECTS = "arn:{partition}:s3:::{bucket}/{prefix}*"


def s3_address(given: str) -> tuple[str, str]:
    """Bucket (or the ARN of an access point) and key. Raises ValueError, worded to follow the name of a setting."""
    found = re.fullmatch(r"s3://(arn:[^/]+[:/]accesspoint/[^/]+|[^/]+)/(.+)", given, re.DOTALL)
    if not found:
        raise ValueError(f"is {given!r}; write it as s3://bucket/path/of/the/object.")
    return found[1], found[2]


def digest(given: str) -> bytes:
    """Hexadecimal digits, or base64 as S3 writes it. Raises ValueError, worded to follow the name of a setting."""
    try:
        found = bytes.fromhex(given) if len(given) == 64 else base64.b64decode(given, validate=True)
    except (ValueError, binascii.Error):
        found = b""
    if len(found) != 32:
        raise ValueError(f"is {given!r}, which is no SHA-256: 64 hexadecimal digits, or base64.")
    return found


@dataclass(frozen=True, kw_only=True)
class S3ObjectSettings(Settings):
    object: tuple[str, ...] = settings.texts(
        "The object, as `s3://bucket/key`. Several: each is a test of its own.", required=True, check=s3_address
    )
    absent: bool = settings.flag("`true`: there must be no such object.")
    version: str = settings.text("The version id of the object. Empty: the current version.", check=some_text)
    size: int | None = settings.size("Its size.")
    min_size: int | None = settings.size("Its size at least.")
    max_size: int | None = settings.size("Its size at most.")
    headers: dict[str, TextRule] = settings.by_name(
        settings.short_form(TextRule, "equals"),
        "Headers that S3 answers with, each with its text, or with rules for it: `content-type`, `cache-control`, `content-encoding`, "
        "`x-amz-website-redirect-location`, `x-amz-storage-class` (absent: STANDARD), `x-amz-server-side-encryption`.",
    )
    metadata: dict[str, TextRule] = settings.by_name(
        settings.short_form(TextRule, "equals"),
        "Its own metadata (x-amz-meta-...), each with its text, or with rules for it.",
    )
    sha256: bytes | None = settings.parsed(
        "The SHA-256 of all of it, which S3 keeps of objects that were uploaded with that checksum.",
        word="text",
        read=digest,
    )
    min_age: float | None = settings.duration("How long ago it was written, at least; by AWS's clock.")
    max_age: float | None = settings.duration("How long ago it was written, at most; by AWS's clock.")
    region: str = settings.text("The region of the bucket, where it is another one.")

    def problems(self) -> Iterator[str]:
        expected = [
            item.name
            for item in settings.named(type(self))
            if item.field not in {"object", "absent", "version", "region"}
            and getattr(self, item.field) not in (None, {})
        ]
        if self.absent and expected:
            yield f"absent stands alone, but there is {expected[0]}, too."


def ask(given: S3ObjectSettings, asking: Asking) -> Finding:
    bucket, key = s3_address(asking.target)
    try:
        found = _head(given, asking, bucket, key)
    except AwsError as error:
        if error.code not in {"404", "NoSuchKey", "NoSuchVersion", "405", "MethodNotAllowed"}:
            raise
        _look_for_bucket(given, asking, bucket)
        return judged(given.absent, "no object" if given.absent else "an object", _why_none(error), advice=_NONE)
    told = f"one of {in_units(found['ContentLength'])}, {found.get('ContentType', 'no content-type')}"
    if given.absent:
        return failed("no object", told, advice=_THERE)
    return together(passed("an object", told), *_questions(given, found, asking))


def _head(given: S3ObjectSettings, asking: Asking, bucket: str, key: str) -> dict[str, Any]:
    more = {"VersionId": given.version} if given.version else {}
    if given.sha256:
        more["ChecksumMode"] = "ENABLED"
    return asking.call(
        "s3",
        "head_object",
        doing=f"look at s3://{bucket}/{key}",
        action=READ_VERSION if given.version else READ,
        region=given.region,
        Bucket=bucket,
        Key=key,
        **more,
    )


def _look_for_bucket(given: S3ObjectSettings, asking: Asking, bucket: str) -> None:
    """HEAD has no words: it may be the bucket that is not there. Raises BucketMissing, which is no absent object."""
    doing = f"look for the bucket {bucket}"
    asking.call("s3", "head_bucket", doing=doing, action="s3:ListBucket", region=given.region, Bucket=bucket)


def _why_none(error: AwsError) -> str:
    return "no object" if error.code in {"404", "NoSuchKey", "NoSuchVersion"} else "a delete marker"


def _questions(given: S3ObjectSettings, found: dict[str, Any], asking: Asking) -> Iterator[Finding]:
    yield from _of_size(given, found["ContentLength"])
    headers = found["ResponseMetadata"]["HTTPHeaders"]
    for name, rule in given.headers.items():
        yield judged_text(rule, f"header {name}", headers.get(name.lower()), asking, advice=_HEADERS)
    for name, rule in given.metadata.items():
        yield judged_text(rule, f"metadata {name}", found["Metadata"].get(name.lower()), asking, advice=_HEADERS)
    if given.sha256:
        yield _judged_digest(given.sha256, found)
    yield from _of_age(given, found)


def _of_size(given: S3ObjectSettings, size: int) -> Iterator[Finding]:
    got = f"{size:,} bytes"
    if given.size is not None:
        yield judged(size == given.size, f"{given.size:,} bytes", got, advice=_OTHER)
    if given.min_size is not None:
        yield judged(size >= given.min_size, f"{given.min_size:,} bytes or more", got, advice=_OTHER)
    if given.max_size is not None:
        yield judged(size <= given.max_size, f"{given.max_size:,} bytes or less", got, advice=_OTHER)


def _judged_digest(wanted: bytes, found: dict[str, Any]) -> Finding:
    expected, kept = f"SHA-256 {wanted.hex()}", found.get("ChecksumSHA256", "")
    if not kept:
        return unasked(expected, "no SHA-256 that S3 keeps of it", advice=_UNKEPT)
    if found.get("ChecksumType") == "COMPOSITE" or "-" in kept:
        return unasked(expected, "a SHA-256 of its parts, not of all of it", advice=_UNKEPT)
    got = base64.b64decode(kept)
    return judged(got == wanted, expected, f"SHA-256 {got.hex()}", advice=_OTHER)


def _of_age(given: S3ObjectSettings, found: dict[str, Any]) -> Iterator[Finding]:
    now = parsedate_to_datetime(found["ResponseMetadata"]["HTTPHeaders"]["date"])
    age = max((now - found["LastModified"]).total_seconds(), 0)
    got = f"written {duration(age)} ago ({found['LastModified']:%Y-%m-%d %H:%M:%S} UTC)"
    if given.min_age is not None:
        yield judged(age >= given.min_age, f"written {lasting(given.min_age)} ago or earlier", got)
    if given.max_age is not None:
        yield judged(age <= given.max_age, f"written within {lasting(given.max_age)}", got, advice=_OLD)


_NONE = (
    "See whether the deploy uploaded it, and under this very key: upper and lower case count, and so does every slash."
)
_THERE = "Delete it; or it came back with this deploy."
_HEADERS = "Headers and metadata are set when an object is uploaded: upload it again with the right ones."
_OTHER = "Another file lies there: see which build uploaded it last."
_UNKEPT = "Upload it with the checksum SHA256, or ask for the body over HTTP (the kind http, body.sha256)."
_OLD = "This deploy did not write it: see whether it was left out as unchanged."

KIND = Kind(
    name="s3-object",
    title="S3 object",
    help="An object is in its bucket, with the size, headers, metadata and checksum that it should have. Nothing is downloaded.",
    settings=S3ObjectSettings,
    subject=lambda given, target: f"{target} is {'not ' if given.absent else ''}there",
    targets=lambda given: given.object,
    ask=ask,
    actions=(
        IamAction("s3:GetObject", OBJECTS),
        IamAction("s3:GetObjectVersion", OBJECTS, "for `version`"),
        IamAction("s3:ListBucket", "arn:{partition}:s3:::{bucket}"),
    ),
    services=("s3",),
    example="""
object: s3://my-bucket/index.html
headers: {content-type: text/html; charset=utf-8, cache-control: {contains: no-cache}}
maxAge: 1h
""",
)
