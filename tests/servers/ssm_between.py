"""A server between a client and the SSM of the embedded AWS: it counts what is asked, loses answers, and answers in SSM's place.

between.lose("SendCommand")                          # SSM hears it and answers, and nobody hears the answer
between.instead("ListCommandInvocations", ssm_error("ThrottlingException"), PASS_ON)
between.calls("ListCommandInvocations")
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tests.servers.misbehaving import Answer, Misbehaving, Request, _forwarded, misbehaving_server

Told = Answer | Callable[[Request], Answer | None] | None
"""What is answered, or what a function says; None passes it on."""

PASS_ON = None
HANGS_UP = Answer(hang_up=True)


def ssm_error(code: str, message: str = "no", status: int = 400) -> Answer:
    body = json.dumps({"__type": code, "message": message}).encode()
    return Answer(status, {"Content-Type": "application/x-amz-json-1.1", "x-amzn-requestid": "REQ42"}, body)


def ssm_answer(**members: object) -> Answer:
    return Answer(200, {"Content-Type": "application/x-amz-json-1.1"}, json.dumps(members).encode())


def operation(request: Request) -> str:
    return request.headers.get("x-amz-target", "").partition(".")[2]


class Between:
    def __init__(self, server: Misbehaving, upstream: str) -> None:
        self.url = server.url
        self._server, self._upstream = server, upstream
        self._planned: dict[str, list[Told]] = {}
        self._always: dict[str, Told] = {}
        server.upstream = upstream
        server.on(self._answer)

    def instead(self, name: str, *answers: Told) -> None:
        """The next ones, one after the other; then it is passed on again."""
        self._planned.setdefault(name, []).extend(answers)

    def always(self, name: str, answer: Told) -> None:
        self._always[name] = answer

    def forget(self) -> None:
        """What was planned, and what was asked: all is passed on."""
        self._planned.clear()
        self._always.clear()
        self._server.requests.clear()

    def lose(self, name: str) -> None:
        """SSM hears the next one and does it; its answer goes nowhere."""

        def lost(request: Request) -> Answer:
            _forwarded(self._upstream, request)
            return HANGS_UP

        self.instead(name, lost)

    @property
    def requests(self) -> list[Request]:
        """All that arrived, in order."""
        return self._server.requests

    def calls(self, name: str) -> int:
        return sum(operation(request) == name for request in self._server.requests)

    def bodies(self, name: str) -> list[dict]:
        return [json.loads(request.body) for request in self._server.requests if operation(request) == name]

    def _answer(self, request: Request) -> Answer:
        name = operation(request)
        planned = self._planned.get(name)
        told = planned.pop(0) if planned else self._always.get(name)
        answer = told(request) if callable(told) else told
        return answer or _forwarded(self._upstream, request)


@contextmanager
def ssm_between(upstream: str) -> Iterator[Between]:
    with misbehaving_server() as server:
        yield Between(server, upstream)
