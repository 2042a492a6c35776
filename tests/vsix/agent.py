"""A stand-in for the Azure Pipelines agent, as far as a task can tell the difference.

Written from the agent's own behaviour (microsoft/azure-pipelines-agent: TaskRunner.cs, Handler.cs, NodeHandler.cs, VarUtil.cs,
ProcessInvoker.cs, StepsRunner.cs). What it reads of a task's output is in `commands.py`.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import threading
import time
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from tests.leaks import watch, watch_files
from tests.secrecy import ACCESS_TOKEN, handed_over
from tests.vsix.commands import StepContext

SIGINT_TIMEOUT = 7.5
SIGTERM_TIMEOUT = 2.5
SYSTEM_TOKEN = ACCESS_TOKEN

# What the worker itself was started with: a service's environment, not a developer's.
WORKER_ENVIRONMENT = ("PATH", "HOME", "LANG", "TMPDIR", "SYSTEMROOT", "TEMP", "TMP")


@dataclass(frozen=True)
class Endpoint:
    """A service connection. Parameters are its authorisation, and masked; data is the rest."""

    id: str
    parameters: Mapping[str, str]
    data: Mapping[str, str] = field(default_factory=dict)
    scheme: str = "UsernamePassword"
    url: str = "https://aws.amazon.com/"


@dataclass(frozen=True)
class Job:
    """What the server sends: which host, variables, secret variables, service connections; and where it is."""

    host: str = "build"
    variables: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)
    endpoints: tuple[Endpoint, ...] = ()
    server: str = "https://dev.azure.com/example/"


@dataclass(frozen=True)
class InstalledTask:
    folder: Path
    definition: Mapping[str, Any]


def mangled(name: str) -> str:
    return name.replace(".", "_").replace(" ", "_").upper()


class Agent:
    """One agent's machine: its work folder, and the tasks that it has downloaded."""

    def __init__(self, root: Path, node: str = "node") -> None:
        self.root = root
        self.node = shutil.which(node) or node
        self.tasks: dict[str, InstalledTask] = {}
        self._steps: list[Step] = []
        for name in ("_work/_tasks", "_work/_temp", "_work/_tool", "_work/1/s", "_work/1/a", "_work/r1/a"):
            (root / name).mkdir(parents=True)

    @property
    def sources(self) -> Path:
        return self.root / "_work/1/s"

    @property
    def tools(self) -> Path:
        return self.root / "_work/_tool"

    def install(self, vsix: Path) -> None:
        """Lay the tasks of an extension down as the server and the agent do: a folder for each version of each task."""
        with zipfile.ZipFile(vsix) as package:
            contributions = json.loads(package.read("extension.vsomanifest"))["contributions"]
            for contribution in contributions:
                if contribution["type"] == "ms.vss-distributed-task.task":
                    self._download(package, contribution["properties"]["name"] + "/")

    def _download(self, package: zipfile.ZipFile, prefix: str) -> None:
        definition = json.loads(package.read(f"{prefix}task.json"))
        version = ".".join(str(definition["version"][part]) for part in ("Major", "Minor", "Patch"))
        folder = self.root / "_work/_tasks" / f"{definition['name']}_{definition['id']}" / version
        for name in package.namelist():
            if name.startswith(prefix) and not name.endswith("/"):
                file = folder / name.removeprefix(prefix)
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(package.read(name))
        self.tasks[definition["name"]] = InstalledTask(folder, definition)

    def run(self, task: str, inputs: Mapping[str, str], job: Job | None = None, **options: Any) -> StepContext:
        """Run a step to its end. Options are those of `start`."""
        return self.start(task, inputs, job, **options).wait()

    def start(
        self, task: str, inputs: Mapping[str, str], job: Job | None = None, *, env: Mapping[str, str] | None = None,
        node24: bool = False,
    ) -> Step:  # fmt: skip
        """Start a step. `env` is its `env:` block; `node24` the switch by which a server lets Node24 be used."""
        installed, job = self.tasks[task], job or Job()
        handlers = installed.definition["execution"]
        handler = handlers["Node24"] if node24 and "Node24" in handlers else handlers["Node20_1"]
        target = installed.folder / handler["target"]
        assert target.is_file(), f"{target} does not exist"
        variables = self.variables(job)
        handed_over(
            {**job.secrets, **{name: value for each in job.endpoints for name, value in each.parameters.items()}}
        )
        environment = self.environment(installed, inputs, job, variables, env or {})
        context = StepContext(installed.definition, variables, list(_secrets(job)))
        folder = Path(variables["System.DefaultWorkingDirectory"])
        self._steps.append(Step([self.node, str(target)], folder, environment, context))
        return self._steps[-1]

    def after(self, step: Step) -> StepContext:
        """The post-job handler of a step that has begun, however it ended: the same inputs, and the task variables it has set."""
        definition, told = step.context.definition, step.context.task_variables
        (target,) = {handler["target"] for handler in definition["postjobexecution"].values()}
        left = {f"VSTS_TASKVARIABLE_{mangled(name)}": value for name, value in told.items()}
        context = StepContext(definition, step.context.job_variables, list(step.context.secrets))
        path = self.tasks[definition["name"]].folder / target
        self._steps.append(Step([self.node, str(path)], step.folder, {**step.environment, **left}, context))
        return self._steps[-1].wait()

    def close(self) -> None:
        """End what a test that failed has left running."""
        for step in self._steps:
            step.end()
        watch_files(self.root / "_work/_temp")

    # --- variables -------------------------------------------------------------------------------------------------------

    def variables(self, job: Job) -> dict[str, str]:
        """The agent's own, the host's, and the job's."""
        work = self.root / "_work"
        common = {
            "Agent.Name": "stand-in",
            "Agent.OS": "Linux",
            "Agent.RootDirectory": str(work),
            "Agent.WorkFolder": str(work),
            "Agent.TempDirectory": str(work / "_temp"),
            "Agent.ToolsDirectory": str(work / "_tool"),
            "Agent.JobStatus": "Succeeded",
            "Agent.Version": "5.278.0",
            "System.CollectionUri": "https://dev.azure.com/example/",
            "System.TeamProject": "Shop",
            "System.Culture": "en-US",
            "Build.BuildId": "4711",
            "Build.BuildNumber": "20261101.3",
            "Build.DefinitionName": "shop",
        }
        return common | _HOSTS[job.host](work) | dict(job.variables)

    # --- environment -----------------------------------------------------------------------------------------------------

    def environment(
        self, task: InstalledTask, inputs: Mapping[str, str], job: Job, variables: Mapping[str, str], env: Mapping[str, str]
    ) -> dict[str, str]:  # fmt: skip
        known = {name.lower(): value for name, value in {**variables, **job.secrets}.items()}
        given = self._inputs(task.definition, inputs, known, variables)
        environment = {name: os.environ[name] for name in WORKER_ENVIRONMENT if name in os.environ}
        environment |= {"AWS_EC2_METADATA_DISABLED": "true", "TF_BUILD": "True"}
        environment |= {name: _expanded(value.strip(), known) for name, value in env.items()}
        environment |= {mangled(name): value for name, value in variables.items()}
        environment |= {"agent.jobstatus": variables["Agent.JobStatus"]}
        environment |= {f"SECRET_{mangled(name)}": value for name, value in job.secrets.items()}
        environment |= {
            "VSTS_PUBLIC_VARIABLES": json.dumps(list(variables)),
            "VSTS_SECRET_VARIABLES": json.dumps(list(job.secrets)),
        }
        environment |= {f"INPUT_{mangled(name)}": value for name, value in given.items()}
        for endpoint in _referenced(task.definition, given, job):
            environment |= _endpoint_environment(endpoint)
        return environment | {
            "ENDPOINT_URL_SYSTEMVSSCONNECTION": job.server,
            "ENDPOINT_AUTH_SCHEME_SYSTEMVSSCONNECTION": "OAuth",
            "ENDPOINT_AUTH_SYSTEMVSSCONNECTION": json.dumps(
                {"parameters": {"AccessToken": SYSTEM_TOKEN}, "scheme": "OAuth"}
            ),
            "ENDPOINT_AUTH_PARAMETER_SYSTEMVSSCONNECTION_ACCESSTOKEN": SYSTEM_TOKEN,
        }

    def _inputs(
        self, definition: Mapping[str, Any], inputs: Mapping[str, str], known: Mapping[str, str], variables: Mapping[str, str]
    ) -> dict[str, str]:  # fmt: skip
        """Every declared input arrives: trimmed, its macros expanded, paths made absolute (even empty ones)."""
        declared = {item["name"]: item for item in definition["inputs"]}
        aliases = {alias: item["name"] for item in definition["inputs"] for alias in item.get("aliases", ())}
        given = {aliases.get(name, name): value for name, value in inputs.items()}
        assert given.keys() <= declared.keys(), f"no such input: {given.keys() - declared.keys()}"
        values = {name: str(item.get("defaultValue", "")).strip() for name, item in declared.items()}
        values |= {name: value.strip() for name, value in given.items()}
        values = {name: _expanded(value, known) for name, value in values.items()}
        for name, item in declared.items():
            if item["type"] == "filePath":
                values[name] = os.path.normpath(os.path.join(self._path_root(variables), values[name]))
        return values

    def _path_root(self, variables: Mapping[str, str]) -> str:
        if variables["System.HostType"] == "build":
            return variables["Build.SourcesDirectory"]
        return variables["System.ArtifactsDirectory"]


