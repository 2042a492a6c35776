"""Addresses of the loopback network, each for one instance on this machine: on Linux all of 127.0.0.0/8 is there."""

from __future__ import annotations

import itertools
import os
import socket
import threading

CLAIM = 47999
"""Who holds this port at a block's first address, has the block: two servers on one machine never share an address."""


class Addresses:
    """Hands out 127.64.0.2 to 127.127.255.254, in blocks of 253; `release` gives them all back."""

    def __init__(self) -> None:
        self._claims: list[socket.socket] = []
        self._left: list[str] = []
        self._lock = threading.Lock()

    def take(self) -> str:
        with self._lock:
            if not self._left:
                self._left = self._claim()
            return self._left.pop()

    def release(self) -> None:
        with self._lock:
            for claim in self._claims:
                claim.close()
            self._claims.clear()
            self._left.clear()

    def _claim(self) -> list[str]:
        begin = os.getpid()  # so that servers seldom try the same
        for number in itertools.islice(itertools.count(begin), 64 * 256):
            block = f"127.{64 + number // 256 % 64}.{number % 256}"
            claim = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            try:
                claim.bind((f"{block}.1", CLAIM))
            except OSError:
                claim.close()
                continue
            self._claims.append(claim)
            return [f"{block}.{last}" for last in range(254, 1, -1)]
        raise OSError("All addresses of 127.64.0.0/10 are taken.")
