"""Gzip, once, before the upload. The same bytes give the same bytes: no name and no time is written (RFC 1952, section 2.3.1)."""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterator
from typing import BinaryIO

from ropeway.errors import LocalFileError
from ropeway.outcome import Cancellation

HEADER = bytes([0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 2, 255])
"""Deflate, no flags, no time, best compression, no file system."""
RAW = -15
CHUNK = 1 << 20


def gzip_if_smaller(source: str, target: str, cancellation: Cancellation) -> bool:
    """Whether `target` was written: it is smaller than `source`. Raises LocalFileError."""
    try:
        with open(source, "rb") as file, open(target, "wb") as packed:
            for piece in _packed(file):
                cancellation.check()
                packed.write(piece)
        if os.path.getsize(target) < os.path.getsize(source):
            return True
        os.unlink(target)
    except OSError as error:
        raise LocalFileError(f"Could not compress {source} to {target}: {error.strerror}.") from error
    return False


def _packed(file: BinaryIO) -> Iterator[bytes]:
    yield HEADER
    press, check, size = zlib.compressobj(9, zlib.DEFLATED, RAW), 0, 0
    while data := file.read(CHUNK):
        check, size = zlib.crc32(data, check), size + len(data)
        yield press.compress(data)
    yield press.flush()
    yield check.to_bytes(4, "little") + (size & 0xFFFFFFFF).to_bytes(4, "little")
