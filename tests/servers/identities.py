"""An AWS that knows who is who: an STS that gives sessions to those whom a role trusts, and an S3 that asks who is there.

It has a clock of its own. `asked` tells, in order, who asked STS for what; `signed` by whom each request to S3 was signed.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from email.utils import format_datetime
from typing import Any
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

from tests.servers.azure_devops import AUDIENCE, ISSUER, SUBJECT, unsealed
from tests.servers.misbehaving import Answer, Request

ACCOUNT = "111122223333"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/deploy"
NOBODY = "nobody"


class RefusedError(Exception):
    """What AWS says when it says no."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


@dataclass
class Role:
    """Whom it trusts: keys by their ids, with the external id that it asks for; a subject by its token."""

    trusts: set[str] = field(default_factory=set)
    external_id: str = ""
    subject: str = SUBJECT
    longest: int = 3600


@dataclass(frozen=True)
class SessionKeys:
    arn: str
    token: str
    until: float


class Identities:
    """`users` are access keys that stay, each with its session token; `roles` are assumed."""

    def __init__(self, now: Callable[[], float]) -> None:
        self.users: dict[str, str] = {}
        self.roles = {ROLE: Role()}
        self.providers = {ISSUER: {AUDIENCE}}
        self.asked: list[str] = []
        self.signed: list[str] = []
        self.sessions: dict[str, SessionKeys] = {}
        self._now = now

    def __call__(self, request: Request) -> Answer:
        date = format_datetime(dt.datetime.fromtimestamp(self._now(), dt.timezone.utc), usegmt=True)
        is_sts = request.method == "POST"
        try:
            body = self._sts(request) if is_sts else self._s3(request)
        except RefusedError as no:
            return Answer(no.status, {"Content-Type": "text/xml", "Date": date}, _error(no, sts=is_sts).encode())
        return Answer(200, {"Content-Type": "text/xml", "Date": date}, body.encode())

    # --- S3 ----------------------------------------------------------------------------------------------------------

    def _s3(self, request: Request) -> str:
        self.signed.append(_signer(request))
        self._known(request)
        return "<ListBucketResult><Name>bucket</Name><KeyCount>0</KeyCount><IsTruncated>false</IsTruncated></ListBucketResult>"

    def _known(self, request: Request) -> str:
        """The ARN of who signed. Raises RefusedError."""
        key, token = _signer(request), request.headers.get("x-amz-security-token", "")
        if session := self.sessions.get(key):
            if token != session.token:
                raise RefusedError(
                    403, "InvalidClientTokenId", "The security token included in the request is invalid."
                )
            if self._now() >= session.until:
                raise RefusedError(403, "ExpiredToken", "The provided token has expired.")
            return session.arn
        if key not in self.users or self.users[key] != token:
            raise RefusedError(403, "InvalidClientTokenId", "The security token included in the request is invalid.")
        return f"arn:aws:iam::{ACCOUNT}:user/{key}"

    # --- STS ---------------------------------------------------------------------------------------------------------

    def _sts(self, request: Request) -> str:
        asked = dict(parse_qsl(request.body.decode(), strict_parsing=True))
        action = asked["Action"]
        self.asked.append(f"{action} by {_signer(request)}")
        acts: dict[str, Callable[[Request, dict[str, str]], str]] = {
            "GetCallerIdentity": self._caller,
            "AssumeRole": self._assume,
            "AssumeRoleWithWebIdentity": self._assume_with_token,
        }
        return f"<{action}Response><{action}Result>{acts[action](request, asked)}</{action}Result></{action}Response>"

    def _caller(self, request: Request, asked: dict[str, str]) -> str:
        return f"<Arn>{self._known(request)}</Arn><UserId>U</UserId><Account>{ACCOUNT}</Account>"

    def _assume(self, request: Request, asked: dict[str, str]) -> str:
        who = self._known(request)
        role = self.roles.get(asked["RoleArn"])
        if role is None or _signer(request) not in role.trusts or asked.get("ExternalId", "") != role.external_id:
            words = f"User: {who} is not authorized to perform: sts:AssumeRole on resource: {asked['RoleArn']}"
            raise RefusedError(403, "AccessDenied", words)
        return self._session(asked, role)

    def _assume_with_token(self, request: Request, asked: dict[str, str]) -> str:
        if _signer(request) != NOBODY or "ExternalId" in asked:
            raise RefusedError(
                400, "ValidationError", "AssumeRoleWithWebIdentity is neither signed nor has an external id."
            )
        claims = self._trusted(asked["WebIdentityToken"])
        role = self.roles.get(asked["RoleArn"])
        if role is None or claims.get("sub") != role.subject:
            raise RefusedError(403, "AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity")
        return self._session(asked, role)

    def _trusted(self, token: str) -> dict[str, Any]:
        claims, now = unsealed(token), int(self._now())
        if claims is None:
            raise RefusedError(400, "InvalidIdentityToken", "The ID Token provided is not a valid JWT.")
        if (issuer := claims.get("iss")) not in self.providers:
            raise RefusedError(
                400, "InvalidIdentityToken", f"No OpenIDConnect provider found in your account for {issuer}"
            )
        if str(claims.get("aud")) not in self.providers[issuer]:
            raise RefusedError(400, "InvalidIdentityToken", "Incorrect token audience")
        if now >= claims["exp"]:
            words = f"Token expired: current date/time {now} must be before the expiration date/time {claims['exp']}"
            raise RefusedError(400, "ExpiredTokenException", words)
        if now < claims["nbf"]:
            raise RefusedError(400, "InvalidIdentityToken", "The ID Token provided is not valid yet.")
        return claims

    def _session(self, asked: dict[str, str], role: Role) -> str:
        seconds = int(asked.get("DurationSeconds", 3600))
        if seconds > role.longest:
            words = "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."
            raise RefusedError(400, "ValidationError", words)
        assert seconds >= 900
        key = f"ASIASESSION{len(self.sessions) + 1:09}"
        _, partition, _, _, account, name = asked["RoleArn"].split(":", 5)
        arn = f"arn:{partition}:sts::{account}:assumed-role/{name.removeprefix('role/')}/{asked['RoleSessionName']}"
        until = int(self._now()) + seconds
        self.sessions[key] = SessionKeys(arn, f"hush-token-of-{key}", until)
        ends = f"{dt.datetime.fromtimestamp(until, dt.timezone.utc):%Y-%m-%dT%H:%M:%SZ}"
        return f"""<AssumedRoleUser><AssumedRoleId>AROA:x</AssumedRoleId><Arn>{arn}</Arn></AssumedRoleUser>
          <Credentials><AccessKeyId>{key}</AccessKeyId><SecretAccessKey>hush-secret-of-{key}</SecretAccessKey>
          <SessionToken>hush-token-of-{key}</SessionToken><Expiration>{ends}</Expiration></Credentials>"""


def _signer(request: Request) -> str:
    found = re.search(r"Credential=([^/]+)/", request.headers.get("authorization", ""))
    return found[1] if found else NOBODY


def _error(no: RefusedError, *, sts: bool) -> str:
    error = f"<Error><Code>{no.code}</Code><Message>{escape(no.message)}</Message></Error>"
    return f"<ErrorResponse>{error}<RequestId>STS42</RequestId></ErrorResponse>" if sts else error
