"""What an embedded AWS does beside AWS: its instances can be added, looked at and cut off, its moods be set. Over HTTP, JSON.

It, and every request that makes this machine run a command, is for the user alone who started the server: neither for other users
of the machine nor for a page in the user's browser.
"""

from __future__ import annotations

import dataclasses
import ipaddress
import json
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ropeway.local.http import Environ, Wsgi
from ropeway.local.instances.settings import SETTINGS
from ropeway.local.websites.sites import SITES

PATH = "/moto-api/ropeway"
RUNS = re.compile(r"AmazonSSM\.SendCommand$")
FUNCTIONS = re.compile(r"/[^/]+/functions(/|$)")
"""Of Lambda: to call one runs it, to make or change one says what will be run."""


class Refusal(Exception):
    """`status` of HTTP, and why."""

    def __init__(self, status: str, why: str) -> None:
        super().__init__(why)
        self.status = status


def controlled(app: Wsgi) -> Wsgi:
    """The application, with this at PATH."""

    def answer(environ: Environ, start_response: Any) -> Any:
        mine = environ["PATH_INFO"].startswith(PATH + "/")
        if not mine and not _runs_something(environ):
            return app(environ, start_response)
        if why := stranger(environ):
            return _say(start_response, "403 Forbidden", {"__type": "AccessDeniedException", "message": why})
        if not mine:
            return app(environ, start_response)
        try:
            return _say(start_response, "200 OK", _perform(environ, app))
        except Refusal as refusal:
            return _say(start_response, refusal.status, {"message": str(refusal)})

    return answer


def _say(start_response: Any, status: str, told: Any) -> list[bytes]:
    start_response(status, [("Content-Type", "application/json")])
    return [json.dumps(told).encode()]


# --- who asks ------------------------------------------------------------------------------------------------------------


def _runs_something(environ: Environ) -> bool:
    if RUNS.match(environ.get("HTTP_X_AMZ_TARGET", "")):
        return True
    of_lambda = "/lambda/" in environ.get("HTTP_AUTHORIZATION", "") and FUNCTIONS.match(environ["PATH_INFO"])
    return bool(of_lambda) and environ["REQUEST_METHOD"] in {"POST", "PUT"}


def stranger(environ: Environ) -> str:
    """Why this request is not from a program of the user's; empty when it is."""
    if "HTTP_ORIGIN" in environ or "HTTP_SEC_FETCH_SITE" in environ:
        return "The embedded AWS runs nothing for a web page."
    if not _is_loopback(environ.get("HTTP_HOST", "")):
        return "The embedded AWS runs nothing for who calls it by another name than this machine's."
    if sys.platform == "linux" and _peers_user(environ["REMOTE_ADDR"], int(environ["REMOTE_PORT"])) != os.getuid():
        return "The embedded AWS runs commands only for the user who started it."
    return ""


def _is_loopback(host: str) -> bool:
    name = urlsplit(f"//{host}").hostname or ""
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return name == "localhost" or name.endswith(".localhost")


def _peers_user(address: str, port: int) -> int | None:
    """Whose socket the other end of a connection is: the kernel lists them. (proc(5), /proc/net/tcp.)"""
    local = f"{int.from_bytes(ipaddress.ip_address(address).packed, sys.byteorder):08X}:{port:04X}"
    for line in Path("/proc/net/tcp").read_text("ascii").splitlines()[1:]:
        fields = line.split()
        if fields[1] == local:
            return int(fields[7])
    return None


# --- what can be asked ---------------------------------------------------------------------------------------------------


def _perform(environ: Environ, s3: Wsgi) -> Any:
    method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"].removeprefix(PATH)
    given = json.loads(environ["wsgi.input"].read() or b"{}") if method == "POST" else {}
    name, _, rest = path.lstrip("/").partition("/")
    try:
        act: Callable[[str, str, dict[str, Any]], Any] = {
            "instances": _instances,
            "settings": _settings,
            "websites": lambda _, bucket, __: {"url": SITES.url(bucket, s3)},
        }[name]
        return act(method, rest, given)
    except KeyError:
        raise Refusal("404 Not Found", f"There is no {path} here.") from None
    except ValueError as error:
        raise Refusal("400 Bad Request", str(error)) from None


def _settings(method: str, _: str, given: dict[str, Any]) -> Any:
    if method == "POST":
        SETTINGS.change(given)
    return dataclasses.asdict(SETTINGS)


def _instances(method: str, instance_id: str, given: dict[str, Any]) -> Any:
    from ropeway.local import machines  # noqa: PLC0415 - it needs moto's EC2, which takes its time

    if not instance_id:
        return machines.add(**given) if method == "POST" else machines.seen()
    return machines.change(instance_id, given)
