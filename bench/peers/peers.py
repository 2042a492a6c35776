"""The peers: how each is called for the same work, and whether it is here."""

from __future__ import annotations

import compileall
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Literal

from bench.peers.servers import Endpoint, Tools
from bench.peers.trees import BUCKET, PREFIX
from ropeway.azure.protocol import DONE
from tooling.bundle import stage

ROOT = Path(__file__).parents[2]
PEERS = ROOT / ".venv-bench" / "bin"
AWSCLI = ROOT / ".venv-awscli" / "bin"
TARGET = f"s3://{BUCKET}/{PREFIX}"

What = Literal["up", "same", "down"]
"""`same` is an upload of what is there already."""


@dataclass(frozen=True)
class Job:
    """One thing for a peer to do."""

    what: What
    folder: Path
    at: Endpoint


@dataclass(frozen=True)
class Peer:
    """`command` makes the words of a job, `settings` more of its environment; `version` raises OSError or CalledProcessError where it is not here.

    `how` says what is not its default.
    """

    name: str
    command: Callable[[Job], list[str]]
    version: Callable[[], str]
    how: str = "as it comes"
    settings: Callable[[Job], dict[str, str]] = field(default=lambda _: {})
    done: int = 0
    """How its process ends when all went well."""
    ours: bool = False
    bytes_alone: bool = False
    """Whether its no-op looks at no headers."""


def environment(job: Job, tools: Tools, home: Path) -> dict[str, str]:
    """Of every peer: the keys, whom to trust, and nothing of this machine's own settings."""
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "TMPDIR": str(home),
        "AWS_ACCESS_KEY_ID": job.at.access_key_id,
        "AWS_SECRET_ACCESS_KEY": job.at.secret_access_key,
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CA_BUNDLE": str(tools.authority),
        "SSL_CERT_FILE": str(tools.authority),
    }


