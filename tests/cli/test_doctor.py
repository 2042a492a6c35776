"""`ropeway doctor`: a whole chain holds, and each of its links, broken in turn, is named with the way to mend it."""

from __future__ import annotations

import json
import sys
import time
import types
import uuid
from pathlib import Path

import boto3
import pytest
from moto.iam.models import iam_backends

from ropeway.cli.doctor import LINKS
from ropeway.setup.identity import AUDIENCE, Federation, trust_policy
from tests.deciding import iam_decides
from tests.secrecy import SECRET_ACCESS_KEY, secret

ACCOUNT = "123456789012"
ALLOWED = {"Effect": "Allow", "Action": ["s3:PutObject", "s3:AbortMultipartUpload"], "Resource": "arn:aws:s3:::*"}


class Chain:
    """A pipeline that may deploy to a bucket, by a role and a token. `run` is the doctor, asked about all of it."""

    def __init__(self, ropeway, organization, iam, bucket, monkeypatch):
        self.ropeway, self.organization, self.iam, self.bucket = ropeway, organization, iam, bucket
        self.monkeypatch = monkeypatch
        self.name = f"doctor-{uuid.uuid4().hex[:8]}"
        self.federation = Federation("contoso", organization.id, "Shop", "aws")
        self.options = {"bucket-name": bucket, "project": "Shop", "connection-name": "aws"}
        self.options |= {
            "pipeline-name": "site",
            "environments": "production",
            "pool": "Own",
            "organization": organization.url,
        }
        self._in_aws()
        self._in_devops()

    def _in_aws(self):
        self.monkeypatch.setenv("PATH", str(Path(sys.executable).parent))  # others' ways to a Python take their time
        self.provider = f"arn:aws:iam::{ACCOUNT}:oidc-provider/{self.federation.issuer}"
        self.iam.create_open_id_connect_provider(Url=f"https://{self.federation.issuer}", ClientIDList=[AUDIENCE])
        self.iam.create_role(RoleName=self.name, AssumeRolePolicyDocument=self.trusting(self.federation))
        self.allow(ALLOWED)

    def trusting(self, federation):
        return json.dumps(trust_policy(federation.statement("aws", ACCOUNT)))

    def allow(self, statement):
        document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        self.iam.put_role_policy(RoleName=self.name, PolicyName="deploy", PolicyDocument=document)

    def sends(self, *statements):
        """All that EC2Deploy needs is allowed, and a command goes out as these say."""
        services = ("s3", "ec2", "sts", "elasticloadbalancing", "autoscaling", "cloudwatch", "acm", "lambda")
        actions = [f"{service}:*" for service in services] + ["ssm:List*", "ssm:Get*", "ssm:Cancel*", "ssm:Describe*"]
        rest = {"Effect": "Allow", "Action": actions, "Resource": "*"}
        document = {"Version": "2012-10-17", "Statement": [rest, *statements]}
        self.iam.put_role_policy(RoleName=self.name, PolicyName="deploy", PolicyDocument=json.dumps(document))

    def _in_devops(self):
        there = self.organization
        there.install()
        data = {"assumeRoleArn": f"arn:aws:iam::{ACCOUNT}:role/{self.name}", "useOIDC": "true"}
        authorization = {"scheme": "UsernamePassword", "parameters": {"username": "", "password": None}}
        self.endpoint = {
            "id": str(uuid.uuid4()),
            "name": "aws",
            "type": "RopewayAWS",
            "data": data,
            "authorization": authorization,
        }
        there.endpoints[self.endpoint["id"]] = self.endpoint
        there.definitions[4] = {
            "id": 4,
            "name": "site",
            "queueStatus": "enabled",
            "process": {"type": 2, "yamlFilename": "a.yml"},
        }
        there.environments[6] = {"id": 6, "name": "production"}
        there.queues[8] = {"id": 8, "name": "Own", "pool": {"id": 3, "isHosted": False}}
        self.agent = {"id": 1, "name": "a", "status": "online", "enabled": True, "version": "4.248.0"}
        there.agents[3] = [self.agent]
        for kind, id in (("endpoint", self.endpoint["id"]), ("environment", "6"), ("queue", "8")):
            there.permissions[kind, id] = {
                "resource": {"type": kind, "id": id},
                "pipelines": [{"id": 4, "authorized": True}],
            }

    def run(self, *more, task="s3-upload"):
        options = [part for name, value in self.options.items() if value for part in (f"--{name}", value)]
        answer = self.ropeway("doctor", task, *options, *more, "--json")
        told = {link["name"]: link for link in answer.json["links"]}
        assert answer.code == (1 if answer.json["broken"] else 0)
        return answer.json["broken"], told


