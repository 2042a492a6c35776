"""A stand-in for Azure DevOps, as far as a job asks it for identity tokens; it insists on all that the real one insists on.

The tokens look like the real ones (RS256, the claims of a service connection). Their signature is no RSA, but `unsealed` can tell
whether a token is as it was issued.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.secrecy import ACCESS_TOKEN
from tests.servers.misbehaving import Answer, Request

ISSUER = "https://vstoken.dev.azure.com/7d6a1c1e-51f2-4b3a-9c55-0d7e9a4b2f10"
AUDIENCE = "api://AzureADTokenExchange"
SUBJECT = "sc://example/Shop/production"
PATH = "/example/4f0c/_apis/distributedtask/hubs/build/plans/p-1/jobs/j-1/oidctoken"
LIFE = 600
"""Seconds from the issue of a token to its end."""

JSON = {"Content-Type": "application/json; charset=utf-8; api-version=7.1"}
SEALED = b"the issuer's private key"


class AzureDevOps:
    """`claims` are put over those of every token; `connection` is the id that tokens are issued for.

    With `instead`, that is its answer to a request that is right in everything; `token` is issued instead of a true one.
    """

    def __init__(self, connection: str, now: Callable[[], float]) -> None:
        self.connection = connection
        self.claims: dict[str, Any] = {}
        self.issued: list[str] = []
        self.instead: Answer | None = None
        self.token = ""
        self.access_token = ACCESS_TOKEN
        self._now = now

    def __call__(self, request: Request) -> Answer:
        if wrong := self._wrong(request) or self.instead:
            return wrong
        self.issued.append(self.token or self.new())
        return Answer(200, JSON, json.dumps({"oidcToken": self.issued[-1]}).encode())

    def _wrong(self, request: Request) -> Answer | None:
        address = urlsplit(request.target)
        asked = parse_qs(address.query)
        if request.method != "POST" or address.path != PATH:
            return _says(404, "PathNotFound", f"The controller for path '{address.path}' was not found.")
        if asked.get("api-version") != ["7.1"] or asked.keys() != {"api-version", "serviceConnectionId"}:
            return _says(400, "VssVersionNotSpecifiedException", "No api-version was supplied.")
        if request.headers.get("authorization") != f"Bearer {self.access_token}":
            return self._login(request)
        if not request.headers.get("content-type", "").startswith("application/json") or json.loads(request.body) != {}:
            return _says(415, "UnsupportedMediaType", "The claims must be a JSON object.")
        if asked["serviceConnectionId"] != [self.connection]:
            return _says(403, "AccessDeniedException", "The pipeline may not use this service connection.")
        return None

    def _login(self, request: Request) -> Answer:
        if request.headers.get("x-tfs-fedauthredirect") == "Suppress":
            return Answer(401, {"WWW-Authenticate": "Bearer"})
        return Answer(302, {"Location": "https://spsprodweu1.vssps.visualstudio.com/_signin"})

    def new(self) -> str:
        """A token that is not counted among those issued."""
        now = int(self._now())
        claims = {
            "jti": f"{len(self.issued)}",
            "sub": SUBJECT,
            "aud": AUDIENCE,
            "iss": ISSUER,
            "nbf": now - LIFE,
            "exp": now + LIFE,
            "iat": now,
        }
        return sealed({**claims, **self.claims})


def sealed(claims: dict[str, Any]) -> str:
    """A token that says so. A claim that is None is left out."""
    said = {name: value for name, value in claims.items() if value is not None}
    body = f"{_part({'typ': 'JWT', 'alg': 'RS256', 'kid': '3E8A'})}.{_part(said)}"
    return f"{body}.{_seal(body)}"


def unsealed(token: str) -> dict[str, Any] | None:
    """The claims of a token; None when it is not as it was issued."""
    body, _, seal = token.rpartition(".")
    if not hmac.compare_digest(seal, _seal(body)):
        return None
    payload = body.split(".")[1]
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return claims


def _part(value: dict[str, Any]) -> str:
    return _base64(json.dumps(value).encode())


def _seal(body: str) -> str:
    """As long as a signature by RSA with 2048 bits."""
    return _base64(hmac.digest(SEALED, body.encode(), hashlib.sha512) * 4)


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _says(status: int, kind: str, message: str) -> Answer:
    return Answer(status, JSON, json.dumps({"message": message, "typeKey": kind}).encode())
