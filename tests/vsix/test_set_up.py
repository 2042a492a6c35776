"""From nothing to a running release in three commands: an account without roles, an organisation without anything, and then a run of what they made."""

from __future__ import annotations

import json
import time
import uuid
from pathlib import Path
from urllib.parse import parse_qs

import boto3
import pytest
import yaml

from ropeway.setup.identity import AUDIENCE
from tests.cli.conftest import at_aws, organization, ropeway
from tests.deciding import iam_decides
from tests.secrecy import secret
from tests.servers.azure_devops import PATH, AzureDevOps, unsealed
from tests.servers.misbehaving import Answer, _forwarded, misbehaving_server
from tests.vsix.agent import SYSTEM_TOKEN, Endpoint, Job

__all__ = ["at_aws", "organization", "ropeway"]

ACCOUNT = "123456789012"
DENIED = b"<ErrorResponse><Error><Code>AccessDenied</Code><Message>Not authorized to perform sts:AssumeRoleWithWebIdentity</Message></Error></ErrorResponse>"


@pytest.fixture
def name():
    return f"ropeway-{uuid.uuid4().hex[:8]}"


@pytest.fixture
def administrator(at_aws, monkeypatch, name):
    """Who sets it up: a user who may do anything, since from now on IAM decides."""
    document = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    at_aws.create_user(UserName=f"admin-{name}")
    at_aws.put_user_policy(UserName=f"admin-{name}", PolicyName="all", PolicyDocument=json.dumps(document))
    key = at_aws.create_access_key(UserName=f"admin-{name}")["AccessKey"]
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", key["AccessKeyId"])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", secret("secret access key", key["SecretAccessKey"]))
    return key


@pytest.fixture
def sts(embedded, administrator):
    """The embedded AWS behind an STS that holds a token against the role's trust policy, as AWS does."""
    iam = boto3.client(
        "iam", endpoint_url=embedded.endpoint_url, region_name=embedded.region,
        aws_access_key_id=administrator["AccessKeyId"], aws_secret_access_key=administrator["SecretAccessKey"],
    )  # fmt: skip

    def assumed(request):
        asked = {name: values[0] for name, values in parse_qs(request.body.decode()).items()}
        if asked.get("Action") == "AssumeRoleWithWebIdentity" and not _trusts(iam, asked):
            return Answer(403, {"Content-Type": "text/xml"}, DENIED)
        return _forwarded(embedded.endpoint_url, request)

    with misbehaving_server() as server:
        server.on(assumed, method="POST", target="^/$")
        server.upstream = embedded.endpoint_url
        yield server


def _trusts(iam, asked):
    claims = unsealed(asked["WebIdentityToken"])
    issuer = claims["iss"].removeprefix("https://")
    provider = f"arn:aws:iam::{ACCOUNT}:oidc-provider/{issuer}"
    audiences = iam.get_open_id_connect_provider(OpenIDConnectProviderArn=provider)["ClientIDList"]
    role = iam.get_role(RoleName=asked["RoleArn"].rpartition("/")[2])["Role"]
    held = {f"{issuer}:aud": claims["aud"], f"{issuer}:sub": claims["sub"]}
    statements = role["AssumeRolePolicyDocument"]["Statement"]
    return claims["aud"] in audiences and any(
        one["Principal"] == {"Federated": provider} and one["Condition"]["StringEquals"] == held for one in statements
    )


