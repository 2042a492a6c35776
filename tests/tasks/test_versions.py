"""Version ids: told by an upload, and given to a download."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ropeway.errors import AwsError, InputError, NothingMatched


def tree(folder: str | Path) -> dict[str, bytes]:
    root = Path(folder)
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


@pytest.fixture
def versioned(s3, bucket):
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    return bucket


@pytest.fixture
def target(tmp_path):
    return str(tmp_path / "target")


def uploaded(run_task, make_tree, bucket: str, files: dict[str, bytes]) -> dict[str, str]:
    """Name -> version id, as the outcome tells it."""
    given = {"bucket_name": bucket, "target_folder": "site", "glob_expressions": "\n".join(files)}
    ran = run_task("s3_upload", source_folder=make_tree(files), **given)
    return {result.step.name.rpartition("/site/")[2]: result.version_id for result in ran.outcome.results}


def test_what_an_upload_tells_brings_back_that_very_state(run_task, make_tree, s3, versioned, target):
    first = {"a.txt": b"one", "b=c.txt": b"one", "gone.txt": b"one", "same.txt": b"same"}
    ids = uploaded(run_task, make_tree, versioned, first)
    uploaded(run_task, make_tree, versioned, {"a.txt": b"two, longer", "b=c.txt": b"two"})
    s3.delete_object(Bucket=versioned, Key="site/gone.txt")
    lines = "\n".join(f"{name} = {ids[name]}" for name in ("a.txt", "b=c.txt", "gone.txt"))
    given = {"bucket_name": versioned, "source_folder": "site", "target_folder": target, "strip_prefix": "true"}
    ran = run_task("s3_download", **given, version_ids=f"# the release of May\n{lines}")
    assert tree(target) == first
    told = {os.path.basename(result.step.name): result.version_id for result in ran.outcome.results}
    assert told == ids


def test_a_file_that_equals_the_version_asked_for_is_left(run_task, make_tree, versioned, target):
    ids = uploaded(run_task, make_tree, versioned, {"a.txt": b"one"})
    uploaded(run_task, make_tree, versioned, {"a.txt": b"two"})
    given = {
        "bucket_name": versioned,
        "source_folder": "site",
        "target_folder": target,
        "overwrite": "changed",
        "version_ids": f"a.txt={ids['a.txt']}",
    }
    run_task("s3_download", **given)
    again = run_task("s3_download", **given)
    assert [str(step.reason) for step in again.plan.steps] == ["unchanged"]
    assert [str(step.reason) for step in run_task("s3_download", **given | {"version_ids": ""}).plan.steps] == [
        "content"
    ]


def test_versions_that_are_not_there_are_named_before_anything_is_written(run_task, make_tree, versioned, target):
    uploaded(run_task, make_tree, versioned, {"a.txt": b"one", "b.txt": b"one"})
    with pytest.raises(
        AwsError,
        match=r"NoSuchVersion: there is no site/a\.txt in version x1, no site/none in version x2\..*versionIds",
    ):
        run_task(
            "s3_download",
            bucket_name=versioned,
            source_folder="site",
            target_folder=target,
            version_ids="a.txt=x1\nnone=x2",
        )
    assert not os.path.exists(target)


def test_a_version_of_what_the_globs_leave_out_is_a_mistake(run_task, make_tree, versioned, target):
    ids = uploaded(run_task, make_tree, versioned, {"a.txt": b"one", "b.css": b"one"})
    with pytest.raises(NothingMatched, match=r"The globs leave out what a version was asked of: b\.css\."):
        run_task(
            "s3_download",
            bucket_name=versioned,
            source_folder="site",
            target_folder=target,
            glob_expressions="*.txt",
            version_ids=f"b.css={ids['b.css']}",
        )


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        ("a.txt", "versionIds line 1 is 'a.txt'; write it as key=versionId."),
        ("a.txt=", "versionIds line 1 is 'a.txt='; write it as key=versionId."),
        ("a=1\n\na=2", "versionIds line 3 is about a again, as line 1."),
        (
            "# a comment\n#a=x",
            "versionIds line 2 is '#a=x': a comment begins with # and a blank; a name that begins with # cannot be given here.",
        ),
    ],
)
def test_lines_that_are_none_are_told_by_their_number(run_task, bucket, lines, problem):
    with pytest.raises(InputError) as refused:
        run_task("s3_download", bucket_name=bucket, version_ids=lines)
    assert str(refused.value) == problem


def test_an_archived_version_is_named(run_task, s3, versioned, target):
    old = s3.put_object(Bucket=versioned, Key="a", Body=b"1", StorageClass="GLACIER")["VersionId"]
    s3.put_object(Bucket=versioned, Key="a", Body=b"2")
    with pytest.raises(Exception, match=r"1 object in .* must be restored before they can be read: a\."):
        run_task("s3_download", bucket_name=versioned, target_folder=target, version_ids=f"a={old}")


def test_versions_of_a_real_store_come_back_whole_in_parts_and_in_ranges(
    run_task, make_tree, seaweed, seaweed_s3, seaweed_bucket, target
):
    seaweed_s3.put_bucket_versioning(Bucket=seaweed_bucket, VersioningConfiguration={"Status": "Enabled"})
    given = {"store": seaweed, "bucket_name": seaweed_bucket, "force_path_style_addressing": "true"}
    told = []
    for word in (b"old", b"new"):
        source = make_tree({"small": word, "large": word * (6 << 20)})
        results = run_task("s3_upload", source_folder=source, keep_modified="true", **given).outcome.results
        told.append("\n".join(f"{result.step.name.rpartition('/')[2]}={result.version_id}" for result in results))
    seaweed_s3.delete_object(Bucket=seaweed_bucket, Key="small")
    run_task("s3_download", target_folder=target, version_ids=told[0], **given)
    assert tree(target) == {"small": b"old", "large": b"old" * (6 << 20)}
