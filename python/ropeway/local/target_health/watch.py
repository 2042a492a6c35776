"""One target of one target group, from its registration to the end of its draining.

ELB user guide, "Target health status" and "Deregistration delay".
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from ropeway.local.target_health.probe import FAILED, Probe, Unwell, ask


@dataclass(frozen=True)
class Health:
    """State, reason code and description, as DescribeTargetHealth gives them."""

    state: str
    reason: str | None = None
    description: str | None = None


REGISTERING = Health("initial", "Elb.RegistrationInProgress", "Target registration is in progress")
CHECKING = Health("initial", "Elb.InitialHealthChecking", "Initial health checks in progress")
HEALTHY = Health("healthy")
NOT_IN_USE = Health(
    "unused", "Target.NotInUse", "Target group is not configured to receive traffic from the load balancer"
)
STOPPED = Health("unused", "Target.InvalidState", "Target is in the stopped state")
NOT_REGISTERED = Health("unused", "Target.NotRegistered", "Target is not registered to the target group")
DRAINING = Health("draining", "Target.DeregistrationInProgress", "Target deregistration is in progress")
UNREACHED = Unwell(FAILED, "Health checks failed")


@dataclass(frozen=True)
class Terms:
    """What a target group asks of this target now. `standing`: why it is not probed at all. `interval` in seconds."""

    standing: Health | None
    probe: Probe | None
    interval: float
    healthy_after: int
    unhealthy_after: int


@dataclass
class Watch:
    """`terms` is asked before each probe: a target group can be changed, its load balancer can come and go."""

    terms: Callable[[], Terms]
    health: Health = REGISTERING
    _passed: int = 0
    _failed: int = 0
    _drained: float = 0.0
    _over: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def begin(self) -> None:
        self._thread = threading.Thread(target=self._watch, name="ropeway-target-health", daemon=True)
        self._thread.start()

    def end(self) -> None:
        """Returns when it is probed no more."""
        self._over.set()
        if self._thread:
            self._thread.join()

    def deregister(self, delay: float) -> None:
        """It is draining for so many seconds, whether anybody still talks to it or not."""
        self._over.set()
        self._drained = time.monotonic() + delay
        self.health = DRAINING

    @property
    def deregistered(self) -> bool:
        return self._drained > 0

    @property
    def gone(self) -> bool:
        """Whether it has drained."""
        return self.deregistered and time.monotonic() >= self._drained

    @property
    def now(self) -> Health:
        if self.deregistered:
            return NOT_REGISTERED if self.gone else DRAINING
        return self.terms().standing or self.health

    def _watch(self) -> None:
        terms = self.terms()
        while not self._over.wait(terms.interval):
            terms = self.terms()
            if terms.standing:
                self._passed = self._failed = 0
                self.health = REGISTERING
            else:
                self._learn(ask(terms.probe) if terms.probe else UNREACHED, terms)

    def _learn(self, unwell: Unwell | None, terms: Terms) -> None:
        """One that is new is healthy after one good check; a bad one does not make it unhealthy at once."""
        self._passed, self._failed = (0, self._failed + 1) if unwell else (self._passed + 1, 0)
        if self.deregistered:
            return
        if unwell and self._failed >= terms.unhealthy_after:
            self.health = Health("unhealthy", unwell.reason, unwell.description)
        elif not unwell and (self.health.state == "initial" or self._passed >= terms.healthy_after):
            self.health = HEALTHY
        elif self.health == REGISTERING:
            self.health = CHECKING
