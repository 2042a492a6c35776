"""Object Lock on S3Upload: what is locked, what is skipped, what is refused."""

from __future__ import annotations

import uuid

import pytest
from botocore.exceptions import ClientError

LARGE = bytes(range(256)) * 4096 * 9
GOVERNANCE = {"object_lock_mode": "GOVERNANCE", "object_lock_retain_until": "2099-01-31"}


@pytest.fixture
def locking(s3):
    """A bucket with Object Lock."""
    name = f"bucket-{uuid.uuid4().hex[:12]}"
    s3.create_bucket(Bucket=name, ObjectLockEnabledForBucket=True)
    return name


def lock_of(s3, bucket: str, key: str) -> tuple[str, str, str]:
    head = s3.head_object(Bucket=bucket, Key=key)
    until = head.get("ObjectLockRetainUntilDate")
    return (
        head.get("ObjectLockMode", ""),
        f"{until:%Y-%m-%d}" if until else "",
        head.get("ObjectLockLegalHoldStatus", ""),
    )


def reasons(plan) -> set[str]:
    return {str(step.reason) for step in plan.steps}


@pytest.mark.parametrize("checksums", ["whenSupported", "whenRequired"])
def test_objects_are_locked_however_large_and_with_or_without_checksums(run_task, make_tree, s3, locking, checksums):
    source = make_tree({"small": b"1", "large": LARGE, "empty": b""})
    ran = run_task(
        "s3_upload",
        bucket_name=locking,
        source_folder=source,
        checksums=checksums,
        object_lock_legal_hold="true",
        **GOVERNANCE,
    )
    assert ran.outcome.error is None
    locks = {key: lock_of(s3, locking, key) for key in ("small", "large", "empty")}
    assert locks == dict.fromkeys(locks, ("GOVERNANCE", "2099-01-31", "ON"))
    version = s3.head_object(Bucket=locking, Key="small")["VersionId"]
    with pytest.raises(ClientError, match="AccessDenied"):
        s3.delete_object(Bucket=locking, Key="small", VersionId=version)


def test_days_count_from_now_on(run_task, make_tree, s3, locking):
    given = {"object_lock_mode": "compliance", "object_lock_retain_until": "30 days"}
    run_task("s3_upload", bucket_name=locking, source_folder=make_tree({"a": b"1"}), **given)
    head = s3.head_object(Bucket=locking, Key="a")
    lasts = head["ObjectLockRetainUntilDate"] - head["LastModified"]
    assert (head["ObjectLockMode"], round(lasts.total_seconds() / 86_400)) == ("COMPLIANCE", 30)


def test_a_legal_hold_goes_without_a_date(run_task, make_tree, s3, locking):
    run_task("s3_upload", bucket_name=locking, source_folder=make_tree({"a": b"1"}), object_lock_legal_hold="true")
    assert lock_of(s3, locking, "a") == ("", "", "ON")


def test_an_unchanged_file_is_skipped_only_when_its_object_is_locked_as_asked(run_task, make_tree, locking):
    given = {"bucket_name": locking, "source_folder": make_tree({"a": b"1"}), "skip_unchanged": "true"}
    run_task("s3_upload", **given)
    first = run_task("s3_upload", **given, **GOVERNANCE)
    assert reasons(first.plan) == {"headers"}
    assert any("If they are locked, the identity lacks s3:GetObjectRetention." in note for note in first.told.notes)
    assert reasons(run_task("s3_upload", **given, **GOVERNANCE).plan) == {"unchanged"}
    longer = GOVERNANCE | {"object_lock_retain_until": "2099-02-01"}
    assert reasons(run_task("s3_upload", only_plan=True, **given, **longer).plan) == {"headers"}
    days = GOVERNANCE | {"object_lock_retain_until": "10000 days"}
    assert reasons(run_task("s3_upload", only_plan=True, **given, **days).plan) == {"unchanged"}
    held = run_task("s3_upload", only_plan=True, **given, object_lock_legal_hold="true")
    assert reasons(held.plan) == {"headers"}
    assert any("the identity lacks s3:GetObjectLegalHold." in note for note in held.told.notes)
    assert reasons(run_task("s3_upload", only_plan=True, **given).plan) == {"unchanged"}


def test_a_lock_for_more_days_than_before_reaches_unchanged_files_too(run_task, make_tree, s3, locking):
    given = {"bucket_name": locking, "source_folder": make_tree({"a": b"1"}), "skip_unchanged": "true"}
    days = {"object_lock_mode": "COMPLIANCE", "object_lock_retain_until": "30 days"}
    run_task("s3_upload", **given, **days)
    assert reasons(run_task("s3_upload", **given, **days).plan) == {"unchanged"}
    longer = days | {"object_lock_retain_until": "365 days"}
    assert reasons(run_task("s3_upload", **given, **longer).plan) == {"headers"}
    head = s3.head_object(Bucket=locking, Key="a")
    assert (head["ObjectLockRetainUntilDate"] - head["LastModified"]).days >= 364
    assert reasons(run_task("s3_upload", **given, **longer).plan) == {"unchanged"}


def test_a_bucket_that_is_made_can_lock(run_task, make_tree, s3):
    name = f"made-{uuid.uuid4().hex[:12]}"
    run_task("s3_upload", bucket_name=name, source_folder=make_tree({"a": b"1"}), create_bucket="true", **GOVERNANCE)
    assert lock_of(s3, name, "a") == ("GOVERNANCE", "2099-01-31", "")


def test_a_bucket_that_cannot_lock_is_told_with_what_to_do(run_task, make_tree, bucket):
    outcome = run_task("s3_upload", bucket_name=bucket, source_folder=make_tree({"a": b"1"}), **GOVERNANCE).outcome
    assert "AWS answered InvalidRequest: Bucket is missing Object Lock Configuration" in str(outcome.error)
    assert "The bucket must have Object Lock enabled before objects in it can be locked" in str(outcome.error)


def test_a_bucket_that_locks_by_default_takes_nothing_without_a_checksum_and_says_so(run_task, make_tree, s3, locking):
    rule = {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 1}}
    lock = {"ObjectLockEnabled": "Enabled", "Rule": rule}
    s3.put_object_lock_configuration(Bucket=locking, ObjectLockConfiguration=lock)
    given = {"bucket_name": locking, "source_folder": make_tree({"a": b"1"})}
    assert run_task("s3_upload", **given).outcome.error is None
    outcome = run_task("s3_upload", **given, checksums="whenRequired").outcome
    assert "takes none without a checksum: set `checksums` to whenSupported" in str(outcome.error)
