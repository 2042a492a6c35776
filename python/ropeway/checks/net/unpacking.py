"""Bodies that were packed for the way (RFC 9110, 8.4.1): unpacked a piece at a time, and known to be whole.

urllib3 would unpack them, too, but takes what breaks off for its end: of half a page the first half was right.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator

from urllib3.exceptions import DecodeError

from ropeway.checks.net.messages import READABLE

PIECE = 1 << 16
"""Bytes, packed and unpacked: a few bytes of the way may be gigabytes of text."""
MOST_LAYERS = 5
GZIP_BEGINS = b"\x1f\x8b"


class CutOff(DecodeError):
    """It ends before its end."""


def unpacked(pieces: Iterator[bytes], encoding: str) -> Iterator[bytes]:
    """As the header content-encoding says; as it came in an encoding that is not known here. Raises DecodeError, and CutOff."""
    layers = [layer.strip() for layer in encoding.lower().split(",")]
    if not READABLE.issuperset(layers):
        return pieces
    packed = [layer for layer in layers if layer not in {"", "identity"}]
    if len(packed) > MOST_LAYERS:
        raise DecodeError(f"{len(packed)} encodings, one within the other")
    for layer in reversed(packed):
        pieces = _unzipped(_Source(pieces), layer)
    return pieces


class _Source:
    """Pieces that can be looked at before they are taken."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._held = b""

    def begin(self) -> bytes:
        """The next two bytes, or what is left."""
        while len(self._held) < 2 and (piece := next(self._pieces, b"")):
            self._held += piece
        return self._held[:2]

    def take(self) -> bytes:
        """Empty at the end."""
        held, self._held = self._held, b""
        return held or next(self._pieces, b"")

    def give_back(self, piece: bytes) -> None:
        self._held = piece + self._held


def _unzipped(source: _Source, layer: str) -> Iterator[bytes]:
    """An answer to HEAD names an encoding, too, and has no body."""
    begin = source.begin()
    if not begin:
        return
    if layer == "deflate":
        yield from _stream(source, zlib.MAX_WBITS if _is_zlib(begin) else -zlib.MAX_WBITS, layer)
    else:
        yield from _stream(source, 16 + zlib.MAX_WBITS, layer)
        while source.begin() == GZIP_BEGINS:  # there may be several, one after the other (RFC 1952, 2.2)
            yield from _stream(source, 16 + zlib.MAX_WBITS, layer)
    while source.take():  # what stands behind the end is no part of it, for browsers neither
        pass


def _stream(source: _Source, window: int, layer: str) -> Iterator[bytes]:
    unpacking = zlib.decompressobj(window)
    try:
        while not unpacking.eof:
            packed = unpacking.unconsumed_tail or source.take()
            piece = unpacking.decompress(packed, PIECE)
            if piece:
                yield piece
            elif not packed and not unpacking.eof:
                raise CutOff(layer)
    except zlib.error as wrong:
        raise DecodeError(str(wrong)) from wrong
    source.give_back(unpacking.unused_data)


def _is_zlib(begin: bytes) -> bool:
    """Some servers leave out what zlib puts around it (RFC 1950, 2.2), and browsers take both."""
    return begin[0] & 15 == zlib.DEFLATED and int.from_bytes(begin, "big") % 31 == 0
