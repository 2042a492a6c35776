"""The null S3 is S3 enough, and sees many requests in flight."""

import os

import pytest
from bench.null_s3 import NullS3, running, zeros

from ropeway.s3.engine import Get
from tests.s3.boto_kit import NO_RETRIES, engine_at, noise, put, transfer, well

MIB = 1 << 20


@pytest.fixture
def null():
    with running(NullS3()) as null:
        yield null


def test_it_takes_files_of_any_size_and_knows_what_they_were(null, tmp_path):
    sizes = (0, 1, 5000, 8 * MIB, 20 * MIB + 3)
    for seed, size in enumerate(sizes):
        (tmp_path / str(size)).write_bytes(noise(size, seed))
    with engine_at(null.url) as engine:
        well(transfer(engine, *(put(tmp_path / str(size), "bucket", f"up/{size}") for size in sizes)))
        heads = dict(engine.heads("bucket", [f"up/{size}" for size in sizes]))
    assert [heads[f"up/{size}"].size for size in sizes] == list(sizes)
    assert null.uploads == {}


def test_it_refuses_bytes_that_are_not_those_of_the_checksum(null, tmp_path, monkeypatch):
    from ropeway.s3.boto import upload

    monkeypatch.setattr(upload, "in_base64", lambda crc: "AAAAAA==")
    (tmp_path / "file").write_bytes(b"bytes")
    with engine_at(null.url, **NO_RETRIES) as engine:
        (result,) = transfer(engine, put(tmp_path / "file", "bucket", "key"))
    assert "BadDigest" in str(result.error)
    assert null.objects == {}


def test_it_serves_zeros_with_their_checksum_whole_and_in_ranges(null, tmp_path):
    null.add(3, 4096)
    null.add(1, 20 * MIB + 1)
    with engine_at(null.url) as engine:
        listed = list(engine.list("bucket", ""))
        well(transfer(engine, *(Get("bucket", e.key, str(tmp_path / e.key), e.size, e.etag) for e in listed)))
    assert len(listed) == 4
    for entry in listed:
        assert (tmp_path / entry.key).read_bytes() == bytes(entry.size)


def test_it_lists_by_pages_and_prefix(null):
    null.objects = {f"{prefix}/{number:04} ü": zeros(1) for prefix in ("a", "b") for number in range(1200)}
    with engine_at(null.url) as engine:
        assert [entry.key for entry in engine.list("bucket", "b/")] == [f"b/{number:04} ü" for number in range(1200)]


def test_at_least_16_requests_are_in_flight_at_once_in_both_directions(tmp_path):
    null = NullS3(together=16)
    null.add(100, 1000)
    source = tmp_path / "source"
    source.mkdir()
    for number in range(100):
        (source / str(number)).write_bytes(bytes(1000))
    with running(null), engine_at(null.url, concurrency=32) as engine:
        listed = list(engine.list("bucket", "1000/"))
        well(transfer(engine, *(put(source / name, "bucket", f"up/{name}") for name in os.listdir(source))))
        well(transfer(engine, *(Get("bucket", e.key, str(tmp_path / e.key), e.size, e.etag) for e in listed)))
    assert 16 <= null.peak["PUT"] <= 32
    assert 16 <= null.peak["GET"] <= 32


def test_at_least_16_parts_and_ranges_of_one_file_are_in_flight_at_once(tmp_path):
    null = NullS3(together=16)
    null.add(1, 200 * MIB)
    with (tmp_path / "sparse").open("wb") as file:
        file.truncate(200 * MIB)
    with running(null), engine_at(null.url, concurrency=32) as engine:
        (entry,) = engine.list("bucket", "")
        well(transfer(engine, put(tmp_path / "sparse", "bucket", "up")))
        well(transfer(engine, Get("bucket", entry.key, str(tmp_path / "down"), entry.size, entry.etag)))
    assert 16 <= null.peak["PUT"] <= 32
    assert 16 <= null.peak["GET"] <= 32
