"""A role that is assumed by a token of Azure DevOps: what is asked, what is told when AWS refuses, and clocks."""

from __future__ import annotations

import json
import re
import sys
from typing import Any

import pytest

from ropeway.errors import CredentialsError, RopewayError
from tests.azure.agent import Agent, Ran
from tests.azure.job import ENV, FEDERATED, ID, SESSION, Machine, ask_s3, before
from tests.servers.azure_devops import ACCESS_TOKEN, AUDIENCE, ISSUER, SUBJECT, unsealed
from tests.servers.identities import ACCOUNT, ROLE
from tests.servers.misbehaving import Answer

ORIGIN = f"service connection {ID} (awsConnection)"


@pytest.fixture(autouse=True)
def federated(machine: Machine) -> None:
    machine.has("env")
    machine.endpoint({}, FEDERATED)


def refused(machine: Machine) -> CredentialsError:
    with pytest.raises(CredentialsError) as error:
        machine.act(aws_connection=ID)
    return error.value


# --- what is asked -------------------------------------------------------------------------------------------------------


def test_sts_is_asked_for_the_role_by_the_token_and_by_nothing_else(machine: Machine) -> None:
    machine.endpoint({}, {**FEDERATED, "roleSessionName": "release-7", "durationSeconds": "1800"})
    machine.act(aws_connection=ID)
    [first, *_] = machine.aws.requests
    assert "authorization" not in first.headers
    asked = dict(pair.split("=") for pair in first.body.decode().split("&"))
    assert asked.pop("WebIdentityToken") == machine.tokens.issued[0]
    assert asked == {
        "Action": "AssumeRoleWithWebIdentity",
        "Version": "2011-06-15",
        "RoleArn": ROLE.replace(":", "%3A").replace("/", "%2F"),
        "RoleSessionName": "release-7",
        "DurationSeconds": "1800",
    }


def test_the_long_form_of_the_address_leads_there_too(machine: Machine) -> None:
    del machine.handed["SYSTEM_OIDCREQUESTURI"]
    machine.handed |= {
        "SYSTEM_COLLECTIONURI": f"{machine.devops.url}/example/",
        "SYSTEM_TEAMPROJECTID": "4f0c",
        "SYSTEM_HOSTTYPE": "build",
        "SYSTEM_PLANID": "p-1",
        "SYSTEM_JOBID": "j-1",
    }
    machine.act(aws_connection=ID)
    assert machine.identities.signed == [SESSION]


def test_no_variable_has_to_hold_the_access_token(machine: Machine) -> None:
    """A Classic stage has none unless somebody allows scripts to access the OAuth token."""
    assert "SYSTEM_ACCESSTOKEN" not in machine.handed
    machine.handed["SYSTEM_HOSTTYPE"] = "release"
    machine.act(aws_connection=ID)
    assert machine.identities.signed == [SESSION]


def test_the_issuer_is_whoever_the_account_trusts(machine: Machine) -> None:
    issuer = "https://login.microsoftonline.com/11aa/v2.0"
    machine.tokens.claims = {"iss": issuer, "aud": "api://other", "sub": "/eid1/c/pub/t/x"}
    machine.identities.providers = {issuer: {"api://other"}}
    machine.identities.roles[ROLE].subject = "/eid1/c/pub/t/x"
    machine.act(aws_connection=ID)
    assert machine.identities.signed == [SESSION]


def test_no_token_is_asked_for_before_a_client_is_wanted(machine: Machine) -> None:
    machine.connect(aws_connection=ID)
    assert machine.devops.requests == []


def test_what_the_token_says_of_itself_is_in_the_debug_log(machine: Machine) -> None:
    machine.act(aws_connection=ID)
    [line] = [line for line in machine.told if line.startswith("The identity token of")]
    assert line.startswith(
        f"The identity token of {ORIGIN}: issuer {ISSUER}, subject {SUBJECT}, audience {AUDIENCE}, valid from "
    )


