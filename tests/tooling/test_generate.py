"""The three modes, and that what is committed is what the declarations say."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from ropeway.registry import all_tasks
from ropeway.version import VERSION
from tests.tooling.declaring import ferry
from tooling.generate import GenerateError
from tooling.generate.__main__ import ROOT, main
from tooling.generate.artefacts import render
from tooling.generate.version import project_version

SOURCES = (
    "pyproject.toml",
    "README.md",
    "docs/checks.md",
    "docs/deploying-a-site.md",
    "docs/migrating.md",
    "docs/tasks",
    "docs/troubleshooting.md",
    "docs/templates.md",
    "pipelines",
    "tasks",
    "tooling/ledgers",
    "python/ropeway/version.py",
)


@pytest.fixture
def checkout(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    """What the generator reads and writes, somewhere else and up to date."""
    for source in SOURCES:
        place = tmp_path / source
        place.parent.mkdir(parents=True, exist_ok=True)
        (shutil.copytree if (ROOT / source).is_dir() else shutil.copy)(ROOT / source, place)
    assert main([], tmp_path) == 0
    capsys.readouterr()
    return tmp_path


def test_what_is_committed_is_what_the_declarations_say(capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["--check"])
    assert code == 0, capsys.readouterr().err


def test_check_names_what_drifted_and_the_command_and_writes_nothing(checkout, capsys):
    edited = checkout / "tasks/S3Upload/task.json"
    edited.write_text(edited.read_text().replace("Ropeway: Amazon S3 upload", "Edited by hand"))
    (checkout / "python/ropeway/version.py").unlink()

    assert main(["--check"], checkout) == 1

    assert capsys.readouterr().err == (
        "python/ropeway/version.py is not what the declarations say.\n"
        "tasks/S3Upload/task.json is not what the declarations say.\n"
        "Run: make generate\n"
    )
    assert "Edited by hand" in edited.read_text()
    assert not (checkout / "python/ropeway/version.py").exists()


def test_write_mends_what_drifted_and_says_so(checkout, capsys):
    page = checkout / "docs/tasks/s3-upload.md"
    whole = page.read_bytes()
    page.write_bytes(whole.replace(b"| `bucketName` |", b"| `pailName` |"))

    assert main([], checkout) == 0

    assert capsys.readouterr().out == "wrote docs/tasks/s3-upload.md\n"
    assert page.read_bytes() == whole
    assert main(["--check"], checkout) == 0


def test_a_line_ending_of_another_system_is_drift(checkout):
    manifest = checkout / "tasks/S3Download/task.json"
    manifest.write_bytes(manifest.read_bytes().replace(b"\n", b"\r\n"))

    assert main(["--check"], checkout) == 1


def test_print_shows_everything_and_writes_nothing(checkout, capsys):
    manifest = checkout / "tasks/S3Upload/task.json"
    whole = manifest.read_text()
    manifest.unlink()

    assert main(["--print"], checkout) == 0

    assert f"--- tasks/S3Upload/task.json\n{whole}" in capsys.readouterr().out
    assert not manifest.exists()


def test_a_declaration_that_cannot_be_generated_is_named_and_nothing_is_written(checkout, capsys):
    ledger = checkout / "tooling/ledgers/inputs.json"
    ledger.write_text(ledger.read_text().replace('"bucketName"', '"bucketName", "wasOnceThere"'))
    before = ledger.read_text()

    assert main([], checkout) == 1

    assert "wasOnceThere" in capsys.readouterr().err
    assert ledger.read_text() == before


def test_the_same_declarations_give_the_same_bytes_that_end_with_one_line_feed(checkout):
    first, second = (render(checkout, all_tasks()) for _ in range(2))

    assert first == second
    assert len({artefact.path for artefact in first}) == len(first)
    for artefact in first:
        assert artefact.text.endswith("\n")
        assert not artefact.text.endswith("\n\n")
        assert "\r" not in artefact.text


def test_every_task_has_its_manifest_its_page_and_its_template():
    paths = {artefact.path for artefact in render(ROOT, all_tasks())}
    for task in all_tasks():
        page = "-".join(task.command)
        assert {f"tasks/{task.name}/task.json", f"docs/tasks/{page}.md", f"pipelines/steps/{page}.yml"} <= paths


def test_a_task_without_a_page_is_told_which_lines_the_page_needs(checkout):
    with pytest.raises(GenerateError, match=r"docs/tasks/ferry-over\.md needs .* <!-- inputs:begin -->"):
        render(checkout, (*all_tasks(), ferry()))


def test_the_version_is_that_of_pyproject():
    assert project_version((ROOT / "pyproject.toml").read_text()) == VERSION


@pytest.mark.parametrize("stated", ['version = "1.2"', 'version = "1.2.3rc1"', 'dynamic = ["version"]'])
def test_a_version_that_is_not_three_numbers_is_refused(stated):
    with pytest.raises(GenerateError, match="three numbers"):
        project_version(f'[project]\nname = "x"\n{stated}\n')
