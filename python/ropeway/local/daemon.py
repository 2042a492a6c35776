"""The embedded AWS that stays: one server a user, in a process of its own. Functions answer with values; a door prints them."""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import IO, Any
from urllib.parse import urlsplit

from ropeway.errors import RopewayError
from ropeway.local import state
from ropeway.local.embedded import BucketHeld, EmbeddedAws, require
from ropeway.local.state import State

START_SECONDS = 60.0
STOP_SECONDS = 15.0
ANSWER_SECONDS = 10.0
DOOR = "/ropeway/local"


@dataclass(frozen=True)
class Running:
    """A server that answers. `started` is seconds since the epoch; `version` the Ropeway that it was started by."""

    endpoint_url: str
    pid: int
    version: str
    started: float
    buckets: tuple[BucketHeld, ...]

    @property
    def aws(self) -> EmbeddedAws:
        """What is needed to use it: endpoint, region, connection."""
        return EmbeddedAws(self.endpoint_url)


@dataclass(frozen=True)
class Up:
    """`began`: it was not up, and was started now. `after_crash`: an earlier one had ended without a word."""

    running: Running
    began: bool
    after_crash: bool = False


def up() -> Up:
    """The server of this user, started when it is not up. Returns when it answers.

    Raises RopewayError when it cannot be started, or is there and does not answer.
    """
    with state.lock():
        if running := status():
            return Up(running, began=False)
        after_crash = state.read() is not None
        state.forget()
        return Up(_start(), began=True, after_crash=after_crash)


ensure = up


def down() -> Running | None:
    """Stop it. None when it was not up; what it held is gone."""
    with state.lock():
        running, written = status(), state.read()
        if running and written:
            _ask(written, "POST", "/stop")
            _wait_until_gone(running)
        else:
            state.forget()
        return running


def reset() -> Running | None:
    """Empty it, as if it had just been started. None when it is not up."""
    written = state.read()
    return _asked(written, "POST", "/reset") if written else None


def status() -> Running | None:
    """None when it is not up: nothing is written down, or nobody answers there with the number of the process written down."""
    written = state.read()
    return _asked(written, "GET", "") if written else None


# --- talking to it -------------------------------------------------------------------------------------------------------


def _asked(written: State, method: str, what: str) -> Running | None:
    told = _ask(written, method, what)
    if told.get("pid") != written.pid:
        return None
    buckets = tuple(BucketHeld(**bucket) for bucket in told["buckets"])
    return Running(written.endpoint_url, written.pid, written.version, written.started, buckets)


def _ask(written: State, method: str, what: str) -> dict[str, Any]:
    """What the server answers; empty when there is none, or another program at its port (which knows no token)."""
    connection = http.client.HTTPConnection(urlsplit(written.endpoint_url).netloc, timeout=ANSWER_SECONDS)
    try:
        connection.request(method, DOOR + what, headers={"Authorization": f"Bearer {written.token}"})
        answer = connection.getresponse()
        return dict(json.loads(answer.read())) if answer.status == 200 else {}
    except TimeoutError:
        raise RopewayError(
            f"The embedded AWS at {written.endpoint_url} (process {written.pid}) does not answer.",
            advice=f"End process {written.pid} yourself, then run `ropeway local up`. Its log is {state.log_path()}.",
        ) from None
    except (OSError, http.client.HTTPException, ValueError):
        return {}
    finally:
        connection.close()


def _wait_until_gone(running: Running) -> None:
    """Its last act is to remove what it wrote down."""
    deadline = time.monotonic() + STOP_SECONDS
    while state.state_path().exists():
        if time.monotonic() > deadline:
            raise RopewayError(
                f"The embedded AWS at {running.endpoint_url} (process {running.pid}) was asked to stop and is still there.",
                advice=f"End process {running.pid} yourself. Its log is {state.log_path()}.",
            )
        time.sleep(0.02)
    for process in _begun:
        if process.pid == running.pid:
            process.wait(STOP_SECONDS)


# --- starting it ---------------------------------------------------------------------------------------------------------

_begun: list[subprocess.Popen[bytes]] = []
"""Children of this process, kept so that they are reaped."""


def _start() -> Running:
    require()
    with open(state.log_path(), "wb") as log:
        process = _spawn(log)
    _begun[:] = [*(earlier for earlier in _begun if earlier.poll() is None), process]
    deadline = time.monotonic() + START_SECONDS
    while not (running := status()):
        if process.poll() is not None or time.monotonic() > deadline:
            process.kill()
            process.wait()
            raise RopewayError("The embedded AWS did not start.", advice=f"Its log says why: {state.log_path()}.")
        time.sleep(0.02)
    return running


if sys.platform == "win32":
    _DETACHED = subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW
else:
    _DETACHED = 0


def _spawn(log: IO[bytes]) -> subprocess.Popen[bytes]:
    """A process that outlives this one and its terminal."""
    return subprocess.Popen(
        [sys.executable, "-m", "ropeway.local.serving"],
        cwd=state.folder(),  # not the user's folder: it would keep that busy
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        start_new_session=True,
        creationflags=_DETACHED,
    )
