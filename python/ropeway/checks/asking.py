"""What a kind is given when it asks."""

from __future__ import annotations

import math
import os
import re
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from typing import Any

from ropeway.aws.connection import Way
from ropeway.aws.session import Aws
from ropeway.checks.searching import Searches
from ropeway.checks.secrets import Secrets
from ropeway.errors import NetworkError
from ropeway.outcome import Cancellation

CONNECT_TIMEOUT = 5
"""Seconds, of AWS's APIs: who asks often need not wait long."""


@dataclass(frozen=True, kw_only=True)
class World:
    """What all checks of a run share.

    `release` is the id of the release that was deployed; empty when nobody said. `folder` is where relative paths start: the
    suite's own. `parallel` is how many checks may ask at a time.
    """

    aws: Aws
    release: str = ""
    folder: str = "."
    parallel: int = 10
    variables: Mapping[str, str] = field(default_factory=dict)
    secrets: Secrets = field(default_factory=Secrets)
    cancellation: Cancellation = field(default_factory=Cancellation)


@dataclass(kw_only=True)
class Asking:
    """One attempt. `target` is the one of the kind's `targets` that is asked now; `timeout` are the seconds it may take, `each` those of one answer
    where it waits for several.

    A kind returns, or raises a RopewayError, before they are over: it cannot be stopped from outside.
    """

    world: World
    target: str = ""
    timeout: float = 10.0
    each: float = math.inf
    request_ids: list[str] = field(default_factory=list)
    searches: Searches = field(default_factory=Searches)
    _began: float = field(default_factory=time.monotonic)

    @property
    def release(self) -> str:
        return self.world.release

    @property
    def folder(self) -> str:
        return self.world.folder

    def path(self, file: str) -> str:
        """A file that a setting names, from the suite's own folder on; empty when it names none."""
        return os.path.join(self.folder, file) if file else ""

    @property
    def left(self) -> float:
        """Seconds of this attempt, a tenth at least, so that it can be handed to a socket."""
        return max(self.timeout - (time.monotonic() - self._began), 0.1)

    def next_answer(self) -> Asking:
        """For the next one of several: with the time of one, as far as there is so much left."""
        if self.each >= self.timeout:
            return self
        return replace(self, timeout=min(self.each, round(self.left, 1)), _began=time.monotonic())

    def wait(self, seconds: float) -> None:
        """Between two looks at something under way. Raises Cancelled, and NetworkError when the attempt's time is over."""
        self.world.cancellation.wait(min(seconds, self.left))
        self.world.cancellation.check()
        if time.monotonic() - self._began >= self.timeout:
            raise NetworkError(f"There was no answer within {self.timeout:g} s.", advice="Give it more time (timeout).")

    def search(self, pattern: re.Pattern[str], text: str) -> tuple[str | None, ...] | None:
        """What a regular expression of the user's finds, and its groups. Raises InputError when it takes longer than there is time."""
        return self.searches.search(pattern, text, self.left)

    def secret(self, text: str) -> str:
        """A secret that came into being while asking (a token, a password that AWS handed out), from here on masked."""
        self.world.secrets.add(text)
        return text

    def way(self, url: str) -> Way:
        """The proxy that leads there, if any, and whom to trust, as this machine or the agent is set up."""
        return self.world.aws.way(url)

    def client(self, service: str, region: str = "") -> Any:
        """A botocore client that asks once, as long as an attempt may take: asking again is the runner's. `call` does for most kinds.

        `region` where it is not the run's own: what is named by an ARN lies in the ARN's.
        """
        return self.world.aws.client(
            service,
            connect_timeout=CONNECT_TIMEOUT,
            read_timeout=math.ceil(self.timeout),
            retries={"mode": "standard", "total_max_attempts": 1},
            max_pool_connections=max(self.world.parallel, 10),
            **({"region_name": region} if region else {}),
        )

    def call(
        self, service: str, method: str, /, *, doing: str, action: str, region: str = "", **arguments: Any
    ) -> dict[str, Any]:
        """AWS's answer: `call("elbv2", "describe_target_health", doing="read ...", action="elasticloadbalancing:...", TargetGroupArn=arn)`.

        `doing` reads on from "Could not"; `action` is the IAM action that it needs. Its request id joins the finding.
        Raises AccessDenied (which names the action), AwsError, NetworkError, CredentialsError.
        """
        client = self.client(service, region)
        with self._words(client, doing, action, arguments):
            answer: dict[str, Any] = getattr(client, method)(**arguments)
        self._note(answer)
        return answer

    def pages(
        self, service: str, method: str, items: str, /, *, doing: str, action: str, region: str = "", **arguments: Any
    ) -> list[dict[str, Any]]:
        """The same of an answer in pages: all that stands under `items` in them."""
        client = self.client(service, region)
        found: list[dict[str, Any]] = []
        with self._words(client, doing, action, arguments):
            for page in client.get_paginator(method).paginate(**arguments):
                self._note(page)
                found.extend(page.get(items, ()))
        return found

    def _words(
        self, client: Any, doing: str, action: str, arguments: Mapping[str, Any]
    ) -> AbstractContextManager[None]:
        region, bucket = client.meta.region_name, arguments.get("Bucket", "")
        from ropeway.aws.answers import asking  # noqa: PLC0415 - botocore, which checks that do not ask AWS need not wait for

        return asking(doing, action=action, region=region, bucket=bucket)

    def _note(self, answer: Mapping[str, Any]) -> None:
        meta = answer.get("ResponseMetadata", {})
        if request_id := meta.get("RequestId"):
            self.request_ids.append(request_id)
