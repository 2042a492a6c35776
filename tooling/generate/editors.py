"""The JSON Schema of our steps, for editors: what `ropeway schema` prints."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from ropeway.pipeline.schema import tasks_schema
from ropeway.tasks.task import Task

SCHEMA = "docs/ropeway-tasks.schema.json"


def schema(tasks: Sequence[Task[Any, Any]]) -> str:
    return json.dumps(tasks_schema(tasks), indent=2) + "\n"
