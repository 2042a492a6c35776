"""The least policy of each task: it passes under exactly what the docs print, and fails with any one action taken out, naming it.

The policies are rendered by the code that renders the docs, IAM decides (moto's, with S3's actions as AWS asks for them), and each
run has an identity and a bucket of its own.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import settings
from moto.core.authorization import ActionAuthenticatorMixin

from ropeway.aws.connection import Connection
from ropeway.aws.session import connect
from ropeway.errors import RopewayError
from ropeway.inputs import camel, read
from ropeway.local.embedded import EmbeddedAws
from ropeway.outcome import Run
from ropeway.registry import all_tasks, load_task
from ropeway.tasks.task import policy
from tests.servers.misbehaving import s3_error
from tests.tasks.conftest import Told

PREFIX = "site/"
LARGE = bytes(9 << 20)
LOCK = {"object_lock_mode": "GOVERNANCE", "object_lock_retain_until": "2099-01-31"}


@contextmanager
def iam_decides() -> Iterator[None]:
    """In this process, for as long as the block lasts."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(settings, "INITIAL_NO_AUTH_ACTION_COUNT", 0)
        patch.setattr(ActionAuthenticatorMixin, "request_count", 0)
        yield


@dataclass
class World:
    """A bucket and a folder for one run, made by somebody who may do everything."""

    aws: EmbeddedAws
    clients: dict[str, Any]
    folder: Path
    bucket: str = field(default_factory=lambda: f"bucket-{uuid.uuid4().hex[:12]}")
    kms_key: str = ""

    def made(self, **how: Any) -> str:
        self.clients["s3"].create_bucket(Bucket=self.bucket, **how)
        return self.bucket

    def encrypting(self) -> dict[str, str]:
        """The inputs of an upload under a KMS key of its own."""
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
        return Connection(name, access_key_id=key["AccessKeyId"], secret_access_key=key["SecretAccessKey"])


@dataclass(frozen=True)
class Case:
    """A run that needs `actions` beside what its task always needs. `prepare` makes what must be there, and gives the inputs."""

    name: str
    task: str
    actions: frozenset[str]
    prepare: Callable[[World], dict[str, str]]

    def allowed(self) -> list[Any]:
        rows = load_task(self.task).actions
        return [row for row in rows if not row.when or row.action in self.actions]


CASES: list[Case] = []


def case(task: str, *actions: str) -> Callable[[Callable[[World], dict[str, str]]], None]:
    def add(prepare: Callable[[World], dict[str, str]]) -> None:
        CASES.append(Case(prepare.__name__, task, frozenset(actions), prepare))

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


# --- each under its policy, and under less ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def clients(embedded):
    """Of somebody who may do everything. Making one takes longer than a run."""
    keys = {
        "aws_access_key_id": embedded.connection.access_key_id,
        "aws_secret_access_key": embedded.connection.secret_access_key,
    }
    where = {"endpoint_url": embedded.endpoint_url, "region_name": embedded.region}
    made = {service: boto3.client(service, **where, **keys) for service in ("s3", "kms", "iam")}
    yield made
    for client in made.values():
        client.close()


@pytest.fixture
def world(embedded, clients, tmp_path):
    return World(embedded, clients, tmp_path)


@dataclass
class Went:
    """What came of a run: its plan, what was told, and the error that it ended with, raised or not."""

    told: Told
    plan: Any = None
    error: RopewayError | None = None


def run_under(world: World, case: Case, allowed: list[Any], texts: dict[str, str]) -> Went:
    """The task with an identity that may do exactly what these rows say."""
    here = {"s3_upload": "source_folder", "s3_download": "target_folder"}[case.task]
    there = {"s3_upload": "target_folder", "s3_download": "source_folder"}[case.task]
    places = {
        "partition": "aws",
        "bucket": world.bucket,
        "prefix": PREFIX,
        "kms_key": world.kms_key,
    }
    who = world.identity(policy(allowed, **places))
    given = {
        "endpoint_url": world.aws.endpoint_url,
        "region_name": world.aws.region,
        here: str(world.folder),
        there: PREFIX,
    }
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


ELSEWHERE = {"s3:AbortMultipartUpload", "s3:GetObjectRetention", "s3:GetObjectLegalHold"}
"""Without these a task does not fail: the last tests are about them."""
WITHOUT = [(case, row) for case in CASES for row in case.allowed()]


@pytest.mark.parametrize(("case", "row"), WITHOUT, ids=[f"{case.name}-without-{row.action}" for case, row in WITHOUT])
def test_a_task_fails_without_any_one_action_and_names_it(world, case, row):
    allowed = [other for other in case.allowed() if other is not row]
    went = run_under(world, case, allowed, case.prepare(world))
    assert went.error is not None
    assert row.action in str(went.error)


def test_every_action_that_is_declared_is_proved():
    """A row without a case would be a claim."""
    for task in all_tasks():
        module = "_".join(task.command)
        assert len({row.action for row in task.actions}) == len(task.actions), "an action stands for its row"
        needed = frozenset().union(*(case.actions for case in CASES if case.task == module), ELSEWHERE)
        assert {row.action for row in task.actions if row.when} - needed == set(), module


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
