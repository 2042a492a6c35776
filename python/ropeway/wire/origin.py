"""Who is asked, and by which way."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass, field
from functools import cached_property
from urllib.parse import unquote, urlsplit


@dataclass(frozen=True)
class Proxy:
    """Where a proxy is, and the login that it wants (Basic: RFC 7617)."""

    host: str
    port: int
    tls: bool
    login: str = field(default="", repr=False)

    @property
    def name(self) -> str:
        return f"{bracketed(self.host)}:{self.port}"

    @classmethod
    def at(cls, url: str) -> Proxy:
        """http://user:password@host:port, percent-encoded."""
        parts = urlsplit(url)
        tls = parts.scheme == "https"
        login = f"{unquote(parts.username)}:{unquote(parts.password or '')}" if parts.username else ""
        encoded = f"Basic {b64encode(login.encode()).decode()}" if login else ""
        return cls(parts.hostname or "", parts.port or (443 if tls else 80), tls, encoded)


@dataclass(frozen=True)
class Origin:
    """Who is asked (RFC 9110, section 4.3.1), and by which way."""

    host: str
    port: int
    tls: bool
    proxy: Proxy | None = None

    @cached_property
    def name(self) -> str:
        """As the Host header has it: without the usual port."""
        usual = self.port == (443 if self.tls else 80)
        return bracketed(self.host) if usual else f"{bracketed(self.host)}:{self.port}"

    def __hash__(self) -> int:
        return self._hash

    @cached_property
    def _hash(self) -> int:
        """Made once: each request looks for the connections to its origin."""
        return hash((self.host, self.port, self.tls, self.proxy))

    @property
    def through(self) -> str:
        """The name of the proxy; empty where there is none."""
        return self.proxy.name if self.proxy else ""


def bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