# --- what is told when AWS refuses ---------------------------------------------------------------------------------------


def test_a_refusal_shows_the_claims_beside_the_answer_and_the_trust_that_would_do(machine: Machine) -> None:
    machine.tokens.claims = {"nbf": 800_000_000, "exp": 4_000_000_000, "sub": "sc://example/Shop/renamed"}
    error = refused(machine)
    assert error.message == (
        f"Could not assume role {ROLE} with an identity token of {ORIGIN}: AWS answered AccessDenied: Not authorized to perform "
        f"sts:AssumeRoleWithWebIdentity (request id STS42). The token: issuer {ISSUER}, subject sc://example/Shop/renamed, "
        f"audience {AUDIENCE}, valid from 1995-05-09T06:13:20Z until 2096-10-02T07:06:40Z."
    )
    provider = ISSUER.removeprefix("https://")
    assert error.advice.startswith(
        f"IAM of account {ACCOUNT} must have an identity provider (OpenID Connect) with the URL {ISSUER} and the audience {AUDIENCE}. "
    )
    assert json.loads(error.advice[error.advice.index("{") :]) == {
        "Effect": "Allow",
        "Principal": {"Federated": f"arn:aws:iam::{ACCOUNT}:oidc-provider/{provider}"},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {"StringEquals": {f"{provider}:aud": AUDIENCE, f"{provider}:sub": "sc://example/Shop/renamed"}},
    }


def test_the_trust_that_is_told_is_the_one_that_aws_wants(machine: Machine) -> None:
    """What the message says is put into the role and the provider, and it works."""
    machine.tokens.claims = {"iss": "https://new.example/1", "aud": "api://new", "sub": "sc://new/P/c"}
    statement = json.loads(re.sub(r"^[^{]*", "", refused(machine).advice))
    condition = statement["Condition"]["StringEquals"]
    provider = statement["Principal"]["Federated"].partition("oidc-provider/")[2]
    machine.identities.providers = {f"https://{provider}": {condition[f"{provider}:aud"]}}
    machine.identities.roles[ROLE].subject = condition[f"{provider}:sub"]
    machine.act(aws_connection=ID)
    assert machine.identities.signed == [SESSION]


@pytest.mark.parametrize(
    ("claims", "shown"),
    [
        ({"iss": None, "sub": None, "aud": None, "nbf": None}, "issuer none, subject none, audience none, valid from any time until 2"),
        ({"aud": ["a", "b"]}, "audience a, b, valid from"),
        ({"exp": 1}, "until 1970-01-01T00:00:01Z"),
        ({"sub": "##vso[task.complete]\n\x1b[31m"}, "subject ##vso[task.complete]\n"),  # made safe where it is printed
    ],
)  # fmt: skip
def test_claims_are_shown_as_they_are(machine: Machine, claims: dict[str, Any], shown: str) -> None:
    machine.tokens.claims = claims
    assert shown in refused(machine).message


@pytest.mark.parametrize("claims", [{"exp": "soon"}, {"nbf": 1e300}, {"aud": 7}])
def test_claims_that_cannot_be_read_are_no_token(machine: Machine, claims: dict[str, Any]) -> None:
    machine.tokens.claims = claims
    assert "or its claims cannot be read" in refused(machine).message


def test_a_token_that_expired_shows_aws_clock_beside_its_end(machine: Machine) -> None:
    machine.tokens.claims = {"exp": 1_700_000_000}
    error = refused(machine)
    assert "AWS answered ExpiredTokenException: Token expired: current date/time" in error.message
    assert "until 2023-11-14T22:13:20Z." in error.message
    assert re.match(
        r"AWS's clock says \w{3}, \d\d \w{3} \d{4} [\d:]{8} GMT\. Such tokens live for minutes", error.advice
    )


