"""`ropeway setup pipeline`: YAML, pipeline, environments and approvals, or a Classic release definition; made once, and compared after that."""

from __future__ import annotations

import uuid

import pytest
import yaml

from ropeway.tasks.s3_upload import TASK

SITE = ("--settings", "bucketName=my-site", "--settings", "regionName=eu-west-1")
TWO = ("--environments", "trial", "--environments", "production", "--settings", "trial.bucketName=my-trial")


@pytest.fixture
def pipeline(ropeway, organization):
    """The command, in an organisation with the connection that it needs."""
    organization.install()
    id = str(uuid.uuid4())
    organization.endpoints[id] = {"id": id, "name": "aws", "type": "RopewayAWS", "data": {}, "authorization": {}}

    def run(*arguments, name="site", task="s3-upload"):
        where = ("--organization", organization.url, "--project", "Shop", "--connection-name", "aws")
        return ropeway("setup", "pipeline", task, *where, "--pipeline-name", name, *arguments)

    return run


def actions(answer):
    return [f"{step['action']} {step['name']}" for step in answer.json["plan"]["steps"]]


def test_a_yaml_pipeline_is_made_with_all_that_it_may_use_and_a_second_run_changes_nothing(pipeline, organization):
    answer = pipeline(*SITE, "--json")
    assert answer.code == 0, answer.err
    assert actions(answer) == [
        "create azure-pipelines.yml in repository Shop, branch main",
        "create pipeline site",
        "create environment production",
        "configure environment production: pipeline site may use it",
        "configure service connection aws: pipeline site may use it",
        "configure agent pool Azure Pipelines: pipeline site may use it",
    ]
    [made] = organization.definitions.values()
    assert made["process"] == {"type": 2, "yamlFilename": "azure-pipelines.yml"}
    assert (made["repository"]["type"], made["repository"]["defaultBranch"]) == ("TfsGit", "refs/heads/main")
    assert answer.json["outputs"] == {"pipelineId": str(made["id"])}
    [endpoint], [environment] = organization.endpoints, organization.environments
    for kind, id in (("endpoint", endpoint), ("environment", str(environment)), ("queue", "7")):
        assert organization.lets(made["id"], kind, id)
    written = list(organization.written)
    again = pipeline(*SITE, "--json")
    assert (again.code, organization.written) == (0, written)
    assert {step["action"] for step in again.json["plan"]["steps"]} == {"skip"}


def test_what_is_there_is_found_in_any_case(pipeline, organization):
    pipeline(*SITE)
    written = list(organization.written)
    again = pipeline(
        *SITE, "--environments", "Production", "--pool", "azure pipelines", "--dry-run", "--json", name="Site"
    )
    assert (again.code, organization.written) == (0, written)
    assert "skip environment Production" in actions(again)
    assert "skip pipeline Site" in actions(again)


def test_the_yaml_releases_the_artifact_stage_by_stage(pipeline, organization):
    assert pipeline(*SITE, *TWO, "--folder", "out").code == 0
    written = yaml.safe_load(organization.repositories[0].files["/azure-pipelines.yml"])
    build, trial, production = written["stages"]
    assert build["jobs"][0]["steps"][1] == {"publish": "$(Build.SourcesDirectory)/out", "artifact": "drop"}
    assert (trial["jobs"][0]["environment"], production["jobs"][0]["environment"]) == ("trial", "production")
    steps = [stage["jobs"][0]["strategy"]["runOnce"]["deploy"]["steps"] for stage in (trial, production)]
    assert [step[0] for step in steps] == [{"download": "current", "artifact": "drop"}] * 2
    assert steps[0][1] == {
        "task": "RopewayS3Upload@1",
        "inputs": {
            "awsConnection": "aws",
            "sourceFolder": "$(Pipeline.Workspace)/drop",
            "bucketName": "my-trial",
            "regionName": "eu-west-1",
        },
    }
    assert steps[1][1]["inputs"]["bucketName"] == "my-site"


