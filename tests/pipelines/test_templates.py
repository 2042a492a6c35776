"""Every template: what it declares is what its task declares, its defaults are the task's, each parameter arrives, and a wrong value is refused."""

from __future__ import annotations

import json
import re

import pytest

from ropeway.checks.secrets import Secrets
from ropeway.checks.suite import read_suite
from ropeway.checks.variables import Variables
from ropeway.inputs import declared
from ropeway.registry import all_tasks, load_task
from tests.pipelines.expanding import TemplateError, expand
from tests.pipelines.given import (
    PIPELINES,
    TEMPLATES,
    enough,
    mandatory,
    name_of,
    own_parameters,
    parameters_of,
    read,
    steps_in,
    tasks_in,
)
from tests.pipelines.parameters import ParameterError

OF_THE_STEP = ("name", "displayName", "condition")
TYPES = {"boolean": "boolean", "int": "number"}
TASKS = {
    "jobs/upload-to-s3": ("s3_upload", {"sourceFolder"}),
    "jobs/upload-in-parts": ("s3_upload", {"sourceFolder", "shard"}),
    "jobs/release-s3": ("s3_deploy", {"sourceFolder", "mode"}),
    "jobs/release-ec2": ("ec2_deploy", {"sourcePath", "mode"}),
    "stages/upload-to-s3": ("s3_upload", {"sourceFolder"}),
    "stages/release-s3": ("s3_deploy", {"sourceFolder", "mode"}),
    "stages/release-ec2": ("ec2_deploy", {"sourcePath", "mode"}),
    "stages/canary-ec2": ("ec2_deploy", {"sourcePath", "mode"}),
}
"""Which task's inputs a template has, and which of them it sets itself, or has in another sense."""

by_command = pytest.mark.parametrize("task", all_tasks(), ids=lambda task: "-".join(task.command))
by_template = pytest.mark.parametrize("path", TEMPLATES, ids=name_of)


def template_of(task):
    return PIPELINES / "steps" / f"{'-'.join(task.command)}.yml"


# --- the parameters are the inputs --------------------------------------------------------------------------------------------


def is_the_input(parameter, what):
    assert parameter["type"] == TYPES.get(what.kind, "string")
    assert parameter["displayName"] == what.label
    assert ("default" in parameter) != what.required
    assert str(parameter.get("default", "")).lower() == what.default.lower()
    assert parameter.get("values", []) == list(what.choices)


@by_command
def test_the_parameters_of_a_step_are_the_inputs_of_its_task(task):
    of_template = {parameter["name"]: parameter for parameter in parameters_of(template_of(task))}
    of_task = {item.name: item.input for item in declared(task.inputs)}

    assert set(of_template) == {*of_task, *OF_THE_STEP}
    for name, what in of_task.items():
        is_the_input(of_template[name], what)


@pytest.mark.parametrize("name", TASKS)
def test_a_job_or_stage_has_its_own_parameters_and_the_inputs_of_its_task(name):
    path, (task, without) = PIPELINES / f"{name}.yml", TASKS[name]
    of_template = {parameter["name"]: parameter for parameter in parameters_of(path)}
    of_task = {item.name: item.input for item in declared(load_task(task).inputs) if item.name not in without}

    assert set(of_template) == {*of_task, *own_parameters(path)}
    for input_, what in of_task.items():
        is_the_input(of_template[input_], what)


@pytest.mark.parametrize("name", ["upload-to-s3", "release-s3", "release-ec2"])
def test_what_a_stage_says_of_its_job_is_what_the_job_says(name):
    of_stage, of_job = (
        {parameter["name"]: parameter for parameter in parameters_of(PIPELINES / kind / f"{name}.yml")}
        for kind in ("stages", "jobs")
    )
    assert set(of_job) - set(of_stage) == {"job"}
    assert set(of_stage) - set(of_job) == {"stage", "lockBehavior"}
    of_both = set(of_job) & set(of_stage) - {"displayName", "dependsOn", "condition"}
    assert {name: of_stage[name] for name in of_both} == {name: of_job[name] for name in of_both}


@by_template
def test_what_a_template_declares_it_uses_and_what_it_uses_it_declares(path):
    names = [parameter["name"] for parameter in parameters_of(path)]
    used = set(re.findall(r"parameters\.(\w+)", path.read_text(encoding="utf-8")))
    assert sorted(set(names)) == sorted(names)
    assert used <= set(names)
    if "each parameter in parameters" not in path.read_text(encoding="utf-8"):
        assert used == set(names)