@pytest.fixture
def chain(ropeway, organization, at_aws, bucket, monkeypatch):
    return Chain(ropeway, organization, at_aws, bucket, monkeypatch)


def test_a_chain_that_holds_is_told_to_hold(chain):
    broken, told = chain.run()
    assert broken == []
    not_asked = {name for name, link in told.items() if link["verdict"] == "not asked"}
    assert not_asked == {"node", "access key", "state location", "KMS key", "instances", "SSM agents"}
    assert told["permissions"]["found"].endswith(f"role/{chain.name} may do what S3Upload needs")
    assert {link["verdict"] for link in told.values()} == {"holds", "not asked"}
    assert chain.organization.written == []


# --- each broken in turn --------------------------------------------------------------------------------------------------------


def _python(chain, tmp_path):
    (tmp_path / "python3").write_text("#!/bin/sh\necho 3.8.10\n")
    (tmp_path / "python3").chmod(0o755)
    chain.monkeypatch.setenv("PATH", str(tmp_path))


def _node(chain, tmp_path):
    chain.monkeypatch.setenv("AGENT_HOMEDIRECTORY", str(tmp_path))


def _proxy(chain, _):
    chain.monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")


def _token(chain, _):
    chain.monkeypatch.delenv("AZURE_DEVOPS_EXT_PAT")


def _organization(chain, _):
    chain.monkeypatch.setenv("AZURE_DEVOPS_EXT_PAT", "hush-an-old-token")


def _project(chain, _):
    chain.options["project"] = "Shoppe"


def _extension(chain, _):
    chain.organization.installed.clear()


def _disabled(chain, _):
    chain.organization.installed["ropeway.ropeway"]["installState"]["flags"] = "disabled"


def _types(chain, _):
    chain.organization.knows_type = False


def _connection(chain, _):
    chain.organization.endpoints.clear()


def _connection_type(chain, _):
    chain.endpoint["type"] = "Generic"


def _duration(chain, _):
    chain.endpoint["data"]["durationSeconds"] = "60"


def _nobody(chain, _):
    chain.endpoint["data"].clear()


def _pipeline(chain, _):
    chain.organization.definitions.clear()


def _paused(chain, _):
    chain.organization.definitions[4]["queueStatus"] = "paused"


def _permission(chain, _):
    del chain.organization.permissions["endpoint", chain.endpoint["id"]]


def _environments(chain, _):
    chain.organization.environments.clear()


def _environment_permission(chain, _):
    del chain.organization.permissions["environment", "6"]


def _pool_permission(chain, _):
    del chain.organization.permissions["queue", "8"]


def _offline(chain, _):
    chain.agent["status"] = "offline"


def _old_agent(chain, _):
    chain.agent["version"] = "3.225.0"


def _region(chain, _):
    """Of AWS: a store at an address of its own needs none."""
    chain.monkeypatch.delenv("AWS_REGION")
    chain.monkeypatch.delenv("AWS_ENDPOINT_URL")


def _credentials(chain, _):
    chain.monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    chain.monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")


def _network(chain, _):
    chain.monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")


def _clock(chain, _):
    late = types.SimpleNamespace(time=lambda: time.time() - 3600)
    chain.monkeypatch.setattr("ropeway.setup.doctor.case.time", late)


def _account(chain, _):
    chain.endpoint["data"]["allowedAccountIds"] = "999999999999"


def _provider(chain, _):
    chain.iam.delete_open_id_connect_provider(OpenIDConnectProviderArn=chain.provider)


def _audience(chain, _):
    chain.iam.add_client_id_to_open_id_connect_provider(OpenIDConnectProviderArn=chain.provider, ClientID="theirs")
    chain.iam.remove_client_id_from_open_id_connect_provider(OpenIDConnectProviderArn=chain.provider, ClientID=AUDIENCE)


def _role(chain, _):
    chain.endpoint["data"]["assumeRoleArn"] += "-gone"


