"""The ledger of releases: which content each version of each task had when it was published.

Agents never download a version of a task twice, so other content under an old version would reach some machines and not others.
`make vsix` refuses that; `python -m tooling.ledger record` is run once for each release, and never changes an old entry.
"""

from __future__ import annotations

import hashlib
import json
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

from ropeway.version import VERSION
from tooling.bundle import ROOT, BuildError, Staged, stage

LEDGER = ROOT / "tooling" / "ledgers" / "releases.json"

Releases = dict[str, dict[str, str]]
"""Version -> task -> SHA-256 of its folder."""


def content(folder: Path) -> str:
    """The SHA-256 of a folder: of each file's name, length and bytes, in the order of the names."""
    digest = hashlib.sha256()
    for file in sorted(file for file in folder.rglob("*") if file.is_file()):
        data = file.read_bytes()
        digest.update(f"{file.relative_to(folder).as_posix()}\0{len(data)}\0".encode())
        digest.update(data)
    return digest.hexdigest()


def contents(staged: Iterable[Staged]) -> dict[str, str]:
    return {item.task.name: content(item.folder) for item in staged}


def read(ledger: Path = LEDGER) -> Releases:
    releases: Releases = json.loads(ledger.read_text(encoding="utf-8"))
    return releases


def refuse_changed(version: str, now: dict[str, str], releases: Releases) -> None:
    """Raises BuildError when this version was published with other content."""
    published = releases.get(version)
    if published is None or published == now:
        return
    changed = sorted(name for name in published.keys() | now.keys() if published.get(name) != now.get(name))
    raise BuildError(
        f"Version {version} was published with other content of {', '.join(changed)}. Agents never download a version twice: "
        "raise `version` in pyproject.toml, then run `make generate` and `make vsix`."
    )


def record(version: str, now: dict[str, str], ledger: Path = LEDGER) -> None:
    """Add a version. Raises BuildError when it is there with other content."""
    releases = read(ledger)
    refuse_changed(version, now, releases)
    ledger.write_text(json.dumps({**releases, version: now}, indent=2) + "\n", encoding="utf-8")


def main(arguments: list[str]) -> None:
    if arguments != ["record"]:
        raise BuildError("Usage: python -m tooling.ledger record")
    with tempfile.TemporaryDirectory() as scratch:
        staged, _ = stage(Path(scratch))
        record(VERSION, contents(staged))
    print(f"{LEDGER.relative_to(ROOT)} holds {VERSION}.")


if __name__ == "__main__":
    main(sys.argv[1:])
