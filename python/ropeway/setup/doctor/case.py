"""What several links look at: found once, when the first of them asks for it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from functools import cached_property
from typing import Any

import requests

from ropeway.aws.connection import Way
from ropeway.aws.session import Aws
from ropeway.errors import NetworkError
from ropeway.outcome import Run
from ropeway.setup.devops import Organization
from ropeway.setup.doctor.asked import DoctorInputs
from ropeway.tasks.task import Task

PATIENCE = 15.0
"""Seconds for an answer of whatever stands at an address."""


@dataclass(frozen=True)
class Heard:
    """What came of asking an address. `ahead` are the seconds by which the other side's clock is ahead; None where it told no time."""

    url: str
    ahead: float | None


class Case:
    """`connect` makes the session with AWS, `organize` the one with Azure DevOps; both raise what is wrong with them."""

    def __init__(
        self,
        asked: DoctorInputs,
        *,
        tasks: Sequence[Task[Any, Any]],
        run: Run,
        environment: Mapping[str, str],
        connect: Callable[[], Aws],
        organize: Callable[[], Organization],
    ) -> None:
        self.asked = asked
        self.tasks = tuple(tasks)
        self.run = run
        self.environment = environment
        self._connect = connect
        self._organize = organize
        self.fields: dict[str, str] = {}
        """Of the connection, once it is found: its data, and of its parameters those that are no secrets."""

    @cached_property
    def aws(self) -> Aws:
        return self._connect()

    @cached_property
    def there(self) -> Organization:
        return self._organize()

    @cached_property
    def connection(self) -> Any | None:
        return self.there.connection(self.asked.connection_name)

    @property
    def is_federated(self) -> bool:
        return self.fields.get("useOIDC", "").lower() == "true"

    @property
    def asks_for_another(self) -> bool:
        """Whether tasks act as the connection's role or user: what this machine may do says nothing of them then."""
        return bool(self.fields.get("assumeRoleArn") or self.fields.get("username"))

    @cached_property
    def pipeline(self) -> Any | None:
        return self.there.pipeline(self.asked.pipeline_name)

    @cached_property
    def partition(self) -> str:
        return self.aws.identity().arn.split(":")[1]

    @cached_property
    def heard(self) -> Heard:
        """From STS. Raises NetworkError."""
        url = str(self.aws.client("sts").meta.endpoint_url)
        return listen(url, self.aws.way(url))


def listen(url: str, way: Way) -> Heard:
    """Any answer will do: it shows that there is a way. Raises NetworkError."""
    verify = True if way.ca_file is None else way.ca_file
    try:
        with requests.Session() as session:
            session.trust_env = False
            proxies = {"http": way.proxy_url, "https": way.proxy_url} if way.proxy_url else {}
            answer = session.get(url, timeout=PATIENCE, allow_redirects=False, verify=verify, proxies=proxies)
    except requests.RequestException as error:
        raise NetworkError(
            f"Could not reach {url}: {type(error).__name__}.",
            advice="Check the network, the proxy (HTTPS_PROXY, NO_PROXY), and the authority of your network (AWS_CA_BUNDLE); see docs/networks.md.",
        ) from error
    told = answer.headers.get("Date", "")
    return Heard(url, parsedate_to_datetime(told).timestamp() - time.time() if told else None)