def _trust(chain, _):
    other = Federation("contoso", chain.organization.id, "Shop", "another")
    chain.iam.update_assume_role_policy(RoleName=chain.name, PolicyDocument=chain.trusting(other))


def _bucket(chain, _):
    chain.options["bucket-name"] += "-gone"


def _bucket_region(chain, _):
    chain.monkeypatch.setenv("AWS_REGION", "eu-central-1")


def _state(chain, _):
    chain.options["state-location"] = f"s3://{chain.bucket}-state"


def _permissions(chain, _):
    chain.allow({**ALLOWED, "Action": ["s3:PutObject"]})


def _instances(chain, _):
    chain.options["instance-tags"] = f"app={chain.name}"


BROKEN = [
    (_python, "python", "3.8.10", "UsePythonVersion@0"),
    (_node, "node", "neither node24 nor node20_1", "Update the agent"),
    (_proxy, "proxy", "The proxy 127.0.0.1:1 cannot be connected to", "HTTPS_PROXY"),
    (_token, "token", "There is no token", "AZURE_DEVOPS_EXT_PAT"),
    (_organization, "organization", "did not accept the token", "Make a new one"),
    (_project, "project", "TF200016", "Check the name of the project"),
    (_extension, "extension", "is not installed in contoso", "--install-extension"),
    (_disabled, "extension", "is disabled", "Enable it"),
    (_types, "connection type", "There is no connection type RopewayAWS", "Update the extension"),
    (_connection, "connection", "There is no service connection aws in Shop", "ropeway setup connection"),
    (_connection_type, "type of the connection", "aws is of the type Generic", "AWS for Ropeway"),
    (_duration, "identity in the connection", "Its session duration is '60'", "ropeway setup connection"),
    (_nobody, "identity in the connection", "neither a role nor an access key", "ropeway setup connection"),
    (_pipeline, "pipeline", "There is no pipeline site", "ropeway setup pipeline"),
    (_paused, "pipeline", "site is paused", "Resume it"),
    (_permission, "permission of the pipeline", "site may not use the service connection aws", "--pipelines"),
    (_environments, "environments", "There is no environment production", "ropeway setup pipeline"),
    (_environment_permission, "permission for environments", "may not use the environment production", "Permit it"),
    (_pool_permission, "permission for the pool", "site may not use the agent pool Own", "ropeway setup pipeline"),
    (_offline, "agents", "None of the 1 agents of Own is online", "Start one"),
    (_old_agent, "agents", "older than 3.232.0 (3.225.0)", "Update them"),
    (_region, "region", "There is no AWS region", "--region-name"),
    (_credentials, "credentials", "no AWS credentials", ""),
    (_network, "network", "Could not reach http://127.0.0.1:1", "docs/networks.md"),
    (_clock, "clock", "s behind AWS's", "Set the clock (NTP)"),
    (_account, "account", "allowed are 999999999999", "the right account"),
    (_provider, "identity provider", "There is no identity provider vstoken.dev.azure.com/", "ropeway setup policy"),
    (_audience, "identity provider", "lacks the audience", "ropeway setup policy"),
    (_role, "role", "There is no role", "ropeway setup policy"),
    (_trust, "trust of the role", "does not trust sc://contoso/Shop/aws", "--organization-id"),
    (_bucket, "bucket", "-gone: AWS answered 404", ""),
    (_bucket_region, "region of the bucket", "lies in us-east-1, and the region is eu-central-1", "--region-name"),
    (_state, "state location", "-state: AWS answered 404", ""),
    (
        _permissions,
        "permissions",
        "may not: s3:AbortMultipartUpload on arn:aws:s3:::",
        "ropeway setup policy s3-upload",
    ),
    (_instances, "instances", "", ""),
]


@pytest.mark.parametrize(
    ("breaking", "link", "found", "mend"), BROKEN, ids=[case[0].__name__.strip("_") for case in BROKEN]
)
def test_a_broken_link_is_named_with_the_way_to_mend_it(chain, tmp_path, breaking, link, found, mend):
    breaking(chain, tmp_path)
    broken, told = chain.run()
    assert broken == [link], told[link]
    assert found in told[link]["found"]
    assert told[link]["mend"]
    assert mend in told[link]["mend"]


