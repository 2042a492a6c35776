"""`ropeway migrate`: what is shown, what is written, and what is left alone."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

PAGE = (Path(__file__).parents[2] / "docs" / "migrating.md").read_text(encoding="utf-8")

UPLOAD = """\
steps:
  - task: S3Upload@1  # up
    inputs:
      bucketName: shop
      filesAcl: none
      contentType: text/html
"""
MOVED = UPLOAD.replace("S3Upload", "RopewayS3Upload")
OTHER = "steps:\n  - task: AWSCLI@1\n  - script: 'echo ##vso[task.setvariable variable=a]1'\n"


@pytest.fixture
def pipeline(tmp_path, monkeypatch):
    """`pipeline("deploy.yml", text)` writes a file into the working directory and answers its path."""
    monkeypatch.chdir(tmp_path)

    def write(name: str, text: str) -> Path:
        Path(name).write_bytes(text.encode())
        return Path(name)

    return write


def test_the_diff_is_shown_and_nothing_is_written(ropeway, pipeline):
    file = pipeline("azure-pipelines.yml", UPLOAD)
    answer = ropeway("migrate", file)
    assert answer.code == 0
    assert answer.out == (
        "--- azure-pipelines.yml\n"
        "+++ azure-pipelines.yml\n"
        "@@ -1,5 +1,5 @@\n"
        " steps:\n"
        "-  - task: S3Upload@1  # up\n"
        "+  - task: RopewayS3Upload@1  # up\n"
        "     inputs:\n"
        "       bucketName: shop\n"
        "       filesAcl: none\n"
    )
    assert answer.err == (
        "azure-pipelines.yml: 1 step of the AWS Toolkit to move over.\n"
        "  line 2: No file matches.\n"
        "    AWS Toolkit: The step is green: the upload warns, the download says nothing.\n"
        "    Ropeway: The step fails. `noMatch: warn` or `noMatch: ignore` lets it go on.\n"
        "Nothing was written. Give --write to write it.\n"
    )
    assert file.read_text() == UPLOAD


def test_what_is_shown_can_be_applied(ropeway, pipeline):
    file = pipeline("azure-pipelines.yml", UPLOAD)
    diff = ropeway("migrate", file).out
    subprocess.run(["git", "apply", "-p0", "-"], input=diff, text=True, check=True, capture_output=True)
    assert file.read_text() == MOVED


def test_write_writes_every_file_that_changes_and_no_other(ropeway, pipeline):
    first, second = pipeline("a.yml", UPLOAD), pipeline("b.yml", UPLOAD.replace("\n", "\r\n"))
    other = pipeline("c.yml", OTHER)
    first.chmod(0o640)
    before = other.stat()
    answer = ropeway("migrate", "--write", first, second, other)
    assert answer.code == 0
    assert answer.err.endswith("\nWrote 2 files.\n")
    assert (first.read_bytes(), second.read_bytes()) == (MOVED.encode(), MOVED.replace("\n", "\r\n").encode())
    assert first.stat().st_mode & 0o777 == 0o640
    assert (other.stat().st_ino, other.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert sorted(os.listdir()) == ["a.yml", "b.yml", "c.yml"]


def test_a_link_stays_one(ropeway, pipeline):
    file = pipeline("a.yml", UPLOAD)
    os.symlink(file, "link.yml")
    assert ropeway("migrate", "--write", "link.yml").code == 0
    assert os.path.islink("link.yml")
    assert file.read_text() == MOVED


def test_steps_that_stay_the_toolkits_are_named(ropeway, pipeline):
    answer = ropeway("migrate", pipeline("a.yml", OTHER))
    assert (answer.code, answer.out) == (0, "")
    assert answer.err == (
        "a.yml: 0 steps of the AWS Toolkit to move over.\n  line 2: AWSCLI@1 stays: Ropeway has no such task.\n"
    )


def test_what_the_task_would_refuse_is_a_warning(ropeway, pipeline):
    answer = ropeway("migrate", pipeline("a.yml", UPLOAD.replace("none", "public")))
    assert answer.code == 0
    assert (
        "  Warning: line 2: RopewayS3Upload would refuse this step: filesAcl is 'public'; did you mean public-read?"
        in answer.err
    )


def test_strict_fails_as_long_as_there_is_something_to_look_at(ropeway, pipeline):
    assert ropeway("migrate", "--strict", pipeline("a.yml", UPLOAD)).code == 3
    assert ropeway("migrate", "--strict", pipeline("b.yml", OTHER)).code == 3
    assert ropeway("migrate", "--strict", pipeline("c.yml", MOVED)).code == 0


def test_json_says_all_of_it_and_runs_no_command(ropeway, pipeline):
    pipeline("a.yml", UPLOAD + OTHER.replace("steps:\n", ""))
    answer = ropeway("migrate", "a.yml", "--json")
    (file,) = answer.json["files"]
    assert file.keys() == {
        *("path", "changed", "written", "diff", "steps", "differences", "warnings", "notCovered"),
    }
    assert (file["path"], file["changed"], file["written"]) == ("a.yml", True, False)
    assert file["steps"] == [{"line": 2, "task": "RopewayS3Upload@1"}]
    assert file["notCovered"] == [{"line": 7, "task": "AWSCLI@1"}]
    assert file["differences"][0].keys() == {"name", "lines", "what", "toolkit", "ropeway"}
    assert "+  - task: RopewayS3Upload@1  # up\n" in file["diff"]
    assert "##vso" not in answer.out


def test_a_command_in_a_pipeline_is_shown_and_not_run(ropeway, pipeline):
    answer = ropeway("migrate", pipeline("a.yml", OTHER + UPLOAD.replace("steps:\n", "")))
    assert "echo **vso[task.setvariable variable=a]1" in answer.out
    assert "##vso" not in answer.out + answer.err


def test_all_that_is_no_yaml_is_told_and_nothing_is_written(ropeway, pipeline):
    fine = pipeline("fine.yml", UPLOAD)
    pipeline("a.yml", "steps:\n  - task: S3Upload@1\n   inputs:\n")
    pipeline("b.yml", "a: 1\nb: [\n")
    Path("c.yml").write_bytes("one: 1\nname: Käse\n".encode("latin-1"))
    answer = ropeway("migrate", "--write", fine, "a.yml", "b.yml", "c.yml")
    assert answer.code == 2
    first, second, third, advice = answer.err.splitlines()
    assert first.startswith("Error: a.yml, line 3, column 4: ")
    assert second.startswith("Error: b.yml, line 3, column 1: ")
    assert third == "Error: c.yml, line 2: this is no UTF-8, which a pipeline must be."
    assert advice == "Next: Mend these lines, and run again. Nothing was written."
    assert fine.read_text() == UPLOAD


def test_a_failure_answers_in_json_too(ropeway, pipeline):
    answer = ropeway("migrate", pipeline("a.yml", "a: [\n"), "--json")
    assert answer.code == 2
    assert answer.json["error"]["message"].startswith("a.yml, line 2, column 1: ")


@pytest.mark.parametrize(("name", "why"), [("none.yml", "No such file or directory"), (".", "Is a directory")])
def test_a_file_that_cannot_be_read_is_named(ropeway, pipeline, name, why):
    answer = ropeway("migrate", "--write", pipeline("a.yml", UPLOAD), name)
    assert answer.code == 1
    assert answer.err == (
        f"Error: Could not read {name}: {why}.\nNext: Name the YAML file of a pipeline that can be read.\n"
    )
    assert Path("a.yml").read_text() == UPLOAD


def test_a_file_that_cannot_be_written_is_named_and_whole(ropeway, pipeline, monkeypatch):
    file = pipeline("a.yml", UPLOAD)

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    answer = ropeway("migrate", "--write", file)
    assert answer.code == 1
    assert answer.err == f"Error: Could not write {file.resolve()}: No space left on device.\n"
    assert file.read_text() == UPLOAD
    assert os.listdir() == ["a.yml"]


def test_without_a_file_it_says_how_it_is_used(ropeway):
    answer = ropeway("migrate")
    assert answer.code == 2
    assert "FILE" in answer.err


def test_its_help_can_be_read(ropeway, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    help = ropeway("migrate", "--help").out
    assert help.startswith("Usage: ropeway migrate [OPTIONS] {FILE}...\n")
    assert "\n  ropeway migrate --write azure-pipelines.yml templates/deploy.yml\n" in help
    assert max(map(len, help.splitlines())) <= 80
    assert "\n  migrate\n      Move pipelines over from the AWS Toolkit" in ropeway("--help").out


def test_the_example_of_the_docs_is_what_happens(ropeway, pipeline):
    before = re.search(r"```yaml\n(steps:\n.*?)```", PAGE, re.DOTALL)
    diff = re.search(r"```diff\n(.*?)```", PAGE, re.DOTALL)
    assert before
    assert diff
    answer = ropeway("migrate", pipeline("azure-pipelines.yml", before[1]))
    assert answer.out.split("\n", 2)[2] == diff[1]
