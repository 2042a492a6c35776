"""Deleting: the requests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from botocore.exceptions import ClientError

from ropeway.aws.answers import put_into_words
from ropeway.errors import RopewayError
from ropeway.s3 import actions
from ropeway.s3.answered import check_deleted, check_gone
from ropeway.s3.boto.line import Line
from ropeway.s3.boto.parameters import of_location
from ropeway.s3.engine import CONCERN_ALL
from ropeway.s3.jobs.delete import doing, refused


def delete_many(line: Line, bucket: str, keys: Sequence[str]) -> dict[str, RopewayError]:
    with line.asking(doing(bucket, keys), actions.DELETE, bucket):
        answer = line.client.delete_objects(
            Bucket=bucket, Delete={"Objects": [{"Key": key} for key in keys], "Quiet": True}
        )
        check_deleted(answer, doing(bucket, keys))
    return refused(answer.get("Errors", ()), bucket, keys, partial(_told, line, bucket, answer))


def _told(line: Line, bucket: str, answer: Mapping[str, Any], error: Mapping[str, Any], doing: str) -> RopewayError:
    said = ClientError({"Error": dict(error), "ResponseMetadata": answer["ResponseMetadata"]}, "DeleteObjects")  # type: ignore[typeddict-item]
    return put_into_words(
        said,
        doing,
        action=actions.DELETE,
        bucket=bucket,
        bucket_owner=line.terms.bucket_owner,
        region=line.client.meta.region_name,
    )


def delete_one(line: Line, bucket: str, key: str) -> RopewayError | None:
    try:
        with line.asking(f"delete s3://{bucket}/{key}", actions.DELETE, bucket):
            answer = line.client.delete_object(**of_location(bucket, key))
            check_gone(answer, f"delete s3://{bucket}/{key}")
    except CONCERN_ALL:
        raise
    except RopewayError as error:
        return error
    return None
