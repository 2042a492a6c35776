"""What is done on a host: scripts of bash, made of values that are quoted and of the .sh files beside this one.

A script keeps its output and that of the hooks to itself, in a log on the host; the first thing it prints, as it ends, is its
report (report.py), and behind it the end of that log. A host that says nothing has not done it.
"""

from __future__ import annotations

import re
import secrets
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from ropeway.aws.run_command.model import HostRun, Script
from ropeway.ec2.bundle import Bundle
from ropeway.ec2.host.names import folder_problems, name_of
from ropeway.ec2.host.report import output_of, read_report
from ropeway.ec2.model import Deployment, HostReport, HostStep, Layout
from ropeway.errors import InputError
from ropeway.s3.state.releases import State

__all__ = ["HostScripts", "folder_problems", "output_of"]

MARGIN = 120
"""Seconds that a script has beyond those of its hooks: to wait for the lock, to end what hangs, to report."""
MOST_SECONDS = 172_800
"""Of a script. (executionTimeout of AWS-RunShellScript.)"""
GRACE = 5
"""Seconds between asking a hook to end and ending it."""
PAUSE = 1
"""Seconds before a bundle that did not arrive is asked for again, and twice as many before the third time."""
PATIENCE = 30
"""Seconds that it waits for another script on the host."""
ROOM = 32 << 20
"""Bytes that must be left on a disk, for logs and whatever else writes there."""

PARTS: Mapping[HostStep, tuple[str, ...]] = {
    "status": ("common", "status"),
    "validate": ("common", "hooks", "validate"),
    "stage": ("common", "tidy", "stage"),
    "switch": ("common", "hooks", "switch"),
    "rollback": ("common", "hooks", "switch"),
    "mark": ("common", "mark"),
    "prune": ("common", "tidy", "prune"),
}

FETCH = """import shutil, sys, urllib.error, urllib.request
try: answer, code = urllib.request.urlopen(sys.stdin.readline().strip(), timeout=30), 200
except urllib.error.HTTPError as error: answer, code = error, error.code
with answer, open(sys.argv[1], "wb") as file: shutil.copyfileobj(answer, file)
print(code)"""
"""For hosts that have neither curl nor wget."""


@dataclass(frozen=True)
class HostScripts:
    """The steps on the hosts, as scripts. `bundle` and `url` are needed to stage alone.

    `hook_seconds` bounds all hooks of one step together, `stage_seconds` the arrival of the bundle. `back`: a switch leads to a release
    of before, and takes back what came after it. The nonce is in each script and in its report: ask the same object for both
    (`dataclasses.replace` keeps it).
    """

    layout: Layout
    deployment: Deployment
    bundle: Bundle | None = None
    url: str = field(default="", repr=False)
    hook_seconds: int = 3600
    stage_seconds: int = 1800
    back: bool = False
    nonce: str = field(default_factory=lambda: secrets.token_hex(8), repr=False)

    def status(self) -> Script:
        """How the host stands: reads only."""
        return self._script("status", 60, release="", asked=name_of(self.deployment.release))

    def stage(self) -> Script:
        """Raises InputError for an address that no script may carry."""
        bundle = self.bundle
        if bundle is None or not re.fullmatch(r"https?://[\x21\x23-\x5b\x5d-\x7e]+", self.url):
            raise InputError(
                [f"Release {self.deployment.release} cannot be staged without an address to fetch it from."]
            )
        return self._script(
            "stage",
            self.stage_seconds + MARGIN,
            release=name_of(self.deployment.release),
            url=self.url,
            sha256=bundle.sha256,
            size=str(bundle.size),
            content=bundle.content,
            needed=str(bundle.size + bundle.unpacked + ROOM),
            files=str(bundle.files + 100),
            stage_seconds=str(self.stage_seconds),
            by_python=FETCH,
            pause=str(PAUSE),
            **self._kept(),
        )

    def switch(self, *, over: str, force: bool = False) -> Script:
        """`over` is the release that must be live, empty for none: else nothing is changed."""
        return self._switch("switch", self.deployment.release, over=name_of(over), force=force, back=self.back)

    def rollback(self, *, to: str) -> Script:
        """From whatever is live to `to`, which is started and validated again even where it is live already."""
        return self._switch("rollback", to, over="", force=True, back=True)

    def validate(self) -> Script:
        """The release's own ValidateService and nothing else, where it is live."""
        return self._hooked("validate", self.deployment.release)

    def mark(self, release: str, state: State) -> Script:
        return self._script("mark", MARGIN, release=name_of(release), release_id=release, state=state.value)

    def prune(self) -> Script:
        """Old releases go, as the layout has it."""
        return self._script("prune", 600, release="", **self._kept())

    def _kept(self) -> dict[str, str]:
        return {"keep": str(self.layout.keep), "keep_failed": str(self.layout.keep_failed)}

    def report(self, run: HostRun, step: HostStep) -> HostReport | None:  # noqa: ARG002 - the report says of which step it is
        """None where the script has not said how it ended. Whoever asks compares step and release with what was meant."""
        return read_report(run, self.nonce)

    def _switch(self, step: HostStep, release: str, *, over: str, force: bool, back: bool) -> Script:
        return self._hooked(
            step,
            release,
            over=over,
            force="true" if force else "false",
            back="true" if back else "false",
        )

    def _hooked(self, step: HostStep, release: str, **values: str) -> Script:
        """A script that runs hooks of this release."""
        hook_seconds = min(self.hook_seconds, MOST_SECONDS - MARGIN)
        return self._script(
            step,
            hook_seconds + MARGIN,
            release=name_of(release),
            release_id=release,
            group=self.deployment.group,
            deployment_id=self.deployment.id,
            hook_seconds=str(hook_seconds),
            grace=str(GRACE),
            **values,
        )

    def _script(self, step: HostStep, seconds: int, **values: str) -> Script:
        given = {
            "step": step,
            "nonce": self.nonce,
            "folder": self.layout.folder,
            "application": self.deployment.application,
            "deployment": name_of(self.deployment.id)[-60:] or "none",
            "patience": str(PATIENCE),
            "release_id": self.deployment.release,
            **values,
        }
        assigned = [f"{name}={shlex.quote(value)}" for name, value in given.items()]
        return Script("\n".join(["#!/bin/bash", *assigned, *map(_part, PARTS[step]), "main", ""]), seconds)


@cache
def _part(name: str) -> str:
    """Without its comments, which only we read: a command of SSM's may have 64 KB."""
    text = Path(__file__).with_name(f"{name}.sh").read_text("utf-8")
    return "\n".join(_told(text))


def _told(text: str) -> Iterator[str]:
    for line in text.splitlines():
        if line.strip() and not line.lstrip().startswith("#"):
            yield line
