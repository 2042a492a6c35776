"""The least policy of each task: it passes under exactly what the docs print, and fails with any one action taken out, naming it.

The policies are rendered by the code that renders the docs, IAM decides (moto's, with S3's actions as AWS asks for them), and each
run has an identity and a bucket of its own.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import boto3
import pytest

from ropeway.aws.connection import Connection
from ropeway.aws.policy import policy
from ropeway.aws.session import connect
from ropeway.checks.registry import all_kinds
from ropeway.errors import RopewayError
from ropeway.inputs import camel, read
from ropeway.local.embedded import EmbeddedAws
from ropeway.local.instances.settings import SETTINGS
from ropeway.outcome import Run
from ropeway.registry import all_tasks, load_task
from tests.deciding import iam_decides
from tests.s3.cloudfront.kit import distribution
from tests.secrecy import secret
from tests.servers.balanced import Group, serving
from tests.servers.misbehaving import s3_error
from tests.tasks.conftest import Told

PREFIX = "site/"
LARGE = bytes(9 << 20)
LOCK = {"object_lock_mode": "GOVERNANCE", "object_lock_retain_until": "2099-01-31"}


@dataclass
class World:
    """A bucket and a folder for one run, made by somebody who may do everything."""

    aws: EmbeddedAws
    clients: dict[str, Any]
    folder: Path
    bucket: str = field(default_factory=lambda: f"bucket-{uuid.uuid4().hex[:12]}")
    kms_key: str = ""
    buckets: str = ""
    """What the policies are about, where that is more than the bucket."""
    hosts: list[Any] = field(default_factory=list)
    open: ExitStack = field(default_factory=ExitStack)
    """What serves as long as the run takes."""

    def made(self, **how: Any) -> str:
        self.clients["s3"].create_bucket(Bucket=self.bucket, **how)
        return self.bucket

    def encrypting(self) -> dict[str, str]:
        """The inputs of an upload, or of a release, under a KMS key of its own."""
        self.kms_key = self.clients["kms"].create_key()["KeyMetadata"]["Arn"]
        return {"key_management": "awsManaged", "kms_master_key_id": self.kms_key}

    def file(self, name: str, data: bytes = b"1") -> None:
        (self.folder / name).write_bytes(data)

    def store(self, name: str, data: bytes = b"1", **how: Any) -> str:
        answer = self.clients["s3"].put_object(Bucket=self.bucket, Key=PREFIX + name, Body=data, **how)
        return str(answer.get("VersionId", ""))

    def identity(self, document: dict[str, Any]) -> Connection:
        """Somebody who may do what the document says."""
        iam, name = self.clients["iam"], f"user-{uuid.uuid4().hex[:8]}"
        iam.create_user(UserName=name)
        if document["Statement"]:  # a policy that allows nothing is not taken
            iam.put_user_policy(UserName=name, PolicyName="least", PolicyDocument=json.dumps(document))
        key = iam.create_access_key(UserName=name)["AccessKey"]
        known = secret("secret access key", key["SecretAccessKey"])
        return Connection(name, access_key_id=key["AccessKeyId"], secret_access_key=known)


@dataclass(frozen=True)
class Case:
    """A run that needs `actions` beside what its task always needs. `prepare` makes what must be there, and gives the inputs."""

    name: str
    task: str
    actions: frozenset[str]
    prepare: Callable[[World], dict[str, str]]
    rest: bool = True
    """Whether it is proved of what its task always needs, too, that it fails without: another case of the task may do that."""

    def allowed(self) -> list[Any]:
        rows = load_task(self.task).actions
        return [row for row in rows if not row.when or row.action in self.actions]


CASES: list[Case] = []


def case(task: str, *actions: str, rest: bool = True) -> Callable[[Callable[[World], dict[str, str]]], None]:
    def add(prepare: Callable[[World], dict[str, str]]) -> None:
        CASES.append(Case(prepare.__name__, task, frozenset(actions), prepare, rest))

    return add


# --- uploads ---------------------------------------------------------------------------------------------------------------


@case("s3_upload")
def files_go_up(world):
    world.file("small")
    world.file("large", LARGE)
    return {"bucket_name": world.made()}


@case("s3_upload", "s3:PutObjectAcl")
def files_go_up_with_an_acl(world):
    world.file("a")
    return {"bucket_name": world.made(), "files_acl": "bucket-owner-full-control"}


@case("s3_upload", "s3:PutObjectTagging")
def files_go_up_with_tags(world):
    world.file("a")
    return {"bucket_name": world.made(), "tags": "**=team=web"}


@case("s3_upload", "s3:PutObjectRetention", "s3:PutObjectLegalHold")
def files_go_up_locked(world):
    world.file("a")
    world.file("large", LARGE)
    return {"bucket_name": world.made(ObjectLockEnabledForBucket=True), "object_lock_legal_hold": "true", **LOCK}


@case("s3_upload", "s3:GetObject", "s3:ListBucket")
def unchanged_files_are_skipped(world):
    bucket = world.made()
    world.store("same", ContentType="application/octet-stream")
    world.file("same")
    world.file("new")
    return {"bucket_name": bucket, "skip_unchanged": "true"}


@case("s3_upload", "s3:GetObject", "s3:ListBucket", "s3:GetObjectTagging", "s3:PutObjectTagging")
def unchanged_files_with_tags_are_skipped(world):
    bucket = world.made()
    world.store("same", ContentType="application/octet-stream", Tagging="team=web")
    world.file("same")
    world.file("new")
    return {"bucket_name": bucket, "skip_unchanged": "true", "tags": "**=team=web"}


@case("s3_upload", "s3:CreateBucket", "s3:ListBucket")
def the_bucket_is_made(world):
    world.file("a")
    return {"bucket_name": world.bucket, "create_bucket": "true"}


@case(
    "s3_upload",
    "s3:CreateBucket",
    "s3:ListBucket",
    "s3:PutBucketObjectLockConfiguration",
    "s3:PutBucketVersioning",
    "s3:PutObjectRetention",
)
def the_bucket_is_made_with_object_lock(world):
    world.file("a")
    return {"bucket_name": world.bucket, "create_bucket": "true", **LOCK}


@case("s3_upload", "kms:GenerateDataKey")
def files_go_up_encrypted(world):
    world.file("a")
    return {"bucket_name": world.made(), **world.encrypting()}


@case("s3_upload", "kms:GenerateDataKey", "kms:Decrypt")
def large_files_go_up_encrypted(world):
    world.file("large", LARGE)
    return {"bucket_name": world.made(), **world.encrypting()}


@case("s3_upload", "kms:GenerateDataKey", "kms:Decrypt", "s3:GetObject", "s3:ListBucket")
def unchanged_encrypted_files_are_skipped(world):
    given = {"bucket_name": world.made(), "skip_unchanged": "true", **world.encrypting()}
    how = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": world.kms_key, "ChecksumAlgorithm": "CRC32"}
    world.store("same", ContentType="application/octet-stream", **how)
    world.file("same")
    world.file("new")
    return given


# --- downloads -------------------------------------------------------------------------------------------------------------


@case("s3_download")
def objects_come_down(world):
    bucket = world.made()
    world.store("small")
    world.store("large", bytes(17 << 20))
    world.file("small", b"older")
    return {"bucket_name": bucket, "overwrite": "changed", "strip_prefix": "true", "keep_modified": "true"}


@case("s3_download", "s3:GetObjectVersion")
def older_versions_come_down(world):
    bucket = world.made()
    status = {"Status": "Enabled"}
    world.clients["s3"].put_bucket_versioning(Bucket=bucket, VersioningConfiguration=status)
    world.store("current")
    old = world.store("pinned", b"old")
    world.store("pinned", b"new")
    return {"bucket_name": bucket, "version_ids": f"pinned={old}"}


@case("s3_download", "kms:Decrypt")
def encrypted_objects_come_down(world):
    bucket = world.made()
    world.encrypting()
    world.store("a", ServerSideEncryption="aws:kms", SSEKMSKeyId=world.kms_key)
    return {"bucket_name": bucket}


# --- checks ----------------------------------------------------------------------------------------------------------------


def word_of_checks(world: World) -> str:
    """The place where others have left word."""
    told = {"version": 1, "result": "passed", "release": "", "attempt": "1", "failed_checks": [], "warning_checks": []}
    place = f"s3://{world.made()}/{PREFIX}"
    world.store(".ropeway/checks/default/local/local.json", json.dumps(told).encode())
    return place


@case("check", "s3:PutObject", "s3:GetObject")
def word_is_left_of_what_checks_came_to(world):
    suite = "checks: {closed: {tcp: {address: '127.0.0.1:1', open: false}}}"
    return {"suite": suite, "state_location": word_of_checks(world)}


@case("check", "s3:PutObject", "s3:GetObject", "kms:GenerateDataKey", "kms:Decrypt")
def word_is_left_under_a_key(world):
    suite = "checks: {closed: {tcp: {address: '127.0.0.1:1', open: false}}}"
    given = {"suite": suite, "state_location": word_of_checks(world), **world.encrypting()}
    how = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": world.kms_key}
    name = f"{PREFIX}.ropeway/checks/default/local/local.json"
    told = {"CopySource": f"{world.bucket}/{name}", "Bucket": world.bucket, "Key": name, **how}
    world.clients["s3"].copy_object(**told)
    return given


@case("check", "s3:GetObject")
def word_of_checks_is_recalled(world):
    return {"mode": "recall", "state_location": word_of_checks(world)}


# --- sites -----------------------------------------------------------------------------------------------------------------


def released(world: World, release: str, files: dict[str, bytes], **given: str) -> None:
    """A release, by somebody who may do everything."""
    for name, data in files.items():
        world.file(name, data)
    where = {"endpoint_url": world.aws.endpoint_url, "region_name": world.aws.region}
    what = {"bucket_name": world.bucket, "source_folder": str(world.folder), "target_folder": PREFIX}
    task = load_task("s3_deploy")
    inputs = read(task.inputs, {**where, **what, "release_id": release, **given}, camel)
    aws = connect(inputs, world.aws.connection)
    assert task.apply(task.plan(inputs, aws, Run()), aws, Run()).error is None


@case("s3_deploy", "s3:DeleteObject")
def a_site_is_released_over_another_one(world):
    world.made()
    released(world, "1", {"index.html": b"one", "gone.html": b"gone"})
    (world.folder / "gone.html").unlink()
    world.file("index.html", b"two")
    return {"bucket_name": world.bucket, "release_id": "2"}


@case("s3_deploy", "kms:GenerateDataKey", "kms:Decrypt")
def a_site_is_released_to_a_bucket_that_encrypts(world):
    world.made()
    world.encrypting()
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": world.kms_key}}
    world.clients["s3"].put_bucket_encryption(Bucket=world.bucket, ServerSideEncryptionConfiguration={"Rules": [rule]})
    world.file("index.html")
    return {"bucket_name": world.bucket, "release_id": "1"}


@case("s3_deploy", "kms:GenerateDataKey", "kms:Decrypt")
def a_site_is_released_encrypted(world):
    bucket = world.made()
    world.file("index.html")
    return {"bucket_name": bucket, "release_id": "1", **world.encrypting()}


@case("s3_deploy", "kms:GenerateDataKey", "kms:Decrypt", "s3:GetObjectVersion", rest=False)
def a_release_is_taken_back_encrypted(world):
    world.made()
    status = {"Status": "Enabled"}
    world.clients["s3"].put_bucket_versioning(Bucket=world.bucket, VersioningConfiguration=status)
    given = world.encrypting()
    released(world, "1", {"index.html": b"one"}, **given)
    released(world, "2", {"index.html": b"two"}, **given)
    return {"bucket_name": world.bucket, "mode": "rollback", **given}


@case("s3_deploy", "s3:PutObjectTagging")
def a_site_with_tags_is_released_over_files_of_somebody_else(world):
    world.made()
    world.store("index.html", b"one", ContentType="text/html", Tagging="team=web")
    world.file("index.html", b"one")
    return {"bucket_name": world.bucket, "release_id": "1", "settings": "site: {headers: {'**': {tags: {team: shop}}}}"}


@case("s3_deploy", "s3:GetObjectVersion")
def a_release_is_taken_back(world):
    world.made()
    status = {"Status": "Enabled"}
    world.clients["s3"].put_bucket_versioning(Bucket=world.bucket, VersioningConfiguration=status)
    released(world, "1", {"index.html": b"one"})
    released(world, "2", {"index.html": b"two"})
    return {"bucket_name": world.bucket, "mode": "rollback"}


@case(
    "s3_deploy",
    "s3:GetBucketVersioning",
    "s3:PutBucketVersioning",
    "s3:GetBucketWebsite",
    "s3:PutBucketWebsite",
    "s3:GetBucketPublicAccessBlock",
    "s3:PutBucketPublicAccessBlock",
    "s3:GetBucketPolicy",
    "s3:PutBucketPolicy",
)
def a_site_is_set_up(world):
    world.file("index.html")
    opened = {"website": "true", "public_read": "true", "versioning": "true"}
    return {"bucket_name": world.made(), "release_id": "1", "lock": "none", **opened}


@case("s3_deploy", "s3:GetObjectAcl")
def a_site_that_everybody_reads_is_taken_over(world):
    """By a policy; by an ACL it would be refused."""
    world.made()
    world.clients["s3"].delete_public_access_block(Bucket=world.bucket)
    everybody = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject"}
    opened = everybody | {"Resource": f"arn:aws:s3:::{world.bucket}/{PREFIX}*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [opened]})
    world.clients["s3"].put_bucket_policy(Bucket=world.bucket, Policy=policy)
    world.store("index.html", b"one")
    world.file("index.html", b"two")
    return {"bucket_name": world.bucket, "release_id": "1", "lock": "none"}


@case("s3_deploy", "s3:CreateBucket")
def a_site_gets_a_bucket(world):
    world.file("index.html")
    return {"bucket_name": world.bucket, "release_id": "1", "create_bucket": "true"}


@case("s3_deploy", "s3:GetBucketWebsite", "s3:PutBucketWebsite", "s3:CreateBucket")
def a_site_gets_a_bucket_that_redirects_to_it(world):
    world.file("index.html")
    bucket = world.made()
    world.buckets = f"*{bucket}"
    redirect = {"redirect_bucket": f"www.{bucket}", "redirect_to": "www.example.com"}
    return {"bucket_name": bucket, "release_id": "1", "lock": "none", **redirect}


@case(
    "s3_deploy",
    "s3:GetBucketWebsite",
    "route53:ListHostedZones",
    "route53:ListResourceRecordSets",
    "route53:ChangeResourceRecordSets",
    "route53:GetChange",
)
def a_name_leads_to_a_site(world):
    world.file("index.html")
    world.bucket = f"{world.bucket}.example"
    world.clients["route53"].create_hosted_zone(Name=world.bucket, CallerReference=world.bucket)
    website = {"IndexDocument": {"Suffix": "index.html"}}
    world.clients["s3"].put_bucket_website(Bucket=world.made(), WebsiteConfiguration=website)
    names = {"dns_aliases": f"{world.bucket}=website"}
    return {"bucket_name": world.bucket, "release_id": "1", "lock": "none", **names}


@case("s3_deploy", "cloudfront:GetDistribution", "cloudfront:CreateInvalidation", "cloudfront:GetInvalidation")
def cloudfront_is_told_of_a_release(world):
    world.file("index.html")
    edge = distribution(world.clients["cloudfront"], world.made())
    return {"bucket_name": world.bucket, "release_id": "1", "lock": "none", "distribution_ids": edge.id}


# --- deploys to instances --------------------------------------------------------------------------------------------------


def instances(world, **given: str) -> dict[str, str]:
    """One of them, that no other run has, and what is deployed to it."""
    world.file("index.html")
    app = f"shop-{uuid.uuid4().hex[:8]}"
    world.hosts = world.aws.instances.add(1, tags={"app": app})
    return {"application": app, "instance_tags": f"app={app}", "release_id": "1", "bucket_name": world.bucket, **given}


@case("ec2_deploy")
def a_release_goes_to_instances(world):
    world.made()
    return instances(world)


@case("ec2_deploy", "kms:GenerateDataKey", "kms:Decrypt", rest=False)
def a_release_goes_to_instances_from_a_bucket_that_encrypts(world):
    world.made()
    world.encrypting()
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": world.kms_key}}
    world.clients["s3"].put_bucket_encryption(Bucket=world.bucket, ServerSideEncryptionConfiguration={"Rules": [rule]})
    return instances(world)


@case(
    "ec2_deploy",
    "elasticloadbalancing:DescribeTargetGroups",
    "elasticloadbalancing:DescribeTargetGroupAttributes",
    "elasticloadbalancing:DescribeTargetHealth",
    "elasticloadbalancing:DeregisterTargets",
    "elasticloadbalancing:RegisterTargets",
    rest=False,
)
def a_release_goes_to_instances_behind_a_load_balancer(world):
    world.made()
    given = instances(world)
    (host,) = world.hosts
    world.open.enter_context(serving(host.address))
    group = Group(world.clients.__getitem__)
    delay = {"Key": "deregistration_delay.timeout_seconds", "Value": "1"}
    group.elb.modify_target_group_attributes(TargetGroupArn=group.arn, Attributes=[delay])
    group.register({"Id": host.id})
    group.wait_all("healthy")
    return {**given, "drain_from": group.name}


@case(
    "ec2_deploy",
    "autoscaling:DescribeAutoScalingGroups",
    "autoscaling:DescribeAutoScalingInstances",
    "autoscaling:SuspendProcesses",
    "autoscaling:ResumeProcesses",
    "autoscaling:EnterStandby",
    "autoscaling:ExitStandby",
    rest=False,
)
def a_release_goes_to_instances_of_an_auto_scaling_group(world):
    world.made()
    given, scaling = instances(world), world.clients["autoscaling"]
    (host,), name = world.hosts, given["application"]
    scaling.create_launch_configuration(LaunchConfigurationName=name, ImageId="ami-12345678", InstanceType="t3.micro")
    scaling.create_auto_scaling_group(
        AutoScalingGroupName=name, LaunchConfigurationName=name, MinSize=0, MaxSize=1, DesiredCapacity=0,
        AvailabilityZones=["us-east-1a"],
    )  # fmt: skip
    scaling.attach_instances(AutoScalingGroupName=name, InstanceIds=[host.id])
    return {**given, "auto_scaling_group": name, "auto_scaling": "standby"}


# --- each under its policy, and under less ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def clients(embedded):
    """Of somebody who may do everything. Making one takes longer than a run."""
    keys = {
        "aws_access_key_id": embedded.connection.access_key_id,
        "aws_secret_access_key": embedded.connection.secret_access_key,
    }
    where = {"endpoint_url": embedded.endpoint_url, "region_name": embedded.region}
    made = {
        service: boto3.client(service, **where, **keys)
        for service in ("s3", "kms", "iam", "route53", "cloudfront", "ec2", "elbv2", "autoscaling")
    }
    yield made
    for client in made.values():
        client.close()


@pytest.fixture
def world(embedded, clients, tmp_path, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", embedded.endpoint_url)
    made = World(embedded, clients, tmp_path)
    with made.open:
        yield made


@dataclass
class Went:
    """What came of a run: its plan, what was told, and the error that it ended with, raised or not."""

    told: Told
    plan: Any = None
    error: RopewayError | None = None


def run_under(world: World, case: Case, allowed: list[Any], texts: dict[str, str]) -> Went:
    """The task with an identity that may do exactly what these rows say."""
    up, down = ("source_folder", "target_folder"), ("target_folder", "source_folder")
    folders = {"s3_upload": up, "s3_download": down, "s3_deploy": up, "ec2_deploy": ("source_path", "bucket_prefix")}
    here, there = folders.get(case.task, ("", ""))
    places = {
        "partition": "aws",
        "bucket": world.buckets or world.bucket,
        "prefix": PREFIX,
        "kms_key": world.kms_key,
    }
    who = world.identity(policy(allowed, **places))
    given = {"endpoint_url": world.aws.endpoint_url, "region_name": world.aws.region}
    given |= {here: str(world.folder), there: PREFIX} if here else {}
    task = load_task(case.task)
    inputs = read(task.inputs, given | texts, camel)
    went = Went(Told())
    run = Run(went.told)
    with iam_decides():
        aws = connect(inputs, who)
        try:
            went.plan = task.plan(inputs, aws, run)
            went.error = task.apply(went.plan, aws, run).error
        except RopewayError as error:
            went.error = error
    return went


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_task_passes_under_exactly_its_least_policy(world, case):
    went = run_under(world, case, case.allowed(), case.prepare(world))
    assert went.error is None, str(went.error)


ELSEWHERE = {"s3:AbortMultipartUpload", "s3:GetObjectRetention", "s3:GetObjectLegalHold", "s3:GetObjectTagging"}
"""Without these a task does not fail: the last tests are about them."""
WITHOUT = [(case, row) for case in CASES for row in case.allowed() if case.rest or row.action in case.actions]


@pytest.mark.parametrize(("case", "row"), WITHOUT, ids=[f"{case.name}-without-{row.action}" for case, row in WITHOUT])
def test_a_task_fails_without_any_one_action_and_names_it(world, case, row):
    allowed = [other for other in case.allowed() if other is not row]
    went = run_under(world, case, allowed, case.prepare(world))
    assert went.error is not None
    assert row.action in str(went.error)


def proved_by_kinds() -> set[str]:
    """Actions that a kind of check is asked without, in its own tests: the finding is an error that names them."""
    proved = set()
    for kind in all_kinds():
        tests = (Path(__file__).parents[1] / f"checks/kinds/test_{kind.name.replace('-', '_')}.py").read_text(
            encoding="utf-8"
        )
        proved |= {needed.action for needed in kind.actions if "without" in tests and f'"{needed.action}"' in tests}
    return proved


def test_every_action_that_is_declared_is_proved():
    """A row without a case would be a claim."""
    for task in all_tasks():
        module = "_".join(task.command)
        needed = frozenset().union(
            *(case.actions for case in CASES if case.task == module), ELSEWHERE, proved_by_kinds()
        )
        assert {row.action for row in task.actions if row.when} - needed == set(), module


# --- the role of the instances ---------------------------------------------------------------------------------------------


def role_of_instances() -> dict[str, Any]:
    """As the page of the task prints it."""
    page = (Path(__file__).parents[2] / "docs/tasks/ec2-deploy.md").read_text(encoding="utf-8")
    return dict(json.loads(page.split("## The role of the instances")[1].split("```json")[1].split("```")[0]))


def given_to(host: Any, document: dict[str, Any], clients: dict[str, Any]) -> None:
    """The instance has a role with this policy, and no other."""
    name, iam = f"role-{uuid.uuid4().hex[:8]}", clients["iam"]
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": []}))
    iam.put_role_policy(RoleName=name, PolicyName="least", PolicyDocument=json.dumps(document))
    iam.create_instance_profile(InstanceProfileName=name)
    iam.add_role_to_instance_profile(InstanceProfileName=name, RoleName=name)
    clients["ec2"].associate_iam_instance_profile(IamInstanceProfile={"Name": name}, InstanceId=host.id)


@pytest.mark.parametrize(
    "without", ["", *role_of_instances()["Statement"][0]["Action"]], ids=lambda name: name or "all"
)
def test_a_release_comes_to_instances_whose_role_allows_exactly_what_the_page_says(world, monkeypatch, without):
    """What these do in the world outside is the agent's business: the embedded AWS knows which actions it asks for, and asks the role for them."""
    case = next(case for case in CASES if case.name == "a_release_goes_to_instances")
    given, document = case.prepare(world), role_of_instances()
    (statement,) = document["Statement"]
    statement["Action"] = [action for action in statement["Action"] if action != without]
    given_to(world.hosts[0], document, world.clients)
    monkeypatch.setattr(SETTINGS, "timeout_scale", 0.02)
    went = run_under(world, case, case.allowed(), given)
    if not without:
        assert went.error is None, str(went.error)
    else:
        assert world.hosts[0].id in str(went.error)
        assert without in str(went.error)


