"""SeaweedFS, a real S3 in Go, strict about signatures and checksums. One for all workers of a test run.

Whoever uses it holds a shared lock on a file. A supervisor waits for that lock to be free, which it is when the last user has
ended in whatever way, and then kills the server: nothing is left behind, not even after SIGKILL.

It knows no keys with `//` or `\\`, no SSE-KMS, no website.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import socket
import subprocess
import sys
import sysconfig
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import boto3

from ropeway.aws.connection import Connection
from tests.secrecy import SECRET_ACCESS_KEY
from tests.servers.ports import free_ports

ROLES = ("master", "volume", "filer", "s3")


@dataclass(frozen=True)
class Seaweed:
    """Where it listens and the only identity it knows."""

    endpoint_url: str
    pid: int
    region: str = "us-east-1"
    access_key_id: str = "AKIAROPEWAYSEAWEED00"
    secret_access_key: str = SECRET_ACCESS_KEY

    @property
    def connection(self) -> Connection:
        return Connection("SeaweedFS", access_key_id=self.access_key_id, secret_access_key=self.secret_access_key)

    def client(self, service: str = "s3") -> object:
        return boto3.client(
            service,
            endpoint_url=self.endpoint_url,
            region_name=self.region,
            aws_access_key_id=self.access_key_id,
            aws_secret_access_key=self.secret_access_key,
        )


@contextmanager
def seaweed(folder: Path) -> Iterator[Seaweed]:
    """The server of this folder, started when nobody has yet. The last one to leave ends it."""
    folder.mkdir(parents=True, exist_ok=True)
    with _locked(folder / "users", fcntl.LOCK_SH):
        with _locked(folder / "start", fcntl.LOCK_EX):
            state = folder / "state.json"
            if not state.exists():
                _start(folder)
            found = Seaweed(**json.loads(state.read_text()))
        yield found


@contextmanager
def _locked(path: Path, kind: int) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, kind)
        yield


def _start(folder: Path) -> None:
    command = [sys.executable, "-m", "tests.servers.seaweed", str(folder)]
    with (folder / "supervisor.log").open("w") as log:
        ended = subprocess.run(
            command, cwd=Path(__file__).parents[2], stdin=subprocess.DEVNULL, stdout=log, stderr=log, check=False
        )
    if ended.returncode:
        logs = [path.read_text()[-4000:] for path in sorted(folder.glob("*.log"))]
        raise RuntimeError("\n".join(["SeaweedFS did not start:", *logs]))


# --- the supervisor, a process of its own --------------------------------------------------------------------------------


def supervise(folder: Path) -> None:
    """Start the server, say where it is, and end it when nobody holds `users` any longer; again where a port was taken."""
    while not supervised(folder):
        pass


def supervised(folder: Path) -> bool:
    """Not where it could not begin: a port that was free when it was looked for may be somebody else's by then."""
    ports = free_ports(2 * len(ROLES))
    grpc = ports[1::2]
    weed = _weed(folder, dict(zip(ROLES, ports[::2], strict=True)), dict(zip(ROLES, grpc, strict=True)))
    try:
        server = Seaweed(f"http://127.0.0.1:{ports[::2][ROLES.index('s3')]}", weed.pid)
        if not _stores(server, weed):
            assert "address already in use" in (folder / "weed.log").read_text()
            return False
        _write_whole(folder / "state.json", json.dumps(asdict(server)))
        # Taken when the last user is gone, kept until this process ends: a newcomer waits for an empty house.
        users = (folder / "users").open("w")
        fcntl.flock(users, fcntl.LOCK_EX)
        (folder / "state.json").unlink()
        return True
    finally:
        weed.kill()  # asked politely it takes 15 s
        weed.wait()
        shutil.rmtree(folder / "data", ignore_errors=True)
        for role, port in zip(ROLES, grpc, strict=True):
            Path(f"/tmp/seaweedfs-{role}-grpc-{port}.sock").unlink(missing_ok=True)


def _weed(folder: Path, ports: dict[str, int], grpc: dict[str, int]) -> subprocess.Popen[bytes]:
    known = Seaweed("", 0)
    credentials = [{"accessKey": known.access_key_id, "secretKey": known.secret_access_key}]
    identity = {"name": "tests", "credentials": credentials, "actions": ["Admin", "Read", "Write", "List", "Tagging"]}
    (folder / "identities.json").write_text(json.dumps({"identities": [identity]}))
    (folder / "data").mkdir()
    with (folder / "weed.log").open("w") as log:
        return subprocess.Popen(
            [
                str(Path(sysconfig.get_path("scripts")) / "weed"),
                "server",
                f"-dir={folder / 'data'}",
                "-ip=127.0.0.1",
                "-ip.bind=127.0.0.1",
                "-master.peers=none",  # alone: no election, which would take 2 s
                "-master.telemetry=false",  # it is on by default
                "-master.volumeSizeLimitMB=256",
                "-volume.max=2000",
                "-filer",
                f"-filer.localSocket={folder / 'filer.sock'}",
                "-s3",
                f"-s3.config={folder / 'identities.json'}",
                f"-s3.localSocket={folder / 's3.sock'}",
                "-s3.autoCreateBucket=false",
                "-s3.iam=false",
                "-s3.port.iceberg=0",
                "-s3.port.lance=0",
                *(f"-{role}.port={port}" for role, port in ports.items()),
                *(f"-{role}.port.grpc={port}" for role, port in grpc.items()),
            ],
            # One volume for a new bucket, not seven; keys for SSE-S3.
            env=os.environ
            | {"WEED_MASTER_VOLUME_GROWTH_COPY_1": "1", "WEED_S3_SSE_KEK_PASSPHRASE": "tests", "TMPDIR": str(folder)},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )


def _stores(server: Seaweed, weed: subprocess.Popen[bytes]) -> bool:
    """As soon as it does; or it has ended."""
    port = int(server.endpoint_url.rpartition(":")[2])
    while True:
        if weed.poll() is not None:
            return False
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
            break
        time.sleep(0.02)
    client = server.client()
    client.create_bucket(Bucket="first")
    client.put_object(Bucket="first", Key="first", Body=b"")
    client.delete_object(Bucket="first", Key="first")
    client.delete_bucket(Bucket="first")
    return True


def _write_whole(path: Path, text: str) -> None:
    part = path.with_suffix(".part")
    part.write_text(text)
    part.rename(path)


def _main(folder: Path) -> int:
    """Leave a supervisor behind; 0 once its server stores things."""
    supervisor = os.fork()
    if not supervisor:
        os.setsid()
        supervise(folder)
        os._exit(0)
    while not (folder / "state.json").exists():
        if os.waitpid(supervisor, os.WNOHANG) != (0, 0):
            return 1
        time.sleep(0.02)
    return 0


if __name__ == "__main__":
    sys.exit(_main(Path(sys.argv[1])))
