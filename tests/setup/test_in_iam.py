"""The policy and who acts under it, in the embedded AWS's IAM: made, compared, changed where it differs, and nothing of others lost."""

from __future__ import annotations

import json
import uuid

import pytest

from ropeway.errors import AccessDenied, RopewayError
from ropeway.setup import in_iam
from ropeway.setup.identity import AUDIENCE, Federation, Identity
from tests.checks.kinds.aws_kit import aws, client_of, without

__all__ = ["aws", "client_of", "without"]

DOCUMENT = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": ["s3:PutObject"], "Resource": "arn:aws:s3:::b/*"}],
}
OTHER = {**DOCUMENT, "Statement": [{"Effect": "Allow", "Action": ["s3:GetObject"], "Resource": "*"}]}
ACCOUNT = "123456789012"


@pytest.fixture
def iam(client_of):
    return client_of("iam")


@pytest.fixture
def name() -> str:
    return f"ropeway-{uuid.uuid4().hex[:8]}"


@pytest.fixture
def federation() -> Federation:
    return Federation("contoso", str(uuid.uuid4()), "Shop", "aws")


def told(plan) -> list[str]:
    return [f"{step.action} {step.name} ({step.reason})" for step in plan.steps]


def made(aws, identity, document=DOCUMENT):
    plan = in_iam.plan(document, identity, aws)
    outcome = in_iam.apply(plan, aws)
    assert outcome.error is None
    return plan, {output.name: output.value for output in outcome.outputs}


def current(iam, arn: str) -> dict:
    version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
    return iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]["Document"]


def attached(iam, **whose: str) -> list[str]:
    method = iam.list_attached_role_policies if "RoleName" in whose else iam.list_attached_user_policies
    return [one["PolicyArn"] for one in method(**whose)["AttachedPolicies"]]


def test_the_policy_alone(aws, iam, name):
    plan, outputs = made(aws, Identity(name))
    assert told(plan) == [f"create policy {name} (new)"]
    assert outputs == {"policyArn": f"arn:aws:iam::{ACCOUNT}:policy/{name}"}
    assert current(iam, outputs["policyArn"]) == DOCUMENT


def test_a_role_that_one_service_connection_assumes(aws, iam, name, federation):
    plan, outputs = made(aws, Identity(name, federation))
    assert told(plan) == [
        f"create policy {name} (new)",
        f"create identity provider {federation.issuer} (new)",
        f"create role {name} (new)",
        f"configure policy of role {name} (settings differ)",
    ]
    assert outputs["roleArn"] == f"arn:aws:iam::{ACCOUNT}:role/{name}"
    (statement,) = iam.get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"]["Statement"]
    assert statement["Principal"] == {"Federated": f"arn:aws:iam::{ACCOUNT}:oidc-provider/{federation.issuer}"}
    assert statement["Condition"]["StringEquals"] == {
        f"{federation.issuer}:aud": AUDIENCE,
        f"{federation.issuer}:sub": "sc://contoso/Shop/aws",
    }
    assert attached(iam, RoleName=name) == [outputs["policyArn"]]


def test_a_user(aws, iam, name):
    _, outputs = made(aws, Identity(name, user=f"user-of-{name}"))
    assert attached(iam, UserName=f"user-of-{name}") == [outputs["policyArn"]]
    assert iam.list_access_keys(UserName=f"user-of-{name}")["AccessKeyMetadata"] == []


@pytest.mark.parametrize("who", ["role", "user", "nobody"])
def test_a_second_run_changes_nothing(aws, name, federation, who):
    identity = Identity(name, federation if who == "role" else None, f"user-of-{name}" if who == "user" else "")
    made(aws, identity)
    again, outputs = made(aws, identity)
    assert {step.action for step in again.steps} == {"skip"}
    assert again.title == f"IAM of account {ACCOUNT} has it all"
    assert outputs["policyArn"].endswith(name)


def test_what_somebody_changed_is_put_right(aws, iam, name, federation):
    _, outputs = made(aws, Identity(name, federation))
    provider = f"arn:aws:iam::{ACCOUNT}:oidc-provider/{federation.issuer}"
    iam.create_policy_version(PolicyArn=outputs["policyArn"], PolicyDocument=json.dumps(OTHER), SetAsDefault=True)
    iam.add_client_id_to_open_id_connect_provider(OpenIDConnectProviderArn=provider, ClientID="theirs")
    iam.remove_client_id_from_open_id_connect_provider(OpenIDConnectProviderArn=provider, ClientID=AUDIENCE)
    iam.detach_role_policy(RoleName=name, PolicyArn=outputs["policyArn"])
    plan, _ = made(aws, Identity(name, federation))
    assert told(plan) == [
        f"configure policy {name} (settings differ)",
        f"configure identity provider {federation.issuer} (settings differ)",
        f"skip role {name} (unchanged)",
        f"configure policy of role {name} (settings differ)",
    ]
    assert current(iam, outputs["policyArn"]) == DOCUMENT
    given = iam.get_open_id_connect_provider(OpenIDConnectProviderArn=provider)
    assert set(given["ClientIDList"]) == {AUDIENCE, "theirs"}
    assert attached(iam, RoleName=name) == [outputs["policyArn"]]


def test_what_a_policy_will_allow_no_more_is_told_before(aws, iam, name):
    plan, _ = made(aws, Identity(name))
    assert plan.warnings == ()
    wider = {"Effect": "Allow", "Action": ["s3:DeleteObject", "s3:GetObject"], "Resource": "arn:aws:s3:::other/*"}
    both = {**DOCUMENT, "Statement": [*DOCUMENT["Statement"], wider]}
    plan, _ = made(aws, Identity(name), both)
    assert plan.warnings == ()
    plan, _ = made(aws, Identity(name))
    [warning] = plan.warnings
    assert warning == (
        f"The policy {name} allows no more what it allows now: s3:DeleteObject on arn:aws:s3:::other/*, "
        "s3:GetObject on arn:aws:s3:::other/*. Choose another name (--policy-name) to keep both, or name all tasks in one command."
    )


def test_whom_a_role_trusts_beside_stays_trusted(aws, iam, name, federation):
    theirs = {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
    trust = {"Version": "2012-10-17", "Statement": [theirs]}
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))
    made(aws, Identity(name, federation))
    statements = iam.get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"]["Statement"]
    assert statements == [theirs, federation.statement("aws", ACCOUNT)]


def test_a_second_service_connection_joins_the_role(aws, iam, name, federation):
    made(aws, Identity(name, federation))
    other = Federation("contoso", federation.organization_id, "Shop", "aws-2")
    made(aws, Identity(name, other))
    statements = iam.get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"]["Statement"]
    assert statements == [federation.statement("aws", ACCOUNT), other.statement("aws", ACCOUNT)]


def test_a_policy_that_others_have_made_is_never_written_over(aws, iam, name):
    arn = iam.create_policy(PolicyName=name, PolicyDocument=json.dumps(OTHER))["Policy"]["Arn"]
    with pytest.raises(RopewayError, match=f"^IAM has a policy {name} already, which Ropeway has not made"):
        in_iam.plan(DOCUMENT, Identity(name), aws)
    assert current(iam, arn) == OTHER


def test_of_five_versions_the_oldest_gives_way(aws, iam, name):
    _, outputs = made(aws, Identity(name))
    for at in range(4):
        document = {**OTHER, "Statement": [{**OTHER["Statement"][0], "Sid": f"V{at}"}]}
        iam.create_policy_version(
            PolicyArn=outputs["policyArn"], PolicyDocument=json.dumps(document), SetAsDefault=True
        )
    plan, _ = made(aws, Identity(name))
    assert told(plan) == [f"delete version v1 of policy {name} (stale)", f"configure policy {name} (settings differ)"]
    versions = [one["VersionId"] for one in iam.list_policy_versions(PolicyArn=outputs["policyArn"])["Versions"]]
    assert sorted(versions) == ["v2", "v3", "v4", "v5", "v6"]
    assert current(iam, outputs["policyArn"]) == DOCUMENT


def test_who_may_not_look_is_told_the_action(without, name):
    with pytest.raises(AccessDenied, match="iam:GetPolicy"):
        in_iam.plan(DOCUMENT, Identity(name), without("iam:GetPolicy"))


def test_what_fails_half_way_is_named_and_a_second_run_goes_on(aws, iam, name, federation, without):
    plan = in_iam.plan(DOCUMENT, Identity(name, federation), aws)
    outcome = in_iam.apply(plan, without("iam:CreateRole"))
    assert "Could not make the role" in str(outcome.error)
    assert "iam:CreateRole" in str(outcome.error)
    assert [result.error is None for result in outcome.results] == [True, True, False]
    assert outcome.outputs == ()


def test_it_goes_on_where_another_run_has_stopped(aws, iam, name, federation):
    made(aws, Identity(name))
    plan, _ = made(aws, Identity(name, federation))
    assert told(plan)[0] == f"skip policy {name} (unchanged)"
    assert attached(iam, RoleName=name) != []