def test_with_a_place_of_its_own_the_state_needs_nothing_in_the_bucket_of_the_site(world):
    """As the page of the task says: its actions are needed there instead, and s3:ListBucket on both."""
    world.file("index.html")
    place = f"{world.made()}-state"
    world.clients["s3"].create_bucket(Bucket=place)
    case = next(case for case in CASES if case.task == "s3_deploy")
    rows = [
        replace(row, resource=row.resource.replace("{bucket}", place)) if ".ropeway" in row.resource else row
        for row in case.allowed()
    ]
    rows += [replace(row, resource=f"{row.resource}-state") for row in rows if row.action == "s3:ListBucket"]
    given = {"bucket_name": world.bucket, "release_id": "1", "state_location": f"s3://{place}"}
    went = run_under(world, case, rows, given)
    assert went.error is None, str(went.error)


def test_a_policy_for_one_prefix_opens_no_other(world):
    world.file("a")
    case = CASES[0]
    went = run_under(world, case, case.allowed(), {"bucket_name": world.made(), "target_folder": "other"})
    assert "s3:PutObject" in str(went.error)
    assert world.clients["s3"].list_objects_v2(Bucket=world.bucket)["KeyCount"] == 0


# --- what is not needed unless something goes wrong, and what is only shown -------------------------------------------------


