"""Parallel jobs share an upload, or a download: together they move every file, each of them once."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ropeway.errors import InputError, LocalFileError, NothingMatched

TREE = {f"img/{at:03}.bin": bytes([at]) * at for at in range(60)} | {"index.html": b"<h1>hello</h1>"}


def held(s3, bucket: str) -> dict[str, bytes]:
    listed = s3.list_objects_v2(Bucket=bucket).get("Contents", [])
    return {one["Key"]: s3.get_object(Bucket=bucket, Key=one["Key"])["Body"].read() for one in listed}


@pytest.mark.parametrize("of", [2, 20])
def test_together_they_upload_every_file_once(run_task, make_tree, s3, bucket, of):
    source = make_tree(TREE)
    ran = [
        run_task("s3_upload", bucket_name=bucket, source_folder=source, shard=f"{number}/{of}")
        for number in range(1, of + 1)
    ]
    assert held(s3, bucket) == TREE
    names = [step.name for each in ran for step in each.plan.steps]
    assert sorted(names) == sorted(f"s3://{bucket}/{name}" for name in TREE)
    own = len(ran[0].plan.steps)
    assert (
        f"This is part 1 of {of}: {own} file{'s' if own != 1 else ''} of 61. The other jobs move the others."
        in ran[0].told.notes
    )


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    names=st.sets(st.from_regex(r"[a-zA-Z0-9._ -]{0,8}[a-zA-Z0-9]", fullmatch=True), min_size=1, max_size=12),
    of=st.integers(1, 20),
)
def test_whatever_the_tree_each_file_is_in_the_plan_of_exactly_one(run_task, bucket, tmp_path_factory, names, of):
    root = tmp_path_factory.mktemp("tree")
    for name in names:
        (root / name).write_text(name)
    plans = [
        run_task("s3_upload", only_plan=True, bucket_name=bucket, source_folder=str(root), shard=f"{number}/{of}").plan
        for number in range(1, of + 1)
    ]
    assert sorted(step.name for plan in plans for step in plan.steps) == sorted(
        f"s3://{bucket}/{name}" for name in names
    )


def test_together_they_download_every_object_once(run_task, make_tree, bucket, tmp_path):
    run_task("s3_upload", bucket_name=bucket, source_folder=make_tree(TREE), target_folder="v1")
    for number in (1, 2, 3):
        run_task(
            "s3_download",
            bucket_name=bucket,
            source_folder="v1",
            target_folder=str(tmp_path / "back"),
            shard=f"{number}/3",
            strip_prefix="true",
            overwrite="never",  # nobody writes what another one has written
        )
    back = tmp_path / "back"
    assert {path.relative_to(back).as_posix(): path.read_bytes() for path in back.rglob("*") if path.is_file()} == TREE


def test_a_part_without_a_file_is_no_failure_and_says_so(run_task, make_tree, bucket):
    source = make_tree({"one.txt": b"1"})
    ran = [run_task("s3_upload", bucket_name=bucket, source_folder=source, shard=f"{number}/2") for number in (1, 2)]
    assert [each.outcome.status for each in ran] == ["succeeded", "succeeded"]
    assert sorted(len(each.plan.steps) for each in ran) == [0, 1]
    (idle,) = [each for each in ran if not each.plan.steps]
    assert any(note.endswith("0 files of 1. The other jobs move the others.") for note in idle.told.notes)


def test_where_nothing_matches_at_all_every_part_fails(run_task, make_tree, bucket):
    for number in (1, 2):
        with pytest.raises(NothingMatched):
            run_task(
                "s3_upload",
                bucket_name=bucket,
                source_folder=make_tree({"a.txt": b"1"}),
                glob_expressions="*.html",
                shard=f"{number}/2",
            )


def test_two_files_of_one_key_are_refused_though_they_are_in_two_parts(run_task, make_tree, bucket):
    source = make_tree({f"{folder}/same.txt": b"1" for folder in "abcdefgh"})
    for number in (1, 2, 3):
        with pytest.raises((InputError, LocalFileError)):
            run_task("s3_upload", bucket_name=bucket, source_folder=source, flatten_folders="true", shard=f"{number}/3")


def test_two_that_make_the_bucket_at_the_same_time_both_succeed(run_task, make_tree, s3, embedded):
    source, bucket = make_tree(TREE), "made-by-both-of-them"

    def other(_: object) -> None:
        run_task("s3_upload", bucket_name=bucket, source_folder=source, create_bucket="true", shard="2/2")

    run_task("s3_upload", bucket_name=bucket, source_folder=source, create_bucket="true", shard="1/2", between=other)
    assert held(s3, bucket) == TREE


def test_what_is_no_part_is_refused(run_task, make_tree, bucket):
    with pytest.raises(InputError, match=r"shard is '3/2'; write auto, or the part"):
        run_task("s3_upload", bucket_name=bucket, source_folder=make_tree(TREE), shard="3/2")
