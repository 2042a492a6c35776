"""A cable between a client and a real server, which can be cut, go dead or change what it carries at a given byte.

with cable(server.endpoint_url) as line:
    line.cut("up", after=100_000, times=2)     # a reset after that many bytes to the server, on two connections
    line.dead("down", after=0)                 # no byte comes back any more, and nobody says so
    line.damage("down", after=20_000)          # the byte after so many comes as another one
"""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal
from urllib.parse import urlsplit

Way = Literal["up", "down"]


class Cable:
    """`carried` counts the bytes of all connections, by way."""

    def __init__(self, upstream: str) -> None:
        address = urlsplit(upstream)
        self._upstream = (address.hostname, address.port)
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.carried = {"up": 0, "down": 0}
        self.broken = threading.Event()
        self._lock = threading.Lock()
        self._faults: dict[Way, tuple[str, int, int]] = {}
        self._sockets: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._over = threading.Event()
        self._acceptor = threading.Thread(target=self._accept)

    def cut(self, way: Way, *, after: int, times: int = 1) -> None:
        """Reset the next `times` connections when each has carried that many bytes that way."""
        self._faults[way] = ("cut", after, times)

    def dead(self, way: Way, *, after: int) -> None:
        """Every connection stands still, for good, when it has carried that many bytes that way. `broken` says that one has."""
        self._faults[way] = ("dead", after, -1)

    def damage(self, way: Way, *, after: int, times: int = 1) -> None:
        """On the next `times` connections the byte after that many is another one."""
        self._faults[way] = ("damage", after, times)

    def mend(self) -> None:
        """New connections are whole again."""
        self._faults.clear()

    def begin(self) -> None:
        self._acceptor.start()

    def _accept(self) -> None:
        while not self._over.is_set():
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.create_connection(self._upstream)
            self._sockets |= {client, server}
            self._start(client, server, "up")
            self._start(server, client, "down")

    def _start(self, source: socket.socket, target: socket.socket, way: Way) -> None:
        thread = threading.Thread(target=self._carry, args=(source, target, way))
        thread.start()
        self._threads.append(thread)

    def _carry(self, source: socket.socket, target: socket.socket, way: Way) -> None:
        carried = 0
        with contextlib.suppress(OSError):
            while block := source.recv(16_384):
                kind, left = self._fault(way, carried, len(block))
                if kind == "damage":
                    block = block[:left] + bytes([block[left] ^ 1]) + block[left + 1 :]
                    kind, left = "", len(block)
                    self.broken.set()
                target.sendall(block[:left])
                carried += left
                self.carried[way] += left
                if kind:
                    return self._break(kind, source, target)
            target.shutdown(socket.SHUT_WR)
        return None

    def _fault(self, way: Way, carried: int, length: int) -> tuple[str, int]:
        """Whether the fault strikes in this block, and how much of it still gets through."""
        with self._lock:
            kind, after, times = self._faults.get(way, ("", 0, 0))
            if not times or carried + length <= after:
                return "", length
            self._faults[way] = (kind, after, times - 1)
            return kind, max(0, after - carried)

    def _break(self, kind: str, source: socket.socket, target: socket.socket) -> None:
        self.broken.set()
        if kind == "dead":
            self._over.wait()
            return
        for end in (source, target):  # a reset, no goodbye
            end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RD)  # wakes the thread of the other way
            end.close()

    def end(self) -> None:
        self._over.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._acceptor.join()
        self._listener.close()
        for each in self._sockets:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        for each in self._sockets:
            each.close()


@contextmanager
def cable(upstream: str) -> Iterator[Cable]:
    found = Cable(upstream)
    found.begin()
    try:
        yield found
    finally:
        found.end()
