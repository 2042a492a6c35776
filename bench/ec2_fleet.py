"""A whole `ropeway ec2 deploy` on 1, 50 and 500 instances: requests, polling calls a round, memory and time. `python -m bench ec2_fleet`.

The embedded AWS has the instances and the bucket. A server before it counts every request, and answers in SSM's place when a script is sent:
its hosts are no shells, but know their releases, take some seconds for each script, and report as the script would. So what is measured is the
orchestration; what a host does is proved elsewhere (docs/ec2-proofs.md).
"""

from __future__ import annotations

import json
import os
import random
import re
import shlex
import subprocess
import sys
import tempfile
import time
import uuid
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import boto3

from bench.memory import ROPEWAY
from ropeway.local.embedded import EmbeddedAws
from ropeway.local.server import embedded
from tests.servers.misbehaving import Answer, Request
from tests.servers.ssm_between import Between, operation, ssm_answer, ssm_between

RUNS = (1, 50, 500)
BATCHES = "1,25%,100%"
SLOWEST = 6.0
"""Seconds that a script takes on a host at most; at least a sixth of it."""
A_COMMAND = 50
"""Instances of one SendCommand."""

PEAK = """
import json, resource, subprocess, sys
code = subprocess.call(sys.argv[2:], stdin=subprocess.DEVNULL)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
with open(sys.argv[1], "w") as file:
    json.dump([used.ru_maxrss, used.ru_utime + used.ru_stime], file)
sys.exit(code)
"""
"""Run by a small Python in between: until it is exec'ed a child counts its parent's memory as its own."""


VALUES = ("step", "nonce", "release", "content", "over", "state")
"""Of a script, above its code."""
CHANGE_NOTHING = ("status", "validate", "prune")


@dataclass
class Host:
    """What it would find on its disk. `breaks`: the release that it cannot start."""

    live: str = ""
    states: dict[str, str] = field(default_factory=dict)
    contents: dict[str, str] = field(default_factory=dict)
    breaks: str = ""

    def does(self, asked: Mapping[str, str]) -> tuple[int, str]:
        """The exit code, and what is printed: the report of a script that was asked for this."""
        why = "" if asked["step"] in CHANGE_NOTHING else getattr(self, f"_{asked['step']}")(asked)
        told = {
            "step": asked["step"],
            "ok": not why,
            "changed": asked["step"] in {"switch", "rollback"},
            "release": asked["release"],
            "live": self.live,
            "state": self.states.get(self.live, ""),
            "previous": next(
                (one for one, state in self.states.items() if state == "healthy" and one != self.live), ""
            ),
            "hook": "ValidateService" if why else "",
            "why": why,
            "free": 9_000_000_000,
            "mount": "/dev/nvme0n1p1 xfs",
            "disk": "Amazon Elastic Block Store|vol0123456789abcdef0",
            "releases": [[one, state, self.contents[one]] for one, state in self.states.items()],
            **dict.fromkeys(("warning", "log"), ""),
        }
        return int(bool(why)), f"ropeway:{asked['nonce']} {json.dumps(told)}\n"

    def _stage(self, asked: Mapping[str, str]) -> str:
        self.states.setdefault(asked["release"], "staged")
        self.contents[asked["release"]] = asked["content"]
        return ""

    def _switch(self, asked: Mapping[str, str]) -> str:
        if asked["over"] != self.live or asked["release"] not in self.states:
            return f"{self.live or 'nothing'} is live."
        self.live, self.states[asked["release"]] = asked["release"], "live"
        return "It does not start." if self.live == self.breaks else ""

    def _rollback(self, asked: Mapping[str, str]) -> str:
        self.states[self.live], self.live = "rolledBack", asked["release"]
        return ""

    def _mark(self, asked: Mapping[str, str]) -> str:
        self.states[asked["release"]] = asked["state"]
        return ""


@dataclass
class Sent:
    """A command under way: its hosts' answers, and when each is over."""

    answers: dict[str, tuple[int, str]]
    ends: dict[str, float]
    began: float


