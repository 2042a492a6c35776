from __future__ import annotations

import json
import zipfile

import pytest

from ropeway.registry import all_tasks
from ropeway.version import VERSION
from tooling import ledger, vsix
from tooling.bundle import BuildError


def test_an_archive_is_written_anew_without_the_time_of_its_making(tmp_path):
    for name, year in (("one", 2001), ("two", 2031)):
        with zipfile.ZipFile(tmp_path / name, "w") as archive:
            for entry in (
                ("tasks/S3Upload/b", "a", "tasks/", "tasks/S3Upload/a")
                if name == "one"
                else ("a", "tasks/S3Upload/a", "tasks/S3Upload/b")
            ):
                archive.writestr(
                    zipfile.ZipInfo(entry, (year, 1, 1, 0, 0, 0)), "" if entry.endswith("/") else "x" * 999
                )
    sizes = vsix.rewrite(tmp_path / "one", tmp_path / "one.vsix")
    vsix.rewrite(tmp_path / "two", tmp_path / "two.vsix")
    assert (tmp_path / "one.vsix").read_bytes() == (tmp_path / "two.vsix").read_bytes()
    assert list(sizes) == ["S3Upload"]
    with zipfile.ZipFile(tmp_path / "one.vsix") as archive:
        assert archive.namelist() == ["a", "tasks/S3Upload/a", "tasks/S3Upload/b"]


def test_a_warning_of_the_packager_stops_the_build(tmp_path):
    (tmp_path / "task").mkdir()
    (tmp_path / "task/task.json").write_text(json.dumps({"id": "no-guid", "name": "Task"}))
    contribution = {"id": "Task", "type": "ms.vss-distributed-task.task", "targets": ["ms.vss-distributed-task.tasks"]}
    manifest = {
        "manifestVersion": 1, "id": "x", "publisher": "x", "version": "1.0.0", "name": "x", "categories": ["Azure Pipelines"],
        "targets": [{"id": "Microsoft.VisualStudio.Services"}], "files": [{"path": "task"}],
        "contributions": [{**contribution, "properties": {"name": "task"}}],
    }  # fmt: skip
    (tmp_path / "vss-extension.json").write_text(json.dumps(manifest))
    with pytest.raises(BuildError, match="tfx-cli did not like the extension"):
        vsix._tfx(tmp_path, tmp_path / "out.vsix")


def test_a_build_for_trying_meets_the_released_one_nowhere(extension, tmp_path):
    built = vsix.build(tmp_path / "dist", tmp_path / "work", dev=17)
    major, minor, _ = VERSION.split(".")
    assert built.file.name == f"ropeway-dev-{major}.{minor}.17.vsix"
    with zipfile.ZipFile(extension) as released, zipfile.ZipFile(built.file) as trial:
        for task in all_tasks():
            theirs, ours = (json.loads(package.read(f"tasks/{task.name}/task.json")) for package in (released, trial))
            assert ours["name"] == f"{theirs['name']}Dev"
            assert ours["id"] != theirs["id"]
            assert ours["version"] == {**theirs["version"], "Patch": 17}
            assert "connectedService:RopewayAWSDev" in {item["type"] for item in ours["inputs"]}
        contributions = json.loads(trial.read("extension.vsomanifest"))["contributions"]
        names = {each["properties"]["name"] for each in contributions}
        assert "RopewayAWSDev" in names
        assert "RopewayAWS" not in names


def test_content_that_differs_from_the_published_is_not_packed(tmp_path, monkeypatch):
    monkeypatch.setattr(ledger, "read", lambda: {VERSION: {"S3Upload": "published"}})
    names = ", ".join(sorted(task.name for task in all_tasks()))
    with pytest.raises(BuildError, match=f"Version {VERSION} was published with other content of {names}"):
        vsix.build(tmp_path / "dist", tmp_path / "work")
    assert not list(tmp_path.glob("dist/*"))
