"""The files that a run leaves behind: its summary for people, its list of steps for scripts."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from ropeway import as_json
from ropeway.azure.report import results
from ropeway.azure.summary import summary
from ropeway.outcome import Outcome, Plan
from ropeway.rolled import InstanceResult
from ropeway.sanitise import lines, one_line

LIST_FILE = "listFile"
"""The output variable of the tasks that have one; its value is known here, not to them."""


def new_folder(temp_directory: str) -> str:
    """A folder of this run's own: the agent reads a summary later, when the next step may be writing its."""
    folder = os.path.join(temp_directory, f"ropeway-{os.urandom(8).hex()}")
    os.makedirs(folder)
    return folder


def write_summary(folder: str, name: str, plan: Plan[Any], outcome: Outcome[Any] | None) -> str:
    """Returns its path. Azure DevOps shows the file's name as the heading."""
    path = os.path.join(folder, f"{name}.md")
    with open(path, "w", encoding="utf-8", newline="\n") as file:
        file.write(summary(plan, outcome))
    return path


def write_test_results(folder: str, name: str, suite: str, outcome: Outcome[Any]) -> str:
    """Returns its path."""
    from ropeway.azure.junit import write_junit  # noqa: PLC0415 - for the tasks that check only: start-up counts

    path = os.path.join(folder, f"TEST-{name}.xml")
    write_junit(path, suite, outcome.checks, outcome.instances)
    return path


def write_host_log(folder: str, name: str, instances: Sequence[InstanceResult]) -> str:
    """What scripts have printed on all instances, harmless to whom a later step prints it. Returns its path."""
    path = os.path.join(folder, f"{name}-instances.log")
    with open(path, "w", encoding="utf-8", newline="\n") as file:
        for one in instances:
            for step in one.steps:
                head = f"=== {one.instance.title}: {step.name}: {step.why or 'done'} ({step.seconds:.1f} s)"
                file.writelines(f"{line}\n" for line in (one_line(head), *lines(step.printed)))
    return path


def write_list(folder: str, plan: Plan[Any], outcome: Outcome[Any] | None) -> str:
    """One JSON object a line for each step of the plan, harmless to whom a later step prints it. Returns its path.

    `done` tells whether the step was carried out; `error` is null but for one that failed, `versionId` where no versions are kept.
    """
    path = os.path.join(folder, "list.jsonl")
    begun = results(outcome)
    with open(path, "w", encoding="ascii", newline="\n") as file:
        for step in plan.steps:
            done = begun.get(id(step))
            entry = {
                "name": step.name,
                "action": step.action,
                "reason": step.reason.value,
                "size": step.size,
                "done": done is not None and done.error is None,
                "error": str(done.error) if done and done.error else None,
                "versionId": (done and done.version_id) or None,
            }
            file.write(as_json.dumps(entry, indent=None) + "\n")
    return path
