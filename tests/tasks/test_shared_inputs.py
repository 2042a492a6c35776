"""What both tasks share: whose bucket it must be, who pays, and what neither does."""

from __future__ import annotations

import pytest

from ropeway.errors import AccessDenied, InputError

TASKS = ("s3_upload", "s3_download")


@pytest.mark.parametrize("task", TASKS)
def test_deleting_is_refused_and_sent_where_it_is_done(run_task, bucket, task):
    with pytest.raises(InputError) as refused:
        run_task(task, bucket_name=bucket, delete_extra="true")
    assert str(refused.value).startswith(
        "deleteExtra is set, but uploads and downloads delete nothing. S3Deploy "
        "brings a folder to a bucket and deletes there what is gone from the folder."
    )


@pytest.mark.parametrize("task", TASKS)
def test_the_owner_of_the_bucket_is_an_account_id(run_task, bucket, task):
    with pytest.raises(InputError, match="expectedBucketOwner is '12345', which is no account id"):
        run_task(task, bucket_name=bucket, expected_bucket_owner="12345")


def test_with_the_right_owner_all_goes_well(run_task, make_tree, bucket, tmp_path):
    given = {"bucket_name": bucket, "expected_bucket_owner": "123456789012", "requester_pays": "true"}
    files = {"a": b"1", "large": bytes(9 << 20)}
    assert run_task("s3_upload", source_folder=make_tree(files), **given).outcome.error is None
    assert run_task("s3_download", target_folder=str(tmp_path / "back"), **given).outcome.error is None
    assert (tmp_path / "back" / "a").read_bytes() == b"1"


def test_nothing_goes_to_a_bucket_of_another_owner(run_task, make_tree, s3, bucket):
    files = {"a": b"1", "large": bytes(9 << 20)}
    outcome = run_task(
        "s3_upload", bucket_name=bucket, source_folder=make_tree(files), expected_bucket_owner="999999999999"
    ).outcome
    assert "Or the bucket does not belong to account 999999999999 (expectedBucketOwner" in str(outcome.error)
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 0


def test_nothing_comes_from_a_bucket_of_another_owner(run_task, bucket, tmp_path):
    with pytest.raises(AccessDenied, match="Or the bucket does not belong to account 999999999999"):
        run_task("s3_download", bucket_name=bucket, target_folder=str(tmp_path), expected_bucket_owner="999999999999")


def test_who_pays_is_said_from_the_first_request_on(run_task, make_tree, bucket, embedded, misbehaving, tmp_path):
    misbehaving.upstream = embedded.endpoint_url
    given = {"bucket_name": bucket, "endpoint_url": misbehaving.url, "requester_pays": "true"}
    for _ in range(2):  # what is there as long is looked at
        run_task("s3_upload", source_folder=make_tree({"a": b"1"}), skip_unchanged="true", **given)
    run_task("s3_download", target_folder=str(tmp_path / "back"), overwrite="changed", **given)
    assert {request.headers.get("x-amz-request-payer") for request in misbehaving.requests} == {"requester"}
    assert {request.method for request in misbehaving.requests} == {"GET", "HEAD", "PUT"}
