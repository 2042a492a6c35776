"""A customer's key (SSE-C) goes over TLS or not at all, whoever named the endpoint: an input, the environment or a profile."""

from __future__ import annotations

import re
from collections.abc import Iterable

from ropeway.errors import InputError

KEY = "server-side-encryption-customer-key"
LOOPBACK = re.compile(r"127(\.[0-9]{1,3}){3}|::1|(.+\.)?localhost")
"""This machine: nothing travels (RFC 1122, section 3.2.1.3; RFC 4291, section 2.5.3; RFC 6761, section 6.3)."""


def is_guarded(host: str, *, tls: bool) -> bool:
    """Whether a key may travel there."""
    return tls or LOOPBACK.fullmatch(host) is not None


def check_guarded(host: str, headers: Iterable[str], *, tls: bool) -> None:
    """Asked before each request. Raises InputError (S3 user guide, "Using server-side encryption with customer-provided keys")."""
    if is_guarded(host, tls=tls) or not any(KEY in name.lower() for name in headers):
        return
    raise InputError(
        [f"The customer's key would travel to {host} in the clear: the endpoint's address has to begin with https://."]
    )
