"""Stages a task's folder: what an agent is given, and nothing else.

    task.json  icon.png  launch.js  [after.js]  main.py  LICENSE  THIRD_PARTY_NOTICES.txt  lib/{ropeway,boto3,...}

Nothing is ever installed on an agent, so each folder carries its whole dependency tree: of Ropeway the modules that the task
can reach, of the libraries what requirements/bundle.txt pins, as pure Python (one folder serves every system and Python).
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grimp

from ropeway.registry import all_tasks, load_task, task_modules
from ropeway.tasks.task import Task
from tooling.licences import Package, check_licences, notices, packages

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "requirements" / "bundle.txt"
CACHE = ROOT / "build" / "cache"
DOOR = "ropeway.azure.main"
REGISTRIES = {"ropeway.checks.registry": "ropeway.checks.kinds"}

# Wheels that any Python 3.10 or newer runs on any system; a package that has none stops the build.
PURE = ("--only-binary=:all:", "--platform=any", "--implementation=py", "--abi=none", "--python-version=3.10")
NATIVE = {".so", ".pyd", ".dll", ".dylib"}
# What boto3's chain of credentials may ask beside the task's own services: roles, and a machine's own AWS configuration.
CHAIN_SERVICES = ("sts", "sso", "sso-oidc", "signin")

MAIN = '''"""Started by launch.js, which leaves nothing on the path but the standard library."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))

from {door} import main

