"""The wire engine, as the tests that hold for every engine make it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from ropeway.aws.connection import AwsInputs, Connection
from ropeway.aws.session import S3Address, connect
from ropeway.s3.engine import Terms
from ropeway.s3.jobs import buckets, copy, delete, download
from ropeway.s3.jobs import upload as uploads
from ropeway.s3.wire import WireEngine, receive, retries, upload
from ropeway.wire import connection, flow
from tests.secrecy import SECRET_ACCESS_KEY

KEYS = Connection("a test", access_key_id="AKIAROPEWAYTEST00000", secret_access_key=SECRET_ACCESS_KEY)


class Wire:
    name = "wire"
    inputs: Mapping[str, str] = {"transfer_engine": "wire"}

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
    ) -> Iterator[WireEngine]:
        inputs = AwsInputs(endpoint_url=getattr(server, "endpoint_url", server), region_name=region)
        aws = connect(inputs, getattr(server, "connection", KEYS))
        attempts = config.get("retries", {}).get("total_max_attempts")

        def address(bucket: str) -> S3Address:
            found = aws.s3(bucket)
            return replace(found, attempts=attempts) if attempts else found

        with pytest.MonkeyPatch.context() as patch:
            if "read_timeout" in config:
                patch.setattr(connection, "IDLE", float(config["read_timeout"]))
            yield WireEngine(address, concurrency=concurrency, checksums=checksums, on=terms)

    def tune(self, monkeypatch: pytest.MonkeyPatch, **limits: Any) -> None:
        places = {
            "single": (uploads, "SINGLE"),
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
        monkeypatch.setattr(retries, "LONGEST", 0.0)
        monkeypatch.setattr(retries.Tokens, "take", lambda *_: True)

    def open_as(self, monkeypatch: pytest.MonkeyPatch, ending: str, how: Callable[[str], Any]) -> None:
        def opened(path: str) -> Any:
            return how(path) if path.endswith(ending) else real(path)

        real = upload.FileIO
        monkeypatch.setattr(upload, "FileIO", opened)


WIRE = Wire()
