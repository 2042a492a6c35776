"""One invocation of one function: its code unpacked, its process run and ended, its answer and its log."""

from __future__ import annotations

import io
import json
import shutil
import sys
import time
import uuid
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from ropeway.local.instances.fleet import FLEET
from ropeway.local.instances.processes import Ended, Started

BOOTSTRAP = Path(__file__).with_name("bootstrap.py")


@dataclass(frozen=True)
class Invoked:
    """`payload`: JSON. `error`: whether the function failed. `log`: all that it said, between Lambda's own lines."""

    payload: str
    error: bool
    log: str


def invoke(function: Any, event: str, version: str) -> Invoked:
    """`function` is moto's. Returns when it has answered, failed, or had its time (the function's timeout)."""
    request_id = str(uuid.uuid4())
    place = FLEET.processes.folder / "functions" / request_id
    place.mkdir(parents=True)
    (place / "event").write_text(event, "utf-8")
    began = time.monotonic()
    started = FLEET.processes.start(
        [sys.executable, str(BOOTSTRAP), str(place / "event"), str(place / "answer")],
        env=_environment(function, version, request_id),
        cwd=_code(function),
        out=place / "log",
        err=place / "err",
        seconds=float(function.timeout),
    )
    with _noted(started):
        ended = started.ended.result()
    payload, error = _answer(place, ended, function, request_id)
    log = _log((place / "log").read_text("utf-8", "replace"), request_id, version, function, time.monotonic() - began)
    shutil.rmtree(place)
    return Invoked(payload, error, log)


_running: set[Started] = set()


@contextmanager
def _noted(started: Started) -> Iterator[None]:
    _running.add(started)
    try:
        yield
    finally:
        _running.discard(started)


def stop_all() -> None:
    """Those that run end now, as if they had died."""
    for started in list(_running):
        started.stop("end")


def _code(function: Any) -> Path:
    """Unpacked once for each code that there is."""
    folder = FLEET.processes.folder / "code" / str(function.code_sha_256).replace("/", "_")
    if not folder.exists():
        part = folder.with_name(f"{folder.name}.{uuid.uuid4().hex}")
        with zipfile.ZipFile(io.BytesIO(function.code_bytes)) as archive:
            archive.extractall(part)
        try:
            part.rename(folder)
        except OSError:  # another invocation was first
            shutil.rmtree(part)
    return folder


def _environment(function: Any, version: str, request_id: str) -> dict[str, str]:
    """Lambda developer guide, "Defined runtime environment variables"; those that begin with _ROPEWAY are for bootstrap.py."""
    return {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "LANG": "en_US.UTF-8",
        "TZ": ":UTC",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUNBUFFERED": "1",
        "LAMBDA_TASK_ROOT": str(_code(function)),
        "AWS_LAMBDA_FUNCTION_NAME": function.function_name,
        "AWS_LAMBDA_FUNCTION_VERSION": version,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory_size),
        "AWS_LAMBDA_LOG_GROUP_NAME": function.logs_group_name,
        **FLEET.role(function.region),
        "_HANDLER": function.handler,
        "_ROPEWAY_REQUEST_ID": request_id,
        "_ROPEWAY_TIMEOUT": str(function.timeout),
        "_ROPEWAY_ARN": function.function_arn,
        **function.environment_vars,
    }


def _answer(place: Path, ended: Ended, function: Any, request_id: str) -> tuple[str, bool]:
    """Payload, and whether it is an error."""
    if (place / "answer").exists():
        answer = json.loads((place / "answer").read_text("utf-8"))
        return answer["payload"], answer["error"]
    if ended.why == "timeout":
        message = f"{_now()} {request_id} Task timed out after {float(function.timeout):.2f} seconds"
        return json.dumps({"errorType": "Sandbox.Timedout", "errorMessage": message}), True
    how = f"signal: {-ended.code}" if ended.code < 0 else f"exit status {ended.code}"
    message = f"RequestId: {request_id} Error: Runtime exited with error: {how}"
    return json.dumps({"errorType": "Runtime.ExitError", "errorMessage": message}), True


def _now() -> str:
    return f"{datetime.now(timezone.utc):%Y-%m-%dT%H:%M:%S.000Z}"


def _log(said: str, request_id: str, version: str, function: Any, seconds: float) -> str:
    took = f"Duration: {seconds * 1000:.2f} ms\tBilled Duration: {int(seconds * 1000) + 1} ms"
    return (
        f"START RequestId: {request_id} Version: {version}\n{said}{'' if said.endswith(chr(10)) or not said else chr(10)}"
        f"END RequestId: {request_id}\n"
        f"REPORT RequestId: {request_id}\t{took}\tMemory Size: {function.memory_size} MB\tMax Memory Used: 1 MB\t\n"
    )