@pytest.mark.parametrize("place", ["PYTHONLOCATION", "AGENT_TOOLSDIRECTORY"])
def test_a_python_that_the_launcher_finds_beside_the_path_is_found(chain, monkeypatch, tmp_path, place):
    folder = tmp_path if place == "PYTHONLOCATION" else tmp_path / "Python" / "3.12.4" / "x64"
    (folder / "bin").mkdir(parents=True)
    (folder / "bin" / "python").symlink_to(sys.executable)
    (folder.parent / "x64.complete").touch()
    monkeypatch.setenv(place, str(tmp_path))
    monkeypatch.setenv("PATH", "/nowhere")
    broken, told = chain.run()
    assert broken == []
    assert told["python"]["found"].endswith(f" at {folder}/bin/python")


@pytest.mark.parametrize(
    ("proxy", "found"),
    [
        ("http://nobody:hush-word@127.0.0.1:port", "none that can be read"),
        ("https://127.0.0.1", "127.0.0.1:443 cannot be connected to"),
        ("127.0.0.1:1", "127.0.0.1:1 cannot be connected to"),
    ],
)
def test_the_address_of_a_proxy_is_read_as_it_is_used(chain, monkeypatch, proxy, found):
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    broken, told = chain.run()
    assert broken == ["proxy"]
    assert found in told["proxy"]["found"]
    assert "hush-word" not in json.dumps(told)


@pytest.mark.parametrize("trusted", ["Shop", "shop"])
def test_a_role_trusts_the_project_as_it_is_called_and_not_as_somebody_has_typed_it(chain, trusted):
    """Azure DevOps finds `shop`, its tokens say `Shop`, and IAM compares to the letter."""
    chain.options["project"] = "shop"
    made = Federation("contoso", chain.organization.id, trusted, "aws")
    chain.iam.update_assume_role_policy(RoleName=chain.name, PolicyDocument=chain.trusting(made))
    broken, told = chain.run()
    assert broken == ([] if trusted == "Shop" else ["trust of the role"])
    assert "sc://contoso/Shop/aws" in told["trust of the role"]["found"]


def test_a_role_of_another_account_is_looked_at_there(chain):
    """Its identity provider is there, too: that there is none in this account breaks nothing."""
    chain.endpoint["data"]["assumeRoleArn"] = "arn:aws:iam::444455556666:role/deploy"
    chain.iam.delete_open_id_connect_provider(OpenIDConnectProviderArn=chain.provider)
    broken, told = chain.run()
    assert broken == []
    for name in ("identity provider", "role", "trust of the role"):
        assert (told[name]["verdict"], "444455556666" in told[name]["found"]) == ("not asked", True)


def test_a_pool_whose_agents_come_and_go_is_no_red_while_none_is_there(chain):
    """Azure starts those of a scale set when a run waits for them."""
    chain.organization.agents[3].clear()
    chain.organization.queues[8]["pool"]["options"] = "elasticPool, singleUseAgents"
    broken, told = chain.run()
    assert (broken, told["agents"]["verdict"]) == ([], "unknown")
    assert told["permission for the pool"]["verdict"] == "holds"


def trusting(chain, operator="StringEquals", subject="sc://contoso/Shop/aws", **more):
    """A statement that lets the connection in, otherwise than ours is written."""
    issuer = chain.federation.issuer
    [ours] = json.loads(chain.trusting(chain.federation))["Statement"]
    condition = {"StringEquals": {f"{issuer}:aud": AUDIENCE}}
    condition[operator] = condition.get(operator, {}) | {f"{issuer}:sub": subject}
    return {**ours, "Condition": condition, **more}


@pytest.mark.parametrize(
    ("told", "verdict", "found"),
    [
        ({"operator": "StringLike", "subject": "sc://contoso/Shop/*"}, "holds", "It trusts"),
        ({"operator": "StringLike", "subject": "sc://contoso/Shop/[a]ws"}, "broken", "does not trust"),
        ({"operator": "StringEqualsIgnoreCase", "subject": "sc://contoso/shop/aws"}, "holds", "It trusts"),
        ({"operator": "StringNotLike", "subject": "sc://evil/*"}, "unknown", "conditions that only a run can meet"),
    ],
    ids=["pattern", "brackets", "any-case", "not-like"],
)
def test_a_trust_policy_is_read_as_iam_reads_it(chain, told, verdict, found):
    document = json.dumps(trust_policy(trusting(chain, **told)))
    chain.iam.update_assume_role_policy(RoleName=chain.name, PolicyDocument=document)
    broken, links = chain.run()
    assert broken == (["trust of the role"] if verdict == "broken" else [])
    assert links["trust of the role"]["verdict"] == verdict, links["trust of the role"]
    assert found in links["trust of the role"]["found"]


