"""A folder is a registry, a file is a member, a member exports one typed constant: here, the tasks."""

from __future__ import annotations

import importlib
from typing import Any

from ropeway import tasks
from ropeway.tasks.task import Task


def task_modules() -> tuple[str, ...]:
    """The modules in `ropeway/tasks` that are tasks, sorted by name."""
    import pkgutil  # noqa: PLC0415 - an agent names the one that it runs

    return tuple(sorted(found.name for found in pkgutil.iter_modules(tasks.__path__) if found.name != "task"))


def load_task(module: str) -> Task[Any, Any]:
    """The task of one module. Only that module is imported: start-up counts."""
    member = importlib.import_module(f"ropeway.tasks.{module}").TASK
    if not isinstance(member, Task):
        raise TypeError(f"ropeway/tasks/{module}.py exports TASK as {type(member).__name__}, not as a Task.")
    return member


def all_tasks() -> tuple[Task[Any, Any], ...]:
    return tuple(load_task(module) for module in task_modules())
