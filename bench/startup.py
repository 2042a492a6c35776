"""Size of the extension, and how long each of its tasks takes to start: `python -m bench.startup`.

A step with nothing to do, from the start of Node to its end, on a stand-in for the agent against a null S3 on 127.0.0.1: what
every run of the task costs on top of its work. Cold is without compiled Python files in the task's folder, as on a hosted agent,
where each job is the first; warm is with them, as on an agent of one's own from the second run on.
"""

from __future__ import annotations

import platform
import resource
import shutil
import statistics
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

from bench.null_s3 import NullS3, running
from ropeway.registry import all_tasks
from ropeway.s3.inputs import S3Inputs
from tests.secrecy import SECRET_ACCESS_KEY
from tests.vsix.agent import Agent, Job
from tooling.vsix import build

RUNS = 15
TOOLKIT = 0.65
ENGINES = ("wire", "boto3")
KEYS = Job(secrets={"AWS.AccessKeyID": "AKIAIOSFODNN7EXAMPLE", "AWS.SecretAccessKey": SECRET_ACCESS_KEY})
NOTHING_TO_DO = {
    "bucketName": "bucket",
    "regionName": "us-east-1",
    "noMatch": "ignore",
    "forcePathStyleAddressing": "true",
}


def main() -> None:
    with tempfile.TemporaryDirectory() as scratch, running(NullS3()) as server:
        built = build(Path(scratch) / "dist", Path(scratch) / "work")
        agent = Agent(Path(scratch) / "agent")
        agent.install(built.file)
        _fill_tool_cache(agent)
        print(f"The extension has {built.file.stat().st_size / 1e6:.1f} MB.\n")
        print("| task | packed | unpacked | engine | cold | CPU | warm | CPU | the AWS Toolkit's |")
        print("|---|---|---|---|---|---|---|---|---|")
        for task in all_tasks():
            if issubclass(task.inputs, S3Inputs):
                sizes = f"{built.sizes[task.name] / 1e6:.1f} MB | {_unpacked(built.file, task.name) / 1e6:.1f} MB"
                for engine in ENGINES:
                    started = _started(agent, task.pipeline_name, engine, server.url)
                    print(f"| {task.pipeline_name} | {sizes} | {engine} | {started} | {TOOLKIT} s |", flush=True)


def _started(agent: Agent, task: str, engine: str, url: str) -> str:
    """Four cells of the table: cold and warm, each with its CPU."""
    inputs = NOTHING_TO_DO | {"endpointUrl": url, "transferEngine": engine}
    cold = _measured(lambda: _run(agent, task, inputs), before=lambda: _forget(agent.tasks[task].folder))
    warm = _measured(lambda: _run(agent, task, inputs))
    return f"{cold} | {warm}"


def _fill_tool_cache(agent: Agent) -> None:
    """As on a hosted agent. What stands on the path of this machine may be a wrapper that takes longer than Python itself."""
    python = agent.tools / "Python" / platform.python_version()
    arch = {"x86_64": "x64", "amd64": "x64", "aarch64": "arm64", "arm64": "arm64"}[platform.machine().lower()]
    (python / arch / "bin").mkdir(parents=True)
    (python / arch / "bin" / "python").symlink_to(Path(sys.executable).resolve())
    (python / f"{arch}.complete").touch()


def _run(agent: Agent, task: str, inputs: dict[str, str]) -> None:
    step = agent.run(task, inputs, KEYS)
    if step.result != "Succeeded":
        sys.exit(step.text)


def _forget(folder: Path) -> None:
    for compiled in list(folder.rglob("__pycache__")):
        shutil.rmtree(compiled)


def _measured(do: Callable[[], None], before: Callable[[], None] = lambda: None) -> str:
    """The fastest of some runs, which the rest of the machine disturbed least, and their median; one before them does not count.

    Beside it the least CPU of Node and Python together, which other work on the machine changes less.
    """
    seconds, spent = [], []
    for run in range(RUNS + 1):
        before()
        began, cpu = time.perf_counter(), _cpu()
        do()
        if run:
            seconds.append(time.perf_counter() - began)
            spent.append(_cpu() - cpu)
    return f"{min(seconds):.2f} s ({statistics.median(seconds):.2f}) | {min(spent):.2f} s"


def _cpu() -> float:
    """Seconds, of all processes that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _unpacked(vsix: Path, task: str) -> int:
    with zipfile.ZipFile(vsix) as package:
        return sum(entry.file_size for entry in package.infolist() if entry.filename.startswith(f"tasks/{task}/"))


if __name__ == "__main__":
    main()
