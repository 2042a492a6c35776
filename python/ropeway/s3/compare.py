"""Does a file hold the bytes of an object? By digests only: dates are no evidence.

What S3 offers differs from object to object; the strongest that can be computed here is taken. An object that offers nothing
counts as different: moving it again is right, only slower.
"""

from __future__ import annotations

import base64
import hashlib
import os
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

from ropeway.errors import LocalFileError
from ropeway.outcome import Cancellation
from ropeway.s3.engine import Head
from ropeway.s3.stores import OWN_CLASSES

CHUNK = 1 << 20
MIB = 1 << 20
USUAL_PART_SIZES = tuple(size * MIB for size in (5, 8, 10, 15, 16, 20, 25, 32, 50, 64, 100, 128, 256, 512))
"""Of the AWS CLI and SDKs (8), the console (16), the AWS Toolkit (5) and the common choices of others."""


class Digest(Protocol):
    """Fed with the file's bytes in order; `matches` at the end."""

    def update(self, data: bytes, /) -> None: ...

    def matches(self) -> bool: ...


def same_bytes(path: str, head: Head, cancellation: Cancellation) -> bool:
    """Reads the file once, whole, unless the lengths differ or there is nothing to compare with. Raises LocalFileError."""
    digest = _strongest(head)
    if digest is None:
        return False
    try:
        if os.path.getsize(path) != head.size:
            return False
        read = 0
        for chunk in _chunks(path):
            cancellation.check()
            digest.update(chunk)
            read += len(chunk)
    except OSError as error:
        raise LocalFileError(f"Could not read {path} to compare it with its object: {error.strerror}.") from error
    return read == head.size and digest.matches()


def _chunks(path: str) -> Iterator[bytes]:
    with open(path, "rb") as file:
        while chunk := file.read(CHUNK):
            yield chunk


def _strongest(head: Head) -> Digest | None:
    checksums = dict(head.checksums) if head.checksum_type != "COMPOSITE" else {}
    etag = head.etag.strip('"').lower()
    # With KMS or a customer's key the ETag is no MD5 (S3 API reference, Object).
    encrypted = head.headers.sse not in {"", "AES256"} or head.headers.customer_key is not None
    plain = not encrypted and head.headers.storage_class not in OWN_CLASSES
    if "SHA256" in checksums:
        return _Hash(hashlib.sha256(), _hex(checksums["SHA256"]))
    if plain and len(etag) == 32:
        return _Hash(hashlib.md5(usedforsecurity=False), etag)
    if "SHA1" in checksums:
        return _Hash(hashlib.sha1(usedforsecurity=False), _hex(checksums["SHA1"]))
    if "CRC32" in checksums:
        return _Crc32(int(_hex(checksums["CRC32"]), 16))
    if plain and "-" in etag:
        return _multipart(etag, head.size)
    return None


def _hex(base64_text: str) -> str:
    return base64.b64decode(base64_text).hex()


class _Hash:
    def __init__(self, state: hashlib._Hash, expected: str) -> None:
        self._state = state
        self._expected = expected
        self.update: Callable[[bytes], None] = state.update

    def matches(self) -> bool:
        return self._state.hexdigest() == self._expected


@dataclass
class _Crc32:
    expected: int
    value: int = 0

    def update(self, data: bytes, /) -> None:
        self.value = zlib.crc32(data, self.value)

    def matches(self) -> bool:
        return self.value == self.expected


def _multipart(etag: str, size: int) -> Digest | None:
    """The ETag of a multipart object is the MD5 of its parts' MD5s; the part size is not told, so the usual ones are tried."""
    digest, _, count = etag.partition("-")
    if not count.isdigit():
        return None
    sizes = [part for part in USUAL_PART_SIZES if max(1, -(-size // part)) == int(count)]
    return _AnyOf([_MultipartMd5(part, digest) for part in sizes])


@dataclass
class _AnyOf:
    digests: list[_MultipartMd5]

    def update(self, data: bytes, /) -> None:
        for digest in self.digests:
            digest.update(data)

    def matches(self) -> bool:
        return any(digest.matches() for digest in self.digests)


class _MultipartMd5:
    def __init__(self, part_size: int, expected: str) -> None:
        self._part_size = part_size
        self._expected = expected
        self._room = part_size
        self._part = hashlib.md5(usedforsecurity=False)
        self._parts: list[bytes] = []

    def update(self, data: bytes, /) -> None:
        while data:
            if not self._room:
                self._end_part()
            piece, data = data[: self._room], data[self._room :]
            self._part.update(piece)
            self._room -= len(piece)

    def _end_part(self) -> None:
        self._parts.append(self._part.digest())
        self._part = hashlib.md5(usedforsecurity=False)
        self._room = self._part_size

    def matches(self) -> bool:
        parts = b"".join([*self._parts, self._part.digest()])
        return hashlib.md5(parts, usedforsecurity=False).hexdigest() == self._expected
