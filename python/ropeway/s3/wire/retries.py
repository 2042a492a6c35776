"""When a request is sent again: AWS's standard mode (AWS SDKs and Tools reference, "Retry behavior")."""

from __future__ import annotations

import random
import threading
from collections.abc import Mapping

from ropeway.wire.failures import Failure, NoAnswerInTime, NoConnectionInTime, ProxyRefused, Untrusted
from ropeway.wire.waiting import retry_after

STATUSES = {429, 500, 502, 503, 504}
TOO_MUCH = {429, 503}
"""S3 says 503 (SlowDown); other stores, and gateways before them, say 429 (RFC 6585, section 4)."""
PASSING = {"RequestTimeout", "RequestTimeoutException", "InternalError", "ServiceUnavailable"}
THROTTLED = {
    "Throttling", "ThrottlingException", "ThrottledException", "RequestThrottledException", "TooManyRequestsException",
    "ProvisionedThroughputExceededException", "TransactionInProgressException", "RequestLimitExceeded", "BandwidthLimitExceeded",
    "LimitExceededException", "RequestThrottled", "SlowDown", "PriorRequestNotComplete", "EC2ThrottledException",
}  # fmt: skip
LONGEST = 20.0
"""Seconds between two attempts at most."""
CAPACITY, COST, COST_OF_SILENCE = 500, 5, 10
"""Tokens there are, and what a retry takes of them: many failures at once are not made worse by as many retries."""


class Tokens:
    """Shared by all requests of an engine. From any thread."""

    def __init__(self) -> None:
        self._left = CAPACITY
        self._lock = threading.Lock()

    def take(self, cost: int) -> bool:
        with self._lock:
            if cost > self._left:
                return False
            self._left -= cost
            return True

    def give_back(self, cost: int) -> None:
        """After a success: what the last retry cost, else one."""
        if self._left < CAPACITY:
            with self._lock:
                self._left = min(CAPACITY, self._left + (cost or 1))


def pause(attempt: int, headers: Mapping[str, str]) -> float:
    """Seconds before the attempt after this one: full jitter, and no less than the server asks for."""
    return max(retry_after(headers, LONGEST), random.random() * min(2.0 ** (attempt - 1), LONGEST))  # noqa: S311 - no secret


def helps(failure: Failure) -> bool:
    """Not where it will be the same the next time: a certificate that does not fit, a proxy that says no."""
    if isinstance(failure, ProxyRefused):
        return failure.status not in {403, 407}
    return not isinstance(failure, Untrusted) or _is_damage(failure)


def _is_damage(failure: Untrusted) -> bool:
    """Whether bytes were changed on the way, as this side says or the other (an alert): TLS has found it, and a new connection may carry them whole."""
    return "BAD_RECORD_MAC" in (getattr(failure.why, "reason", None) or "")


def cost_of(failure: Failure) -> int:
    return COST_OF_SILENCE if isinstance(failure, (NoAnswerInTime, NoConnectionInTime)) else COST
