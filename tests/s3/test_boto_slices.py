"""A range of a file as the body of a request."""

import os
import zlib

import pytest

from ropeway.errors import Cancelled, LocalFileError
from ropeway.outcome import Cancellation
from ropeway.s3.boto.flow import Stop
from ropeway.s3.boto.slices import BLOCK, Slice
from ropeway.s3.engine import Headers, Put
from ropeway.s3.files import Same

DATA = bytes(range(256)) * 4000


@pytest.fixture
def put(tmp_path):
    path = tmp_path / "file.bin"
    path.write_bytes(DATA)
    found = path.stat()
    return Put(str(path), "bucket", "key", found.st_size, found.st_mtime_ns, Headers())


@pytest.fixture
def told():
    return []


@pytest.fixture
def piece(put, told):
    def make(offset=1000, length=700_000, cancellation=None):
        return Slice(put, offset, length, same=Same(put), sent=told.append, stop=Stop(cancellation or Cancellation()))

    return make


def test_it_reads_its_range_and_no_more(piece):
    with piece() as body:
        assert len(body) == 700_000
        assert body.read(10) == DATA[1000:1010]
        assert b"".join(iter(lambda: body.read(50_000), b"")) == DATA[1010:701_000]
        assert (body.read(1), body.read(), body.read(None)) == (b"", b"", b"")
        assert body.seek(-5, os.SEEK_END) == 699_995
        assert body.read() == DATA[700_995:701_000]


def test_its_crc_is_that_of_the_range_and_leaves_it_at_its_start(piece):
    with piece() as body:
        assert body.crc32() == zlib.crc32(DATA[1000:701_000])
        assert body.tell() == 0


def test_only_what_goes_over_the_wire_is_told(piece, told):
    with piece() as body:
        body.crc32()
        body.read(5)
        body.seek(0)
        assert told == []
        body.on_the_wire()
        while body.read(16_384):
            pass
    assert sum(told) == 700_000
    assert max(told) < BLOCK + 16_384


def test_what_a_broken_attempt_had_sent_is_taken_back(piece, told):
    with piece() as body:
        body.on_the_wire()
        while body.tell() < 2 * BLOCK:
            body.read(16_384)
        body.seek(0)
        assert sum(told) == 0
        assert min(told) == -2 * BLOCK


def test_an_answer_without_a_checksum_is_checked_by_its_md5(piece, told):
    with piece() as body:
        body.on_the_wire()
        body.read()
        body.verify({"ETag": '"opaque"'}, "it")
        with pytest.raises(Exception, match="it did not arrive whole: its MD5 is"):
            body.verify({"ETag": '"d41d8cd98f00b204e9800998ecf8427e"'}, "it")
    assert sum(told) == 700_000  # checking is no sending


def test_a_file_of_another_size_is_refused_when_it_is_opened(put, piece):
    with open(put.path, "ab") as file:
        file.write(b"!")
    with (
        pytest.raises(LocalFileError, match=r"file.bin changed while it was being uploaded: it had 1,024,000 bytes"),
        piece(),
    ):
        pass


def test_a_file_that_was_written_to_is_refused_though_its_size_is_the_same(put, piece):
    os.utime(put.path, ns=(0, put.mtime_ns + 1))
    with pytest.raises(LocalFileError, match="it was written to"), piece():
        pass


def test_a_file_that_shrinks_while_it_is_read_is_an_error_even_when_the_reader_wraps_it(put, piece):
    with pytest.raises(LocalFileError, match="it ended at byte 500,000"), piece() as body:
        _read_as_botocore_does(body, lambda: os.truncate(put.path, 500_000))


def _read_as_botocore_does(body, after_the_first):
    try:
        body.read(10)
        after_the_first()
        while body.read(16_384):
            pass
    except Exception as failure:
        raise ValueError("something went wrong") from failure


def test_an_absent_file_is_named(put, piece):
    os.unlink(put.path)
    with pytest.raises(LocalFileError, match=r"file.bin cannot be read: No such file or directory"), piece():
        pass


def test_it_stops_reading_when_the_run_stops(piece):
    cancellation = Cancellation()
    with pytest.raises(Cancelled, match="enough"), piece(cancellation=cancellation) as body:
        _read_as_botocore_does(body, lambda: cancellation.ask("enough"))
