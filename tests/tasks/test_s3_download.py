"""S3Download: what is in the folder afterwards, and what the user reads."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from ropeway.errors import Archived, BucketMissing, InputError, LocalFileError, NothingMatched, RopewayError

SITE = {
    "site/index.html": b"<h1>",
    "site/js/app.js": b"js",
    "site/.well-known/x": b"dot",
    "site2/z.txt": b"z",
    "siteX.txt": b"x",
}


def tree(folder: str | Path) -> dict[str, bytes]:
    root = Path(folder)
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


def reasons(plan) -> dict[str, str]:
    return {os.path.basename(step.name): str(step.reason) for step in plan.steps}


@pytest.fixture
def fill(s3, bucket):
    def put(objects: dict[str, bytes], **rest) -> None:
        for key, data in objects.items():
            s3.put_object(Bucket=bucket, Key=key, Body=data, **rest)

    return put


@pytest.fixture
def target(tmp_path):
    return str(tmp_path / "target")


@pytest.mark.parametrize("folder", ["site", "site/", "/site/"])
def test_a_source_folder_is_a_folder_not_a_beginning_of_names(run_task, fill, bucket, target, folder):
    fill(SITE)
    ran = run_task("s3_download", bucket_name=bucket, source_folder=folder, target_folder=target)
    assert tree(target) == {"site/index.html": b"<h1>", "site/js/app.js": b"js", "site/.well-known/x": b"dot"}
    assert ran.outcome.title == f"Downloaded 3 files (9 bytes) from s3://{bucket}/site/ to {target}"
    assert {output.name: output.value for output in ran.outcome.outputs} == {
        "filesDownloaded": "3",
        "filesSkipped": "0",
        "bytesDownloaded": "9",
        "targetFolder": target,
    }


def test_the_source_folder_can_be_left_out_of_the_paths(run_task, fill, bucket, target):
    fill(SITE)
    run_task("s3_download", bucket_name=bucket, source_folder="site", target_folder=target, strip_prefix="true")
    assert sorted(tree(target)) == [".well-known/x", "index.html", "js/app.js"]


def test_globs_start_at_the_source_folder_and_exclude_in_order(run_task, fill, bucket, target):
    fill(SITE)
    given = {"bucket_name": bucket, "source_folder": "site", "target_folder": target, "strip_prefix": "true"}
    run_task("s3_download", **given, glob_expressions="**\n!**/*.js\n!.well-known/**")
    assert sorted(tree(target)) == ["index.html"]


def test_globs_that_match_nothing_beside_others_that_do_are_told(run_task, fill, bucket, target):
    fill(SITE)
    given = {"bucket_name": bucket, "source_folder": "site", "target_folder": target, "strip_prefix": "true"}
    ran = run_task("s3_download", **given, glob_expressions="index.html\nsite/js/**")
    assert sorted(tree(target)) == ["index.html"]
    assert "Globs that match nothing: site/js/**." in ran.told.notes


def test_without_a_source_folder_the_whole_bucket_comes(run_task, fill, bucket, target):
    fill(SITE)
    run_task("s3_download", bucket_name=bucket, target_folder=target)
    assert tree(target) == SITE


def test_more_than_a_page_of_keys_goes_up_and_comes_back_whole(run_task, make_tree, seaweed, seaweed_bucket, target):
    many = {f"n/{n:04}": str(n).encode() for n in range(1205)}
    given = {"bucket_name": seaweed_bucket, "force_path_style_addressing": "true"}
    run_task("s3_upload", store=seaweed, source_folder=make_tree(many), **given)
    run_task("s3_download", store=seaweed, target_folder=target, **given)
    assert tree(target) == many


def test_folder_markers_are_no_files(run_task, fill, bucket, target):
    fill({"a/": b"", "a/b.txt": b"1", "old_$folder$": b""})
    ran = run_task("s3_download", bucket_name=bucket, target_folder=target)
    assert tree(target) == {"a/b.txt": b"1"}
    assert len(ran.plan.steps) == 1


def test_flattening_and_its_collisions(run_task, fill, bucket, target):
    fill({"a/x": b"1", "b/y": b"2"})
    run_task("s3_download", bucket_name=bucket, target_folder=target, flatten_folders="true")
    assert tree(target) == {"x": b"1", "y": b"2"}
    fill({"c/x": b"3"})
    with pytest.raises(RopewayError, match=r"a/x.*c/x"):
        run_task("s3_download", bucket_name=bucket, target_folder=target, flatten_folders="true")


@pytest.mark.parametrize("word", ["never", "false"])
def test_never_overwriting_fails_before_anything_is_written(run_task, fill, make_tree, bucket, word):
    fill({"a": b"new", "b": b"new"})
    target = make_tree({"b": b"mine"}, under="target")
    with pytest.raises(LocalFileError, match=r"1 file would be overwritten: .*target/b\. Nothing was written\."):
        run_task("s3_download", bucket_name=bucket, target_folder=target, overwrite=word)
    assert tree(target) == {"b": b"mine"}


@pytest.mark.parametrize("size", [3, 17 << 20], ids=["small", "large"])
@pytest.mark.parametrize("engine", ["wire", "boto3"])
def test_never_overwriting_leaves_what_another_step_writes_meanwhile(run_task, fill, tmp_path, bucket, engine, size):
    fill({"a": bytes(size)})
    target = tmp_path / "target"
    given = {"bucket_name": bucket, "target_folder": str(target), "overwrite": "never", "transfer_engine": engine}

    def written(_):
        target.mkdir(exist_ok=True)
        (target / "a").write_bytes(b"theirs")

    ran = run_task("s3_download", **given, between=written)
    assert re.search(r"1 file would be overwritten: .*target/a\.", str(ran.outcome.error))
    assert "set overwrite to always or changed" in str(ran.outcome.error)
    assert tree(target) == {"a": b"theirs"}
    (target / "a").unlink()
    assert run_task("s3_download", **given).outcome.error is None
    assert tree(target) == {"a": bytes(size)}


@pytest.mark.parametrize("word", ["always", "true", "True"])
def test_always_overwriting_replaces(run_task, fill, make_tree, bucket, word):
    fill({"a": b"new", "b": b"new"})
    target = make_tree({"b": b"mine"}, under="target")
    ran = run_task("s3_download", bucket_name=bucket, target_folder=target, overwrite=word)
    assert tree(target) == {"a": b"new", "b": b"new"}
    assert reasons(ran.plan) == {"a": "new", "b": "not compared"}


def test_changed_files_are_replaced_and_equal_ones_left(run_task, fill, make_tree, bucket):
    fill({"same": b"1", "differs": b"2", "new": b"3"})
    target = make_tree({"same": b"1", "differs": b"X"}, under="target")
    ran = run_task("s3_download", bucket_name=bucket, target_folder=target, overwrite="changed")
    assert reasons(ran.plan) == {"same": "unchanged", "differs": "content", "new": "new"}
    assert tree(target) == {"same": b"1", "differs": b"2", "new": b"3"}


@pytest.mark.parametrize("there", ["a link that leads nowhere", "a pipe"])
def test_what_has_no_bytes_to_compare_counts_as_changed(run_task, s3, bucket, tmp_path, there):
    s3.put_object(Bucket=bucket, Key="a", Body=b"")
    target = tmp_path / "target"
    target.mkdir()
    if there == "a pipe":
        os.mkfifo(target / "a")
    else:
        (target / "a").symlink_to(tmp_path / "nowhere")
    ran = run_task("s3_download", bucket_name=bucket, target_folder=str(target), overwrite="changed")
    assert reasons(ran.plan) == {"a": "content"}
    assert (target / "a").is_file()
    assert not (target / "a").is_symlink()
    assert not (tmp_path / "nowhere").exists()


def test_a_folder_where_a_file_should_go_is_told(run_task, fill, make_tree, bucket):
    fill({"a": b"1"})
    target = make_tree({"a/b": b"mine"}, under="target")
    with pytest.raises(LocalFileError, match=r"target/a would be written as a file, but is a folder"):
        run_task("s3_download", bucket_name=bucket, target_folder=target)


@pytest.mark.parametrize("key", ["../escape", "a/../../escape", "/rooted", "a//b", "a/./b"])
def test_no_key_writes_outside_the_target_folder(run_task, fill, bucket, target, tmp_path, key):
    fill({"fine": b"1", key: b"evil"})
    with pytest.raises(RopewayError) as caught:
        run_task("s3_download", bucket_name=bucket, target_folder=target)
    assert key in str(caught.value)
    assert not (tmp_path / "escape").exists()
    assert tree(target) == {}
    run_task("s3_download", bucket_name=bucket, target_folder=target, glob_expressions="fine")
    assert tree(target) == {"fine": b"1"}


@pytest.mark.parametrize("dry_run", ["true", "false"])
def test_keys_that_one_file_would_have_to_hold_are_refused_where_the_folder_ignores_case(
    run_task, fill, bucket, target, caseless, dry_run
):
    fill({"A": b"1", "a": b"2"})
    with pytest.raises(LocalFileError, match=r"'A' and 'a' \(both would be the file a\)\. Nothing was written\."):
        run_task("s3_download", bucket_name=bucket, target_folder=target, dry_run=dry_run)
    assert not os.path.isdir(target)


def test_keys_that_differ_in_case_are_files_of_their_own_where_the_folder_tells_it_apart(
    run_task, fill, bucket, target
):
    fill({"A": b"1", "a": b"2"})
    run_task("s3_download", bucket_name=bucket, target_folder=target)
    assert tree(target) == {"A": b"1", "a": b"2"}


def test_a_link_that_leads_out_of_the_target_is_not_followed(run_task, fill, make_tree, bucket, tmp_path):
    fill({"out/x": b"evil"})
    target = make_tree({}, under="target")
    (tmp_path / "outside").mkdir()
    os.symlink(tmp_path / "outside", f"{target}/out")
    with pytest.raises(RopewayError, match="out"):
        run_task("s3_download", bucket_name=bucket, target_folder=target)
    assert tree(tmp_path / "outside") == {}


def test_a_link_to_a_file_that_is_replaced_is_not_taken_for_its_old_bytes(run_task, fill, make_tree, bucket):
    fill({"latest": b"one", "v1": b"two"})
    target = make_tree({"v1": b"one"})
    os.symlink("v1", f"{target}/latest")
    run_task("s3_download", bucket_name=bucket, target_folder=target, overwrite="changed")
    assert tree(target) == {"latest": b"one", "v1": b"two"}


@pytest.mark.parametrize("overwrite", ["always", "changed"])
def test_two_keys_that_a_link_between_folders_makes_one_file_are_refused_unless_they_are_the_same(
    run_task, fill, make_tree, bucket, overwrite
):
    target = make_tree({"v1/a": b"old"})
    os.symlink("v1", f"{target}/latest")
    given = {"bucket_name": bucket, "target_folder": target, "overwrite": overwrite}
    fill({"latest/a": b"one", "v1/a": b"two"})
    with pytest.raises(LocalFileError, match=r"'latest/a' and 'v1/a' .* Nothing was written"):
        run_task("s3_download", **given)
    assert Path(target, "v1/a").read_bytes() == b"old"
    fill({"latest/a": b"two"})
    assert run_task("s3_download", **given).outcome.status == "succeeded"
    assert Path(target, "v1/a").read_bytes() == b"two"


def test_archived_objects_are_named_with_what_to_do(run_task, fill, bucket, target):
    fill({"old.log": b"1"}, StorageClass="GLACIER")
    fill({"new.log": b"2"})
    with pytest.raises(Archived, match=r"1 object in s3://.* must be restored .*: old\.log\. Restore them"):
        run_task("s3_download", bucket_name=bucket, target_folder=target)
    assert tree(target) == {}
    run_task("s3_download", bucket_name=bucket, target_folder=target, glob_expressions="**\n!old.log")
    assert tree(target) == {"new.log": b"2"}


def test_an_archived_object_whose_bytes_are_there_already_need_not_be_restored(run_task, fill, make_tree, bucket):
    fill({"old.log": b"1"}, StorageClass="GLACIER")
    fill({"new.log": b"2"})
    target = make_tree({"old.log": b"1"})
    given = {"bucket_name": bucket, "target_folder": target, "overwrite": "changed"}
    assert reasons(run_task("s3_download", **given).plan) == {"new.log": "new", "old.log": "unchanged"}
    assert tree(target) == {"old.log": b"1", "new.log": b"2"}
    Path(target, "old.log").write_bytes(b"other")
    with pytest.raises(Archived, match=r"old\.log"):
        run_task("s3_download", **given)


def test_a_restored_object_is_read(run_task, fill, s3, bucket, target):
    fill({"old.log": b"1"}, StorageClass="GLACIER")
    s3.restore_object(Bucket=bucket, Key="old.log", RestoreRequest={"Days": 1})
    run_task("s3_download", bucket_name=bucket, target_folder=target)
    assert tree(target) == {"old.log": b"1"}


def test_a_large_object_comes_in_ranges_byte_for_byte(run_task, fill, bucket, target):
    data = os.urandom(1 << 20) * 40
    fill({"large.bin": data})
    run_task("s3_download", bucket_name=bucket, target_folder=target)
    assert tree(target) == {"large.bin": data}


def test_a_target_folder_that_is_written_as_on_windows_is_warned_of_while_it_is_new(run_task, fill, bucket, target):
    """Other steps would look for `target/site` in vain. The agent of Linux hands the text over as it is."""
    fill({"a": b"1"})
    given = {"bucket_name": bucket, "target_folder": rf"{target}\site"}
    outcome = run_task("s3_download", **given).outcome
    assert outcome.status == "warnings"
    (warning,) = outcome.warnings
    assert warning.startswith(rf"The target folder {target}\site is a new one, with a backslash in its name. ")
    assert warning.endswith("a backslash is a character of a name like any other: write / between folders.")
    assert run_task("s3_download", **given).outcome.status == "succeeded"


def test_no_match_is_an_error_unless_it_was_allowed(run_task, fill, bucket, target):
    fill({"a": b""})
    given = {"bucket_name": bucket, "target_folder": target, "glob_expressions": "*.zip"}
    with pytest.raises(NothingMatched, match=rf"No object matches in s3://{bucket}/: \*\.zip\."):
        run_task("s3_download", **given)
    run_task("s3_download", **given, no_match="warn", only_plan=True)
    assert not os.path.exists(target)
    assert run_task("s3_download", **given, no_match="warn").outcome.status == "warnings"
    assert os.listdir(target) == []  # what comes after may count on it
    assert run_task("s3_download", **given, no_match="ignore").outcome.status == "succeeded"


def test_a_missing_bucket_is_told(run_task, target):
    with pytest.raises(BucketMissing, match="NoSuchBucket"):
        run_task("s3_download", bucket_name="there-is-none", target_folder=target)


def test_a_plan_writes_nothing(run_task, fill, bucket, target):
    fill(SITE)
    ran = run_task("s3_download", only_plan=True, bucket_name=bucket, target_folder=target)
    assert not os.path.exists(target)
    assert len(ran.plan.steps) == 5


def test_an_unknown_word_for_overwriting_is_told(run_task, bucket, target):
    with pytest.raises(InputError, match=r"overwrite is 'chnged'; did you mean changed\?"):
        run_task("s3_download", bucket_name=bucket, target_folder=target, overwrite="chnged")
