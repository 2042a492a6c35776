"""Where an instance has its files, and how a command gets there.

`directory` needs no privileges: HOME, TMPDIR, the current folder and the first folders of PATH lie in the instance's folder.
What a script writes elsewhere, it writes on this machine: a convention, no fence. A script that says
"${INSTANCE_ROOT:-}/opt/app" finds its place here and on a real machine.

`namespaces` needs root, or user namespaces: the instance's folders lie where the machine's would (/opt, /srv, /home, /root, /var,
/tmp, /usr/local), the rest can only be read, its processes see only each other, and INSTANCE_ROOT is empty. The network is shared:
the instance has an address of its own on it, to which its services bind (INSTANCE_ADDRESS).
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from ropeway.local.instances.processes import Processes, Started

FOLDERS = ("home", "opt", "root", "srv", "tmp", "usr/local", "var")
MADE = (*FOLDERS, "usr/local/bin", "var/log")
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

# /tmp last: the instance's folder itself may lie in it. The mounts stand before the rest becomes read-only, and stay as they are.
INIT = f"""set -e
mount --make-rprivate /
for folder in {" ".join(FOLDERS)}; do
  [ "$folder" = tmp ] || [ ! -d "/$folder" ] || mount --bind "$1/$folder" "/$folder"
done
mount --bind "$1/tmp" /tmp
mount -o remount,bind,ro /
mount -t proc proc /proc
hostname "$2" || true
echo ready
trap : CHLD
while :; do sleep 3600 & wait $!; done
"""


@dataclass
class Root:
    """The folder of one instance, and the way into it."""

    folder: Path

    def make(self) -> None:
        for name in MADE:
            (self.folder / name).mkdir(parents=True, exist_ok=True)

    def environment(self) -> dict[str, str]:
        inside = self.folder
        return {
            "INSTANCE_ROOT": str(inside),
            "HOME": str(inside / "root"),
            "TMPDIR": str(inside / "tmp"),
            "PATH": f"{inside}/usr/local/bin:{PATH}",
        }

    def path(self, inside: str) -> str:
        """How a process of the instance names a file of its folder."""
        return str(self.folder / inside.lstrip("/"))

    def command(self, argv: list[str], folder: str) -> tuple[list[str], Path]:
        """What to run on this machine, and in which folder, so that `argv` runs in `folder` of the instance."""
        return argv, self.folder / folder if folder else self.folder


class Namespaces(Root):
    """Boots once: its first process keeps the namespaces, the others enter them."""

    init: Started | None = None
    pid: int = 0

    def boot(self, processes: Processes, environment: dict[str, str]) -> None:
        """Raises OSError when this machine does not allow it."""
        if self.init and not self.init.ended.done():
            return
        said, pid_file = self.folder / "var/log/boot", self.folder / "var/log/boot.pid"
        said.unlink(missing_ok=True)
        argv = ["sh", "-c", f'echo $$ > "{pid_file}"; exec "$@"', "sh", *_unshare(), "bash", "-c", INIT, "init"]
        argv += [str(self.folder), environment["AWS_SSM_INSTANCE_ID"]]
        complaints = said.with_suffix(".err")
        self.init = processes.start(argv, env=environment, cwd=Path("/"), out=said, err=complaints)
        while not (said.exists() and "ready" in said.read_text()):
            if self.init.ended.done():
                raise OSError(f"This machine allows no namespaces: {complaints.read_text().strip()}")
            time.sleep(0.002)
        self.pid = int(pid_file.read_text())

    def environment(self) -> dict[str, str]:
        return {"INSTANCE_ROOT": "", "HOME": "/root", "TMPDIR": "/tmp", "PATH": PATH}  # noqa: S108 - its own

    def path(self, inside: str) -> str:
        return "/" + inside.lstrip("/")

    def command(self, argv: list[str], folder: str) -> tuple[list[str], Path]:
        spaces = [f"--{name}=/proc/{self.pid}/ns/{kind}" for name, kind in _SPACES.items() if kind != "user" or _maps()]
        enter = ["nsenter", *spaces, *(["--preserve-credentials"] if _maps() else [])]
        return [*enter, "sh", "-c", 'cd "$0" && exec "$@"', folder or "/", *argv], Path("/")


_SPACES = {"user": "user", "mount": "mnt", "uts": "uts", "pid": "pid_for_children"}


def _maps() -> bool:
    """Who is not root needs a user namespace in which it is."""
    return os.geteuid() != 0


def _unshare() -> list[str]:
    mapped = ["--user", "--map-root-user"] if _maps() else []
    return ["unshare", *mapped, "--mount", "--pid", "--uts", "--fork", "--kill-child"]


_probed: list[str] = []
_probing = threading.Lock()


def namespaces_missing() -> str:
    """Why this machine has no namespaces for us; empty when it has. Tried once."""
    with _probing:
        if not _probed:
            _probed.append(_probe())
        return _probed[0]


def _probe() -> str:
    if not shutil.which("unshare") or not shutil.which("nsenter"):
        return "there is no unshare or no nsenter"
    with contextlib.suppress(subprocess.TimeoutExpired):
        tried = subprocess.run(  # noqa: S603 - a constant
            [*_unshare(), "sh", "-c", "mount --make-rprivate / && mount -t proc proc /proc"],
            capture_output=True,
            text=True,
            timeout=10,
            check=False,
        )
        return tried.stderr.strip() if tried.returncode else ""
    return "unshare does not answer"
