"""Does a file hold the bytes of an object? By digests only: dates are no evidence.

What S3 offers differs from object to object; the strongest that can be computed here is taken. An object that offers nothing
counts as different: moving it again is right, only slower.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from io import FileIO
from typing import Protocol

from ropeway.errors import LocalFileError
from ropeway.outcome import Cancellation
from ropeway.s3.checksums import Digest, Proof, has_plain_etag, strongest
from ropeway.s3.engine import Head

CHUNK = 1 << 20
MIB = 1 << 20
USUAL_PART_SIZES = tuple(size * MIB for size in (5, 8, 10, 15, 16, 20, 25, 32, 50, 64, 100, 128, 256, 512))
"""Of the AWS CLI and SDKs (8), the console (16), the AWS Toolkit (5) and the common choices of others."""


class Test(Protocol):
    """Fed with the file's bytes in order; `matches` at the end."""

    def update(self, data: bytes, /) -> None: ...

    def matches(self) -> bool: ...


def same_bytes(path: str, head: Head, cancellation: Cancellation) -> bool:
    """Reads the file once, whole, unless the lengths differ or there is nothing to compare with. Raises LocalFileError."""
    test = _test(head)
    if test is None:
        return False
    try:
        with FileIO(path) as file:
            return _is_as_long(file, head.size) and _fed(test, file, head.size, cancellation) and test.matches()
    except OSError as error:
        raise LocalFileError(f"Could not read {path} to compare it with its object: {error.strerror}.") from error


def _is_as_long(file: FileIO, size: int) -> bool:
    return os.fstat(file.fileno()).st_size == size


def _fed(test: Test, file: FileIO, size: int, cancellation: Cancellation) -> bool:
    """Whether there was as much in it, and no more. No block is larger than there is need for: room for a megabyte costs more than a small file."""
    left = size
    while left and (block := file.read(min(CHUNK, left))):
        cancellation.check()
        test.update(block)
        left -= len(block)
    return not left and _is_as_long(file, size)


def tells_digest(head: Head) -> bool:
    """Whether there is anything to compare bytes with."""
    return _test(head) is not None


def _test(head: Head) -> Test | None:
    if proof := strongest(head):
        return _Whole(proof, proof.start())
    return _multipart(head.etag.lower(), head.size) if "-" in head.etag and has_plain_etag(head) else None


@dataclass
class _Whole:
    proof: Proof
    digest: Digest

    def update(self, data: bytes, /) -> None:
        self.digest.update(data)

    def matches(self) -> bool:
        return self.digest.digest() == self.proof.digest


def _multipart(etag: str, size: int) -> Test | None:
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
