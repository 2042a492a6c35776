"""What a task imports: with plain keys and S3 alone neither AWS's libraries nor whatever else takes long to start.

No time is measured here: `python -m bench.startup` does that.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.aws.asked import caller
from tests.servers.misbehaving import Misbehaving
from tests.vsix.agent import Agent, Job
from tests.vsix.conftest import with_connection

HEAVY = {
    "asyncio", "boto3", "botocore", "dateutil", "decimal", "difflib", "dns", "email", "http.client", "idna", "jmespath", "junitparser",
    "logging", "pkgutil", "requests", "ruamel", "s3transfer", "subprocess", "tempfile", "traceback", "urllib.request", "urllib3",
    "xml.etree", "xml.sax",
}  # fmt: skip


@pytest.fixture
def telling(own: Agent) -> Agent:
    """Tasks that write down, when they end, what they have imported."""
    for task in own.tasks.values():
        main = task.folder / "main.py"
        code = main.read_text(encoding="utf-8")
        told = f"import json\nopen({str(imported(task.folder))!r}, 'w').write(json.dumps(sorted(sys.modules)))\nos._exit(ended)\n"
        head, _, call = code.partition("os._exit(")
        main.write_text(f"{head}ended = {call.partition(')')[0]})\n{told}", encoding="utf-8")
    return own


def imported(folder: Path) -> Path:
    return folder.parent / "imported.json"


def heavy(agent: Agent, task: str) -> set[str]:
    return HEAVY & set(json.loads(imported(agent.tasks[task].folder).read_text(encoding="utf-8")))


@pytest.fixture
def job(seaweed, misbehaving: Misbehaving) -> Job:
    misbehaving.on(caller("111122223333"), method="POST")
    return with_connection("build", seaweed)


def test_keys_in_a_connection_and_s3_alone_import_nothing_heavy(
    telling: Agent, job: Job, s3_inputs: dict[str, str], misbehaving: Misbehaving
) -> None:
    (telling.sources / "site").mkdir()
    (telling.sources / "site/index.html").write_text("<h1>Shop</h1>")
    inputs = {**s3_inputs, "transferEngine": "wire", "allowedAccountIds": "111122223333"}
    env = {"AWS_ENDPOINT_URL_STS": misbehaving.url}
    up = telling.run("RopewayS3Upload", {**inputs, "sourceFolder": "site", "skipUnchanged": "true"}, job, env=env)
    assert up.result == "Succeeded", up.text
    assert "Acting as arn:aws:iam::111122223333:user/release" in up.text
    down = telling.run("RopewayS3Download", {**inputs, "targetFolder": str(telling.sources / "back")}, job, env=env)
    assert down.result == "Succeeded", down.text
    assert (telling.sources / "back/index.html").read_text() == "<h1>Shop</h1>"

    assert heavy(telling, "RopewayS3Upload") == set()
    assert heavy(telling, "RopewayS3Download") == set()


def test_what_boto3_has_to_do_it_is_imported_for(telling: Agent, job: Job, s3_inputs: dict[str, str]) -> None:
    inputs = {**s3_inputs, "transferEngine": "boto3", "noMatch": "ignore"}
    assert telling.run("RopewayS3Upload", inputs, job).result == "Succeeded"
    assert {"botocore", "urllib3"} <= heavy(telling, "RopewayS3Upload")
