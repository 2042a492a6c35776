"""One command on many instances: how many at once, when it stops, and the state that SSM says it is in, which may flatter."""

from __future__ import annotations

import threading
import uuid
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any

from ropeway.local.instances.fleet import Host
from ropeway.local.run_command.invocation import Invocation, Patience, Script

UNCOUNTED = {"Undeliverable", "InvalidPlatform", "AccessDenied"}
"""They count neither as errors nor for the state of the whole: "Understanding command statuses"."""


@dataclass(frozen=True)
class Asked:
    """SendCommand's request, checked."""

    document: str
    script: Script
    parameters: dict[str, list[str]]
    instance_ids: Sequence[str]
    targets: Sequence[dict[str, Any]]
    comment: str
    timeout: int
    max_concurrency: str
    max_errors: str
    output_bucket: str
    output_prefix: str
    output_region: str
    service_role: str
    notification: dict[str, Any]


def share_of(number_or_percent: str, whole: int) -> int:
    """`10` or `10%` of so many."""
    if number_or_percent.endswith("%"):
        return int(whole * int(number_or_percent[:-1]) / 100)
    return int(number_or_percent)


@dataclass
class Command:
    """What ListCommands tells about."""

    asked: Asked
    hosts: Sequence[Host]
    finished: Callable[[Command, Invocation], None]
    """Called after each invocation has ended on its instance: the agent brings its output to S3."""
    command_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    requested: datetime = field(default_factory=lambda: datetime.now(timezone.utc))
    cancelled: bool = False
    invocations: list[Invocation] = field(default_factory=list)
    _threads: list[threading.Thread] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.invocations = [Invocation(host, self.command_id) for host in self.hosts]

    @property
    def instance_ids(self) -> list[str]:
        return [host.id for host in self.hosts]

    @property
    def expires(self) -> datetime:
        return self.requested + timedelta(seconds=self.asked.timeout + self.asked.script.seconds)

    def begin(self) -> None:
        """A thread for each instance that may be asked at once; each takes the next one when its own has ended."""
        waiting = iter(list(self.invocations))
        turn = threading.Lock()
        patience = Patience.now(self.asked.timeout)
        for _ in range(min(len(self.invocations), max(1, share_of(self.asked.max_concurrency, len(self.hosts))))):
            thread = threading.Thread(target=self._work, args=(waiting, turn, patience), daemon=True)
            self._threads.append(thread)
            thread.start()

    def end(self) -> None:
        """Cancel it, and return when nobody works at it any more."""
        self.cancel()
        for thread in self._threads:
            thread.join()

    def _work(self, waiting: Any, turn: Any, patience: Patience) -> None:
        while True:
            with turn:
                invocation = next(waiting, None)
            if invocation is None:
                return
            invocation.perform(self.asked.script, patience)
            self.finished(self, invocation)
            self._stop_when_too_many_failed()

    def _stop_when_too_many_failed(self) -> None:
        """Those that run go on; what is not yet sent is not sent."""
        if self._counted()["errors"] > self._errors_allowed:
            for invocation in self.invocations:
                if invocation.status == "Pending":
                    invocation.cancel("Terminated")

    @property
    def _errors_allowed(self) -> int:
        return share_of(self.asked.max_errors, len(self.hosts))

    def cancel(self, instance_ids: Sequence[str] = ()) -> None:
        self.cancelled = not instance_ids
        for invocation in self.invocations:
            if not instance_ids or invocation.host.id in instance_ids:
                invocation.cancel()

    # --- what is told -----------------------------------------------------------------------------------------------

    def _counted(self) -> Counter[str]:
        counted = Counter(invocation.details for invocation in self.invocations)
        counted["errors"] = counted["Failed"] + counted["ExecutionTimedOut"]
        counted["completed"] = sum(not invocation.active for invocation in self.invocations)
        return counted

    @property
    def completed(self) -> int:
        return self._counted()["completed"]

    @property
    def errors(self) -> int:
        return self._counted()["errors"]

    @property
    def undelivered(self) -> int:
        return self._counted()["DeliveryTimedOut"]

    @property
    def state(self) -> tuple[str, str]:
        """Status and StatusDetails."""
        if not self.invocations:
            return "Success", "NoInstancesInTag"
        if any(invocation.active for invocation in self.invocations):
            return self._unfinished()
        if self.cancelled:
            return "Cancelled", "Cancelled"
        return self._finished([i.details for i in self.invocations if i.details not in UNCOUNTED])

    def _unfinished(self) -> tuple[str, str]:
        if self.cancelled:
            return "Cancelling", "Cancelling"
        untouched = all(invocation.status == "Pending" for invocation in self.invocations)
        return ("Pending", "Pending") if untouched else ("InProgress", "InProgress")

    def _finished(self, counting: Sequence[str]) -> tuple[str, str]:
        allowed, counts = self._errors_allowed, Counter(counting)
        if not counting or counts["Failed"] + counts["ExecutionTimedOut"] > allowed:
            late = counts["ExecutionTimedOut"] and not counts["Failed"]
            return ("TimedOut", "ExecutionTimedOut") if late else ("Failed", "Failed")
        if counts["Success"] == len(counting):
            return "Success", "Success"
        if counts["DeliveryTimedOut"] > allowed:
            return "TimedOut", "DeliveryTimedOut"
        return "Failed", "Incomplete"