def test_a_dry_run_shows_plan_and_yaml_and_changes_nothing(pipeline, organization):
    answer = pipeline(*SITE, "--dry-run")
    assert answer.code == 0
    assert "create" in answer.out
    assert "  - task: RopewayS3Upload@1" in answer.out
    assert organization.written == []


def test_yaml_that_is_there_is_yours(pipeline, organization):
    organization.repositories[0].files["/azure-pipelines.yml"] = "steps: []\n"
    organization.repositories[0].tip = "1" * 40
    answer = pipeline(*SITE)
    assert answer.code == 0, answer.err
    assert organization.repositories[0].files["/azure-pipelines.yml"] == "steps: []\n"
    assert "azure-pipelines.yml is there and says something else than these options" in answer.err


def test_it_goes_on_the_branch_as_it_is_and_another_push_is_not_written_over(pipeline, organization):
    organization.repositories[0].files["/README.md"] = "hello"
    organization.repositories[0].tip = "1" * 40
    assert pipeline(*SITE).code == 0
    assert organization.repositories[0].files.keys() == {"/README.md", "/azure-pipelines.yml"}


def test_a_branch_without_history_is_not_made_beside_those_that_are_there(pipeline, organization):
    """A push to a branch that is not there begins one that holds the pipeline's file and nothing to build."""
    organization.repositories[0].tip = "1" * 40
    answer = pipeline(*SITE, "--branch", "mian")
    assert (answer.code, organization.written) == (2, [])
    assert "There is no branch mian in repository Shop: it has main." in answer.err


def test_a_stage_waits_for_its_approvers_and_one_run_at_a_time(pipeline, organization):
    given = (*SITE, *TWO, "--approvers", "production=alice@example.com, [Shop]\\Release", "--exclusive-lock")
    answer = pipeline(*given)
    assert answer.code == 0, answer.err
    assert "environment production: approval by Alice, [Shop]\\Release" in answer.out
    kinds = sorted((check["resource"]["name"], check["type"]["name"]) for check in organization.checks.values())
    assert kinds == [("production", "Approval"), ("production", "ExclusiveLock"), ("trial", "ExclusiveLock")]
    [approval] = [check for check in organization.checks.values() if check["type"]["name"] == "Approval"]
    assert [who["displayName"] for who in approval["settings"]["approvers"]] == ["Alice", "[Shop]\\Release"]
    assert "lockBehavior: sequential" in organization.repositories[0].files["/azure-pipelines.yml"]
    written = list(organization.written)
    assert pipeline(*given).code == 0
    assert organization.written == written


def test_other_approvers_take_the_place_of_those_before(pipeline, organization):
    pipeline(*SITE, "--approvers", "production=alice@example.com")
    answer = pipeline(*SITE, "--approvers", "production=bob@example.com")
    assert answer.code == 0, answer.err
    [approval] = organization.checks.values()
    assert [who["displayName"] for who in approval["settings"]["approvers"]] == ["Bob"]


def test_with_other_approvers_the_approval_is_as_strict_as_it_was(pipeline, organization):
    """Else whoever starts a run could say yes to it again."""
    pipeline(*SITE, "--approvers", "production=alice@example.com, [Shop]\\Release")
    [approval] = organization.checks.values()
    approval["settings"] |= {"requesterCannotBeApprover": True, "minRequiredApprovers": 2, "instructions": "Look twice"}
    approval["timeout"] = 60
    assert pipeline(*SITE, "--approvers", "production=bob@example.com").code == 0
    [approval] = organization.checks.values()
    assert [who["displayName"] for who in approval["settings"].pop("approvers")] == ["Bob"]
    kept = {"requesterCannotBeApprover": True, "instructions": "Look twice", "minRequiredApprovers": 0}
    assert (approval["settings"] | kept, approval["timeout"]) == (approval["settings"], 60)


