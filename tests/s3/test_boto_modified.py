"""The time of a file's last change goes up with it and comes back."""

from __future__ import annotations

import os

import pytest

from tests.s3.boto_kit import each_engine, engine_at, get, noise, put, transfer, well

pytestmark = each_engine

MTIME_NS = 1_712_345_678_500_000_000


@pytest.fixture
def engine(embedded, engine_kind):
    with engine_at(embedded) as engine:
        yield engine


@pytest.mark.parametrize("size", [10, (8 << 20) + 1], ids=["at once", "in parts"])
def test_it_goes_up_as_metadata_when_it_is_to_be_kept(engine, s3, bucket, tmp_path, size):
    (tmp_path / "a").write_bytes(noise(size))
    os.utime(tmp_path / "a", ns=(MTIME_NS, MTIME_NS))
    work = put(tmp_path / "a", bucket, "a", keep_modified=True, metadata=(("build", "7"),))
    well(transfer(engine, work))
    assert s3.head_object(Bucket=bucket, Key="a")["Metadata"] == {"build": "7", "mtime": "1712345678.5"}


@pytest.mark.parametrize("size", [10, (16 << 20) + 1], ids=["at once", "in ranges"])
def test_it_comes_back_when_it_is_to_be_kept(engine, s3, bucket, tmp_path, size):
    data = noise(size)
    s3.put_object(Bucket=bucket, Key="a", Body=data, Metadata={"mtime": "1712345678.5"})
    well(transfer(engine, get(bucket, "a", tmp_path / "kept", data, keep_modified=True)))
    well(transfer(engine, get(bucket, "a", tmp_path / "new", data)))
    assert os.stat(tmp_path / "kept").st_mtime_ns == MTIME_NS
    assert os.stat(tmp_path / "new").st_mtime > 1_712_345_679


@pytest.mark.parametrize("metadata", [{}, {"mtime": "yesterday"}, {"mtime": "99999999999999"}])
def test_without_a_time_in_the_metadata_it_is_the_time_at_which_the_object_was_stored(
    engine, s3, bucket, tmp_path, metadata
):
    s3.put_object(Bucket=bucket, Key="a", Body=b"a", Metadata=metadata)
    well(transfer(engine, get(bucket, "a", tmp_path / "a", b"a", keep_modified=True)))
    assert os.stat(tmp_path / "a").st_mtime == s3.head_object(Bucket=bucket, Key="a")["LastModified"].timestamp()
