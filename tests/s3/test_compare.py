"""A file counts as unchanged only when a digest proves it."""

from __future__ import annotations

import base64
import hashlib
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ropeway.errors import Cancelled, LocalFileError
from ropeway.outcome import Cancellation
from ropeway.s3.compare import MIB, same_bytes
from ropeway.s3.engine import CustomerKey, Head, Headers

DATA = b"ropeway" * 1000


def md5(data: bytes) -> str:
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


def b64(digest: bytes) -> str:
    return base64.b64encode(digest).decode()


def crc32(data: bytes) -> str:
    return b64(zlib.crc32(data).to_bytes(4, "big"))


def multipart_etag(data: bytes, part: int) -> str:
    digests = [hashlib.md5(data[at : at + part], usedforsecurity=False).digest() for at in range(0, len(data), part)]
    return f"{md5(b''.join(digests))}-{len(digests)}"


def head(data: bytes, etag: str = "", *, headers: Headers = Headers(), **rest) -> Head:
    return Head(len(data), etag, headers, **rest)


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(DATA)
    return str(path)


KMS = Headers(sse="aws:kms")
EXPRESS = Headers(storage_class="EXPRESS_ONEZONE")
GOING_ON = Cancellation()


@pytest.mark.parametrize(
    ("what_s3_offers", "same"),
    [
        pytest.param(head(DATA, md5(DATA)), True, id="the ETag is the MD5"),
        pytest.param(head(DATA, md5(DATA[::-1])), False, id="the ETag is another MD5"),
        pytest.param(
            head(DATA, md5(DATA[::-1]), checksums=(("CRC32", crc32(DATA)),)),
            False,
            id="an MD5 weighs more than a CRC",
        ),
        pytest.param(head(DATA, md5(DATA), headers=KMS), False, id="with KMS an ETag proves nothing"),
        pytest.param(
            head(DATA, md5(DATA), headers=Headers(customer_key=CustomerKey(bytes(32)))),
            False,
            id="with SSE-C an ETag proves nothing",
        ),
        pytest.param(
            head(DATA, headers=KMS, checksums=(("CRC32", crc32(DATA)),)), True, id="the CRC32 of the whole object"
        ),
        pytest.param(head(DATA, headers=KMS, checksums=(("CRC32", crc32(DATA + b"!")),)), False, id="another CRC32"),
        pytest.param(
            head(DATA, headers=KMS, checksums=(("CRC32", crc32(DATA)),), checksum_type="COMPOSITE"),
            False,
            id="a checksum of checksums",
        ),
        pytest.param(head(DATA, checksums=(("SHA256", b64(hashlib.sha256(DATA).digest())),)), True, id="SHA-256"),
        pytest.param(
            head(DATA, checksums=(("SHA256", b64(hashlib.sha256(b"").digest())),)), False, id="another SHA-256"
        ),
        pytest.param(
            head(DATA, headers=KMS, checksums=(("SHA1", b64(hashlib.sha1(DATA).digest())),)), True, id="SHA-1"
        ),
        pytest.param(
            head(DATA, headers=KMS, checksums=(("CRC64NVME", "AAAAAAAAAAA="),)),
            False,
            id="only a checksum we cannot compute",
        ),
        pytest.param(
            head(DATA, md5(b"anything"), headers=EXPRESS, checksums=(("CRC32", crc32(DATA)),)),
            True,
            id="in a directory bucket an ETag proves nothing",
        ),
        pytest.param(head(DATA), False, id="nothing at all"),
        pytest.param(head(DATA, "no-etag"), False, id="an ETag of no known shape"),
        pytest.param(Head(len(DATA) + 1, md5(DATA), Headers()), False, id="another length"),
    ],
)
def test_a_file_is_the_same_only_when_a_digest_says_so(file, what_s3_offers, same):
    assert same_bytes(file, what_s3_offers, GOING_ON) is same


@pytest.mark.parametrize("part", [5 * MIB, 8 * MIB])
def test_the_etag_of_a_multipart_object_is_found_for_the_usual_part_sizes(tmp_path, part):
    data = bytes(range(256)) * 4096 * 17  # 17 MiB
    path = tmp_path / "large"
    path.write_bytes(data)
    assert same_bytes(str(path), head(data, multipart_etag(data, part)), GOING_ON)
    path.write_bytes(data[:-1] + b"!")
    assert not same_bytes(str(path), head(data, multipart_etag(data, part)), GOING_ON)


def test_an_unusual_part_size_proves_nothing(tmp_path):
    path = tmp_path / "large"
    path.write_bytes(DATA)
    assert not same_bytes(str(path), head(DATA, multipart_etag(DATA, 100)), GOING_ON)


@given(st.binary(max_size=300), st.binary(max_size=300))
def test_different_bytes_are_never_the_same(tmp_path_factory, one, other):
    path = tmp_path_factory.getbasetemp() / "any"
    path.write_bytes(one)
    assert same_bytes(str(path), head(other, md5(other)), GOING_ON) is (one == other)


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    with pytest.raises(LocalFileError, match=r"Could not read .*gone to compare it with its object: No such file"):
        same_bytes(str(tmp_path / "gone"), head(DATA, md5(DATA)), GOING_ON)


def test_a_large_file_does_not_hold_up_a_cancellation(file):
    cancellation = Cancellation()
    cancellation.ask("enough")
    with pytest.raises(Cancelled, match="enough"):
        same_bytes(file, head(DATA, md5(DATA)), cancellation)
