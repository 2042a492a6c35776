"""Where buckets are asked and who signs for it: what all runs of an engine share."""

from __future__ import annotations

import re
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from urllib.parse import urlsplit

from ropeway.aws.endpoint import is_aws
from ropeway.aws.session import S3Address
from ropeway.aws.trust import tls_context
from ropeway.s3.engine import Terms
from ropeway.s3.guarded import is_guarded
from ropeway.s3.wire.retries import Tokens
from ropeway.version import VERSION
from ropeway.wire.level import Level
from ropeway.wire.origin import Origin, Proxy
from ropeway.wire.sigv4 import Signer

HOST = re.compile(
    r"(?P<of>https?://(?:[a-z0-9.-]+\.)?)s3(?:[.-](?:dualstack|fips|accelerate|[a-z]{2}(?:-[a-z]+)+-\d))*\.[a-z0-9.]+(?=/|$)"
)
"""Scheme, bucket and S3's own host: a redirect changes the region in it and nothing else. Under AWS's names are hosts of anybody's, too."""
USER_AGENT = f"ropeway/{VERSION}"


@dataclass(frozen=True)
class Place:
    """Where a bucket is asked, and who signs for it there."""

    origin: Origin
    path: str
    signer: Signer
    address: S3Address

    @property
    def url(self) -> str:
        return f"http{'s' if self.origin.tls else ''}://{self.origin.name}"

    @cached_property
    def guarded(self) -> bool:
        return is_guarded(self.origin.host, tls=self.origin.tls)

    @cached_property
    def said(self) -> dict[str, str]:
        """The headers of all requests."""
        return {"host": self.origin.name, "user-agent": USER_AGENT}

    def moved(self, location: str) -> Place | None:
        """Where a redirect leads to, None where it is not followed. AWS may send to another of its own hosts, and to nobody else's."""
        there, here = HOST.match(location), HOST.match(self.url)
        if not there or not here or there["of"] != here["of"] or not (is_aws(there[0]) and is_aws(here[0])):
            return None
        return Place.at(replace(self.address, url=there[0] + self.path))

    @classmethod
    def at(cls, address: S3Address) -> Place:
        parts = urlsplit(address.url)
        tls = parts.scheme == "https"
        proxy = Proxy.at(address.way.proxy_url) if address.way.proxy_url else None
        origin = Origin(parts.hostname or "", parts.port or (443 if tls else 80), tls, proxy)
        return cls(
            origin, parts.path.rstrip("/"), Signer(address.credentials, address.region, address.service), address
        )


@dataclass
class Store:
    """What all runs of an engine share. `address` tells where a bucket is asked."""

    address: Callable[[str], S3Address]
    terms: Terms
    checksums: bool
    level: Level
    tokens: Tokens = field(default_factory=Tokens)
    _places: dict[str, Place] = field(default_factory=dict)
    _context: ssl.SSLContext | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def place(self, bucket: str) -> Place:
        if bucket not in self._places:
            self._places[bucket] = Place.at(self.address(bucket))
        return self._places[bucket]

    @cached_property
    def terms_said(self) -> dict[str, str]:
        owner = {"x-amz-expected-bucket-owner": self.terms.bucket_owner} if self.terms.bucket_owner else {}
        return owner | ({"x-amz-request-payer": "requester"} if self.terms.requester_pays else {})

    def context(self) -> ssl.SSLContext:
        """Who is trusted, by the way's own word. It is the same for all buckets."""
        with self._lock:
            if self._context is None:
                self._context = tls_context(next(iter(self._places.values())).address.way.ca_file)
            return self._context
