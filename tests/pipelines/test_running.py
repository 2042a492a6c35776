"""The stand-in for a run, by the rules of learn.microsoft.com/azure/devops/pipelines/process: what runs after what, and who sees whose variables."""

from __future__ import annotations

import pytest
from ruamel.yaml import YAML

from tests.pipelines.running import World, run
from tests.vsix.agent import Agent


@pytest.fixture
def ran(tmp_path):
    """`ran(pipeline)`: a run of it, of scripts alone."""
    machines = []

    def machine():
        machines.append(Agent(tmp_path / f"machine-{len(machines)}"))
        return machines[-1]

    def go(text, **more):
        sources = tmp_path / "sources"
        sources.mkdir()
        (sources / "readme.md").write_text("hello")
        world = World(machine, sources, tmp_path / "artifacts", {}, {}, "7", **more)
        return run(YAML(typ="safe").load(text), world)

    return go


SETS = 'echo "##vso[task.setvariable variable=here;isOutput=true]{}"'
UNKNOWN = "case '$({})' in '$'*) true;; *) false;; esac"
"""A macro that nobody has said stays as it is."""


def test_a_step_sees_what_those_before_it_have_said_and_by_which_name(ran):
    done = ran(f"""
steps:
  - script: {SETS.format("said")}
    name: first
  - script: test '$(first.here)' = said && {UNKNOWN.format("here")} && cat readme.md
    displayName: look
""")
    assert done.stages == {"__default": "Succeeded"}, done.text
    assert done.step("look").log == ["hello"]


def test_after_a_step_that_fails_only_those_run_that_say_so(ran):
    done = ran("""
steps:
  - {script: exit 3, displayName: fails}
  - {script: echo, displayName: usual}
  - {script: echo, displayName: on failure, condition: failed()}
  - {script: echo, displayName: ever, condition: always()}
  - {script: echo, displayName: asked, condition: "and(always(), eq(variables['Build.BuildNumber'], '7'))"}
""")
    assert [result for _, result in done.of("__default/job")] == [
        "Succeeded",
        "Failed",
        "Skipped",
        "Succeeded",
        "Succeeded",
        "Succeeded",
    ]
    assert done.stages == {"__default": "Failed"}


DEPLOYMENT = """
jobs:
  - deployment: release
    environment: production
    strategy:
      runOnce:
        preDeploy: {steps: [{script: 'test ! -e readme.md', displayName: no sources}]}
        deploy:
          steps:
            - {script: SETS, name: first}
            - {script: 'test "$(first.here)" = said && test "$(Environment.Name)" = production', displayName: seen}
            - {script: exit CODE, displayName: last}
        postRouteTraffic: {steps: [{script: "UNKNOWN", displayName: unseen}]}
        on:
          failure: {steps: [{script: "UNKNOWN", displayName: back}]}
          success: {steps: [{script: echo, displayName: done}]}
"""


@pytest.mark.parametrize(
    ("code", "hooks", "result"),
    [
        (0, ["preDeploy", "deploy", "postRouteTraffic", "on success"], "Succeeded"),
        (1, ["preDeploy", "deploy", "on failure"], "Failed"),
    ],
)
def test_the_hooks_of_a_deployment_are_jobs_that_see_nothing_of_each_other(ran, code, hooks, result):
    said = SETS.format("said").replace('"', '\\"')
    done = ran(
        DEPLOYMENT.replace("SETS", f'"{said}"')
        .replace("CODE", str(code))
        .replace("UNKNOWN", UNKNOWN.format("first.here"))
    )
    place = "__default/release"
    assert [name.removeprefix(f"{place}/") for name in done.jobs if name != place] == hooks, done.text
    assert done.jobs[place] == result
    assert ("seen", "Succeeded") in done.of(f"{place}/deploy")
    assert {done.jobs[f"{place}/{hook}"] for hook in hooks if hook != "deploy"} == {"Succeeded"}, done.text


def test_stages_follow_each_other_and_what_depends_on_a_failed_one_is_skipped(ran):
    done = ran("""
stages:
  - {stage: a, jobs: [{job: one, steps: [{script: exit 1}]}]}
  - {stage: b, jobs: [{job: one, steps: [{script: echo}]}]}
  - {stage: c, dependsOn: [], jobs: [{job: one, steps: [{script: echo}]}]}
  - {stage: d, dependsOn: [b, c], jobs: [{job: one, steps: [{script: echo}]}]}
  - {stage: e, dependsOn: a, condition: failed(), jobs: [{job: one, steps: [{script: echo}]}]}
""")
    assert done.stages == {"a": "Failed", "b": "Skipped", "c": "Succeeded", "d": "Skipped", "e": "Succeeded"}


def test_a_stage_asks_for_the_outputs_of_one_that_it_depends_on(ran):
    done = ran(f"""
stages:
  - stage: a
    jobs: [{{job: one, steps: [{{script: '{SETS.format("yes")}', name: first}}]}}]
  - stage: b
    condition: and(succeeded(), eq(dependencies.a.outputs['one.first.here'], 'yes'))
    jobs: [{{job: one, steps: [{{script: echo}}]}}]
  - stage: c
    condition: and(succeeded(), eq(dependencies.a.outputs['one.first.here'], 'yes'))
    jobs: [{{job: one, steps: [{{script: echo}}]}}]
""")
    assert done.stages == {"a": "Succeeded", "b": "Succeeded", "c": "Skipped"}, "c depends on b alone"


def test_jobs_wait_for_those_that_they_depend_on_and_parallel_ones_know_their_place(ran):
    done = ran("""
jobs:
  - job: many
    strategy: {parallel: 3}
    steps: [{script: 'echo $(System.JobPositionInPhase)/$(System.TotalJobsInPhase); test $(System.JobPositionInPhase) != 2', displayName: say}]
  - {job: after, dependsOn: many, steps: [{script: echo}]}
  - {job: mend, dependsOn: many, condition: failed('many'), steps: [{script: echo}]}
""")
    assert [step.context.log[0] for step in done.steps if step.title == "say"] == ["1/3", "2/3", "3/3"]
    assert done.jobs == {"__default/many": "Failed", "__default/after": "Skipped", "__default/mend": "Succeeded"}


def test_an_artifact_comes_along_without_who_may_run_its_files(ran):
    done = ran("""
stages:
  - stage: a
    jobs: [{job: one, steps: [{script: mkdir out && cp readme.md out/run && chmod 755 out/run}, {publish: out, artifact: drop}]}]
  - stage: b
    jobs:
      - job: one
        steps:
          - checkout: none
          - {download: current, artifact: drop}
          - {script: 'test -f drop/run && test ! -x drop/run && test ! -e $(Build.SourcesDirectory)/readme.md', workingDirectory: $(Pipeline.Workspace)}
""")
    assert done.stages == {"a": "Succeeded", "b": "Succeeded"}, done.text
