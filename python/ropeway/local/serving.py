"""The process that `ropeway local up` leaves behind: an embedded AWS, and a door for its owner.

python -m ropeway.local.serving
"""

from __future__ import annotations

import dataclasses
import hmac
import json
import logging
import os
import secrets
import signal
import threading
import time
from typing import Any

from ropeway.local import server, state
from ropeway.local.http import Environ, Server, Wsgi
from ropeway.local.instances.fleet import FLEET
from ropeway.version import VERSION

DOOR = "/ropeway/local"


class Door:
    """GET says what is held, POST .../reset forgets it, POST .../stop ends the process; all with the owner's token only."""

    def __init__(self, app: Wsgi) -> None:
        self._app = app
        self.token = secrets.token_urlsafe(24)
        self.stop = threading.Event()

    def __call__(self, environ: Environ, start_response: Any) -> Any:
        path = environ["PATH_INFO"]
        if not (path == DOOR or path.startswith(DOOR + "/")):
            return self._app(environ, start_response)
        status, told = self._owned(environ["REQUEST_METHOD"], path, environ.get("HTTP_AUTHORIZATION", ""))
        start_response(status, [("Content-Type", "application/json")])
        return [json.dumps(told).encode()]

    def _owned(self, method: str, path: str, token: str) -> tuple[str, dict[str, Any]]:
        if not hmac.compare_digest(token.encode(), f"Bearer {self.token}".encode()):
            return "403 Forbidden", {}
        if (method, path) == ("POST", f"{DOOR}/reset"):
            server.reset()
        elif (method, path) == ("POST", f"{DOOR}/stop"):
            self.stop.set()
        elif (method, path) != ("GET", DOOR):
            return "404 Not Found", {}
        return "200 OK", {"pid": os.getpid(), "buckets": [dataclasses.asdict(bucket) for bucket in server.held()]}


def main() -> None:
    """Serve until stopped; the state file says where, from the first moment that it answers until it does no longer."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    door = Door(server.application())
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: door.stop.set())
    http = Server(door)
    http.start()
    FLEET.endpoint_url = http.url
    written = state.State(http.url, os.getpid(), VERSION, time.time(), door.token)
    state.write(written)
    # A server that is not written down can be found by nobody, and ends by itself. The wait is short because on Windows
    # it hears no signal.
    while not door.stop.wait(1) and state.read() == written:
        pass
    http.stop()
    server.end()
    if state.read() == written:
        state.forget()


if __name__ == "__main__":
    main()
