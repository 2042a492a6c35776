"""OIDC federation through the built extension: a token of the job, a session of the role, and files that it wrote."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator

import pytest

from tests.secrecy import SECRET_ACCESS_KEY
from tests.servers.azure_devops import ISSUER, PATH, AzureDevOps
from tests.servers.identities import ACCOUNT, ROLE, Identities
from tests.servers.misbehaving import Misbehaving, misbehaving_server
from tests.vsix.agent import SYSTEM_TOKEN, Agent, Endpoint, Job
from tests.vsix.commands import StepContext
from tests.vsix.conftest import CONNECTION

HOST = {"AWS_ACCESS_KEY_ID": "AKIAHOSTHOSTHOST0001", "AWS_SECRET_ACCESS_KEY": SECRET_ACCESS_KEY}
FEDERATED = {"assumeRoleArn": ROLE, "useOIDC": "true"}


@pytest.fixture
def tokens() -> AzureDevOps:
    made = AzureDevOps(CONNECTION, time.time)
    made.access_token = SYSTEM_TOKEN
    return made


@pytest.fixture
def identities() -> Identities:
    return Identities(time.time)


@pytest.fixture
def aws(embedded, identities: Identities) -> Iterator[Misbehaving]:
    """An STS that knows who is who, and the embedded S3 behind the same address."""
    with misbehaving_server() as running:
        running.on(identities, method="POST", target="^/$")
        running.upstream = embedded.endpoint_url
        yield running


def upload(agent: Agent, aws: Misbehaving, bucket: str, tokens: AzureDevOps) -> StepContext:
    (agent.sources / "a.txt").write_text("a")
    with misbehaving_server() as devops:
        devops.on(tokens)
        job = Job(
            variables={"System.OidcRequestUri": f"{devops.url}{PATH}"},
            endpoints=(Endpoint(CONNECTION, {}, FEDERATED),),
            server=f"{devops.url}/example/",
        )
        inputs = {"awsConnection": CONNECTION, "regionName": "us-east-1", "bucketName": bucket, "endpointUrl": aws.url}
        environment = {**HOST, "AWS_ENDPOINT_URL_STS": aws.url}
        return agent.run("RopewayS3Upload", {**inputs, "allowedAccountIds": ACCOUNT}, job, env=environment)


def signers(aws: Misbehaving) -> set[str]:
    found = (re.search(r"Credential=([^/]+)/", request.headers.get("authorization", "")) for request in aws.requests)
    return {signer[1] for signer in found if signer}


def test_a_role_is_assumed_by_the_token_of_the_job_and_its_session_writes(agent, aws, s3, bucket, tokens, identities):
    step = upload(agent, aws, bucket, tokens)
    assert step.result == "Succeeded", step.text
    assert s3.get_object(Bucket=bucket, Key="a.txt")["Body"].read() == b"a"
    assert identities.asked[0] == "AssumeRoleWithWebIdentity by nobody"
    [session] = identities.sessions
    assert signers(aws) == {session}
    assert f"assumed with an identity token of service connection {CONNECTION} (awsConnection)." in step.text
    assert {tokens.issued[0], f"hush-secret-of-{session}", f"hush-token-of-{session}"} <= set(step.secrets)
    assert "***" not in step.text


def test_a_role_that_does_not_trust_the_connection_fails_as_itself(agent, aws, s3, bucket, tokens, identities):
    tokens.claims = {"sub": "sc://example/Shop/renamed"}
    step = upload(agent, aws, bucket, tokens)
    assert step.result == "Failed"
    assert "Not authorized to perform sts:AssumeRoleWithWebIdentity" in step.errors[0]
    assert f"The token: issuer {ISSUER}, subject sc://example/Shop/renamed," in step.errors[0]
    assert json.loads(step.errors[0][step.errors[0].index("{") :])["Effect"] == "Allow"
    assert signers(aws) == set()
    assert "Contents" not in s3.list_objects_v2(Bucket=bucket)
