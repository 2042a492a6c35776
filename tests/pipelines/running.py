"""A pipeline run as Azure Pipelines runs it: stages, jobs and hooks in their order, each job on a machine of its own, each task out of the built .vsix.

By learn.microsoft.com/azure/devops/pipelines/process: runs, stages, phases (jobs), deployment-jobs and conditions. Approvals and checks of
environments are left out: what they let through is what runs here.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.pipelines.expressions import Value, as_boolean, evaluate
from tests.vsix.agent import WORKER_ENVIRONMENT, Agent, Endpoint, Job, _expanded, mangled
from tests.vsix.commands import StepContext

GOOD = {"Succeeded", "SucceededWithIssues"}
HOOKS = ("preDeploy", "deploy", "routeTraffic", "postRouteTraffic")
TASKS = "Ropeway"
COMMAND_LINE = "d9bafed4-0b18-4f58-968d-86655b4d2ce9"
"""CmdLine, which a script is."""


@dataclass(frozen=True)
class World:
    """What a run finds: a new machine each time, the sources, the service connections by name, and what people answer to questions.

    `environment` is what the worker of each agent was started with, beside its own. `build` is the number of the build.
    """

    machine: Callable[[], Agent]
    sources: Path
    artifacts: Path
    connections: Mapping[str, Endpoint]
    environment: Mapping[str, str]
    build: str
    answer: str = "Succeeded"
    server: str = "https://dev.azure.com/example/"
    variables: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Ran:
    """A step that was run, or skipped."""

    stage: str
    job: str
    title: str
    result: str
    context: StepContext

    @property
    def place(self) -> str:
        return f"{self.stage}/{self.job}"


@dataclass
class Run:
    """How it went: of each stage, of each job (`stage/job`, and `stage/job/hook`), and of each step."""

    steps: list[Ran] = field(default_factory=list)
    stages: dict[str, str] = field(default_factory=dict)
    jobs: dict[str, str] = field(default_factory=dict)
    outputs: dict[str, dict[str, str]] = field(default_factory=dict)

    def of(self, place: str) -> list[tuple[str, str]]:
        """The steps of a job or hook: title and result."""
        return [(step.title, step.result) for step in self.steps if step.place == place]

    def step(self, title: str, stage: str = "") -> StepContext:
        (found,) = [step.context for step in self.steps if step.title == title and stage in {"", step.stage}]
        return found

    @property
    def text(self) -> str:
        return "\n".join(f"{step.place}: {step.title}: {step.result}\n{step.context.text}" for step in self.steps)


def run(pipeline: Mapping[str, Any], world: World) -> Run:
    """Runs what a pipeline was expanded to."""
    ran = Run()
    before: list[str] = []
    for stage in _stages(pipeline):
        name, needs = stage["stage"], _names(stage.get("dependsOn", before))
        outcomes = {need: ran.stages[need] for need in needs}
        if _holds(stage.get("condition"), _graph(stage, pipeline, ran), _outputs(ran, needs)):
            ran.stages[name] = _Stage(stage, pipeline, world, ran).run()
        else:
            ran.stages[name] = "Skipped"
        assert set(outcomes) <= set(ran.stages), f"{name} depends on a stage that comes later"
        before = [name]
    return ran


def _stages(pipeline: Mapping[str, Any]) -> list[dict[str, Any]]:
    if "stages" in pipeline:
        return pipeline["stages"]
    return [{"stage": "__default", "jobs": pipeline.get("jobs") or [{"job": "job", "steps": pipeline["steps"]}]}]


def _names(given: str | list[str]) -> list[str]:
    return [given] if isinstance(given, str) else list(given)


def _graph(stage: Mapping[str, Any], pipeline: Mapping[str, Any], ran: Run) -> dict[str, str]:
    """What came of all that a stage depends on, of those too that they depend on."""
    stages = _stages(pipeline)
    at = [one["stage"] for one in stages].index(stage["stage"])
    above = [stages[at - 1]["stage"]] if at else []
    found: dict[str, str] = {}
    for name in _names(stage.get("dependsOn", above)):
        found |= {name: ran.stages[name], **_graph(next(one for one in stages if one["stage"] == name), pipeline, ran)}
    return found


def _outputs(ran: Run, needs: list[str]) -> Value:
    """`dependencies.STAGE.outputs['JOB.STEP.VARIABLE']`."""
    made: dict[str, Any] = {}
    for need in needs:
        own = {place: outputs for place, outputs in ran.outputs.items() if place.startswith(f"{need}/")}
        told = {
            f"{place.split('/')[1]}.{name}": value for place, outputs in own.items() for name, value in outputs.items()
        }
        made[need] = {"result": ran.stages.get(need, ""), "outputs": told}
    return made


def _holds(
    condition: str | None, needs: Mapping[str, str], dependencies: Value = None, variables: Value = None
) -> bool:
    """Of a stage or a job. The functions look at all that it depends on, or at those that they name."""

    def chosen(names: tuple[str, ...]) -> list[str]:
        return [needs[name] for name in names or needs]

    functions = {
        "always": lambda: True,
        "succeeded": lambda *names: all(result in GOOD for result in chosen(names)),
        "failed": lambda *names: "Failed" in chosen(names),
        "canceled": lambda: "Canceled" in needs.values(),
        "succeededOrFailed": lambda *names: "Canceled" not in chosen(names),
    }
    named = {"dependencies": dependencies or {}, "variables": variables or {}}
    return as_boolean(evaluate(condition or "succeeded()", named, functions))


# --- jobs -----------------------------------------------------------------------------------------------------------------------


@dataclass
class _Stage:
    stage: Mapping[str, Any]
    pipeline: Mapping[str, Any]
    world: World
    ran: Run

    def run(self) -> str:
        results: dict[str, str] = {}
        for job in self.stage["jobs"]:
            name = job.get("deployment") or job["job"]
            needs = {need: results[need] for need in _names(job.get("dependsOn", []))}
            dependencies: dict[str, Any] = {need: {"result": result} for need, result in needs.items()}
            held = _holds(job.get("condition"), needs, dependencies)
            results[name] = self._job(name, job) if held else "Skipped"
            self.ran.jobs[f"{self.stage['stage']}/{name}"] = results[name]
        return next((bad for bad in ("Canceled", "Failed") if bad in results.values()), "Succeeded")

    def _job(self, name: str, job: Mapping[str, Any]) -> str:
        if "deployment" in job:
            return self._deployment(name, job)
        if job.get("pool") == "server":
            return self._asked(name, job)
        total = int(job.get("strategy", {}).get("parallel", 1))
        here = [
            self._on_a_machine(name, job["steps"], "build", {**self._of(name), **_place_of(at, total)}, sources=True)
            for at in range(1, total + 1)
        ]
        return "Failed" if "Failed" in here else "Succeeded"

    def _deployment(self, name: str, job: Mapping[str, Any]) -> str:
        """Each hook is a job, and sees nothing of the others. At the first that fails `on: failure:` follows."""
        assert name != "deploy", "a word that Azure keeps for itself"
        once = job["strategy"]["runOnce"]
        variables = {**self._of(name), "Environment.Name": job["environment"]}
        result = "Succeeded"
        for hook in (hook for hook in HOOKS if hook in once):
            if result in GOOD:
                result = self._hook(f"{name}/{hook}", once[hook], variables)
        end = once.get("on", {}).get("success" if result in GOOD else "failure")
        if end:
            self._hook(f"{name}/on {'success' if result in GOOD else 'failure'}", end, variables)
        return result

    def _hook(self, name: str, hook: Mapping[str, Any], variables: Mapping[str, str]) -> str:
        result = self._on_a_machine(name, hook["steps"], "YAML deployment", variables, sources=False)
        self.ran.jobs[f"{self.stage['stage']}/{name}"] = result
        return result

    def _asked(self, name: str, job: Mapping[str, Any]) -> str:
        (step,) = job["steps"]
        assert step["task"] == "ManualValidation@1"
        context = StepContext({}, {"System.HostType": "build"}, [])
        self.ran.steps.append(Ran(self.stage["stage"], name, step["displayName"], self.world.answer, context))
        return self.world.answer

    def _of(self, name: str) -> dict[str, str]:
        constants = self.pipeline.get("variables", {})
        return {**constants, "System.StageName": self.stage["stage"], "System.PhaseName": name, "System.JobName": name}

    def _on_a_machine(
        self, name: str, steps: list[Any], host: str, variables: Mapping[str, str], *, sources: bool
    ) -> str:
        job = OnMachine(self.world, host, variables)
        if sources and not any("checkout" in step for step in steps):
            steps = [{"checkout": "self"}, *steps]
        for title, result, context in job.run(steps):
            self.ran.steps.append(Ran(self.stage["stage"], name, title, result, context))
        self.ran.outputs[f"{self.stage['stage']}/{name}"] = job.outputs
        return job.status


def _place_of(position: int, total: int) -> dict[str, str]:
    return {"System.JobPositionInPhase": str(position), "System.TotalJobsInPhase": str(total)}


# --- steps ----------------------------------------------------------------------------------------------------------------------


class OnMachine:
    """One job on one machine: steps one after the other, each with the variables that those before it have set."""

    def __init__(self, world: World, host: str, variables: Mapping[str, str]) -> None:
        self.world, self.agent, self.host = world, world.machine(), host
        own = {"Build.BuildNumber": world.build, "Build.BuildId": f"id-{world.build}", "Build.RequestedFor": "Ada"}
        self.known = {**own, **world.variables, **variables}
        self.outputs: dict[str, str] = {}
        self.status = "Succeeded"

    def run(self, steps: list[dict[str, Any]]) -> Iterator[tuple[str, str, StepContext]]:
        """Title, result and what it said. In the end the post-job steps, the last task's first."""
        begun = []
        for step in steps:
            title = step.get("displayName") or next(f"{kind} {step[kind]}" for kind in step)
            if not self._wanted(step):
                yield title, "Skipped", self._context()
                continue
            context = self._run(step, begun)
            if context.result not in GOOD and not step.get("continueOnError"):
                self.status = "Failed"
            self._remember(step.get("name", ""), context)
            yield title, context.result, context
        for started in reversed(begun):
            if "postjobexecution" in started.context.definition:
                after = self.agent.after(started)
                self.status = self.status if after.result in GOOD else "Failed"
                yield f"after {started.context.definition['name']}", after.result, after

    def _wanted(self, step: Mapping[str, Any]) -> bool:
        functions = {
            "always": lambda: True,
            "succeeded": lambda: self.status in GOOD,
            "failed": lambda: self.status == "Failed",
            "succeededOrFailed": lambda: True,
        }
        return as_boolean(evaluate(step.get("condition") or "succeeded()", {"variables": self.known}, functions))

    def _remember(self, name: str, context: StepContext) -> None:
        outputs = {f"{name}.{variable}": value for variable, value in context.outputs.items()}
        self.known |= {**context.variables, **outputs}
        self.outputs |= outputs

    @property
    def _job(self) -> Job:
        return Job(
            self.host,
            {**self.known, "Agent.JobStatus": self.status},
            endpoints=tuple(self.world.connections.values()),
            server=self.world.server,
        )

    @property
    def _variables(self) -> dict[str, str]:
        return self.agent.variables(self._job)

    @property
    def artifacts(self) -> Path:
        """Where a Classic release lays them, by the aliases of their sources."""
        return Path(self._variables["System.ArtifactsDirectory"])

    def _context(self) -> StepContext:
        return StepContext({}, self._variables, [])

    def _run(self, step: Mapping[str, Any], begun: list[Any]) -> StepContext:
        if "task" in step:
            begun.append(self._task(step))
            return begun[-1].wait()
        for kind in ("script", "bash"):
            if kind in step:
                return self._script(step[kind], step)
        if "download" in step:
            self._download(step)
        elif "publish" in step:
            folder = Path(self._variables["System.DefaultWorkingDirectory"], self._text(step["publish"]))
            shutil.copytree(folder, self.world.artifacts / step["artifact"])
        elif step["checkout"] == "self":
            shutil.copytree(self.world.sources, self.agent.sources, dirs_exist_ok=True, symlinks=True)
        return self._context()

    def _task(self, step: Mapping[str, Any]) -> Any:
        task, _, major = step["task"].partition("@")
        assert task.startswith(TASKS), f"no such task is at hand here: {task}"
        assert major == str(self.agent.tasks[task].definition["version"]["Major"])
        given = {name: str(value) for name, value in step["inputs"].items()}
        for name in {"awsConnection", "awsCredentials"} & set(given):
            given[name] = self.world.connections[given[name]].id
        return self.agent.start(task, given, self._job, env={**self.world.environment, **step.get("env", {})})

    def _script(self, script: str, step: Mapping[str, Any]) -> StepContext:
        """As CmdLine@2 does it: a file, and the bash that is there; its last command is what it came to."""
        context, variables = self._context(), self._variables
        file = Path(variables["Agent.TempDirectory"]) / "script.sh"
        file.write_text(self._text(script))
        environment = {name: os.environ[name] for name in WORKER_ENVIRONMENT if name in os.environ} | {
            "TF_BUILD": "True"
        }
        environment |= {**self.world.environment, **{mangled(name): value for name, value in variables.items()}}
        environment |= {name: self._text(value) for name, value in step.get("env", {}).items()}
        command = ["bash", "--noprofile", "--norc", str(file)]
        folder = self._text(step.get("workingDirectory", "$(System.DefaultWorkingDirectory)"))
        done = subprocess.run(
            command,
            cwd=folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=120,
            check=False,
        )
        for line in done.stdout.splitlines():
            context.line(line)
        context.ended(done.returncode)
        return context

    def _download(self, step: Mapping[str, Any]) -> None:
        assert step["download"] == "current"
        place = Path(self._variables["Pipeline.Workspace"]) / step["artifact"]
        shutil.copytree(self.world.artifacts / step["artifact"], place)
        for file in place.rglob("*"):
            file.chmod(0o755 if file.is_dir() else 0o644)  # an artifact does not keep who may run a file

    def _text(self, text: str) -> str:
        return _expanded(text, {name.lower(): value for name, value in self._variables.items()})


