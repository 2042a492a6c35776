"""The templates against the declarations: same names, same types, same defaults, and everything arrives at the task."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ropeway import inputs
from ropeway.inputs import declared
from ropeway.registry import all_tasks, load_task
from tests.pipelines.expanding import ROOT, load, steps, values_for

PIPELINES = ROOT / "pipelines"
STAGE = PIPELINES / "stages/upload-to-s3.yml"
TEMPLATES = sorted([*PIPELINES.glob("steps/*.yml"), *PIPELINES.glob("stages/*.yml")])
OF_THE_STEP = ("name", "displayName", "condition")
TYPES = {"boolean": "boolean", "int": "number"}

by_command = pytest.mark.parametrize("task", all_tasks(), ids=lambda task: "-".join(task.command))


def template_of(task) -> Path:
    return PIPELINES / "steps" / f"{'-'.join(task.command)}.yml"


def read(task, given: dict):
    """The typed inputs of what a pipeline hands to a task, as its door reads them."""
    fields = {item.name: item.field for item in declared(task.inputs)}
    return inputs.read(task.inputs, {fields[name]: str(value) for name, value in given.items()}, lambda field: field)


@by_command
def test_the_parameters_of_a_step_are_the_inputs_of_its_task(task):
    of_template = {parameter["name"]: parameter for parameter in load(template_of(task))["parameters"]}
    of_task = {item.name: item.input for item in declared(task.inputs)}

    assert set(of_template) == {*of_task, *OF_THE_STEP}
    for name, what in of_task.items():
        parameter = of_template[name]
        assert parameter["type"] == TYPES.get(what.kind, "string"), name
        assert parameter["displayName"] == what.label
        assert ("default" in parameter) != what.required, name
        assert str(parameter.get("default", "")).lower() == what.default.lower(), name
        assert parameter.get("values", []) == list(what.choices), name


@by_command
def test_a_step_with_its_defaults_is_the_task_with_its_defaults(task):
    (step,) = steps(template_of(task), {"bucketName": "my-site"})

    assert step["task"] == f"{task.pipeline_name}@{task.major}"
    assert read(task, step["inputs"]) == task.inputs(bucket_name="my-site")


@by_command
def test_a_connection_that_is_not_given_is_left_out_and_one_that_is_given_is_handed_over(task):
    (bare,) = steps(template_of(task), {"bucketName": "my-site"})
    (connected,) = steps(template_of(task), {"bucketName": "my-site", "awsConnection": "production"})

    assert not {"awsConnection", "awsCredentials"} & set(bare["inputs"])
    assert connected["inputs"]["awsConnection"] == "production"


@by_command
def test_every_parameter_of_a_step_arrives(task):
    given = _a_value_each(template_of(task))

    (step,) = steps(template_of(task), given)

    arrived = {**step["inputs"], **{name: step[name] for name in OF_THE_STEP}}
    assert {name: arrived.get(name) for name in given} == given


def test_the_stage_hands_everything_to_its_step_but_the_folder_that_it_sets_itself():
    given = _a_value_each(STAGE)

    download, upload = steps(STAGE, given)

    assert download == {"download": "current", "artifact": "<artifact>"}
    assert upload["inputs"]["sourceFolder"] == "$(Pipeline.Workspace)/<artifact>/<sourceFolder>"
    of_task = {item.name for item in declared(load_task("s3_upload").inputs)} - {"sourceFolder"}
    assert {name: upload["inputs"][name] for name in of_task} == {name: given[name] for name in of_task}


def _a_value_each(path: Path) -> dict[str, str]:
    """For each parameter a value that no other has: its own name in brackets, or of a choice the last."""
    parameters = load(path)["parameters"]
    return {item["name"]: item["values"][-1] if "values" in item else f"<{item['name']}>" for item in parameters}


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.stem)
def test_what_a_template_declares_it_uses_and_what_it_uses_it_declares(path):
    names = [parameter["name"] for parameter in load(path)["parameters"]]
    assert sorted(set(names)) == sorted(names)
    assert set(names) == set(re.findall(r"parameters\.(\w+)", path.read_text(encoding="utf-8")))


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.stem)
def test_a_default_is_among_the_values(path):
    template = load(path)
    mandatory = {parameter["name"]: "x" for parameter in template["parameters"] if "default" not in parameter}
    values_for(template, mandatory)


def test_the_example_with_the_stage_asks_for_what_it_says():
    *_, stage = load(PIPELINES / "examples/site.yml")["stages"]
    place, _, repository = stage["template"].partition("@")
    assert repository == "ropeway"

    _, upload = steps(ROOT / place, stage["parameters"])

    task = load_task("s3_upload")
    assert read(task, upload["inputs"]) == task.inputs(
        aws_connection="production",
        region_name="eu-west-1",
        bucket_name="my-site",
        source_folder="$(Pipeline.Workspace)/site/",
        skip_unchanged=True,
        glob_expressions=("**", "!**/*.map"),
        cache_control=(
            inputs.Rule("**/*.html", "no-cache", 1),
            inputs.Rule("**", "public, max-age=31536000, immutable", 2),
        ),
    )


def test_the_example_with_the_tasks_alone_can_be_read():
    by_name = {f"{task.pipeline_name}@{task.major}": task for task in all_tasks()}
    given = [step for step in load(PIPELINES / "examples/tasks.yml")["steps"] if "task" in step]
    assert [step["task"] for step in given] == ["RopewayS3Download@1", "RopewayS3Upload@1"]
    for step in given:
        assert read(by_name[step["task"]], step["inputs"]).bucket_name == step["inputs"]["bucketName"]


def test_a_wrong_parameter_would_be_refused():
    with pytest.raises(AssertionError, match=r"no such parameter: {'colour'}"):
        steps(STAGE, {"environment": "e", "artifact": "a", "bucketName": "b", "colour": "red"})
    with pytest.raises(AssertionError, match="storageClass does not take red"):
        steps(STAGE, {"environment": "e", "artifact": "a", "bucketName": "b", "storageClass": "red"})
    with pytest.raises(AssertionError, match=r"not given: {'artifact'}"):
        steps(STAGE, {"environment": "e", "bucketName": "b"})
