"""The instances of an embedded AWS, in this process or another: add them, cut them off, see where they are. For tests and demos."""

from __future__ import annotations

import http.client
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from ropeway.errors import RopewayError

PATH = "/moto-api/ropeway"


@dataclass(frozen=True)
class InstanceSeen:
    """`address`: where its services listen. `folder`: its files, as this machine sees them. `agent`: online, offline (SSM knows
    it as lost), silent (it does not yet) or unmanaged. `status`: of its status checks. `isolation`: directory or namespaces;
    `isolation_missing`: why not namespaces, where they were asked for.
    """

    id: str
    address: str
    folder: str
    state: str
    agent: str
    status: str
    isolation: str
    isolation_missing: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Instances:
    """Those of the embedded AWS at an address. Each method raises RopewayError when it says no."""

    endpoint_url: str

    def add(
        self,
        count: int = 1,
        *,
        tags: Mapping[str, str] | None = None,
        region: str = "us-east-1",
        zone: str = "",
        instance_type: str = "t3.micro",
    ) -> Sequence[InstanceSeen]:
        """Like RunInstances, which does as well: running, and its agent online."""
        given = {"count": count, "tags": dict(tags or {}), "region": region, "zone": zone}
        return [InstanceSeen(**told) for told in self._ask("instances", {**given, "instance_type": instance_type})]

    def all(self) -> Sequence[InstanceSeen]:
        return [InstanceSeen(**told) for told in self._ask("instances")]

    def take_offline(self, instance_id: str) -> InstanceSeen:
        """Its agent is lost, and SSM knows it: ConnectionLost. What it runs goes on."""
        return self._change(instance_id, agent="offline")

    def silence(self, instance_id: str) -> InstanceSeen:
        """Its agent is lost, and SSM does not know it yet: Online, but nothing is delivered."""
        return self._change(instance_id, agent="silent")

    def bring_back(self, instance_id: str) -> InstanceSeen:
        return self._change(instance_id, agent="online")

    def unmanage(self, instance_id: str) -> InstanceSeen:
        """As if it had no agent: SSM does not know it."""
        return self._change(instance_id, agent="unmanaged")

    def set_status(self, instance_id: str, status: str) -> InstanceSeen:
        """Of its status checks: ok, impaired, initializing, insufficient-data."""
        return self._change(instance_id, status=status)

    def settings(self, **changes: Any) -> Mapping[str, Any]:
        """The embedded AWS's, changed first where something is given: see settings.py."""
        return dict(self._ask("settings", changes or None))

    def website(self, bucket: str) -> str:
        """Where the website of a bucket is, for who cannot choose the Host header. It need not have one yet."""
        return str(self._ask(f"websites/{bucket}")["url"])

    def _change(self, instance_id: str, **changes: str) -> InstanceSeen:
        return InstanceSeen(**self._ask(f"instances/{instance_id}", changes))

    def _ask(self, what: str, given: Mapping[str, Any] | None = None) -> Any:
        connection = http.client.HTTPConnection(urlsplit(self.endpoint_url).netloc, timeout=60)
        try:
            body = None if given is None else json.dumps(given)
            connection.request("GET" if body is None else "POST", f"{PATH}/{what}", body)
            answer = connection.getresponse()
            said = answer.read()
        finally:
            connection.close()
        if answer.status == 200:
            return json.loads(said)
        is_json = answer.headers.get_content_type() == "application/json"
        why = json.loads(said)["message"] if is_json else said.decode("utf-8", "replace")
        raise RopewayError(f"The embedded AWS at {self.endpoint_url} says no: {why}")
