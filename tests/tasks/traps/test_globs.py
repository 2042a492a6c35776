"""What the globs of a task pick, where the Toolkit picks something else."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ropeway.errors import NothingMatched


@pytest.fixture
def stored(s3, bucket):
    def store(*keys: str) -> str:
        for key in keys:
            s3.put_object(Bucket=bucket, Key=key, Body=key.encode())
        return bucket

    return store


@pytest.fixture
def fetched(run_task, tmp_path):
    """The paths that a download brings."""

    def fetch(bucket: str, globs: str, **texts: str) -> list[str]:
        target = tmp_path / f"target-{len(os.listdir(tmp_path))}"
        run_task("s3_download", bucket_name=bucket, target_folder=str(target), glob_expressions=globs, **texts)
        return sorted(path.relative_to(target).as_posix() for path in target.rglob("*") if path.is_file())

    return fetch


@pytest.mark.parametrize("folder", ["site", "site/"])
@pytest.mark.parametrize("glob", ["index.html", "*.html", "sub/*"])
def test_a_slash_after_the_source_folder_takes_nothing_off_the_names(stored, fetched, folder, glob):
    bucket = stored("site/index.html", "site/sub/x.js", "site2/index.html")
    expected = {"sub/*": ["site/sub/x.js"]}.get(glob, ["site/index.html"])
    assert fetched(bucket, glob, source_folder=folder) == expected


def test_what_begins_with_a_text_is_had_by_the_globs(stored, fetched):
    bucket = stored("site/a", "site2/b", "siteX.txt", "other/c")
    assert fetched(bucket, "site*\nsite*/**") == ["site/a", "site2/b", "siteX.txt"]


def test_names_that_begin_with_a_dot_come_along_and_can_be_taken_out(stored, fetched):
    bucket = stored(".env", ".well-known/security.txt", "a/.hidden", "a/b")
    assert fetched(bucket, "**") == [".env", ".well-known/security.txt", "a/.hidden", "a/b"]
    assert fetched(bucket, "*") == [".env"]
    assert fetched(bucket, "**\n!**/.*\n!**/.*/**") == ["a/b"]


def test_a_key_that_two_lines_pick_is_fetched_once(run_task, stored, misbehaving, embedded, tmp_path):
    bucket = stored("a.txt")
    misbehaving.upstream = embedded.endpoint_url
    given = {"bucket_name": bucket, "glob_expressions": "*\n*.txt\na*", "endpoint_url": misbehaving.url}
    ran = run_task("s3_download", target_folder=str(tmp_path / "target"), **given)
    assert len(ran.plan.steps) == 1
    assert [request.target for request in misbehaving.requests if "/a.txt" in request.target] == [f"/{bucket}/a.txt"]


def test_braces_are_text_and_groups_are_not_down(stored, fetched):
    bucket = stored("x.js", "x.css", "x.map", "x.{js,css}")
    assert fetched(bucket, "*.{js,css}") == ["x.{js,css}"]
    assert fetched(bucket, "*.@(js|css)") == ["x.css", "x.js"]


def test_braces_are_text_and_groups_are_not_up(run_task, make_tree, s3, bucket):
    given = {"bucket_name": bucket, "source_folder": make_tree({"x.js": b"", "x.css": b"", "x.map": b""})}
    with pytest.raises(NothingMatched):
        run_task("s3_upload", glob_expressions="*.{js,css}", **given)
    run_task("s3_upload", glob_expressions="*.@(js|css)", **given)
    assert sorted(item["Key"] for item in s3.list_objects_v2(Bucket=bucket)["Contents"]) == ["x.css", "x.js"]


def test_a_broken_link_where_no_glob_looks_is_none_of_its_business(run_task, make_tree, s3, bucket):
    source = make_tree({"dist/a.txt": b"1"})
    Path(source, "cache").mkdir()
    os.symlink("nowhere", f"{source}/cache/broken")
    run_task("s3_upload", bucket_name=bucket, source_folder=source, glob_expressions="dist/**")
    assert [item["Key"] for item in s3.list_objects_v2(Bucket=bucket)["Contents"]] == ["dist/a.txt"]
