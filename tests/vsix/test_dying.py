"""No way of dying is green."""

from __future__ import annotations

import dataclasses
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.vsix.agent import SYSTEM_TOKEN, Agent, Job

JOB = Job(secrets={"AWS.AccessKeyID": "AKIAIOSFODNN7EXAMPLE", "AWS.SecretAccessKey": "hush-s3cr3t-k3y"})
INPUTS = {"bucketName": "some-bucket", "regionName": "eu-west-1", "sourceFolder": "."}
BY_BOTO3 = {**INPUTS, "transferEngine": "boto3", "endpointUrl": "http://127.0.0.1:9"}
"""Ropeway's own engine does without botocore. With something to upload, this one is needed."""

INSTEAD_OF_PLANNING = """
import dataclasses, os, signal, subprocess, sys, threading, time
def _plan(inputs, aws, run):
    {body}
TASK = dataclasses.replace(TASK, plan=_plan)
"""


def library(agent: Agent, module: str) -> Path:
    return agent.tasks["RopewayS3Upload"].folder / "lib" / Path(*module.split(".")).with_suffix(".py")


def altered(agent: Agent, body: str) -> Agent:
    """The same machine, whose S3Upload does this instead of planning."""
    file = library(agent, "ropeway.tasks.s3_upload")
    file.write_text(file.read_text() + INSTEAD_OF_PLANNING.format(body=body))
    return agent


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("raise RuntimeError('the cable broke')", "This is a bug in Ropeway, not a fault of yours: RuntimeError: the cable broke"),
        ("os._exit(0)", "ended with exit code 0 before the task had reported its result"),
        ("os._exit(3)", "ended with exit code 3 before"),
        ("sys.exit(0)", "ended with exit code 0 before"),
        ("os.kill(os.getpid(), signal.SIGKILL)", "was killed by SIGKILL before the task had reported its result. The system does that when memory"),
        ("os.abort()", "was killed by SIGABRT before"),
        ("os.close(1); os.close(2)", "ended with exit code 1 before"),
    ],
)  # fmt: skip
def test_a_task_that_dies_in_any_way_has_failed(own, body, said):
    ended = altered(own, body).run("RopewayS3Upload", INPUTS, JOB)
    assert ended.result == "Failed"
    assert [message for message in ended.errors if said in message], ended.text
    assert [result for result, _ in ended.completions] == ["Failed"]


@pytest.mark.parametrize("module", ["ropeway.azure.main", "ropeway.tasks.s3_upload", "botocore.session"])
def test_a_syntax_error_in_the_bundle_has_failed(own, module):
    file = library(own, module)
    file.write_text(file.read_text() + "\ndef (:\n")
    (own.sources / "file").touch()
    ended = own.run("RopewayS3Upload", BY_BOTO3, JOB)
    assert ended.result == "Failed"
    assert "SyntaxError" in ended.text
    assert ended.errors


def test_a_bundle_that_lacks_its_libraries_has_failed(own):
    shutil.rmtree(own.tasks["RopewayS3Upload"].folder / "lib" / "botocore")
    (own.sources / "file").touch()
    ended = own.run("RopewayS3Upload", BY_BOTO3, JOB)
    assert ended.result == "Failed"
    assert "ModuleNotFoundError: botocore" in ended.text


def test_a_task_that_hangs_up_after_its_completion_has_failed(own):
    """Python may still die between its last word and its end; the launcher believes only the agreed exit code."""
    body = 'os.write(1, b"##vso[task.complete result=Succeeded;]done\\n"); os._exit(0)'
    ended = altered(own, body).run("RopewayS3Upload", INPUTS, JOB)
    assert ended.completions[0] == ("Succeeded", "done")
    assert ended.result == "Failed"


def test_half_a_line_does_not_hide_the_failure(own):
    ended = altered(own, 'os.write(1, b"##vso[task.debug"); os._exit(0)').run("RopewayS3Upload", INPUTS, JOB)
    assert ended.result == "Failed"
    assert "before the task had reported its result" in ended.errors[0]


def _launcher(agent: Agent) -> list[str]:
    return [agent.node, str(agent.tasks["RopewayS3Upload"].folder / "launch.js")]


def _environment(agent: Agent) -> dict[str, str]:
    variables = agent.variables(JOB)
    return agent.environment(agent.tasks["RopewayS3Upload"], INPUTS | {"dryRun": "true"}, JOB, variables, {})


def test_an_agent_that_stops_listening_gets_no_success(own, tmp_path):
    go_on = tmp_path / "go-on"
    waits = f"while not os.path.exists({str(go_on)!r}): time.sleep(0.05)"
    quiet = altered(own, f"from ropeway.outcome import Plan\n    {waits}\n    return Plan('Nothing', ())")
    go_on.touch()
    assert quiet.run("RopewayS3Upload", INPUTS | {"dryRun": "true"}, JOB).result == "Succeeded"
    go_on.unlink()
    process = subprocess.Popen(
        _launcher(quiet),
        env=_environment(quiet),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    process.stdout.close()
    go_on.touch()
    assert process.wait(60) != 0


def test_a_stdout_that_was_never_open_gets_no_success(own):
    quiet = altered(own, "from ropeway.outcome import Plan; return Plan('Nothing', ())")
    closed = ["sh", "-c", 'exec "$@" >&-', "sh", *_launcher(quiet)]
    ended = subprocess.run(
        closed, env=_environment(quiet), stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False
    )
    assert ended.returncode != 0


def test_nothing_that_a_task_starts_inherits_a_secret(own, tmp_path):
    kept = tmp_path / "environment"
    body = f"subprocess.run(['env'], stdout=open({str(kept)!r}, 'w')); os._exit(0)"
    job = dataclasses.replace(JOB, variables={"site.name": "shop"})
    key = {"keyManagement": "customerManaged", "customerKey": "0123abcd" * 8}
    altered(own, body).run("RopewayS3Upload", INPUTS | key, job)
    inherited = kept.read_text()
    assert "SITE_NAME=shop" in inherited
    for secret in ("s3cr3t", "AKIAIOSFODNN7EXAMPLE", SYSTEM_TOKEN, "0123abcd"):
        assert secret not in inherited
    names = {line.partition("=")[0] for line in inherited.splitlines()}
    assert not [name for name in names if name.startswith(("INPUT_", "ENDPOINT_", "SECRET_", "SECUREFILE_"))]
