"""Peak memory of a whole task, from the start of Python to its end: `python -m bench.memory`.

The command line uploads and downloads against a null S3, which hashes what it is sent, forgets it, and serves zeros. So the
network costs nothing and every request is answered at once: as much as can be is in flight. The large file is sparse on its way up.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from bench.null_s3 import NullS3, running

GIB = 1 << 30

PEAK = """
import resource, subprocess, sys
code = subprocess.call(sys.argv[1:], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
sys.exit(code)
"""
"""Run by a small Python in between: until it is exec'ed a child counts its parent's memory as its own."""
ROPEWAY = (sys.executable, "-c", "import sys; from ropeway.cli import main; sys.exit(main(sys.argv[1:]))")
IDENTITY = {"AWS_ACCESS_KEY_ID": "AKIAROPEWAYBENCH0000", "AWS_SECRET_ACCESS_KEY": "bench", "AWS_REGION": "us-east-1"}


@dataclass(frozen=True)
class Load:
    """`count` files of `size` bytes."""

    count: int
    size: int

    def make(self, folder: Path) -> None:
        for number in range(self.count):
            with (folder / f"{number:06}").open("wb") as file:
                file.truncate(self.size)


@dataclass(frozen=True)
class Measured:
    """Of one run: peak memory in MB (10^6 bytes), wall time, and the most requests that the server saw in flight."""

    megabytes: float
    seconds: float
    in_flight: int


def uploaded(load: Load) -> Measured:
    with tempfile.TemporaryDirectory() as folder, running(NullS3()) as null:
        load.make(Path(folder))
        measured = _measured(null, "PUT", "upload", "--source-folder", folder)
        sizes = [stored.size for stored in null.objects.values()]
    _expect(sizes, load)
    return measured


def downloaded(load: Load) -> Measured:
    with tempfile.TemporaryDirectory() as folder, running(NullS3()) as null:
        null.add(load.count, load.size)
        measured = _measured(null, "GET", "download", "--target-folder", folder)
        sizes = [path.stat().st_size for path in Path(folder).rglob("*") if path.is_file()]
    _expect(sizes, load)
    return measured


def _measured(null: NullS3, method: str, *what: str) -> Measured:
    where = ("--bucket-name", "bench", "--endpoint-url", null.url, "--force-path-style-addressing")
    began = time.perf_counter()
    ran = subprocess.run(
        [sys.executable, "-c", PEAK, *ROPEWAY, "s3", *what, *where, "--json"],
        env=os.environ | IDENTITY,
        capture_output=True,
        check=False,
        text=True,
    )
    if ran.returncode:
        raise SystemExit(f"ropeway s3 {what[0]} ended with {ran.returncode}:\n{ran.stderr}")
    unit = 1 if sys.platform == "darwin" else 1024  # getrusage(2)
    return Measured(int(ran.stdout) * unit / 1e6, time.perf_counter() - began, null.peak[method])


def _expect(sizes: list[int], load: Load) -> None:
    if sizes != [load.size] * load.count:
        raise SystemExit(f"{len(sizes)} files of {sum(sizes)} bytes arrived, not {load.count} of {load.size}.")


LOADS = {"10,000 files of 4 KiB": Load(10_000, 4096), "one file of 5 GiB": Load(1, 5 * GIB)}


def main() -> None:
    print("| | peak memory | requests in flight | seconds |")
    print("|---|---|---|---|")
    for name, load in LOADS.items():
        for direction, measure in (("up", uploaded), ("down", downloaded)):
            found = measure(load)
            print(
                f"| {name}, {direction} | {found.megabytes:.0f} MB | {found.in_flight} | {found.seconds:.0f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
