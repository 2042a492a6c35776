"""What is sent and fetched: trees of files whose bytes follow from a seed, made once and kept for the run."""

from __future__ import annotations

import base64
import hashlib
import mimetypes
import os
import random
import shutil
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30
BLOCK = 8 * MIB
PART = 8 * MIB
"""Bytes of the parts in which larger objects are said to have been sent; their ETag is no MD5 then (S3 user guide, multipart upload)."""


@dataclass(frozen=True)
class Case:
    """A tree by its name: pairs of a file's relative path and its size in bytes."""

    name: str
    title: str
    files: Callable[[], Iterator[tuple[str, int]]]

    @property
    def bytes(self) -> int:
        return sum(size for _, size in self.files())


def _alike(count: int, size: int, folders: int) -> Callable[[], Iterator[tuple[str, int]]]:
    def files() -> Iterator[tuple[str, int]]:
        for number in range(count):
            yield f"folder{number % folders:02}/file{number:05}.bin", size

    return files


def _site() -> Iterator[tuple[str, int]]:
    """As a built web site: many small pages and scripts, fewer pictures, a few films. Sizes fall off as they do there."""
    chance = random.Random(4)
    kinds = [
        ("html", 900, 2, 40),
        ("js", 400, 1, 300),
        ("css", 100, 1, 100),
        ("webp", 500, 10, 900),
        ("woff2", 20, 15, 60),
    ]
    for ending, count, least, most in kinds:
        for number in range(count):
            kilobytes = least * (most / least) ** (chance.random() ** 1.5)
            yield f"site/{ending}/{number % 12:02}/{number:04}.{ending}", int(kilobytes * KIB) + chance.randrange(KIB)
    for number, megabytes in enumerate((12, 25, 40)):
        yield f"site/films/{number}.mp4", megabytes * MIB + 17


def _one(size: int) -> Callable[[], Iterator[tuple[str, int]]]:
    return lambda: iter([("large.bin", size)])


CASES = {
    case.name: case
    for case in (
        Case("small", "5,000 x 4 KiB", _alike(5000, 4 * KIB, 10)),
        Case("middle", "200 x 2 MiB", _alike(200, 2 * MIB, 4)),
        Case("large", "1 x 1 GiB", _one(GIB)),
        Case("site", "a site: 1,923 files, 1 KiB to 40 MiB", _site),
    )
}
QUICK = {
    case.name: case
    for case in (
        Case("small", "500 x 4 KiB", _alike(500, 4 * KIB, 10)),
        Case("middle", "20 x 2 MiB", _alike(20, 2 * MIB, 4)),
        Case("large", "1 x 64 MiB", _one(64 * MIB)),
        Case("site", "a site: 1,923 files, 1 KiB to 40 MiB", _site),
    )
}


@dataclass(frozen=True)
class Tree:
    """A case on disk. `manifest` is what the null server serves of it."""

    case: Case
    folder: Path
    manifest: Path

    @property
    def sizes(self) -> dict[str, int]:
        return dict(self.case.files())

    def forget(self) -> None:
        shutil.rmtree(self.folder)


def make(case: Case, scratch: Path) -> Tree:
    """Written once: the bytes are the same for every peer and every run."""
    tree = Tree(case, scratch / case.name, scratch / f"{case.name}.tsv")
    with tree.manifest.open("w", encoding="utf-8") as manifest:
        for number, (relative, size) in enumerate(case.files()):
            path = tree.folder / relative
            path.parent.mkdir(parents=True, exist_ok=True)
            manifest.write("\t".join(_written(path, relative, size, number)) + "\n")
    return tree


def _written(path: Path, relative: str, size: int, seed: int) -> tuple[str, ...]:
    """Also the object's line in the manifest, under the prefix that every run uses."""
    chance, crc, md5 = random.Random(seed), 0, hashlib.md5(usedforsecurity=False)
    with path.open("wb") as file:
        for start in range(0, size, BLOCK):
            block = chance.randbytes(min(BLOCK, size - start))
            crc = zlib.crc32(block, crc)
            md5.update(block)
            file.write(block)
    os.utime(path, (OLD, OLD))
    etag = md5.hexdigest() if size <= PART else f"{md5.hexdigest()}-{-(-size // PART)}"
    content_type = mimetypes.guess_type(relative)[0] or "application/octet-stream"
    checksum = base64.b64encode(crc.to_bytes(4, "big")).decode()
    return f"{PREFIX}/{relative}", str(size), etag, checksum, str(OLD), content_type, str(path)


OLD = 1_700_000_000
"""Seconds since the epoch of every file's last change: older than what is uploaded of it, which some peers compare."""
BUCKET, PREFIX = "bench", "tree"


def first_difference(tree: Tree, folder: Path) -> str:
    """Empty when every file of the tree is in the folder with the same bytes, and nothing else is."""
    here = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    if different := here ^ tree.sizes.keys():
        return f"{len(different)} files are missing or too many, {min(different)} for one"
    wrong = (name for name in tree.sizes if not _same(tree.folder / name, folder / name))
    return next((f"{name} has other bytes" for name in wrong), "")


def _same(one: Path, other: Path) -> bool:
    with other.open("rb") as theirs:
        return same_bytes(one, theirs)


def same_bytes(path: str | Path, theirs: IO[bytes]) -> bool:
    with open(path, "rb") as mine:
        while block := mine.read(BLOCK):
            if block != theirs.read(len(block)):
                return False
    return not theirs.read(1)
