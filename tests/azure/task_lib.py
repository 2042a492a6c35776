"""azure-pipelines-task-lib in a Node process of its own, asked by a line of JSON a question."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

SCRIPT = Path(__file__).with_name("task_lib.js")


@contextmanager
def started(folder: Path) -> Iterator[TaskLib]:
    """The library keeps a key in `folder`."""
    pipes: Any = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "encoding": "utf-8"}
    with subprocess.Popen(["node", str(SCRIPT)], cwd=folder, **pipes) as node:
        yield TaskLib(node.stdin, node.stdout)


class TaskLib:
    def __init__(self, questions: TextIO, answers: TextIO) -> None:
        self._questions = questions
        self._answers = answers

    def command(self, name: str, properties: Mapping[str, str], message: str) -> str:
        """The text of a logging command."""
        return str(self._ask({"name": name, "properties": properties, "message": message}))

    def read(self, environment: Mapping[str, str], *questions: tuple[str, ...]) -> list[Any]:
        """What its functions answer in this environment; `{"error": ...}` where one throws. Undefined is None."""
        answers = self._ask({"environment": environment, "questions": questions})
        assert isinstance(answers, list)
        return answers

    def _ask(self, question: object) -> object:
        self._questions.write(json.dumps(question) + "\n")
        self._questions.flush()
        answer = next(line for line in self._answers if line.startswith("> "))
        return json.loads(answer[2:])