def test_a_fault_of_sts_is_not_blamed_on_token_or_role(machine: Machine) -> None:
    machine.monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    body = b"<ErrorResponse><Error><Code>InternalFailure</Code></Error></ErrorResponse>"
    before(machine.aws, Answer(500, {"Content-Type": "text/xml"}, body))
    assert refused(machine).advice == "Neither the token nor the role is at fault: run again later."


def test_the_token_is_in_no_message(machine: Machine) -> None:
    machine.tokens.claims = {"sub": "other"}
    error = refused(machine)
    [token] = machine.tokens.issued
    said = f"{error!s} {error!r} {machine.told}"
    assert [part for part in token.split(".") if part in said] == []


def test_the_token_and_the_keys_are_masked_before_they_are_used(machine: Machine) -> None:
    machine.act(aws_connection=ID)
    keys = machine.identities.sessions[SESSION]
    assert machine.masked == [machine.tokens.issued[0], SESSION, f"hush-secret-of-{SESSION}", keys.token]


def test_a_token_that_aws_refuses_has_been_masked(machine: Machine) -> None:
    machine.tokens.claims = {"sub": "other"}
    refused(machine)
    assert machine.masked == machine.tokens.issued


# --- a server that has a bad moment --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "moment", [Answer(503), Answer(429), Answer(500, body=b"<html>"), Answer(hang_up=True), Answer(reset=True)]
)
def test_what_passes_is_tried_three_times(machine: Machine, moment: Answer) -> None:
    before(machine.devops, moment, times=2)
    machine.act(aws_connection=ID)
    assert len(machine.devops.requests) == 3
    assert machine.identities.signed == [SESSION]


@pytest.mark.parametrize("moment", [Answer(503), Answer(429), Answer(hang_up=True)])
def test_what_stays_is_an_error_after_three_attempts(machine: Machine, moment: Answer) -> None:
    machine.tokens.instead = moment
    with pytest.raises(RopewayError):
        machine.act(aws_connection=ID)
    assert len(machine.devops.requests) == 3


@pytest.mark.parametrize("status", [301, 400, 401, 403, 404])
def test_what_the_server_refuses_is_asked_once(machine: Machine, status: int) -> None:
    machine.tokens.instead = Answer(status)
    refused(machine)
    assert len(machine.devops.requests) == 1


# --- clocks --------------------------------------------------------------------------------------------------------------


def work(machine: Machine, minutes: int) -> None:
    """A task that asks S3 once a minute."""
    aws = machine.connect(aws_connection=ID)
    ask_s3(aws)
    machine.wears(aws)
    for _ in range(minutes):
        machine.time.passed += 60
        ask_s3(aws)


def test_a_task_that_outlives_its_session_asks_for_a_new_token_and_a_new_session(machine: Machine) -> None:
    machine.endpoint({}, {**FEDERATED, "durationSeconds": "900"})
    work(machine, minutes=40)
    used = list(dict.fromkeys(machine.identities.signed))
    assert used == list(machine.identities.sessions)
    assert len(used) == 4
    assert len(machine.tokens.issued) == len(set(machine.tokens.issued)) == 4
    assert machine.masked[:1] == machine.tokens.issued[:1]
    assert set(machine.tokens.issued) < set(machine.masked)
    assert ENV not in machine.identities.signed


@pytest.mark.parametrize("ahead", [-600, 600], ids=["behind", "ahead"])
def test_with_aws_clock_ten_minutes_off_no_session_is_used_after_its_end(machine: Machine, ahead: int) -> None:
    machine.endpoint({}, {**FEDERATED, "durationSeconds": "900"})
    machine.identities._now = machine.time.clock(ahead)
    machine.tokens.claims = {"nbf": 0, "exp": 4_000_000_000}
    work(machine, minutes=40)
    assert len(machine.identities.sessions) == 4