@pytest.mark.parametrize(
    ("condition", "verdict"),
    [({}, "broken"), ({"NotIpAddress": {"aws:SourceIp": "10.0.0.0/8"}}, "unknown")],
    ids=["always", "sometimes"],
)
def test_a_role_that_denies_what_it_trusts_does_not_let_it_in(chain, condition, verdict):
    deny = {**trusting(chain), "Effect": "Deny", "Condition": condition}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trusting(chain), deny]})
    chain.iam.update_assume_role_policy(RoleName=chain.name, PolicyDocument=document)
    assert chain.run()[1]["trust of the role"]["verdict"] == verdict


def test_a_role_is_assumed_by_its_whole_arn(chain):
    """IAM finds it by the last part of its path alone, and STS does not."""
    right = chain.endpoint["data"]["assumeRoleArn"]
    chain.endpoint["data"]["assumeRoleArn"] = right.replace(":role/", ":role/pipelines/")
    broken, told = chain.run()
    assert broken == ["role"], told["role"]
    assert right in told["role"]["mend"]


@pytest.mark.parametrize(("longest", "is_broken"), [(3600, True), (7200, False)])
def test_a_session_longer_than_the_role_allows_is_named(chain, longest, is_broken):
    chain.iam.update_role(RoleName=chain.name, MaxSessionDuration=longest)
    chain.endpoint["data"]["durationSeconds"] = "7200"
    broken, told = chain.run()
    assert broken == (["role"] if is_broken else [])
    assert ("sessions of 7,200 s, and the role allows 3,600 s" in told["role"]["found"]) == is_broken


@pytest.mark.parametrize("between", [",", "; ", " ", "\n"])
def test_accounts_are_read_in_a_connection_as_the_tasks_read_them(chain, between):
    chain.endpoint["data"]["allowedAccountIds"] = between.join((ACCOUNT, "444455556666"))
    broken, told = chain.run()
    assert broken == [], told["identity in the connection"]
    assert told["account"]["found"] == f"{ACCOUNT} is allowed"


@pytest.mark.parametrize("allowed", [ACCOUNT, "444455556666"])
def test_the_account_of_a_key_is_asked_for_and_not_taken_to_be_the_one_of_this_machine(chain, allowed):
    theirs = iam_backends["444455556666"]["aws"]
    theirs.create_user("us-east-1", chain.name)
    key = theirs.create_access_key(chain.name).access_key_id
    chain.endpoint["data"] = {"allowedAccountIds": allowed}
    chain.endpoint["authorization"]["parameters"] = {"username": key, "password": SECRET_ACCESS_KEY}
    _, told = chain.run()
    assert told["account"]["verdict"] == ("broken" if allowed == ACCOUNT else "holds")
    assert "444455556666" in told["account"]["found"]


