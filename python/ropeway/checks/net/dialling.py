"""Connections that end in time: however slowly a name is found, or the other side talks, they are cut when the attempt is over."""

from __future__ import annotations

import errno
import queue
import socket
import threading
import time
from typing import TYPE_CHECKING, Any

from ropeway.checks.asking import Asking
from ropeway.checks.finding import Finding, Verdict
from ropeway.outcome import SOON, Cancellation

if TYPE_CHECKING:
    from typing_extensions import Self

ADDRESSES_AT_MOST = 8
"""Of one name: who has more answers at one of these, or not at all."""


NO_SUCH_NAME = {getattr(socket, name) for name in ("EAI_NONAME", "EAI_NODATA") if hasattr(socket, name)}
"""Of a name that was made just now: a resolver goes on saying so for a while."""


OURS = {
    *(errno.ENETUNREACH, errno.ENETDOWN, errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT, errno.EINVAL),
    *(errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.EACCES, errno.EPERM),
}
"""What a system says of itself when it is to connect (connect(2), socket(2))."""


class NoAnswer(Exception):
    """Nobody answers, or nothing that could be read. `got` and `advice` are those of a finding.

    The verdict is `error` where it is this machine that could not ask; a `patient` one may mend itself in time.
    """

    def __init__(self, got: str, advice: str = "", *, verdict: Verdict = "fail", patient: bool = False) -> None:
        super().__init__(got)
        self.got = got
        self.advice = advice
        self.verdict = verdict
        self.patient = patient

    def finding(self, expected: str, *, details: tuple[str, ...] = ()) -> Finding:
        return Finding(self.verdict, expected, self.got, self.advice, (), details, self.patient)


class Line:
    """Makes connections, and cuts them when the time of the attempt is over, or the task is cancelled.

    A timeout of a socket is one of each read: a byte now and then would keep it open for ever.
    """

    def __init__(self, asking: Asking) -> None:
        self._asking = asking
        self._cancellation = asking.world.cancellation
        self._seconds = asking.timeout
        self._until = time.monotonic() + asking.left
        self._lock = threading.Lock()
        self._spares: dict[int, socket.socket] = {}
        self._done = threading.Event()
        self._watch = threading.Thread(target=self._keep_watch, name="ropeway-line", daemon=True)
        self.cut = False

    def __enter__(self) -> Self:
        self._watch.start()
        return self

    def __exit__(self, *error: object) -> None:
        """Raises Cancelled when it was that which cut the line."""
        self._done.set()
        self._watch.join()
        for spare in self._spares.values():
            spare.close()
        if self.cut:
            self._cancellation.check()

    @property
    def left(self) -> float:
        return max(self._until - time.monotonic(), 0.001)

    @property
    def over(self) -> bool:
        """Whether its time is. A socket may find that out a moment before the line is cut."""
        return self.cut or time.monotonic() >= self._until

    def connect(self, host: str, port: int) -> socket.socket:
        """To the first address of the host that takes the connection. Raises NoAnswer and Cancelled."""
        addresses, refusals = addresses_of(host, port, self._asking), []
        for further, address in zip(reversed(range(len(addresses))), addresses, strict=True):
            try:
                return self._connected(address, self.left / (further + 1))
            except OSError as refused:
                refusals.append(refused)
                if not further or self.cut:
                    # What one address has answered says more than that there is no way from here to another one.
                    told = refused if self.cut else min(refusals, key=_is_ours)
                    raise self._refused(host, port, told) from told
        raise AssertionError  # there is an address at least

    def too_late(self) -> NoAnswer:
        return NoAnswer(f"no whole answer within {self._seconds:g} s", _SLOW)

    def _connected(self, address: Any, seconds: float) -> socket.socket:
        family, kind, protocol, _, where = address
        connection = socket.socket(family, kind, protocol)
        try:
            connection.settimeout(seconds)
            self._hold(connection)
            self._check()
            connection.connect(where)
            self._check()  # not every system lets a connection be cut that is not there yet
            connection.settimeout(self.left)
        except BaseException:
            connection.close()
            raise
        return connection

    def _refused(self, host: str, port: int, error: OSError) -> NoAnswer:
        where = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        if isinstance(error, TimeoutError) or self.cut:
            return NoAnswer(f"no connection to {where} within {self._seconds:g} s", _SILENT)
        words = f"no connection to {where}: {str(error.strerror or error).lower()}"
        if _is_ours(error):  # no fail: a port that must be closed would pass, though nobody has asked it
            return NoAnswer(words, _OURS, verdict="error", patient=True)
        return NoAnswer(words, _REFUSED)

    def _hold(self, connection: socket.socket) -> None:
        """A second handle: TLS takes the first one away from whoever holds it. That of a connection which has ended is closed here."""
        with self._lock:
            if ended := self._spares.pop(connection.fileno(), None):
                ended.close()
            self._spares[connection.fileno()] = connection.dup()

    def _check(self) -> None:
        with self._lock:
            if self.cut:
                raise TimeoutError

    def _keep_watch(self) -> None:
        while not self._done.wait(min(SOON, self.left)):
            if self._cancellation.asked or time.monotonic() >= self._until:
                self._cut()
                return

    def _cut(self) -> None:
        with self._lock:
            self.cut = True
            for spare in self._spares.values():
                _shut(spare)


def _is_ours(error: OSError) -> bool:
    """Whether it is this machine that has no way there, or no socket left: nothing has left it."""
    return error.errno in OURS


def _shut(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return  # the other side was first


def addresses_of(host: str, port: int, asking: Asking) -> list[Any]:
    """As socket.getaddrinfo gives them. A look-up cannot be stopped: it is left alone when it takes too long.

    Raises NoAnswer and Cancelled.
    """
    answers: queue.SimpleQueue[list[Any] | Exception] = queue.SimpleQueue()
    threading.Thread(target=_look_up, args=(host, port, answers), name="ropeway-dns", daemon=True).start()
    answer = _awaited(answers, asking.left, asking.world.cancellation)
    if answer is None:
        raise NoAnswer(f"no address of {host} within {asking.timeout:g} s", _NAME, verdict="error")
    if isinstance(answer, Exception):
        words = getattr(answer, "strerror", None) or answer
        # No fail: of a port that must be closed, a name that is misspelt would be a pass.
        unknown = isinstance(answer, socket.gaierror) and answer.errno in NO_SUCH_NAME
        raise NoAnswer(f"no address of {host} ({words})", _NAME, verdict="error", patient=unknown) from answer
    return answer[:ADDRESSES_AT_MOST]


def _awaited(
    answers: queue.SimpleQueue[list[Any] | Exception], seconds: float, cancellation: Cancellation
) -> list[Any] | Exception | None:
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        cancellation.check()
        try:
            return answers.get(timeout=min(left, SOON))
        except queue.Empty:
            continue
    return None


def _look_up(host: str, port: int, answers: queue.SimpleQueue[list[Any] | Exception]) -> None:
    try:
        answers.put(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
    except (OSError, UnicodeError) as unknown:
        answers.put(unknown)


_SLOW = "It begins to answer, or not even that, and does not come to an end: see what it waits for, or give it more time (timeout)."
_SILENT = (
    "Nothing answers there: a security group, a network ACL or a firewall between may drop it, or the machine is off."
)
_REFUSED = "The machine answers, but nothing listens on this port: see whether the service runs and which address it is bound to."
_OURS = (
    "See the network of this machine: its routes, whether it has IPv6, its own firewall, how many files it may open."
)
_NAME = "Check the name, and the DNS of this machine."
