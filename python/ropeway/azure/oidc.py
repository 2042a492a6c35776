"""Identity tokens of Azure DevOps: a job may ask for one that says which service connection it acts for.

`POST {System.OidcRequestUri}?api-version=7.1&serviceConnectionId=...`, answered by `{"oidcToken": "..."}` (Azure DevOps REST API,
"Oidctoken - Create"). No key is stored anywhere, and none lives longer than some minutes.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from http import HTTPStatus
from urllib.parse import quote, urlencode, urlsplit

from ropeway.aws.connection import Reply, Web
from ropeway.azure.environment import AgentEnvironment
from ropeway.errors import CredentialsError
from ropeway.version import VERSION

API_VERSION = "7.1"

MICROSOFTS = ("dev.azure.com", "visualstudio.com")
"""Where Azure DevOps Services are; organisations and parts of it are named before these."""

ADDRESS = re.compile(r"https?://(?:[\w.-]+|\[[\da-f:.]+\])(?::\d+)?(?:/[^\\\s]*)?", re.IGNORECASE | re.ASCII)
"""One that all readers of addresses read alike: in `https://one\\@two` Python's sees the host two, and urllib3, which goes there, one."""

LONG_FORM = ("System.CollectionUri", "System.TeamProjectId", "System.HostType", "System.PlanId", "System.JobId")

INSTEAD = "Clear the connection's OIDC box and give it an access key, or a role that the agent may assume."


@dataclass(frozen=True)
class IdentityTokens:
    """Fetches a new token each time it is called: a `TokenSource`. `origin` is "service connection 1234 (awsConnection)"."""

    origin: str
    url: str
    access_token: str = field(repr=False)

    def __call__(self, web: Web) -> str:
        headers = {
            "Authorization": f"Bearer {self.access_token}",
            "Content-Type": "application/json",
            "Accept": "application/json",
            "X-TFS-FedAuthRedirect": "Suppress",  # 401 rather than a page to log in
            "User-Agent": f"ropeway/{VERSION}",
        }
        reply = web.post(f"ask Azure DevOps for an identity token of {self.origin}", self.url, headers, b"{}")
        if token := _token(reply):
            return token
        message, advice = _told(reply)
        raise CredentialsError(
            f"Could not get an identity token of {self.origin}: {message} It was asked for at {self.url.partition('?')[0]}.",
            advice=advice,
        )


def identity_tokens(origin: str, endpoint: str, environment: AgentEnvironment) -> IdentityTokens:
    """For a service connection, by its id. Raises CredentialsError where this job cannot ask."""
    access_token = environment.access_token
    if not access_token:
        raise CredentialsError(
            f"The {origin} asks for OIDC federation, and the agent has handed over no access token to ask with "
            "(the endpoint SystemVssConnection).",
            advice=INSTEAD,
        )
    address = _address(origin, environment)
    query = urlencode({"api-version": API_VERSION, "serviceConnectionId": endpoint})
    return IdentityTokens(origin, f"{address}?{query}", access_token)


# --- where to ask --------------------------------------------------------------------------------------------------------


def _address(origin: str, environment: AgentEnvironment) -> str:
    address = environment.variable("System.OidcRequestUri").strip() or _long_form(origin, environment)
    if not _is_ours(address, environment.server_url):
        raise CredentialsError(
            f"The {origin} asks for OIDC federation, and the address to ask is {address!r}: that is not this Azure DevOps "
            f"({environment.server_url or 'not known'}), and the job's access token is not sent to strangers.",
            advice="See which step sets the variable System.OidcRequestUri or System.CollectionUri.",
        )
    return address


def _long_form(origin: str, environment: AgentEnvironment) -> str:
    """The same address, put together: servers did not always tell it."""
    values = {name: environment.variable(name).strip() for name in LONG_FORM}
    if absent := [name for name, value in values.items() if not value]:
        raise CredentialsError(
            f"The {origin} asks for OIDC federation, and this job does not know where to ask: neither System.OidcRequestUri nor "
            f"{', '.join(absent)} is set.",
            advice=INSTEAD,
        )
    collection, project, hub, plan, job = (quote(value, safe=":/") for value in values.values())
    return f"{collection.rstrip('/')}/{project}/_apis/distributedtask/hubs/{hub}/plans/{plan}/jobs/{job}/oidctoken"


def _is_ours(address: str, server: str) -> bool:
    """Any step can set these variables, were it by printing a line; the address of the system's own connection none can."""
    if not ADDRESS.fullmatch(address):
        return False
    asked, own = urlsplit(address), urlsplit(server)
    if (asked.scheme, asked.netloc.lower()) == (own.scheme, own.netloc.lower()):
        return True
    host = asked.hostname or ""
    return asked.scheme == "https" and any(host == name or host.endswith(f".{name}") for name in MICROSOFTS)


# --- what it answered ----------------------------------------------------------------------------------------------------


def _token(reply: Reply) -> str:
    token = _json(reply).get("oidcToken") if reply.status == HTTPStatus.OK else None
    return token if isinstance(token, str) else ""


def _json(reply: Reply) -> dict[str, object]:
    try:
        answer = json.loads(reply.body)
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}


def _told(reply: Reply) -> tuple[str, str]:
    """What happened, and what to do next."""
    said = f"Azure DevOps answered {reply.status}: {_words(reply)}."
    if _wants_login(reply):
        return f"the job's access token was not accepted, it may have expired. {said}", "Run the job again."
    if reply.status == HTTPStatus.NOT_FOUND or _is_too_old(reply):
        return f"this server cannot issue tokens. {said}", INSTEAD
    if reply.status == HTTPStatus.OK:
        return "Azure DevOps answered without one.", "Run again later."
    if reply.status == HTTPStatus.FORBIDDEN:
        return said, "See that this pipeline may use the service connection (its security, its pipeline permissions)."
    later = reply.status >= HTTPStatus.INTERNAL_SERVER_ERROR or reply.status == HTTPStatus.TOO_MANY_REQUESTS
    return said, "Run again later." if later else INSTEAD


def _words(reply: Reply) -> str:
    """The message of the error, else what the status means."""
    phrase = HTTPStatus(reply.status).phrase if reply.status in set(HTTPStatus) else "no words"
    return " ".join(str(_json(reply).get("message") or phrase).split())[:500].rstrip(".")


def _wants_login(reply: Reply) -> bool:
    """Refused, led to the page to log in, or shown it (which comes with 203, by proxies with 200)."""
    refused = reply.status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.NON_AUTHORITATIVE_INFORMATION}
    page = reply.status == HTTPStatus.OK and reply.headers.get("content-type", "").startswith("text/html")
    return refused or page or HTTPStatus.MULTIPLE_CHOICES <= reply.status < HTTPStatus.BAD_REQUEST


def _is_too_old(reply: Reply) -> bool:
    """The API of this version, or any, is not there yet: VssVersionOutOfRangeException, VssInvalidPreviewVersionException."""
    kind = str(_json(reply).get("typeKey", ""))
    return reply.status == HTTPStatus.BAD_REQUEST and kind.startswith(("VssVersion", "VssInvalidPreviewVersion"))