def _expanded(value: str, known: Mapping[str, str]) -> str:
    """An unknown macro stays as it is, and what was put in is not looked at again."""
    return re.sub(r"\$\(([^)]+)\)", lambda macro: known.get(macro[1].lower(), macro[0]), value)


def _referenced(definition: Mapping[str, Any], inputs: Mapping[str, str], job: Job) -> Iterator[Endpoint]:
    connected = [item["name"] for item in definition["inputs"] if item["type"].startswith("connectedService:")]
    asked = {part.strip() for name in connected for part in inputs[name].split(",")}
    return (endpoint for endpoint in job.endpoints if endpoint.id in asked)


def _endpoint_environment(endpoint: Endpoint) -> dict[str, str]:
    authorization = {"parameters": dict(endpoint.parameters), "scheme": endpoint.scheme}
    environment = {
        f"ENDPOINT_URL_{endpoint.id}": endpoint.url,
        f"ENDPOINT_AUTH_{endpoint.id}": json.dumps(authorization),
        f"ENDPOINT_AUTH_SCHEME_{endpoint.id}": endpoint.scheme,
        f"ENDPOINT_DATA_{endpoint.id}": json.dumps(dict(endpoint.data)),
    }
    for kind, values in (("AUTH_PARAMETER", endpoint.parameters), ("DATA", endpoint.data)):
        environment |= {f"ENDPOINT_{kind}_{endpoint.id}_{mangled(name)}": value for name, value in values.items()}
    return environment


