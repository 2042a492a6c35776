"""A fleet in memory: hosts with releases and a transport to them, for the logic of the rollout. What is true, the hosts know.

Each host does what its script says, or one of the faults that a test has put on it, and writes down what happened to it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from ropeway.aws.run_command.model import HostRun, Script
from ropeway.ec2.batches import Budget, Floor, read_share, read_sizes
from ropeway.ec2.course import Course, OnFailure, Rolled, Rules
from ropeway.ec2.hands import Hands, Judged, NoBalancing
from ropeway.ec2.model import Found, HostRelease, HostReport, HostStep, Target
from ropeway.ec2.rollout import roll
from ropeway.errors import RopewayError
from ropeway.outcome import Cancellation, Run
from ropeway.s3.state.releases import State

FAULTS = ("fails", "fails at once", "undeliverable", "hangs", "says nothing", "lies", "dies")
"""What a script may do instead of its work: fail half-way; fail before it has begun; not be delivered; be killed half-way; end
with 0 and no word; end with 0 and a word of another release; take the host with it for good."""


@dataclass
class Host:
    target: Target
    live: str = ""
    states: dict[str, State] = field(default_factory=dict)
    previous: str = ""
    up: bool = True
    """Whether the application answers there."""
    faults: dict[HostStep, str] = field(default_factory=dict)
    dead: bool = False
    half_way: bool = False
    """Whether an earlier switch has not come to its end there."""

    def report(self, step: HostStep, release: str, **rest: object) -> HostReport:
        releases = tuple(HostRelease(id, state) for id, state in self.states.items())
        state = self.states.get(self.live)
        return HostReport(
            step,
            **{  # type: ignore[arg-type]
                "ok": True, "release": release, "live": self.live, "live_state": state, "previous": self.previous,
                "changed": False, "releases": releases, **rest,
            },
        )  # fmt: skip

    def found(self) -> Found:
        return Found(
            self.target, self.report("status", "", changed=self.half_way), ("It is dead.",) if self.dead else ()
        )


@dataclass
class Fleet:
    """Transport, scripts, checks and lock of it. `events` are (step, release, ids) as they reach the hosts."""

    hosts: dict[str, Host]
    release: str = "42"
    events: list[tuple[str, str, tuple[str, ...]]] = field(default_factory=list)
    serving: list[int] = field(default_factory=list)
    """How many answered at the moment in which others were being switched."""
    reports: dict[str, HostReport | None] = field(default_factory=dict)
    unwell: Callable[[Host, str], str] = lambda host, release: ""  # what the checks say of a host
    judged: Callable[[str, float], str] = lambda release, soak: ""  # what they say of the fleet
    broken: Callable[[str], RopewayError | None] = lambda step: None  # of the transport
    at: Callable[[str], None] = lambda step: None  # a test does something of its own
    notes: list[str] = field(default_factory=list)

    # --- scripts --------------------------------------------------------------------------------------------------------

    def stage(self) -> Script:
        return self._script("stage", self.release)

    def validate(self) -> Script:
        return self._script("validate", self.release)

    def switch(self, *, over: str, force: bool) -> Script:
        return self._script("switch", self.release, over=over, force=force)

    def rollback(self, *, to: str) -> Script:
        return self._script("rollback", to)

    def mark(self, release: str, state: State) -> Script:
        return self._script("mark", release, state=state.value)

    def prune(self) -> Script:
        return self._script("prune", "")

    def _script(self, step: HostStep, release: str, **rest: object) -> Script:
        return Script(json.dumps({"step": step, "release": release, **rest}))

    def report(self, run: HostRun, step: HostStep) -> HostReport | None:
        return self.reports.get(run.target)

    # --- transport ------------------------------------------------------------------------------------------------------

    def run(
        self, script: Script, targets: Sequence[Target], run: Run, each: Callable[[HostRun], None] = lambda _: None
    ) -> tuple[HostRun, ...]:
        meant = json.loads(script.text)
        step, ids = meant["step"], tuple(target.id for target in targets)
        self.events.append((step, meant["release"], ids))
        if error := self.broken(step):
            raise error
        if step in {"switch", "rollback"}:
            self.serving.append(
                sum(host.up and not host.dead for host in self.hosts.values() if host.target.id not in ids)
            )
        runs = tuple(self._one(self.hosts[id], meant) for id in ids)
        self.at(step)
        for one in runs:
            each(one)
        run.cancellation.check()
        return runs

    def _one(self, host: Host, meant: Mapping[str, str]) -> HostRun:
        step: HostStep = meant["step"]  # type: ignore[assignment]
        fault = "undeliverable" if host.dead else host.faults.get(step, "")
        self.reports[host.target.id] = None
        if fault == "undeliverable":
            return HostRun(host.target.id, "Undeliverable", began=False)
        if fault == "fails at once":
            return self._failed(host, meant, changed=False)
        return self._faulty(host, meant, fault) if fault else self._done(host, meant)

    def _faulty(self, host: Host, meant: Mapping[str, str], fault: str) -> HostRun:
        """It was begun: the application was stopped, and not started again."""
        changes = meant["step"] in {"switch", "rollback"}
        host.up = host.up and not changes and fault != "dies"
        host.dead = fault == "dies"
        if fault in {"hangs", "dies"}:
            return HostRun(host.target.id, "ExecutionTimedOut")
        if fault == "fails":
            return self._failed(host, meant, changed=changes)
        if fault == "lies":
            self.reports[host.target.id] = host.report(meant["step"], "another", changed=True)  # type: ignore[arg-type]
        return HostRun(host.target.id, "Success", 0)

    def _done(self, host: Host, meant: Mapping[str, str]) -> HostRun:
        step: HostStep = meant["step"]  # type: ignore[assignment]
        why = getattr(self, f"_{step}")(host, meant)
        if why:
            return self._failed(host, meant, changed=False, why=why)
        self.reports[host.target.id] = host.report(step, meant["release"], changed=step in {"switch", "rollback"})
        return HostRun(host.target.id, "Success", 0, seconds=0.1)

    def _failed(self, host: Host, meant: Mapping[str, str], *, changed: bool, why: str = "exit code 7") -> HostRun:
        self.reports[host.target.id] = host.report(meant["step"], meant["release"], ok=False, changed=changed, why=why)  # type: ignore[arg-type]
        return HostRun(host.target.id, "Failed", 7)

    def _validate(self, host: Host, meant: Mapping[str, str]) -> str:
        return "" if host.up and host.live == meant["release"] else "it does not answer"

    def _stage(self, host: Host, meant: Mapping[str, str]) -> str:
        host.states.setdefault(meant["release"], State.STAGED)
        return ""

    def _switch(self, host: Host, meant: Mapping[str, str]) -> str:
        if host.live != meant["over"]:
            return f"{host.live} is live, and not {meant['over']}"
        if meant["release"] not in host.states:
            return "not staged"
        if host.live != meant["release"]:
            host.previous, host.live = host.live, meant["release"]
        host.states[host.live], host.up = State.LIVE, True
        return ""

    def _rollback(self, host: Host, meant: Mapping[str, str]) -> str:
        if meant["release"] not in host.states:
            return "no such release"
        if host.live != meant["release"]:
            host.states[host.live] = State.ROLLED_BACK
        host.live, host.up = meant["release"], True
        return ""

    def _mark(self, host: Host, meant: Mapping[str, str]) -> str:
        host.states[meant["release"]] = State(meant["state"])
        return ""

    def _prune(self, host: Host, meant: Mapping[str, str]) -> str:
        return ""

    # --- gate, lock, teller -----------------------------------------------------------------------------------------------

    def hosts_judged(self, targets: Sequence[Target], release: str) -> Judged:
        self.at("ask")
        words = {target.id: self.unwell(self.hosts[target.id], release) for target in targets}
        return Judged({id: why for id, why in words.items() if why})

    def verify(self) -> None:
        self.at("verify")

    def note(self, message: str) -> None:
        self.notes.append(message)

    def progress(self, progress: object) -> None: ...

    # --- rolling ------------------------------------------------------------------------------------------------------------

    def roll(  # what a test says of the rules
        self,
        sizes: str = "1",
        budget: str = "0",
        floor: str = "0",
        zone: str = "0",
        on_failure: OnFailure = "rollback",
        live: str = "41",
        cancellation: Cancellation | None = None,
        *,
        force: bool = False,
        proved: bool = False,
        standby: int | None = None,
        **rest: float,
    ) -> Rolled:
        targets = tuple(host.target for host in self.hosts.values())
        rules = Rules(
            sizes=read_sizes(sizes),
            budget=Budget(read_share(budget), len(targets)),
            floor=Floor(
                targets,
                read_share(floor),
                read_share(zone),
                groups=dict.fromkeys(self.hosts, "shop"),
                standby={} if standby is None else {"shop": standby},
            ),
            on_failure=on_failure,
            **rest,
        )
        found = tuple(host.found() for host in self.hosts.values())
        todo = frozenset(one.target for one in found if one.ready and (force or not self._is_done(one)))
        course = Course(release=self.release, live=live, found=found, todo=todo, rules=rules, proved=proved)
        hands = Hands(self, self, _Gate(self), self.balancing, self)
        return roll(course, hands, Run(self, cancellation or Cancellation()))

    def _is_done(self, found: Found) -> bool:
        return found.live == self.release and self.hosts[found.target.id].states[self.release] is State.HEALTHY

    balancing: NoBalancing = field(default_factory=NoBalancing)

    @property
    def live(self) -> dict[str, str]:
        return {id: host.live for id, host in self.hosts.items()}

    def steps(self, step: str) -> list[tuple[str, ...]]:
        """The targets of each of these steps, in their order."""
        return [ids for did, _, ids in self.events if did == step]


@dataclass
class _Gate:
    fleet_: Fleet

    def hosts(self, targets: Sequence[Target], release: str, run: Run) -> Judged:
        return self.fleet_.hosts_judged(targets, release)

    def fleet(self, release: str, soak: float, run: Run) -> Judged:
        self.fleet_.at("gate")
        return Judged(why=self.fleet_.judged(release, soak), results=())


def fleet(count: int, *, live: str = "41", zones: str = "a", release: str = "42") -> Fleet:
    """All of them healthy on `live`, with 40 before it; nothing where `live` is empty."""
    hosts = {}
    for at in range(count):
        target = Target(f"i-{at:04}", f"web-{at}", zones[at % len(zones)])
        states = {"40": State.HEALTHY, live: State.HEALTHY} if live else {}
        hosts[target.id] = Host(target, live, states, "40" if live else "", up=bool(live))
    return Fleet(hosts, release)
