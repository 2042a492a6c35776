"""The commands of the pages in three steps, pasted without their `--dry-run` into an empty organisation and account: all is there, and a second time nothing changes."""

from __future__ import annotations

import re
import shlex
import uuid
from pathlib import Path

import pytest
import yaml

from ropeway.inputs import declared
from ropeway.registry import load_task

DOCS = Path(__file__).parents[2] / "docs"
PAGES = {"site": ("s3_deploy", "my-site"), "ec2": ("ec2_deploy", "my-deployments")}
EACH_PAGE = pytest.mark.parametrize("page", PAGES)


def text(page):
    return (DOCS / f"{page}-in-three-steps.md").read_text(encoding="utf-8")


def commands(page, *words):
    """Those of the page that begin so."""
    lines = [line.removeprefix("$ ") for line in text(page).replace("\\\n", "").splitlines()]
    return [shlex.split(line)[1:] for line in lines if line.startswith(f"{shlex.join(('ropeway', *words))} ")]


@pytest.fixture
def paste(ropeway, organization, at_aws):
    name = f"ropeway-{uuid.uuid4().hex[:8]}"

    def run(words):
        left = [word for word in words if word not in {"--dry-run", "--local", "--verbose"}]
        if words[:2] == ["setup", "policy"]:
            return ropeway(*left, "--policy-name", name, "--json")
        return ropeway(*(organization.url if word == "contoso" else word for word in left), "--json")

    return run


@EACH_PAGE
def test_three_commands_make_all_of_it_once(page, paste, organization):
    (policy,), (connection,) = commands(page, "setup", "policy"), commands(page, "setup", "connection")
    (by_yaml, classic) = commands(page, "setup", "pipeline")
    organization.definitions[3] = {
        "id": 3,
        "name": classic[classic.index("--build") + 1],
        "queueStatus": "enabled",
        "process": {"type": 1},
    }
    steps = [policy, connection, by_yaml, classic]
    first = [paste(step) for step in steps]
    assert [(answer.code, answer.err) for answer in first if answer.code] == []
    assert first[0].json["outputs"]["roleArn"].startswith("arn:aws:iam::")
    written = list(organization.written)
    again = [paste(step) for step in steps]
    assert {step["action"] for answer in again for step in answer.json["plan"]["steps"]} == {"skip"}
    assert organization.written == written

    module, bucket = PAGES[page]
    file = yaml.safe_load(organization.repositories[0].files["/azure-pipelines.yml"])
    hooks = file["stages"][-1]["jobs"][0]["strategy"]["runOnce"]
    made = hooks["deploy"]["steps"][-1]["inputs"]
    (release,) = organization.releases.values()
    (task,) = release["environments"][0]["deployPhases"][0]["workflowTasks"]
    assert task["taskId"] == load_task(module).id
    assert (made["bucketName"], task["inputs"]["bucketName"]) == (bucket, bucket)

    by_hand = yaml.safe_load(re.search(r"```yaml\n(stages:.*?)```", text(page), re.DOTALL)[1])
    (step,) = by_hand["stages"][0]["jobs"][0]["strategy"]["runOnce"]["deploy"]["steps"]
    assert step["inputs"].keys() == made.keys()
    assert {name: str(value).lower() for name, value in step["inputs"].items()} == {
        name: str(value).lower() for name, value in made.items()
    }


@EACH_PAGE
def test_the_form_that_is_filled_in_by_hand_has_the_words_of_the_page(page):
    task = load_task(PAGES[page][0])
    labels = {item.input.label for item in declared(task.inputs)} | {group.label for group in task.groups}
    classic = text(page).split("### Classic")[1].split("## ")[0]
    assert f"*{task.friendly_name}*" in classic
    (form,) = re.findall(r"^4\. (.*?)^5\. ", classic, re.MULTILINE | re.DOTALL)
    named = re.findall(r"\*([^*]+)\*", form)
    assert len(named) >= 5
    assert set(named) <= labels
