"""A TCP port takes connections, or takes none."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ropeway.checks import settings
from ropeway.checks.asking import Asking
from ropeway.checks.finding import Finding, judged, passed
from ropeway.checks.kind import Kind
from ropeway.checks.net.dialling import Line, NoAnswer
from ropeway.checks.settings import Settings

ADDRESS = re.compile(r"(\[[0-9A-Fa-f:.%\w]+\]|[^\s:/\[\]]+):([0-9]{1,5})")


def host_and_port(address: str) -> tuple[str, int]:
    """Raises ValueError, worded to follow the name of a setting."""
    found = ADDRESS.fullmatch(address)
    if not found or not 0 < int(found[2]) < 65536:
        raise ValueError(f"is {address!r}; write it as host:port, for example db.internal:5432 or [2001:db8::1]:443.")
    return found[1].strip("[]"), int(found[2])


@dataclass(frozen=True, kw_only=True)
class TcpSettings(Settings):
    address: tuple[str, ...] = settings.texts("Host and port, as `host:port`.", required=True, check=host_and_port)
    open: bool = settings.flag("Whether the port must take connections. `false`: it must take none.", default=True)


def ask(given: TcpSettings, asking: Asking) -> Finding:
    expected = "an open port" if given.open else "no open port"
    try:
        with Line(asking) as line, line.connect(*host_and_port(asking.target)):
            return judged(given.open, expected, "a connection", advice=_OPEN)
    except NoAnswer as silence:
        if silence.verdict == "fail" and not given.open:
            return passed(expected, silence.got)
        return silence.finding(expected)


_OPEN = "Close the port, or the way to it from here (security group)."

KIND = Kind(
    name="tcp",
    title="TCP port",
    help="A port takes connections. Nothing is sent.",
    settings=TcpSettings,
    subject=lambda given, target: f"{target} {'takes' if given.open else 'takes no'} connections",
    targets=lambda given: given.address,
    ask=ask,
    example="address: db.internal:5432",
)
