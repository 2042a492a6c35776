"""An engine on a real client, files to send, and what came of sending them."""

from __future__ import annotations

import hashlib
import os
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ropeway.aws.connection import AwsInputs, Connection
from ropeway.aws.session import connect
from ropeway.outcome import Cancellation
from ropeway.s3.boto import BotoEngine
from ropeway.s3.engine import Get, Headers, Put, Terms, Transfer, Transferred

CONNECTION = Connection("a test", access_key_id="AKIAROPEWAYTEST00000", secret_access_key="test")
NO_RETRIES = {"retries": {"mode": "standard", "total_max_attempts": 1}}
FEW_RETRIES = {"retries": {"mode": "standard", "total_max_attempts": 3}}


@contextmanager
def engine_at(
    server: Any,
    *,
    concurrency: int = 4,
    checksums: bool = True,
    region: str = "us-east-1",
    terms: Terms | None = None,
    **config: Any,
) -> Iterator[BotoEngine]:
    """An engine on the client that a task would get. `server` is a URL, or has one."""
    inputs = AwsInputs(
        endpoint_url=getattr(server, "endpoint_url", server),
        region_name=region,
        checksums="whenSupported" if checksums else "whenRequired",
    )
    aws = connect(inputs, getattr(server, "connection", CONNECTION))
    client = aws.client("s3", max_pool_connections=concurrency, **config)
    yield BotoEngine(client, concurrency=concurrency, checksums=checksums, on=terms)
    client.close()


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
    engine: BotoEngine, *work: Transfer, sent: Sent | None = None, cancellation: Cancellation | None = None
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
