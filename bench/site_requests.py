"""Requests that a site of 10,000 files costs when nothing, or one file, changed: `python -m bench.site_requests`.

Counted at the store, a SeaweedFS behind a server that passes everything on. Each tool has a bucket of its own, filled by itself; what was there
then must be there afterwards, and the changed file with its new bytes.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.peers.peers import AWSCLI, PEERS, _s5cmd
from tests.servers.misbehaving import Misbehaving, misbehaving_server
from tests.servers.seaweed import Seaweed, seaweed

FILES = 10_000
PREFIX = "site"
ROPEWAY = (sys.executable, "-c", "import sys; from ropeway.cli import main; sys.exit(main(sys.argv[1:]))")
CHANGED = "p/000/0001.html"

Command = Callable[[Path, str, str], list[str]]
"""From the folder, the bucket and the endpoint."""


@dataclass(frozen=True)
class Tool:
    """`name` is what the table calls it; `fill` is the first run, where it is another command."""

    name: str
    command: Command
    fill: Command | None = None


def ropeway(release: str) -> Command:
    return lambda folder, bucket, url: [
        *ROPEWAY, "s3", "deploy", str(folder), f"s3://{bucket}/{PREFIX}", "--release-id", release, "--endpoint-url", url,
    ]  # fmt: skip


def aws(folder: Path, bucket: str, url: str) -> list[str]:
    target = f"s3://{bucket}/{PREFIX}"
    return [
        str(AWSCLI / "aws"),
        "s3",
        "sync",
        str(folder),
        target,
        "--delete",
        "--only-show-errors",
        "--endpoint-url",
        url,
    ]


def s5cmd(folder: Path, bucket: str, url: str) -> list[str]:
    return [
        _s5cmd(),
        "--log",
        "error",
        "--endpoint-url",
        url,
        "sync",
        "--delete",
        f"{folder}/",
        f"s3://{bucket}/{PREFIX}/",
    ]


def rclone(*more: str) -> Command:
    def command(folder: Path, bucket: str, url: str) -> list[str]:
        s3 = f":s3,provider=Other,list_version=2,env_auth,region=us-east-1,no_check_bucket,endpoint='{url}':{bucket}/{PREFIX}"
        return [str(PEERS / "rclone"), "--config", os.devnull, "sync", str(folder), s3, "--fast-list", *more]

    return command


TOOLS = (
    Tool("`ropeway s3 deploy`", ropeway("43"), ropeway("41")),
    Tool("`aws s3 sync --delete`", aws),
    Tool("`s5cmd sync --delete`", s5cmd),
    Tool("`rclone sync --fast-list`", rclone()),
    Tool("`rclone sync --fast-list --checksum`", rclone("--checksum")),
)


def make_site(folder: Path, files: int) -> None:
    """Fingerprinted scripts, pictures and pages, in folders of a hundred."""
    for number in range(files):
        kind, group = number % 4, number // 100
        name = f"p/{group:03}/{number:04}.html" if kind else f"assets/{group:03}/c.{number:04x}c0ffee1b2f.js"
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(f"file {number}")


def measured(
    store: Seaweed, proxy: Misbehaving, tool: Tool, folder: Path, files: int
) -> tuple[Counter[str], Counter[str]]:
    """What a run without a change asked for, and one with one changed file."""
    bucket = f"bench-{TOOLS.index(tool)}"
    client: Any = store.client()
    client.create_bucket(Bucket=bucket)
    run((tool.fill or tool.command)(folder, bucket, store.endpoint_url), store)
    no_op = tool.command if tool.fill is None else ropeway("42")
    nothing = counted(no_op(folder, bucket, proxy.url), store, proxy)
    (folder / CHANGED).write_text("another file")
    one = counted(tool.command(folder, bucket, proxy.url), store, proxy)
    keys = [
        one["Key"]
        for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=f"{PREFIX}/")
        for one in page["Contents"]
    ]
    body = client.get_object(Bucket=bucket, Key=f"{PREFIX}/{CHANGED}")["Body"].read()
    if len(keys) != files or body != b"another file":
        raise SystemExit(f"{tool.name} left {len(keys)} objects, and {body!r}")
    return nothing, one


def counted(command: list[str], store: Seaweed, proxy: Misbehaving) -> Counter[str]:
    proxy.requests.clear()
    run(command, store)
    return Counter("LIST" if "list-type" in one.target else one.method for one in proxy.requests)


def run(command: list[str], store: Seaweed) -> None:
    identity = {
        "AWS_ACCESS_KEY_ID": store.access_key_id,
        "AWS_SECRET_ACCESS_KEY": store.secret_access_key,
        "AWS_REGION": store.region,
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    done = subprocess.run(command, env=os.environ | identity, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command[:4])} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}")


def told(counts: Counter[str]) -> str:
    return f"{counts.total():,} ({', '.join(f'{count:,} {name}' for name, count in sorted(counts.items()))})"


def main(files: int = FILES) -> None:
    with (
        tempfile.TemporaryDirectory() as folder,
        seaweed(Path(folder) / "seaweed") as store,
        misbehaving_server() as proxy,
    ):
        proxy.upstream = store.endpoint_url
        print("| | nothing changed | one file changed |\n| --- | --- | --- |")
        for number, tool in enumerate(TOOLS):
            source = Path(folder) / f"source-{number}"
            make_site(source, files)
            nothing, one = measured(store, proxy, tool, source, files)
            print(f"| {tool.name} | {told(nothing)} | {told(one)} |", flush=True)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
