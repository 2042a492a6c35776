"""Files go up and come back, byte for byte, through a real S3 and the embedded one."""

import contextlib
import os

import pytest

from ropeway.outcome import Cancellation
from ropeway.s3.engine import CustomerKey, Get
from tests.s3.boto_kit import Sent, each_engine, engine_at, get, noise, put, put_in_parts, transfer, tune, well

MIB = 1 << 20

pytestmark = each_engine
SIZES = {"empty": 0, "one": 1, "small": 5000, "eight": 8 * MIB, "parts": 8 * MIB + 1, "large": 20 * MIB + 7}


@pytest.fixture
def tree(tmp_path):
    folder = tmp_path / "source"
    folder.mkdir()
    for seed, (name, size) in enumerate(SIZES.items()):
        (folder / name).write_bytes(noise(size, seed))
    return folder


def test_files_of_every_size_arrive_and_come_back(server, store, tree, tmp_path):
    bucket, s3 = store
    up, down = Sent(), Sent()
    with engine_at(server) as engine:
        well(transfer(engine, *(put(tree / name, bucket, f"site/{name}") for name in SIZES), sent=up))
        for name in SIZES:
            assert s3.get_object(Bucket=bucket, Key=f"site/{name}")["Body"].read() == (tree / name).read_bytes()
        listed = list(engine.list(bucket, "site/"))
        assert {entry.key: entry.size for entry in listed} == {f"site/{name}": size for name, size in SIZES.items()}
        gets = [Get(bucket, entry.key, str(tmp_path / "down" / entry.key), entry.size, entry.etag) for entry in listed]
        well(transfer(engine, *gets, sent=down))
    for name in SIZES:
        assert (tmp_path / "down" / "site" / name).read_bytes() == (tree / name).read_bytes()
    assert sorted(os.listdir(tmp_path / "down" / "site")) == sorted(SIZES)
    assert up.total == down.total == sum(SIZES.values())


def test_a_store_that_is_given_no_checksums_gets_and_gives_the_same_bytes(server, store, tree, tmp_path):
    bucket, s3 = store
    with engine_at(server, checksums=False) as engine:
        well(transfer(engine, *(put(tree / name, bucket, name) for name in SIZES)))
        heads = dict(engine.heads(bucket, list(SIZES)))
        gets = [Get(bucket, name, str(tmp_path / name), head.size, head.etag) for name, head in heads.items()]
        well(transfer(engine, *gets))
    assert all("ChecksumCRC32" not in s3.head_object(Bucket=bucket, Key=name, ChecksumMode="ENABLED") for name in SIZES)
    assert all((tmp_path / name).read_bytes() == (tree / name).read_bytes() for name in SIZES)


def test_the_store_keeps_a_checksum_of_the_whole_object_and_it_is_the_right_one(server, store, tree):
    bucket, s3 = store
    with engine_at(server) as engine:
        well(transfer(engine, put(tree / "large", bucket, "large"), put(tree / "small", bucket, "small")))
    data = (tree / "large").read_bytes()
    large = s3.head_object(Bucket=bucket, Key="large", ChecksumMode="ENABLED")
    assert large["ChecksumType"] == "FULL_OBJECT"
    s3.put_object(Bucket=bucket, Key="at once", Body=data, ChecksumAlgorithm="CRC32")
    assert (
        large["ChecksumCRC32"] == s3.head_object(Bucket=bucket, Key="at once", ChecksumMode="ENABLED")["ChecksumCRC32"]
    )


@pytest.mark.parametrize("size", ["small", "parts"])
def test_headers_metadata_and_tags_are_kept_beside_the_bytes(server, store, tree, size):
    bucket, _ = store
    tags = (("cost", "a=b"), ("team", "web site"))
    given = {
        "content_type": "text/html; charset=utf-8",
        "cache_control": "no-cache",
        "content_encoding": "gzip",
        "content_disposition": "inline",
        "content_language": "de",
        "metadata": (("build", "7"), ("town", "München")),
    }
    with engine_at(server) as engine:
        well(transfer(engine, put(tree / size, bucket, "key", **given, tags=tags)))
        ((_, head),) = engine.heads(bucket, ["key"])
        assert list(engine.tags(bucket, ["key"])) == [("key", tags)]
    assert {name: getattr(head.headers, name) for name in given} == given


