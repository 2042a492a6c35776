"""The line to SSM: each call once, in our words; what may be asked again is told apart from what may not."""

from __future__ import annotations

from typing import Any

from ropeway.aws.session import Aws
from ropeway.errors import AwsError, NetworkError, RopewayError, TlsError

CONNECT_TIMEOUT, READ_TIMEOUT = 3, 5
HURRY = 2
"""Seconds. Somebody who cancels a task waits no ten; HURRY is for what is asked after that."""

THROTTLED = {
    "ThrottlingException",
    "Throttling",
    "ThrottledException",
    "TooManyRequestsException",
    "RequestLimitExceeded",
    "RequestThrottled",
    "LimitExceededException",
    "SlowDown",
}
"""Codes of what was surely not done. (botocore's retry rules name them.)"""

BROKEN = {"InternalServerError", "InternalServerException", "InternalFailure", "InternalError", "ServiceUnavailable", "500", "502", "503", "504"}  # fmt: skip
"""Codes of what may have been done."""


class Line:
    """Makes each request once: who asks again, and how soon, is decided where it is known what that may do twice.

    `request_ids` are those of all answers that said yes.
    """

    def __init__(self, aws: Aws, *, hurry: bool = False) -> None:
        self._aws = aws
        self._times = (HURRY, HURRY) if hurry else (CONNECT_TIMEOUT, READ_TIMEOUT)
        self.request_ids: list[str] = []
        self.calls = 0

    def ask(self, method: str, *, doing: str, action: str, **arguments: Any) -> dict[str, Any]:
        """SSM's answer. Raises AwsError, AccessDenied (which names the action), NetworkError, CredentialsError."""
        from ropeway.aws.answers import asking  # noqa: PLC0415 - botocore, which whoever only plans need not wait for

        client = self.client()
        self.calls += 1
        with asking(doing, action=action, region=self._aws.region):
            answer: dict[str, Any] = getattr(client, method)(**arguments)
        if request_id := answer.get("ResponseMetadata", {}).get("RequestId"):
            self.request_ids.append(request_id)
        return answer

    def client(self) -> Any:
        connect, read = self._times
        return self._aws.client(
            "ssm",
            connect_timeout=connect,
            read_timeout=read,
            retries={"mode": "standard", "total_max_attempts": 1},
        )


def is_throttled(error: RopewayError) -> bool:
    return isinstance(error, AwsError) and error.code in THROTTLED


def may_pass(error: RopewayError) -> bool:
    """Whether asking again may help."""
    if isinstance(error, TlsError):
        return False
    return isinstance(error, NetworkError) or (isinstance(error, AwsError) and error.code in THROTTLED | BROKEN)


def is_in_doubt(error: RopewayError) -> bool:
    """Whether nobody knows if AWS did what was asked: the answer was lost, and not already the way to AWS."""
    from botocore.exceptions import (  # noqa: PLC0415 - it is there by now: something was asked
        ConnectTimeoutError,
        EndpointConnectionError,
        ProxyConnectionError,
    )

    never_connected = isinstance(error.__cause__, ConnectTimeoutError | EndpointConnectionError | ProxyConnectionError)
    return may_pass(error) and not is_throttled(error) and not never_connected