def test_every_parameter_is_of_a_type_that_azure_has():
    known = {"string", "number", "boolean", "object", "stepList"}
    assert {parameter["type"] for path in TEMPLATES for parameter in parameters_of(path)} == known


# --- defaults -----------------------------------------------------------------------------------------------------------------


TOGETHER = {"EC2Deploy": {"sourcePath": "dist", "instanceIds": "i-0123456789abcdef0"}}
"""What a task does not do without, though no single input of it is required."""


def required(task) -> dict[str, str]:
    needed = {item.name: "my-site" for item in declared(task.inputs) if item.input.required}
    return needed | TOGETHER.get(task.name, {})


@by_command
def test_a_step_with_its_defaults_is_the_task_with_its_defaults(task):
    (step,) = expand(template_of(task), required(task))["steps"]

    assert step["task"] == f"{task.pipeline_name}@{task.major}"
    assert read(task, step["inputs"]) == read(task, required(task))


@by_command
def test_a_connection_that_is_not_given_is_left_out_and_one_that_is_given_is_handed_over(task):
    (bare,) = expand(template_of(task), required(task))["steps"]
    (connected,) = expand(template_of(task), {**required(task), "awsConnection": "production"})["steps"]

    assert not {"awsConnection", "awsCredentials"} & set(bare["inputs"])
    assert connected["inputs"]["awsConnection"] == "production"


@by_template
def test_the_least_that_a_template_must_be_given_is_enough(path):
    assert "${{" not in json.dumps(expand(path, mandatory(path)))
    assert tasks_in(expand(path, enough(path))) or path.stem == "build"


@pytest.mark.parametrize("name", TASKS)
def test_a_job_or_stage_with_its_defaults_hands_the_tasks_defaults_over(name):
    path, (task, without) = PIPELINES / f"{name}.yml", TASKS[name]
    step = tasks_in(expand(path, mandatory(path)))[-1 if name == "stages/canary-ec2" else 0]
    if step["inputs"].get("mode") == "takeBack":
        step = tasks_in(expand(path, mandatory(path)))[-2]
    of_task = {item.name: item.input for item in declared(load_task(task).inputs)}
    for input_ in set(of_task) - without - {"awsConnection", "awsCredentials", *mandatory(path)}:
        assert str(step["inputs"][input_]).lower() == of_task[input_].default.lower(), input_


# --- each parameter -----------------------------------------------------------------------------------------------------------

ALTERED = {
    "pool": {"name": "<pool>"},
    "dependsOn": ["<dependsOn>"],
    "environments": [{"name": "<environments>"}],
    "steps": [{"script": "<steps>"}, {"task": "<tasks>"}],
    "tasks": ["<tasks>"],
    "inputs": {"targetFolder": "<inputs>", "bucketName": "b"},
    "site": {"targetFolder": "<site>"},
    "service": {"bucketPrefix": "<service>"},
    "siteEnvironments": [{"name": "<siteEnvironments>", "bucketName": "b"}],
    "serviceEnvironments": [{"name": "<serviceEnvironments>", "bucketName": "b", "application": "a"}],
}


def other(parameter, number):
    """A value that is not the default, and that can be found again."""
    name = parameter["name"]
    if name in ALTERED:
        return ALTERED[name]
    if "values" in parameter:
        return next(value for value in reversed(parameter["values"]) if value != parameter["default"])
    if parameter["type"] == "boolean":
        return not parameter["default"]
    return {"string": f"<{name}>", "number": number, "stepList": [{"script": f"<{name}>"}]}[parameter["type"]]


@by_template
def test_every_parameter_arrives(path):
    given = {one["name"]: other(one, 4700 + at) for at, one in enumerate(parameters_of(path))}
    if path.stem == "promote-ec2":
        given["inputs"] = {"bucketPrefix": "<inputs>", "bucketName": "b", "application": "a"}
    made = expand(path, given)
    written = json.dumps(made)
    inputs = [step["inputs"] for step in tasks_in(made)]
    for name, value in given.items():
        if f"<{name}>" in json.dumps(value):
            assert f"<{name}>" in written, name
        elif isinstance(value, bool) or name not in own_parameters(path):
            assert name == "validation" or any(one.get(name) == value for one in inputs), name
        else:
            assert f'"{name}": {json.dumps(value)}' in written or json.dumps(value) in written, name