# --- Classic releases -----------------------------------------------------------------------------------------------------------


def run_classic(definition: Mapping[str, Any], world: World) -> Run:
    """A release of a Classic definition: an environment after the other, the jobs of each in their order, on the release host."""
    ran = Run()
    ids = {task.definition["id"]: name for name, task in world.machine().tasks.items()}
    for environment in sorted(definition["environments"], key=lambda one: one["rank"]):
        name = environment["name"]
        needs = [one["name"] for one in environment["conditions"] if one["conditionType"] == "environmentState"]
        ran.stages[name] = "Skipped"
        if all(ran.stages[need] in GOOD for need in needs):
            ran.stages[name] = _environment(definition, environment, ids, world, ran)
    return ran


def _environment(
    definition: Mapping[str, Any], environment: Mapping[str, Any], ids: Mapping[str, str], world: World, ran: Run
) -> str:
    status = "Succeeded"
    for phase in sorted(environment["deployPhases"], key=lambda one: one["rank"]):
        if not _holds(phase["deploymentInput"].get("condition"), {"": status}):
            continue
        variables = {"Release.EnvironmentName": environment["name"], **_said(environment["variables"])}
        job = OnMachine(world, "release", variables)
        (source,) = definition["artifacts"]
        shutil.copytree(world.artifacts, job.artifacts / source["alias"])
        steps = [_classic_step(task, ids) for task in phase["workflowTasks"] if task["enabled"]]
        for title, result, context in job.run(steps):
            ran.steps.append(Ran(environment["name"], phase["name"], title, result, context))
        ran.jobs[f"{environment['name']}/{phase['name']}"] = job.status
        status = "Failed" if "Failed" in {status, job.status} else "Succeeded"
    return status


def _said(variables: Mapping[str, Any]) -> dict[str, str]:
    return {name: one["value"] for name, one in variables.items()}


def _classic_step(task: Mapping[str, Any], ids: Mapping[str, str]) -> dict[str, Any]:
    major = task["version"].removesuffix(".*")
    if task["taskId"] == COMMAND_LINE:
        return {"script": task["inputs"]["script"], "displayName": task["name"], "condition": task["condition"]}
    return {
        "task": f"{ids[task['taskId']]}@{major}",
        "displayName": task["name"],
        "name": task["refName"],
        "condition": task["condition"],
        "inputs": task["inputs"],
    }
