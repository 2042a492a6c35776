"""What the agent makes of a task's output: logging commands, masking, and the result of the step.

Written from the agent's own behaviour (microsoft/azure-pipelines-agent: Command.cs, WorkerCommandManager.cs,
TaskCommandExtension.cs, TaskRestrictionsChecker.cs, TaskResultUtil.cs, StepsRunner.cs).
"""

from __future__ import annotations

import fnmatch
import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

# In the order of the agent's enum, by which results are merged.
RESULTS = ("Succeeded", "SucceededWithIssues", "Failed", "Canceled", "Skipped", "Abandoned")
RESTRICTED_MODE = {"logdetail", "logissue", "issue", "complete", "setprogress", "setsecret", "setvariable", "debug",
                   "settaskvariable", "prependpath"}  # fmt: skip
AREAS = {
    "task": {"build", "release", "deployment"}, "artifact": {"build", "release"}, "release": {"release", "deployment"},
    "build": {"build"}, "results": {"build", "release", "deployment"}, "telemetry": {"build", "release", "deployment"},
}  # fmt: skip


@dataclass(frozen=True)
class Command:
    area: str
    event: str
    properties: Mapping[str, str]
    data: str


def parse(line: str) -> Command | None:
    """The first command in a line, wherever it stands; its header ends at the first `]`."""
    if not (found := re.search(r"##vso\[([^\]]*)\](.*)", line, re.DOTALL)):
        return None
    name, _, text = found[1].partition(" ")
    parts = [part for part in name.split(".") if part]
    if len(parts) != 2:
        return None
    properties = {}
    for pair in filter(None, text.split(";")):
        key, _, value = pair.lstrip("=").partition("=")
        if key and (value := value.lstrip("=")):
            properties[key.lower()] = unescape(value)
    return Command(parts[0].lower(), parts[1].lower(), properties, unescape(found[2]))


def unescape(text: str) -> str:
    for escape, token in (("%3B", ";"), ("%0D", "\r"), ("%0A", "\n"), ("%5D", "]"), ("%AZP25", "%")):
        text = text.replace(escape, token)
    return text


def worse(one: str | None, other: str) -> str:
    if one is None:
        return other
    if RESULTS.index(one) > RESULTS.index("Failed"):
        return one
    return max(one, other, key=RESULTS.index)


class CommandFailed(Exception):
    """The agent fails the step for a command that it cannot carry out."""


