"""Making a bucket."""

from __future__ import annotations

from ropeway.errors import AwsError
from ropeway.s3.jobs.hands import Hands

BUSY = (0.5, 1.0, 2.0)
"""Seconds to wait while somebody else makes the bucket (another stage of the same pipeline): S3 answers OperationAborted to all but one."""


async def create_bucket(hands: Hands, bucket: str, region: str, *, object_lock: bool) -> None:
    for pause in (*BUSY, None):
        try:
            return await hands.create_bucket(bucket, region, object_lock=object_lock)
        except AwsError as error:
            if error.code == "BucketAlreadyOwnedByYou":
                return None
            if error.code != "OperationAborted" or pause is None:
                raise
        await hands.sleep(pause)
    return None
