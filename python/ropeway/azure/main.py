"""The door of the agent: one task, from the environment that the agent made to the one completion that it waits for."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

from ropeway.aws.connection import UNVERIFIED
from ropeway.aws.session import Aws, connect, connect_later
from ropeway.azure import commands, inputs, record
from ropeway.azure.commands import Result
from ropeway.azure.endpoints import connection
from ropeway.azure.environment import AgentEnvironment
from ropeway.azure.log import AgentLog
from ropeway.azure.protocol import DIED, DONE, FAILED
from ropeway.azure.stopping import listen
from ropeway.azure.writer import OutputLost, SafeText, Writer
from ropeway.cycles import look_seldom
from ropeway.errors import InputError, RopewayError, TransferFailed
from ropeway.outcome import Cancellation, Outcome, Plan, Run
from ropeway.registry import load_task
from ropeway.sanitise import one_line
from ropeway.tasks.task import Task
from ropeway.version import VERSION

AFTER = "after"
PENDING = "ROPEWAY_PENDING"
"""The task variable that the post-job step looks at (tasks/launcher/after.js); not a word is said there while it is empty."""


def main(module: str, phase: str = "") -> int:
    """Runs the task of `ropeway/tasks/<module>.py` and answers with the exit code that the launcher expects (`protocol`).

    `phase` is "after" for the post-job step, which cleans up after a run that said something was pending. Takes the process over: its environment, its signals, its stdin and its output.
    """
    if sys.stdout is None:
        return DIED
    look_seldom()
    environment = AgentEnvironment.take(os.environ)
    writer = Writer(1)
    sys.stdout = sys.stderr = printed = SafeText(writer)
    ending = Ending(writer, printed)
    cancellation = Cancellation()
    listen(cancellation, ending.give_up)
    try:
        run = AgentRun(environment, writer, ending, cancellation)
        return run.after(module) if phase == AFTER else run.task(module)
    except OutputLost:
        return DIED


class Ending:
    """The one completion: whoever is first, the run itself or the watch over its cancellation, says how it ended."""

    def __init__(self, writer: Writer, printed: SafeText) -> None:
        self._writer = writer
        self._printed = printed
        self._lock = threading.Lock()
        self._code: int | None = None

    def say(self, result: Result, message: str, issues: tuple[commands.Command, ...] = ()) -> int:
        """Answers with the exit code, which is DONE or FAILED only once the completion has been written. Raises OutputLost."""
        with self._lock:
            if self._code is None:
                self._printed.finish()
                for issue in issues:
                    self._writer.command(issue)
                self._writer.command(commands.complete(result, one_line(message)))
                self._code = FAILED if result == "Failed" else DONE
            return self._code

    def give_up(self) -> None:
        """Ends the process here and now."""
        message = (
            "Stopped before the task could clean up. What was under way may be left half done: unfinished multipart uploads "
            "in the bucket, temporary files beside their targets. Running the step again puts right what it writes."
        )
        try:
            os._exit(self.say("Failed", message, (commands.log_issue("error", message),)))
        except OutputLost:
            os._exit(DIED)


class AgentRun:
    """One run of a task on an agent."""

    def __init__(
        self, environment: AgentEnvironment, writer: Writer, ending: Ending, cancellation: Cancellation
    ) -> None:
        self._environment = environment
        self._writer = writer
        self._ending = ending
        self._log = AgentLog(writer)
        self._run = Run(self._log, cancellation, environment.pipeline_variable, self._pending)

    def task(self, module: str) -> int:
        """From the inputs to the completion; answers with the exit code. Raises OutputLost, and nothing else."""
        return self._told(lambda: self._do(load_task(module)))

    def after(self, module: str) -> int:
        """The same of the post-job step."""
        return self._told(lambda: self._clean_up(load_task(module)))

    def _told(self, do: Callable[[], int]) -> int:
        try:
            return do()
        except OutputLost:
            raise
        except RopewayError as error:
            return self._failed(error)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is told, and the task fails
            return self._crashed(error)

    def _do(self, task: Task[Any, Any]) -> int:
        given, aws = self._connected(task)
        plan = task.plan(given, aws, self._run)
        self._warn(plan.warnings)
        self._log.plan(plan, dry_run=given.dry_run)
        outcome = None if given.dry_run else self._applied(task, plan, aws)
        self._keep(task, plan, outcome)
        return self._ended(plan, outcome)

    def _clean_up(self, task: Task[Any, Any]) -> int:
        """A task without a way to clean up has no post-job step (tooling/generate/task_json.py)."""
        given, aws = self._connected(task)
        if task.clean_up and not given.dry_run:
            task.clean_up(given, aws, self._run)
        return self._ending.say("Succeeded", "What the step had left is undone.")

    def _connected(self, task: Task[Any, Any]) -> tuple[Any, Aws]:
        self._introduce(task)
        given = inputs.read(task.inputs, self._environment)
        network = self._environment.network
        if not network.verify:
            self._warn([UNVERIFIED])
        connecting = connect_later if task.may_do_without_aws else connect
        aws = connecting(
            given,
            connection(given, self._environment),
            network=network,
            default_region=self._environment.variable("AWS.Region"),
            debug=self._log.debug,
            mask=self._mask,
        )
        return given, aws

    def _introduce(self, task: Task[Any, Any]) -> None:
        for secret in inputs.secrets(task.inputs, self._environment):
            self._mask(secret)
        host = self._environment.host_type or "unknown"
        python = ".".join(map(str, sys.version_info[:3]))
        self._log.debug(f"Ropeway {VERSION}, {task.name}, Python {python}, host type {host}")

    def _pending(self, address: str) -> None:
        self._writer.command(commands.set_task_variable(PENDING, address))

    def _mask(self, secret: str) -> None:
        for command in commands.set_secrets(secret):
            self._writer.command(command)

    def _applied(self, task: Task[Any, Any], plan: Plan[Any], aws: Aws) -> Outcome[Any]:
        outcome = _apply(task, plan, aws, self._run)
        self._log.outcome(outcome)
        self._warn(warning for warning in outcome.warnings if warning not in plan.warnings)
        for output in outcome.outputs:
            self._writer.command(commands.set_variable(output.name, output.value, output=True))
        return outcome

    def _keep(self, task: Task[Any, Any], plan: Plan[Any], outcome: Outcome[Any] | None) -> None:
        """What was done stays done when it cannot be recorded, so that is a warning."""
        plan = outcome.plan if outcome else plan  # whoever waited for a lock has planned anew
        try:
            folder = record.new_folder(self._environment.temp_directory)
            self._writer.command(
                commands.upload_summary(record.write_summary(folder, task.pipeline_name, plan, outcome))
            )
            if outcome and (outcome.checks or outcome.instances):
                results = record.write_test_results(folder, task.pipeline_name, plan.title, outcome)
                self._writer.command(commands.publish_test_results(results, one_line(f"Ropeway: {plan.title}")))
            if outcome and outcome.instances:
                log = record.write_host_log(folder, task.pipeline_name, outcome.instances)
                self._writer.command(commands.upload_file(log))
            if any(output.name == record.LIST_FILE for output in task.outputs):
                path = record.write_list(folder, plan, outcome)
                self._writer.command(commands.set_variable(record.LIST_FILE, path, output=True))
        except OSError as error:
            self._warn([f"The record of this run could not be written to {error.filename}: {error.strerror}."])

    def _warn(self, warnings: Iterable[str]) -> None:
        for warning in warnings:
            self._log.issue("warning", warning)

    def _ended(self, plan: Plan[Any], outcome: Outcome[Any] | None) -> int:
        if outcome and outcome.error:
            return self._failed(outcome.error)
        self._log.issues_left_off()
        result: Result = "SucceededWithIssues" if self._log.warned else "Succeeded"
        return self._ending.say(result, outcome.title if outcome else f"Dry run: {plan.title}")

    def _failed(self, error: RopewayError) -> int:
        messages = _messages(error)
        for message in messages:
            self._log.issue("error", message)
        self._log.issues_left_off()
        return self._ending.say("Failed", messages[0])

    def _crashed(self, error: Exception) -> int:
        import traceback  # noqa: PLC0415 - start-up counts, and this ought never to be needed

        self._log.trace("Trace of the error", "".join(traceback.format_exception(error)))
        message = (
            f"This is a bug in Ropeway, not a fault of yours: {type(error).__name__}: {error}. "
            "Please report it with the trace in the log."
        )
        self._log.issue("error", message)
        return self._ending.say("Failed", message)


def _apply(task: Task[Any, Any], plan: Plan[Any], aws: Aws, run: Run) -> Outcome[Any]:
    """An error that a task raises instead of returning it becomes an outcome too: it is recorded like any other."""
    began = time.monotonic()
    try:
        outcome: Outcome[Any] = task.apply(plan, aws, run)
    except RopewayError as error:
        outcome = Outcome(f"Not finished: {plan.title}", plan, (), (), time.monotonic() - began, error=error)
    return outcome


def _messages(error: RopewayError) -> tuple[str, ...]:
    """One for each thing that is wrong, the most telling first."""
    if isinstance(error, InputError):
        return error.problems
    if isinstance(error, TransferFailed):
        others = (str(failure) for failure in error.failures if failure.message not in error.message)
        return (str(error), *others)
    return (str(error),)