def test_a_stage_has_a_name_that_azure_takes(pipeline, organization):
    assert pipeline(*SITE, "--environments", "2nd site").code == 0
    written = yaml.safe_load(organization.repositories[0].files["/azure-pipelines.yml"])
    assert [stage["stage"] for stage in written["stages"]] == ["build", "_2nd_site"]
    assert written["stages"][1]["jobs"][0]["environment"] == "2nd site"


# --- Classic ------------------------------------------------------------------------------------------------------------------


@pytest.fixture
def classic(pipeline, organization):
    organization.definitions[3] = {"id": 3, "name": "shop-build", "queueStatus": "enabled", "process": {"type": 1}}

    def run(*arguments, **rest):
        return pipeline("--form", "classic", "--build", "shop-build", *arguments, **rest)

    return run


def test_a_classic_release_has_an_artifact_and_a_stage_for_each_environment(classic, organization):
    answer = classic(*SITE, *TWO, "--approvers", "production=alice@example.com")
    assert answer.code == 0, answer.err
    [release] = organization.releases.values()
    [artifact] = release["artifacts"]
    assert (artifact["alias"], artifact["type"]) == ("_shop-build", "Build")
    assert artifact["definitionReference"]["definition"] == {"id": "3", "name": "shop-build"}
    trial, production = release["environments"]
    assert (trial["name"], trial["rank"], production["name"], production["rank"]) == ("trial", 1, "production", 2)
    assert [condition["name"] for condition in production["conditions"]] == ["trial"]
    [task] = trial["deployPhases"][0]["workflowTasks"]
    [endpoint] = organization.endpoints
    assert (task["taskId"], task["version"]) == (TASK.id, "1.*")
    assert task["inputs"] == {
        "awsConnection": endpoint,
        "sourceFolder": "$(System.DefaultWorkingDirectory)/_shop-build/drop",
        "bucketName": "my-trial",
        "regionName": "eu-west-1",
    }
    assert trial["preDeployApprovals"]["approvals"][0]["isAutomated"]
    assert [step["approver"]["displayName"] for step in production["preDeployApprovals"]["approvals"]] == ["Alice"]


def test_a_second_run_changes_nothing_and_what_differs_is_put_right(classic, organization):
    classic(*SITE)
    written = list(organization.written)
    assert classic(*SITE).code == 0
    assert organization.written == written
    answer = classic("--settings", "bucketName=other-site")
    assert answer.code == 0, answer.err
    assert "release definition site: stage production" in answer.out
    [release] = organization.releases.values()
    assert release["environments"][0]["deployPhases"][0]["workflowTasks"][0]["inputs"]["bucketName"] == "other-site"
    assert release["revision"] == 2


@pytest.mark.parametrize(
    "switched", [{"enabled": False}, {"continueOnError": True}, {"condition": "failed()"}, {"alwaysRun": True}]
)
def test_a_step_that_somebody_has_switched_off_is_put_right(classic, organization, switched):
    classic(*SITE)
    [release] = organization.releases.values()
    [task] = release["environments"][0]["deployPhases"][0]["workflowTasks"]
    before = dict(task)
    task.update(switched)
    answer = classic(*SITE)
    assert "release definition site: stage production" in answer.out
    [release] = organization.releases.values()
    assert release["environments"][0]["deployPhases"][0]["workflowTasks"] == [before]


def test_a_phase_that_never_runs_is_put_right(classic, organization):
    classic(*SITE)
    [release] = organization.releases.values()
    release["environments"][0]["deployPhases"][0]["deploymentInput"]["condition"] = "false"
    assert "release definition site: stage production" in classic(*SITE).out
    [release] = organization.releases.values()
    assert release["environments"][0]["deployPhases"][0]["deploymentInput"]["condition"] == "succeeded()"


def test_an_agent_of_another_image_is_put_right(classic, organization):
    classic(*SITE)
    assert "release definition site: stage production" in classic(*SITE, "--image", "windows-latest").out
    [release] = organization.releases.values()
    asked = release["environments"][0]["deployPhases"][0]["deploymentInput"]["agentSpecification"]
    assert asked == {"identifier": "windows-latest"}


