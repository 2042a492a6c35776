"""EC2Deploy from the built extension: a deploy, a gate that fails, what was put back, and what people are shown of it."""

from __future__ import annotations

import html
import uuid

import pytest
from junitparser import JUnitXml

from tests.ec2.services import service
from tests.tasks.conftest import run_task
from tests.vsix.agent import Endpoint, Job
from tests.vsix.conftest import CONNECTION

__all__ = ["run_task"]

OF_HOST = """checks:
  version:
    http: {url: 'http://{outputs.privateAddress}:8080/', body: '{release.id}'}
    failures: 3
    every: 200ms
"""


@pytest.fixture
def deploy(agent, embedded, bucket, tmp_path, run_task, monkeypatch):
    """`deploy("v1")`: the build of that name to two instances, whose checks ask for its version."""
    name = f"shop-{uuid.uuid4().hex[:8]}"
    hosts = embedded.instances.add(2, tags={"app": name})
    (agent.sources / "host.yml").write_text(OF_HOST)
    keys = {"username": embedded.connection.access_key_id, "password": embedded.connection.secret_access_key}

    def run(version, *, says="", **more):
        folder = service(tmp_path, version)
        (folder / "VERSION").write_text(f"{says or version}\n")
        given = {
            "awsConnection": CONNECTION,
            "regionName": embedded.region,
            "endpointUrl": embedded.endpoint_url,
            "bucketName": bucket,
            "application": name,
            "sourcePath": str(folder),
            "instanceTags": f"app={name}",
            "hostChecksFile": "host.yml",
            "batches": "1",
        }
        job = Job(variables={"Build.BuildNumber": version}, endpoints=(Endpoint(CONNECTION, keys),))
        return agent.run("RopewayEC2Deploy", {**given, **more}, job, env={"AWS_ENDPOINT_URL": embedded.endpoint_url})

    monkeypatch.setenv("AWS_ENDPOINT_URL", embedded.endpoint_url)

    def here(version):
        """The same without the extension, which costs an agent less."""
        folder = service(tmp_path, version)
        given = {"application": name, "bucket_name": bucket, "instance_tags": f"app={name}", "batches": "100%"}
        return run_task("ec2_deploy", **given, source_path=str(folder), release_id=version).outcome

    run.here = here
    run.ids = sorted(host.id for host in hosts)
    run.name = name
    return run


def shown(step):
    """The summary, as it reads."""
    [summary] = step.summaries
    return html.unescape(summary.read_text()).replace("\xa0", " ")


def cases(step):
    [(_, [file])] = step.published
    return {
        (case.classname, case.name): [type(each).__name__ for each in case.result]
        for each in JUnitXml.fromfile(str(file))
        for case in each
    }


def test_a_deploy_is_green_and_a_gate_that_fails_puts_it_back_before_everybodys_eyes(deploy):
    first, second = deploy.ids
    step = deploy("v1")
    assert step.completions == [("Succeeded", f"Deployed v1 of {deploy.name} on 2 instances")], step.text
    assert {name: step.outputs[name] for name in ("result", "liveRelease", "instancesDeployed", "instancesFailed")} == {
        "result": "healthy",
        "liveRelease": "v1",
        "instancesDeployed": "2",
        "instancesFailed": "",
    }
    assert cases(step) == {
        ("http", f"version ({first})"): [],
        ("http", f"version ({second})"): [],
        ("instance", first): [],
        ("instance", second): [],
    }
    assert "### 2 instances: 2 deployed" in shown(step)

    # It says of itself what v1 is, so that its own validation passes and the check of the host does not.
    bad = deploy("v2", says="v1")

    [(result, message)] = bad.completions
    assert (result, bad.outputs["result"], bad.outputs["liveRelease"]) == ("Failed", "rolledBack", "v1")
    assert (
        f"Release v2 was not deployed to {deploy.name}. 1 instance failed. {first}: 1 critical check did not pass: version"
        in message
    )
    assert "Put back, and proved: 1 instance, on v1." in message
    assert cases(bad) == {
        ("http", f"version ({first})"): ["Failure"],
        ("instance", first): ["Failure"],
        ("instance", second): ["Skipped"],
    }
    told = shown(bad)
    assert "### 2 instances: 1 rolled back, 1 not begun" in told
    assert "|Result|Instance|Zone|Before|Live|stage|switch|checks|rollback|What happened|" in told
    assert f"{first}: switched to v2" in bad.text
    assert f"{first}: put back on v1" in bad.text
    [log] = bad.uploads
    assert f"=== {first}: switch: done" in log.read_text()
    assert "== ValidateService: scripts/validate.sh, at most 30 s" in log.read_text()


def test_a_release_of_before_is_brought_back_and_shown_as_what_it_is(deploy):
    first, second = deploy.ids
    for version in ("v1", "v2"):
        assert deploy.here(version).error is None
    step = deploy("v3", mode="rollback", sourcePath="")

    assert step.completions == [("Succeeded", f"Rolled back to v1 of {deploy.name} on 2 instances")], step.text
    names = ("result", "releaseId", "liveRelease", "previousRelease", "instancesDeployed", "instancesFailed")
    assert [step.outputs[name] for name in names] == ["healthy", "v1", "v1", "v2", "2", ""]
    assert cases(step) == {
        ("http", f"version ({first})"): [],
        ("http", f"version ({second})"): [],
        ("instance", first): [],
        ("instance", second): [],
    }
    told = shown(step)
    assert f"Rolled back to v1 of {deploy.name} on 2 instances" in told
    assert "### 2 instances: 2 deployed" in told
    for id in deploy.ids:
        assert f"|✅ deployed|{id}|" in told
        assert f"{id}: switched to v1" in step.text


def test_a_dry_run_shows_batches_and_scripts_in_the_log_and_in_the_summary(deploy):
    first, second = deploy.ids
    step = deploy("v1", dryRun="true")
    assert step.completions == [("Succeeded", f"Dry run: Deploy v1 of {deploy.name} on 2 instances")], step.text
    assert f"Script: switch over nothing, on {first}, {second}" in step.text
    assert "#!/bin/bash" in step.text
    assert "**Dry run: nothing was written.**" in shown(step)
    assert f"|1|{first}|" in shown(step)
