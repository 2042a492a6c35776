"""`rclone serve s3`: another real S3, in Go, over a folder. Strict about signatures; no conditions, no checksums, no tags, no versions."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sysconfig
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3

from ropeway.aws.connection import Connection
from tests.servers.ports import free_ports


@dataclass(frozen=True)
class Rclone:
    """Where it listens, and the only identity that it knows."""

    endpoint_url: str
    region: str = "us-east-1"
    access_key_id: str = "AKIAROPEWAYRCLONE000"
    secret_access_key: str = "only-for-tests"

    @property
    def connection(self) -> Connection:
        return Connection("rclone", access_key_id=self.access_key_id, secret_access_key=self.secret_access_key)

    def client(self) -> Any:
        return boto3.client(
            "s3",
            endpoint_url=self.endpoint_url,
            region_name=self.region,
            aws_access_key_id=self.access_key_id,
            aws_secret_access_key=self.secret_access_key,
        )


@contextmanager
def rclone(folder: Path) -> Iterator[Rclone]:
    """Serves the folders below `folder` as buckets."""
    data = folder / "buckets"
    data.mkdir(parents=True)
    (port,) = free_ports(1)
    server = Rclone(f"http://127.0.0.1:{port}")
    keys = f"{server.access_key_id},{server.secret_access_key}"
    command = [str(Path(sysconfig.get_path("scripts")) / "rclone"), "serve", "s3", str(data)]
    command += ["--addr", f"127.0.0.1:{port}", "--auth-key", keys, "--config", os.devnull, "--vfs-cache-mode", "off"]
    with (folder / "rclone.log").open("w") as log:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        _wait_until_it_listens(port, process)
        yield server
    finally:
        process.kill()
        process.wait()


def _wait_until_it_listens(port: int, process: subprocess.Popen[bytes]) -> None:
    while True:
        if process.poll() is not None:
            raise RuntimeError(f"rclone ended with {process.returncode}")
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
            return
        time.sleep(0.02)