def test_credentials_that_aws_does_not_accept_are_named(chain, monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIANOBODYNOBODYNOB1")
    with iam_decides():
        broken, told = chain.run()
    assert broken == ["identity"]
    assert told["identity"]["mend"]


@pytest.mark.parametrize("state", ["Active", "Inactive", "deleted"])
def test_the_key_in_a_connection_is_looked_up(chain, state):
    chain.iam.create_user(UserName=chain.name)
    key = chain.iam.create_access_key(UserName=chain.name)["AccessKey"]["AccessKeyId"]
    document = json.dumps({"Version": "2012-10-17", "Statement": [ALLOWED]})
    chain.iam.put_user_policy(UserName=chain.name, PolicyName="deploy", PolicyDocument=document)
    chain.endpoint["data"].clear()
    chain.endpoint["authorization"]["parameters"] = {"username": key, "password": SECRET_ACCESS_KEY}
    if state == "Inactive":
        chain.iam.update_access_key(UserName=chain.name, AccessKeyId=key, Status="Inactive")
    if state == "deleted":
        chain.iam.delete_access_key(UserName=chain.name, AccessKeyId=key)
    broken, told = chain.run()
    assert ("access key" in broken) == (state != "Active"), told["access key"]
    if state == "Active":
        assert told["permissions"]["found"].endswith(f"user/{chain.name} may do what S3Upload needs")


def test_a_key_of_kms_that_is_disabled_is_named(chain, embedded):
    kms = boto3.client("kms", endpoint_url=embedded.endpoint_url, region_name=embedded.region)
    key = kms.create_key()["KeyMetadata"]
    kms.disable_key(KeyId=key["KeyId"])
    chain.options["kms-key"] = key["Arn"]
    chain.allow({**ALLOWED, "Action": "*", "Resource": "*"})
    broken, told = chain.run()
    assert broken == ["KMS key"]
    assert "is Disabled" in told["KMS key"]["found"]


def test_an_instance_that_ssm_does_not_reach_is_named(chain, embedded):
    """One of the embedded AWS's that is cut off."""
    [machine] = embedded.instances.add(1, tags={"app": chain.name})
    chain.options["instance-tags"] = f"app={chain.name}"
    assert chain.run()[0] == []
    embedded.instances.take_offline(machine.id)
    broken, told = chain.run()
    assert broken == ["SSM agents"]
    assert "AmazonSSMManagedInstanceCore" in told["SSM agents"]["mend"]


SEND = {"Effect": "Allow", "Action": "ssm:SendCommand"}
RUN_SHELL = {**SEND, "Resource": "arn:aws:ssm:*:*:document/AWS-RunShellScript"}
ON_INSTANCES = {**SEND, "Resource": "arn:aws:ec2:*:*:instance/*"}


def tagged(key, value):
    return {**ON_INSTANCES, "Condition": {"StringEquals": {key: value}}}


@pytest.mark.parametrize(
    ("sending", "verdict", "found"),
    [
        ([{**SEND, "Resource": "*"}], "holds", "may do what EC2Deploy needs"),
        ([RUN_SHELL, ON_INSTANCES], "holds", "may do what EC2Deploy needs"),
        ([RUN_SHELL, tagged("ssm:resourceTag/app", "NAME")], "holds", "may do what EC2Deploy needs"),
        ([RUN_SHELL, tagged("aws:ResourceTag/app", "NAME")], "holds", "may do what EC2Deploy needs"),
        ([RUN_SHELL, tagged("aws:ResourceTag/app", "another")], "broken", "may not: ssm:SendCommand on arn:aws:ec2:"),
        ([RUN_SHELL, tagged("aws:ResourceTag/team", "shop")], "broken", "may not: ssm:SendCommand on arn:aws:ec2:"),
        ([ON_INSTANCES], "broken", "may not: ssm:SendCommand on arn:aws:ssm:us-east-1::document/AWS-RunShellScript"),
        ([RUN_SHELL, tagged("aws:SourceVpc", "vpc-1")], "unknown", "cannot tell whether"),
        ([], "broken", "may not: ssm:SendCommand on arn:aws:ssm:"),
    ],
    ids=["all", "resources", "tag-of-ssm", "tag", "another-value", "another-tag", "no-document", "a-condition", "nothing"],
)  # fmt: skip
def test_commands_that_are_narrowed_to_instances_and_their_tags_are_asked_for_on_these(
    chain, embedded, sending, verdict, found
):
    embedded.instances.add(1, tags={"app": chain.name})
    chain.options["instance-tags"] = f"app={chain.name}"
    chain.sends(*json.loads(json.dumps(sending).replace("NAME", chain.name)))
    _, told = chain.run(task="ec2-deploy")
    assert told["permissions"]["verdict"] == verdict, told["permissions"]
    assert found in told["permissions"]["found"]


def test_without_instances_nobody_can_tell_whether_a_command_may_go_to_them(chain):
    chain.sends(RUN_SHELL, ON_INSTANCES)
    broken, told = chain.run(task="ec2-deploy")
    assert (broken, told["permissions"]["verdict"]) == ([], "unknown")
    assert "ssm:SendCommand" in told["permissions"]["found"]
    assert "--instance-tags" in told["permissions"]["mend"]


def test_who_may_not_look_is_told_so_and_it_is_no_red(chain, monkeypatch):
    """That the doctor's own identity may not read IAM says nothing about the pipeline's."""
    chain.iam.create_user(UserName=chain.name)
    key = chain.iam.create_access_key(UserName=chain.name)["AccessKey"]
    document = json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Allow", "Action": ["s3:*", "sts:GetCallerIdentity"], "Resource": "*"}],
        }
    )
    chain.iam.put_user_policy(UserName=chain.name, PolicyName="s3", PolicyDocument=document)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", key["AccessKeyId"])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", secret("secret access key", key["SecretAccessKey"]))
    with iam_decides():
        broken, told = chain.run()
    assert broken == []
    assert {name for name, link in told.items() if link["verdict"] == "unknown"} == {
        "identity provider",
        "role",
        "permissions",
    }
    assert "iam:SimulatePrincipalPolicy" in told["permissions"]["found"] + told["permissions"]["mend"]


