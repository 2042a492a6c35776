"""The Classic release definition to import: Azure DevOps' own models read it, and the tasks that it names read what it hands them."""

from __future__ import annotations

import json

import pytest
from azure.devops.v7_1.release import models
from msrest import Deserializer

from ropeway.registry import load_task
from tests.pipelines.given import PIPELINES, read

DEFINITION = json.loads((PIPELINES / "examples/classic-release.json").read_text(encoding="utf-8"))
TASK = load_task("s3_deploy")


@pytest.fixture(scope="module")
def definition():
    classes = {name: model for name, model in vars(models).items() if isinstance(model, type)}
    return Deserializer(classes)("ReleaseDefinition", DEFINITION)


def test_azures_models_know_every_word_of_it(definition):
    assert [stage.name for stage in definition.environments] == ["Trial", "Production"]
    assert [stage.rank for stage in definition.environments] == [1, 2]
    for part in (definition, *definition.environments, *definition.artifacts):
        assert part.additional_properties == {}


def test_production_comes_after_a_trial_that_succeeded_and_the_release_after_its_build(definition):
    trial, production = (stage.conditions[0] for stage in definition.environments)
    assert (trial.name, trial.condition_type) == ("ReleaseStarted", "event")
    assert (production.name, production.condition_type, production.value) == ("Trial", "environmentState", "4")
    assert definition.triggers[0]["artifactAlias"] == definition.artifacts[0].alias == "_site"


@pytest.mark.parametrize("stage", DEFINITION["environments"], ids=lambda stage: stage["name"])
def test_each_stage_releases_and_a_job_of_its_own_takes_back_when_that_has_failed(stage):
    release, back = stage["deployPhases"]
    assert (release["deploymentInput"]["condition"], back["deploymentInput"]["condition"]) == (
        "succeeded()",
        "failed()",
    )
    deploy, takes_back = (
        read(TASK, next(one for one in phase["workflowTasks"] if one["taskId"] == TASK.id)["inputs"])
        for phase in (release, back)
    )
    assert (deploy.mode, takes_back.mode) == ("deploy", "takeBack")
    assert deploy.source_folder == "$(System.DefaultWorkingDirectory)/_site/site/dist"
    assert deploy.bucket_name == takes_back.bucket_name
    assert {
        one["version"] for phase in (release, back) for one in phase["workflowTasks"] if one["taskId"] == TASK.id
    } == {f"{TASK.major}.*"}
