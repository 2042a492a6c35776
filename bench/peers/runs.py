"""One peer does one thing once, is measured, and what it did is verified; many of these, interleaved, are a bench.

A round goes through all peers before the next one begins, so that whatever else the machine does hits them alike.
"""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bench.peers.peers import Job, Peer, What, environment
from bench.peers.servers import Endpoint, Tools, client, null
from bench.peers.trees import BUCKET, PREFIX, Tree, first_difference, same_bytes

LONGEST = 600
"""Seconds after which a run is ended."""


@dataclass(frozen=True)
class Way:
    """How the server is reached. Latency in milliseconds. `real` is a server that runs already; without it each run has a null server of its own."""

    tls: bool = False
    latency: float = 0.0
    real: Endpoint | None = None

    @property
    def name(self) -> str:
        if self.real:
            return "SeaweedFS"
        return f"{'TLS' if self.tls else 'HTTP'}{f', {self.latency:.0f} ms' if self.latency else ''}"


@dataclass(frozen=True)
class Sample:
    """One run: wall `seconds`, `cpu` seconds, peak `megabytes`; `requests`, `connections` and `in_flight` at most, as the null server saw them.

    `error` says what was wrong with it, if anything.
    """

    way: str
    case: str
    what: str
    peer: str
    round: int
    seconds: float = 0.0
    cpu: float = 0.0
    megabytes: float = 0.0
    requests: int = 0
    connections: int = 0
    in_flight: int = 0
    error: str = ""


@dataclass(frozen=True)
class Bench:
    """What every run stands on."""

    tools: Tools
    scratch: Path

    def round(self, peer: Peer, tree: Tree, way: Way, wanted: tuple[What, ...], number: int) -> Iterator[Sample]:
        """What is wanted of this peer, once. Samples are whole but for way, case, peer and round, which are added here."""
        runs = self._on_a_real(peer, tree, way.real, wanted) if way.real else self._on_null(peer, tree, way, wanted)
        for sample in runs:
            yield replace(sample, way=way.name, case=tree.case.name, peer=peer.name, round=number)

    def _on_null(self, peer: Peer, tree: Tree, way: Way, wanted: tuple[What, ...]) -> Iterator[Sample]:
        """What is to be found unchanged has to be sent before, by the same peer, as each has its own headers and metadata. Who compares bytes
        alone finds the objects of the tree, with MD5s for ETags as S3 has them: the null server makes none of what it is sent.
        """
        if peer.bytes_alone and "same" in wanted:
            with null(self.tools, tls=way.tls, latency=way.latency, manifest=tree.manifest) as at:
                yield self._run(peer, Job("same", tree.folder, at))
        elif {"up", "same"} & set(wanted):
            with null(self.tools, tls=way.tls, latency=way.latency) as at:
                found = [
                    self._run(peer, Job(what, tree.folder, at)) for what in ("up", "same") if what in {"up", *wanted}
                ]
            wrong = _wrong_sizes(at.sizes, tree)
            yield from (_judged(sample, wrong) for sample in found if sample.what in wanted)
        if "down" in wanted:
            with null(self.tools, tls=way.tls, latency=way.latency, manifest=tree.manifest) as at:
                yield self._download(peer, tree, at)

    def _on_a_real(self, peer: Peer, tree: Tree, at: Endpoint, wanted: tuple[What, ...]) -> Iterator[Sample]:
        """It keeps what it is sent: up, the same again, and down from there."""
        with _bucket(at) as s3:
            found = [self._run(peer, Job(what, tree.folder, at)) for what in ("up", "same") if what in {"up", *wanted}]
            wrong = _wrong_objects(s3, tree)
            yield from (_judged(sample, wrong) for sample in found if sample.what in wanted)
            if "down" in wanted:
                yield self._download(peer, tree, at)

    def _download(self, peer: Peer, tree: Tree, at: Endpoint) -> Sample:
        with tempfile.TemporaryDirectory(dir=self.scratch) as folder:
            sample = self._run(peer, Job("down", Path(folder), at))
            return _judged(sample, first_difference(tree, Path(folder)))

    def _run(self, peer: Peer, job: Job) -> Sample:
        before = job.at.counts()
        with tempfile.TemporaryDirectory(dir=self.scratch) as home, tempfile.TemporaryFile("w+") as printed:
            settings = environment(job, self.tools, Path(home)) | peer.settings(job)
            took = _spawned(str(self.tools.spawn), peer.command(job), settings, printed)
            printed.seek(0)
            text = printed.read()
        seconds, cpu, kibibytes, code = (float(value) for value in took.split()) if took else (0.0, 0.0, 0.0, -1.0)
        seen = {name: count - before[name] for name, count in job.at.counts().items()}
        return Sample(
            "", "", job.what, peer.name, 0,
            seconds=seconds, cpu=cpu, megabytes=kibibytes * 1024 / 1e6,
            requests=sum(count for name, count in seen.items() if name.isupper()),
            connections=seen.get("connections", 0),
            in_flight=job.at.counts().get("peak", 0),
            error=f"ended with {code:.0f}: {text[-600:].strip()}" if code != peer.done else "",
        )  # fmt: skip


def _spawned(spawn: str, command: list[str], settings: dict[str, str], printed: Any) -> str:
    """What `spawn` tells; empty when it had to be ended. Its stdin is a pipe that stays open, as the agent's launcher holds one."""
    reading, writing = os.pipe()
    try:
        with subprocess.Popen(
            [spawn, str(writing), *command],
            env=settings,
            stdin=subprocess.PIPE,
            stdout=printed,
            stderr=subprocess.STDOUT,
            pass_fds=(writing,),
            start_new_session=True,
        ) as process:
            try:
                process.wait(LONGEST)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
    finally:
        os.close(writing)
    with os.fdopen(reading) as told:
        return told.read()


# --- is it right? ----------------------------------------------------------------------------------------------------------


def _judged(sample: Sample, wrong: str) -> Sample:
    return replace(sample, error=sample.error or wrong)


def _wrong_sizes(found: dict[str, int], tree: Tree) -> str:
    """The null server drops the bytes that it is sent, but counts them."""
    wanted = {f"{PREFIX}/{name}": size for name, size in tree.sizes.items()}
    if found == wanted:
        return ""
    different = {key for key, _ in found.items() ^ wanted.items()}
    return f"{len(different)} objects are missing, too many, or of another length, {min(different)} for one"


@contextmanager
def _bucket(at: Endpoint) -> Iterator[Any]:
    with client(at) as s3:
        s3.create_bucket(Bucket=BUCKET)
        yield s3
        s3.delete_bucket(Bucket=BUCKET)  # with all that is in it: this server allows that


def _wrong_objects(s3: Any, tree: Tree) -> str:
    """By sizes and MD5s; where the ETag is none, because the object came in parts, by its bytes."""
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=f"{PREFIX}/")
    found = {entry["Key"]: entry for page in pages for entry in page.get("Contents", ())}
    if wrong := _wrong_sizes({key: entry["Size"] for key, entry in found.items()}, tree):
        return wrong
    for line in tree.manifest.read_text(encoding="utf-8").splitlines():
        key, _, etag, _, _, _, path = line.split("\t")
        theirs = found[key]["ETag"].strip('"')
        if not (theirs == etag if "-" not in theirs + etag else same_bytes(path, _body(s3, key))):
            return f"{key} has other bytes"
    return ""


def _body(s3: Any, key: str) -> Any:
    return s3.get_object(Bucket=BUCKET, Key=key)["Body"]
