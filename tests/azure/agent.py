"""A small stand-in for the agent: how it reads a line of a task's output, and how it runs a task.

The reader is written from the agent's own (azure-pipelines-agent, Command.TryParse and CommandStringConvertor), not from our writer.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.leaks import watch_files
from tests.secrecy import handed_over

FAKE = Path(__file__).parent / "fake" / "main.py"
PREFIX = "##vso["


@dataclass(frozen=True)
class Read:
    """A command as the agent understands it."""

    name: str
    properties: Mapping[str, str]
    data: str


def read_command(line: str) -> Read | None:
    """The command that the agent would execute on reading this line; None when there is none."""
    start = line.find(PREFIX)
    end = line.find("]", start)
    if start < 0 or end < 0:
        return None
    head, _, properties = line[start + len(PREFIX) : end].partition(" ")
    if len([part for part in head.split(".") if part]) != 2:
        return None
    pairs = (pair.split("=", 1) for pair in properties.split(";") if pair)
    return Read(
        head,
        {pair[0].lower(): _unescaped(pair[1]) for pair in pairs if len(pair) == 2 and pair[1]},
        _unescaped(line[end + 1 :]),
    )


def _unescaped(text: str) -> str:
    for token, replacement in ((";", "%3B"), ("\r", "%0D"), ("\n", "%0A"), ("]", "%5D"), ("%", "%AZP25")):
        text = text.replace(replacement, token)
    return text


@dataclass(frozen=True)
class Ran:
    """What a task left behind: its exit code and what it said."""

    code: int
    output: str

    @property
    def lines(self) -> list[str]:
        return self.output.split("\n")[:-1]

    @property
    def commands(self) -> list[Read]:
        return [command for line in self.lines if (command := read_command(line))]

    def data(self, name: str, **properties: str) -> list[str]:
        return [c.data for c in self.commands if c.name == name and properties.items() <= c.properties.items()]

    @property
    def completions(self) -> list[tuple[str, str]]:
        return [(c.properties["result"], c.data) for c in self.commands if c.name == "task.complete"]


class Agent:
    """Runs the fake task with the environment that an agent makes."""

    arguments = (sys.executable, "-I", "-u", "-X", "utf8", str(FAKE))  # as the launcher does

    def __init__(self, home: Path) -> None:
        self.temp = home / "temp"
        self.work = home / "s"
        self.temp.mkdir()
        self.work.mkdir()
        self._started: list[subprocess.Popen[bytes]] = []

    def environment(self, inputs: Mapping[str, str], variables: Mapping[str, str]) -> dict[str, str]:
        return {
            **os.environ,
            "TEST_SYS_PATH": os.pathsep.join(sys.path),
            "AGENT_TEMPDIRECTORY": str(self.temp),
            "SYSTEM_DEFAULTWORKINGDIRECTORY": str(self.work),
            "SYSTEM_HOSTTYPE": "build",
            **{f"INPUT_{name.upper()}": text for name, text in inputs.items()},
            **variables,
        }

    def start(self, variables: Mapping[str, str] | None = None, /, **inputs: str) -> subprocess.Popen[bytes]:
        return self.popen(self.arguments, variables or {}, inputs)

    def popen(
        self, arguments: Sequence[str], variables: Mapping[str, str], inputs: Mapping[str, str], **rest: Any
    ) -> subprocess.Popen[bytes]:
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, **rest}
        environment = self.environment(inputs, variables)
        handed_over(environment)
        self._started.append(subprocess.Popen(arguments, cwd=self.work, env=environment, **pipes))
        return self._started[-1]

    def close(self) -> None:
        for process in self._started:
            process.kill()
            with process:
                pass
        watch_files(self.temp)

    def run(self, variables: Mapping[str, str] | None = None, /, **inputs: str) -> Ran:
        return self._ended(self.start(variables, **inputs))

    def after(self, **inputs: str) -> Ran:
        """The post-job step, as the launcher starts it."""
        return self._ended(self.popen([*self.arguments, "after"], {}, inputs))

    @staticmethod
    def _ended(process: subprocess.Popen[bytes]) -> Ran:
        output, _ = process.communicate(timeout=60)
        return Ran(process.returncode, output.decode())
