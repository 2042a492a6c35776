"""Whom to trust: the usual authorities, the environment's, and beside them the agent's own."""

from __future__ import annotations

import atexit
import os
import ssl
from importlib.util import find_spec

from ropeway.aws.connection import Network
from ropeway.aws.rules import botocore_folder
from ropeway.errors import LocalFileError


def authorities(configured: str, network: Network) -> str | bool | None:
    """What botocore calls ca_bundle: a file, None for the usual authorities, False to trust anybody. Raises LocalFileError.

    `configured` is AWS_CA_BUNDLE or the profile's ca_bundle.
    """
    if not network.verify:
        return False
    of_environment = configured or os.environ.get("REQUESTS_CA_BUNDLE", "")
    for path in filter(None, (of_environment, network.ca_file)):
        _check(path)
    if not network.ca_file:
        return of_environment or None
    return _joined(of_environment or usual_authorities(), network.ca_file)


def usual_authorities() -> str:
    """The file that botocore trusts: certifi's where that is installed, else its own."""
    certifi = find_spec("certifi")
    folder = os.path.dirname(certifi.origin) if certifi and certifi.origin else botocore_folder()
    return os.path.join(folder, "cacert.pem")


def tls_context(trusted: str | bool | None) -> ssl.SSLContext:
    """For connections of our own, by `Way.ca_file`: TLS 1.2 or newer, as AWS asks for; names and certificates are checked."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.hostname_checks_common_name = False  # RFC 9525, section 2: names stand in subjectAltName alone
    if trusted is False:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    else:
        context.load_verify_locations(str(trusted or usual_authorities()))
    return context


def _check(path: str) -> None:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(path)
    except ssl.SSLError as wrong:
        raise LocalFileError(f"The CA file {path} holds no certificate in PEM form ({wrong.reason}).") from wrong
    except OSError as wrong:
        raise LocalFileError(f"Could not read the CA file {path}: {wrong.strerror}.") from wrong


def _joined(usual: str, own: str) -> str:
    """Botocore takes one file: an agent's authority for its own servers must not shut AWS's out."""
    with open(own, "rb") as ours, open(usual, "rb") as theirs:
        together = theirs.read() + b"\n" + ours.read()
    import tempfile  # noqa: PLC0415 - start-up counts, and few agents have an authority of their own

    handle, path = tempfile.mkstemp(prefix="ropeway-ca-", suffix=".pem")
    atexit.register(os.unlink, path)
    with os.fdopen(handle, "wb") as file:
        file.write(together)
    return path
