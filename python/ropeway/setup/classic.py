"""A Classic release definition: the artifact of a build, and a stage for each environment with one of our tasks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ropeway.errors import InputError
from ropeway.outcome import Output, Step
from ropeway.setup.applying import step
from ropeway.setup.asked_devops import PipelineInputs
from ropeway.setup.devops import Deed, Organization, named
from ropeway.setup.environments import identities
from ropeway.setup.written import inputs_for, is_hosted, taking_back
from ropeway.tasks.task import Task

TAG = "made-by-ropeway"
"""Of a release definition that may be changed here."""
KEPT = {"daysToKeep": 30, "releasesToKeep": 3, "retainBuild": True}
"""As in the form; without it a stage is refused (VS402982)."""

THEIRS = ("path", "tags", "description", "variables", "variable_groups", "release_name_format", "properties")
THEIRS_OF_A_STAGE = (
    "owner", "variables", "variable_groups", "post_deploy_approvals", "pre_deployment_gates", "post_deployment_gates", "schedules",
    "environment_triggers", "environment_options", "execution_policy", "retention_policy", "demands", "properties",
)  # fmt: skip
"""What somebody may have set in the form since; a change of ours leaves it alone."""

STARTS = frozenset({"environmentState", "event"})
"""The types of conditions that say what a stage comes after; others, of artifacts, are filters that somebody has set."""
SUCCEEDED = "4"
"""The state of a stage, as a condition of the next one has it."""


@dataclass(frozen=True)
class Classic:
    asked: PipelineInputs
    task: Task[Any, Any]
    there: Organization
    connection: Any

    def steps(self) -> Iterator[Step[Deed]]:
        name = f"release definition {self.asked.pipeline_name}"
        wanted = self._wanted()
        current = self._current()
        if current is not None:
            self._keep(wanted, current)
        if current is None:
            yield step("create", name, Deed(f"make the {name}", lambda: self._create(wanted)))
        elif TAG not in (current.tags or []):
            raise InputError([f"There is a {name} already, which Ropeway has not made. Nothing was changed."]).advised(
                "Choose another --pipeline-name."
            )
        elif changed := [what for what in _shape(wanted) if _shape(wanted)[what] != _shape(current).get(what)] + [
            f"{what} is gone" for what in _shape(current) if what not in _shape(wanted)
        ]:
            yield step(
                "configure",
                f"{name}: {', '.join(changed)}",
                Deed(f"change the {name}", lambda: self._update(wanted, current)),
            )
        else:
            yield step("skip", name)

    def _current(self) -> Any | None:
        client = self.there.client("release")
        with self.there.asking(f"look for the release definition {self.asked.pipeline_name}"):
            found = client.get_release_definitions(
                self.there.project, search_text=self.asked.pipeline_name, is_exact_name_match=True
            )
            one = named(found, self.asked.pipeline_name)
            return client.get_release_definition(self.there.project, one.id) if one else None

    def _create(self, wanted: Any) -> Sequence[Output]:
        with self.there.asking(f"make the release definition {self.asked.pipeline_name}"):
            made = self.there.client("release").create_release_definition(wanted, self.there.project)
        return (Output("releaseDefinitionId", str(made.id)),)

    def _update(self, wanted: Any, current: Any) -> Sequence[Output]:
        wanted.id, wanted.revision = current.id, current.revision
        with self.there.asking(f"change the release definition {self.asked.pipeline_name}"):
            self.there.client("release").update_release_definition(wanted, self.there.project)
        return (Output("releaseDefinitionId", str(current.id)),)

    def _keep(self, wanted: Any, current: Any) -> None:
        """What is not ours to say stays as it is; how stages are spelled, too; and who must say yes, unless somebody else is named."""
        named = {pair.name for pair in self.asked.approvers}
        before = {one.name.casefold(): one for one in current.environments or []}
        for name in THEIRS:
            setattr(wanted, name, getattr(current, name))
        if self._alias in {artifact.alias for artifact in current.artifacts or []}:
            wanted.triggers = current.triggers
        for stage in wanted.environments:
            for one in stage.conditions:
                one.name = before[one.name.casefold()].name if one.name.casefold() in before else one.name
            if was := before.get(stage.name.casefold()):
                kept = THEIRS_OF_A_STAGE if stage.name in named else (*THEIRS_OF_A_STAGE, "pre_deploy_approvals")
                for name in ("id", "name", *kept):
                    setattr(stage, name, getattr(was, name))
                stage.conditions += [one for one in was.conditions or [] if one.condition_type not in STARTS]

    # --- as it should be ----------------------------------------------------------------------------------------------------------

    def _wanted(self) -> Any:
        from azure.devops.v7_1.release import models  # noqa: PLC0415 - an extra, and slow

        build = self._build
        queue = self.there.queue(self.asked.pool)
        if queue is None:
            raise InputError([f"There is no agent pool {self.asked.pool} in {self.there.project}."])
        reference = {
            "definition": models.ArtifactSourceReference(id=str(build.id), name=build.name),
            "project": models.ArtifactSourceReference(id=self.there.project_id, name=self.there.project),
            "defaultVersionType": models.ArtifactSourceReference(id="latestType", name="Latest"),
        }
        artifact = models.Artifact(
            alias=self._alias, type="Build", is_primary=True, is_retained=False, definition_reference=reference
        )
        approvers = identities(self.there, self.asked.approvers)
        # Without one, the build of any branch would be released.
        branch = {"sourceBranch": self.asked.branch, "tags": [], "useBuildDefinitionBranch": False}
        return models.ReleaseDefinition(
            name=self.asked.pipeline_name,
            path="\\",
            tags=[TAG],
            release_name_format="Release-$(rev:r)",
            artifacts=[artifact],
            triggers=[{"triggerType": "artifactSource", "artifactAlias": self._alias, "triggerConditions": [branch]}],
            environments=[
                self._stage(rank, name, approvers.get(name, ()), queue)
                for rank, name in enumerate(self.asked.stages, 1)
            ],
        )

    @cached_property
    def _build(self) -> Any:
        build = self.there.pipeline(self.asked.build)
        if build is None:
            raise InputError(
                [f"There is no build {self.asked.build} in {self.there.project}: the release has no artifact."]
            )
        return build

    @property
    def _alias(self) -> str:
        return f"_{self._build.name}"

    def _stage(self, rank: int, name: str, approvers: Sequence[Any], queue: Any) -> Any:
        from azure.devops.v7_1.release import models  # noqa: PLC0415 - an extra, and slow

        before = self.asked.stages[rank - 2] if rank > 1 else ""
        after = models.Condition(name=before, condition_type="environmentState", value=SUCCEEDED)
        start = models.Condition(name="ReleaseStarted", condition_type="event", value="")
        return models.ReleaseDefinitionEnvironment(
            name=name,
            rank=rank,
            conditions=[after if before else start],
            retention_policy=models.EnvironmentRetentionPolicy(
                days_to_keep=KEPT["daysToKeep"],
                releases_to_keep=KEPT["releasesToKeep"],
                retain_build=KEPT["retainBuild"],
            ),
            pre_deploy_approvals=_approvals(approvers),
            post_deploy_approvals=_approvals(()),
            deploy_phases=self._phases(name, queue),
        )

    def _phases(self, stage: str, queue: Any) -> list[dict[str, Any]]:
        source = f"$(System.DefaultWorkingDirectory)/{self._alias}/{self.asked.artifact}"
        given = inputs_for(self.asked, self.task, stage, str(self.connection.id), source)
        phases = [self._phase(1, "Release", "succeeded()", queue, given)]
        if back := taking_back(self.task, given):
            phases.append(self._phase(2, "Take it back when something failed", "failed()", queue, back))
        return phases

    def _phase(self, rank: int, name: str, condition: str, queue: Any, given: Mapping[str, str]) -> dict[str, Any]:
        task = {
            "taskId": self.task.id,
            "version": f"{self.task.major}.*",
            "name": self.task.friendly_name,
            "refName": "release" if rank == 1 else "back",
            "enabled": True,
            "alwaysRun": False,
            "continueOnError": False,
            "timeoutInMinutes": 0,
            "definitionType": "task",
            "condition": "succeeded()",
            "inputs": dict(given),
        }
        machine = {"agentSpecification": {"identifier": self.asked.image}} if is_hosted(self.asked.pool) else {}
        deployment = {
            "parallelExecution": {"parallelExecutionType": "none"},
            "queueId": queue.id,
            "condition": condition,
        }
        return {
            "rank": rank,
            "phaseType": "agentBasedDeployment",
            "name": name,
            "refName": None,
            "workflowTasks": [task],
            "deploymentInput": {**deployment, **machine},
        }


def _approvals(approvers: Sequence[Any]) -> Any:
    from azure.devops.v7_1.release import models  # noqa: PLC0415 - an extra, and slow

    if not approvers:
        automated = models.ReleaseDefinitionApprovalStep(rank=1, is_automated=True, is_notification_on=False)
        return models.ReleaseDefinitionApprovals(approvals=[automated])
    steps = [
        models.ReleaseDefinitionApprovalStep(
            rank=rank,
            is_automated=False,
            is_notification_on=True,
            approver=models.IdentityRef(id=str(who.id), display_name=who.provider_display_name),
        )
        for rank, who in enumerate(approvers, 1)
    ]
    return models.ReleaseDefinitionApprovals(approvals=steps)


def _shape(definition: Any) -> dict[str, Any]:
    """What is ours to say, in words that a plan can name: the artifact, and each stage."""
    artifacts = [(one.alias, one.definition_reference["definition"].id) for one in definition.artifacts or []]
    return {"artifact": artifacts} | {f"stage {one.name}": _stage_shape(one) for one in definition.environments or []}


def _stage_shape(stage: Any) -> tuple[Any, ...]:
    approvals = [step.approver.id for step in stage.pre_deploy_approvals.approvals if not step.is_automated]
    phases = [phase if isinstance(phase, dict) else phase.as_dict() for phase in stage.deploy_phases]
    tasks = [
        (task["taskId"], task["version"], task["inputs"], _running(task))
        for phase in phases
        for task in phase["workflowTasks"]
    ]
    machines = [_machine(phase["deploymentInput"]) for phase in phases]
    after = [(one.name, one.value or "") for one in stage.conditions or [] if one.condition_type in STARTS]
    return stage.rank, after, approvals, tasks, machines


def _machine(told: Mapping[str, Any]) -> tuple[Any, ...]:
    return told["queueId"], (told.get("agentSpecification") or {}).get("identifier", ""), _condition(told)


def _running(task: Mapping[str, Any]) -> tuple[Any, ...]:
    """When a step runs, and whether it counts: one that is disabled releases nothing, one that may fail fails nothing."""
    flags = (task.get("enabled", True), task.get("alwaysRun", False), task.get("continueOnError", False))
    return (*flags, _condition(task))


def _condition(told: Mapping[str, Any]) -> str:
    return str(told.get("condition") or "succeeded()")