os._exit(main("{module}", *sys.argv[1:]))  # all is said and flushed; a thread that still hangs in the network holds nothing up
'''


class BuildError(SystemExit):
    """What stops a build: its text is printed, and the exit code is 1."""


@dataclass(frozen=True)
class Staged:
    """A task's folder, ready to be packed."""

    task: Task[Any, Any]
    folder: Path


def stage(into: Path, cache: Path = CACHE) -> tuple[tuple[Staged, ...], tuple[Package, ...]]:
    """Every task's folder below `into`, and the packages that travel in them. Raises BuildError."""
    with tempfile.TemporaryDirectory() as scratch:
        library = Path(scratch) / "lib"
        services = {name for task in all_tasks() for name in _services(task)}
        carried = unpack(wheels(LOCK, cache), LOCK, services, library)
        graph = grimp.build_graph("ropeway", cache_dir=None)
        staged = tuple(_stage_task(module, into, library, carried, graph) for module in task_modules())
    return staged, carried


def _roots(graph: grimp.ImportGraph, module: str) -> set[str]:
    """What a task begins with. Members of a registry are found by name, so that no import leads to them."""
    roots = {DOOR, f"ropeway.tasks.{module}"}
    found = reachable(graph, roots)
    return roots | {
        name for registry in REGISTRIES if registry in found for name in graph.find_children(REGISTRIES[registry])
    }


def _stage_task(
    module: str, into: Path, library: Path, carried: tuple[Package, ...], graph: grimp.ImportGraph
) -> Staged:
    task = load_task(module)
    source, folder = ROOT / "tasks" / task.name, into / task.name
    shutil.copytree(library, folder / "lib")
    copy_modules(reachable(graph, _roots(graph, module)), folder / "lib")
    trim_botocore(folder / "lib" / "botocore" / "data", _services(task))
    for file in (source / "task.json", source / "icon.png", ROOT / "tasks/launcher/launch.js", ROOT / "LICENSE"):
        shutil.copyfile(file, folder / file.name)
    if task.clean_up:
        shutil.copyfile(ROOT / "tasks/launcher/after.js", folder / "after.js")
    (folder / "main.py").write_text(MAIN.format(door=DOOR, module=module), encoding="utf-8")
    (folder / "THIRD_PARTY_NOTICES.txt").write_text(notices(carried), encoding="utf-8")
    return Staged(task, folder)


def _services(task: Task[Any, Any]) -> set[str]:
    return {*task.services, *CHAIN_SERVICES}


# --- the libraries -----------------------------------------------------------------------------------------------------


def wheels(lock: Path, cache: Path) -> Path:
    """A folder with the wheels that `lock` pins, fetched once for each content of it: a second build needs no network."""
    folder = cache / f"wheels-{hashlib.sha256(lock.read_bytes()).hexdigest()[:16]}"
    if not folder.is_dir():
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache) as scratch:
            fresh = Path(scratch) / "wheels"
            _download(lock, fresh)
            _move_unless_there(fresh, folder)
    return folder


def _download(lock: Path, into: Path) -> None:
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet", "download", "--dest", str(into)]
    pinned = [*PURE, "--no-deps", "--require-hashes", "--requirement", str(lock)]
    done = subprocess.run([*pip, *pinned], capture_output=True, text=True, check=False)
    if done.returncode:
        raise BuildError(f"The pinned packages could not be downloaded:\n{done.stdout}{done.stderr}")


def _move_unless_there(fresh: Path, folder: Path) -> None:
    try:
        os.rename(fresh, folder)
    except OSError:
        if not folder.is_dir():  # another build was faster, or else it went wrong
            raise


def unpack(wheelhouse: Path, lock: Path, services: set[str], into: Path) -> tuple[Package, ...]:
    """Lay the wheels out in `into`, of botocore's data only these services. Raises BuildError for what may not travel."""
    pinned = lock.read_text(encoding="utf-8")
    for wheel in sorted(wheelhouse.iterdir()):
        if f"sha256:{hashlib.sha256(wheel.read_bytes()).hexdigest()}" not in pinned:
            raise BuildError(f"{wheel.name} is not what {lock.name} pins. Delete {wheelhouse}, and build again.")
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(into, [name for name in archive.namelist() if _travels(name, services)])
    carried = packages(into, wheelhouse)
    if problems := [*check_licences(carried), *native_files(into)]:
        raise BuildError("\n".join(problems))
    for metadata in into.glob("*.dist-info"):
        shutil.rmtree(metadata)
    return carried


def _travels(name: str, services: set[str]) -> bool:
    """Not: scripts, boto3's resources (its clients need none) and examples, other services."""
    service = re.match(r"botocore/data/([^/]+)/", name)
    return not re.match(r"[^/]+\.data/|boto3/(data|examples)/", name) if service is None else service[1] in services


def native_files(folder: Path) -> list[str]:
    """A sentence for each file that only some systems can load."""
    return [
        f"{file.relative_to(folder)} is native: the bundle must run on every system. Take a pure Python package instead."
        for file in sorted(folder.rglob("*"))
        if file.suffix in NATIVE
    ]


# --- Ropeway's own modules ---------------------------------------------------------------------------------------------


def reachable(graph: grimp.ImportGraph, roots: set[str]) -> set[str]:
    """`roots`, all that they import, and the packages these lie in."""
    found = roots.union(*(graph.find_upstream_modules(root) for root in roots))
    while parents := {name.rpartition(".")[0] for name in found if "." in name} - found:
        found |= parents.union(*(graph.find_upstream_modules(parent) for parent in parents))
    return found


def copy_modules(modules: Iterable[str], into: Path) -> None:
    for module in modules:
        path = Path(*module.split("."))
        package = (ROOT / "python" / path).is_dir()
        file = path / "__init__.py" if package else path.with_suffix(".py")
        (into / file).parent.mkdir(parents=True, exist_ok=True)
        scripts = (ROOT / "python" / path).glob("*.sh")  # of a package: what it sends to hosts
        for one in (ROOT / "python" / file, *sorted(scripts)):
            shutil.copyfile(one, into / file.parent / one.name)


# --- botocore's data ---------------------------------------------------------------------------------------------------


def trim_botocore(data: Path, services: set[str]) -> None:
    """Leave the newest API version of these services; examples go too. Raises BuildError for a service that botocore lacks."""
    if unknown := sorted(service for service in services if not (data / service).is_dir()):
        raise BuildError(f"botocore knows no service {', '.join(unknown)}: see `services` of the task.")
    for folder in (entry for entry in data.iterdir() if entry.is_dir()):
        if folder.name not in services:
            shutil.rmtree(folder)
            continue
        *older, newest = sorted(folder.iterdir())
        for version in older:
            shutil.rmtree(version)
        (newest / "examples-1.json").unlink(missing_ok=True)
    _trim_endpoints(data / "endpoints.json", {_endpoint_prefix(data / service) for service in services})


def _endpoint_prefix(service: Path) -> str:
    import botocore.loaders  # noqa: PLC0415 - only a build needs it

    loader = botocore.loaders.Loader(extra_search_paths=[str(service.parent)], include_default_search_paths=False)
    return str(loader.load_service_model(service.name, "service-2")["metadata"]["endpointPrefix"])


def _trim_endpoints(file: Path, prefixes: set[str]) -> None:
    """1.2 MB of JSON that is read at every start, for services that are not there."""
    endpoints = json.loads(file.read_text(encoding="utf-8"))
    for partition in endpoints["partitions"]:
        partition["services"] = {name: entry for name, entry in partition["services"].items() if name in prefixes}
    file.write_text(json.dumps(endpoints, separators=(",", ":")), encoding="utf-8")
