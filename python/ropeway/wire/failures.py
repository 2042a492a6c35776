"""What goes wrong on a wire before there is an answer. Each knows whom it was about; `aws.silence` and `aws.unreached` have the words."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(eq=False)
class Failure(Exception):
    """`host` is host and port as they stand in a URL, `proxy` those of the proxy between (empty: none)."""

    host: str = ""
    proxy: str = ""
    why: Exception | None = None

    def at(self, host: str, proxy: str) -> Failure:
        self.host, self.proxy = host, proxy
        return self


class Unreachable(Failure):
    """No connection to the host, or to the proxy: `why` is an OSError, a gaierror where the name is not known."""


class NoConnectionInTime(Failure):
    """The other side did not take the connection."""


class NoAnswerInTime(Failure):
    """Nothing came, or too little: an answer that trickles is none."""


class Closed(Failure):
    """The connection ended before a byte of an answer had come."""


class CutShort(Failure):
    """The connection ended in the middle of an answer. `why` says how much was missing."""


class Malformed(Failure):
    """What came is not HTTP/1.1, or says two things at once. `why` says what."""


class Untrusted(Failure):
    """TLS with the host failed; `why` is an ssl.SSLError or an ssl.CertificateError."""


class ProxyUntrusted(Untrusted):
    """TLS with the proxy failed."""


class ProxyUnreachable(Unreachable):
    """The proxy cannot be reached."""


@dataclass(eq=False)
class ProxyRefused(Failure):
    """The proxy answered CONNECT with something else than 2xx; `login` says that it was given one."""

    status: int = 0
    login: bool = False


class AnsweredEarly(Exception):
    """An answer began before the body was sent whole: the other side does not want it."""


@dataclass(eq=False)
class Unreadable(Exception):
    """The file that is sent cannot be read, or (`why` is None) ends at byte `at` already."""

    why: OSError | None = None
    at: int = 0
