"""What an identity token says of itself, and what a role needs in order to trust it.

The token is a JWT (RFC 7519). Its claims are read without verifying it: that is for AWS to do, here they go into messages. The
token itself goes to STS and nowhere else.
"""

from __future__ import annotations

import base64
import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from botocore.exceptions import ClientError

from ropeway.aws.answers import put_into_words
from ropeway.aws.connection import Connection
from ropeway.errors import CredentialsError, NetworkError, RopewayError


@dataclass(frozen=True)
class Claims:
    """Of the registered claims (RFC 7519, 4.1) those that AWS looks at. What a token leaves out is empty."""

    issuer: str
    subject: str
    audience: tuple[str, ...]
    not_before: str
    expires: str

    def __str__(self) -> str:
        return (
            f"issuer {self.issuer or 'none'}, subject {self.subject or 'none'}, audience {', '.join(self.audience) or 'none'}, "
            f"valid from {self.not_before or 'any time'} until {self.expires or 'any time'}"
        )


def read(token: str, origin: str) -> Claims:
    """`origin` is whose token it is: "service connection 'prod'". Raises CredentialsError, which shows nothing of the token."""
    try:
        _, payload, _ = token.split(".")
        return _claims(json.loads(base64.urlsafe_b64decode(payload + "==")))
    except (ValueError, TypeError, AttributeError, OverflowError, OSError, RecursionError):
        raise CredentialsError(
            f"What was issued as the identity token of {origin} is none: it has not the three parts of a JWT, or its claims cannot "
            "be read.",
            advice="Run again; if it stays so, use an access key or a role that the agent may assume.",
        ) from None


def _claims(given: Mapping[str, Any]) -> Claims:
    audience = given.get("aud") or ()
    return Claims(
        issuer=str(given.get("iss") or ""),
        subject=str(given.get("sub") or ""),
        audience=(audience,) if isinstance(audience, str) else tuple(map(str, audience)),
        not_before=_time(given.get("nbf")),
        expires=_time(given.get("exp")),
    )


def _time(seconds: float | None) -> str:
    return "" if seconds is None else f"{dt.datetime.fromtimestamp(float(seconds), dt.timezone.utc):%Y-%m-%dT%H:%M:%SZ}"


# --- what STS said to it -------------------------------------------------------------------------------------------------

LATER = {"IDPCommunicationError", "Throttling", "ThrottlingException", "RequestLimitExceeded"}


def refused(error: ClientError, doing: str, claims: Claims, given: Connection) -> RopewayError:
    """The error for an answer of AssumeRoleWithWebIdentity that says no: the claims beside it, and the trust that would do."""
    told = put_into_words(error, doing)
    if isinstance(told, NetworkError):
        return told  # no answer of AWS: a proxy's
    return CredentialsError(f"{told.message} The token: {claims}.", advice=_advice(error, claims, given.role_arn))


def _advice(error: ClientError, claims: Claims, role: str) -> str:
    code, words = error.response["Error"].get("Code", ""), error.response["Error"].get("Message", "")
    meta: Mapping[str, Any] = error.response["ResponseMetadata"]
    if meta.get("HTTPStatusCode", 0) >= HTTPStatus.INTERNAL_SERVER_ERROR or code in LATER:
        return "Neither the token nor the role is at fault: run again later."
    if code == "ExpiredTokenException":
        date = meta.get("HTTPHeaders", {}).get("date", "not known")
        return (
            f"AWS's clock says {date}. Such tokens live for minutes, and every session asks for a new one: run again."
        )
    if "DurationSeconds" in words:
        return "Lower the session duration (durationSeconds), or raise the maximum session duration of the role."
    return f"{_provider(claims, role)} The role's trust policy must hold this statement: {trust(role, claims)}"


def _provider(claims: Claims, role: str) -> str:
    return (
        f"IAM of account {role.split(':')[4]} must have an identity provider (OpenID Connect) with the URL {claims.issuer} and the "
        f"audience {', '.join(claims.audience)}."
    )


def trust(role: str, claims: Claims) -> str:
    """The statement of a trust policy, as JSON, that lets exactly this subject assume the role (IAM user guide, "OIDC federation")."""
    _, partition, _, _, account, _ = role.split(":", 5)
    issuer = claims.issuer.removeprefix("https://")
    audience = claims.audience[0] if len(claims.audience) == 1 else list(claims.audience)
    return json.dumps(
        {
            "Effect": "Allow",
            "Principal": {"Federated": f"arn:{partition}:iam::{account}:oidc-provider/{issuer}"},
            "Action": "sts:AssumeRoleWithWebIdentity",
            "Condition": {"StringEquals": {f"{issuer}:aud": audience, f"{issuer}:sub": claims.subject}},
        }
    )
