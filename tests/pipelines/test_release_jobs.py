"""The jobs that release: what their deploy is handed, what each hook does, and what `on: failure:` takes back."""

from __future__ import annotations

import pytest

from ropeway.inputs import declared
from ropeway.registry import load_task
from tests.pipelines.expanding import expand
from tests.pipelines.expressions import as_boolean, evaluate
from tests.pipelines.given import PIPELINES, hooks_of, mandatory, read, tasks_in, the_job

SITE, SERVICE = load_task("s3_deploy"), load_task("ec2_deploy")
GIVEN = {
    "release-s3": {"environment": "production", "artifact": "site", "bucketName": "my-site"},
    "release-ec2": {
        "environment": "production",
        "artifact": "shop",
        "bucketName": "my-bucket",
        "application": "shop",
        "instanceTags": "app=shop",
    },
}
DOWNLOAD = {name: {"download": "current", "artifact": given["artifact"]} for name, given in GIVEN.items()}
OWN = {"script": "mine"}

both = pytest.mark.parametrize("name", GIVEN)
of_each_kind = pytest.mark.parametrize("kind", ["jobs", "stages"])


def hooks(name, kind="jobs", **more):
    return hooks_of(the_job(PIPELINES / kind / f"{name}.yml", GIVEN[name] | more))


@both
@of_each_kind
def test_a_deployment_to_an_environment_downloads_its_artifact_deploys_it_and_takes_it_back(name, kind):
    job = the_job(PIPELINES / kind / f"{name}.yml", GIVEN[name])
    assert job["environment"] == "production"
    assert job["deployment"] == "release"
    assert job["pool"] == {"vmImage": "ubuntu-latest"}
    deploy, back = (hooks_of(job)[hook] for hook in ("deploy", "failure"))
    assert deploy[0] == DOWNLOAD[name]
    assert [step["inputs"]["mode"] for step in (deploy[1], back[0])] == ["deploy", "takeBack"]
    assert (len(deploy), len(back)) == (2, 1)
    assert set(hooks_of(job)) == {"deploy", "failure"}


@pytest.mark.parametrize("name", ["jobs/release-ec2", "stages/release-ec2", "stages/canary-ec2", "stages/promote-ec2"])
def test_a_rollout_is_not_cut_off_before_the_limits_that_the_task_keeps_itself(name):
    """Waiting for the lock, the hooks of one host there, and back."""
    path = PIPELINES / f"{name}.yml"
    made = expand(path, mandatory(path))
    jobs = [job for stage in made.get("stages", [made]) for job in stage["jobs"] if "deployment" in job]
    default = {item.name: int(item.input.default) for item in declared(SERVICE.inputs) if item.input.kind == "int"}
    assert jobs
    for job in jobs:
        assert job["timeoutInMinutes"] > default["lockWaitMinutes"] + 2 * default["hostMinutes"]


@both
def test_the_source_lies_in_the_artifact(name):
    input_ = {"release-s3": "sourceFolder", "release-ec2": "sourcePath"}[name]
    deploy = hooks(name, **{input_: "dist"})["deploy"][1]
    assert deploy["inputs"][input_] == f"$(Pipeline.Workspace)/{GIVEN[name]['artifact']}/dist"
    assert deploy["name"] == "deploy"


@both
def test_own_steps_stand_before_and_after_in_the_same_job(name):
    deploy = hooks(name, stepsBefore=[OWN, OWN], stepsAfter=[OWN])["deploy"]
    assert [step.get("script") or step.get("name") or "download" for step in deploy] == [
        "download",
        "mine",
        "mine",
        "deploy",
        "mine",
    ]


@both
def test_a_hook_of_its_own_has_the_artifact_which_azure_downloads_in_deploy_alone(name):
    made = hooks(name, stepsPreDeploy=[OWN], stepsPostRouteTraffic=[OWN])
    assert list(made) == ["preDeploy", "deploy", "postRouteTraffic", "failure"]
    assert made["preDeploy"] == made["postRouteTraffic"] == [DOWNLOAD[name], OWN]


@both
def test_who_wants_a_failed_release_to_stay_gets_nothing_that_takes_it_back(name):
    stays = {"release-s3": "fail", "release-ec2": "stop"}[name]
    assert set(hooks(name, onFailure=stays)) == {"deploy"}
    assert hooks(name, onFailure=stays, stepsOnFailure=[OWN])["failure"] == [OWN]
    assert [step.get("script") for step in hooks(name, stepsOnFailure=[OWN])["failure"][1:]] == ["mine"]


