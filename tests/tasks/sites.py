"""What the tests of S3Deploy share: two releases of a site, and how they look from outside."""

from __future__ import annotations

import json
import uuid
from pathlib import Path

import pytest

from tests.s3.site.conftest import versioned
from tests.servers.misbehaving import Answer, misbehaving_server
from tests.tasks.faults import in_quotes

ONE = {"index.html": b"<script src=app-C4Zk2xQ9.js></script> one", "app-C4Zk2xQ9.js": b"one()", "about.html": b"about"}
TWO = {"index.html": b"<script src=app-B7yX3kLm.js></script> two", "app-B7yX3kLm.js": b"two()", "about.html": b"about"}


def said(what):
    """The words in quotes that docs/faults.md has for it."""
    page = (Path(__file__).parents[2] / "docs" / "faults.md").read_text(encoding="utf-8")
    (row,) = [line for line in page.splitlines() if line.startswith(f"| {what} |")]
    words = in_quotes(row)
    assert words
    return words


def outputs(outcome):
    return {output.name: output.value for output in outcome.outputs}


def shown(s3, bucket, prefix="docs/"):
    """What visitors find below the prefix."""
    listed = s3.list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", [])
    keys = [one["Key"] for one in listed if "/.ropeway/" not in f"/{one['Key']}"]
    return {key[len(prefix) :]: s3.get_object(Bucket=bucket, Key=key)["Body"].read() for key in keys}


def history(s3, bucket, site="docs"):
    found = json.loads(s3.get_object(Bucket=bucket, Key=f".ropeway/sites/{site}/releases.json")["Body"].read())
    return found["live"], {one["id"]: one["state"] for one in found["releases"]}


@pytest.fixture
def deploy(run_task, make_tree, s3, bucket):
    """`deploy("41", FILES)`: a release to the site below docs/ of a bucket that keeps versions."""
    versioned(s3, bucket)

    def run(release, files, **given):
        source = make_tree(files, f"source-{uuid.uuid4().hex[:6]}")
        usual = {"bucket_name": bucket, "target_folder": "docs", "max_delete_percent": "100", "release_id": release}
        return run_task("s3_deploy", source_folder=source, **usual | given)

    return run


@pytest.fixture
def back(run_task, bucket):
    def run(**given):
        given = {"bucket_name": bucket, "target_folder": "docs", "mode": "rollback"} | given
        return run_task("s3_deploy", **given)

    return run


def listed(s3, bucket):
    return [one["Key"] for one in s3.list_objects_v2(Bucket=bucket).get("Contents", [])]


@pytest.fixture
def build(monkeypatch):
    """`build("7")`: a build of a pipeline, in the stage Production."""

    def begin(number, stage="Production", attempt=1):
        monkeypatch.setenv("BUILD_BUILDNUMBER", number)
        monkeypatch.setenv("BUILD_BUILDID", f"id-{number}")
        monkeypatch.setenv("SYSTEM_STAGENAME", stage)
        monkeypatch.setenv("SYSTEM_STAGEATTEMPT", str(attempt))
        monkeypatch.setenv("BUILD_REQUESTEDFOR", "Ada")
        monkeypatch.setenv("BUILD_SOURCEVERSION", "c0ffee")

    return begin


@pytest.fixture
def suite(tmp_path):
    """`suite("41")`: a checks file with one check, which release 41 alone passes from now on."""
    passing = set()
    with misbehaving_server() as visitors:
        visitors.on(lambda request: Answer(200 if request.target[1:] in passing else 503))

        def write(*good):
            passing.clear()
            passing.update(good)
            path = tmp_path / "ropeway-checks.yml"
            check = f"http: {{url: '{visitors.url}/{{release.id}}', status: 200}}"
            path.write_text(f"within: 20s\ndefaults: {{failures: 0}}\nchecks:\n  home page:\n    {check}\n")
            return str(path)

        yield write
