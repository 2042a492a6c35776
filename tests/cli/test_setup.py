"""`ropeway setup policy`: what is printed, what is made, and that a task runs under it."""

from __future__ import annotations

import json
import uuid

import pytest

from tests.deciding import iam_decides
from tests.secrecy import secret

GUID = "0f8fad5b-d9cb-469f-a165-70867728950e"


@pytest.fixture
def name() -> str:
    return f"ropeway-{uuid.uuid4().hex[:8]}"


def test_the_policy_is_printed_for_a_file_and_what_is_left_out_beside_it(ropeway):
    answer = ropeway("setup", "policy", "s3-upload", "--bucket-name", "my-bucket", "--target-folder", "site")
    assert answer.code == 0
    assert answer.json == {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Action": ["s3:PutObject", "s3:AbortMultipartUpload"],
                "Resource": "arn:aws:s3:::my-bucket/site/*",
            }
        ],
    }
    assert "Left out, since nobody said that it is in use (--using):" in answer.err
    assert "  s3:PutObjectTagging: S3Upload, tags are given" in answer.err


@pytest.mark.parametrize(
    ("task", "typed", "prefix"),
    [
        ("s3-upload", "/a//b/", "a/b/*"),
        ("s3-deploy", "a\\b", "a/b/*"),
        ("s3-download", "a//b", "a//b/*"),
        ("s3-upload", "", "*"),
    ],
)
def test_the_prefix_is_spelled_as_the_task_spells_it(ropeway, task, typed, prefix):
    """An upload to `a//b` writes to `a/b`; a download from it reads what is called so."""
    answer = ropeway("setup", "policy", task, "--bucket-name", "my-bucket", "--target-folder", typed)
    assert f'"arn:aws:s3:::my-bucket/{prefix}"' in answer.out


@pytest.mark.parametrize("written", ["s3-download", "S3Download", "RopewayS3Download@1", "s3_download"])
def test_a_task_has_the_names_that_people_know_it_by(ropeway, written):
    answer = ropeway("setup", "policy", written, "--bucket-name", "b-1")
    assert "s3:GetObject" in answer.out


def test_the_region_says_the_partition(ropeway):
    answer = ropeway("setup", "policy", "s3-upload", "--bucket-name", "b-1", "--region-name", "cn-north-1")
    assert answer.json["Statement"][0]["Resource"] == "arn:aws-cn:s3:::b-1/*"


@pytest.mark.parametrize(
    "address",
    [
        "https://contoso.visualstudio.com/",
        "https://contoso.visualstudio.com/DefaultCollection",
        "https://contoso.visualstudio.com/Shop/_build",
        "https://contoso.VisualStudio.com",
        "contoso.visualstudio.com",
        "https://dev.azure.com/contoso/",
        "https://dev.azure.com/contoso/Shop/_build",
        "dev.azure.com/contoso",
    ],
)
def test_an_organisation_is_known_by_each_of_its_addresses(ropeway, address):
    """A role that trusted sc://contoso.visualstudio.com/… or sc://DefaultCollection/… would let nobody in."""
    who = ("--organization", address, "--organization-id", str(uuid.uuid4()))
    who += ("--project", "Shop", "--connection-name", "aws", "--form", "cloudformation")
    answer = ropeway("setup", "policy", "s3-upload", "--bucket-name", "b-1", *who)
    assert '"sc://contoso/Shop/aws"' in answer.out, answer.err


def test_a_template_for_cloudformation(ropeway):
    who = ("--organization", "contoso", "--organization-id", GUID, "--project", "Shop", "--connection-name", "aws")
    answer = ropeway("setup", "policy", "s3-upload", "--bucket-name", "b-1", "--form", "cloudformation", *who)
    assert set(answer.json["Resources"]) == {"Policy", "Provider", "Role"}


def test_the_id_of_the_organization_is_asked_for(ropeway, organization):
    who = ("--organization", organization.url, "--project", "Shop", "--connection-name", "aws")
    answer = ropeway("setup", "policy", "s3-upload", "--bucket-name", "b-1", "--form", "cloudformation", *who)
    assert answer.json["Resources"]["Provider"]["Properties"]["Url"].endswith(f"/{organization.id}")
    assert "sc://contoso/Shop/aws" in answer.out
    assert organization.written == []


def test_the_role_trusts_the_project_as_it_is_called_and_not_as_somebody_has_typed_it(ropeway, organization):
    """Azure DevOps finds `shop`, its tokens say `Shop`, and IAM compares to the letter."""
    who = ("--organization", organization.url, "--project", "shop", "--connection-name", "aws")
    answer = ropeway("setup", "policy", "s3-upload", "--bucket-name", "b-1", "--form", "cloudformation", *who)
    assert '"sc://contoso/Shop/aws"' in answer.out, answer.err


