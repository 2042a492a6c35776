"""Signature version 4 in the headers of a request (IAM user guide, "AWS Signature Version 4 for API requests"; S3 API reference,
"Authenticating Requests: Using the Authorization Header").

Written for thousands of small requests: the keys of a day, the text of a second and the order of header names are made once. What
is left for each request is one string, one SHA-256 and one HMAC.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from urllib.parse import quote

UNSIGNED_PAYLOAD = "UNSIGNED-PAYLOAD"
"""In the place of the payload's SHA-256: TLS and a checksum guard the bytes. S3 alone takes it."""

EMPTY = hashlib.sha256(b"").hexdigest()
"""The SHA-256 of no payload."""

UNSIGNED = frozenset((
    "baggage", "connection", "expect", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection", "te",
    "traceparent", "tracestate", "trailer", "transfer-encoding", "upgrade", "user-agent", "x-amzn-trace-id",
))  # fmt: skip
"""Headers that belong to one hop or that a proxy may change: those which botocore leaves out too."""


PLAIN = re.compile(r"[A-Za-z0-9/._~-]*")
"""Nothing to encode."""


@dataclass(frozen=True)
class Credentials:
    """One key as it signs now; `token` is that of a session, empty where there is none."""

    access_key: str
    secret_key: str = field(repr=False)
    token: str = field(default="", repr=False)


Provider = Callable[[], Credentials]
"""Answers with the credentials that count now: asked for each request, from any thread, so it answers from memory unless they have
to be renewed. The same object as long as they are the same. Raises RopewayError when they cannot be renewed."""


def encoded_path(key: str) -> str:
    """A key as it stands in the path of a request: UTF-8, percent-encoded once. `.`, `..` and `//` stay: S3 takes them literally.

    Raises UnicodeEncodeError for half a surrogate pair.
    """
    return key if PLAIN.fullmatch(key) else quote(key, safe="/~")


def encoded_query(parameters: Mapping[str, str]) -> str:
    """A query in its canonical form, to be sent as it is."""
    encoded = sorted((quote(name, safe="-_.~"), quote(value, safe="-_.~")) for name, value in parameters.items())
    return "&".join(f"{name}={value}" for name, value in encoded)


@dataclass(frozen=True)
class _Second:
    """What all requests of one second have in common. No secret of it is shown: the signing key opens a whole day."""

    number: int
    credentials: Credentials
    time: str
    scope: str
    sign: Callable[[bytes], str] = field(repr=False)


@dataclass
class Signer:
    """Signs for one region and service ("s3", "sts", "s3-outposts", ...). From any thread.

    `offset` are the seconds that AWS's clock is ahead of this machine's: whoever hears of it (`heard`) sets it for all who sign
    with this signer from then on.
    """

    credentials: Provider = field(repr=False)
    region: str
    service: str = "s3"
    clock: Callable[[], float] = field(default=time.time, repr=False)
    offset: float = 0.0
    _second: _Second | None = field(default=None, init=False, repr=False, compare=False)

    def sign(
        self, method: str, path: str, query: str, headers: Mapping[str, str], payload_hash: str = EMPTY
    ) -> dict[str, str]:
        """The headers to add to a request, which sign it.

        `path` and `query` are encoded as they are sent (`encoded_path`, `encoded_query`; the query without `?`), and so are
        `headers`: names in lower case, `host` among them, none twice, no line break in a value (nobody looks for it here). All are
        signed but `UNSIGNED`. `payload_hash` is a SHA-256 in hex, or UNSIGNED_PAYLOAD.

        A request that is sent again is signed again, from the headers it had before it was signed. Raises what the provider of
        credentials raises.
        """
        now = self._now()
        added = {"x-amz-date": now.time}
        if self.service.startswith("s3"):
            added["x-amz-content-sha256"] = payload_hash
        if now.credentials.token:
            added["x-amz-security-token"] = now.credentials.token
        request, names = canonical_request(method, path, query, {**headers, **added}, payload_hash)
        text = f"AWS4-HMAC-SHA256\n{now.time}\n{now.scope}\n{hashlib.sha256(request.encode()).hexdigest()}"
        signature = now.sign(text.encode())
        added["authorization"] = (
            f"AWS4-HMAC-SHA256 Credential={now.credentials.access_key}/{now.scope}, SignedHeaders={names}, Signature={signature}"
        )
        return added

    def heard(self, server_time: float) -> None:
        """Set the clock by AWS's (seconds since the epoch, from a `Date`), after it has refused a request for its time."""
        self.offset = server_time - self.clock()

    def elsewhere(self, region: str) -> Signer:
        """The same for another region: a bucket was found to lie there."""
        return replace(self, region=region)

    def _now(self) -> _Second:
        credentials, number = self.credentials(), int(self.clock() + self.offset)
        kept = self._second
        if kept is None or kept.number != number or kept.credentials is not credentials:
            self._second = kept = self._begin(credentials, number, kept)
        return kept

    def _begin(self, credentials: Credentials, number: int, last: _Second | None) -> _Second:
        text = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(number))
        scope = f"{text[:8]}/{self.region}/{self.service}/aws4_request"
        same = last is not None and last.scope == scope and last.credentials == credentials
        sign = last.sign if last and same else _signing_with(signing_key(credentials.secret_key, scope))
        return _Second(number, credentials, text, scope, sign)


def canonical_request(
    method: str, path: str, query: str, headers: Mapping[str, str], payload_hash: str
) -> tuple[str, str]:
    """The canonical request, and the names of the headers in it. The path is neither normalised nor encoded again (S3's rule)."""
    names, signed = _signed(tuple(headers))
    lines = "".join([f"{name}:{' '.join(headers[name].split())}\n" for name in names])
    return f"{method}\n{path}\n{_canonical_query(query)}\n{lines}\n{signed}\n{payload_hash}", signed


def _signing_with(key: bytes) -> Callable[[bytes], str]:
    """HMAC-SHA256 in hex (RFC 2104) with both paddings of the key hashed beforehand: less than half of what `hmac.digest` takes."""
    inner, outer = (hashlib.sha256(bytes(byte ^ pad for byte in key.ljust(64, b"\0"))) for pad in (0x36, 0x5C))

    def sign(text: bytes) -> str:
        within, whole = inner.copy(), outer.copy()
        within.update(text)
        whole.update(within.digest())
        return whole.hexdigest()

    return sign


@lru_cache(maxsize=1024)
def _signed(names: tuple[str, ...]) -> tuple[tuple[str, ...], str]:
    """Which of them are signed, in order: the same for thousands of requests."""
    signed = tuple(sorted(name for name in names if name not in UNSIGNED))
    return signed, ";".join(signed)


def signing_key(secret_key: str, scope: str) -> bytes:
    """The key that signs in this scope (day/region/service/aws4_request)."""
    key = f"AWS4{secret_key}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key


def _canonical_query(query: str) -> str:
    """In order of the encoded names, then of the values; a name alone (`?uploads`) has an empty value."""
    if not query:
        return ""
    return "&".join([f"{name}={value}" for name, _, value in sorted(part.partition("=") for part in query.split("&"))])
