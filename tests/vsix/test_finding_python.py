"""The launcher finds a Python, or says what to do."""

from __future__ import annotations

import platform
import sys
from pathlib import Path

import pytest

from tests.vsix.agent import SYSTEM_TOKEN, Agent, Endpoint, Job
from tests.vsix.conftest import CONNECTION

NEXT_STEP = (
    "Install one on the agent, put a UsePythonVersion@0 step before this one, or name one in the input pythonPath."
)


def script(file: Path, body: str) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"#!/bin/sh\n{body}\n")
    file.chmod(0o755)
    return file


def python(file: Path) -> Path:
    """A Python that works."""
    return script(file, f'exec "{sys.executable}" "$@"')


def old(file: Path, version: tuple[int, int, int]) -> Path:
    """A real Python that takes itself for an older one, when it is asked by -c."""
    pretend = f"import sys; sys.version_info = {(*version, 'final', 0)!r}; exec(sys.argv[-1])"
    return script(file, f'exec "{sys.executable}" -S -c "{pretend}" "$@"')


@pytest.fixture
def bin(tmp_path: Path) -> Path:
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "sh").symlink_to("/bin/sh")
    return folder


def run(agent: Agent, path: Path | str, inputs: dict[str, str] | None = None, **variables: str):
    """A step that fails for want of a bucket's name, once a Python is found."""
    job = Job(variables={name.replace("__", "."): value for name, value in variables.items()})
    return agent.run("RopewayS3Upload", inputs or {}, job, env={"PATH": str(path)})


def chosen(step) -> str:
    """Which Python was taken, as the debug log says it."""
    return next(line for line in step.debug if line.startswith("Python ")).split(" by ")[1]


def test_the_newest_name_on_the_path_comes_first(agent, bin):
    for name in ("python3", "python3.10", "python3.12", "python"):
        python(bin / name)
    assert chosen(run(agent, bin)).startswith("python3.12:")


def test_a_plain_python_will_do(agent, bin):
    python(bin / "python")
    assert chosen(run(agent, bin)).startswith("python:")


def test_what_a_pipeline_chose_comes_before_the_path(agent, bin, tmp_path):
    python(bin / "python3.14")
    python(tmp_path / "used/bin/python")
    assert chosen(run(agent, bin, pythonLocation=str(tmp_path / "used"))).startswith("UsePythonVersion (")


def test_the_tool_cache_gives_its_highest_complete_version(agent, bin):
    machine = {"x86_64": "x64", "aarch64": "arm64", "arm64": "arm64"}[platform.machine()]
    for version in ("3.10.9", "3.10.12", "3.11.1", "3.9.20", "3.15.0-alpha.1"):
        python(agent.tools / "Python" / version / machine / "bin/python")
        (agent.tools / "Python" / version / f"{machine}.complete").touch()
    (agent.tools / "Python/3.11.1" / f"{machine}.complete").unlink()
    assert chosen(run(agent, bin)).startswith("the tool cache (3.10.12):")


def test_a_tool_cache_that_cannot_be_listed_is_none(agent, bin):
    """Of another user's agent, say. (A file in its place is refused to whoever runs this, root as well.)"""
    python(bin / "python3.12")
    agent.tools.mkdir(parents=True, exist_ok=True)
    (agent.tools / "Python").touch()
    step = run(agent, bin)
    assert chosen(step).startswith("python3.12:")
    assert any("The tool cache cannot be listed" in line for line in step.debug)


def test_one_that_does_not_run_is_passed_over_and_told_of(agent, bin):
    script(
        bin / "python3.13", "echo 'libpython3.13.so: cannot open ##vso[task.complete result=Succeeded;]' >&2; exit 127"
    )
    old(bin / "python3", (3, 8, 10))
    ended = run(agent, bin)
    assert "python3.13: is not a working Python (exit code 127: libpython3.13.so: cannot open # #vso[" in ended.text
    assert [result for result, _ in ended.completions] == ["Failed"]


def test_the_input_comes_before_all(agent, bin, tmp_path):
    python(bin / "python3")
    mine = python(tmp_path / "mine")
    assert chosen(run(agent, bin, {"pythonPath": str(mine)})).startswith(f"the input pythonPath ({mine}):")


def test_the_input_may_be_a_name_on_the_path(agent, bin):
    python(bin / "python3.12")
    python(bin / "my-python")
    assert chosen(run(agent, bin, {"pythonPath": "my-python"})).startswith("the input pythonPath (my-python):")


def test_an_input_that_names_no_python_is_an_error_even_if_there_is_another(agent, bin):
    python(bin / "python3")
    ended = run(agent, bin, {"pythonPath": "/opt/none/python"})
    assert ended.result == "Failed"
    assert ended.errors[0] == (
        "Ropeway needs Python 3.10 or newer, and the input pythonPath (/opt/none/python) does not name one: not found. "
        "Name the file of a Python, or leave the input empty to have one looked for."
    )


def test_an_input_with_an_unknown_variable_says_which(agent, bin):
    ended = run(agent, bin, {"pythonPath": "$(pythn.path)/python"})
    assert "$(pythn.path) is a variable that is not defined" in ended.errors[0]


def test_no_python_at_all_is_explained(agent, bin):
    ended = run(agent, bin)
    assert ended.result == "Failed"
    assert ended.errors[0] == f"Ropeway needs Python 3.10 or newer, and there is none on this agent. {NEXT_STEP}"
    assert "python3.14: not found" in ended.log


def test_only_old_ones_are_named_with_their_versions(agent, bin):
    old(bin / "python3", (3, 9, 18))
    old(bin / "python", (2, 7, 18))
    ended = run(agent, bin)
    assert ended.result == "Failed"
    assert ended.errors[0].startswith("Ropeway needs Python 3.10 or newer; what is here is older: 3.9.18 (")
    assert ", 2.7.18 (" in ended.errors[0]
    assert ended.errors[0].endswith(NEXT_STEP)


def test_a_container_without_python_is_explained(agent, bin):
    ended = run(agent, bin, Agent__ContainerMapping="{}")
    assert ended.errors[0] == (
        "This job runs in a container, and its image has no Python; the agent brings Node along, but no Python. "
        "Add Python 3.10 or newer to the image of the container, or run this step outside it (target: host)."
    )


def test_a_python_that_is_only_asked_is_shown_no_secret(agent, bin, tmp_path):
    script(bin / "python3", f'/usr/bin/env > {tmp_path}/seen; exec "{sys.executable}" "$@"')
    job = Job(secrets={"token": "hush s3cr3t"}, endpoints=(Endpoint(CONNECTION, {"password": "hush k3y"}),))
    inputs = {"awsConnection": CONNECTION, "customerKey": "0123abcd"}
    agent.run("RopewayS3Upload", inputs, job, env={"PATH": str(bin)})
    seen = (tmp_path / "seen").read_text()
    assert "SYSTEM_HOSTTYPE=build" in seen
    assert not [secret for secret in ("s3cr3t", "k3y", "0123abcd", SYSTEM_TOKEN) if secret in seen]


def test_a_python_in_the_sources_is_not_taken(agent, bin):
    """A pull request could bring one along."""
    python(agent.sources / "python3")
    ended = run(agent, f"{bin}:.")
    assert "there is none on this agent" in ended.errors[0]


def test_both_handlers_start_the_same_file(installed):
    for task in installed.tasks.values():
        assert {name: handler["target"] for name, handler in task.definition["execution"].items()} == {
            "Node20_1": "launch.js",
            "Node24": "launch.js",
        }
