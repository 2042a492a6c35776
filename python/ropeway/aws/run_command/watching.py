"""Looking at the invocations of a command, all of them, until each is over."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from ropeway.aws.run_command.line import Line, may_pass
from ropeway.aws.run_command.model import HostRun, untouched
from ropeway.aws.run_command.sending import Sent
from ropeway.aws.run_command.states import ENDED, OVER, VANISHED, read
from ropeway.errors import AwsError, RopewayError

LIST, GET = "ssm:ListCommandInvocations", "ssm:GetCommandInvocation"

A_PAGE = 50
"""Invocations of one answer (API reference, ListCommandInvocations)."""

BETWEEN = "\n----------ERROR-------\n"
CUTS = ("---Output truncated---", "---Error truncated----", "--output truncated--")
"""Signs of the agent's: between the two outputs, and at the end of one that it cut (amazon-ssm-agent, iohandler)."""

CUT_AT = 2_400
"""Bytes of both outputs that the agent puts into a listing; the API takes 2,500."""

NO_CODE = -1


@dataclass
class Watch:
    """A command, and how each of its hosts stood when it was last seen."""

    sent: Sent
    unseen: float
    now: dict[str, HostRun] = field(default_factory=dict)
    looked: float = 0.0
    _missing: dict[str, float] = field(default_factory=dict)
    """Since when looks that SSM answered did not list them: while nobody can look, nobody vanishes."""

    def __post_init__(self) -> None:
        self.now = {
            host: HostRun(host, "Pending", command_id=self.sent.command_id, active=True, began=False)
            for host in self.sent.hosts
        }

    @property
    def open(self) -> list[str]:
        return [host for host, run in self.now.items() if run.active]

    def look(self, line: Line, *, briefly: bool = False) -> Iterator[HostRun]:
        """One look at all of its hosts; yields those whose state has changed, with no more output than the listing has if `briefly`.

        Raises RopewayError.
        """
        listed = dict(self._listed(line))
        self.looked = moment = time.monotonic()
        for host in self.open:
            told = listed.get(host)
            if told is not None:
                self._missing.pop(host, None)
                run = _run(told) if briefly else whole(line, told, _run(told))
            elif moment - self._missing.setdefault(host, moment) > self.unseen:
                run = replace(
                    self.now[host],
                    state=VANISHED,
                    active=False,
                    began=True,
                    note=f"It was {self.now[host].state} before.",
                )
            else:
                continue
            if run != self.now[host]:
                changed = run.state != self.now[host].state
                self.now[host] = run
                if changed:
                    yield run

    def _listed(self, line: Line) -> Iterator[tuple[str, Mapping[str, Any]]]:
        arguments: dict[str, Any] = {"CommandId": self.sent.command_id, "Details": True, "MaxResults": A_PAGE}
        while True:
            try:
                answer = line.ask(
                    "list_command_invocations", doing="see what became of a script", action=LIST, **arguments
                )
            except AwsError as error:
                if error.code != "InvalidCommandId":
                    raise
                return  # SSM does not know at once what it has taken
            yield from ((str(told["InstanceId"]), told) for told in answer["CommandInvocations"])
            if not answer.get("NextToken"):
                return
            arguments["NextToken"] = answer["NextToken"]


def _run(told: Mapping[str, Any]) -> HostRun:
    plugins: Sequence[Mapping[str, Any]] = told.get("CommandPlugins") or ()
    status = str(told["Status"])
    active = status not in OVER
    state = status if active else read(str(told.get("StatusDetails") or status))
    output = "".join(str(plugin.get("Output", "")) for plugin in plugins)
    stdout, _, stderr = output.partition(BETWEEN)
    return HostRun(
        str(told["InstanceId"]),
        state,
        code=_code(plugins) if state in ENDED else NO_CODE,
        stdout=stdout,
        stderr=stderr,
        seconds=_seconds(plugins),
        command_id=str(told["CommandId"]),
        active=active,
        began=any(plugin.get("ResponseStartDateTime") for plugin in plugins)
        or not (status == "Pending" or untouched(state)),
        cut=any(sign in output for sign in CUTS) or len(output.encode()) >= CUT_AT,
    )


def _code(plugins: Sequence[Mapping[str, Any]]) -> int:
    """The first one that is not 0. A document of our own choice has one plugin."""
    codes = [int(plugin.get("ResponseCode", NO_CODE)) for plugin in plugins]
    return next((code for code in codes if code), 0) if codes else NO_CODE


def _seconds(plugins: Sequence[Mapping[str, Any]]) -> float:
    times: list[tuple[datetime, datetime]] = [
        (plugin["ResponseStartDateTime"], plugin["ResponseFinishDateTime"])
        for plugin in plugins
        if plugin.get("ResponseStartDateTime") and plugin.get("ResponseFinishDateTime")
    ]
    return sum(((finish - start).total_seconds() for start, finish in times), 0.0)


# --- what the listing cut --------------------------------------------------------------------------------------------------


def whole(line: Line, told: Mapping[str, Any], run: HostRun) -> HostRun:
    """With as much of its output as GetCommandInvocation tells, and with the exit code, where the listing lacks them."""
    lacking = run.cut or (run.state == "Success" and not told.get("CommandPlugins"))
    if run.active or not lacking:
        return run
    try:
        got = line.ask(
            "get_command_invocation",
            doing=f"read what the script printed on {run.target}",
            action=GET,
            CommandId=run.command_id,
            InstanceId=run.target,
        )
    except RopewayError as error:
        if may_pass(error):
            raise  # the next look asks again
        return replace(run, note=str(error))
    stdout, stderr = str(got.get("StandardOutputContent", "")), str(got.get("StandardErrorContent", ""))
    return replace(
        run,
        code=int(got.get("ResponseCode", NO_CODE)),
        stdout=stdout,
        stderr=stderr,
        cut=any(sign in text for text in (stdout, stderr) for sign in CUTS)
        or len(stdout) >= 24_000
        or len(stderr) >= 8_000,
    )