def _secrets(job: Job) -> Iterator[str]:
    yield SYSTEM_TOKEN
    yield from job.secrets.values()
    for endpoint in job.endpoints:
        yield from endpoint.parameters.values()


def _build(work: Path) -> dict[str, str]:
    return {
        "System.HostType": "build",
        "System.DefaultWorkingDirectory": str(work / "1/s"),
        "Build.SourcesDirectory": str(work / "1/s"),
        "Build.ArtifactStagingDirectory": str(work / "1/a"),
        "Pipeline.Workspace": str(work / "1"),
    }


def _yaml_deployment(work: Path) -> dict[str, str]:
    """A deployment job of a YAML pipeline: to the agent it is a build."""
    return _build(work) | {"Environment.Name": "production", "Strategy.Name": "runOnce", "System.StageName": "Deploy"}


def _release(work: Path) -> dict[str, str]:
    """A stage of a Classic release."""
    return {
        "System.HostType": "release",
        "System.DefaultWorkingDirectory": str(work / "r1/a"),
        "System.ArtifactsDirectory": str(work / "r1/a"),
        "Agent.ReleaseDirectory": str(work / "r1/a"),
        "Release.ReleaseId": "12",
        "Release.ReleaseName": "Release-12",
        "Release.EnvironmentName": "production",
        "Release.PrimaryArtifactSourceAlias": "_shop",
    }


def _deployment_group(work: Path) -> dict[str, str]:
    """A deployment group job of a Classic release."""
    return _release(work) | {"System.HostType": "deployment"}


_HOSTS = {
    "build": _build,
    "YAML deployment": _yaml_deployment,
    "release": _release,
    "deployment": _deployment_group,
}


class Step:
    """A running step: a process with its stdin closed, whose two outputs are read by a thread each."""

    def __init__(
        self, command: list[str], folder: Path, environment: Mapping[str, str], context: StepContext, timeout: float = 120
    ) -> None:  # fmt: skip
        self.context = context
        self.timeout = timeout
        self.folder = folder
        self.environment = dict(environment)
        self.process = subprocess.Popen(
            command, cwd=folder, env=dict(environment), start_new_session=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        assert self.process.stdin
        self.process.stdin.close()
        self._readers = [self._reader(self.process.stdout), self._reader(self.process.stderr)]

    def _reader(self, stream: IO[bytes] | None) -> threading.Thread:
        assert stream
        thread = threading.Thread(target=self._read, args=(stream,), daemon=True)
        thread.start()
        return thread

    def _read(self, stream: IO[bytes]) -> None:
        for line in open(stream.fileno(), encoding="utf-8", errors="replace", closefd=False):  # noqa: SIM115
            watch("the log", line)
            self.context.line(line.rstrip("\n"))

    def wait(self) -> StepContext:
        """To the natural end. A step that does not end, or whose output stays open, is killed and an error."""
        try:
            assert self.output_closes_within(self.timeout), "the step goes on, or left a process that holds its output"
            code = self.process.wait(self.timeout)
        finally:
            self.end()
        self.context.ended(code)
        return self.context

    def cancel(self) -> float:
        """As the agent cancels: both signals to this one process, then the tree is killed. Returns the seconds that it took."""
        begun = time.monotonic()
        for number, patience in ((signal.SIGINT, SIGINT_TIMEOUT), (signal.SIGTERM, SIGTERM_TIMEOUT)):
            self.process.send_signal(number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(patience)
                break
        else:
            self.context.killed = True
        seconds = time.monotonic() - begun
        self.end()
        self.context.cancelled()
        return seconds

    def output_closes_within(self, seconds: float) -> bool:
        """Whether no process holds the outputs any more: who was started by the step is gone."""
        until = time.monotonic() + seconds
        for thread in self._readers:
            thread.join(max(until - time.monotonic(), 0))
        return not any(thread.is_alive() for thread in self._readers)

    def end(self) -> None:
        """Kill whatever is left of the tree, and close the outputs."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        assert self.output_closes_within(5)
        for stream in (self.process.stdout, self.process.stderr):
            assert stream
            stream.close()