class StandIn:
    """SSM's Run Command and the hosts behind it. `busy` is how long the slowest host of each script took, one after the other."""

    def __init__(self, between: Between, slowest: float = SLOWEST) -> None:
        self.hosts: dict[str, Host] = {}
        self.busy = [0.0]
        self._slowest = slowest
        self._sent: dict[str, Sent] = {}
        self._looked = False
        self._dice = random.Random(7)
        between.always("SendCommand", self._send)
        between.always("ListCommandInvocations", self._list)

    def _send(self, request: Request) -> Answer:
        told = json.loads(request.body)
        asked = assigned(told["Parameters"]["commands"])
        command, now = str(uuid.uuid4()), time.time()
        ends = {host: now + self._slowest * self._dice.uniform(1 / 6, 1) for host in told["InstanceIds"]}
        self._sent[command] = Sent({host: self.hosts[host].does(asked) for host in ends}, ends, now)
        if self._looked:  # the script before has been looked at: this is another one
            self.busy.append(0.0)
        self._looked = False
        self.busy[-1] = max(self.busy[-1], max(ends.values()) - now)
        return ssm_answer(Command={"CommandId": command})

    def _list(self, request: Request) -> Answer:
        command = json.loads(request.body)["CommandId"]
        sent, self._looked = self._sent[command], True
        return ssm_answer(CommandInvocations=[self._invocation(command, sent, host) for host in sent.ends])

    def _invocation(self, command: str, sent: Sent, host: str) -> dict[str, object]:
        invocation: dict[str, object] = {"CommandId": command, "InstanceId": host, "Status": "InProgress"}
        if time.time() < sent.ends[host]:
            return invocation
        code, printed = sent.answers[host]
        state = "Failed" if code else "Success"
        times = {"ResponseStartDateTime": sent.began, "ResponseFinishDateTime": sent.ends[host]}
        plugin = {"ResponseCode": code, "Output": printed, **times}
        return {**invocation, "Status": state, "StatusDetails": state, "CommandPlugins": [plugin]}


def assigned(script: Sequence[str]) -> dict[str, str]:
    """What a script is to do: of the values that stand above it, those that a host goes by."""
    found = (re.fullmatch(rf"({'|'.join(VALUES)})=(.*)", line) for line in script[: script.index("main() {")])
    return {match[1]: "".join(shlex.split(match[2])) for match in found if match}


