"""What is in the extension, and what is not."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
import zipfile
from pathlib import Path

import boto3
import pytest

from ropeway.registry import all_tasks, task_modules
from ropeway.version import VERSION
from tooling.bundle import CHAIN_SERVICES, LOCK, NATIVE, ROOT
from tooling.vsix import build

TASKS = {task.name: task for task in all_tasks()}
REGIONS = ("us-east-1", "eu-west-1", "ap-southeast-2", "cn-north-1", "us-gov-west-1", "eusc-de-east-1")


@pytest.fixture(scope="module")
def package(extension: Path):
    with zipfile.ZipFile(extension) as package:
        yield package


@pytest.fixture(scope="module")
def unpacked(package, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("unpacked")
    package.extractall(folder)
    return folder / "tasks"


def document(package: zipfile.ZipFile, name: str):
    return json.loads(package.read(name))


def test_it_is_called_by_its_version(extension, package):
    identity = ET.fromstring(package.read("extension.vsixmanifest")).find(".//{*}Identity")
    pinned = re.search(r'^version = "(.+)"$', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    assert extension.name == f"ropeway-{pinned[1]}.vsix"
    assert identity.get("Version") == pinned[1] == VERSION
    assert identity.get("Id") == "ropeway"


def test_it_contributes_every_task_of_the_registry(package):
    contributions = document(package, "extension.vsomanifest")["contributions"]
    contributed = {each["id"]: each for each in contributions if each["type"] == "ms.vss-distributed-task.task"}
    assert {name: each["properties"]["name"] for name, each in contributed.items()} == {
        name: f"tasks/{name}" for name in TASKS
    }


def test_the_tasks_are_those_of_the_repository(package):
    for name, task in TASKS.items():
        assert package.read(f"tasks/{name}/task.json") == (ROOT / "tasks" / name / "task.json").read_bytes()
        assert document(package, f"tasks/{name}/task.json")["id"] == task.id


def test_it_contributes_the_connection_that_the_tasks_ask_for(package):
    contributions = document(package, "extension.vsomanifest")["contributions"]
    [connection] = [each for each in contributions if each["type"] == "ms.vss-endpoint.service-endpoint-type"]
    asked = {
        item["type"].partition(":")[2]
        for name in TASKS
        for item in document(package, f"tasks/{name}/task.json")["inputs"]
        if item["type"].startswith("connectedService:")
    }
    assert asked - {"AWS"} == {connection["properties"]["name"]} == {"RopewayAWS"}


def test_every_task_brings_the_same_launcher(package):
    assert {package.read(f"tasks/{name}/launch.js") for name in TASKS} == {
        (ROOT / "tasks/launcher/launch.js").read_bytes()
    }


def test_nothing_in_it_is_native_compiled_or_left_over(package):
    for name in package.namelist():
        assert Path(name).suffix not in NATIVE
        assert not re.search(r"__pycache__|\.pyc$|\.dist-info|/$", name), name
    heads = {bytes(package.read(name)[:4]) for name in package.namelist()}
    assert not heads & {b"\x7fELF", b"MZ\x90\x00", b"\xcf\xfa\xed\xfe", b"\xca\xfe\xba\xbe"}


def test_a_task_brings_only_its_own_part_of_ropeway(unpacked):
    for module in task_modules():
        [folder] = [unpacked / task.name for task in all_tasks() if module == task.plan.__module__.rpartition(".")[2]]
        ropeway = folder / "lib" / "ropeway"
        assert {file.stem for file in (ropeway / "tasks").glob("*.py")} == {"__init__", "task", module}
        assert not [name for name in ("cli", "terminal.py", "local", "migrate") if (ropeway / name).exists()]


def test_licences_of_all_that_travels_are_in_it(package, unpacked):
    pinned = dict(re.findall(r"^([\w.-]+)==(\S+)", LOCK.read_text(), re.MULTILINE))
    for name in TASKS:
        notices = (unpacked / name / "THIRD_PARTY_NOTICES.txt").read_text()
        assert [
            f"{package} {version}" for package, version in pinned.items() if f"\n{package} {version} (" not in notices
        ] == []
        assert (unpacked / name / "LICENSE").read_bytes() == (ROOT / "LICENSE").read_bytes()
    components = document(package, "sbom.cdx.json")["components"]
    assert {each["name"]: each["version"] for each in components} == pinned
    for each in components:
        assert each["hashes"][0]["content"] in LOCK.read_text()


def test_it_is_small_enough_for_every_server(extension):
    """Azure DevOps Server 2019 takes 25 MB, of which the five tasks leave a third free. Three of them ask checks of every kind."""
    assert extension.stat().st_size < 16_000_000


ENDPOINTS = """
import json, sys
sys.path.insert(0, sys.argv[1])
import boto3, botocore
assert botocore.__file__.startswith(sys.argv[1]), botocore.__file__
services, regions = json.loads(sys.argv[2])
keys = {"aws_access_key_id": "AKIAIOSFODNN7EXAMPLE", "aws_secret_access_key": "secret"}
session = boto3.session.Session(**keys)
print(json.dumps({f"{s} {r}": session.client(s, region_name=r).meta.endpoint_url for s in services for r in regions}))
"""


@pytest.mark.parametrize("name", TASKS)
def test_every_client_of_a_task_is_made_from_the_bundle_alone(unpacked, name):
    """And it finds the same endpoints as the whole botocore."""
    services = sorted({*TASKS[name].services, *CHAIN_SERVICES})
    command = [
        sys.executable,
        "-I",
        "-S",
        "-c",
        ENDPOINTS,
        str(unpacked / name / "lib"),
        json.dumps([services, REGIONS]),
    ]
    made = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    whole = boto3.session.Session(aws_access_key_id="AKIAIOSFODNN7EXAMPLE", aws_secret_access_key="secret")
    expected = {}
    for service in services:
        for region in REGIONS:
            client = whole.client(service, region_name=region)
            expected[f"{service} {region}"] = client.meta.endpoint_url
            client.close()
    assert made == expected


def test_the_same_commit_gives_the_same_bytes(extension, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    again = build(tmp_path / "dist", tmp_path / "work").file
    with zipfile.ZipFile(extension) as one, zipfile.ZipFile(again) as other:
        assert [name for name in one.namelist() if one.read(name) != other.read(name)] == []
    assert again.read_bytes() == extension.read_bytes()


def test_only_secrets_of_a_connection_are_where_the_agent_masks_them(package):
    contributions = document(package, "extension.vsomanifest")["contributions"]
    [connection] = [each for each in contributions if each["type"] == "ms.vss-endpoint.service-endpoint-type"]
    [scheme] = connection["properties"]["authenticationSchemes"]
    masked = {item["id"]: item["isConfidential"] for item in scheme["inputDescriptors"]}
    shown = {item["id"]: item["isConfidential"] for item in connection["properties"]["inputDescriptors"]}
    assert masked == {"username": False, "password": True, "sessionToken": True, "externalId": True}
    no_secrets = ("assumeRoleArn", "useOIDC", "roleSessionName", "durationSeconds", "allowedAccountIds")
    assert shown == dict.fromkeys(no_secrets, False)
