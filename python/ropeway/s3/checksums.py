"""The digests that prove that bytes arrived: which one an answer offers, and computing it.

Source: S3 user guide, "Checking object integrity". CRC64NVME, CRC32C and the XXHASH family are not in the standard library; an
object that has nothing else is checked by its length alone (docs/verification.md says so).
"""

from __future__ import annotations

import base64
import hashlib
import re
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any, Protocol

from ropeway.errors import IntegrityError
from ropeway.s3.engine import CustomerKey, Head, Headers, Pairs
from ropeway.s3.stores import OWN_CLASSES


class Digest(Protocol):
    def update(self, data: bytes | memoryview, /) -> None: ...
    def digest(self) -> bytes: ...


class Crc32:
    """zlib's CRC-32 with the interface of hashlib."""

    def __init__(self, data: bytes = b"") -> None:
        self.value = zlib.crc32(data)

    def update(self, data: bytes | memoryview, /) -> None:
        self.value = zlib.crc32(data, self.value)

    def digest(self) -> bytes:
        return self.value.to_bytes(4, "big")


ALGORITHMS: Mapping[str, Callable[..., Digest]] = {
    "CRC32": Crc32,
    "SHA256": hashlib.sha256,
    "SHA1": partial(hashlib.sha1, usedforsecurity=False),
    "SHA512": hashlib.sha512,
    "MD5": partial(hashlib.md5, usedforsecurity=False),
}
"""Those that can be computed here, the cheapest that is common first. Called with the first bytes, or with nothing."""
STRENGTH = ("SHA512", "SHA256", "MD5", "SHA1", "CRC32")
CHECKSUM = "Checksum"


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


def proofs(head: Head) -> Iterator[Proof]:
    """Every digest of the whole object that S3 tells and that can be computed here, the cheapest first: the one place that decides it."""
    checksums = {} if head.checksum_type == "COMPOSITE" else dict(head.checksums)
    for algorithm in ALGORITHMS:
        # "…-3" at the end: a checksum of three parts' checksums, not of the bytes.
        if (text := checksums.get(algorithm)) and "-" not in text:
            yield Proof(algorithm, from_base64(text))
    if has_plain_etag(head) and re.fullmatch("[0-9a-f]{32}", head.etag.lower()):
        yield Proof("MD5", bytes.fromhex(head.etag))


def strongest(head: Head) -> Proof | None:
    """The one that is hardest to fake, for whoever would leave an object as it is because of it."""
    return min(proofs(head), key=lambda proof: STRENGTH.index(proof.algorithm), default=None)


def has_plain_etag(head: Head) -> bool:
    """Whether the ETag is an MD5, of the bytes or (with a "-") of their parts' MD5s.

    By S3's API reference ("Object") it is, where neither a KMS nor a customer's key encrypts; in classes of other stores it may be
    anything.
    """
    headers = head.headers
    encrypted = headers.sse not in {"", "AES256"} or headers.customer_key is not None
    return not encrypted and headers.storage_class not in OWN_CLASSES


def proof_in(answer: Mapping[str, Any]) -> Proof | None:
    """What an answer of PUT, GET or HEAD says about the bytes it speaks of; None when it says nothing that can be computed here."""
    return next(proofs(_evidence(answer)), None)


def etag_is_md5(answer: Mapping[str, Any]) -> bool:
    """Of the bytes, that is: not of parts."""
    return "-" not in plain_etag(answer) and has_plain_etag(_evidence(answer))


def _evidence(answer: Mapping[str, Any]) -> Head:
    """Of a head only what proves something: answers to PUT have no more."""
    key = CustomerKey(b"") if "SSECustomerAlgorithm" in answer else None
    headers = Headers(
        sse=answer.get("ServerSideEncryption", ""), storage_class=answer.get("StorageClass", ""), customer_key=key
    )
    return Head(
        0, plain_etag(answer), headers, checksums=checksums_in(answer), checksum_type=answer.get("ChecksumType", "")
    )


def checksums_in(answer: Mapping[str, Any]) -> Pairs:
    """(algorithm, base64), sorted."""
    found = (name for name in answer if name.startswith(CHECKSUM) and name != "ChecksumType")
    return tuple(sorted((name[len(CHECKSUM) :], answer[name]) for name in found))


def composite_in(answer: Mapping[str, Any]) -> tuple[Proof, int] | None:
    """A digest of the digests of so many parts, where the answer has one that can be computed here."""
    for algorithm in ALGORITHMS:
        digest, dash, count = answer.get(f"Checksum{algorithm}", "").rpartition("-")
        if dash:
            return Proof(algorithm, from_base64(digest)), _count(count)
    return None


def plain_etag(answer: Mapping[str, Any]) -> str:
    """The ETag without its quotes; empty where there is none."""
    return str(answer.get("ETag", "")).strip('"')


def from_base64(text: str) -> bytes:
    """A digest as S3 writes it. Raises IntegrityError."""
    try:
        return base64.b64decode(text, validate=True)
    except ValueError as wrong:
        raise _unreadable(text) from wrong


def _count(text: str) -> int:
    if not re.fullmatch("[0-9]{1,5}", text):
        raise _unreadable(f"…-{text}")
    return int(text)


def _unreadable(text: str) -> IntegrityError:
    return IntegrityError(
        f"The store tells a checksum that is none: {text!r}.",
        advice="Run again; when it comes again, look for what changes answers on the way: a proxy, or the store itself.",
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
