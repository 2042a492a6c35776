"""keepModified: times travel with the files, and are no evidence of anything."""

from __future__ import annotations

import os

import pytest

from ropeway.errors import InputError

THEN = 1_712_345_678_500_000_000


def reasons(plan) -> dict[str, str]:
    return {os.path.basename(step.name): str(step.reason) for step in plan.steps}


def test_times_go_up_and_come_back(run_task, make_tree, bucket, tmp_path):
    source = make_tree({"a": b"1", "sub/b": b"2"})
    for name in ("a", "sub/b"):
        os.utime(f"{source}/{name}", ns=(THEN, THEN))
    run_task("s3_upload", bucket_name=bucket, source_folder=source, keep_modified="true", metadata="**=build=7")
    for keep, same in (("true", True), ("false", False)):
        target = str(tmp_path / keep)
        run_task("s3_download", bucket_name=bucket, target_folder=target, keep_modified=keep)
        assert [os.stat(f"{target}/{name}").st_mtime_ns == THEN for name in ("a", "sub/b")] == [same, same]


def test_a_time_is_no_evidence_of_sameness_nor_of_change(run_task, make_tree, s3, bucket):
    source = make_tree({"a": b"1", "b": b"1"})
    given = {"bucket_name": bucket, "source_folder": source, "skip_unchanged": "true"}
    run_task("s3_upload", **given)
    kept = run_task("s3_upload", **given, keep_modified="true")
    assert reasons(kept.plan) == {"a": "headers", "b": "headers"}, "the time was missing"
    was = s3.head_object(Bucket=bucket, Key="a")["Metadata"]["mtime"]
    os.utime(f"{source}/a", ns=(THEN, THEN))
    stat = os.stat(f"{source}/b")
    make_tree({"b": b"2"})
    os.utime(f"{source}/b", ns=(stat.st_mtime_ns, stat.st_mtime_ns))
    again = run_task("s3_upload", **given, keep_modified="true")
    assert reasons(again.plan) == {"a": "unchanged", "b": "content"}
    assert s3.head_object(Bucket=bucket, Key="a")["Metadata"] == {"mtime": was}


def test_a_time_that_nobody_asked_for_is_a_header_too_many(run_task, make_tree, s3, bucket):
    given = {"bucket_name": bucket, "source_folder": make_tree({"a": b"1"}), "skip_unchanged": "true"}
    run_task("s3_upload", **given, keep_modified="true")
    assert reasons(run_task("s3_upload", **given).plan) == {"a": "headers"}
    assert s3.head_object(Bucket=bucket, Key="a")["Metadata"] == {}


def test_the_time_cannot_be_given_twice(run_task, make_tree, bucket):
    with pytest.raises(InputError, match="metadata line 2 gives mtime, which keepModified gives: keep one of them"):
        run_task(
            "s3_upload",
            bucket_name=bucket,
            source_folder=make_tree({"a": b"1"}),
            metadata="**=x=1\n**=Mtime=5",
            keep_modified="true",
        )
