"""All instances of this process: which there are, whether their agent answers, and what they run."""

from __future__ import annotations

import contextlib
import shutil
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ropeway.local.instances.addresses import Addresses
from ropeway.local.instances.processes import Processes, Started
from ropeway.local.instances.roots import Namespaces, Root, namespaces_missing
from ropeway.local.instances.settings import SETTINGS

ONLINE = "online"
OFFLINE = "offline"
SILENT = "silent"
UNMANAGED = "unmanaged"
AGENTS = (ONLINE, OFFLINE, SILENT, UNMANAGED)
"""What SSM's agent does: answers; is known to be lost (ConnectionLost); does not answer and is not yet known to be lost; was never
there (no instance profile, no agent)."""
STATUSES = ("ok", "impaired", "initializing", "insufficient-data")
"""Of DescribeInstanceStatus: what the status checks say of a running instance."""


@dataclass
class Host:
    """The machine behind an instance. `instance` is moto's."""

    instance: Any
    address: str
    agent: str = ONLINE
    status: str = "ok"
    """Of its status checks."""
    _root: Root | None = None
    _boot: threading.Lock = field(default_factory=threading.Lock)

    @property
    def id(self) -> str:
        return str(self.instance.id)

    @property
    def running(self) -> bool:
        return str(self.instance.state) == "running"

    @property
    def answers(self) -> bool:
        """Whether a command reaches it now."""
        return self.running and self.agent == ONLINE and FLEET.is_reached(self.instance)

    @property
    def ping(self) -> str:
        """DescribeInstanceInformation's PingStatus."""
        return "Online" if self.running and self.agent in {ONLINE, SILENT} else "ConnectionLost"

    @property
    def managed(self) -> bool:
        """Whether Systems Manager knows it."""
        there = self.agent != UNMANAGED and str(self.instance.state) not in {"terminated", "shutting-down"}
        return there and FLEET.is_known(self.instance)

    @property
    def platform(self) -> str:
        return "Windows" if str(self.instance.platform or "").lower() == "windows" else "Linux"

    @property
    def has_run(self) -> bool:
        """Whether anything ever ran on it."""
        return self._root is not None

    @property
    def mark(self) -> str:
        """Every process of it has this in its environment."""
        return f"AWS_SSM_INSTANCE_ID={self.id}"

    def change(self, changes: dict[str, str]) -> None:
        """Its `agent` or `status`. Raises ValueError for what they cannot be."""
        for name, value in changes.items():
            if value not in {"agent": AGENTS, "status": STATUSES}.get(name, ()):
                raise ValueError(f"{name} of an instance cannot be {value}.")
            setattr(self, name, value)

    def root(self, processes: Processes) -> Root:
        """Its folder, made and booted when it is first wanted."""
        with self._boot:
            if not self._root:
                kind = Namespaces if isolation() == "namespaces" else Root
                self._root = kind(processes.folder / self.id)
            self._root.make()
            if isinstance(self._root, Namespaces):
                self._root.boot(processes, self._environment(self._root))
            return self._root

    def start(
        self,
        processes: Processes,
        argv: Callable[[Root], list[str]],
        *,
        folder: str = "",
        env: dict[str, str],
        out: Path,
        err: Path,
        seconds: float | None = None,
    ) -> Started:
        """Run something on it: `argv` is told where its files lie."""
        root = self.root(processes)
        command, cwd = root.command(argv(root), folder)
        return processes.start(
            command, env={**self._environment(root), **env}, cwd=cwd, out=out, err=err, seconds=seconds
        )

    def _environment(self, root: Root) -> dict[str, str]:
        own = {
            **FLEET.role(str(self.instance.region_name)),
            "AWS_SSM_INSTANCE_ID": self.id,
            "AWS_SSM_REGION_NAME": str(self.instance.region_name),
            "INSTANCE_ADDRESS": self.address,
            "LANG": "C.UTF-8",
        }
        return {**root.environment(), **own}


class Fleet:
    """Hosts by instance id. Nothing is started and no folder made before something is to run."""

    def __init__(self) -> None:
        self.addresses = Addresses()
        self._hosts: dict[str, Host] = {}
        self._processes: Processes | None = None
        self._lock = threading.Lock()
        self.at_end: list[Callable[[], None]] = []
        self.endpoint_url = ""
        """Where what runs here finds the embedded AWS."""
        self.is_known: Callable[[Any], bool] = lambda _: True
        self.is_reached: Callable[[Any], bool] = lambda _: True
        """What the role of an instance lets SSM's agent do: tell that it is there, and be sent commands."""

    def role(self, region: str) -> dict[str, str]:
        """Stands for the role of an instance or a function: its clients use the embedded AWS, and never go anywhere else."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint_url,
            "AWS_REGION": region,
            "AWS_DEFAULT_REGION": region,
            "AWS_ACCESS_KEY_ID": "AKIAROPEWAYEMBEDDED0",
            "AWS_SECRET_ACCESS_KEY": "any-secret-will-do",
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def add(self, instance: Any, address: str) -> None:
        self._hosts[str(instance.id)] = Host(instance, address)

    def get(self, instance_id: str) -> Host | None:
        return self._hosts.get(instance_id)

    def all(self) -> list[Host]:
        return sorted(self._hosts.values(), key=lambda host: host.id)

    def of(self, account: str, region: str) -> list[Host]:
        """Those of an account in a region."""
        return [host for host in self.all() if (host.instance.owner_id, host.instance.region_name) == (account, region)]

    @property
    def processes(self) -> Processes:
        with self._lock:
            if not self._processes:
                self._processes = Processes()
            return self._processes

    @property
    def keeper(self) -> int | None:
        """The number of the process that all of theirs are below; None before the first has run."""
        return self._processes.pid if self._processes else None

    def power_off(self, host: Host) -> None:
        """Its processes die; its files stay."""
        if self._processes and host.has_run:
            self._processes.clear(host.mark)

    def destroy(self, host: Host) -> None:
        """Its files go, too."""
        self.power_off(host)
        if self._processes:
            shutil.rmtree(self._processes.folder / host.id, ignore_errors=True)

    def end(self) -> None:
        """Nothing of them is left: no process, no folder, no address, no setting."""
        for ending in self.at_end:
            ending()
        self._hosts.clear()
        with self._lock:
            processes, self._processes = self._processes, None
        if processes:
            with contextlib.suppress(ValueError):
                processes.end()
        self.addresses.release()
        SETTINGS.reset()


FLEET = Fleet()

SUPPORTED = sys.platform == "linux"
"""Elsewhere there are no such addresses, and nobody to take over orphans: instances are as moto pretends them, unmanaged."""


def isolation() -> str:
    """The isolation in force: `namespaces` is asked for, and may not be had."""
    wanted = SETTINGS.isolation
    return "directory" if wanted == "namespaces" and namespaces_missing() else wanted
