"""What botocore raises, put into our errors: AWS's answers by `aws.refusals`, its silence by `aws.silence`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError
from urllib3.exceptions import HTTPError

from ropeway.aws.refusals import Answer, Asked, phrase
from ropeway.aws.silence import silence
from ropeway.errors import RopewayError

FOREIGN = (BotoCoreError, ClientError, ResponseParserError, HTTPError)
"""What botocore raises, streamed bodies included."""


@contextmanager
def asking(
    doing: str, *, action: str | tuple[str, ...] = "", bucket: str = "", bucket_owner: str = "", region: str = ""
) -> Iterator[None]:
    """Whatever botocore raises inside becomes one of our errors.

    `doing` reads on from "Could not"; `action` is the IAM action that it needs ("s3:PutObject"), or all of them; `bucket_owner`
    the account that was asked for; `region` is the one asked.
    """
    try:
        yield
    except FOREIGN as error:
        raise put_into_words(
            error, doing, action=action, bucket=bucket, bucket_owner=bucket_owner, region=region
        ) from error


def put_into_words(
    error: Exception,
    doing: str,
    *,
    action: str | tuple[str, ...] = "",
    bucket: str = "",
    bucket_owner: str = "",
    region: str = "",
) -> RopewayError:
    """The same for code that cannot use a with-block. An error that is ours already comes back as it is."""
    if isinstance(error, RopewayError):
        return error
    if isinstance(error, ClientError):
        actions = tuple(action.split()) if isinstance(action, str) else action
        return _answer(error, Asked(doing, actions, bucket, bucket_owner, region)).told()
    return silence(error, doing)


def _answer(error: ClientError, asked: Asked) -> Answer:
    details: Mapping[str, Any] = error.response.get("Error", {})
    meta: Mapping[str, Any] = error.response.get("ResponseMetadata", {})
    headers: Mapping[str, str] = meta.get("HTTPHeaders", {})
    status = int(meta.get("HTTPStatusCode", 0))
    return Answer(
        **vars(asked),
        operation=error.operation_name,
        code=str(details.get("Code") or status),
        words=str(details.get("Message") or phrase(status)),
        status=status,
        request_id=str(meta.get("RequestId") or headers.get("x-amz-request-id", "")),
        retries=int(meta.get("RetryAttempts", 0)),
        error=details,
        headers=headers,
    )
