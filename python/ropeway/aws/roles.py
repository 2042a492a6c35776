"""A role's session: STS is asked for it, and again before it ends, for as long as a task runs."""

from __future__ import annotations

import datetime as dt
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from email.utils import parsedate_to_datetime
from typing import Any

from botocore import UNSIGNED
from botocore.config import Config
from botocore.credentials import Credentials, RefreshableCredentials
from botocore.session import Session

from ropeway.aws.connection import Connection
from ropeway.errors import CredentialsError

SESSION_NAME = "ropeway"

SELDOM = 60.0
"""Seconds until an early renewal that failed is tried again: botocore would try with every request."""

ASIDE = "ropeway-renewal"
"""The thread of an early renewal."""

Ask = Callable[[], Mapping[str, Any]]
"""Asks STS for a session of a role, and answers what it answered. Raises RopewayError."""


def by_keys(session: Session, given: Connection, source: Credentials) -> Mapping[str, Any]:
    """AssumeRole, signed by `source`."""
    keys = source.get_frozen_credentials()
    sts: Any = session.create_client(
        "sts",
        aws_access_key_id=keys.access_key,
        aws_secret_access_key=keys.secret_key,
        aws_session_token=keys.token,
    )
    external_id = {"ExternalId": given.external_id} if given.external_id else {}
    answer: Mapping[str, Any] = sts.assume_role(**_asked(given), **external_id)
    return answer


def by_token(session: Session, given: Connection, token: str) -> Mapping[str, Any]:
    """AssumeRoleWithWebIdentity, which nobody signs."""
    sts: Any = session.create_client("sts", config=Config(signature_version=UNSIGNED))
    answer: Mapping[str, Any] = sts.assume_role_with_web_identity(**_asked(given), WebIdentityToken=token)
    return answer


def _asked(given: Connection) -> dict[str, Any]:
    return {
        "RoleArn": given.role_arn,
        "RoleSessionName": given.role_session_name or SESSION_NAME,
        "DurationSeconds": given.duration_seconds,
    }


class Lasting(RefreshableCredentials):
    """Who asks waits for a renewal only where there has to be one. An early one is made aside, for requests are signed on a loop that carries
    all others: an STS that hangs would hold up a whole transfer whose keys are still good.
    """

    _aside: threading.Thread | None = None
    _not_before = 0.0

    def _refresh(self) -> None:
        if self.refresh_needed(self._mandatory_refresh_timeout):  # type: ignore[attr-defined]
            super()._refresh()  # type: ignore[misc]
        elif self.refresh_needed() and time.monotonic() >= self._not_before and not self._is_under_way():
            self._aside = threading.Thread(target=self._renew_early, name=ASIDE, daemon=True)
            self._aside.start()

    def _is_under_way(self) -> bool:
        return self._aside is not None and self._aside.is_alive()

    def _renew_early(self) -> None:
        with suppress(Exception):  # whoever cannot do without tries again, and is told
            super()._refresh()  # type: ignore[misc]
        self._not_before = time.monotonic() + SELDOM


def lasting(ask: Ask, given: Connection, told: str, mask: Callable[[str], None]) -> RefreshableCredentials:
    """Credentials of the role that renew themselves. `mask` takes their secrets before anybody else does."""

    def fetch() -> dict[str, str]:
        answer = ask()
        for name in ("AccessKeyId", "SecretAccessKey", "SessionToken"):
            mask(answer["Credentials"][name])
        return _keys(answer, given.role_arn)

    # botocore renews 15 minutes before the end, and waits for it from 10 on: a session of 15 minutes would be renewed
    # for every request.
    advisory, mandatory = min(900, given.duration_seconds // 4), min(600, given.duration_seconds // 8)
    return Lasting.create_from_metadata(fetch(), fetch, told, advisory_timeout=advisory, mandatory_timeout=mandatory)


def _keys(answer: Mapping[str, Any], role: str) -> dict[str, str]:
    """As botocore has them. The session ends by AWS's clock, and is renewed by this machine's, which may be another."""
    keys, now = answer["Credentials"], _now()
    sent = _sent(answer) or now
    if keys["Expiration"] <= sent:
        raise CredentialsError(
            f"The session of role {role} was over when it came: it ended at {_utc(keys['Expiration'])}, and was sent at {_utc(sent)}.",
            advice="Run again.",
        )
    return {
        "access_key": keys["AccessKeyId"],
        "secret_key": keys["SecretAccessKey"],
        "token": keys["SessionToken"],
        "expiry_time": (now + (keys["Expiration"] - sent)).isoformat(),
    }


def _sent(answer: Mapping[str, Any]) -> dt.datetime | None:
    """The Date of the answer (RFC 9110, 6.6.1); None where there is none that can be read."""
    try:
        date = parsedate_to_datetime(answer["ResponseMetadata"]["HTTPHeaders"]["date"])
    except (LookupError, ValueError):
        return None
    return date if date.tzinfo else date.replace(tzinfo=dt.timezone.utc)


def _utc(time: dt.datetime) -> str:
    return f"{time.astimezone(dt.timezone.utc):%Y-%m-%dT%H:%M:%SZ}"


def _now() -> dt.datetime:
    return dt.datetime.now(dt.timezone.utc)
