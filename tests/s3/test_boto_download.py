"""What can go wrong while an object comes down, and that no half or wrong file is left."""

import base64
import errno
import hashlib
import os
import resource
import signal
import zlib
from dataclasses import replace

import pytest

from ropeway.errors import AwsError, IntegrityError, LocalFileError, NetworkError
from ropeway.outcome import Cancellation
from ropeway.s3 import temporary
from ropeway.s3.engine import Get
from tests.s3.boto_kit import FEW_RETRIES, NO_RETRIES, Sent, engine_at, get, noise, put_in_parts, transfer, tune, well
from tests.servers.cable import cable
from tests.servers.misbehaving import Answer, s3_error

DATA = noise(100_000)
ETAG = f'"{hashlib.md5(DATA).hexdigest()}"'
CRC = base64.b64encode(zlib.crc32(DATA).to_bytes(4, "big")).decode()


@pytest.fixture(autouse=True)
def in_small_ranges(monkeypatch, engine_kind):
    """Objects of more than 50,000 bytes are large here."""
    tune(monkeypatch, whole=50_000, piece=9_000, pauses=(0.01, 0.01))


@pytest.fixture
def stored(s3, bucket):
    """`small` and `large` in the bucket, both with a CRC32."""
    s3.put_object(Bucket=bucket, Key="large", Body=DATA, ChecksumAlgorithm="CRC32")
    s3.put_object(Bucket=bucket, Key="small", Body=DATA[:40_000], ChecksumAlgorithm="CRC32")
    return bucket


@pytest.fixture
def faulty(misbehaving, embedded):
    misbehaving.upstream = embedded.endpoint_url
    return misbehaving


@pytest.fixture
def down(tmp_path):
    folder = tmp_path / "down"
    folder.mkdir()
    return folder


def came_down(server, *work, sent=None, **config):
    with engine_at(getattr(server, "url", server), **(NO_RETRIES | config)) as engine:
        return transfer(engine, *work, sent=sent)


def both(bucket, folder):
    return [get(bucket, "large", folder / "large", DATA), get(bucket, "small", folder / "small", DATA[:40_000])]


def assert_whole(folder):
    assert (folder / "large").read_bytes() == DATA
    assert (folder / "small").read_bytes() == DATA[:40_000]
    assert sorted(os.listdir(folder)) == ["large", "small"]


# --- the network -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("after", [0, 5_000])
def test_a_connection_that_breaks_in_the_middle_is_taken_up_again(embedded, stored, down, after):
    sent = Sent()
    with cable(embedded.endpoint_url) as line:
        line.cut("down", after=after, times=2)
        well(came_down(line.url, *both(stored, down), sent=sent, concurrency=1, **FEW_RETRIES))
        assert line.broken.is_set()
    assert_whole(down)
    assert sent.total == 140_000


@pytest.mark.parametrize("cut", [0, 1, 20_000, 39_999])
def test_an_answer_that_is_cut_short_goes_on_where_it_ended(faulty, stored, down, cut):
    data = DATA[:40_000]
    faulty.on(Answer(200, {"ETag": f'"{hashlib.md5(data).hexdigest()}"'}, data, cut=cut), method="GET", times=1)
    sent = Sent()
    well(came_down(faulty, get(stored, "small", down / "small", data), sent=sent))
    assert (down / "small").read_bytes() == data
    assert faulty.requests[-1].headers["range"] == f"bytes={cut}-39999"
    assert faulty.requests[-1].headers["if-match"] == f'"{hashlib.md5(data).hexdigest()}"'
    assert sent.total == 40_000


def test_an_answer_without_a_length_that_ends_early_is_not_taken_for_whole(faulty, stored, down):
    headers = {"ETag": ETAG, "Transfer-Encoding": "chunked", "Connection": "close"}
    body = b"3e8\r\n" + DATA[:1000] + b"\r\n0\r\n\r\n"
    faulty.on(Answer(200, headers, body), method="GET", times=1)
    get_it = Get(stored, "large", str(down / "large"), 40_000, ETAG.strip('"'))
    (result,) = came_down(faulty, get_it)
    assert result.error is not None
    assert os.listdir(down) == []


def test_an_answer_that_breaks_off_again_and_again_is_an_error_and_leaves_nothing(faulty, stored, down, monkeypatch):
    tune(monkeypatch, whole=200_000)
    faulty.on(Answer(200, {"ETag": ETAG}, DATA, cut=10), method="GET", times=1)
    faulty.on(Answer(206, {"ETag": ETAG, "Content-Range": "bytes 10-99999/100000"}, DATA[10:], cut=0), method="GET")
    with pytest.raises(NetworkError, match=r"download s3://.*/large to .*large.*in the middle"):
        came_down(faulty, Get(stored, "large", str(down / "large"), 100_000, ETAG.strip('"')), concurrency=1)
    assert os.listdir(down) == []