@dataclass
class StepContext:
    """A step as the server sees it in the end. Lines come from two threads; commands are carried out one at a time."""

    definition: Mapping[str, Any]
    job_variables: Mapping[str, str]
    secrets: list[str]
    log: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    debug: list[str] = field(default_factory=list)
    completions: list[tuple[str, str]] = field(default_factory=list)
    variables: dict[str, str] = field(default_factory=dict)
    outputs: dict[str, str] = field(default_factory=dict)
    task_variables: dict[str, str] = field(default_factory=dict)
    progress: list[tuple[int, str]] = field(default_factory=list)
    summaries: list[Path] = field(default_factory=list)
    uploads: list[Path] = field(default_factory=list)
    published: list[tuple[Mapping[str, str], list[Path]]] = field(default_factory=list)
    exit_code: int | None = None
    killed: bool = False
    _result: str | None = None
    _command_result: str | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def result(self) -> str:
        """What the run shows for the step."""
        result = self._result if self._command_result is None else worse(self._result, self._command_result)
        return result or "Succeeded"

    @property
    def text(self) -> str:
        """The log as a user reads it."""
        return "\n".join(self.log)

    # --- as the agent drives it ------------------------------------------------------------------------------------------

    def line(self, line: str) -> None:
        command = parse(line)
        with self._lock:
            if command is None:
                if "##vso" in line:
                    self._warn(f"'{line}' contains logging command keyword '##vso', but it's not a legal command.")
                self._write(line)
                return
            try:
                self._carry_out(command)
            except CommandFailed as error:
                self._fail(f"Unable to process command '{line}' successfully. {error}")

    def ended(self, code: int) -> None:
        """A non-zero exit code fails the step, whatever the task said."""
        self.exit_code = code
        if code:
            self._error(f"Exit code {code} returned from process.")
            self._result = "Failed"

    def cancelled(self) -> None:
        self._result = "Canceled"

    # --- commands --------------------------------------------------------------------------------------------------------

    def _carry_out(self, command: Command) -> None:
        if command.area not in AREAS:
            self._warn(f"Can't find command extension for ##vso[{command.area}.command].")
            return
        host = self.job_variables["System.HostType"]
        if host not in AREAS[command.area]:
            self._fail(f"{command.area} commands are not supported for {host}.")
            return
        if (command.area, command.event) == ("results", "publish"):
            self._results_publish(command)
            return
        if command.area != "task":
            self._write(f"(carried out: {command})")
            return
        carry_out = getattr(self, f"_task_{command.event}", None)
        if carry_out is None:
            raise CommandFailed(f"##vso[task.{command.event}] is not a recognized command for task command extension.")
        restricted = self.definition.get("restrictions", {}).get("commands", {}).get("mode") == "restricted"
        if restricted and command.event not in RESTRICTED_MODE:
            self._warn(f"##vso[task.{command.event}] is not allowed in this step due to policy restrictions.")
            return
        carry_out(command)

    def _task_complete(self, command: Command) -> None:
        result = command.properties.get("result", "")
        if result not in RESULTS:  # in this spelling only
            raise CommandFailed("Command doesn't have valid result value.")
        self.completions.append((result, command.data))
        self._result = worse(self._result, result)

    def _task_logissue(self, command: Command) -> None:
        kind = command.properties.get("type", "").lower()
        if kind not in {"error", "warning"}:
            raise CommandFailed(f"issue type {kind} is not an expected issue type.")
        self._error(command.data) if kind == "error" else self._warn(command.data)

    _task_issue = _task_logissue

    def _task_debug(self, command: Command) -> None:
        self.debug.append(self._masked(command.data))

    def _task_setprogress(self, command: Command) -> None:
        value = command.properties.get("value", "")
        percent = int(value) if re.fullmatch(r"[+-]?\d+", value) else 0
        self.progress.append((min(max(percent, 0), 100), command.data))

    def _task_setsecret(self, command: Command) -> None:
        if command.data:
            self.secrets.append(command.data)

    def _task_setvariable(self, command: Command) -> None:
        name = command.properties.get("variable", "")
        if not name:
            raise CommandFailed("Required field 'variable' is missing in ##vso[task.setvariable] command.")
        if name.lower() in {known.lower() for known in self.job_variables}:
            raise CommandFailed(f"Overwriting readonly variable '{name}' is not permitted.")
        if command.properties.get("issecret", "").lower() == "true":
            if "\n" in command.data:
                raise CommandFailed("Secrets cannot contain multiple lines.")
            self.secrets.append(command.data)
        if not self._settable(name):
            self._warn(f"Setting variable '{name}' has been disabled by the task or build definition.")
            return
        is_output = command.properties.get("isoutput", "").lower() == "true"
        if is_output or name in {output["name"] for output in self.definition.get("outputVariables", ())}:
            self.outputs[name] = command.data  # read as $(step.name); the plain $(name) is not set
        else:
            self.variables[name] = command.data

    def _task_settaskvariable(self, command: Command) -> None:
        self.task_variables[command.properties["variable"]] = command.data

    def _settable(self, name: str) -> bool:
        restrictions = self.definition.get("restrictions", {}).get("settableVariables")
        allowed = restrictions["allowed"] if restrictions else ["*"]
        return any(fnmatch.fnmatchcase(name.lower(), pattern.lower()) for pattern in allowed)

    def _task_uploadfile(self, command: Command) -> None:
        if not Path(command.data).is_file():
            raise CommandFailed("Cannot upload task attachment file, attachment file location is not specified.")
        self.uploads.append(Path(command.data))

    def _task_uploadsummary(self, command: Command) -> None:
        if not Path(command.data).is_file():
            raise CommandFailed("Cannot upload task attachment file, attachment file location is not specified.")
        self.summaries.append(Path(command.data))

    def _results_publish(self, command: Command) -> None:
        """Files stand in `resultFiles`, or else in the data, with commas between them (ResultsCommandExtension.cs)."""
        if command.properties.get("type", "").lower() not in {"junit", "nunit", "vstest", "xunit", "ctest"}:
            raise CommandFailed("Result type is not valid, or missing.")
        names = (command.properties.get("resultfiles") or command.data).split(",")
        files = [Path(name.strip()) for name in names if name.strip()]
        if not files:
            raise CommandFailed("No test result files matching the given input were found.")
        if missing := [file for file in files if not file.is_file()]:
            self._warn(f"Could not find test result file {missing[0]}.")
        self.published.append((command.properties, files))

    # --- words -----------------------------------------------------------------------------------------------------------

    def _masked(self, text: str) -> str:
        for secret in sorted(filter(str.strip, self.secrets), key=len, reverse=True):
            text = text.replace(secret, "***")
        return text

    def _write(self, line: str) -> None:
        self.log.append(self._masked(line))

    def _error(self, message: str) -> None:
        self.errors.append(self._masked(message))
        self._write(f"##[error]{message}")

    def _warn(self, message: str) -> None:
        self.warnings.append(self._masked(message))
        self._write(f"##[warning]{message}")

    def _fail(self, message: str) -> None:
        self._error(message)
        self._command_result = "Failed"