@both
def test_own_steps_on_failure_run_also_where_it_could_not_be_taken_back(name):
    steps = [OWN, {"script": "told", "condition": "succeeded()"}, {"task": "Tell@1", "inputs": {"whom": ["Ada"]}}]
    assert hooks(name, stepsOnFailure=steps)["failure"][1:] == [
        {**OWN, "condition": "succeededOrFailed()"},
        steps[1],
        {**steps[2], "condition": "succeededOrFailed()"},
    ]


@both
def test_the_job_that_takes_back_names_no_variable_of_the_one_that_deployed(name):
    assert "deploy." not in str(hooks(name)["failure"])


@both
def test_where_checks_are_asked_they_are_there_for_the_way_back_too(name):
    file = f"$(Pipeline.Workspace)/{GIVEN[name]['artifact']}/checks.yml"
    download, back = hooks(name, checksFile=file)["failure"]
    assert download == DOWNLOAD[name]
    assert back["inputs"]["checksFile"] == file


def test_checks_of_hosts_bring_the_artifact_once():
    file = "$(Pipeline.Workspace)/shop/host.yml"
    download, back = hooks("release-ec2", checksFile=file, hostChecksFile=file)["failure"]
    assert download == DOWNLOAD["release-ec2"]
    assert back["inputs"]["hostChecksFile"] == file


def test_a_site_is_taken_back_where_it_lies():
    given = {"targetFolder": "docs", "stateLocation": "s3://private/state", "distributionIds": "E2QWRUHAPOMQZL"}
    (back,) = hooks("release-s3", **given, releaseId="42", website=True, settings="site: {}")["failure"]

    made = read(SITE, back["inputs"])
    assert back["displayName"] == "Take back what this stage has released"
    assert (made.mode, made.bucket_name, made.target_folder) == ("takeBack", "my-site", "docs")
    assert (made.state_location, made.distribution_ids) == ("s3://private/state", ("E2QWRUHAPOMQZL",))
    assert (made.release_id, made.website, made.settings) == ("", False, "")


def test_a_service_is_taken_back_on_the_same_instances():
    (back,) = hooks("release-ec2", releaseId="42", force=True, bucketPrefix="state", batches="2")["failure"]

    made = read(SERVICE, back["inputs"])
    assert back["displayName"] == "Take back what this stage has deployed"
    assert (made.mode, made.release_id, made.force) == ("takeBack", "", False)
    assert (made.application, made.bucket_name, made.bucket_prefix) == ("shop", "my-bucket", "state")
    assert (made.instance_tags, made.batches) == (("app=shop",), "2")


# --- canaries -----------------------------------------------------------------------------------------------------------------

CANARY = PIPELINES / "stages/canary-ec2.yml"


def jobs_of(**more):
    (stage,) = expand(CANARY, {**GIVEN["release-ec2"], "canaryTags": "role=canary", **more})["stages"]
    return {job.get("deployment") or job["job"]: job for job in stage["jobs"]}


def test_the_canaries_are_those_of_the_instances_that_have_the_tag_and_what_is_said_of_all_is_not_said_of_them():
    jobs = jobs_of(minTargets=10, minHealthy="80%", minHealthyPerZone="50%", bakeMinutes=5, canaryBakeMinutes=20)
    canary, release = (read(SERVICE, tasks_in(jobs[job])[0]["inputs"]) for job in ("canary", "release"))
    assert (canary.instance_tags, release.instance_tags) == (("app=shop", "role=canary"), ("app=shop",))
    assert (canary.min_targets, canary.min_healthy, canary.min_healthy_per_zone) == (1, "0", "0")
    assert (release.min_targets, release.min_healthy, release.min_healthy_per_zone) == (10, "80%", "50%")
    assert (canary.bake_minutes, release.bake_minutes) == (20, 5)
    assert (canary.application, canary.bucket_name) == (release.application, release.bucket_name)


def test_the_others_follow_the_canaries_or_the_answer():
    assert jobs_of()["release"]["dependsOn"] == "canary"
    asked = jobs_of(validation=True, notifyUsers="ada@example.com", approvers="Ada", validationMinutes=90)
    assert asked["validate"]["dependsOn"] == "canary"
    assert asked["release"]["dependsOn"] == "validate"
    (question,) = asked["validate"]["steps"]
    assert (question["inputs"]["notifyUsers"], question["timeoutInMinutes"]) == ("ada@example.com", 90)
    assert (question["inputs"]["approvers"], question["inputs"]["onTimeout"]) == ("Ada", "reject")
    assert asked["validate"]["pool"] == "server"


