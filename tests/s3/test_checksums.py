"""Digests that prove that bytes arrived."""

import base64
import hashlib
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ropeway.errors import IntegrityError
from ropeway.s3.checksums import Crc32, composite_in, from_base64, in_base64, joined, proof_in

DATA = b"the bytes"
MD5 = hashlib.md5(DATA).hexdigest()


@given(st.lists(st.binary(max_size=200)))
def test_the_crc_of_a_whole_comes_from_those_of_its_parts(parts):
    crc = 0
    for part in parts:
        crc = joined(crc, zlib.crc32(part), len(part))
    assert crc == zlib.crc32(b"".join(parts))


@given(st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1), *[st.integers(0, 2**44)] * 2)
def test_joining_is_associative_for_parts_of_any_size(a, b, c, b_length, c_length):
    one_way = joined(joined(a, b, b_length), c, c_length)
    assert one_way == joined(a, joined(b, c, c_length), b_length + c_length)


def test_a_crc_is_written_as_s3_writes_it():
    assert in_base64(zlib.crc32(b"123456789")) == base64.b64encode(bytes.fromhex("cbf43926")).decode()


@pytest.mark.parametrize(
    ("algorithm", "digest"),
    [
        ("CRC32", zlib.crc32(DATA).to_bytes(4, "big")),
        ("SHA1", hashlib.sha1(DATA).digest()),
        ("SHA256", hashlib.sha256(DATA).digest()),
        ("SHA512", hashlib.sha512(DATA).digest()),
        ("MD5", hashlib.md5(DATA).digest()),
    ],
)
def test_a_checksum_in_the_answer_proves_the_bytes_and_refuses_others(algorithm, digest):
    proof = proof_in({f"Checksum{algorithm}": base64.b64encode(digest).decode(), "ETag": '"ab-3"'})
    right, wrong = proof.start(), proof.start()
    right.update(DATA)
    wrong.update(DATA + b"!")
    proof.check(right, "s3://bucket/key", advice="")
    with pytest.raises(IntegrityError, match=f"s3://bucket/key did not arrive whole: its {algorithm} is"):
        proof.check(wrong, "s3://bucket/key", advice="")


def test_an_etag_proves_the_bytes_where_it_is_their_md5():
    proof = proof_in({"ETag": f'"{MD5}"', "ServerSideEncryption": "AES256"})
    assert (proof.algorithm, proof.digest.hex()) == ("MD5", MD5)


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"ETag": f'"{MD5}-2"'},
        {"ETag": '"0123456789abcdefghij"'},
        {"ETag": f'"{MD5}"', "ServerSideEncryption": "aws:kms"},
        {"ETag": f'"{MD5}"', "SSECustomerAlgorithm": "AES256"},
        {"ETag": f'"{MD5}"', "StorageClass": "EXPRESS_ONEZONE"},
        {"ETag": f'"{MD5}-2"', "ChecksumCRC32": "AAAAAA==-2"},
        {"ETag": f'"{MD5}-2"', "ChecksumCRC64NVME": "AAAAAAAAAAA="},
    ],
    ids=["nothing", "parts", "opaque", "kms", "customer key", "directory bucket", "composite", "unknown here"],
)
def test_an_answer_that_says_nothing_of_the_bytes_is_no_proof(answer):
    assert proof_in(answer) is None


def test_the_crc_digest_takes_bytes_piece_by_piece():
    digest = Crc32()
    digest.update(DATA[:4])
    digest.update(memoryview(DATA)[4:])
    assert digest.digest() == zlib.crc32(DATA).to_bytes(4, "big")


@pytest.mark.parametrize("text", ["!", "AAA", "AAAA\n===="])
def test_a_checksum_that_nobody_can_read_proves_nothing(text):
    with pytest.raises(IntegrityError, match="The store tells a checksum that is none"):
        from_base64(text)
    with pytest.raises(IntegrityError):
        proof_in({"ChecksumCRC32": text, "ETag": '"e"'})


@pytest.mark.parametrize("count", ["", "x", "-1", "1_0"])
def test_a_checksum_of_nobody_knows_how_many_parts_proves_nothing(count):
    with pytest.raises(IntegrityError, match="The store tells a checksum that is none"):
        composite_in({"ChecksumCRC32": f"AAAAAA==-{count}"})