def test_an_agent_has_its_image_however_its_pool_is_spelled(pipeline, classic, organization):
    assert classic(*SITE, "--pool", "azure pipelines").code == 0
    [release] = organization.releases.values()
    asked = release["environments"][0]["deployPhases"][0]["deploymentInput"]["agentSpecification"]
    assert asked == {"identifier": "ubuntu-latest"}
    assert pipeline(*SITE, "--pool", "azure pipelines").code == 0
    written = yaml.safe_load(organization.repositories[0].files["/azure-pipelines.yml"])
    assert written["pool"] == {"vmImage": "ubuntu-latest"}


def test_stages_and_the_build_of_a_release_are_found_in_any_case(classic, organization):
    """Another stage of the name would have nobody who must say yes, and another artifact would start releases by itself."""
    assert classic(*SITE, *TWO, "--approvers", "production=alice@example.com").code == 0
    [release] = organization.releases.values()
    release["triggers"] = []
    written = list(organization.written)
    otherwise = ("--environments", "Trial", "--environments", "PRODUCTION", "--build", "Shop-Build")
    assert classic(*SITE, "--settings", "Trial.bucketName=my-trial", *otherwise).code == 0
    assert organization.written == written
    assert classic(*SITE, "--settings", "Trial.bucketName=other-trial", *otherwise).code == 0
    [release] = organization.releases.values()
    trial, production = release["environments"]
    assert trial["deployPhases"][0]["workflowTasks"][0]["inputs"]["bucketName"] == "other-trial"
    assert [step["approver"]["displayName"] for step in production["preDeployApprovals"]["approvals"]] == ["Alice"]
    assert release["triggers"] == []


def test_a_stage_that_waits_for_no_other_is_put_right_and_its_filters_stay(classic, organization):
    classic(*SITE, *TWO)
    [release] = organization.releases.values()
    production = release["environments"][1]
    only_main = {"name": "_shop-build", "conditionType": "artifact", "value": '{"sourceBranch":"main"}'}
    production["conditions"] += [only_main]
    assert "is as it should be" in classic(*SITE, *TWO).out
    production["conditions"] = [{"name": "ReleaseStarted", "conditionType": "event", "value": ""}, only_main]
    assert "release definition site: stage production" in classic(*SITE, *TWO).out
    [release] = organization.releases.values()
    kept = [(one["name"], one["conditionType"]) for one in release["environments"][1]["conditions"]]
    assert kept == [("trial", "environmentState"), ("_shop-build", "artifact")]


def test_a_release_definition_of_others_is_never_changed(classic, organization):
    classic(*SITE)
    [release] = organization.releases.values()
    release["tags"] = []
    answer = classic("--settings", "bucketName=other-site")
    assert answer.code == 2
    assert "which Ropeway has not made. Nothing was changed." in answer.err


def test_the_builds_of_one_branch_are_released(classic, organization):
    """A trigger without conditions takes the build of any branch, and would bring it to production."""
    assert classic(*SITE, "--branch", "stable").code == 0
    [release] = organization.releases.values()
    assert [one["sourceBranch"] for one in release["triggers"][0]["triggerConditions"]] == ["stable"]


def test_what_somebody_has_set_in_the_form_since_stays(classic, organization):
    """Who must say yes above all: a run without --approvers says nothing of it."""
    classic(*SITE)
    [release] = organization.releases.values()
    [stage] = release["environments"]
    alice = {"id": "00000000-0000-4000-8000-000000000001", "displayName": "Alice"}
    stage["preDeployApprovals"] = {"approvals": [{"rank": 1, "isAutomated": False, "approver": alice}]}
    release["triggers"] = []
    release["variables"] = stage["variables"] = {"colour": {"value": "blue"}}
    written = list(organization.written)
    assert classic(*SITE).code == 0
    assert organization.written == written
    assert classic("--settings", "bucketName=other-site").code == 0
    [release] = organization.releases.values()
    [stage] = release["environments"]
    assert stage["deployPhases"][0]["workflowTasks"][0]["inputs"]["bucketName"] == "other-site"
    [approval] = stage["preDeployApprovals"]["approvals"]
    assert (approval["isAutomated"], approval["approver"]["displayName"]) == (False, "Alice")
    assert (release.get("triggers"), release["variables"]["colour"]["value"]) == ([], "blue")
    assert stage["variables"]["colour"]["value"] == "blue"