def test_a_switch_of_a_template_does_what_it_says():
    canary = PIPELINES / "stages/canary-ec2.yml"
    jobs = {
        asked: [
            job.get("deployment") or job["job"]
            for job in expand(canary, {**mandatory(canary), "validation": asked})["stages"][0]["jobs"]
        ]
        for asked in (False, True)
    }
    assert jobs == {False: ["canary", "release"], True: ["canary", "validate", "refused", "release"]}
    for path in TEMPLATES:
        if path.parent.name != "steps" and "lockBehavior" in own_parameters(path):
            for behaviour in ("sequential", "runLatest"):
                stages = expand(path, {**enough(path), "lockBehavior": behaviour})["stages"]
                assert {stage.get("lockBehavior", behaviour) for stage in stages} == {behaviour}
                assert "lockBehavior" in stages[-1]


# --- what is wrong ------------------------------------------------------------------------------------------------------------


def a_wrong_one(parameter):
    """A value that its type does not have, and what is said of it. Of an object none: any structure will do for the service."""
    name = parameter["name"]
    if "values" in parameter:
        among = ", ".join(map(str, parameter["values"]))
        return "none such", f"The '{name}' parameter value 'none such' is not one of {among}."
    return {
        "string": ([1], f"The '{name}' parameter is not a valid String."),
        "boolean": ("perhaps", f"The '{name}' parameter value 'perhaps' is not a valid Boolean."),
        "number": ("many", f"The '{name}' parameter value 'many' is not a valid Number."),
        "stepList": ("echo", f"The '{name}' parameter is not a valid StepList."),
    }[parameter["type"]]


@by_template
def test_a_wrong_value_is_refused_by_name(path):
    least = mandatory(path)
    for parameter in parameters_of(path):
        if parameter["type"] == "object":
            continue
        wrong, message = a_wrong_one(parameter)
        with pytest.raises(ParameterError) as refused:
            expand(path, {**least, parameter["name"]: wrong})
        assert str(refused.value) == message


@by_template
def test_a_parameter_that_there_is_not_is_refused(path):
    with pytest.raises(ParameterError, match=r"Unexpected parameter 'colour'"):
        expand(path, {**mandatory(path), "colour": "red"})


@by_template
def test_what_must_be_given_is_asked_for(path):
    for name in [parameter["name"] for parameter in parameters_of(path) if "default" not in parameter]:
        given = mandatory(path)
        del given[name]
        with pytest.raises(ParameterError, match=f"A value for the '{name}' parameter must be provided"):
            expand(path, given)


@pytest.mark.parametrize("kind", ["s3", "ec2"])
def test_a_mistake_in_the_list_of_environments_is_refused_where_it_is_handed_on(kind):
    path = PIPELINES / f"stages/promote-{kind}.yml"
    least = mandatory(path)
    for entry, message in (
        ({"name": "test", "bucket": "b"}, "Unexpected parameter 'bucket'"),
        ({"name": "test", "keepReleases": "all"}, "The 'keepReleases' parameter value 'all' is not a valid Number."),
        ({"name": "test", "lock": "maybe"}, "The 'lock' parameter value 'maybe' is not one of "),
    ):
        with pytest.raises(ParameterError, match=re.escape(message)):
            expand(path, {**least, "environments": [entry]})
    with pytest.raises(ParameterError, match="A value for the 'bucketName' parameter must be provided"):
        expand(path, {**least, "inputs": {}})
    with pytest.raises(TemplateError, match="'bucketName' is already defined"):
        expand(path, {**least, "environments": [{"name": "test", "bucketName": "b"}]})


# --- what a pipeline that extends may not bring ---------------------------------------------------------------------------------

EXTENDED = PIPELINES / "extends/release.yml"
BUILDS = [
    *({word: "echo"} for word in ("script", "bash", "pwsh", "powershell")),
    {"checkout": "none"},
    {"publish": "dist", "artifact": "dist"},
    {"download": "current"},
    *({"task": name} for name in ("NodeTool@0", "USENODE@1", "npmAuthenticate@0", "CmdLine@2", "Bash@3", "PowerShell@2")),
    # Azure Pipelines makes these of checkout, publish and download before a template sees them.
    {"task": "6d15af64-176c-496d-b583-fd2ae21d4df4@1", "inputs": {"repository": "self"}},
    {"task": "ecdc45f6-832d-4ad9-b52b-ee49e94659be@1"},
    {"task": "30f35852-3f7e-4c0c-9a88-e127b4f97211@1"},
]  # fmt: skip


