"""What peers are measured against: the null S3 (a small C program, compiled here), and SeaweedFS."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import boto3
import trustme

from tests.servers.seaweed import seaweed

HERE = Path(__file__).parent


class BenchError(Exception):
    """The bench cannot go on."""


@dataclass(frozen=True)
class Tools:
    """The programs that are compiled for a run, and the authority that signed the null server's certificate."""

    null: Path
    spawn: Path
    authority: Path
    certificate: Path
    key: Path


def compiled(scratch: Path) -> Tools:
    """Raises BenchError where there is no C compiler or no OpenSSL to build with."""
    tools = Tools(*(scratch / name for name in ("null_s3", "spawn", "authority.pem", "certificate.pem", "key.pem")))
    _compile(HERE / "null_s3.c", tools.null, "-lssl", "-lcrypto", "-lpthread")
    _compile(HERE / "spawn.c", tools.spawn)
    authority = trustme.CA()
    issued = authority.issue_cert("127.0.0.1", "localhost")
    authority.cert_pem.write_to_path(str(tools.authority))
    issued.private_key_pem.write_to_path(str(tools.key))
    for pem in issued.cert_chain_pems:
        pem.write_to_path(str(tools.certificate), append=True)
    return tools


def _compile(source: Path, target: Path, *libraries: str) -> None:
    compiler = shutil.which("cc") or shutil.which("gcc")
    if not compiler:
        raise BenchError("The null server is a C program, and there is no C compiler (cc, gcc).")
    command = [compiler, "-O2", "-o", str(target), str(source), *libraries]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise BenchError(
            f"{source.name} does not compile here; it needs OpenSSL's headers (libssl-dev):\n{done.stderr}"
        )


@dataclass(frozen=True)
class Endpoint:
    """Where a server is. Latency in milliseconds; `counts` is what the server has seen so far, `sizes` by key what it holds at its end."""

    url: str
    access_key_id: str = "AKIAROPEWAYBENCH0000"
    secret_access_key: str = "bench"
    latency: float = 0.0
    counts: Callable[[], dict[str, int]] = dict
    sizes: dict[str, int] = field(default_factory=dict)


@contextmanager
def null(tools: Tools, *, tls: bool, latency: float, manifest: Path | None = None) -> Iterator[Endpoint]:
    """Latency in milliseconds, before each answer. Raises BenchError when it does not start."""
    command = [str(tools.null), "--delay", str(latency)]
    command += ["--tls", str(tools.certificate), str(tools.key)] if tls else []
    command += ["--objects", str(manifest)] if manifest else []
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout
        if not (port := server.stdout.readline()):
            raise BenchError("The null server did not start.")
        url = f"{'https' if tls else 'http'}://127.0.0.1:{int(port)}"
        endpoint = Endpoint(url, latency=latency, counts=partial(_counts, server))
        try:
            yield endpoint
        finally:
            objects = server.communicate()[0].splitlines()
            endpoint.sizes.update((key, int(size)) for size, _, key in (line.partition("\t") for line in objects))


def _counts(server: subprocess.Popen[str]) -> dict[str, int]:
    assert server.stdin
    assert server.stdout
    server.stdin.write("\n")
    server.stdin.flush()
    counts: dict[str, int] = json.loads(server.stdout.readline())
    return counts


@contextmanager
def real(scratch: Path) -> Iterator[Endpoint]:
    """SeaweedFS, without the bucket."""
    with seaweed(scratch / "seaweed") as server:
        yield Endpoint(server.endpoint_url, server.access_key_id, server.secret_access_key)


@contextmanager
def client(at: Endpoint) -> Iterator[Any]:
    """Looks into a real server by itself."""
    made: Any = boto3.client(
        "s3",
        endpoint_url=at.url,
        region_name="us-east-1",
        aws_access_key_id=at.access_key_id,
        aws_secret_access_key=at.secret_access_key,
    )
    yield made
    made.close()
