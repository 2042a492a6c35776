"""Ports for servers that must be told theirs: nobody else is given them between the choice and the start."""

from __future__ import annotations

import contextlib
import random
import socket

BELOW = 32_768
"""The system gives whoever asks for any port one from here on (ip_local_port_range)."""


def free_ports(count: int) -> list[int]:
    """Of those that the system gives nobody."""
    found: list[int] = []
    for port in random.sample(range(20_000, BELOW), k=BELOW - 20_000):
        with contextlib.suppress(OSError), socket.socket() as tried:
            tried.bind(("127.0.0.1", port))
            found.append(port)
        if len(found) == count:
            return found
    raise RuntimeError("no port is free")