def extended(**given):
    return expand(EXTENDED, {"buildSteps": [{"script": "echo"}], **given})


def test_scripts_and_tasks_that_build_come_into_the_build_as_they_are():
    (build,) = extended(buildSteps=BUILDS)["stages"]
    assert build["jobs"][0]["steps"][:-1] == BUILDS


@pytest.mark.parametrize(
    "task",
    [
        "AWSCLI@1",
        "AmazonWebServices.aws-vsts-tools.AWSCLI.AWSCLI@1",
        "RopewayS3Upload@1",
        "AWSShellScript@1",
        "NodeTool@0, AWSCLI@1",
    ],
)
def test_a_build_that_extends_takes_no_task_that_could_act_under_a_connection(task):
    step = {"task": task, "inputs": {"awsCredentials": "production"}}
    with pytest.raises(TemplateError) as refused:
        extended(buildSteps=[{"script": "echo"}, step])
    assert (
        str(refused.value)
        == f"Unexpected value '{task} is no task that a build may use, see pipelines/steps/build.yml'"
    )


@pytest.mark.parametrize("step", [{"getPackage": "feed"}, {"script": "echo", "task": "AWSCLI@1"}, {"reviewApp": "a"}])
def test_a_step_of_another_kind_or_of_two_is_refused(step):
    with pytest.raises(TemplateError, match=r"is no(ne| task) that a build may use"):
        extended(buildSteps=[step])


@pytest.mark.parametrize(
    "socket", ["stepsBefore", "stepsAfter", "stepsPreDeploy", "stepsPostRouteTraffic", "STEPSONFAILURE"]
)
@pytest.mark.parametrize(
    ("kind", "least"),
    [("site", {"bucketName": "b"}), ("service", {"bucketName": "b", "application": "a"})],
)
def test_no_steps_come_into_an_environment_of_a_pipeline_that_extends(socket, kind, least):
    steps = {socket: [{"script": "aws s3 sync . s3://b"}]}
    for where, given in (
        (f"{kind}Environments", {f"{kind}Environments": [{"name": "test", **least, **steps}]}),
        (kind, {kind: {**least, **steps}, f"{kind}Environments": [{"name": "test"}]}),
    ):
        with pytest.raises(TemplateError) as refused:
            extended(**given)
        assert str(refused.value) == f"Unexpected value '{where} may not have {socket}, only Ropeway deploys'"


def test_in_a_pipeline_that_extends_ropeways_steps_alone_have_a_connection():
    environments = {"name": "test", "awsConnection": "production", "bucketName": "b"}
    made = extended(
        buildSteps=BUILDS,
        siteEnvironments=[environments],
        serviceEnvironments=[{**environments, "application": "a"}],
    )
    having = [step for step in steps_in(made) if "production" in json.dumps(step)]
    assert having == tasks_in(made)


# --- templates and examples ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", sorted(PIPELINES.glob("examples/*.yml")), ids=lambda path: path.stem)
def test_an_example_expands_to_steps_that_their_tasks_can_read(path):
    by_name = {f"{task.pipeline_name}@{task.major}": task for task in all_tasks()}
    steps = tasks_in(expand(path))
    assert steps
    for step in steps:
        read(by_name[step["task"]], step["inputs"])


@pytest.mark.parametrize("path", sorted(PIPELINES.glob("examples/*.yml")), ids=lambda path: path.stem)
def test_a_suite_in_an_example_can_be_read(path):
    for step in tasks_in(expand(path)):
        if text := step["inputs"].get("suite"):
            outputs = dict.fromkeys(re.findall(r"(?m)^(\w+)=", step["inputs"].get("outputs", "")), "1")
            variables = Variables(release="1", outputs=outputs, environment=lambda _: None, secrets=Secrets())
            assert read_suite(text, path.name, variables).checks


def test_every_stage_and_whole_pipeline_has_an_example():
    used = " ".join(path.read_text(encoding="utf-8") for path in PIPELINES.glob("examples/*.yml"))
    for path in [*PIPELINES.glob("stages/*.yml"), *PIPELINES.glob("extends/*.yml")]:
        assert f"template: pipelines/{name_of(path)}.yml@ropeway" in used, name_of(path)


def test_the_first_line_of_a_template_says_what_it_is():
    for path in TEMPLATES:
        assert re.match(r"# (A|One) [a-z]", path.read_text(encoding="utf-8")), name_of(path)
