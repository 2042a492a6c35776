"""Builds the extension: `python -m tooling.vsix` writes dist/ropeway-<version>.vsix, the same bytes for the same commit.

tfx-cli makes the package; its archive is then written anew, because it holds the time of the build. `--dev N` makes another
extension, with an id, task names, GUIDs and a connection type of its own, to be tried in an organisation beside the released one.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
import subprocess
import sys
import uuid
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ropeway.version import VERSION
from tooling import ledger
from tooling.bundle import CACHE, ROOT, BuildError, Staged, stage
from tooling.licences import bill_of_materials

TFX = ROOT / "node_modules" / "tfx-cli" / "_build" / "tfx-cli.js"
MANIFEST = "vss-extension.json"
CONNECTION = "RopewayAWS"
# The first moment that a zip archive can hold.
LONG_AGO = (1980, 1, 1, 0, 0, 0)

Json = dict[str, Any]


@dataclass(frozen=True)
class Built:
    """The package, and what each task takes of it (bytes, packed)."""

    file: Path
    sha256: str
    sizes: dict[str, int]


def build(dist: Path, work: Path, *, dev: int | None = None, cache: Path = CACHE) -> Built:
    """Stage, pack and write the package; `work` is emptied first. Raises BuildError."""
    shutil.rmtree(work, ignore_errors=True)
    staged, carried = stage(work / "stage" / "tasks", cache)
    manifest: Json = {**json.loads((ROOT / MANIFEST).read_text(encoding="utf-8")), "version": VERSION}
    if dev is None:
        ledger.refuse_changed(VERSION, ledger.contents(staged), ledger.read())
    else:
        manifest = _for_development(manifest, staged, dev)
    _write(work / "stage" / MANIFEST, manifest)
    (work / "stage" / "sbom.cdx.json").write_text(bill_of_materials(VERSION, carried), encoding="utf-8")
    shutil.copytree(ROOT / "images", work / "stage" / "images")
    for name in ("overview.md", "LICENSE"):
        shutil.copyfile(ROOT / name, work / "stage" / name)
    return _packed(work, dist / f"{manifest['id']}-{manifest['version']}.vsix")


def _packed(work: Path, file: Path) -> Built:
    _tfx(work / "stage", work / "packed.vsix")
    file.parent.mkdir(parents=True, exist_ok=True)
    sizes = rewrite(work / "packed.vsix", file)
    return Built(file, hashlib.sha256(file.read_bytes()).hexdigest(), sizes)


def _tfx(stage: Path, output: Path) -> None:
    create = ["node", str(TFX), "extension", "create", "--no-prompt", "--json", "--manifests", MANIFEST]
    where = ["--root", str(stage), "--output-path", str(output)]
    done = subprocess.run([*create, *where], capture_output=True, encoding="utf-8", check=False, cwd=stage)
    said = done.stdout + done.stderr
    if done.returncode or not output.exists() or "warning" in said.lower():
        raise BuildError(f"tfx-cli did not like the extension (exit code {done.returncode}):\n{said}")


def rewrite(packed: Path, file: Path) -> dict[str, int]:
    """The same archive without anything of its making: files only, by name, with one date. Returns the packed size of each task."""
    sizes: dict[str, int] = {}
    with zipfile.ZipFile(packed) as old, zipfile.ZipFile(file, "w") as new:
        for name in sorted(name for name in old.namelist() if not name.endswith("/")):
            entry = zipfile.ZipInfo(name, LONG_AGO)
            entry.create_system, entry.external_attr = 3, 0o644 << 16
            new.writestr(entry, old.read(name), zipfile.ZIP_DEFLATED, 9)
            if name.startswith("tasks/"):
                task = name.split("/")[1]
                sizes[task] = sizes.get(task, 0) + entry.compress_size
    return sizes


# --- beside the released one -------------------------------------------------------------------------------------------


def _for_development(manifest: Json, staged: tuple[Staged, ...], number: int) -> Json:
    """Nothing of it may meet the released extension: a task name that two extensions have is ambiguous to every pipeline."""
    for item in staged:
        file = item.folder / "task.json"
        task = json.loads(file.read_text(encoding="utf-8").replace(f":{CONNECTION}", f":{CONNECTION}Dev"))
        task["id"] = str(uuid.uuid5(uuid.UUID(task["id"]), "ropeway-dev"))
        task["name"] += "Dev"
        task["friendlyName"] = f"[dev] {task['friendlyName']}"[:40]
        task["version"]["Patch"] = number
        _write(file, task)
    major, minor, _ = manifest["version"].split(".")
    connection = next(each for each in manifest["contributions"] if each["properties"]["name"] == CONNECTION)
    connection["properties"] |= {"name": f"{CONNECTION}Dev", "displayName": "AWS for Ropeway (development)"}
    return {
        **manifest,
        "id": "ropeway-dev",
        "name": f"[dev] {manifest['name']}",
        "version": f"{major}.{minor}.{number}",
    }


def _write(file: Path, document: Json) -> None:
    file.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m tooling.vsix", description="Build the extension.")
    parser.add_argument(
        "--dev",
        type=int,
        metavar="N",
        help="build ropeway-dev with the patch number N; count it up, because agents never download a version twice",
    )
    built = build(ROOT / "dist", ROOT / "build" / "vsix", dev=parser.parse_args(arguments).dev)
    for task, size in built.sizes.items():
        print(f"  {task:<14}{size / 1024:>8,.0f} KB")
    print(f"{built.file.relative_to(ROOT)}  {built.file.stat().st_size / 1024:,.0f} KB  sha256 {built.sha256}")


if __name__ == "__main__":
    main(sys.argv[1:])
