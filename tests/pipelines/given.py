"""What the tests of the templates give them, and what they find in what becomes of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ropeway import inputs
from ropeway.inputs import declared
from tests.pipelines.expanding import ROOT, expand, load

PIPELINES = ROOT / "pipelines"
TEMPLATES = sorted(path for path in PIPELINES.glob("*/*.yml") if path.parent.name != "examples")

OF_A_KIND: Mapping[str, Any] = {
    "environments": [{"name": "test"}, {"name": "live"}],
    "siteEnvironments": [{"name": "test", "bucketName": "my-site"}],
    "serviceEnvironments": [{"name": "test", "bucketName": "my-bucket", "application": "shop"}],
    "pool": {"vmImage": "ubuntu-latest"},
    "dependsOn": [],
}
COMMON = {"s3": {"bucketName": "my-site"}, "ec2": {"bucketName": "my-bucket", "application": "shop"}}
"""What `promote-…` hands on: the inputs that have no default."""

STEPS = [{"script": "echo mine"}]
PLAIN = {"string": "given", "number": 7, "boolean": True, "stepList": STEPS}


def name_of(path: Path) -> str:
    return path.relative_to(PIPELINES).with_suffix("").as_posix()


def parameters_of(path: Path) -> list[dict[str, Any]]:
    return load(path)["parameters"]


def own_parameters(path: Path) -> list[str]:
    """Those that are no inputs of its task."""
    text = path.read_text(encoding="utf-8")
    names = [parameter["name"] for parameter in parameters_of(path)]
    if "# parameters:begin" not in text:
        return names
    generated = text.partition("# parameters:begin")[2].partition("# parameters:end")[0]
    return [name for name in names if f"- name: {name}\n" not in generated]


def mandatory(path: Path) -> dict[str, Any]:
    """The least that a template must be given."""
    given = {one["name"]: some(one) for one in parameters_of(path) if "default" not in one}
    kind = path.stem.rpartition("-")[2]
    return given | ({"inputs": COMMON[kind]} if path.stem.startswith("promote-") else {})


def enough(path: Path) -> dict[str, Any]:
    """With which all of its steps are there."""
    given = mandatory(path)
    if path.parent.name == "extends":
        given |= {name: OF_A_KIND[name] for name in ("siteEnvironments", "serviceEnvironments")}
    return given | ({"validation": True} if path.stem.startswith("canary-") else {})


def some(parameter: Mapping[str, Any]) -> Any:
    if parameter["name"] in OF_A_KIND:
        return OF_A_KIND[parameter["name"]]
    return parameter["values"][-1] if "values" in parameter else PLAIN[parameter["type"]]


def steps_in(node: Any) -> Iterator[dict[str, Any]]:
    """Every step of what a template became, of all stages, jobs and hooks, in their order."""
    if isinstance(node, dict):
        for name, inner in node.items():
            if name == "steps":
                yield from inner
            else:
                yield from steps_in(inner)
    elif isinstance(node, list):
        for item in node:
            yield from steps_in(item)


def tasks_in(node: Any, task: str = "Ropeway") -> list[dict[str, Any]]:
    return [step for step in steps_in(node) if step.get("task", "").startswith(task)]


def hooks_of(job: Mapping[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """The steps of each hook of a deployment job."""
    once = job["strategy"]["runOnce"]
    hooks = {name: hook for name, hook in once.items() if name != "on"} | once.get("on", {})
    return {name: hook["steps"] for name, hook in hooks.items()}


def the_job(path: Path, given: Mapping[str, Any]) -> dict[str, Any]:
    """The one job of a template of a job or a stage."""
    made = expand(path, given)
    (job,) = made["stages"][0]["jobs"] if "stages" in made else made["jobs"]
    return job


def read(task, given: Mapping[str, Any]):
    """The typed inputs of what a pipeline hands to a task, as its door reads them."""
    fields = {item.name: item.field for item in declared(task.inputs)}
    return inputs.read(task.inputs, {fields[name]: str(value) for name, value in given.items()}, lambda field: field)
