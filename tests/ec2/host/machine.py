"""A machine to deploy to: a folder, a real bash, real processes; and a web server that has the bundles."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from ropeway.aws.run_command.model import HostRun, Script
from ropeway.ec2.app import HOOKS, App, HookScript
from ropeway.ec2.bundle import Bundle, make
from ropeway.ec2.host import HostScripts
from ropeway.ec2.model import Deployment, HostReport, HostStep, Layout
from ropeway.s3.state.releases import State
from tests.ec2.trees import File, Tree, as_folder
from tests.servers.web import Page, Web

FOLDER = "/opt/my shop"
RECORD = '#!/bin/sh\necho "$LIFECYCLE_EVENT by $ROPEWAY_RELEASE in ${PWD##*/}" >>"$INSTANCE_ROOT/events"\n'
"""A hook that leaves word."""


@dataclass
class Machine:
    """`path` stands for PATH, where a test wants other tools."""

    root: Path
    path: str = ""
    user: int | None = None
    environment: dict[str, str] = field(default_factory=dict)
    count: int = 0

    @property
    def app(self) -> Path:
        return self.root / FOLDER.lstrip("/")

    @property
    def notes(self) -> Path:
        return self.app / ".ropeway"

    @property
    def current(self) -> str:
        return os.readlink(self.app / "current")

    @property
    def events(self) -> list[str]:
        path = self.root / "events"
        return path.read_text().splitlines() if path.exists() else []

    def begin(self, script: Script, before: str = "") -> subprocess.Popen[bytes]:
        """As amazon-ssm-agent does it: `sh -c` of a file, in a process group of its own."""
        self.count += 1
        file = self.root / f"_script{self.count}.sh"
        file.write_text(script.text, "utf-8")
        file.chmod(0o700)
        env = {"INSTANCE_ROOT": str(self.root), "PATH": self.path or os.environ["PATH"], "HOME": str(self.root)}
        return subprocess.Popen(
            ["/bin/sh", "-c", f"{before}{shlex.quote(str(file))}"],
            env=env | self.environment,
            cwd=self.root,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            user=self.user,
        )

    def end(self, begun: subprocess.Popen[bytes]) -> HostRun:
        """Its output is whole when nobody holds it open any more: a daemon that does would keep us here."""
        try:
            out, err = begun.communicate(timeout=150)
        except subprocess.TimeoutExpired:
            os.killpg(begun.pid, signal.SIGKILL)
            raise
        state = "Failed" if begun.returncode else "Success"
        return HostRun("i-1", state, begun.returncode, out.decode(errors="replace"), err.decode(errors="replace"))

    def run(self, script: Script, before: str = "") -> HostRun:
        return self.end(self.begin(script, before))


@dataclass
class Shop:
    """An application of which there are releases, on a machine."""

    machine: Machine
    web: Web
    scratch: Path
    layout: Layout = field(default_factory=lambda: Layout(FOLDER))
    application: str = "shop"

    def release(
        self,
        id: str,
        hooks: Mapping[str, str] | None = None,
        *,
        tree: Tree | None = None,
        timeout: int = 20,
        user: str = "",
        shared: tuple[str, ...] = (),
        owner: str = "",
        **given: int,
    ) -> HostScripts:
        """The scripts of a release whose hooks are these, by event; all leave word where none are given."""
        bodies = dict.fromkeys(HOOKS, RECORD) if hooks is None else hooks
        files = {f"hooks/{event}": File(body.encode()) for event, body in bodies.items()}
        app = App(
            tuple(HookScript(event, f"hooks/{event}", timeout, user) for event in HOOKS if event in bodies),
            shared,
            owner,
        )
        self.scratch.mkdir(exist_ok=True)
        folder = as_folder({"version": File(id.encode()), **files, **(tree or {})}, self.scratch / f"t{time.time_ns()}")
        bundle = make(str(folder), str(self.scratch), app)
        return self.scripts(id, bundle, **given)

    def scripts(self, id: str, bundle: Bundle | None = None, **given: int) -> HostScripts:
        deployment = Deployment(self.application, "web servers", f"d-{id}", id)
        url = ""
        if bundle:
            self.web.answers[f"/{bundle.name}"] = Page(Path(bundle.path).read_bytes())
            url = self.web.url(f"/{bundle.name}")
        return HostScripts(self.layout, deployment, bundle, url, **given)

    def report(self, scripts: HostScripts, script: Script, step: HostStep, before: str = "") -> HostReport:
        """What it says of itself. Exit code and report agree, always."""
        run = self.machine.run(script, before)
        report = scripts.report(run, step)
        assert report is not None, run
        assert report.step == step
        assert report.ok == run.ok, run
        assert report.ok == (not report.why)
        return report

    def stage(self, scripts: HostScripts, before: str = "") -> HostReport:
        return self.report(scripts, scripts.stage(), "stage", before)

    def switch(self, scripts: HostScripts, over: str = "", *, force: bool = True, before: str = "") -> HostReport:
        return self.report(scripts, scripts.switch(over=over, force=force), "switch", before)

    def back(self, scripts: HostScripts, over: str) -> HostReport:
        """To a release of before, by whoever takes back what came after it."""
        scripts = replace(scripts, back=True)
        return self.report(scripts, scripts.switch(over=over, force=True), "switch")

    def validate(self, scripts: HostScripts) -> HostReport:
        return self.report(scripts, scripts.validate(), "validate")

    def rollback(self, scripts: HostScripts, to: str) -> HostReport:
        return self.report(scripts, scripts.rollback(to=to), "rollback")

    def mark(self, scripts: HostScripts, state: State = State.HEALTHY) -> HostReport:
        return self.report(scripts, scripts.mark(scripts.deployment.release, state), "mark")

    def prune(self, scripts: HostScripts) -> HostReport:
        return self.report(scripts, scripts.prune(), "prune")

    def status(self, id: str = "") -> HostReport:
        scripts = self.scripts(id)
        return self.report(scripts, scripts.status(), "status")

    def states(self) -> dict[str, str]:
        return {one.id: one.state.value for one in self.status().releases}

    def live(self, id: str, over: str = "", **given: object) -> HostScripts:
        """A release that was deployed, and found to be good."""
        scripts = self.release(id, **given)  # type: ignore[arg-type]
        assert self.stage(scripts).ok
        assert self.switch(scripts, over).ok
        assert self.mark(scripts).ok
        return scripts