@dataclass(frozen=True)
class Measured:
    """Of one run: requests by operation, polling calls of each round, peak memory in MB (10^6 bytes), seconds.

    `hosts` are the seconds of the slowest host of each script, one after the other: the run cannot be faster.
    """

    instances: int
    requests: Counter[str]
    rounds: tuple[int, ...]
    megabytes: float = 0.0
    seconds: float = 0.0
    cpu: float = 0.0
    hosts: float = 0.0
    code: int = 0
    result: str = ""

    @property
    def allowed(self) -> int:
        """Polling calls a round, at most."""
        return -(-self.instances // A_COMMAND) + 5


def rounds(requests: Iterable[Request]) -> Iterator[int]:
    """How many polling calls each look at all hosts took: the next one begins where a command is asked for again, or is sent."""
    seen: set[str] = set()
    calls = 0
    for request in requests:
        if operation(request) not in {"SendCommand", "ListCommandInvocations", "GetCommandInvocation"}:
            continue
        told = json.loads(request.body) if request.body else {}
        first_page = operation(request) == "ListCommandInvocations" and not told.get("NextToken")
        if operation(request) == "SendCommand" or (first_page and told["CommandId"] in seen):
            yield from [calls] if calls else []
            seen, calls = set(), 0
        if operation(request) != "SendCommand":
            calls += 1
        if first_page:
            seen.add(told["CommandId"])
    yield from [calls] if calls else []


def named(request: Request) -> str:
    """An operation as its service calls it; of S3 the method."""
    if name := operation(request):
        return name
    found = re.search(rb"(?:^|&)Action=(\w+)", request.body)
    return found[1].decode() if found else f"S3 {request.method}"


class Fleet:
    """So many instances with one application, and the way to deploy to them."""

    def __init__(self, aws: EmbeddedAws, between: Between, folder: Path, count: int, slowest: float = SLOWEST) -> None:
        self._aws, self._between, self._folder = aws, between, folder
        self.name = f"fleet-{uuid.uuid4().hex[:8]}"
        zones = [f"{aws.region}{letter}" for letter in "abc"]
        for at, zone in enumerate(zones):
            if some := len(range(at, count, len(zones))):
                aws.instances.add(some, tags={"app": self.name}, zone=zone)
        self.stand_in = StandIn(between, slowest)
        ids = [one.id for one in aws.instances.all() if one.tags.get("app") == self.name]
        self.stand_in.hosts = {id: Host() for id in ids}
        self._client().create_bucket(Bucket=self.name)

    def _client(self) -> Any:
        return boto3.client(
            "s3", endpoint_url=self._aws.endpoint_url, region_name=self._aws.region, **self._keys("aws_{}")
        )

    def _keys(self, name: str) -> dict[str, str]:
        known = self._aws.connection
        given = {"access_key_id": known.access_key_id, "secret_access_key": known.secret_access_key}
        return {name.format(key): value for key, value in given.items()}

    def deploy(self, release: str) -> Measured:
        build = self._folder / release
        build.mkdir(exist_ok=True)
        (build / "VERSION").write_text(release)
        self._between.requests.clear()
        self.stand_in.busy = [0.0]
        measured = self._run(
            "--source-path", str(build), "--application", self.name, "--bucket-name", self.name, "--release-id", release,
            "--instance-tags", f"app={self.name}", "--batches", BATCHES, "--json",
        )  # fmt: skip
        asked = self._between.requests
        return replace(measured, requests=Counter(map(named, asked)), rounds=tuple(rounds(asked)))

    def _run(self, *arguments: str) -> Measured:
        used = self._folder / "used.json"
        environment = os.environ | {key.upper(): value for key, value in self._keys("aws_{}").items()}
        environment |= {"AWS_ENDPOINT_URL": self._between.url, "AWS_REGION": self._aws.region}
        began = time.perf_counter()
        command = [sys.executable, "-c", PEAK, str(used), *ROPEWAY, "ec2", "deploy", *arguments]
        ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        seconds = time.perf_counter() - began
        try:
            told = json.loads(ran.stdout)
        except ValueError:
            raise SystemExit(f"ropeway ec2 deploy ended with {ran.returncode}:\n{ran.stderr}") from None
        peak, cpu = json.loads(used.read_text())
        unit = 1 if sys.platform == "darwin" else 1024  # getrusage(2)
        hosts = sum(self.stand_in.busy)
        result = told["outputs"].get("result", "")
        return Measured(
            len(self.stand_in.hosts), Counter(), (), peak * unit / 1e6, seconds, cpu, hosts, ran.returncode, result
        )


def main(*counts: int) -> None:
    print(
        "| instances | | requests | of them polling, in rounds | calls a round, at most (allowed) | peak memory | seconds | of the hosts | CPU seconds |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    for count in counts or RUNS:
        with tempfile.TemporaryDirectory() as folder, embedded() as aws, ssm_between(aws.endpoint_url) as between:
            fleet = Fleet(aws, between, Path(folder), count)
            print(row("first release", fleet.deploy("v1")), flush=True)
            print(row("the next one", fleet.deploy("v2")), flush=True)
            fleet.stand_in.hosts[max(fleet.stand_in.hosts)].breaks = "v3"
            print(row("one fails in the last batch", fleet.deploy("v3")), flush=True)


def row(what: str, one: Measured) -> str:
    polling = one.requests["ListCommandInvocations"] + one.requests["GetCommandInvocation"]
    cells = (
        f"{one.instances}",
        f"{what}: {one.result}",
        f"{one.requests.total():,}",
        f"{polling:,} in {len(one.rounds)}",
        f"{max(one.rounds)} ({one.allowed})",
        f"{one.megabytes:.0f} MB",
        f"{one.seconds:.0f}",
        f"{one.hosts:.0f}",
        f"{one.cpu:.1f}",
    )
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