def _first_line(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return (done.stdout or done.stderr).strip().splitlines()[0]


# --- programs ------------------------------------------------------------------------------------------------------------


@cache
def _s5cmd() -> str:
    """The program itself, without the Python that the package starts it by."""
    found = next(PEERS.parent.glob("lib/python*/site-packages/s5cmd/bin/s5cmd"), None)
    if found is None:
        raise FileNotFoundError("s5cmd is not in .venv-bench")
    return str(found)


def s5cmd(job: Job) -> list[str]:
    words = {
        "up": ["cp", f"{job.folder}/", f"{TARGET}/"],
        "same": ["sync", f"{job.folder}/", f"{TARGET}/"],
        "down": ["cp", f"{TARGET}/*", f"{job.folder}/"],
    }
    return [_s5cmd(), "--log", "error", "--endpoint-url", job.at.url, *words[job.what]]


def rclone(job: Job) -> list[str]:
    """It is given what its documents on S3 advise against needless requests, and connections enough for the latency."""
    here, there = str(job.folder), f":s3:{BUCKET}/{PREFIX}"
    places = [there, here] if job.what == "down" else [here, there]
    at_once = "256" if job.at.latency else "32"
    more = ["--checksum"] if job.what == "same" else []
    return [str(PEERS / "rclone"), "copy", *places, "--transfers", at_once, "--checkers", at_once, "--fast-list", *more]


def of_rclone(job: Job) -> dict[str, str]:
    return {
        "RCLONE_CONFIG": "/dev/null",
        "RCLONE_S3_PROVIDER": "Other",
        "RCLONE_S3_LIST_VERSION": "2",
        "RCLONE_S3_ENDPOINT": job.at.url,
        "RCLONE_S3_ENV_AUTH": "true",
        "RCLONE_S3_REGION": "us-east-1",
        "RCLONE_S3_NO_CHECK_BUCKET": "true",
        "RCLONE_S3_NO_HEAD": "true",
        "RCLONE_S3_NO_HEAD_OBJECT": "true",
    }


def _aws(program: Callable[[], str]) -> Callable[[Job], list[str]]:
    def command(job: Job) -> list[str]:
        places = [TARGET, str(job.folder)] if job.what == "down" else [str(job.folder), TARGET]
        act = ["sync"] if job.what == "same" else ["cp", "--recursive"]
        return [program(), "s3", *act, *places, "--only-show-errors", "--endpoint-url", job.at.url]

    return command


@cache
def _aws_v2() -> str:
    """The first `aws` on the path that is version 2."""
    folders = [*os.environ["PATH"].split(os.pathsep), "/usr/local/bin", "/usr/bin"]
    for candidate in (Path(folder) / "aws" for folder in folders):
        if candidate.is_file() and _first_line(str(candidate), "--version").startswith("aws-cli/2"):
            return str(candidate)
    raise FileNotFoundError("no aws on the path is version 2 (Debian's package awscli is)")


# --- libraries -----------------------------------------------------------------------------------------------------------


def _driver(name: str) -> Callable[[Job], list[str]]:
    path = str(Path(__file__).parent / "drivers" / f"{name}.py")
    return lambda job: [str(PEERS / "python"), path, job.what, str(job.folder), job.at.url, str(job.at.latency)]


def _package(name: str) -> Callable[[], str]:
    words = f"import importlib.metadata as m; print({name!r}, m.version({name!r}))"
    return lambda: _first_line(str(PEERS / "python"), "-c", words)


# --- ours ----------------------------------------------------------------------------------------------------------------


FLAGS = ("-I", "-S", "-u", "-X", "utf8")
"""With which the launcher starts Python (tasks/launcher/launch.js)."""


@cache
def _tasks() -> Path:
    """The folders of the tasks, as the extension carries them and as a second run on an agent finds them: Ropeway is compiled, as peers are."""
    folder = ROOT / "build" / "bench" / "tasks"
    shutil.rmtree(folder, ignore_errors=True)
    stage(folder)
    for library in folder.glob("*/lib/ropeway"):
        compileall.compile_dir(library, quiet=1)
    return folder


def _ropeway(job: Job) -> list[str]:
    """The task itself, as the launcher starts it."""
    task = "S3Download" if job.what == "down" else "S3Upload"
    return [sys.executable, *FLAGS, str(_tasks() / task / "main.py")]


def _inputs(engine: str, **same: str) -> Callable[[Job], dict[str, str]]:
    """`same` are further inputs of a no-op."""

    def settings(job: Job) -> dict[str, str]:
        given = {
            "bucketName": BUCKET,
            "regionName": "us-east-1",
            "endpointUrl": job.at.url,
            "forcePathStyleAddressing": "true",
            "globExpressions": "**",
            "transferEngine": engine,
        }
        given |= (
            {"sourceFolder": PREFIX, "targetFolder": str(job.folder), "stripPrefix": "true"}
            if job.what == "down"
            else {}
        )
        given |= {"sourceFolder": str(job.folder), "targetFolder": PREFIX} if job.what != "down" else {}
        given |= {"skipUnchanged": "true", **same} if job.what == "same" else {}
        return {f"INPUT_{name.upper()}": value for name, value in given.items()}

    return settings


def _our_version() -> str:
    commit = subprocess.run(
        ["git", "-C", str(ROOT), "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False
    )
    return f"ropeway {commit.stdout.strip() or '(no commit)'} on Python {sys.version.split()[0]}"


ALL = {
    peer.name: peer
    for peer in (
        Peer(
            "ropeway",
            _ropeway,
            _our_version,
            "the task as it comes (the wire engine)",
            _inputs("wire"),
            DONE,
            ours=True,
        ),
        Peer(
            "ropeway-bytes",
            _ropeway,
            _our_version,
            "the same; its no-op with compareHeaders: false",
            _inputs("wire", compareHeaders="false"),
            DONE,
            ours=True,
            bytes_alone=True,
        ),
        Peer(
            "ropeway-boto3",
            _ropeway,
            _our_version,
            "the task with transferEngine: boto3",
            _inputs("boto3"),
            DONE,
            ours=True,
        ),
        Peer(
            "awscrt",
            _driver("awscrt_s3"),
            _package("awscrt"),
            "a driver; told to reach 100 Gbit/s at 30 ms, else as it comes",
        ),
        Peer(
            "obstore", _driver("obstore_async"), _package("obstore"), "a driver; 256 at once at 30 ms, else 64; bulk 16"
        ),
        Peer("s5cmd", s5cmd, lambda: f"s5cmd {_first_line(_s5cmd(), 'version')}"),
        Peer(
            "rclone",
            rclone,
            lambda: _first_line(str(PEERS / "rclone"), "version"),
            "no HEADs, --fast-list, --transfers 32 (256 at 30 ms), --checksum for the no-op",
            of_rclone,
        ),
        Peer("boto3", _driver("boto3_transfer"), _package("boto3"), "a driver on its TransferManager, 20 at once"),
        Peer("aws-v1", _aws(lambda: str(AWSCLI / "aws")), lambda: _first_line(str(AWSCLI / "aws"), "--version")),
        Peer("aws-v2", _aws(_aws_v2), lambda: _first_line(_aws_v2(), "--version")),
    )
}


def here(names: list[str]) -> Iterator[tuple[Peer, str, str]]:
    """Each peer with its version, or with why it cannot run."""
    for name in names:
        try:
            yield ALL[name], ALL[name].version(), ""
        except (OSError, subprocess.CalledProcessError) as error:
            yield ALL[name], "", str(error)
