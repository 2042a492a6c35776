"""One health check of one target."""

from __future__ import annotations

import contextlib
import http.client
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass

MISMATCH = "Target.ResponseCodeMismatch"
TIMEOUT = "Target.Timeout"
FAILED = "Target.FailedHealthChecks"


@dataclass(frozen=True)
class Probe:
    """Where and how. `timeout` in seconds; `codes` as in a matcher: `200`, `200,302`, `200-399`."""

    protocol: str
    address: str
    port: int
    path: str
    codes: str
    timeout: float


@dataclass(frozen=True)
class Unwell:
    """Why a target is not healthy: reason code and description, as DescribeTargetHealth gives them."""

    reason: str
    description: str


def ask(probe: Probe) -> Unwell | None:
    """None when the target is well. (ELB user guide, "Health checks for your target groups".)"""
    try:
        return _ASK.get(probe.protocol, _connect)(probe)
    except TimeoutError:
        return Unwell(TIMEOUT, "Request timed out")
    except (OSError, http.client.HTTPException):
        return Unwell(FAILED, "Health checks failed")


def _connect(probe: Probe) -> None:
    socket.create_connection((probe.address, probe.port), probe.timeout).close()


def _http(probe: Probe) -> Unwell | None:
    return _request(http.client.HTTPConnection(probe.address, probe.port, timeout=probe.timeout), probe)


def _https(probe: Probe) -> Unwell | None:
    """A load balancer does not look at a target's certificate."""
    context = ssl._create_unverified_context()  # noqa: S323, SLF001 - see above
    return _request(
        http.client.HTTPSConnection(probe.address, probe.port, timeout=probe.timeout, context=context), probe
    )


def _request(connection: http.client.HTTPConnection, probe: Probe) -> Unwell | None:
    with contextlib.closing(connection):
        headers = {"User-Agent": "ELB-HealthChecker/2.0", "Connection": "close"}
        connection.request("GET", probe.path or "/", headers=headers)
        status = connection.getresponse().status
    if _matches(status, probe.codes):
        return None
    return Unwell(MISMATCH, f"Health checks failed with these codes: [{status}]")


_ASK: dict[str, Callable[[Probe], Unwell | None]] = {"HTTP": _http, "HTTPS": _https}


def _matches(status: int, codes: str) -> bool:
    ranges = (part.partition("-") for part in codes.split(","))
    return any(int(first) <= status <= int(last or first) for first, _, last in ranges)
