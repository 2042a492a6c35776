"""Whom a check trusts: the authorities of this machine, those that AWS is trusted by, the agent's, and one file more."""

from __future__ import annotations

import ssl
from functools import lru_cache

from ropeway.aws.trust import usual_authorities
from ropeway.errors import LocalFileError


@lru_cache(maxsize=16)
def trusting(
    ca_bundle: str | None,
    ca_file: str,
    certificate: str = "",
    key: str = "",
    password: str = "",
    *,
    names_too: bool = True,
) -> ssl.SSLContext:
    """`ca_bundle` stands for the usual authorities (None: those of this machine), `ca_file` is trusted beside them.

    `certificate` (with its `key`, when that is in a file of its own) is what we show of ourselves. Without `names_too` a trusted
    certificate of any name is taken. Raises LocalFileError.
    """
    context = ssl.create_default_context()
    context.check_hostname = names_too
    # Python 3.13 is stricter than browsers are, and trusts a certificate that is named itself: as every Python does here.
    context.verify_flags = (context.verify_flags & ~ssl.VERIFY_X509_STRICT) | ssl.VERIFY_X509_PARTIAL_CHAIN
    for path in (ca_bundle or usual_authorities(), ca_file):
        if path:
            _load(context, path)
    if certificate:
        _show(context, certificate, key, password)
    return context


@lru_cache(maxsize=16)
def trusting_anybody(certificate: str = "", key: str = "", password: str = "") -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if certificate:
        _show(context, certificate, key, password)
    return context


def _load(context: ssl.SSLContext, path: str) -> None:
    try:
        context.load_verify_locations(path)
    except ssl.SSLError as wrong:
        raise LocalFileError(f"The CA file {path} holds no certificate in PEM form ({wrong.reason}).") from wrong
    except OSError as wrong:
        raise LocalFileError(f"Could not read the CA file {path}: {wrong.strerror}.") from wrong


def _show(context: ssl.SSLContext, certificate: str, key: str, password: str) -> None:
    try:
        # With no password at all, OpenSSL would ask for one at the terminal.
        context.load_cert_chain(certificate, key or None, password)
    except ssl.SSLError as wrong:
        raise LocalFileError(
            f"The client certificate {certificate} cannot be used: {wrong.reason or 'its key or its password does not fit'}.",
            advice="It takes a certificate and its key in PEM form; in files of their own, or in one.",
        ) from wrong
    except OSError as wrong:
        raise LocalFileError(
            f"Could not read the client certificate {certificate}, or its key {key or 'in it'}: {wrong.strerror}."
        ) from wrong
