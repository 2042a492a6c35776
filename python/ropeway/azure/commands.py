"""Logging commands: what the agent executes when it reads it in a task's output.

`##vso[area.event name=value;...]data`, one a line (azure-pipelines-task-lib, docs/authoring/commands.md; the agent's own reader is
Command.cs in azure-pipelines-agent).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from ropeway.sanitise import one_line

Result = Literal["Succeeded", "SucceededWithIssues", "Failed"]
Issue = Literal["error", "warning"]

GROUP = "##[group]"
END_GROUP = "##[endgroup]"
SECTION = "##[section]"
"""Formatting: what begins a line so that the log shows it folded, or in bold."""

_NAME = re.compile(r"[a-z]+\.[a-z]+")
_PROPERTY = re.compile(r"[A-Za-z]+")


@dataclass(frozen=True)
class Command:
    """One logging command. Properties without a value are left out: the agent drops them."""

    name: str
    data: str = ""
    properties: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ValueError(f"{self.name!r} is no area.event.")
        for name, value in self.properties:
            if not _PROPERTY.fullmatch(name):
                raise ValueError(f"{name!r} cannot be the name of a property.")
            if value.startswith("="):
                raise ValueError(f"The agent would drop the leading = from the value of {name}.")

    def __str__(self) -> str:
        properties = "".join(f"{name}={_escape_property(value)};" for name, value in self.properties if value)
        return f"##vso[{self.name}{' ' if properties else ''}{properties}]{_escape(self.data)}"


def _escape(data: str) -> str:
    return data.replace("%", "%AZP25").replace("\r", "%0D").replace("\n", "%0A")


def _escape_property(value: str) -> str:
    return _escape(value).replace("]", "%5D").replace(";", "%3B")


def set_variable(name: str, value: str, *, secret: bool = False, output: bool = False) -> Command:
    """A variable for the steps that follow. As an output it is read as `$(stepName.name)`, and not as the plain `$(name)`.

    Raises ValueError for a secret of several lines, which the agent refuses.
    """
    if secret and re.search(r"[\r\n]", value):
        raise ValueError(f"The agent refuses a secret of several lines; {name} has them.")
    return Command(
        "task.setvariable", value, (("variable", name), ("isoutput", _flag(output)), ("issecret", _flag(secret)))
    )


def set_task_variable(name: str, value: str) -> Command:
    """For the other handlers of the same step only: it comes to them as VSTS_TASKVARIABLE_<NAME>."""
    return Command("task.settaskvariable", value, (("variable", name),))


def _flag(value: bool) -> str:
    return "true" if value else "false"


def set_secrets(text: str) -> Iterator[Command]:
    """Masks the text from here on: each of its lines, since the agent masks line by line, and also as `sanitise` shows it."""
    for line in re.split(r"[\r\n]+", text):
        for shown in dict.fromkeys((line.strip(), one_line(line.strip()))):
            if shown:
                yield Command("task.setsecret", shown)


def complete(result: Result, message: str) -> Command:
    return Command("task.complete", message, (("result", result),))


def log_issue(kind: Issue, message: str) -> Command:
    return Command("task.logissue", message, (("type", kind),))


def set_progress(percent: int, doing: str) -> Command:
    return Command("task.setprogress", doing, (("value", str(percent)),))


def debug(message: str) -> Command:
    """Shown only when the variable System.Debug is true."""
    return Command("task.debug", message)


def upload_summary(path: str) -> Command:
    """Shows a Markdown file beside the run. The agent reads it later: it must stay as it is."""
    return Command("task.uploadsummary", path)


def upload_file(path: str) -> Command:
    """Puts a file beside the step's log, in what is downloaded with it. It must stay as it is, too."""
    return Command("task.uploadfile", path)


MOST_TITLE = 200
"""Characters of a test run's name. Azure DevOps documents no limit; it is a heading, which has no room for the longest path of a suite."""


def publish_test_results(path: str, title: str) -> Command:
    """Shows a JUnit file on the Tests tab. That the task fails with the tests is the task's own business.

    azure-pipelines-agent, TestResultsPublisher: `resultFiles` are parted by commas.
    """
    properties = (
        ("type", "JUnit"),
        ("mergeResults", "true"),
        ("runTitle", title[:MOST_TITLE]),
        ("publishRunAttachments", "true"),
        ("failTaskOnFailedTests", "false"),
        ("testRunSystem", "Ropeway"),
        ("resultFiles", path),
    )
    return Command("results.publish", "", properties)
