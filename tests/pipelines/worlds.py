"""What the applied runs find: a repository with an example as its pipeline, machines, connections, and commands that stand in for tools."""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.pipelines.expanding import ROOT, expand
from tests.pipelines.running import Run, World, run
from tests.vsix.agent import Agent, Endpoint

EXAMPLES = ROOT / "pipelines/examples"
NPM = '#!/bin/sh\n[ "$1" = run ] || exit 0\nrm -rf dist && cp -r src dist\n'
CURL = '#!/bin/sh\nexec /usr/bin/curl --connect-to ::{address} "$@"\n'
CONNECTIONS = ("production", "test", "trial", "research")


@dataclass
class Place:
    """A repository, and all that a run of its pipeline needs. `names` in an example are replaced: buckets and applications are of one test."""

    root: Path
    agent: Agent
    embedded: Any
    names: Mapping[str, str] = field(default_factory=dict)
    connections: dict[str, Endpoint] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)
    machines: list[Agent] = field(default_factory=list)

    def __post_init__(self) -> None:
        keys = {
            "username": self.embedded.connection.access_key_id,
            "password": self.embedded.connection.secret_access_key,
        }
        self.connections |= {name: Endpoint(str(uuid.uuid4()), keys) for name in CONNECTIONS}
        address = self.embedded.endpoint_url.removeprefix("http://")
        self.tool("npm", NPM)
        self.tool("curl", CURL.format(address=address))
        path = f"{self.root / 'tools'}:{os.environ['PATH']}"
        self.environment |= {"AWS_ENDPOINT_URL": self.embedded.endpoint_url, "PATH": path}

    @property
    def sources(self) -> Path:
        return self.root / "sources"

    def tool(self, name: str, script: str) -> None:
        file = self.root / "tools" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(script)
        file.chmod(0o755)

    def holds(self, files: Mapping[str, str]) -> None:
        for name, text in files.items():
            file = self.sources / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)

    def machine(self) -> Agent:
        self.machines.append(Agent(self.root / f"machine-{len(self.machines)}"))
        self.machines[-1].tasks = self.agent.tasks
        return self.machines[-1]

    def named(self, text: str) -> str:
        """The longest names first: one may be a part of another."""
        for name in sorted(self.names, key=len, reverse=True):
            assert name in text, f"the example does not name {name}"
            text = text.replace(name, self.names[name])
        return text

    def world(self, build: str, **more: Any) -> World:
        artifacts = self.root / f"artifacts-{build}"
        return World(self.machine, self.sources, artifacts, self.connections, self.environment, build, **more)

    def run(self, example: str, build: str, **more: Any) -> Run:
        """The example as the repository's pipeline, with the templates of this checkout."""
        file = self.root / "azure-pipelines.yml"
        file.write_text(self.named((EXAMPLES / f"{example}.yml").read_text(encoding="utf-8")))
        pipeline = expand(file)
        assert (
            pipeline.get("resources", {}).get("repositories", [{"repository": "ropeway"}])[0]["repository"] == "ropeway"
        )
        return run(pipeline, self.world(build, **more))

    def close(self) -> None:
        for machine in self.machines:
            machine.close()
            shutil.rmtree(machine.root)