def test_a_build_that_is_not_there_is_told(classic, organization):
    organization.definitions.clear()
    answer = classic(*SITE)
    assert (answer.code, organization.written) == (2, [])
    assert "There is no build shop-build in Shop" in answer.err


BACK = {"bucketName": "my-site", "regionName": "eu-west-1", "mode": "takeBack"}


def test_what_a_failed_stage_has_released_is_taken_back(pipeline, organization):
    assert pipeline(*SITE, task="s3-deploy").code == 0
    written = yaml.safe_load(organization.repositories[0].files["/azure-pipelines.yml"])
    once = written["stages"][1]["jobs"][0]["strategy"]["runOnce"]
    assert once["on"]["failure"]["steps"] == [{"task": "RopewayS3Deploy@1", "inputs": {"awsConnection": "aws", **BACK}}]


def test_a_classic_stage_takes_it_back_in_a_phase_of_its_own(classic, organization):
    assert classic(*SITE, task="s3-deploy").code == 0
    [release], [endpoint] = organization.releases.values(), organization.endpoints
    _, back = release["environments"][0]["deployPhases"]
    assert (back["rank"], back["deploymentInput"]["condition"]) == (2, "failed()")
    assert back["workflowTasks"][0]["inputs"] == {"awsConnection": endpoint, **BACK}
    written = list(organization.written)
    assert classic(*SITE, task="s3-deploy").code == 0
    assert organization.written == written


def taken_back(organization):
    """The steps of the job that runs when the stage has failed."""
    _, release = yaml.safe_load(organization.repositories[0].files["/azure-pipelines.yml"])["stages"]
    return release["jobs"][0]["strategy"]["runOnce"].get("on", {}).get("failure", {}).get("steps", [])


def test_what_is_taken_back_is_found_by_build_and_stage_and_not_by_a_name_that_was_given(pipeline, organization):
    """The task refuses `releaseId` beside the mode: the job would always fail, and the failed release stay live."""
    assert pipeline(*SITE, "--settings", "releaseId=$(Build.SourceVersion)", task="s3-deploy").code == 0
    [back] = taken_back(organization)
    assert back["inputs"] == {"awsConnection": "aws", **BACK}


@pytest.mark.parametrize(("task", "suite"), [("s3-deploy", "checksFile"), ("ec2-deploy", "hostChecksFile")])
def test_the_job_that_takes_it_back_has_the_checks_that_it_asks_again(pipeline, organization, task, suite):
    """Azure downloads artifacts by itself in the hook `deploy` alone, and this one runs on another machine."""
    more = ("--settings", "application=shop", "--settings", "instanceTags=app=shop") if task == "ec2-deploy" else ()
    given = (*SITE, *more, "--settings", f"{suite}=$(Pipeline.Workspace)/drop/checks.yml")
    answer = pipeline(*given, task=task)
    assert answer.code == 0, answer.err
    fetched, back = taken_back(organization)
    assert fetched == {"download": "current", "artifact": "drop"}
    assert back["inputs"][suite] == "$(Pipeline.Workspace)/drop/checks.yml"


