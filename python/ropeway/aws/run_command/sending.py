"""Sending a script to up to 50 hosts. It is sent once, also when SSM's answer was lost on the way."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any

from ropeway.aws.run_command.line import Line, is_in_doubt, may_pass
from ropeway.aws.run_command.model import HostRun, Script, Terms
from ropeway.aws.run_command.states import NOT_MANAGED, NOT_SENT, UNSURE
from ropeway.errors import AwsError, NetworkError, RopewayError
from ropeway.outcome import Cancellation, listing

SEND, COMMANDS = "ssm:SendCommand", "ssm:ListCommands"

MOST_AT_ONCE = 50
"""Instances of one SendCommand (API reference)."""

AGO = timedelta(minutes=15)
"""AWS's clock and this machine's may differ by so much."""

REFUSED = {"InvalidInstanceId": NOT_MANAGED, "UnsupportedPlatformType": "InvalidPlatform"}
"""Codes that are about some of the instances; SSM sends to none of them then."""


@dataclass(frozen=True)
class Sent:
    """A command under way, and the hosts that it was sent to."""

    command_id: str
    hosts: tuple[str, ...]


@dataclass
class Sending:
    """Sends to some hosts at a time. Whom SSM refused is in `unsent`; `in_doubt` says of what was raised last that SSM may have
    taken the script all the same.
    """

    line: Line
    script: Script
    parameters: Mapping[str, Sequence[str]]
    terms: Terms
    cancellation: Cancellation
    unsent: list[HostRun] = field(default_factory=list)
    in_doubt: bool = False

    def send(self, hosts: Sequence[str]) -> Iterator[Sent]:
        """No command, one, or several where SSM takes some of the hosts only. Raises RopewayError when it takes none for another reason."""
        try:
            yield Sent(self._send(hosts), tuple(hosts))
        except AwsError as error:
            if error.code not in REFUSED:
                raise
            yield from self._send_to_others(hosts, error)

    def _send_to_others(self, hosts: Sequence[str], error: AwsError) -> Iterator[Sent]:
        """SSM names those that it refuses, but not in every region: where it names none, they are found by halves."""
        _, _, answer = error.message.rpartition("AWS answered")
        named = [host for host in hosts if host in re.findall(r"\bm?i-[0-9a-f]{8,17}\b", answer)]
        if not named and len(hosts) > 1:
            middle = len(hosts) // 2
            yield from self.send(hosts[:middle])
            yield from self.send(hosts[middle:])
            return
        refused = named or hosts
        self.unsent += [HostRun(host, REFUSED[error.code], began=False) for host in refused]
        others = [host for host in hosts if host not in refused]
        yield from self.send(others) if others else ()

    def _send(self, hosts: Sequence[str]) -> str:
        comment = f"{self.terms.comment[:60]} {uuid.uuid4().hex}"  # 100 characters at most
        doubted = False
        for pause in (*self.terms.pace.again, None):
            try:
                command_id = self._ask(hosts, comment)
            except RopewayError as error:
                self.in_doubt = is_in_doubt(error)
                if self.in_doubt and (found := self._find(comment, error)):
                    return found
                doubted = doubted or self.in_doubt
                if not may_pass(error) or pause is None or self.cancellation.wait(pause):
                    raise
                continue
            if doubted:
                self._stop_twins(comment, command_id)
            return command_id
        raise AssertionError("The last attempt returns or raises.")

    def _ask(self, hosts: Sequence[str], comment: str) -> str:
        answer = self.line.ask(
            "send_command",
            doing=f"send a script to {listing(hosts, 3)}",
            action=SEND,
            InstanceIds=list(hosts),
            DocumentName=self.script.document,
            TimeoutSeconds=max(self.terms.delivery, 30),
            Parameters=self.parameters,
            Comment=comment,
            MaxConcurrency=str(len(hosts)),
            MaxErrors=str(len(hosts)),  # one that fails does not stop the others
        )
        return str(answer["Command"]["CommandId"])

    # --- a lost answer ---------------------------------------------------------------------------------------------------

    def _find(self, comment: str, lost: RopewayError) -> str:
        """The command that SSM took although its answer was lost; empty when it took none. Raises RopewayError when nobody can tell."""
        seen = False
        for pause in self.terms.pace.lost:
            self.cancellation.wait(pause)
            try:
                found = self._commented(comment)
            except RopewayError as error:
                if not may_pass(error):
                    raise _unknown(lost, comment, error) from error
                continue
            seen = True
            if found:
                return found[0]
        if not seen:
            raise _unknown(lost, comment, lost)
        return ""

    def _stop_twins(self, comment: str, command_id: str) -> None:
        """A command that came to light after it was sent again.

        Where nobody can tell of one, or stop it, that is no reason to lose sight of the one that was taken: it runs.
        """
        for pause in (0.0, *self.terms.pace.lost):
            self.cancellation.wait(pause)
            try:
                self._cancel_others(comment, command_id)
            except RopewayError as error:
                if may_pass(error):
                    continue
            return

    def _cancel_others(self, comment: str, command_id: str) -> None:
        for twin in self._commented(comment):
            if twin != command_id:
                self.line.ask(
                    "cancel_command",
                    doing=f"cancel the second copy of the command {command_id}",
                    action="ssm:CancelCommand",
                    CommandId=twin,
                )

    def _commented(self, comment: str) -> list[str]:
        """Newest first, as ListCommands has them."""
        since = f"{datetime.now(timezone.utc) - AGO:%Y-%m-%dT%H:%M:%SZ}"
        arguments: dict[str, Any] = {"Filters": [{"key": "InvokedAfter", "value": since}], "MaxResults": 50}
        found: list[str] = []
        while True:
            answer = self.line.ask(
                "list_commands", doing="see whether SSM took the command", action=COMMANDS, **arguments
            )
            found += [str(told["CommandId"]) for told in answer["Commands"] if told.get("Comment") == comment]
            if not answer.get("NextToken"):
                return found
            arguments["NextToken"] = answer["NextToken"]


def _unknown(lost: RopewayError, comment: str, error: RopewayError) -> RopewayError:
    why = "" if error is lost else f" {error}"
    return NetworkError(
        f"{lost.message} Whether SSM took the command is not known.{why}",
        advice=f"Look for the comment {comment!r} in Run Command's history before you run again.",
    )


def not_sent(hosts: Sequence[str], note: str, *, in_doubt: bool = False) -> list[HostRun]:
    return [HostRun(host, UNSURE if in_doubt else NOT_SENT, began=in_doubt, note=note) for host in hosts]
