"""A script on any number of hosts, from the first byte sent to the last host that is over."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial

from ropeway.aws.policy import IamAction
from ropeway.aws.run_command.line import Line, may_pass
from ropeway.aws.run_command.model import HostRun, Script, Terms
from ropeway.aws.run_command.packing import parameters
from ropeway.aws.run_command.sending import COMMANDS, MOST_AT_ONCE, SEND, Sending, not_sent
from ropeway.aws.run_command.states import OVERDUE, STILL_RUNNING, VANISHED
from ropeway.aws.run_command.watching import GET, LIST, Watch
from ropeway.aws.session import Aws
from ropeway.errors import RopewayError
from ropeway.outcome import Cancellation, duration, listing

CANCEL = "ssm:CancelCommand"

ACTIONS = (
    IamAction(SEND, "*"),
    IamAction(LIST, "*"),
    IamAction(GET, "*", "to read an output of more than 2,400 bytes"),
    IamAction(CANCEL, "*", "when a script does not end in time, or the run is stopped"),
    IamAction(COMMANDS, "*", "when the answer to SendCommand was lost on the way"),
)

Changed = Callable[[HostRun], None]


def run(
    aws: Aws,
    hosts: Sequence[str],
    script: Script,
    *,
    terms: Terms | None = None,
    cancellation: Cancellation | None = None,
    changed: Changed = lambda _: None,
    line: Line | None = None,
) -> tuple[HostRun, ...]:
    """Exactly one HostRun for each host (no id twice), in their order, none of which is still active.

    A host that was not reached, a deadline that passed and a run that was stopped are states of the hosts, and raise nothing:
    ask the `cancellation` when what was found out is written down. `changed` is called in this thread for each state that is new
    of a host, the last one included.

    Raises InputError for a script that is too long; what SSM answered when it took nothing at all; and what keeps it from being
    asked how the hosts are (AccessDenied, CredentialsError): then what was sent is cancelled first.
    """
    if not hosts:
        return ()
    return _Running(
        aws,
        tuple(hosts),
        script,
        terms or Terms(),
        cancellation or Cancellation(),
        changed,
        line or Line(aws),
    ).run()


@dataclass
class _Running:
    aws: Aws
    hosts: tuple[str, ...]
    script: Script
    terms: Terms
    cancellation: Cancellation
    changed: Changed
    line: Line
    watches: list[Watch] = field(default_factory=list)
    over: dict[str, HostRun] = field(default_factory=dict)

    def run(self) -> tuple[HostRun, ...]:
        sending = Sending(self.line, self.script, parameters(self.script), self.terms, self.cancellation)
        try:
            self._send(sending)
            late = self._watch()
            if any(watch.open for watch in self.watches):
                self._give_up(late=late)
        except RopewayError as error:
            self._stop_and_say(error)
            raise
        except BaseException:
            self._cancel(Line(self.aws, hurry=True))
            raise
        return tuple(self.over[host] for host in self.hosts)

    def _stop_and_say(self, error: RopewayError) -> None:
        """Nothing may go on behind the back of whoever reads the error: it says what became of what was sent."""
        hosts = [host for watch in self.watches for host in watch.open]
        if hosts:
            failed = self._cancel(Line(self.aws, hurry=True))
            what = f"could not be cancelled: {failed}" if failed else "was cancelled."
            error.message = f"{error.message} The script was under way on {listing(hosts, 5)}, and {what}"

    # --- sending ---------------------------------------------------------------------------------------------------------

    def _send(self, sending: Sending) -> None:
        for first in range(0, len(self.hosts), MOST_AT_ONCE):
            some = self.hosts[first : first + MOST_AT_ONCE]
            if self.cancellation.asked:
                self._ended(not_sent(some, "The run was stopped before."))
                continue
            try:
                for sent in sending.send(some):
                    self.watches.append(Watch(sent, self.terms.pace.unseen))
            except RopewayError as error:
                if not (self.watches or sending.unsent or self.cancellation.asked):
                    raise
                taken = {host for watch in self.watches for host in watch.now} | {run.target for run in sending.unsent}
                left = [host for host in some if host not in taken]
                self._ended(not_sent(left, str(error), in_doubt=sending.in_doubt))
        self._ended(sending.unsent)

    def _ended(self, runs: Sequence[HostRun]) -> None:
        for run in runs:
            self.over[run.target] = run
            self.changed(run)

    # --- watching --------------------------------------------------------------------------------------------------------

    def _watch(self) -> str:
        """Until all are over (empty), the time is, or the run is stopped: then why, in words."""
        limit = self.terms.seconds(self.script)
        until = time.monotonic() + limit
        pauses = self.terms.pace.pauses
        look = 0
        while any(watch.open for watch in self.watches):
            left = until - time.monotonic()
            if self.cancellation.wait(max(min(pauses[min(look, len(pauses) - 1)], left), 0)):
                return "when the run was stopped"
            look = look + 1 if self._look(self.line) else len(pauses)
            if time.monotonic() >= until and any(watch.open for watch in self.watches):
                return f"after {duration(limit)}"
        return ""

    def _look(self, line: Line) -> bool:
        """Whether SSM answered. One that is throttled or not reached is asked again after the longest pause."""
        try:
            for watch in self._those_open():
                gone: list[HostRun] = []
                try:
                    for run in watch.look(line):
                        gone.append(run) if run.state == VANISHED else self._told(run)
                        if self.cancellation.asked:
                            return True
                finally:
                    self._let_go(gone)
        except RopewayError as error:
            if not may_pass(error):
                raise
            return False
        return True

    def _those_open(self) -> list[Watch]:
        """Whoever was not looked at for longest comes first: where SSM throttles, all get their turn."""
        return sorted((watch for watch in self.watches if watch.open), key=lambda watch: watch.looked)

    def _let_go(self, gone: Sequence[HostRun]) -> None:
        """What one command lists no more may run all the same, and nobody would see what it does."""
        if not gone:
            return
        failed = _cancelled(self.line, gone[0].command_id, InstanceIds=[run.target for run in gone])
        what = f"It could not be cancelled: {failed}" if failed else "It was told to stop."
        for run in gone:
            self._told(replace(run, note=f"{run.note} {what}"))

    def _told(self, run: HostRun) -> None:
        if not run.active:
            self.over[run.target] = run
        self.changed(run)

    # --- giving up -------------------------------------------------------------------------------------------------------

    def _give_up(self, *, late: str) -> None:
        """What is under way is cancelled; what it came to is looked up for a short while."""
        stopped = self.cancellation.asked
        before = {host: watch.now[host].state for watch in self.watches for host in watch.open}
        line = Line(self.aws, hurry=True)
        failed = self._cancel(line)
        until = time.monotonic() + (0 if failed else self.terms.pace.grace)
        self._look_once_more(line)
        while any(watch.open for watch in self.watches) and time.monotonic() < until:
            time.sleep(0.2)
            self._look_once_more(line)
        for host, state in before.items():
            self._conclude(host, f"It was still {state} {late}", failed, stopped=stopped)

    def _look_once_more(self, line: Line) -> None:
        """Nobody is told yet: what SSM calls cancelled may be ours to call overdue."""
        try:
            for watch in self._those_open():
                list(watch.look(line, briefly=True))
        except RopewayError as error:
            if not may_pass(error):
                raise

    def _conclude(self, host: str, was: str, failed: str, *, stopped: bool) -> None:
        run = next(watch.now[host] for watch in self.watches if host in watch.now)
        if run.active:
            state, what = STILL_RUNNING if stopped else OVERDUE, ", and was told to stop: it may still be running."
            what = f", and could not be cancelled: {failed}" if failed else what
            run = replace(run, state=state, active=False, began=True, note=f"{was}{what}")
        elif run.state == "Cancelled":
            run = (
                replace(run, note=f"{was}.")
                if stopped
                else replace(run, state=OVERDUE, note=f"{was}, and was cancelled.")
            )
        self._ended([run])

    def _cancel(self, line: Line) -> str:
        """Asks SSM to stop all that is not over, all at once. What it answered where it would not, in words; else empty."""
        commands = [watch.sent.command_id for watch in self._those_open()]
        if not commands:
            return ""
        with ThreadPoolExecutor(min(len(commands), 20)) as pool:
            return next(filter(None, pool.map(partial(_cancelled, line), commands)), "")


def _cancelled(line: Line, command_id: str, **of: Sequence[str]) -> str:
    try:
        line.ask("cancel_command", doing="cancel a script", action=CANCEL, CommandId=command_id, **of)
    except RopewayError as error:
        return str(error)
    return ""
