"""Versions: which one was made, which one is fetched, and that it is that one."""

from __future__ import annotations

import os

import pytest

from ropeway.errors import AwsError
from tests.s3.boto_kit import NO_RETRIES, each_engine, engine_at, get, noise, put, transfer, well
from tests.servers.misbehaving import Answer

pytestmark = each_engine


@pytest.fixture
def versioned(s3, bucket):
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    return bucket


@pytest.fixture
def engine(embedded, engine_kind):
    with engine_at(embedded) as engine:
        yield engine


@pytest.mark.parametrize("size", [10, (8 << 20) + 1], ids=["at once", "in parts"])
def test_an_upload_tells_the_version_that_it_made(engine, s3, versioned, tmp_path, size):
    (tmp_path / "a").write_bytes(noise(size))
    (first,) = transfer(engine, put(tmp_path / "a", versioned, "a"))
    (second,) = transfer(engine, put(tmp_path / "a", versioned, "a"))
    versions = s3.list_object_versions(Bucket=versioned)["Versions"]
    assert {first.version_id, second.version_id} == {version["VersionId"] for version in versions}
    assert second.version_id == s3.head_object(Bucket=versioned, Key="a")["VersionId"]


def test_without_versions_there_is_none_to_tell(engine, bucket, tmp_path):
    (tmp_path / "a").write_bytes(b"a")
    (up,) = transfer(engine, put(tmp_path / "a", bucket, "a"))
    (down,) = transfer(engine, get(bucket, "a", tmp_path / "b", b"a"))
    assert (up.version_id, down.version_id) == ("", "")


@pytest.mark.parametrize("size", [10, (16 << 20) + 1], ids=["at once", "in ranges"])
def test_an_older_version_is_fetched_and_verified(engine, s3, versioned, tmp_path, size):
    old, new = noise(size, 1), noise(size, 2)
    ids = [s3.put_object(Bucket=versioned, Key="a", Body=body)["VersionId"] for body in (old, new)]
    (fetched,) = transfer(engine, get(versioned, "a", tmp_path / "old", old, version_id=ids[0]))
    well([fetched])
    assert (tmp_path / "old").read_bytes() == old
    assert fetched.version_id == ids[0]
    (current,) = transfer(engine, get(versioned, "a", tmp_path / "new", new))
    assert current.version_id == ids[1]


def test_heads_are_asked_of_the_versions_that_are_named(engine, s3, versioned):
    ids = [s3.put_object(Bucket=versioned, Key="a", Body=body)["VersionId"] for body in (b"1", b"22")]
    s3.put_object(Bucket=versioned, Key="b", Body=b"333")
    heads = dict(engine.heads(versioned, ["a", "b"], versions={"a": ids[0]}))
    assert {key: head.size for key, head in heads.items()} == {"a": 1, "b": 3}
    assert heads["a"].version_id == ids[0]


def test_a_version_that_only_says_deleted_is_told_as_that(engine, s3, versioned):
    s3.put_object(Bucket=versioned, Key="a", Body=b"1")
    marker = s3.delete_object(Bucket=versioned, Key="a")["VersionId"]
    with pytest.raises(
        AwsError, match=r"Could not look at s3://.*/a \(version .*\).*That version only says that the object was"
    ):
        list(engine.heads(versioned, ["a"], versions={"a": marker}))


WHOLE = {"ETag": '"e"', "Last-Modified": "Thu, 01 Jan 2026 00:00:00 GMT"}


@pytest.mark.parametrize("said", [{}, {"x-amz-version-id": "another"}])
def test_a_store_that_answers_with_another_version_is_not_believed(misbehaving, tmp_path, said):
    misbehaving.on(Answer(200, {**WHOLE, **said, "Content-Length": "1"}), method="HEAD")
    misbehaving.on(Answer(200, {**WHOLE, **said}, b"1"), method="GET")
    with engine_at(misbehaving.url, **NO_RETRIES) as engine:
        with pytest.raises(
            AwsError, match=r"look at s3://shop/a \(version v1\): AWS answered NoSuchVersion: version v1 was"
        ):
            list(engine.heads("shop", ["a"], versions={"a": "v1"}))
        (fetched,) = transfer(engine, get("shop", "a", tmp_path / "a", b"1", version_id="v1"))
    assert "version v1 was asked for" in str(fetched.error)
    assert os.listdir(tmp_path) == []
