"""What is asked of an HTTP server, and what it answers."""

from __future__ import annotations

import base64
import codecs
import http.cookiejar
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from urllib3.exceptions import LocationParseError
from urllib3.util import parse_url

PORTS = {"http": 80, "https": 443}
MARKS = {codecs.BOM_UTF8: "utf-8", codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}
READABLE = {"", "identity", "gzip", "x-gzip", "deflate"}
"""Encodings that this Python can undo without further packages, or need no undoing."""


@dataclass(frozen=True, kw_only=True)
class Request:
    """`resolve` is the address (`host` or `host:port`) to ask instead of the one that DNS names.

    The Host header and the name in TLS stay those of the URL, and no proxy is asked. No redirect is followed where `redirects`
    is 0. `most_bytes` are those of a body that are kept.
    """

    url: str
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)
    resolve: str = ""
    ca_file: str = ""
    verify: bool = True
    certificate: str = ""
    key: str = ""
    key_password: str = field(default="", repr=False)
    redirects: int = 10
    most_bytes: int = 10 << 20


@dataclass(frozen=True)
class Hop:
    """A redirect that was followed."""

    status: int
    url: str
    to: str


@dataclass(frozen=True)
class Answer:
    """`headers` are pairs, with names in lower case; `seconds` all that it took, from the look-up of the name to the last byte.

    `whole` is False where the body is longer than what was kept of it. `body` is what was encoded for the way (gzip), or, in an
    encoding that is not known here, as it came.
    """

    url: str
    status: int
    reason: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    whole: bool
    seconds: float = 0
    hops: tuple[Hop, ...] = ()
    cookies: tuple[http.cookiejar.Cookie, ...] = ()

    def header(self, name: str) -> str | None:
        """Its values, joined as HTTP joins them (RFC 9110, 5.3)."""
        values = [value for known, value in self.headers if known == name.lower()]
        return ", ".join(values) if values else None

    @property
    def encoding(self) -> str:
        """Of the body, where it could not be undone."""
        named = (self.header("content-encoding") or "").lower()
        return "" if all(part.strip() in READABLE for part in named.split(",")) else named

    @property
    def text(self) -> str:
        """As browsers read it: a byte order mark says more than the header (WHATWG Encoding, "BOM sniff"), and is no part of the text."""
        marked = next((mark for mark in MARKS if self.body.startswith(mark)), b"")
        charset = MARKS.get(marked) or _charset(self.header("content-type") or "")
        try:
            return self.body[len(marked) :].decode(charset, "replace")
        except (LookupError, UnicodeError):  # a charset that nobody knows, or `undefined`, which is one of Python's
            return self.body.decode("utf-8", "replace")


def origin(url: str) -> tuple[str, str, int]:
    """Scheme, host and port."""
    parts = urlsplit(url)
    return parts.scheme, (parts.hostname or "").rstrip("."), parts.port or PORTS.get(parts.scheme, 0)


def is_web_address(url: str) -> bool:
    try:
        parsed = parse_url(url)
        return parsed.scheme in PORTS and is_host(parsed.host or "") and urlsplit(url).port != 0
    except (LocationParseError, ValueError):
        return False


def is_host(name: str) -> bool:
    """Whether DNS and TLS would take it: no empty part, none of more than 63 characters."""
    try:
        return bool(name.strip("[].").encode("idna")) and not name.startswith(".")
    except UnicodeError:
        return False


def basic(user: str, password: str) -> str:
    """What stands in the header Authorization (RFC 7617): in Latin-1, which servers count on, and in UTF-8 what that does not hold."""
    login = f"{user}:{password}"
    try:
        written = login.encode("latin-1")
    except UnicodeEncodeError:
        written = login.encode()
    return f"Basic {base64.b64encode(written).decode()}"


def split_address(address: str, port: int) -> tuple[str, int]:
    """`10.0.0.5`, `10.0.0.5:8080`, `2001:db8::1`, `[2001:db8::1]:8080`. `port` where it names none; 0 stands for the URL's.

    Raises ValueError, worded to follow a setting's name.
    """
    found = re.fullmatch(
        r"\[([0-9A-Fa-f:.]+)\](?::([0-9]{1,5}))?|([^\s:/@\[\]]+)(?::([0-9]{1,5}))?|([0-9A-Fa-f:]+:[0-9A-Fa-f:.]*)",
        address,
    )
    named = found and (found[2] or found[4])
    if not found or (named and not 0 < int(named) < 65536):
        usual = port or "the URL's"
        raise ValueError(
            f"is {address!r}; write an address, with a port if it is not {usual}: 10.0.0.5, or 10.0.0.5:8080."
        )
    return found[1] or found[3] or found[5], int(named or port)


def _charset(content_type: str) -> str:
    found = re.search(r"charset\s*=\s*[\"']?([\w.:+-]+)", content_type, re.IGNORECASE)
    return found[1] if found else "utf-8"