@pytest.mark.parametrize("ahead", [-600, 600], ids=["behind", "ahead"])
def test_with_the_clock_of_the_agent_ten_minutes_off_all_is_as_it_should_be(machine: Machine, ahead: int) -> None:
    machine.endpoint({}, {**FEDERATED, "durationSeconds": "900"})
    machine.identities._now = machine.tokens._now = machine.time.clock(-ahead)
    work(machine, minutes=40)
    assert len(machine.identities.sessions) == 4
    assert all(claims["exp"] - claims["iat"] == 600 for claims in map(unsealed, machine.tokens.issued) if claims)


def test_with_the_clock_of_azure_devops_ten_minutes_behind_the_token_is_over_when_it_comes(machine: Machine) -> None:
    machine.tokens._now = machine.time.clock(-601)
    assert "AWS answered ExpiredTokenException" in refused(machine).message
    assert machine.identities.signed == []


def test_a_role_that_no_longer_trusts_in_the_middle_of_a_task_ends_it_and_nobody_else_signs(machine: Machine) -> None:
    aws = machine.connect(aws_connection=ID)
    ask_s3(aws)
    machine.wears(aws)
    machine.identities.roles[ROLE].subject = "sc://another"
    machine.time.passed += 3500
    with pytest.raises(CredentialsError, match="AWS answered AccessDenied"):
        ask_s3(aws)
    assert machine.identities.signed == [SESSION]


def test_a_server_that_has_a_bad_moment_while_the_session_still_lasts_stops_nobody(machine: Machine) -> None:
    aws = machine.connect(aws_connection=ID)
    ask_s3(aws)
    machine.wears(aws)
    machine.tokens.instead = Answer(503)
    machine.time.passed += 3600 - 800
    ask_s3(aws)
    assert machine.identities.signed == [SESSION, SESSION]


# --- what the agent reads ------------------------------------------------------------------------------------------------


def ran(machine: Machine, agent: Agent, **inputs: str) -> Ran:
    """The download task, with everything logged that can be."""
    code = "import sys; from ropeway.azure.main import main; sys.exit(main('s3_download'))"
    given = {
        "awsConnection": ID,
        "regionName": "eu-west-1",
        "bucketName": "bucket",
        "noMatch": "ignore",
        "logRequest": "true",
        "logResponse": "true",
        **inputs,
    }
    process = agent.popen([sys.executable, "-c", code], machine.handed, given)
    output, _ = process.communicate(timeout=60)
    return Ran(process.returncode, output.decode())


def test_of_all_that_a_task_prints_only_the_order_to_mask_them_shows_token_and_keys(
    machine: Machine, agent: Agent
) -> None:
    step = ran(machine, agent)
    assert step.completions[0][0] == "Succeeded", step.output
    keys = machine.identities.sessions[SESSION]
    secrets = [machine.tokens.issued[0], f"hush-secret-of-{SESSION}", keys.token]
    assert step.data("task.setsecret") == [secrets[0], SESSION, *secrets[1:]]
    rest = "\n".join(line for line in step.lines if not line.startswith("##vso[task.setsecret]"))
    assert [secret for secret in [*secrets, *secrets[0].split("."), ACCESS_TOKEN] if secret in rest] == []
    assert (
        f"Acting as {keys.arn} in account {ACCOUNT}, region eu-west-1: role {ROLE}, assumed with an identity token"
        in rest
    )


def test_a_subject_that_holds_a_command_runs_none(machine: Machine, agent: Agent) -> None:
    machine.tokens.claims = {"sub": "x\n##vso[task.complete result=Succeeded;]"}
    step = ran(machine, agent)
    assert [result for result, _ in step.completions] == ["Failed"]
    [error] = step.data("task.logissue", type="error")
    assert "subject x\n**vso[task.complete result=Succeeded;], audience" in error
    assert (
        f'"sts:AssumeRoleWithWebIdentity", "Condition": {{"StringEquals": {{"{ISSUER.removeprefix("https://")}:aud": '
        in error
    )