def test_a_burst_of_503_is_waited_out(faulty, stored, down):
    faulty.on(s3_error(503, "SlowDown"), method="GET", times=2)
    well(came_down(faulty, *both(stored, down), **FEW_RETRIES))
    assert_whole(down)


# --- the bytes ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "claim",
    [
        {"x-amz-checksum-crc32": "AAAAAA=="},
        {"x-amz-checksum-sha256": base64.b64encode(bytes(32)).decode()},
        {"x-amz-checksum-sha1": base64.b64encode(bytes(20)).decode()},
        {},
    ],
    ids=["crc32", "sha256", "sha1", "md5"],
)
@pytest.mark.parametrize("size", ["small", "large"])
def test_bytes_that_are_not_those_of_the_checksum_are_not_kept(misbehaving, down, claim, size):
    data = DATA if size == "large" else DATA[:40_000]
    etag = '"d41d8cd98f00b204e9800998ecf8427e"' if not claim else '"opaque"'
    misbehaving.on(Answer(200, {"ETag": etag, "Content-Length": str(len(data))} | claim), method="HEAD")
    for start in range(0, len(data), 9_000):
        part = data[start : start + 9_000]
        told = {"ETag": etag, "Content-Range": f"bytes {start}-{start + len(part) - 1}/{len(data)}"}
        if size == "large":
            misbehaving.on(Answer(206, told, part), method="GET", times=1)
    misbehaving.on(Answer(200, {"ETag": etag} | claim, data), method="GET")
    work = Get("bucket", "key", str(down / "file"), len(data), etag.strip('"'))
    (result,) = came_down(misbehaving, work, concurrency=1)
    assert isinstance(result.error, IntegrityError)
    assert "s3://bucket/key did not arrive whole: its" in str(result.error)
    assert os.listdir(down) == []


@pytest.mark.parametrize("algorithm", ["CRC32", "SHA256"])
def test_a_large_object_whose_bytes_differ_from_its_own_checksum_is_not_kept(faulty, s3, bucket, down, algorithm):
    s3.put_object(Bucket=bucket, Key="large", Body=DATA, ChecksumAlgorithm=algorithm)
    wrong = bytes([DATA[9_000] ^ 1]) + DATA[9_001:18_000]
    told = {"ETag": ETAG, "Content-Range": "bytes 9000-17999/100000"}
    faulty.on(Answer(206, told, wrong), method="GET", target="large", skip=1, times=1)
    (result,) = came_down(faulty, get(bucket, "large", down / "large", DATA), concurrency=1)
    assert isinstance(result.error, IntegrityError)
    assert f"its {algorithm} is" in str(result.error)
    assert os.listdir(down) == []


@pytest.mark.parametrize("whole", [50_000, 16 << 20], ids=["large", "small"])
def test_a_checksum_of_checksums_is_verified_part_by_part(
    misbehaving, seaweed, seaweed_s3, seaweed_bucket, down, monkeypatch, whole
):
    """Against the server that knows them; then with one byte of one part changed."""
    tune(monkeypatch, whole=whole)
    parts = [noise(5 << 20, 1), noise(5 << 20, 2), noise(100, 3)]
    put_in_parts(seaweed_s3, seaweed_bucket, "key", parts, "CRC32", "COMPOSITE")
    etag = seaweed_s3.head_object(Bucket=seaweed_bucket, Key="key")["ETag"].strip('"')
    work = Get(seaweed_bucket, "key", str(down / "file"), sum(map(len, parts)), etag)
    with engine_at(seaweed) as engine:
        well(transfer(engine, work))
    assert (down / "file").read_bytes() == b"".join(parts)
    (down / "file").unlink()
    size = sum(map(len, parts))
    crcs = b"".join(zlib.crc32(part).to_bytes(4, "big") for part in parts)
    composite = base64.b64encode(zlib.crc32(crcs).to_bytes(4, "big")).decode() + "-3"
    told = {"ETag": f'"{etag}"', "Content-Length": str(size), "x-amz-checksum-crc32": composite}
    misbehaving.on(Answer(200, told | {"x-amz-mp-parts-count": "3"}), method="HEAD")
    for number, part in enumerate([parts[0], parts[1][:-1] + b"!", parts[2]], 1):
        start = (number - 1) * (5 << 20)
        where = {"ETag": f'"{etag}"', "Content-Range": f"bytes {start}-{start + len(part) - 1}/{size}"}
        misbehaving.on(Answer(206, where, part), method="GET", target=f"partNumber={number}")
    misbehaving.on(Answer(200, told, b"".join(parts)[:-1] + b"!"), method="GET")
    (result,) = came_down(misbehaving, work)
    assert isinstance(result.error, IntegrityError)
    assert os.listdir(down) == []