def uploads_left(world: World) -> int:
    return len(world.clients["s3"].list_multipart_uploads(Bucket=world.bucket).get("Uploads", []))


@pytest.mark.parametrize("allowed", [True, False], ids=["with", "without"])
def test_a_large_file_that_fails_half_way_leaves_nothing_only_with_the_action_that_aborts(world, misbehaving, allowed):
    misbehaving.upstream = world.aws.endpoint_url
    misbehaving.on(s3_error(400, "InvalidPart"), method="PUT", target="partNumber=2")
    world.file("large", LARGE)
    actions = {"s3:PutObject", *({"s3:AbortMultipartUpload"} if allowed else ())}
    rows = [row for row in load_task("s3_upload").actions if row.action in actions]
    went = run_under(world, CASES[0], rows, {"bucket_name": world.made(), "endpoint_url": misbehaving.url})
    assert "InvalidPart" in str(went.error)
    assert ("s3:AbortMultipartUpload" in str(went.error)) is not allowed
    assert uploads_left(world) == (0 if allowed else 1)


@pytest.mark.parametrize(
    ("shows", "asked", "held"),
    [
        ("s3:GetObjectRetention", LOCK, {"ObjectLockMode": "GOVERNANCE", "ObjectLockRetainUntilDate": "2099-01-31"}),
        ("s3:GetObjectLegalHold", {"object_lock_legal_hold": "true"}, {"ObjectLockLegalHoldStatus": "ON"}),
    ],
)
def test_a_lock_that_the_identity_may_not_see_is_set_again_and_the_log_names_what_is_missing(world, shows, asked, held):
    bucket = world.made(ObjectLockEnabledForBucket=True)
    world.store("same", ContentType="application/octet-stream", **held)
    world.file("same")
    given = {"bucket_name": bucket, "skip_unchanged": "true", **asked}
    needed = {"s3:PutObject", "s3:GetObject", "s3:ListBucket", "s3:PutObjectRetention", "s3:PutObjectLegalHold", shows}
    rows = [row for row in load_task("s3_upload").actions if row.action in needed]
    seeing = run_under(world, CASES[0], rows, given)
    blind = run_under(world, CASES[0], [row for row in rows if row.action != shows], given)
    assert (seeing.error, blind.error) == (None, None)
    assert [str(went.plan.steps[0].reason) for went in (seeing, blind)] == ["unchanged", "headers"]
    assert [any(shows in note for note in went.told.notes) for went in (seeing, blind)] == [False, True]


@pytest.mark.parametrize(("allowed", "reason"), [(True, "unchanged"), (False, "headers")], ids=["with", "without"])
def test_tags_of_a_site_that_the_identity_may_not_see_are_written_anew(world, allowed, reason):
    world.made()
    page = {"ContentType": "text/html; charset=utf-8", "CacheControl": "no-cache", "Tagging": "team=web"}
    world.store("index.html", b"one", **page)
    world.file("index.html", b"one")
    needed = {"s3:PutObjectTagging", *({"s3:GetObjectTagging"} if allowed else ())}
    rows = [row for row in load_task("s3_deploy").actions if not row.when or row.action in needed]
    settings = "site: {headers: {'**': {tags: {team: web}}}}"
    site = next(case for case in CASES if case.task == "s3_deploy")
    went = run_under(world, site, rows, {"bucket_name": world.bucket, "release_id": "1", "settings": settings})
    assert went.error is None
    assert str(went.plan.steps[0].reason) == reason
