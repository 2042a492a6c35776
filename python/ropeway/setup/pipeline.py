"""A pipeline in Azure DevOps that releases by one of our tasks: a YAML pipeline with its environments; `classic` makes a release definition."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ropeway.errors import InputError
from ropeway.inputs import declared
from ropeway.outcome import Output, Reason, Step, counted, listing
from ropeway.rolled import PlannedScript
from ropeway.setup.applying import SetupPlan, step
from ropeway.setup.asked_devops import PipelineInputs
from ropeway.setup.classic import Classic
from ropeway.setup.connection import TYPE
from ropeway.setup.devops import Deed, Organization
from ropeway.setup.environments import Environment, identities
from ropeway.setup.permitting import Resource
from ropeway.setup.written import inputs_for, name_problems, yaml_of
from ropeway.tasks.task import Task

NEW = "0" * 40
"""The commit before the first one of a branch."""


def plan(asked: PipelineInputs, task: Task[Any, Any], there: Organization) -> SetupPlan[Deed]:
    """Reads only. Raises InputError for what cannot be done, AzureDevOpsError, CredentialsError, NetworkError."""
    _ = there.project_id
    check_settings(asked, task)
    connection = connection_of(asked, there)
    if asked.form == "classic":
        steps = tuple(Classic(asked, task, there, connection).steps())
        scripts: tuple[PlannedScript, ...] = ()
    else:
        steps = tuple(_Yaml(asked, task, there, connection).steps())
        scripts = (PlannedScript(asked.yaml_path, yaml_of(asked, task)),)
    todo = [one for one in steps if one.action != "skip"]
    what = f"{'release definition' if asked.form == 'classic' else 'pipeline'} {asked.pipeline_name} of {there.name}/{there.project}"
    title = f"Change {counted(len(todo), 'thing')} for the {what}" if todo else f"The {what} is as it should be"
    return SetupPlan(title=title, steps=steps, scripts=scripts, warnings=tuple(_warnings(asked, steps)))


def _warnings(asked: PipelineInputs, steps: Sequence[Step[Deed]]) -> Iterator[str]:
    if any(one.reason is Reason.PROTECTED for one in steps):
        yield (
            f"{asked.yaml_path} is there and says something else than these options; it is yours, and was left as it is. --dry-run --verbose shows "
            "what would be written."
        )


def check_settings(asked: PipelineInputs, task: Task[Any, Any]) -> None:
    """Raises InputError for inputs that the task does not have, cannot take, or lacks. A value with a macro is known in a run only."""
    known = {item.name: item.input for item in declared(task.inputs)}
    problems = []
    for pair in asked.settings:
        stage, _, name = pair.name.rpartition(".")
        if stage and stage not in asked.stages:
            problems.append(f"--settings {pair.name} names {stage}, which is no stage ({', '.join(asked.stages)}).")
        elif name not in known:
            problems.append(f"{name} is no input of {task.pipeline_name}: it has {listing(sorted(known), 60)}.")
        elif "$(" not in pair.value:
            try:
                known[name].read(pair.value)
            except ValueError as wrong:
                problems.append(f"--settings {pair.name} {wrong}")
    for stage in asked.stages:
        given = inputs_for(asked, task, stage, "c", "s")
        problems += [
            f"The stage {stage} lacks the input {name}: give --settings {name}=…"
            for name, one in known.items()
            if one.required and not one.default and not given.get(name)
        ]
    if asked.form == "yaml":
        problems += name_problems(asked)
    if problems:
        raise InputError(list(dict.fromkeys(problems)))


def connection_of(asked: PipelineInputs, there: Organization) -> Any:
    """Raises InputError where there is no connection of ours."""
    found = there.connection(asked.connection_name)
    if found is None or found.type != TYPE:
        kind = f"is of the type {found.type}" if found else "does not exist"
        raise InputError(
            [f"The service connection {asked.connection_name} {kind}; the tasks need one of the type {TYPE}."]
        ).advised("Make it with `ropeway setup connection`.")
    return found


@dataclass(frozen=True)
class _Yaml:
    asked: PipelineInputs
    task: Task[Any, Any]
    there: Organization
    connection: Any

    def steps(self) -> Iterator[Step[Deed]]:
        queue = self.there.queue(self.asked.pool)
        if queue is None:
            raise InputError([f"There is no agent pool {self.asked.pool} in {self.there.project}."])
        approvers = identities(self.there, self.asked.approvers)
        repository = self._repository()
        yield self._file(repository)
        yield self._pipeline(repository, queue)
        for stage in self.asked.stages:
            environment = Environment(self.there, stage)
            yield from environment.steps(approvers.get(stage, ()), lock=self.asked.exclusive_lock)
            yield from self._may("environment", f"environment {stage}", environment.id, environment.find)
        yield from self._may("endpoint", f"service connection {self.asked.connection_name}", str(self.connection.id))
        yield from self._may("queue", f"agent pool {self.asked.pool}", str(queue.id))

    def _may(self, kind: str, name: str, id: str, find: Any = None) -> Iterator[Step[Deed]]:
        pipeline = self.asked.pipeline_name
        yield from Resource(self.there, kind, name, id, find or (lambda: id)).steps([pipeline], new=pipeline)

    # --- the file -----------------------------------------------------------------------------------------------------------------

    def _repository(self) -> Any:
        name = self.asked.repository or self.there.project
        with self.there.asking(f"look for the repository {name}"):
            return self.there.client("git").get_repository(name, project=self.there.project)

    def _file(self, repository: Any) -> Step[Deed]:
        name = f"{self.asked.yaml_path} in repository {repository.name}, branch {self.asked.branch}"
        current = self._text(repository)
        if current is None:
            return step("create", name, Deed(f"write {name}", lambda: self._push(repository)))
        if current == yaml_of(self.asked, self.task):
            return step("skip", name)
        return Step("skip", name, Reason.PROTECTED, 0, None)

    def _text(self, repository: Any) -> str | None:
        """What is on the branch; None where there is no such file, or nothing at all in the repository yet.

        Raises InputError for a branch that is not there beside others: a push would make one that has no history, and this file alone.
        """
        from azure.devops.v7_1.git.models import GitVersionDescriptor  # noqa: PLC0415 - an extra, and slow

        branch = GitVersionDescriptor(version=self.asked.branch, version_type="branch")
        path = "/" + self.asked.yaml_path.lstrip("/")
        if self._tip(repository) == NEW:
            if others := self._heads(repository, ""):
                names = [str(ref.name).removeprefix("refs/heads/") for ref in others]
                raise InputError(
                    [
                        f"There is no branch {self.asked.branch} in repository {repository.name}: it has {listing(names)}."
                    ]
                ).advised("Give --branch.")
            return None
        item = self.there.optional(
            f"read {path} in repository {repository.name}",
            lambda: self.there.client("git").get_item(
                repository.id, path, project=self.there.project, version_descriptor=branch, include_content=True
            ),
        )
        return None if item is None else str(item.content or "")

    def _tip(self, repository: Any) -> str:
        refs = self._heads(repository, self.asked.branch)
        return next((str(ref.object_id) for ref in refs if ref.name == self._ref), NEW)

    def _heads(self, repository: Any, beginning: str) -> Sequence[Any]:
        """The branches whose names begin so."""
        with self.there.asking(f"read the branches of repository {repository.name}"):
            found: Sequence[Any] = self.there.client("git").get_refs(
                repository.id, project=self.there.project, filter=f"heads/{beginning}"
            )
        return found

    @property
    def _ref(self) -> str:
        return f"refs/heads/{self.asked.branch}"

    def _push(self, repository: Any) -> Sequence[Output]:
        """A commit of its own on top of the branch: whoever pushes at the same time makes this one fail, not the other way round."""
        from azure.devops.v7_1.git import models  # noqa: PLC0415 - an extra, and slow

        change = {
            "changeType": "add",
            "item": {"path": "/" + self.asked.yaml_path.lstrip("/")},
            "newContent": {"content": yaml_of(self.asked, self.task), "contentType": "rawtext"},
        }
        commit = models.GitCommitRef(comment=f"The pipeline {self.asked.pipeline_name}", changes=[change])
        update = models.GitRefUpdate(name=self._ref, old_object_id=self._tip(repository))
        push = models.GitPush(commits=[commit], ref_updates=[update])
        with self.there.asking(f"write {self.asked.yaml_path} to the branch {self.asked.branch} of {repository.name}"):
            self.there.client("git").create_push(push, repository.id, project=self.there.project)
        return ()

    # --- the pipeline -------------------------------------------------------------------------------------------------------------

    def _pipeline(self, repository: Any, queue: Any) -> Step[Deed]:
        name = f"pipeline {self.asked.pipeline_name}"
        existing = self.there.pipeline(self.asked.pipeline_name)
        if existing is None:
            return step("create", name, Deed(f"make the {name}", lambda: self._create(repository, queue)))
        path = (existing.process or {}).get("yamlFilename", "") if isinstance(existing.process, dict) else ""
        if path.lstrip("/") != self.asked.yaml_path.lstrip("/") or existing.repository.id != repository.id:
            raise InputError(
                [
                    f"There is a {name} already, which does not run {self.asked.yaml_path} of {repository.name}. Nothing was changed."
                ]
            ).advised("Choose another --pipeline-name, or delete that one.")
        return step("skip", name)

    def _create(self, repository: Any, queue: Any) -> Sequence[Output]:
        from azure.devops.v7_1.build import models  # noqa: PLC0415 - an extra, and slow

        definition = models.BuildDefinition(
            name=self.asked.pipeline_name,
            path="\\",
            type="build",
            quality="definition",
            queue=models.AgentPoolQueue(id=queue.id, name=queue.name),
            repository=models.BuildRepository(
                id=repository.id, name=repository.name, type="TfsGit", default_branch=self._ref
            ),
            process={"type": 2, "yamlFilename": self.asked.yaml_path},
            triggers=[{"triggerType": "continuousIntegration", "settingsSourceType": 2}],
        )
        with self.there.asking(f"make the pipeline {self.asked.pipeline_name}"):
            made = self.there.client("build").create_definition(definition, self.there.project)
        return (Output("pipelineId", str(made.id)),)
