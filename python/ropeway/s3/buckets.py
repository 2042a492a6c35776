"""The bucket that work goes to: whether it is there, and making it."""

from __future__ import annotations

import re

from ropeway.aws.session import Aws
from ropeway.errors import AccessDenied, BucketMissing, InputError
from ropeway.outcome import Cancellation, Run
from ropeway.s3.engine import ObjectEngine

PAUSES = (0.2, 0.5, 1.0, 2.0, 4.0, 8.0)
"""Seconds between looks at a bucket that was just made: it may take some until all of S3 knows it."""

NAME = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
TAKEN_STARTS = ("xn--", "sthree-", "amzn-s3-demo-")
TAKEN_ENDS = ("-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3")


def is_there(engine: ObjectEngine, bucket: str, prefix: str, *, may_make: bool, cancellation: Cancellation) -> bool:
    """False only where there is none and it may be made. An identity that may write but not list is welcome: the first PUT tells.

    Raises BucketMissing, and InputError for what cannot be made under this name.
    """
    try:
        engine.probe(bucket, prefix, cancellation=cancellation)
    except AccessDenied:
        return True
    except BucketMissing as missing:
        if not may_make:
            raise missing.advised("Check the name, or set createBucket to have it made.") from None
        if wrong := name_problem(bucket):
            raise InputError(
                [f"bucketName is {bucket!r}, and no such bucket is there; none can be made, as {wrong}"]
            ) from missing
        return False
    return True


def name_problem(name: str) -> str:
    """Why S3 makes no bucket of this name; empty when it does (S3 user guide, "General purpose bucket naming rules").

    Buckets that are there may break them: they are older than the rules, or the name is an access point's.
    """
    if name.startswith("arn:"):
        return "an ARN names an access point: make its bucket first."
    if not NAME.fullmatch(name):
        return "a bucket's name has 3 to 63 characters: lower-case letters, digits, hyphens and dots, a letter or a digit at either end."
    if ".." in name or re.fullmatch(r"\d+\.\d+\.\d+\.\d+", name):
        return "a bucket's name has no two dots side by side, and is no IP address."
    if taken := [f"{start}…" for start in TAKEN_STARTS if name.startswith(start)]:
        return f"S3 keeps names like {taken[0]} for itself."
    if taken := [f"…{end}" for end in TAKEN_ENDS if name.endswith(end)]:
        return f"S3 keeps names like {taken[0]} for itself."
    return ""


def make(engine: ObjectEngine, bucket: str, region: str, run: Run, *, object_lock: bool) -> None:
    """Returns when the bucket can be used, as far as the identity may see that. Raises BucketMissing when it never appears."""
    run.cancellation.check()
    engine.create_bucket(bucket, region, object_lock=object_lock, cancellation=run.cancellation)
    run.tell.note(f"Created the bucket {bucket} in {region}.")
    for pause in (*PAUSES, None):
        try:
            engine.probe(bucket, "", cancellation=run.cancellation)
        except AccessDenied:
            return
        except BucketMissing:
            if pause is None:
                raise
            run.cancellation.wait(pause)
        else:
            return


def keeps_versions(aws: Aws, bucket: str, owner: str = "") -> bool:
    """Whether the bucket keeps versions now (S3 API reference, GetBucketVersioning). `owner` is the account it must belong to, if any.

    Raises what AWS answers.
    """
    from ropeway.aws.answers import asking  # noqa: PLC0415 - botocore costs half a second cold: only who asks pays

    client, whose = aws.client("s3"), {"ExpectedBucketOwner": owner} if owner else {}
    with asking(
        f"see whether s3://{bucket} keeps versions",
        action="s3:GetBucketVersioning",
        bucket=bucket,
        bucket_owner=owner,
        region=aws.region,
    ):
        return bool(client.get_bucket_versioning(Bucket=bucket, **whose).get("Status") == "Enabled")