@pytest.mark.parametrize("kind", [None, "FULL_OBJECT", "COMPOSITE"])
def test_an_empty_object_that_was_sent_in_parts_comes_down(embedded, s3, bucket, down, kind):
    put_in_parts(s3, bucket, "empty", [b""], "CRC32" if kind else None, kind)
    etag = s3.head_object(Bucket=bucket, Key="empty")["ETag"].strip('"')
    well(came_down(embedded.endpoint_url, Get(bucket, "empty", str(down / "empty"), 0, etag)))
    assert (down / "empty").read_bytes() == b""


def test_an_object_of_another_length_is_not_the_one_that_was_planned(embedded, stored, down):
    work = Get(stored, "small", str(down / "small"), 39_999, "")
    (result,) = came_down(embedded.endpoint_url, work)
    assert "not the one any more that was there when the download was planned" in str(result.error)
    assert os.listdir(down) == []


def test_a_store_that_answers_another_range_than_the_asked_one_is_not_believed(faulty, stored, down):
    told = {"ETag": ETAG, "Content-Range": "bytes 0-8999/100000"}
    faulty.on(Answer(206, told, DATA[:9_000]), method="GET")
    (result,) = came_down(faulty, get(stored, "large", down / "large", DATA), concurrency=1)
    assert isinstance(result.error, IntegrityError)
    assert "asked for bytes=9000-17999, the store answered with bytes=0-8999" in str(result.error)
    assert os.listdir(down) == []


def test_a_store_that_knows_no_ranges_is_not_believed(faulty, stored, down):
    faulty.on(Answer(200, {"ETag": ETAG}, DATA), method="GET")
    (result,) = came_down(faulty, get(stored, "large", down / "large", DATA))
    assert isinstance(result.error, IntegrityError)
    assert os.listdir(down) == []


@pytest.mark.parametrize("headers", [{}, {"x-amz-server-side-encryption": "aws:kms"}], ids=["plain", "kms"])
def test_a_part_that_nobody_asked_for_is_not_taken_for_the_whole(misbehaving, down, headers):
    told = {"ETag": '"e"', "Content-Range": "bytes 0-4/10"}
    misbehaving.on(Answer(206, told | headers, b"hello"), method="GET")
    (result,) = came_down(misbehaving, Get("bucket", "key", str(down / "file"), 10, "e"))
    assert isinstance(result.error, IntegrityError)
    assert "s3://bucket/key did not arrive whole: the store answered with a part of it, unasked" in str(result.error)
    assert os.listdir(down) == []


# --- the object ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", ["small", "large"])
def test_an_object_that_changed_since_the_plan_is_refused(embedded, s3, stored, down, key):
    planned = [work for work in both(stored, down) if work.key == key]
    s3.put_object(Bucket=stored, Key=key, Body=noise(planned[0].size, 9))
    (result,) = came_down(embedded.endpoint_url, *planned)
    assert isinstance(result.error, AwsError)
    assert "the object is not the one any more that was there when the download was planned" in str(result.error)
    assert "Run again" in str(result.error)
    assert os.listdir(down) == []


def test_an_object_that_changes_between_its_ranges_is_refused(embedded, s3, stored, down):
    changed = []

    def change(count):
        if not changed:
            changed.append(s3.put_object(Bucket=stored, Key="large", Body=noise(100_000, 9)))

    with engine_at(embedded, concurrency=1) as engine:
        work = get(stored, "large", down / "large", DATA)
        (result,) = list(engine.transfer([work], change, Cancellation()))
    assert "the object is not the one any more" in str(result.error)
    assert os.listdir(down) == []


def test_a_store_that_does_not_know_if_match_is_checked_by_the_etag(misbehaving, down):
    misbehaving.on(Answer(200, {"ETag": '"other"'}, DATA), method="GET")
    (result,) = came_down(misbehaving, Get("bucket", "key", str(down / "file"), 100, "planned"))
    assert "the object is not the one any more" in str(result.error)


def of_two_versions(request):
    """A store that lists no ETags and knows no If-Match; its object changes after the first GET."""
    first, last = (int(end) for end in request.headers.get("range", "bytes=0-99999")[6:].split("-"))
    told = {"ETag": '"one"' if first == 0 else '"two"', "Content-Range": f"bytes {first}-{last}/100000"}
    return Answer(206, told, DATA[first : last + 1])


