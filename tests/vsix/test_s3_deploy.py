"""S3Deploy from the built extension: what the agent is told, what the summary shows, and what another job takes back."""

from __future__ import annotations

import html
import json
import subprocess
import sys

import pytest

from tests.s3.site.conftest import versioned
from tests.servers.misbehaving import Answer
from tests.vsix.agent import Job
from tests.vsix.conftest import with_connection

ONE = {"index.html": "<script src=app-C4Zk2xQ9.js></script> one", "app-C4Zk2xQ9.js": "one()"}
TWO = {"index.html": "<script src=app-B7yX3kLm.js></script> two", "app-B7yX3kLm.js": "two()"}


@pytest.fixture
def deploy(agent, seaweed, seaweed_s3, s3_inputs, tmp_path):
    """`deploy("41", FILES)`: build 41 releases to docs/ in its stage Production."""
    versioned(seaweed_s3, s3_inputs["bucketName"])

    def run(build, files, path="", **more):
        source = tmp_path / f"site-{build}"
        source.mkdir(exist_ok=True)
        for name, text in files.items():
            (source / name).write_text(text)
        given = {"sourceFolder": str(source), "targetFolder": "docs", "maxDeletePercent": "100", **more}
        job = with_connection("build", seaweed)
        job = Job(job.host, variables_of(build), endpoints=job.endpoints)
        return agent.run("RopewayS3Deploy", {**s3_inputs, **given}, job, env={"PATH": path} if path else None)

    return run


def variables_of(build):
    return {
        "Build.BuildNumber": build,
        "Build.BuildId": f"id-{build}",
        "System.StageName": "Production",
        "Build.RequestedFor": "Ada",
    }


def shown(step):
    """The summary, as it reads."""
    [summary] = step.summaries
    return html.unescape(summary.read_text()).replace("\xa0", " ")


@pytest.fixture
def page(seaweed_s3, s3_inputs):
    return lambda: seaweed_s3.get_object(Bucket=s3_inputs["bucketName"], Key="docs/index.html")["Body"].read().decode()


@pytest.fixture
def suite(misbehaving, tmp_path):
    """A checks file whose one check release 41 alone passes."""
    misbehaving.on(lambda request: Answer(200 if request.target == "/41" else 503))
    path = tmp_path / "ropeway-checks.yml"
    check = f"http: {{url: '{misbehaving.url}/{{release.id}}', status: 200}}"
    path.write_text(f"defaults: {{failures: 0}}\nchecks:\n  home page:\n    {check}\n")
    return str(path)


def test_a_release_is_green_with_its_outputs_its_summary_and_its_list(deploy, page, s3_inputs):
    step = deploy("41", ONE)
    where = f"s3://{s3_inputs['bucketName']}/docs"
    assert step.result == "Succeeded", step.text
    assert step.completions == [("Succeeded", f"Released 41 to {where}: 2 objects uploaded")]
    told = {name: step.outputs[name] for name in ("result", "releaseId", "liveRelease", "previousRelease", "s3Prefix")}
    assert told == {"result": "live", "releaseId": "41", "liveRelease": "41", "previousRelease": "", "s3Prefix": where}
    assert shown(step).startswith(f"## Released 41 to {where}: 2 objects uploaded\n")
    assert "|upload|new|done|2|" in shown(step)
    with open(step.outputs["listFile"], encoding="ascii") as file:
        assert [json.loads(line)["name"] for line in file] == [f"{where}/app-C4Zk2xQ9.js", f"{where}/index.html"]
    assert "one" in page()


def test_a_release_that_fails_its_checks_is_taken_back_and_red(deploy, suite, page, s3_inputs):
    deploy("41", ONE)
    step = deploy("42", TWO, checksFile=suite)
    assert step.result == "Failed"
    [(result, message)] = step.completions
    assert result == "Failed"
    assert message.startswith(
        "1 critical check did not pass: home page. Of home page: expected status 200, got status 503"
    )
    assert "42 was taken back: release 41 is live again, and passes the checks." in message
    assert (step.outputs["result"], step.outputs["liveRelease"]) == ("rolledBack", "41")
    assert len(step.published) == 1
    assert shown(step).startswith(
        f"## Release 42 was taken back from s3://{s3_inputs['bucketName']}/docs: 41 is live again\n"
    )
    assert "home page, after the rollback" in shown(step)
    assert "one" in page()


def test_a_job_on_failure_takes_back_what_its_stage_has_released_and_passes_when_there_is_nothing(deploy, page):
    deploy("41", ONE)
    deploy("42", TWO)
    assert "two" in page()
    step = deploy("42", {}, mode="takeBack")
    assert step.result == "Succeeded", step.text
    assert "one" in page()
    again = deploy("42", {}, mode="takeBack")
    assert (again.result, again.outputs["result"]) == ("Succeeded", "nothing")


def test_brotli_is_pressed_by_the_node_that_the_agent_brought_with_no_other_on_the_path(
    deploy, agent, seaweed_s3, s3_inputs, tmp_path
):
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/python3").symlink_to(sys.executable)
    step = deploy(
        "41", {**ONE, "long.js": "x" * 5000}, settings="site: {brotli: '**/*.js'}", path=str(tmp_path / "bin")
    )
    assert step.result == "Succeeded", step.log
    found = seaweed_s3.get_object(Bucket=s3_inputs["bucketName"], Key="docs/long.js")
    assert found["ContentEncoding"] == "br"
    unpack = "process.stdin.pipe(require('zlib').createBrotliDecompress()).pipe(process.stdout)"
    came_back = subprocess.run([agent.node, "-e", unpack], input=found["Body"].read(), capture_output=True, check=True)
    assert came_back.stdout == b"x" * 5000
    assert "|1|fingerprinted assets|1|5 bytes|🟩|\n" in shown(step)


def test_a_dry_run_writes_nothing_and_shows_the_plan(deploy, seaweed_s3, s3_inputs):
    step = deploy("41", ONE, dryRun="true")
    assert step.result == "Succeeded"
    assert "upload    new    41 bytes  s3://" in step.text
    assert "Contents" not in seaweed_s3.list_objects_v2(Bucket=s3_inputs["bucketName"])


def test_a_mistake_is_red_before_anything_is_written(deploy, seaweed_s3, s3_inputs):
    step = deploy("41", ONE, settings="site: {headers: {'*.html': {cacheControll: x}}}")
    assert step.result == "Failed"
    assert step.errors[:1] == ["settings:1:29: 'cacheControll' is not a setting of *.html. Did you mean cacheControl?"]
    assert "Contents" not in seaweed_s3.list_objects_v2(Bucket=s3_inputs["bucketName"])
