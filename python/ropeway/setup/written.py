"""The YAML of a pipeline: the artifact is published, and each stage releases it by one step of ours."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ropeway.inputs import camel, declared
from ropeway.setup.asked_devops import PipelineInputs
from ropeway.tasks.task import Task

HOSTED = "Azure Pipelines"
"""The pool of Microsoft's agents: they are chosen by their image."""
SOURCES = ("source_folder", "source_path")
"""The inputs that take what is released."""
SUITES = ("checksFile", "hostChecksFile")
"""The inputs that name a file of the artifact, which is read when a release is taken back, too."""
BUILD = "build"
"""The stage that publishes the artifact."""
TAKE_BACK = "takeBack"
ROLLBACK = "rollback"
"""The mode of a task, and its `onFailure` that does not leave a failed release where it is."""

HOURS = 360
"""Minutes that a job with a rollout may take: Azure cuts it off after 60 where nothing is said, and one host's hooks may take that long."""

HEAD = "# Written by `ropeway setup pipeline`, which never writes over it: change it as you like.\n"


def yaml_of(asked: PipelineInputs, task: Task[Any, Any]) -> str:
    """The whole file."""
    import yaml  # noqa: PLC0415 - help texts need none of it

    stages = [_build(asked), *(_release(asked, task, name) for name in asked.stages)]
    pool = {"vmImage": asked.image} if is_hosted(asked.pool) else {"name": asked.pool}
    document = {"trigger": [asked.branch], "pool": pool, "stages": stages}
    return HEAD + yaml.safe_dump(document, sort_keys=False, width=10_000, allow_unicode=True)


def is_hosted(pool: str) -> bool:
    """In any case, as Azure DevOps finds it."""
    return pool.casefold() == HOSTED.casefold()


def name_problems(asked: PipelineInputs) -> Iterator[str]:
    """Azure takes each name of a stage once, in any case."""
    taken = {BUILD}
    for stage in asked.stages:
        if (name := identifier(stage)).casefold() in taken:
            yield f"The stage {stage} would be called {name} in YAML, and another one is: give it another name."
        taken.add(name.casefold())


def _build(asked: PipelineInputs) -> dict[str, Any]:
    publish = {"publish": f"$(Build.SourcesDirectory)/{asked.folder}", "artifact": asked.artifact}
    return {"stage": BUILD, "jobs": [{"job": "build", "steps": [{"checkout": "self"}, publish]}]}


def _release(asked: PipelineInputs, task: Task[Any, Any], stage: str) -> dict[str, Any]:
    given = inputs_for(asked, task, stage, asked.connection_name, f"$(Pipeline.Workspace)/{asked.artifact}")
    steps = [
        {"download": "current", "artifact": asked.artifact},
        {"task": f"{task.pipeline_name}@{task.major}", "inputs": given},
    ]
    once: dict[str, Any] = {"deploy": {"steps": steps}}
    if back := taking_back(task, given):
        # A job of its own, which Azure downloads nothing for.
        fetched = steps[:1] if any(map(back.get, SUITES)) else []
        failure = [*fetched, {"task": f"{task.pipeline_name}@{task.major}", "inputs": back}]
        once["on"] = {"failure": {"steps": failure}}
    time = {"timeoutInMinutes": HOURS} if any(item.field == "host_minutes" for item in declared(task.inputs)) else {}
    job = {"deployment": "release", "environment": stage, **time, "strategy": {"runOnce": once}}
    lock = {"lockBehavior": "sequential"} if asked.exclusive_lock else {}
    return {"stage": identifier(stage), "displayName": stage, **lock, "jobs": [job]}


def taking_back(task: Task[Any, Any], given: Mapping[str, str]) -> dict[str, str]:
    """The inputs of the step that takes back what the stage has released, when something fails; none where the task cannot, or is not to.

    It finds the release by build and stage, and refuses one that is named.
    """
    modes = [item.input.choices for item in declared(task.inputs) if item.field == "mode"]
    if not modes or TAKE_BACK not in modes[0] or _leaves(given.get("onFailure", "")):
        return {}
    without = {*map(camel, SOURCES), "releaseId"}
    return {name: value for name, value in given.items() if name not in without} | {"mode": TAKE_BACK}


def _leaves(on_failure: str) -> bool:
    """Whether a release that fails is to stay. What only a run knows is taken for the default."""
    return bool(on_failure) and "$(" not in on_failure and on_failure.casefold() != ROLLBACK


def identifier(name: str) -> str:
    """A stage's name in YAML has letters, digits and underscores only, and does not begin with a digit."""
    made = "".join(letter if letter.isascii() and letter.isalnum() else "_" for letter in name)
    return f"_{made}" if made[:1].isdigit() else made


def inputs_for(
    asked: PipelineInputs, task: Task[Any, Any], stage: str, connection: str, source: str
) -> Mapping[str, str]:
    """Those of one stage: what was said for it counts more than what was said for all."""
    known = {item.field for item in declared(task.inputs)}
    given = {"awsConnection": connection} | {camel(field): source for field in SOURCES if field in known}
    for pair in asked.settings:
        if "." not in pair.name:
            given[pair.name] = pair.value
    own = {pair.name.rpartition(".")[2]: pair.value for pair in asked.settings if pair.name.rpartition(".")[0] == stage}
    return given | own
