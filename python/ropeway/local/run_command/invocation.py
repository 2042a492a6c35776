"""One command on one instance: delivered, run, told how it ended.

The states: Systems Manager user guide, "Understanding command statuses". What the agent does (the script goes to `sh -c`, so that
its first line may name another shell; output ends when nobody holds it open; the process group is killed): amazon-ssm-agent.
"""

from __future__ import annotations

import shlex
import threading
import time
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path

from ropeway.local.instances.fleet import FLEET, OFFLINE, Host
from ropeway.local.instances.processes import Ended, Started
from ropeway.local.instances.settings import SETTINGS

ACTIVE = {"Pending", "InProgress", "Delayed", "Cancelling"}
REBOOT = 194
"""The exit code that asks for a reboot; the script is run again after it."""
ASK_EVERY = 0.01


@dataclass(frozen=True)
class Script:
    """What AWS-RunShellScript was given. `seconds`: its executionTimeout."""

    platform: str
    text: str
    folder: str
    seconds: float


@dataclass(frozen=True)
class Patience:
    """In seconds: until the invocation can be seen, is delivered, is given up as undeliverable, has timed out undelivered."""

    unseen: float
    delivery: float
    undeliverable: float
    timeout: float

    @classmethod
    def now(cls, timeout: float) -> Patience:
        s = SETTINGS
        return cls(s.unseen, s.delivery, s.undeliverable, timeout * s.timeout_scale)


@dataclass
class Invocation:
    """What GetCommandInvocation tells about. `details` is StatusDetails; `code` -1 as long as there is none."""

    host: Host
    command_id: str
    sent: float = field(default_factory=time.monotonic)
    status: str = "Pending"
    details: str = "Pending"
    code: int = -1
    began: datetime | None = None
    ended: datetime | None = None
    stdout: Path | None = None
    stderr: Path | None = None
    stopped: threading.Event = field(default_factory=threading.Event)
    _running: Started | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def active(self) -> bool:
        return self.status in ACTIVE

    @property
    def folder(self) -> str:
        """Of the agent's notes about it, on the instance."""
        return f"var/ssm/{self.command_id}"

    def cancel(self, details: str = "Cancelled") -> None:
        """Nothing is sent any more; what runs is killed."""
        with self._lock:
            if not self.active:
                return
            self.stopped.set()
            if self._running:
                self._running.stop("cancel")
                self.status = self.details = "Cancelling"
            else:
                self._end("Cancelled", details)

    def perform(self, script: Script, patience: Patience) -> None:
        """From Pending to the end. Returns when it has one."""
        if not self._deliver(script, patience):
            return
        while (ended := self._run(script)).code == REBOOT and not ended.why:
            self._reboot()
        self._wait_for_the_agent(patience.timeout + script.seconds)
        with self._lock:
            self._conclude(ended)

    # --- delivery ---------------------------------------------------------------------------------------------------

    def _deliver(self, script: Script, patience: Patience) -> bool:
        self.stopped.wait(patience.delivery)
        while not (self.stopped.is_set() or self.host.answers):
            waited = time.monotonic() - self.sent
            lost = self.host.agent == OFFLINE or not self.host.running
            if lost and waited >= min(patience.undeliverable, patience.timeout):
                return self._not_delivered("Failed", "Undeliverable")
            if waited >= patience.timeout:
                return self._not_delivered("TimedOut", "DeliveryTimedOut")
            self.stopped.wait(ASK_EVERY)
        if self.host.platform != script.platform:
            return self._not_delivered("Failed", "InvalidPlatform")
        return self._begin()

    def _not_delivered(self, status: str, details: str) -> bool:
        with self._lock:
            if self.active:
                self._end(status, details)
        return False

    def _begin(self) -> bool:
        with self._lock:
            if not self.active:
                return False
            self.status = self.details = "InProgress"
            self.began = _now()
        return True

    # --- on the instance --------------------------------------------------------------------------------------------

    def _run(self, script: Script) -> Ended:
        if self.stopped.is_set():
            return Ended(-9, "cancel")
        root = self.host.root(FLEET.processes)
        notes = root.folder / self.folder
        notes.mkdir(parents=True, exist_ok=True)
        self._write(notes / "_script.sh", script.text)
        self.stdout, self.stderr = notes / "stdout", notes / "stderr"
        with self._lock:
            if self.stopped.is_set():
                return Ended(-9, "cancel")
            self._running = self.host.start(
                FLEET.processes,
                lambda root: ["sh", "-c", shlex.quote(root.path(f"{self.folder}/_script.sh"))],
                folder=script.folder,
                env={"SSM_COMMAND_ID": self.command_id},
                out=self.stdout,
                err=self.stderr,
                seconds=script.seconds,
            )
        return self._running.ended.result()

    def _write(self, path: Path, text: str) -> None:
        path.write_text(text, "utf-8")
        path.chmod(0o700)

    def _reboot(self) -> None:
        """Amazon EC2: the instance is gone for a moment, and with it all that ran there."""
        agent, self.host.agent = self.host.agent, OFFLINE
        FLEET.power_off(self.host)
        self.stopped.wait(SETTINGS.reboot)
        self.host.agent = agent

    def _wait_for_the_agent(self, limit: float) -> None:
        """An agent that is cut off tells the end when it is back, if that is not too late."""
        while not self.host.answers and not self.stopped.is_set() and time.monotonic() - self.sent < limit:
            self.stopped.wait(ASK_EVERY)

    def _conclude(self, ended: Ended) -> None:
        if self.stopped.is_set():
            self._end("Cancelled", "Cancelled")
        elif not self.host.answers:
            self._end("TimedOut", "DeliveryTimedOut")
        elif ended.why == "timeout":
            self._end("TimedOut", "ExecutionTimedOut", 137)
        elif ended.code:
            self._end("Failed", "Failed", ended.code if ended.code > 0 else 128 - ended.code)
        else:
            self._end("Success", "Success", 0)

    def _end(self, status: str, details: str, code: int = -1) -> None:
        self.code, self.ended = code, _now()
        self.status, self.details = status, details


def _now() -> datetime:
    return datetime.now(timezone.utc)