class Pipelines:
    """What Azure DevOps makes of a pipeline: it asks who may use what, and hands the agent the connection with its secrets."""

    def __init__(self, organization, agent, sts):
        self.organization, self.agent, self.sts = organization, agent, sts

    def run(self, name):
        """All stages; the step that released in each."""
        there = self.organization
        [definition] = [one for one in there.definitions.values() if one["name"] == name]
        document = yaml.safe_load(there.repositories[0].files["/" + definition["process"]["yamlFilename"]])
        build, *releases = document["stages"]
        [published] = [step for step in build["jobs"][0]["steps"] if "publish" in step]
        workspace = self.agent.sources.parent
        folder = Path(published["publish"].replace("$(Build.SourcesDirectory)", str(self.agent.sources)))
        folder.rename(workspace / published["artifact"])
        assert there.lets(definition["id"], "queue", str(definition["queue"]["id"]))
        return [self._release(stage["jobs"][0], definition["id"]) for stage in releases]

    def _release(self, job, pipeline):
        there = self.organization
        [environment] = [one for one in there.environments.values() if one["name"] == job["environment"]]
        assert there.lets(pipeline, "environment", str(environment["id"]))
        _, step = job["strategy"]["runOnce"]["deploy"]["steps"]
        [endpoint] = [one for one in there.endpoints.values() if one["name"] == step["inputs"]["awsConnection"]]
        assert there.lets(pipeline, "endpoint", endpoint["id"])
        assert "ropeway.ropeway" in there.installed
        parameters = {name: text for name, text in endpoint["authorization"]["parameters"].items() if text}
        handed = Endpoint(
            endpoint["id"], parameters, endpoint["data"], endpoint["authorization"]["scheme"], endpoint["url"]
        )
        tokens = AzureDevOps(endpoint["id"], time.time)
        tokens.access_token = SYSTEM_TOKEN
        tokens.claims = {
            "iss": f"https://vstoken.dev.azure.com/{there.id}",
            "sub": "sc://contoso/Shop/aws",
            "aud": AUDIENCE,
        }
        with misbehaving_server() as devops:
            devops.on(tokens)
            variables = {"System.OidcRequestUri": f"{devops.url}{PATH}"}
            job = Job("YAML deployment", variables, endpoints=(handed,), server=f"{devops.url}/example/")
            inputs = {**step["inputs"], "awsConnection": endpoint["id"]}
            task = step["task"].partition("@")[0]
            return self.agent.run(task, inputs, job, env={"AWS_ENDPOINT_URL": self.sts.url})


def test_three_commands_lead_to_a_release_and_a_second_time_they_change_nothing(
    ropeway, organization, administrator, agent, sts, s3, name
):
    bucket = f"bucket-{name}"
    devops = ("--organization", organization.url, "--project", "Shop", "--connection-name", "aws")
    role = f"arn:aws:iam::{ACCOUNT}:role/{name}"
    needs = ("--using", "createBucket", "--policy-name", name)
    commands = [
        ("setup", "policy", "s3-upload", "--bucket-name", bucket, *needs, *devops, "--apply"),
        ("setup", "connection", *devops, "--assume-role-arn", role, "--use-oidc", "--install-extension"),
        ("setup", "pipeline", "s3-upload", *devops, "--pipeline-name", "site",
         "--settings", f"bucketName={bucket}", "--settings", "regionName=us-east-1", "--settings", "createBucket=true"),
    ]  # fmt: skip
    with iam_decides():
        for command in commands:
            answer = ropeway(*command)
            assert answer.code == 0, answer.err
        (agent.sources / "dist").mkdir()
        (agent.sources / "dist" / "index.html").write_text("hello")
        [step] = Pipelines(organization, agent, sts).run("site")
        assert step.result == "Succeeded", step.text
        written = list(organization.written)
        for command in commands:
            again = ropeway(*command, "--json")
            assert again.code == 0, again.err
            assert {step["action"] for step in again.json["plan"]["steps"]} == {"skip"}
        healthy = ropeway(
            "doctor", "s3-upload", *devops, "--pipeline-name", "site", "--environments", "production",
            "--bucket-name", bucket, "--using", "createBucket", "--json",
        )  # fmt: skip
    assert organization.written == written
    assert s3.get_object(Bucket=bucket, Key="index.html")["Body"].read() == b"hello"
    assert f"Acting as arn:aws:sts::{ACCOUNT}:assumed-role/{name}/" in step.text
    assert (healthy.code, healthy.json["broken"]) == (0, []), healthy.out


def test_without_the_first_command_the_doctor_names_what_is_missing(ropeway, organization, administrator, name, bucket):
    devops = ("--organization", organization.url, "--project", "Shop", "--connection-name", "aws")
    role = f"arn:aws:iam::{ACCOUNT}:role/{name}"
    with iam_decides():
        ropeway("setup", "connection", *devops, "--assume-role-arn", role, "--use-oidc", "--install-extension")
        answer = ropeway("doctor", *devops, "--bucket-name", bucket, "--json")
    assert answer.json["broken"] == ["identity provider", "role"]
