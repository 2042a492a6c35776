from __future__ import annotations

import json
import re

import grimp
import pytest

from ropeway.registry import task_modules
from tooling.bundle import (
    CACHE,
    LOCK,
    REGISTRIES,
    ROOT,
    BuildError,
    copy_modules,
    native_files,
    reachable,
    trim_botocore,
    unpack,
    wheels,
)


@pytest.fixture
def data(tmp_path):
    """botocore's data as it is laid out: two services, one with two versions."""
    for path, prefix in (
        ("s3/2006-03-01", "s3"),
        ("elbv2/2012-01-01", "elasticloadbalancing"),
        ("elbv2/2015-12-01", "elasticloadbalancing"),
    ):
        folder = tmp_path / "data" / path
        folder.mkdir(parents=True)
        (folder / "service-2.json").write_text(json.dumps({"metadata": {"endpointPrefix": prefix}}))
        (folder / "examples-1.json").touch()
    services = {"s3": {"a": 1}, "elasticloadbalancing": {"b": 2}, "sqs": {"c": 3}}
    partitions = [{"partition": "aws", "services": services}]
    (tmp_path / "data/endpoints.json").write_text(json.dumps({"partitions": partitions, "version": 3}))
    return tmp_path / "data"


def test_only_the_newest_api_of_the_services_stays(data):
    trim_botocore(data, {"elbv2"})
    assert sorted(str(file.relative_to(data)) for file in data.rglob("*.json")) == [
        "elbv2/2015-12-01/service-2.json",
        "endpoints.json",
    ]


def test_endpoints_stay_by_the_name_that_the_service_has_there(data):
    trim_botocore(data, {"elbv2"})
    assert json.loads((data / "endpoints.json").read_text()) == {
        "partitions": [{"partition": "aws", "services": {"elasticloadbalancing": {"b": 2}}}],
        "version": 3,
    }


def test_a_service_that_botocore_does_not_know_stops_the_build(data):
    with pytest.raises(BuildError, match="botocore knows no service s4: see `services` of the task"):
        trim_botocore(data, {"s3", "s4"})


@pytest.mark.parametrize("name", ["speedups.cpython-311-x86_64-linux-gnu.so", "speedups.pyd", "libcrt.dylib"])
def test_a_native_file_stops_the_build(tmp_path, name):
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / name).touch()
    [problem] = native_files(tmp_path)
    assert problem.startswith(f"package/{name} is native: the bundle must run on every system.")


def test_a_second_build_needs_no_network(tmp_path, monkeypatch):
    there = wheels(LOCK, CACHE)
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/none")
    assert wheels(LOCK, CACHE) == there
    assert "botocore" in {package.name for package in unpack(there, LOCK, {"sts"}, tmp_path / "lib")}
    assert [entry.name for entry in (tmp_path / "lib/botocore/data").iterdir() if entry.is_dir()] == ["sts"]


def test_packages_that_cannot_be_had_stop_the_build(tmp_path, monkeypatch):
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/none")
    monkeypatch.setenv("PIP_RETRIES", "0")
    with pytest.raises(BuildError, match="The pinned packages could not be downloaded"):
        wheels(LOCK, tmp_path)
    assert not list(tmp_path.glob("wheels-*"))


def test_a_wheel_that_is_not_the_pinned_one_stops_the_build(tmp_path):
    lock = tmp_path / "bundle.txt"
    lock.write_text("six==1.17.0 --hash=sha256:" + "0" * 64 + "\n")
    with pytest.raises(BuildError, match=r"boto3-.*\.whl is not what bundle\.txt pins"):
        unpack(wheels(LOCK, CACHE), lock, set(), tmp_path / "lib")


def test_what_a_task_does_not_import_stays_at_home(tmp_path):
    graph = grimp.build_graph("ropeway", cache_dir=None)
    modules = reachable(graph, {"ropeway.inputs"})
    assert modules == {"ropeway", "ropeway.inputs", "ropeway.errors"}
    copy_modules(modules, tmp_path)
    assert sorted(file.name for file in (tmp_path / "ropeway").iterdir()) == ["__init__.py", "errors.py", "inputs.py"]


def test_the_scripts_of_a_package_go_with_it(tmp_path):
    """They are no modules, and no import leads to them."""
    copy_modules({"ropeway.ec2.host", "ropeway.ec2.host.names"}, tmp_path)
    scripts = sorted(path.name for path in (ROOT / "python/ropeway/ec2/host").glob("*.sh"))
    assert len(scripts) >= 7
    assert sorted(path.name for path in (tmp_path / "ropeway/ec2/host").glob("*.sh")) == scripts


def test_a_module_that_is_named_only_at_run_time_would_be_missed():
    """So none on a task's way may be, but for the task itself and the members of a registry, which the bundle knows."""
    graph = grimp.build_graph("ropeway", cache_dir=None)
    on_the_way = reachable(graph, {"ropeway.azure.main", *(f"ropeway.tasks.{module}" for module in task_modules())})
    package = ROOT / "python"
    dynamic = {
        ".".join(file.relative_to(package).with_suffix("").parts)
        for file in package.rglob("*.py")
        if re.search(r"import_module\(|__import__\(", file.read_text(encoding="utf-8"))
    }
    assert dynamic & on_the_way == {"ropeway.registry", *REGISTRIES}
