"""The tasks from the built extension, on every kind of host, against a real S3."""

from __future__ import annotations

import hashlib
import random
from pathlib import Path

import pytest

from tests.vsix.agent import Agent, Endpoint, Job
from tests.vsix.conftest import CONNECTION, with_connection

HOSTS = ("build", "YAML deployment", "release", "deployment")
MIB = 2**20


def tree(folder: Path) -> dict[str, str]:
    """Each file below a folder with the digest of its bytes."""
    files = (file for file in folder.rglob("*") if file.is_file())
    return {file.relative_to(folder).as_posix(): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


@pytest.fixture
def site(agent: Agent) -> Path:
    """Names that need care, an empty file, and one that goes up in parts."""
    random.seed(4711)
    files = {
        "index.html": b"<h1>Shop</h1>",
        "empty.txt": b"",
        "img/grün & blau+1.svg": b"<svg/>",
        ".well-known/security.txt": b"Contact: mailto:a@example.com",
        "big/archive.bin": random.randbytes(20 * MIB + 17),
    }
    for name, content in files.items():
        file = agent.root / "site" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    return agent.root / "site"


@pytest.mark.parametrize("host", HOSTS)
def test_a_site_goes_up_and_comes_back_byte_for_byte(agent, seaweed, s3_inputs, site, host):
    job = with_connection(host, seaweed)
    up = agent.run("RopewayS3Upload", {**s3_inputs, "sourceFolder": str(site), "targetFolder": "v2"}, job)
    assert up.result == "Succeeded", up.text
    assert up.outputs["filesUploaded"] == "5"
    assert up.outputs["bytesUploaded"] == str(sum(file.stat().st_size for file in site.rglob("*") if file.is_file()))

    back = agent.root / "back"
    inputs = {**s3_inputs, "sourceFolder": "v2", "targetFolder": str(back), "stripPrefix": "true"}
    down = agent.run("RopewayS3Download", inputs, job)
    assert down.result == "Succeeded", down.text
    assert tree(back) == tree(site)


def test_relative_and_empty_folders_start_where_the_host_has_its_files(agent, seaweed, s3_inputs):
    (agent.sources / "dist").mkdir()
    (agent.sources / "dist/a.txt").write_text("a")
    up = agent.run("RopewayS3Upload", {**s3_inputs, "sourceFolder": "dist"}, with_connection("build", seaweed))
    assert up.outputs["filesUploaded"] == "1"

    down = agent.run("RopewayS3Download", s3_inputs, with_connection("release", seaweed))
    assert down.result == "Succeeded", down.text
    assert (agent.root / "_work/r1/a/a.txt").read_text() == "a"


def test_a_summary_of_the_run_is_attached(agent, seaweed, s3_inputs, site):
    step = agent.run("RopewayS3Upload", {**s3_inputs, "sourceFolder": str(site)}, with_connection("build", seaweed))
    [summary] = step.summaries
    assert summary.read_text().startswith("## Uploaded 5 files (20.0 MB)")
    assert step.progress[-1][0] == 100


def test_a_dry_run_writes_nothing(agent, seaweed, s3_inputs, seaweed_s3, site):
    inputs = {**s3_inputs, "sourceFolder": str(site), "dryRun": "True"}
    step = agent.run("RopewayS3Upload", inputs, with_connection("build", seaweed))
    assert step.result == "Succeeded", step.text
    assert "index.html" in step.text
    assert seaweed_s3.list_objects_v2(Bucket=s3_inputs["bucketName"])["KeyCount"] == 0


def test_the_toolkits_connection_and_the_pipelines_variables_work_too(agent, seaweed, s3_inputs, site):
    keys = {"username": seaweed.access_key_id, "password": seaweed.secret_access_key}
    given = {name: value for name, value in s3_inputs.items() if name != "awsConnection"} | {"sourceFolder": str(site)}
    toolkit = Job(endpoints=(Endpoint(CONNECTION, keys),))
    assert agent.run("RopewayS3Upload", {**given, "awsCredentials": CONNECTION}, toolkit).result == "Succeeded"
    variables = Job(
        variables={"AWS.AccessKeyID": seaweed.access_key_id}, secrets={"AWS.SecretAccessKey": seaweed.secret_access_key}
    )
    step = agent.run("RopewayS3Upload", given, variables)
    assert step.result == "Succeeded", step.text


def test_a_wrong_secret_fails_with_its_reason_and_without_the_secret(agent, s3_inputs, seaweed, site):
    wrong = Endpoint(CONNECTION, {"username": seaweed.access_key_id, "password": "hush-not-the-secret"})
    step = agent.run("RopewayS3Upload", {**s3_inputs, "sourceFolder": str(site)}, Job(endpoints=(wrong,)))
    assert step.result == "Failed"
    assert "SignatureDoesNotMatch" in step.errors[0]
    assert "hush-not-the-secret" not in step.text


def test_an_absent_bucket_fails_with_its_reason(agent, seaweed, s3_inputs, site):
    inputs = {**s3_inputs, "bucketName": "no-such-bucket-here", "sourceFolder": str(site)}
    step = agent.run("RopewayS3Upload", inputs, with_connection("release", seaweed))
    assert step.result == "Failed"
    assert "no-such-bucket-here" in step.errors[0]
    assert [result for result, _ in step.completions] == ["Failed"]


def test_every_wrong_input_is_an_issue_of_its_own(agent, seaweed, s3_inputs):
    inputs = {**s3_inputs, "storageClass": "STANDRD", "maxConcurrency": "0", "cacheControl": "**/*.html"}
    step = agent.run("RopewayS3Upload", inputs, with_connection("build", seaweed))
    assert step.result == "Failed"
    said = "\n".join(step.errors)
    assert "did you mean STANDARD?" in said
    assert "maxConcurrency is 0" in said
    assert "cacheControl line 1 is '**/*.html'" in said


def test_a_name_that_holds_a_command_is_not_carried_out(agent, seaweed, s3_inputs):
    evil = agent.sources / "##vso[task.setvariable variable=filesUploaded;]evil.txt"
    evil.write_text("x")
    step = agent.run("RopewayS3Upload", s3_inputs, with_connection("build", seaweed))
    assert step.result == "Succeeded", step.text
    assert step.outputs["filesUploaded"] == "1"
    assert "evil.txt" not in step.outputs.values()


def test_what_a_connection_says_that_is_no_secret_is_not_masked(agent, seaweed, s3_inputs, site):
    """The agent masks each parameter of the authorisation wherever it turns up in a log, were it only 3600."""
    keys = {"username": seaweed.access_key_id, "password": seaweed.secret_access_key}
    endpoint = Endpoint(CONNECTION, keys, {"durationSeconds": "3600", "roleSessionName": "txt"})
    step = agent.run("RopewayS3Upload", {**s3_inputs, "sourceFolder": str(site)}, Job(endpoints=(endpoint,)))
    assert step.result == "Succeeded", step.text
    assert "empty.txt" in step.text