def test_ranges_of_two_versions_make_no_file_where_the_plan_knew_no_etag(misbehaving, down):
    misbehaving.on(Answer(200, {"ETag": '"one"', "Content-Length": "100000"}), method="HEAD")
    misbehaving.on(of_two_versions, method="GET")
    (result,) = came_down(misbehaving, Get("bucket", "key", str(down / "file"), 100_000, ""), concurrency=1)
    assert "the object is not the one any more" in str(result.error)
    assert {request.headers.get("if-match") for request in misbehaving.requests[1:]} == {'"one"'}
    assert os.listdir(down) == []


def test_the_rest_of_another_version_is_not_taken_up_where_the_plan_knew_no_etag(misbehaving, down):
    misbehaving.on(Answer(200, {"ETag": '"one"', "Content-Length": "9000"}, DATA[:9000], cut=4000), times=1)
    misbehaving.on(of_two_versions, method="GET")
    (result,) = came_down(misbehaving, Get("bucket", "key", str(down / "file"), 9_000, ""), concurrency=1)
    assert "the object is not the one any more" in str(result.error)
    assert os.listdir(down) == []


def test_an_object_that_is_gone_is_an_error_and_not_a_file(embedded, stored, down):
    (result,) = came_down(embedded.endpoint_url, get(stored, "gone", down / "gone", DATA[:10]))
    assert "NoSuchKey" in str(result.error)
    assert os.listdir(down) == []


def test_an_archived_object_says_to_restore_it(misbehaving, down):
    answer = s3_error(
        403, "InvalidObjectState", "The operation is not valid for the object's storage class", StorageClass="GLACIER"
    )
    misbehaving.on(answer, method="GET")
    (result,) = came_down(misbehaving, Get("bucket", "key", str(down / "file"), 10, "e"))
    assert "restore it first" in str(result.error)


# --- the disk --------------------------------------------------------------------------------------------------------------------


@pytest.fixture
def little_space():
    """No file may grow beyond 20,000 bytes, as if the disk were full by then."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)
    signal.signal(signal.SIGXFSZ, handler)


@pytest.mark.parametrize("key", ["small", "large"])
def test_a_full_disk_is_an_error_that_names_the_file_and_leaves_none(embedded, stored, down, little_space, key):
    (work,) = (work for work in both(stored, down) if work.key == key)
    (result,) = came_down(embedded.endpoint_url, work)
    assert isinstance(result.error, LocalFileError)
    assert f"{work.path} cannot be written: File too large" in str(result.error)
    assert os.listdir(down) == []


def test_a_disk_that_fills_up_while_writing_is_an_error_that_names_the_file(embedded, stored, down, monkeypatch):
    def full(descriptor, data):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(temporary.os, "write", full)
    (result,) = came_down(embedded.endpoint_url, get(stored, "small", down / "small", DATA[:40_000]))
    monkeypatch.undo()
    assert "small cannot be written: No space left on device. Free space on that disk" in str(result.error)
    assert os.listdir(down) == []


def test_a_folder_in_the_place_of_the_file_is_said_before_anything_is_fetched(misbehaving, down):
    (down / "site").mkdir()
    (result,) = came_down(misbehaving, Get("bucket", "key", str(down / "site"), 10, "e"))
    assert isinstance(result.error, LocalFileError)
    assert "There is a folder of that name" in str(result.error)
    assert misbehaving.requests == []


def test_a_folder_that_may_not_be_written_to_is_named(embedded, stored):
    (result,) = came_down(embedded.endpoint_url, get(stored, "small", "/proc/ropeway/small", DATA[:40_000]))
    assert isinstance(result.error, LocalFileError)
    assert "/proc/ropeway/small cannot be written" in str(result.error)


def test_the_file_that_was_there_stays_as_it_was_when_the_download_fails(misbehaving, down):
    (down / "file").write_bytes(b"before")
    misbehaving.on(s3_error(403, "AccessDenied"), method="GET")
    (result,) = came_down(misbehaving, Get("bucket", "key", str(down / "file"), 10, "e"))
    assert result.error is not None
    assert (down / "file").read_bytes() == b"before"
    assert os.listdir(down) == ["file"]


def test_answers_without_an_etag_are_not_put_together(misbehaving, tmp_path):
    """Nobody could tell whether the second is about the same object: here it is not."""

    def answer(request):
        if "range" in request.headers:
            rest = {"Content-Range": "bytes 10000-39999/40000", "x-amz-request-id": "REQ42"}
            return Answer(206, rest, b"B" * 30_000)
        return Answer(200, {"x-amz-request-id": "REQ42"}, b"A" * 40_000, cut=10_000)

    misbehaving.on(answer)
    with engine_at(misbehaving.url) as engine, pytest.raises(NetworkError, match="it tells no ETag"):
        transfer(engine, replace(get("bucket", "key", tmp_path / "down", b"A" * 40_000), etag=""))
    assert not list(tmp_path.iterdir())
