"""The digests that prove that bytes arrived: which one an answer offers, and computing it.

Source: S3 user guide, "Checking object integrity". CRC64NVME, CRC32C and the XXHASH family are not in the standard library; an
object that has nothing else is checked by its length alone (docs/verification.md says so).
"""

from __future__ import annotations

import base64
import hashlib
import re
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Protocol

from ropeway.errors import IntegrityError
from ropeway.s3.stores import OWN_CLASSES


class Digest(Protocol):
    def update(self, data: bytes | memoryview, /) -> None: ...
    def digest(self) -> bytes: ...


class Crc32:
    """zlib's CRC-32 with the interface of hashlib."""

    def __init__(self) -> None:
        self.value = 0

    def update(self, data: bytes | memoryview, /) -> None:
        self.value = zlib.crc32(data, self.value)

    def digest(self) -> bytes:
        return self.value.to_bytes(4, "big")


ALGORITHMS: Mapping[str, Callable[[], Digest]] = {
    "CRC32": Crc32,
    "SHA256": hashlib.sha256,
    "SHA1": lambda: hashlib.sha1(usedforsecurity=False),
    "SHA512": hashlib.sha512,
    "MD5": lambda: hashlib.md5(usedforsecurity=False),
}
"""Those that can be computed here, the cheapest that is common first."""


@dataclass(frozen=True)
class Proof:
    """A digest of all the bytes that an answer speaks of."""

    algorithm: str
    digest: bytes

    def start(self) -> Digest:
        return ALGORITHMS[self.algorithm]()

    def check(self, digest: Digest, what: str, *, advice: str) -> None:
        """Raises IntegrityError when `digest` is another one. `what` begins the sentence."""
        if digest.digest() != self.digest:
            raise IntegrityError(
                f"{what} did not arrive whole: its {self.algorithm} is {_text(self.digest)} in S3 and {_text(digest.digest())} here.",
                advice=advice,
            )


def proof_in(answer: Mapping[str, Any]) -> Proof | None:
    """What an answer of PUT, GET or HEAD says about the bytes it speaks of; None when it says nothing that can be computed here."""
    for algorithm in ALGORITHMS:
        # "…-3" at the end: a checksum of three parts' checksums, not of the bytes.
        if (text := answer.get(f"Checksum{algorithm}")) and "-" not in text:
            return Proof(algorithm, base64.b64decode(text))
    return Proof("MD5", bytes.fromhex(plain_etag(answer))) if _etag_is_md5(answer) else None


def composite_in(answer: Mapping[str, Any]) -> tuple[Proof, int] | None:
    """A digest of the digests of so many parts, where the answer has one that can be computed here."""
    for algorithm in ALGORITHMS:
        digest, dash, count = answer.get(f"Checksum{algorithm}", "").rpartition("-")
        if dash:
            return Proof(algorithm, base64.b64decode(digest)), int(count)
    return None


def plain_etag(answer: Mapping[str, Any]) -> str:
    """The ETag without its quotes; empty where there is none."""
    return str(answer.get("ETag", "")).strip('"')


def _etag_is_md5(answer: Mapping[str, Any]) -> bool:
    """By S3's API reference ("Object"), of what was not sent in parts and is not encrypted with a KMS or a customer's key."""
    return (
        re.fullmatch("[0-9a-f]{32}", plain_etag(answer)) is not None
        and answer.get("ServerSideEncryption", "AES256") == "AES256"
        and "SSECustomerAlgorithm" not in answer
        and answer.get("StorageClass", "") not in OWN_CLASSES
    )


def in_base64(crc: int) -> str:
    """A CRC-32 as S3 writes it: four bytes, the highest first."""
    return _text(crc.to_bytes(4, "big"))


def _text(digest: bytes) -> str:
    return base64.b64encode(digest).decode()


# --- the CRC-32 of a whole from those of its parts ----------------------------------------------------------------------


def joined(first: int, second: int, second_length: int) -> int:
    """The CRC-32 of A + B from those of A and B and the length of B in bytes.

    Appending zero bytes to A is linear in A's CRC over GF(2): one 32 x 32 bit matrix, found by squaring that of one byte.
    """
    return _times(_zero_bytes(second_length), first) ^ second


@lru_cache(maxsize=16)
def _zero_bytes(count: int) -> tuple[int, ...]:
    """The matrix of appending `count` zero bytes. Parts are nearly all of one length, hence the cache."""
    result, square = _IDENTITY, _ONE_ZERO_BYTE
    while count:
        if count & 1:
            result = _after(square, result)
        square = _after(square, square)
        count >>= 1
    return result


def _after(second: tuple[int, ...], first: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(_times(second, column) for column in first)


def _times(matrix: tuple[int, ...], vector: int) -> int:
    product = 0
    for column in matrix:
        if vector & 1:
            product ^= column
        vector >>= 1
    return product


def _with_zero_byte(crc: int) -> int:
    """0xEDB88320 is the polynomial of RFC 1952, reversed."""
    for _ in range(8):
        crc = crc >> 1 ^ (0xEDB88320 if crc & 1 else 0)
    return crc


_IDENTITY = tuple(1 << bit for bit in range(32))
_ONE_ZERO_BYTE = tuple(_with_zero_byte(column) for column in _IDENTITY)
