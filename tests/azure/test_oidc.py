"""Where identity tokens are asked for, and what is made of an answer without one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from ropeway.aws.connection import Reply
from ropeway.azure.environment import AgentEnvironment
from ropeway.azure.oidc import identity_tokens
from ropeway.errors import CredentialsError
from tests.azure.test_endpoints import ID, JOB

ORIGIN = "service connection 'prod'"
NOWHERE = {name: text for name, text in JOB.items() if name != "SYSTEM_OIDCREQUESTURI"}
LONG = {
    "SYSTEM_COLLECTIONURI": "https://dev.azure.com/example/",
    "SYSTEM_TEAMPROJECTID": "project-id",
    "SYSTEM_HOSTTYPE": "release",
    "SYSTEM_PLANID": "plan-id",
    "SYSTEM_JOBID": "job-id",
}
QUERY = f"?api-version=7.1&serviceConnectionId={ID}"


def url(environment: Mapping[str, str]) -> str:
    return identity_tokens(ORIGIN, ID, AgentEnvironment.take(dict(environment))).url


def refused(environment: Mapping[str, str]) -> str:
    with pytest.raises(CredentialsError) as error:
        url(environment)
    return str(error.value)


# --- where ---------------------------------------------------------------------------------------------------------------


def test_the_address_is_the_one_that_the_server_told() -> None:
    assert url({**JOB, **LONG}) == f"https://dev.azure.com/example/oidctoken{QUERY}"


def test_where_the_server_told_none_it_is_put_together() -> None:
    assert url({**NOWHERE, **LONG}) == (
        "https://dev.azure.com/example/project-id/_apis/distributedtask/hubs/release/plans/plan-id/jobs/job-id/oidctoken"
        + QUERY
    )


def test_what_is_absent_for_it_is_named() -> None:
    partly = {name: text for name, text in LONG.items() if name not in {"SYSTEM_PLANID", "SYSTEM_JOBID"}}
    message = refused({**NOWHERE, **partly})
    assert (
        "neither System.OidcRequestUri nor System.PlanId, System.JobId is set. Clear the connection's OIDC box"
        in message
    )


def test_without_the_jobs_access_token_there_is_nothing_to_ask_with() -> None:
    without = {name: text for name, text in JOB.items() if "ACCESSTOKEN" not in name}
    assert "the agent has handed over no access token to ask with" in refused(without)


@pytest.mark.parametrize(
    ("server", "address"),
    [
        ("https://dev.azure.com/example/", "https://vstoken.dev.azure.com/x"),
        ("https://example.visualstudio.com/", "https://dev.azure.com/example/x"),
        ("https://vsrm.dev.azure.com/example/", "https://example.visualstudio.com/x"),
        ("https://tfs.corp.example:8443/tfs/", "https://TFS.corp.example:8443/tfs/x"),
        ("http://tfs.corp.example/tfs/", "http://tfs.corp.example/tfs/x"),
    ],
)
def test_the_access_token_goes_to_this_azure_devops(server: str, address: str) -> None:
    assert url({**JOB, "ENDPOINT_URL_SYSTEMVSSCONNECTION": server, "SYSTEM_OIDCREQUESTURI": address}).startswith(
        address
    )


@pytest.mark.parametrize(
    "address",
    [
        "https://evil.example/x",
        "https://dev.azure.com.evil.example/x",
        "https://evildev.azure.com/x",
        "https://dev.azure.com@evil.example/x",
        r"https://evil.example\@dev.azure.com/x",  # urllib3, which goes there, ends the host at the backslash
        r"https://evil.example:8443\.visualstudio.com/x",
        "https://evil.example\uff0f.dev.azure.com/x",
        "https://dev.azure.com/x y",
        "http://dev.azure.com/example/x",
        "file:///etc/passwd",
        "nonsense",
    ],
)
def test_the_access_token_goes_to_nobody_else(address: str) -> None:
    message = refused({**JOB, "SYSTEM_OIDCREQUESTURI": address})
    assert (
        f"the address to ask is {address!r}: that is not this Azure DevOps (https://dev.azure.com/example/)" in message
    )
    assert "hush" not in message


def test_an_address_that_is_put_together_is_looked_at_too() -> None:
    assert "is not sent to strangers" in refused({**NOWHERE, **LONG, "SYSTEM_COLLECTIONURI": "https://evil.example/"})


def test_the_access_token_is_in_no_repr() -> None:
    assert "hush" not in repr(identity_tokens(ORIGIN, ID, AgentEnvironment.take(dict(JOB))))


# --- what was answered ---------------------------------------------------------------------------------------------------


class Answers:
    """A way to a server that answers always the same."""

    def __init__(self, status: int, body: bytes, **headers: str) -> None:
        self._reply = Reply(status, headers, body)

    def post(self, *_: Any) -> Reply:
        return self._reply


def told(status: int, body: bytes = b"", **headers: str) -> str:
    with pytest.raises(CredentialsError) as error:
        identity_tokens(ORIGIN, ID, AgentEnvironment.take(dict(JOB)))(Answers(status, body, **headers))
    assert "hush" not in str(error.value)
    return str(error.value)


def vss(kind: str, message: str) -> bytes:
    return json.dumps({"$id": "1", "message": message, "typeKey": kind, "errorCode": 0}).encode()


def test_the_token_is_what_the_answer_holds() -> None:
    tokens = identity_tokens(ORIGIN, ID, AgentEnvironment.take(dict(JOB)))
    assert tokens(Answers(200, b'{"oidcToken": "a.b.c"}')) == "a.b.c"


def test_the_message_names_the_connection_the_answer_and_the_address() -> None:
    assert told(403, vss("AccessDeniedException", "TF400813: not authorized.")) == (
        f"Could not get an identity token of {ORIGIN}: Azure DevOps answered 403: TF400813: not authorized. "
        "It was asked for at https://dev.azure.com/example/oidctoken. "
        "See that this pipeline may use the service connection (its security, its pipeline permissions)."
    )


@pytest.mark.parametrize(
    ("status", "body", "headers"),
    [
        (401, b"", {}),
        (203, b"<html>Sign In</html>", {"content-type": "text/html"}),
        (302, b"", {"location": "https://login.example/?token=hush"}),
        (200, b"<html>Sign In</html>", {"content-type": "text/html; charset=utf-8"}),
    ],
)
def test_a_page_to_log_in_is_told_as_an_access_token_that_was_not_accepted(
    status: int, body: bytes, headers: dict
) -> None:
    message = told(status, body, **headers)
    assert f"the job's access token was not accepted, it may have expired. Azure DevOps answered {status}: " in message
    assert message.endswith("Run the job again.")


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (404, b"<html>not here</html>"),
        (
            400,
            vss(
                "VssVersionOutOfRangeException",
                "The requested REST API version of 7.1 is out of range for this server.",
            ),
        ),
        (400, vss("VssInvalidPreviewVersionException", "The requested version 7.1 of the resource is under preview.")),
    ],
)
def test_a_server_that_cannot_says_so_and_what_to_use_instead(status: int, body: bytes) -> None:
    message = told(status, body)
    assert f"this server cannot issue tokens. Azure DevOps answered {status}: " in message
    assert message.endswith("give it an access key, or a role that the agent may assume.")


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"oidcToken": null}', b'{"oidcToken": ""}', b"\xff", b'"a.b.c"'])
def test_an_answer_without_a_token_is_told(body: bytes) -> None:
    assert "Azure DevOps answered without one." in told(200, body)


def test_a_server_at_fault_is_told_with_its_words_in_one_line() -> None:
    message = told(503, vss("X", "Busy.\nTry later. " + "x" * 1000))
    assert "Azure DevOps answered 503: Busy. Try later. xxx" in message
    assert len(message) < 1000
    assert message.endswith("Run again later.")


def test_another_refusal_is_told_as_it_is() -> None:
    assert "Azure DevOps answered 429: Too Many Requests." in told(429)
    assert told(429).endswith("Run again later.")
    assert "Azure DevOps answered 499: no words." in told(499)
