"""A source of credentials that is chosen and broken fails as itself: no row ends in another identity.

The machine has every identity of its own, and all of them would work.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from ropeway.errors import RopewayError
from tests.azure.job import (
    ASSUMES,
    ENV,
    FEDERATED,
    ID,
    IN_VARIABLES,
    KEYS,
    OURS,
    TEMPORARY,
    VARIABLE,
    WITH_TOKEN,
    Machine,
    Row,
    before,
)
from tests.secrecy import SECRET_ACCESS_KEY, SESSION_TOKEN
from tests.servers.azure_devops import ISSUER, sealed
from tests.servers.identities import ROLE, SessionKeys
from tests.servers.misbehaving import Answer


@dataclass(frozen=True)
class Broken:
    """A source that is chosen and broken, over a machine that has every identity. `sts` is all that STS was asked."""

    says: str
    parameters: Mapping[str, str] | None = None
    variables: Mapping[str, str] = field(default_factory=dict)
    spoil: Callable[[Machine], object] = lambda _: None
    sts: tuple[str, ...] = ()
    input: str = "aws_connection"
    first: str = "env"

    def set_up(self, machine: Machine) -> dict[str, str]:
        row = Row("", "", self.parameters, variables=self.variables, first=self.first, input=self.input)
        inputs = row.set_up(machine)
        self.spoil(machine)
        return inputs


def claims(**given: object) -> Callable[[Machine], object]:
    return lambda machine: machine.tokens.claims.update(given)


def answers(status: int, body: bytes = b"", **headers: str) -> Callable[[Machine], object]:
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    return lambda machine: setattr(machine.tokens, "instead", Answer(status, named, body))


def hands_over(**given: str) -> Callable[[Machine], object]:
    return lambda machine: machine.handed.update(given)


def role(**given: object) -> Callable[[Machine], object]:
    return lambda machine: vars(machine.identities.roles[ROLE]).update(given)


def expired_token(machine: Machine) -> None:
    now = machine.time.clock()()
    machine.tokens.claims |= {"nbf": now - 1200, "exp": now - 1}


def removed(name: str) -> Callable[[Machine], object]:
    return lambda machine: machine.handed.pop(name)


def broken_metadata(machine: Machine) -> None:
    before(machine.metadata, Answer(500, body=b"no"))


ACCESS = "ENDPOINT_AUTH_PARAMETER_SYSTEMVSSCONNECTION_ACCESSTOKEN"
BY_TOKEN = ("AssumeRoleWithWebIdentity by nobody",)
NO_LOGIN = "the job's access token was not accepted, it may have expired. Azure DevOps answered"
CANNOT = "this server cannot issue tokens. Azure DevOps answered"
OLD = b'{"message": "out of range for this server", "typeKey": "VssVersionOutOfRangeException"}'

BROKEN = {
    # keys
    "keys that AWS does not know": Broken(
        "AWS answered InvalidClientTokenId",
        {"username": "AKIANOBODYSKEY000001", "password": SECRET_ACCESS_KEY},
        sts=("GetCallerIdentity by AKIANOBODYSKEY000001",),
    ),
    "a session token of other keys": Broken(
        "AWS answered InvalidClientTokenId",
        {**WITH_TOKEN, "sessionToken": f"{SESSION_TOKEN}-of-another"},
        sts=(f"GetCallerIdentity by {TEMPORARY}",),
    ),
    "a session that is over": Broken(
        "AWS answered ExpiredToken",
        WITH_TOKEN,
        spoil=lambda machine: machine.identities.sessions.update({TEMPORARY: SessionKeys("arn", SESSION_TOKEN, 0)}),
        sts=(f"GetCallerIdentity by {TEMPORARY}",),
    ),
    "a key without its secret": Broken("the access key AKIA…0009 without its secret", {"username": OURS}),
    "a secret without its key": Broken("a secret access key without the access key id", {"password": SECRET_ACCESS_KEY}),
    "nothing at all": Broken("it holds neither an access key nor a role", {}),
    "nothing at all, in the Toolkit's": Broken("holds neither an access key nor a role", {}, input="aws_credentials"),
    "a connection that was not handed over": Broken("The agent has handed over no", KEYS, spoil=removed(f"ENDPOINT_AUTH_{ID}")),
    "a connection that cannot be read": Broken("is not the JSON of", KEYS, spoil=hands_over(**{f"ENDPOINT_AUTH_{ID}": "{"})),
    "a connection of another scheme": Broken(
        "authorises by the scheme 'Token'", KEYS, spoil=hands_over(**{f"ENDPOINT_AUTH_{ID}": '{"scheme":"Token","parameters":{}}'})
    ),
    # roles
    "a role that does not trust the keys": Broken(
        "Could not assume role .* AWS answered AccessDenied", {**KEYS, **ASSUMES}, sts=(f"AssumeRole by {OURS}",)
    ),
    "a role that does not trust the host": Broken(
        "Could not assume role .* AWS answered AccessDenied", ASSUMES, sts=(f"AssumeRole by {ENV}",)
    ),
    "another external id": Broken(
        "AWS answered AccessDenied",
        {**KEYS, **ASSUMES, "externalId": "wrong"},
        spoil=role(trusts={OURS}, external_id="ext"),
        sts=(f"AssumeRole by {OURS}",),
    ),
    "a session that lasts longer than the role allows": Broken(
        "AWS answered ValidationError: The requested DurationSeconds exceeds",
        {**KEYS, **ASSUMES, "durationSeconds": "7200"},
        spoil=role(trusts={OURS}),
        sts=(f"AssumeRole by {OURS}",),
    ),
    "a session of no length": Broken("session duration '1h'; it must be", {**KEYS, **ASSUMES, "durationSeconds": "1h"}),
    "no role's ARN": Broken("which is no role's ARN", {**KEYS, "assumeRoleArn": "deploy"}),
    "a role of another partition": Broken("its role is of the partition aws-cn", {**KEYS, "assumeRoleArn": ROLE.replace("aws", "aws-cn", 1)}),
    "an external id beside keys, and no role": Broken("holds an external id and names no role to assume: name the role", {**KEYS, "externalId": "ext"}),
    "an external id beside keys, and no role, in the Toolkit's": Broken("holds an external id and names no role to assume", {**KEYS, "externalId": "ext", "assumeRoleArn": " "}, input="aws_credentials"),
    "an external id alone": Broken("awsConnection.: it holds an external id and names no role to assume", {"externalId": "ext"}),
    # variables
    "a variable's key without its secret": Broken("pipeline variables AWS.*: it holds .* without its secret", variables={"AccessKeyID": VARIABLE}),
    "a variable with a macro of nobody": Broken(r"AWS.SecretAccessKey holds \$\(Gone\)", variables={**IN_VARIABLES, "SecretAccessKey": "$(Gone)"}),
    "variables whose role is denied": Broken(
        "AWS answered AccessDenied", variables={**IN_VARIABLES, "AssumeRoleArn": ROLE}, sts=(f"AssumeRole by {VARIABLE}",)
    ),
    "variables whose role the host may not assume": Broken(
        "AWS answered AccessDenied", variables={"AssumeRoleArn": ROLE}, sts=(f"AssumeRole by {ENV}",)
    ),
    "variables with an external id whose role is in a group that is not linked": Broken(
        r"pipeline variables AWS\.\*: it holds an external id and names no role to assume", variables={**IN_VARIABLES, "ExternalId": "ext"}
    ),
    "a variable with an external id alone": Broken(
        r"pipeline variables AWS\.\*: it holds an external id and names no role to assume", variables={"ExternalId": "ext"}
    ),
    "a variable with a duration of no length": Broken(
        "The variable AWS.RoleCredential.MaxDuration has the session duration '60'",
        variables={**IN_VARIABLES, "RoleCredential_MaxDuration": "60"},
    ),
    # federation, before anything is sent
    "federation with keys": Broken("asks for OIDC federation and holds an access key too", {**KEYS, **FEDERATED}),
    "federation with keys, in the Toolkit's": Broken("asks for OIDC federation and holds an access key too", {**KEYS, **FEDERATED}, input="aws_credentials"),
    "federation without a role": Broken("asks for OIDC federation and names no role", {"useOIDC": "true"}),
    "federation with an external id": Broken("holds an external id, which AssumeRoleWithWebIdentity does not take", {**FEDERATED, "externalId": "ext"}),
    "federation without an access token": Broken("has handed over no access token", FEDERATED, spoil=removed(ACCESS)),
    "federation without an address": Broken("does not know where to ask", FEDERATED, spoil=removed("SYSTEM_OIDCREQUESTURI")),
    "federation by a stranger": Broken("not sent to strangers", FEDERATED, spoil=hands_over(SYSTEM_OIDCREQUESTURI="http://127.0.0.1:1/x")),
    # federation, at Azure DevOps
    "an access token that has expired": Broken(f"{NO_LOGIN} 401", FEDERATED, spoil=hands_over(**{ACCESS: "yesterdays"})),
    "a redirect to log in": Broken(f"{NO_LOGIN} 302", FEDERATED, spoil=answers(302, Location="https://login.example/")),
    "a page to log in": Broken(f"{NO_LOGIN} 203", FEDERATED, spoil=answers(203, b"<html>", Content_Type="text/html")),
    "a page to log in that looks well": Broken(f"{NO_LOGIN} 200", FEDERATED, spoil=answers(200, b"<html>", Content_Type="text/html")),
    "a server that issues no tokens": Broken(f"{CANNOT} 404", FEDERATED, spoil=answers(404)),
    "a server whose API is older": Broken(f"{CANNOT} 400: out of range", FEDERATED, spoil=answers(400, OLD)),
    "a pipeline that may not": Broken("answered 403", FEDERATED, spoil=lambda machine: setattr(machine.tokens, "connection", "other")),
    "a server that is down": Broken("Azure DevOps answered 503: Service Unavailable", FEDERATED, spoil=answers(503)),
    "a server that hangs up": Broken("closed the connection before", FEDERATED, spoil=lambda machine: setattr(machine.tokens, "instead", Answer(hang_up=True))),
    "an answer without a token": Broken("answered without one", FEDERATED, spoil=answers(200, b"{}")),
    "a token that is none": Broken("the three parts of a JWT", FEDERATED, spoil=lambda machine: setattr(machine.tokens, "token", "no.jwt")),
    # federation, at AWS
    "a token that was forged": Broken("AWS answered InvalidIdentityToken", FEDERATED, spoil=lambda machine: setattr(machine.tokens, "token", sealed({"iss": ISSUER})[:-8]), sts=BY_TOKEN),
    "an issuer that the account does not know": Broken("No OpenIDConnect provider found", FEDERATED, spoil=claims(iss="https://login.microsoftonline.com/x/v2.0"), sts=BY_TOKEN),
    "another audience": Broken("Incorrect token audience", FEDERATED, spoil=claims(aud="api://somebody"), sts=BY_TOKEN),
    "another subject": Broken("AWS answered AccessDenied", FEDERATED, spoil=claims(sub="sc://example/Shop/renamed"), sts=BY_TOKEN),
    "a token that has expired": Broken("AWS answered ExpiredTokenException", FEDERATED, spoil=expired_token, sts=BY_TOKEN),
    "a token that is not valid yet": Broken("not valid yet", FEDERATED, spoil=lambda machine: machine.tokens.claims.update(nbf=machine.time.clock()() + 60), sts=BY_TOKEN),
    "a role that is not there": Broken("AWS answered AccessDenied", {**FEDERATED, "assumeRoleArn": f"{ROLE}-gone"}, sts=BY_TOKEN),
    "a federated session that lasts too long": Broken(
        "Lower the session duration", {**FEDERATED, "durationSeconds": "7200"}, sts=BY_TOKEN
    ),
    # the machine's own
    "half a key in the environment": Broken("Partial credentials found in env", spoil=lambda machine: machine.monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")),
    "a profile that is not there": Broken("profile", first="file", spoil=lambda machine: machine.monkeypatch.setenv("AWS_PROFILE", "gone")),
    "half a key in the file": Broken("Partial credentials found in shared-credentials-file", first="file", spoil=lambda _: Path(os.environ["AWS_SHARED_CREDENTIALS_FILE"]).write_text("[default]\naws_access_key_id=AKIA\n")),
    "a process that fails": Broken("custom-process", first="process", spoil=lambda _: Path(os.environ["AWS_CONFIG_FILE"]).write_text("[default]\ncredential_process=false\n")),
    "a process that prints something else": Broken("process", first="process", spoil=lambda machine: (machine.folder / "keys.py").write_text("print('hello')")),
    "a container that fails": Broken("container-role", first="container", spoil=broken_metadata),
    "a container's address that is none": Broken("container", first="container", spoil=lambda machine: machine.monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://strange.example/")),
    "an instance without a role": Broken("There are no AWS credentials", first="instance", spoil=lambda machine: machine.metadata._rules.clear()),
}  # fmt: skip


@pytest.mark.parametrize("row", BROKEN.values(), ids=BROKEN)
def test_what_is_set_and_broken_fails_as_itself_and_nobody_else_signs(machine: Machine, row: Broken) -> None:
    inputs = row.set_up(machine)
    with pytest.raises(RopewayError) as failed:
        machine.act(**inputs)
    assert re.search(row.says, str(failed.value)), str(failed.value)
    assert machine.identities.signed == []
    assert machine.identities.asked == [*row.sts]


BEFORE = [
    name for name, row in BROKEN.items() if row.parameters and "useOIDC" in row.parameters and "federation" in name
]


@pytest.mark.parametrize("name", BEFORE)
def test_federation_that_cannot_work_is_refused_before_anything_is_sent(machine: Machine, name: str) -> None:
    inputs = BROKEN[name].set_up(machine)
    with pytest.raises(RopewayError):
        machine.connect(**inputs)
    assert [*machine.devops.requests, *machine.aws.requests, *machine.metadata.requests] == []