def test_the_role_trusts_organization_and_connection_as_they_are_called(ropeway, organization):
    organization.install()
    where = ("--organization", organization.url, "--project", "Shop")
    role = ("--assume-role-arn", "arn:aws:iam::111122223333:role/deploy", "--use-oidc")
    assert ropeway("setup", "connection", *where, "--connection-name", "aws", *role).code == 0
    typed = ("--organization", organization.url.replace("contoso", "CONTOSO"), "--project", "Shop")
    asked = ("s3-upload", "--bucket-name", "b-1", "--form", "cloudformation", *typed, "--connection-name", "AWS")
    assert '"sc://contoso/Shop/aws"' in ropeway("setup", "policy", *asked).out


def test_without_a_token_the_id_must_be_given(ropeway):
    who = ("--organization", "contoso", "--project", "Shop", "--connection-name", "aws")
    answer = ropeway("setup", "policy", "s3-upload", "--bucket-name", "b-1", "--form", "cloudformation", *who)
    assert (answer.code, answer.out) == (1, "")
    assert "Or give --organization-id." in answer.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("s3-uplod", "--bucket-name", "b-1"), "There is no task s3-uplod. There are: check, "),
        (("s3-upload",), "--bucket-name"),
        (("s3-upload", "--bucket-name", "b-1", "--using", "tag"), "tag is no input of S3Upload."),
        (("s3-upload", "--bucket-name", "b-1", "--kms-key", "alias/site"), "of the key itself"),
        (
            ("s3-upload", "--bucket-name", "b-1", "--organization", "contoso"),
            "A role for a service connection needs --project, --connection-name, too.",
        ),
        (("s3-upload", "--bucket-name", "b-1", "--user", "a b"), "--user is 'a b': IAM takes up to 64"),
    ],
    ids=["task", "bucket", "using", "alias", "oidc", "user"],
)
def test_what_cannot_be_meant_is_refused(ropeway, arguments, said):
    answer = ropeway("setup", "policy", *arguments)
    assert answer.code == 2
    assert said in " ".join(answer.err.split())
    assert answer.out == ""


def test_it_is_made_shown_before_and_a_second_run_changes_nothing(ropeway, at_aws, name):
    given = ("setup", "policy", "s3-upload", "--bucket-name", "b-1", "--policy-name", name, "--apply")
    dry = ropeway(*given, "--dry-run")
    assert dry.code == 0
    assert f"policy {name}" in dry.out
    assert "Dry run: nothing was written." in dry.err
    arn = f"arn:aws:iam::123456789012:policy/{name}"
    with pytest.raises(at_aws.exceptions.NoSuchEntityException):
        at_aws.get_policy(PolicyArn=arn)
    answer = ropeway(*given, "--json")
    assert (answer.code, answer.json["outputs"]["policyArn"]) == (0, arn)
    assert at_aws.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"] == "v1"
    again = ropeway(*given)
    assert "has it all" in again.out
    assert f"policyArn: {arn}" in again.out
    assert at_aws.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"] == "v1"


def test_a_user_made_so_may_do_what_was_asked_for_and_nothing_else(
    ropeway, at_aws, monkeypatch, tmp_path, bucket, name
):
    (tmp_path / "index.html").write_text("hello")
    made = ropeway(
        "setup", "policy", "s3-upload", "--bucket-name", bucket, "--target-folder", "site",
        "--using", "skipUnchanged", "--policy-name", name, "--user", name, "--apply",
    )  # fmt: skip
    assert made.code == 0
    key = at_aws.create_access_key(UserName=name)["AccessKey"]
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", key["AccessKeyId"])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", secret("secret access key", key["SecretAccessKey"]))
    with iam_decides():
        right = ropeway("s3", "upload", tmp_path, f"s3://{bucket}/site", "--skip-unchanged")
        wrong = ropeway("s3", "upload", tmp_path, f"s3://{bucket}/other")
        tagged = ropeway("s3", "upload", tmp_path, f"s3://{bucket}/site", "--tags", "**=team=web")
    assert (right.code, wrong.code, tagged.code) == (0, 1, 1), right.err
    assert "s3:PutObject" in wrong.err
    assert "s3:PutObjectTagging" in tagged.err


def test_what_iam_refuses_is_told_and_a_script_can_read_it(ropeway, at_aws, name):
    at_aws.create_policy(
        PolicyName=name,
        PolicyDocument=json.dumps(
            {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}
        ),
    )
    answer = ropeway("setup", "policy", "s3-upload", "--bucket-name", "b-1", "--policy-name", name, "--apply", "--json")
    assert answer.code == 1
    assert f"IAM has a policy {name} already" in answer.json["error"]["message"]