def test_an_object_that_was_sent_in_parts_by_somebody_else_is_verified_and_whole(server, store, tmp_path, monkeypatch):
    """Checksums of checksums, SHA-256, and none: whatever another tool left there."""
    tune(monkeypatch, whole=MIB)
    bucket, s3 = store
    parts = [noise(5 * MIB, 1), noise(5 * MIB, 2), noise(100, 3)]
    kinds = {"composite": ("CRC32", "COMPOSITE"), "sha": ("SHA256", "COMPOSITE"), "plain": (None, None)}
    for key, (algorithm, kind) in kinds.items():
        put_in_parts(s3, bucket, key, parts, algorithm, kind)
    s3.put_object(Bucket=bucket, Key="sha whole", Body=b"".join(parts), ChecksumAlgorithm="SHA256")
    with engine_at(server) as engine:
        gets = [Get(bucket, e.key, str(tmp_path / e.key), e.size, e.etag) for e in engine.list(bucket, "")]
        well(transfer(engine, *gets))
    assert len(gets) == 4
    assert all((tmp_path / entry.key).read_bytes() == b"".join(parts) for entry in gets)


def test_keys_with_anything_in_them_go_up_and_come_back(embedded, bucket, tmp_path):
    keys = ["a b/ü.txt", "plus+&?=#%41.txt", "quote'\"<>.txt", "日本/🎈", "dot/./x", "..a", "back\\slash", "tab\tline"]
    (tmp_path / "file").write_bytes(noise(10))
    with engine_at(embedded) as engine:
        well(transfer(engine, *(put(tmp_path / "file", bucket, key) for key in keys)))
        assert [entry.key for entry in engine.list(bucket, "")] == sorted(keys)
        gets = [get(bucket, key, tmp_path / f"down{i}", noise(10)) for i, key in enumerate(keys)]
        well(transfer(engine, *gets))
        assert {key for key, head in engine.heads(bucket, keys) if head and head.size == 10} == set(keys)
    assert all((tmp_path / f"down{i}").read_bytes() == noise(10) for i in range(len(keys)))


def test_a_customer_key_goes_with_every_request(embedded, bucket, tree, tmp_path, monkeypatch):
    tune(monkeypatch, whole=100)
    key = CustomerKey(b"0123456789abcdef0123456789abcdef")
    with engine_at(embedded) as engine:
        well(
            transfer(
                engine,
                put(tree / "small", bucket, "small", customer_key=key),
                put(tree / "parts", bucket, "parts", customer_key=key),
            )
        )
        heads = dict(engine.heads(bucket, ["small", "parts"], key))
        gets = [Get(bucket, name, str(tmp_path / name), head.size, head.etag, key) for name, head in heads.items()]
        well(transfer(engine, *gets))
        without = transfer(engine, Get(bucket, "small", str(tmp_path / "no"), heads["small"].size, heads["small"].etag))
    assert all((tmp_path / name).read_bytes() == (tree / name).read_bytes() for name in ("small", "parts"))
    assert without[0].error is not None
    assert not (tmp_path / "no").exists()


def test_many_small_files_and_a_few_large_ones_share_the_connections(embedded, bucket, tmp_path):
    for number in range(150):
        (tmp_path / f"small{number}").write_bytes(noise(1000, number))
    for number in range(2):
        (tmp_path / f"large{number}").write_bytes(noise(17 * MIB, number))
    names = sorted(os.listdir(tmp_path))
    with engine_at(embedded, concurrency=8) as engine:
        well(transfer(engine, *(put(tmp_path / name, bucket, name) for name in names)))
        listed = list(engine.list(bucket, ""))
        well(transfer(engine, *(Get(bucket, e.key, str(tmp_path / "down" / e.key), e.size, e.etag) for e in listed)))
    assert all((tmp_path / "down" / name).read_bytes() == (tmp_path / name).read_bytes() for name in names)


def test_never_more_files_are_open_than_requests_in_flight(embedded, bucket, tmp_path, monkeypatch):
    tune(monkeypatch, single=5 * MIB, whole=1000, piece=700)
    for number in range(40):
        (tmp_path / str(number)).write_bytes(noise(2000, number))
    most = 0

    def count(_):
        nonlocal most
        most = max(most, len(_open_below(tmp_path)))

    with engine_at(embedded, concurrency=3) as engine:
        puts = [put(tmp_path / str(number), bucket, str(number)) for number in range(40)]
        well(engine.transfer(puts, count, Cancellation()))
        gets = [get(bucket, str(n), tmp_path / f"down{n}", noise(2000, n)) for n in range(40)]
        well(engine.transfer(gets, count, Cancellation()))
    assert 1 <= most <= 3


def _open_below(folder):
    """The descriptors of files in that folder. Looked at twice: a descriptor may change hands while one looks."""
    before, now = None, _descriptors(folder)
    while before != now:
        before, now = now, _descriptors(folder)
    return now


def _descriptors(folder):
    found = {}
    for descriptor in os.listdir("/proc/self/fd"):
        with contextlib.suppress(FileNotFoundError):
            found[descriptor] = os.readlink(f"/proc/self/fd/{descriptor}")
    return {descriptor: path for descriptor, path in found.items() if path.startswith(str(folder))}
