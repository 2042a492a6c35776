"""Commands on the instances of an embedded AWS, asked for as any client does."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

FINISHED = {"Success", "Failed", "TimedOut", "Cancelled"}


@dataclass(frozen=True)
class Runner:
    """`ssm`: a client. Waits by asking again, as AWS's documents say to."""

    ssm: Any

    def send(self, *lines: str, to: Any, parameters: dict[str, list[str]] | None = None, **more: Any) -> str:
        """`to`: an id, ids, or targets. Returns the command's id."""
        if isinstance(to, str):
            to = [to]
        where = {"Targets": to} if isinstance(to[0], dict) else {"InstanceIds": to}
        given = {"commands": list(lines), **(parameters or {})}
        sent = self.ssm.send_command(DocumentName="AWS-RunShellScript", Parameters=given, **where, **more)
        return str(sent["Command"]["CommandId"])

    def invocations(self, command_id: str) -> dict[str, dict[str, Any]]:
        """By instance."""
        told = self.ssm.list_command_invocations(CommandId=command_id, Details=True)["CommandInvocations"]
        return {invocation["InstanceId"]: invocation for invocation in told}

    def wait(self, command_id: str, states: set[str] = FINISHED) -> dict[str, dict[str, Any]]:
        """Until each invocation is in one of these states."""
        deadline = time.monotonic() + 240
        while True:
            told = self.invocations(command_id)
            if told and all(invocation["Status"] in states for invocation in told.values()):
                return told
            assert time.monotonic() < deadline, told
            time.sleep(0.01)

    def run(self, *lines: str, to: str, **more: Any) -> dict[str, Any]:
        """What GetCommandInvocation says when it is over."""
        command_id = self.send(*lines, to=to, **more)
        self.wait(command_id)
        return dict(self.ssm.get_command_invocation(CommandId=command_id, InstanceId=to))

    def command(self, command_id: str) -> dict[str, Any]:
        return dict(self.ssm.list_commands(CommandId=command_id)["Commands"][0])
