"""The bill of materials tells the truth: what it lists is in each task's lib, byte for byte, and nothing else is."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Mapping

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from ropeway.registry import all_tasks
from tooling.bundle import CACHE, LOCK, ROOT, wheels

TASKS = sorted(task.name for task in all_tasks())

# 1.2 MB of endpoints of every service, of which a task keeps its own.
TRIMMED = {"botocore/data/endpoints.json"}

Files = Mapping[str, bytes]


@pytest.fixture(scope="module")
def package(extension):
    with zipfile.ZipFile(extension) as package:
        yield package


@pytest.fixture(scope="module")
def bill(package) -> str:
    return package.read("sbom.cdx.json").decode()


def lib(package: zipfile.ZipFile, task: str) -> dict[str, bytes]:
    top = f"tasks/{task}/lib/"
    return {name.removeprefix(top): package.read(name) for name in package.namelist() if name.startswith(top)}


def origins(bill: str) -> dict[str, Files]:
    """Package -> the files of the wheel that its checksum in the bill belongs to."""
    there = {hashlib.sha256(wheel.read_bytes()).hexdigest(): wheel for wheel in wheels(LOCK, CACHE).iterdir()}
    found = {}
    for component in json.loads(bill)["components"]:
        with zipfile.ZipFile(there[component["hashes"][0]["content"]]) as wheel:
            found[component["purl"]] = {name: wheel.read(name) for name in wheel.namelist()}
    return found


def is_ours(name: str) -> bool:
    return name.startswith("ropeway/") and (ROOT / "python" / name).is_file()


def differences(files: Files, bill: str) -> list[str]:
    """A sentence for each file that is not of a listed package, or not as it was there, and for each package that is not in it."""
    listed = origins(bill)
    known = {name: data for origin in listed.values() for name, data in origin.items()}
    strange = [f"{name} is of no listed package" for name in files if name not in known and not is_ours(name)]
    changed = [f"{name} was changed" for name in files.keys() & known.keys() - TRIMMED if files[name] != known[name]]
    absent = [f"{package} is not in it" for package, origin in listed.items() if not origin.keys() & files.keys()]
    return [*strange, *changed, *absent]


@pytest.mark.parametrize("task", TASKS)
def test_it_lists_exactly_what_is_in_the_lib_of_each_task(package, bill, task):
    assert differences(lib(package, task), bill) == []


def test_what_is_not_listed_or_not_there_would_be_seen(package, bill):
    files = lib(package, TASKS[0])
    del files["six.py"]
    planted = {**files, "ropeway/backdoor.py": b"", "urllib3/connection.py": b"import ropeway.backdoor"}
    assert differences(planted, bill) == [
        "ropeway/backdoor.py is of no listed package",
        "urllib3/connection.py was changed",
        "pkg:pypi/six@1.17.0 is not in it",
    ]


def test_it_is_what_cyclonedx_calls_a_bill_of_materials(bill):
    problem = JsonStrictValidator(SchemaVersion.V1_6).validate_str(bill)
    assert problem is None, problem
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(bill.replace('"components"', '"parts"')) is not None


@pytest.mark.parametrize("task", TASKS)
def test_every_component_has_its_notice_beside_it_under_the_same_licence(package, bill, task):
    notices = package.read(f"tasks/{task}/THIRD_PARTY_NOTICES.txt").decode()
    for component in json.loads(bill)["components"]:
        [licence] = component["licenses"]
        assert f"\n{component['name']} {component['version']} ({licence['expression']})\n" in notices