@pytest.mark.parametrize(
    ("canary", "answer", "back"),
    [
        ("Succeeded", "Succeeded", False),
        ("SucceededWithIssues", "Failed", True),
        ("Succeeded", "Canceled", True),
        ("Failed", "Skipped", False),
        ("Canceled", "Canceled", False),
    ],
)
def test_what_nobody_has_said_yes_to_is_taken_back_and_a_canary_that_was_cancelled_is_not(canary, answer, back):
    """The task itself says what a deploy that was cancelled has left, and does not go back."""
    refused = jobs_of(validation=True)["refused"]
    came = {"canary": canary, "validate": answer}
    assert refused["dependsOn"] == list(came)
    named = {"dependencies": {job: {"result": result} for job, result in came.items()}}
    assert as_boolean(evaluate(refused["condition"], named)) is back


def test_what_is_refused_is_taken_back_from_all_instances():
    refused = tasks_in(jobs_of(validation=True, checksFile="checks.yml")["refused"])[0]
    made = read(SERVICE, refused["inputs"])
    assert (made.mode, made.instance_tags, made.checks_file) == ("takeBack", ("app=shop",), "checks.yml")


def test_own_steps_of_the_canaries_and_of_all_do_not_mix():
    jobs = jobs_of(stepsAfterCanary=[{"script": "a"}], stepsAfter=[{"script": "b"}], stepsPreDeploy=[{"script": "c"}])
    found = {
        name: [step["script"] for hook in hooks_of(jobs[name]).values() for step in hook if "script" in step]
        for name in ("canary", "release")
    }
    assert found == {"canary": ["c", "a"], "release": ["b"]}


# --- promoting ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["s3", "ec2"])
def test_each_environment_is_a_stage_after_the_one_before_with_what_all_have_and_its_own(kind):
    path = PIPELINES / f"stages/promote-{kind}.yml"
    own = [{"name": "dev", "keepReleases": 2}, {"name": "live", "environment": "live-eu", "displayName": "Go live"}]
    stages = expand(
        path,
        {
            **mandatory(path),
            "environments": own,
            "dependsOn": ["build"],
            "lockBehavior": "sequential",
            "stagePrefix": "s_",
        },
    )["stages"]

    assert [(one["stage"], one["displayName"]) for one in stages] == [
        ("s_dev", "Release to dev"),
        ("s_live", "Go live"),
    ]
    assert [one.get("dependsOn") for one in stages] == [["build"], None]
    assert {one["lockBehavior"] for one in stages} == {"sequential"}
    assert [one["jobs"][0]["environment"] for one in stages] == ["dev", "live-eu"]
    deploys = [tasks_in(one)[0]["inputs"] for one in stages]
    assert [one["keepReleases"] for one in deploys] == [2, load_default(kind)]
    assert len({one["bucketName"] for one in deploys}) == 1
    artifacts = {
        step["artifact"] for one in stages for step in hooks_of(one["jobs"][0])["deploy"] if "download" in step
    }
    assert artifacts == {"given"}


def load_default(kind):
    return {"s3": 3, "ec2": 5}[kind]


# --- parts --------------------------------------------------------------------------------------------------------------------


def test_an_artifact_is_uploaded_in_parts_by_jobs_at_once_that_download_it_themselves():
    path = PIPELINES / "jobs/upload-in-parts.yml"
    job = the_job(
        path, {"artifact": "tiles", "bucketName": "b", "parallel": 7, "stepsBefore": [OWN], "stepsAfter": [OWN]}
    )
    assert job["strategy"] == {"parallel": 7}
    checkout, download, before, upload, after = job["steps"]
    assert (checkout, download) == ({"checkout": "none"}, {"download": "current", "artifact": "tiles"})
    assert upload["inputs"]["shard"] == "auto"
    assert before == after == OWN


# --- a whole pipeline ---------------------------------------------------------------------------------------------------------


def test_a_pipeline_that_extends_has_a_build_without_aws_and_nothing_but_our_steps_after_it():
    path = PIPELINES / "extends/release.yml"
    given = {
        "buildSteps": [OWN],
        "siteEnvironments": [{"name": "live", "bucketName": "b"}],
        "serviceEnvironments": [{"name": "live", "bucketName": "b", "application": "a"}],
    }
    build, *releases = expand(path, given)["stages"]
    assert build["jobs"][0]["steps"] == [OWN, {"publish": "$(Build.ArtifactStagingDirectory)", "artifact": "release"}]
    assert [(one["stage"], one["dependsOn"]) for one in releases] == [
        ("site_live", ["build"]),
        ("service_live", ["build"]),
    ]
    for stage in releases:
        for step in hooks_of(stage["jobs"][0])["deploy"]:
            assert "download" in step or step["task"].startswith("Ropeway")
    assert [one["stage"] for one in expand(path, {"buildSteps": []})["stages"]] == ["build"]
