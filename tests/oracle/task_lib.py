"""Asks azure-pipelines-task-lib, Microsoft's own library for tasks, what it would do."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
NODE_MODULES = HERE.parents[1] / "node_modules"


def ask(script: str, question: Any) -> Any:
    """Runs a script of this folder once with node: it gets the question on stdin and writes its answer to the file it is given."""
    with tempfile.TemporaryDirectory() as folder:
        answer = Path(folder, "answer.json")
        subprocess.run(
            ["node", HERE / script, answer],
            input=json.dumps(question).encode(),
            stdout=subprocess.DEVNULL,  # task-lib traces each call as a logging command
            check=True,
            cwd=folder,
            env={
                "PATH": os.environ["PATH"],
                "NODE_PATH": str(NODE_MODULES),
                "AGENT_TEMPDIRECTORY": folder,
                "DISTRIBUTEDTASK_TASKS_NODE_SKIPDEBUGLOGSWHENDEBUGMODEOFF": "true",
            },
        )
        return json.loads(answer.read_bytes())
