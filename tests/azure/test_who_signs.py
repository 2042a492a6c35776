"""Every source of credentials, and who signed: read at AWS's door, from the Authorization header and by GetCallerIdentity.

In every row all the sources that come after the one that should count are there too, and would work.
"""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from tests.azure.job import (
    ASSUMES,
    CONTAINER,
    ENV,
    FEDERATED,
    FILE,
    ID,
    IN_VARIABLES,
    INSTANCE,
    KEYS,
    OURS,
    PROCESS,
    SESSION,
    TEMPORARY,
    VARIABLE,
    WITH_TOKEN,
    Machine,
    Row,
)
from tests.secrecy import SECRET_ACCESS_KEY, SESSION_TOKEN
from tests.servers.identities import ACCOUNT, ROLE


def of_connections(input: str, name: str) -> dict[str, Row]:
    """What both types of connection can; ours keeps in its data what is no secret."""
    origin = f"service connection {ID} ({name})"
    whose = f"role {ROLE} of {origin}"

    def row(signs: str, origin: str, secret: Mapping[str, str], rest: Mapping[str, str], *sts: str) -> Row:
        if input == "aws_connection":
            return Row(signs, origin, secret, rest, input=input, sts=sts)
        return Row(signs, origin, {**secret, **rest}, input=input, sts=sts)

    key = f"{origin} (access key AKIA…0009)"
    host = "the host: environment variables (access key AKIA…0003)"
    token = f"an identity token of {origin}"
    return {
        f"{name}: keys": row(OURS, key, KEYS, {}),
        f"{name}: keys and session token": row(TEMPORARY, f"{origin} (access key ASIA…0008)", WITH_TOKEN, {}),
        f"{name}: role, by its keys": row(
            SESSION, f"role {ROLE}, assumed with {key}", {**KEYS, "externalId": "ext"}, ASSUMES, f"AssumeRole by {OURS}"
        ),
        f"{name}: role, by the host": row(
            SESSION, f"{whose}, assumed with {host}", {"externalId": "ext"}, ASSUMES, f"AssumeRole by {ENV}"
        ),
        f"{name}: role, by a token": row(
            SESSION, f"role {ROLE}, assumed with {token}", {}, FEDERATED, "AssumeRoleWithWebIdentity by nobody"
        ),
    }


V = "pipeline variables AWS.*"
ROWS = {
    **of_connections("aws_connection", "awsConnection"),
    **of_connections("aws_credentials", "awsCredentials"),
    "variables: keys": Row(VARIABLE, f"{V} (access key AKIA…0002)", variables=IN_VARIABLES),
    "variables: keys and session token": Row(
        TEMPORARY,
        f"{V} (access key ASIA…0008)",
        variables={"AccessKeyID": TEMPORARY, "SecretAccessKey": SECRET_ACCESS_KEY, "SessionToken": SESSION_TOKEN},
    ),
    "variables: keys and the name of a session of no role": Row(
        VARIABLE, f"{V} (access key AKIA…0002)", variables={**IN_VARIABLES, "RoleSessionName": "release"}
    ),
    "variables: role, by their keys": Row(
        SESSION,
        f"role {ROLE}, assumed with {V} (access key AKIA…0002)",
        variables={**IN_VARIABLES, "AssumeRoleArn": ROLE, "ExternalId": "ext"},
        sts=(f"AssumeRole by {VARIABLE}",),
    ),
    "variables: role, by the host": Row(
        SESSION,
        f"role {ROLE} of {V}, assumed with the host: environment variables (access key AKIA…0003)",
        variables={"AssumeRoleArn": ROLE, "ExternalId": "ext"},
        sts=(f"AssumeRole by {ENV}",),
    ),
    "host: environment": Row(ENV, "the host: environment variables (access key AKIA…0003)"),
    "host: environment, and a variable with the name of a session of no role": Row(
        ENV, "the host: environment variables (access key AKIA…0003)", variables={"RoleSessionName": "release"}
    ),
    "host: pod": Row(
        SESSION,
        "the host: a role assumed with a web identity token",
        first="pod",
        sts=("AssumeRoleWithWebIdentity by nobody",),
    ),
    "host: credentials file": Row(
        FILE, "the host: shared credentials file, profile default (access key AKIA…0004)", first="file"
    ),
    "host: process": Row(
        PROCESS, "the host: credential process of profile default (access key AKIA…0005)", first="process"
    ),
    "host: container": Row(CONTAINER, "the host: container role", first="container"),
    "host: instance": Row(INSTANCE, "the host: EC2 instance role", first="instance"),
}


def trusting(machine: Machine) -> None:
    role = machine.identities.roles[ROLE]
    role.trusts, role.external_id = {OURS, VARIABLE, ENV}, "ext"


@pytest.mark.parametrize("engine", ["boto3", "wire"])
@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_who_signs_is_who_should_and_is_said(machine: Machine, row: Row, engine: str) -> None:
    machine.engine = engine
    inputs = row.set_up(machine)
    trusting(machine)
    said = machine.act(**inputs)
    assert machine.identities.signed == [row.signs]
    assert machine.identities.asked == [*row.sts, f"GetCallerIdentity by {row.signs}"]
    session = f"sts::{ACCOUNT}:assumed-role/deploy/{'pod' if row.first == 'pod' else 'ropeway'}"
    who = session if row.signs == SESSION else f"iam::{ACCOUNT}:user/{row.signs}"
    assert said == f"Acting as arn:aws:{who} in account {ACCOUNT}, region eu-west-1: {row.origin}."


@pytest.mark.parametrize(
    ("name", "and_key"),
    [
        ("awsConnection: keys", ""),
        ("awsConnection: role, by its keys", ", access key ASIA…0001"),
        ("awsCredentials: role, by a token", ", access key ASIA…0001"),
        ("variables: keys", ""),
        ("host: environment", ""),
        ("host: instance", ", access key ASIA…0007"),
    ],
)
def test_who_signs_is_said_too_where_no_sts_is_asked(machine: Machine, name: str, and_key: str) -> None:
    row = ROWS[name]
    inputs = row.set_up(machine)
    trusting(machine)
    said = machine.act(endpoint_url=machine.aws.url, **inputs)
    assert machine.identities.signed == [row.signs]
    assert machine.identities.asked == [*row.sts]
    assert said == f"Acting with {row.origin}{and_key}, region eu-west-1; AWS was not asked whose account that is."