@pytest.mark.parametrize("connected", [True, False])
def test_a_bucket_that_whoever_asks_may_not_see_is_no_red_where_others_deploy(chain, monkeypatch, connected):
    chain.iam.create_user(UserName=chain.name)
    key = chain.iam.create_access_key(UserName=chain.name)["AccessKey"]
    document = {"Effect": "Allow", "Action": ["iam:*", "sts:GetCallerIdentity"], "Resource": "*"}
    chain.iam.put_user_policy(
        UserName=chain.name,
        PolicyName="iam",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [document]}),
    )
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", key["AccessKeyId"])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", secret("secret access key", key["SecretAccessKey"]))
    if not connected:
        chain.options |= {"connection-name": "", "pipeline-name": "", "environments": ""}
    with iam_decides():
        broken, told = chain.run()
    assert told["bucket"]["verdict"] == ("unknown" if connected else "broken"), told["bucket"]
    assert ("bucket" in broken) == (not connected)
    assert "s3:ListBucket" in told["bucket"]["found"] + told["bucket"]["mend"]


def test_an_identity_that_the_simulator_does_not_know_is_no_red(ropeway, at_aws, bucket):
    """As the root of an account, or as the embedded AWS's nobody: what it may do is not known, and not refused."""
    answer = ropeway("doctor", "s3-upload", "--bucket-name", bucket, "--json")
    (permissions,) = (link for link in answer.json["links"] if link["name"] == "permissions")
    assert (answer.code, answer.json["broken"], permissions["verdict"]) == (0, [], "unknown")
    assert "NoSuchEntity" in permissions["found"]


# --- how it is told -------------------------------------------------------------------------------------------------------------


def test_a_person_gets_a_table_and_below_it_what_to_do(ropeway, organization, at_aws, bucket):
    organization.install()
    where = ("--organization", organization.url, "--project", "Shop", "--connection-name", "aws")
    answer = ropeway("doctor", *where, "--bucket-name", bucket)
    assert answer.code == 1
    assert "broken     connection                   There is no service connection aws in Shop" in answer.out
    assert "Next: Make it with `ropeway setup connection`." in answer.out
    assert ", 1 broken, " in answer.out


def test_without_an_organization_the_links_of_aws_are_tried(ropeway, at_aws, bucket):
    answer = ropeway("doctor", "--bucket-name", bucket, "--json")
    told = {link["name"]: link["verdict"] for link in answer.json["links"]}
    assert (answer.code, told["token"], told["bucket"]) == (0, "not asked", "holds")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--connection-name", "aws"), "--connection-name is given, and --organization is not."),
        (("--organization", "contoso"), "--organization is given, and --project is not."),
        (("s3-uplod",), "There is no task s3-uplod."),
        (("--state-location", "bucket"), "write it as s3://bucket"),
    ],
    ids=["connection", "project", "task", "state"],
)
def test_what_cannot_be_meant_is_refused(ropeway, arguments, said):
    answer = ropeway("doctor", *arguments)
    assert (answer.code, answer.out) == (2, "")
    assert said in answer.err


def test_every_link_is_on_the_page():
    page = (Path(__file__).parents[2] / "docs" / "doctor.md").read_text(encoding="utf-8")
    rows = {line.split("|")[1].strip() for line in page.splitlines() if line.startswith("| ")}
    assert [link.name for link in LINKS if link.name not in rows] == []
