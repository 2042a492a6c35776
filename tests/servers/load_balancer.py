"""A load balancer that carries traffic: it forwards to the targets that ELB calls healthy, and tells what it has done.

The embedded AWS probes targets and carries nothing. As with ELB, what is registered or deregistered takes a moment (`LOOKS`) to arrive here; requests under way
to a target that is drained come to their end: its delay is over when it gets no new ones and has answered the last. By a clock, a delay that is short
enough for a test would be over on a slow machine before anybody here has heard of it.
"""

from __future__ import annotations

import http.client
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from typing import Any

from tests.servers.balanced import drain_ends

LOOKS = 0.05
"""Seconds between two looks at the target group."""
PATIENCE = 60.0
"""Seconds that a target has for an answer."""


@dataclass(frozen=True)
class Carried:
    """A request: to whom, from when to when (monotonic seconds), and what came back. Status 502 or 503 is the balancer's own."""

    target: str
    began: float
    ended: float
    status: int
    body: str


@dataclass
class Balancer:
    """`carried` in the order in which they ended; `seen`: which targets were healthy, at each look that saw a change."""

    url: str
    carried: list[Carried] = field(default_factory=list)
    seen: list[tuple[float, frozenset[str]]] = field(default_factory=list)

    @property
    def fewest(self) -> int:
        """How many targets were healthy at the worst moment."""
        return min(len(healthy) for _, healthy in self.seen)

    def to(self, target: str) -> list[Carried]:
        return [one for one in self.carried if one.target == target]

    def statuses(self) -> Counter[int]:
        return Counter(one.status for one in self.carried)


class _Carrying(ThreadingHTTPServer):
    """`client` is one of elbv2; `group` the ARN of a target group."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, client: Any, group: str, address_of: Callable[[str], str]) -> None:
        super().__init__(("127.0.0.1", 0), _Forward)
        self.balancer = Balancer(f"http://127.0.0.1:{self.server_port}")
        self._client, self._group, self._address_of = client, group, address_of
        self._healthy: list[tuple[str, int]] = []
        self._turn = count()
        self._under_way: Counter[str] = Counter()
        self._choosing = threading.Lock()
        self._ended = threading.Event()
        self._own = [
            threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True),
            threading.Thread(target=self._watch, daemon=True),
        ]

    def begin(self) -> None:
        """Forwards from the first request on: nobody is told that there is no target before the group was looked at."""
        self._look()
        for thread in self._own:
            thread.start()

    def end(self) -> None:
        self._ended.set()
        self.shutdown()
        self.server_close()
        for thread in self._own:
            thread.join()

    def _watch(self) -> None:
        while not self._ended.wait(LOOKS):
            self._look()

    def _look(self) -> None:
        told = self._client.describe_target_health(TargetGroupArn=self._group)["TargetHealthDescriptions"]
        seen = [(one["Target"]["Id"], int(one["Target"]["Port"]), one["TargetHealth"]["State"]) for one in told]
        with self._choosing:
            self._healthy = sorted((target, port) for target, port, state in seen if state == "healthy")
            idle = [target for target, _, state in seen if state == "draining" and not self._under_way[target]]
        names = frozenset(target for target, _ in self._healthy)
        if not self.balancer.seen or self.balancer.seen[-1][1] != names:
            self.balancer.seen.append((time.monotonic(), names))
        for target in idle:
            drain_ends(self._group, target)

    def forwarded(self, path: str) -> tuple[str, int, str]:
        """To whom, the status, the body."""
        with self._choosing:
            if not (targets := self._healthy):
                return "", 503, "no healthy target"
            target, port = targets[next(self._turn) % len(targets)]
            self._under_way[target] += 1
        try:
            return target, *self._asked(self._address_of(target), port, path)
        finally:
            with self._choosing:
                self._under_way[target] -= 1

    def _asked(self, address: str, port: int, path: str) -> tuple[int, str]:
        connection = http.client.HTTPConnection(address, port, timeout=PATIENCE)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        except (OSError, http.client.HTTPException) as error:
            return 502, f"{type(error).__name__}: {error}"
        finally:
            connection.close()


class _Forward(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Carrying

    def do_GET(self) -> None:
        began = time.monotonic()
        target, status, body = self.server.forwarded(self.path)
        self.server.balancer.carried.append(Carried(target, began, time.monotonic(), status, body))
        self.send_response(status)
        self.send_header("Content-Length", str(len(body.encode())))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_: object) -> None: ...


@contextmanager
def balancing(client: Any, group: str, address_of: Callable[[str], str]) -> Iterator[Balancer]:
    """In front of a target group (its ARN); `client` is one of elbv2, `address_of` an instance's address."""
    server = _Carrying(client, group, address_of)
    server.begin()
    try:
        yield server.balancer
    finally:
        server.end()


@dataclass
class Load:
    """What users saw: the status and the text of every answer, or the error instead."""

    answers: list[tuple[int, str]] = field(default_factory=list)

    @property
    def lost(self) -> list[tuple[int, str]]:
        return [answer for answer in self.answers if answer[0] != 200]

    def versions(self) -> list[str]:
        """In the order in which they were first seen."""
        return list(dict.fromkeys(text for status, text in self.answers if status == 200))


@contextmanager
def load(url: str, users: int = 4, pause: float = 0.01) -> Iterator[Load]:
    """Users who ask again as soon as they were answered (a moment later)."""
    seen, ended = Load(), threading.Event()
    host = url.removeprefix("http://")

    def ask() -> tuple[int, str]:
        connection = http.client.HTTPConnection(host, timeout=2 * PATIENCE)
        try:
            connection.request("GET", "/")
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        except (OSError, http.client.HTTPException) as error:
            return 0, f"{type(error).__name__}: {error}"
        finally:
            connection.close()

    def use() -> None:
        while not ended.is_set():
            seen.answers.append(ask())
            ended.wait(pause)

    threads = [threading.Thread(target=use, daemon=True) for _ in range(users)]
    for thread in threads:
        thread.start()
    try:
        yield seen
    finally:
        ended.set()
        for thread in threads:
            thread.join()