def test_a_rollout_has_the_time_that_the_task_gives_it(pipeline, organization):
    """Azure cuts a job off after 60 minutes where nothing is said, and the hooks of one host may take as long."""
    more = ("--settings", "application=shop", "--settings", "instanceTags=app=shop")
    assert pipeline(*SITE, *more, task="ec2-deploy").code == 0
    _, release = yaml.safe_load(organization.repositories[0].files["/azure-pipelines.yml"])["stages"]
    assert release["jobs"][0]["timeoutInMinutes"] == 360


def test_a_release_that_is_to_stay_when_it_fails_is_not_taken_back(pipeline, organization):
    assert pipeline(*SITE, "--settings", "onFailure=fail", task="s3-deploy").code == 0
    assert taken_back(organization) == []


def test_nor_is_it_by_a_phase_of_a_classic_stage(classic, organization):
    assert classic(*SITE, "--settings", "onFailure=fail", task="s3-deploy").code == 0
    [release] = organization.releases.values()
    assert [phase["name"] for phase in release["environments"][0]["deployPhases"]] == ["Release"]


# --- refusals -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "The stage production lacks the input bucketName: give --settings bucketName="),
        ((*SITE, "--settings", "bucket=x"), "bucket is no input of RopewayS3Upload"),
        ((*SITE, "--settings", "storageClass=COLD"), "--settings storageClass is 'COLD'"),
        ((*SITE, "--settings", "prod.bucketName=x"), "names prod, which is no stage (production)"),
        ((*SITE, "--approvers", "prod=alice@example.com"), "names prod, which is no stage (production)"),
        ((*SITE, "--approvers", "production=carol@example.com"), "Nobody in contoso is called carol@example.com"),
        ((*SITE, "--form", "classic"), "--build is required for a Classic release"),
        ((*SITE, "--environments", "Build"), "would be called Build in YAML, and another one is"),
        (
            (*SITE, "--environments", "eu-1", "--environments", "eu 1"),
            "would be called eu_1 in YAML, and another one is",
        ),
        ((*SITE, "--pool", "Own"), "There is no agent pool Own in Shop."),
        ((*SITE, "--repository", "shop"), "TF401019"),
    ],
    ids=[
        "bucket",
        "input",
        "value",
        "stage",
        "approver's stage",
        "approver",
        "build",
        "a stage as the build",
        "two stages",
        "pool",
        "repository",
    ],
)
def test_what_cannot_be_is_told_before_anything_is_made(pipeline, organization, arguments, said):
    answer = pipeline(*arguments)
    assert (answer.code != 0, organization.written) == (True, [])
    assert said in answer.err


def test_a_value_that_only_a_run_knows_is_taken(pipeline):
    assert pipeline("--settings", "bucketName=$(bucket)", "--settings", "storageClass=$(class)").code == 0


@pytest.mark.parametrize("there", ["none", "of another type"])
def test_the_connection_must_be_ours(pipeline, organization, there):
    if there == "none":
        organization.endpoints.clear()
    else:
        next(iter(organization.endpoints.values()))["type"] = "Generic"
    answer = pipeline(*SITE)
    assert (answer.code, organization.written) == (2, [])
    assert "the tasks need one of the type RopewayAWS" in answer.err
    assert "ropeway setup connection" in answer.err


def test_a_pipeline_of_that_name_that_runs_something_else_is_never_changed(pipeline, organization):
    pipeline(*SITE)
    written = list(organization.written)
    answer = pipeline(*SITE, "--yaml-path", "release.yml")
    assert (answer.code, organization.written) == (2, written)
    assert "There is a pipeline site already, which does not run release.yml of Shop" in answer.err


def test_what_is_refused_half_way_is_told_and_a_second_run_goes_on(pipeline, organization):
    organization.may_not.add("POST environments")
    answer = pipeline(*SITE)
    assert answer.code == 1
    assert "Could not make the environment production: Azure DevOps answered: Access denied" in answer.err
    assert organization.written == ["POST pushes", "POST Definitions"]
    organization.may_not.clear()
    assert pipeline(*SITE).code == 0
    assert organization.written[2:] == ["POST environments", *["PATCH pipelinePermissions"] * 3]
