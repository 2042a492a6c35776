"""Draws the icons: a cabin on its cable. `python -m tooling.icons` writes images/extension.png and tasks/*/icon.png.

Shapes are signed distances (negative inside), so that one drawing serves every size with smooth edges. Coordinates run from 0 to 1.
"""

from __future__ import annotations

import math
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

from tooling.bundle import ROOT

Colour = tuple[int, int, int]
Shape = Callable[[float, float], float]
Layer = tuple[Shape, Colour]

SKY: Colour = (17, 45, 78)
RIDGE: Colour = (32, 74, 118)
CABLE: Colour = (219, 230, 241)
CABIN: Colour = (255, 153, 51)
GLASS: Colour = (255, 241, 221)
WHITE: Colour = (255, 255, 255)


def box(x: float, y: float, width: float, height: float, corner: float) -> Shape:
    """A rectangle with round corners, given by its centre."""

    def distance(px: float, py: float) -> float:
        dx, dy = abs(px - x) - width / 2 + corner, abs(py - y) - height / 2 + corner
        return math.hypot(max(dx, 0), max(dy, 0)) + min(max(dx, dy), 0) - corner

    return distance


def line(x1: float, y1: float, x2: float, y2: float, thick: float) -> Shape:
    """A line with round ends."""

    def distance(px: float, py: float) -> float:
        along = ((px - x1) * (x2 - x1) + (py - y1) * (y2 - y1)) / ((x2 - x1) ** 2 + (y2 - y1) ** 2)
        at = min(max(along, 0), 1)
        return math.hypot(px - x1 - at * (x2 - x1), py - y1 - at * (y2 - y1)) - thick / 2

    return distance


def below(x1: float, y1: float, x2: float, y2: float) -> Shape:
    """All that lies under the line from the left point to the right one."""
    length = math.hypot(x2 - x1, y2 - y1)
    return lambda px, py: -((x2 - x1) * (py - y1) - (y2 - y1) * (px - x1)) / length


def both(one: Shape, other: Shape) -> Shape:
    return lambda px, py: max(one(px, py), other(px, py))


def backdrop(corner: float) -> list[Layer]:
    tile = box(0.5, 0.5, 1, 1, corner)
    return [(tile, SKY), (both(tile, both(below(-0.2, 1.16, 0.62, 0.5), below(0.62, 0.5, 1.2, 0.98))), RIDGE)]


def extension() -> list[Layer]:
    """A cabin with three windows, on a cable that climbs to the right."""
    windows: list[Layer] = [(box(x, 0.62, 0.125, 0.15, 0.025), GLASS) for x in (0.345, 0.5, 0.655)]
    return [
        *backdrop(0.2),
        (line(-0.1, 0.43, 1.1, 0.13, 0.035), CABLE),
        (line(0.5, 0.29, 0.5, 0.5, 0.045), CABLE),
        (line(0.41, 0.302, 0.59, 0.257, 0.1), WHITE),
        (box(0.5, 0.66, 0.54, 0.36, 0.09), CABIN),
        *windows,
    ]


def arrow(down: bool) -> list[Layer]:
    tip, tail = (0.83, 0.53) if down else (0.5, 0.8)
    back = tip - 0.13 if down else tip + 0.13
    return [(line(0.5, tip, end, y, 0.085), WHITE) for end, y in ((0.5, tail), (0.36, back), (0.64, back))]


def release() -> list[Layer]:
    """Up, onto a shelf where the one before still lies."""
    return [*((shape, colour) for shape, colour in arrow(down=False)), (line(0.3, 0.53, 0.7, 0.53, 0.07), WHITE)]


def machines() -> list[Layer]:
    """Three of them, one above the other."""
    return [(box(0.5, y, 0.42, 0.1, 0.03), WHITE) for y in (0.52, 0.66, 0.8)]


def tick() -> list[Layer]:
    return [(line(x1, y1, x2, y2, 0.1), WHITE) for x1, y1, x2, y2 in ((0.34, 0.67, 0.46, 0.8), (0.46, 0.8, 0.68, 0.54))]


def task(sign: list[Layer]) -> list[Layer]:
    """The cabin with a sign: an arrow up to S3 or down from it, a release, the machines of EC2, the tick of what was checked."""
    return [
        *backdrop(0.2),
        (line(-0.1, 0.38, 1.1, 0.1, 0.06), CABLE),
        (line(0.5, 0.24, 0.5, 0.45, 0.07), CABLE),
        (box(0.5, 0.66, 0.68, 0.5, 0.12), CABIN),
        *sign,
    ]


def draw(layers: list[Layer], size: int) -> bytes:
    """The drawing as a PNG with an alpha channel."""
    rows = bytearray()
    for row in range(size):
        rows.append(0)  # no filter
        for column in range(size):
            rows += _pixel(layers, (column + 0.5) / size, (row + 0.5) / size, size)
    head = struct.pack(">IIBBBBB", size, size, 8, 6, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", head) + _chunk(b"IDAT", zlib.compress(rows, 9)) + _chunk(b"IEND", b"")


def _pixel(layers: list[Layer], x: float, y: float, size: int) -> bytes:
    red = green = blue = alpha = 0.0
    for shape, colour in layers:
        cover = min(max(0.5 - shape(x, y) * size, 0), 1)
        if layers[0][0] is not shape:
            cover = min(cover, alpha)  # nothing reaches over the tile's edge
        alpha = max(alpha, cover)
        red, green, blue = (
            old + (new - old) * cover / (alpha or 1) for old, new in zip((red, green, blue), colour, strict=True)
        )
    return bytes(round(channel) for channel in (red, green, blue, alpha * 255))


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


DRAWINGS: dict[str, tuple[list[Layer], int]] = {
    "images/extension.png": (extension(), 128),
    "tasks/S3Upload/icon.png": (task(arrow(down=False)), 32),
    "tasks/S3Download/icon.png": (task(arrow(down=True)), 32),
    "tasks/S3Deploy/icon.png": (task(release()), 32),
    "tasks/EC2Deploy/icon.png": (task(machines()), 32),
    "tasks/Check/icon.png": (task(tick()), 32),
}


def write(root: Path = ROOT) -> None:
    for path, (layers, size) in DRAWINGS.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(draw(layers, size))


if __name__ == "__main__":
    write()
