"""The engines behind the port, for tests that hold for each of them; files to send, and what came of sending them."""

from __future__ import annotations

import hashlib
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import pytest

from ropeway.aws.connection import AwsInputs, Connection
from ropeway.aws.session import connect
from ropeway.outcome import Cancellation
from ropeway.s3.boto import BotoEngine, flow, receive, slices
from ropeway.s3.engine import Copy, Get, Headers, ObjectEngine, Put, Terms, Transfer, Transferred
from ropeway.s3.jobs import buckets, copy, delete, download, upload
from tests.s3.wire_kit import WIRE
from tests.secrecy import SECRET_ACCESS_KEY

CONNECTION = Connection("a test", access_key_id="AKIAROPEWAYTEST00000", secret_access_key=SECRET_ACCESS_KEY)
NO_RETRIES = {"retries": {"mode": "standard", "total_max_attempts": 1}}
FEW_RETRIES = {"retries": {"mode": "standard", "total_max_attempts": 3}}


class Kind(Protocol):
    """An engine behind the port, as the tests that hold for each of them make it. `inputs` are those by which a task chooses it."""

    name: str
    inputs: Mapping[str, str]

    def at(
        self,
        server: Any,
        *,
        concurrency: int = 4,
        checksums: bool = True,
        region: str = "us-east-1",
        terms: Terms | None = None,
        **config: Any,
    ) -> AbstractContextManager[ObjectEngine]:
        """Such an engine as a task would get. `server` is a URL, or has one; `config` are arguments of botocore's Config (retries, read_timeout)."""
        ...

    def tune(self, monkeypatch: pytest.MonkeyPatch, **limits: Any) -> None:
        """Other limits than those for daily use. By name: `single`, bytes that go up in one request, also the smallest part; `whole`, bytes that
        come down in one; `piece`, bytes of a range; `copied`, bytes that are copied in one; `copied_part`; `pauses` before an attempt of a
        body; `grace` and `clean_up`, seconds of a run that stops; `busy`, pauses while a bucket is being made; `passing`, pauses before
        keys are deleted again."""
        ...

    def hurry(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """No pauses between two attempts of a request, and as many attempts as it asks for."""
        ...

    def open_as(self, monkeypatch: pytest.MonkeyPatch, ending: str, how: Callable[[str], Any]) -> None:
        """Local files whose path ends so are opened by `how(path)`, an io.FileIO or an OSError."""
        ...


class Boto:
    name = "boto3"
    inputs: Mapping[str, str] = {"transfer_engine": "boto3"}

    @contextmanager
    def at(
        self,
        server: Any,
        *,
        concurrency: int = 4,
        checksums: bool = True,
        region: str = "us-east-1",
        terms: Terms | None = None,
        **config: Any,
    ) -> Iterator[BotoEngine]:
        inputs = AwsInputs(
            endpoint_url=getattr(server, "endpoint_url", server),
            region_name=region,
            checksums="whenSupported" if checksums else "whenRequired",
        )
        aws = connect(inputs, getattr(server, "connection", CONNECTION))
        client = aws.client("s3", max_pool_connections=concurrency, **config)
        yield BotoEngine(client, concurrency=concurrency, checksums=checksums, on=terms)
        client.close()

    def tune(self, monkeypatch: pytest.MonkeyPatch, **limits: Any) -> None:
        places = {
            "single": (upload, "SINGLE"),
            "whole": (download, "WHOLE"),
            "piece": (download, "RANGE"),
            "copied": (copy, "AT_ONCE"),
            "copied_part": (copy, "PART"),
            "pauses": (receive, "PAUSES"),
            "grace": (flow, "GRACE"),
            "clean_up": (flow, "CLEAN_UP"),
            "busy": (buckets, "BUSY"),
            "passing": (delete, "PAUSES"),
        }
        for name, value in limits.items():
            monkeypatch.setattr(*places[name], value)

    def hurry(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("botocore.endpoint.time.sleep", lambda _: None)
        monkeypatch.setattr("botocore.retries.bucket.TokenBucket.acquire", lambda *_, **__: True)

    def open_as(self, monkeypatch: pytest.MonkeyPatch, ending: str, how: Callable[[str], Any]) -> None:
        def opened(path: str, *rest: Any, **more: Any) -> Any:
            return how(path) if path.endswith(ending) else open(path, *rest, **more)

        monkeypatch.setattr(slices, "open", opened, raising=False)


BOTO = Boto()
ENGINES: tuple[Kind, ...] = (BOTO, WIRE)
"""All there are: a test of the port runs once for each (`pytestmark = each_engine`)."""
each_engine = pytest.mark.usefixtures("engine_kind")
boto_only = pytest.mark.parametrize("engine_kind", [BOTO], indirect=True, ids=["boto3"])
"""For tests that look into the engine, or replace a part of it."""
_current: list[Kind] = [BOTO]


@contextmanager
def using(kind: Kind) -> Iterator[Kind]:
    """`engine_at` and `tune` are of this kind meanwhile."""
    _current.append(kind)
    yield kind
    _current.pop()


@pytest.fixture(params=ENGINES, ids=lambda kind: kind.name)
def engine_kind(request: pytest.FixtureRequest) -> Iterator[Kind]:
    """What asks for it is run once for each engine behind the port. (Folders of tests take it into their conftest.py.)"""
    with using(request.param) as kind:
        yield kind


def engine_at(server: Any, **how: Any) -> AbstractContextManager[Any]:
    """An engine of the kind that the test is run for; of boto3 where it says nothing."""
    return _current[-1].at(server, **how)


def tune(monkeypatch: pytest.MonkeyPatch, **limits: Any) -> None:
    _current[-1].tune(monkeypatch, **limits)


@dataclass
class Sent:
    """The sum of what was told, from any thread."""

    total: int = 0
    back: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, count: int) -> None:
        with self._lock:
            self.total += count
            self.back += min(0, count)


def transfer(
    engine: ObjectEngine, *work: Transfer, sent: Sent | None = None, cancellation: Cancellation | None = None
) -> list[Transferred]:
    return list(engine.transfer(work, sent or Sent(), cancellation or Cancellation()))


def well(results: Iterable[Transferred]) -> None:
    """Raises the first error."""
    for result in results:
        if result.error:
            raise result.error


def put(path: Path | str, bucket: str, key: str, *, keep_modified: bool = False, **headers: Any) -> Put:
    found = os.stat(path)
    return Put(str(path), bucket, key, found.st_size, found.st_mtime_ns, Headers(**headers), keep_modified)


def get(bucket: str, key: str, path: Path | str, data: bytes, **more: Any) -> Get:
    """For an object that was put in one piece."""
    return Get(bucket, key, str(path), len(data), hashlib.md5(data).hexdigest(), **more)


def copied(bucket: str, source: str, key: str, data: bytes, *, headers: Headers = Headers(), **more: Any) -> Copy:
    """For an object of the same bucket that was put in one piece."""
    etag = hashlib.md5(data, usedforsecurity=False).hexdigest()
    return Copy(bucket, key, bucket, source, len(data), etag, headers, **more)


def until_no_request_is_left() -> None:
    """Threads that a stuck network held end when it is gone; until then they would disturb the tests that follow."""
    until = time.monotonic() + 60
    while left := [thread.name for thread in threading.enumerate() if thread.name.startswith("ropeway-s3-")]:
        if time.monotonic() > until:
            raise AssertionError(f"{left} still run")
        time.sleep(0.01)


def noise(size: int, seed: int = 0) -> bytes:
    """Bytes that no mixed-up block or offset leaves as they are."""
    return hashlib.shake_128(seed.to_bytes(4, "big")).digest(size)


def put_in_parts(
    s3: Any, bucket: str, key: str, parts: Iterable[bytes], algorithm: str | None, kind: str | None
) -> None:
    """As another tool would send it."""
    wanted = {"ChecksumAlgorithm": algorithm, "ChecksumType": kind} if algorithm else {}
    each = {"ChecksumAlgorithm": algorithm} if algorithm else {}
    upload = s3.create_multipart_upload(Bucket=bucket, Key=key, **wanted)["UploadId"]
    sent = []
    for number, part in enumerate(parts, 1):
        answer = s3.upload_part(Bucket=bucket, Key=key, UploadId=upload, PartNumber=number, Body=part, **each)
        checksum = {f"Checksum{algorithm}": answer[f"Checksum{algorithm}"]} if algorithm else {}
        sent.append({"PartNumber": number, "ETag": answer["ETag"], **checksum})
    s3.complete_multipart_upload(Bucket=bucket, Key=key, UploadId=upload, MultipartUpload={"Parts": sent})
