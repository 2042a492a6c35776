"""Whom to trust: the usual authorities, the environment's, and beside them the agent's own."""

from __future__ import annotations

import atexit
import os
import ssl
import tempfile

import urllib3
from botocore.httpsession import get_cert_path
from botocore.session import Session

from ropeway.aws.connection import Network
from ropeway.errors import LocalFileError


def authorities(session: Session, network: Network) -> str | bool | None:
    """What botocore calls ca_bundle: a file, None for the usual authorities, False to trust anybody. Raises LocalFileError."""
    if not network.verify:
        urllib3.disable_warnings(
            urllib3.exceptions.InsecureRequestWarning
        )  # the door has told it, once and in its own words
        return False
    of_environment = session.get_config_variable("ca_bundle") or os.environ.get("REQUESTS_CA_BUNDLE")
    for path in filter(None, (of_environment, network.ca_file)):
        _check(path)
    if not network.ca_file:
        return of_environment or None
    return _joined(str(of_environment or get_cert_path(verify=True)), network.ca_file)


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
    handle, path = tempfile.mkstemp(prefix="ropeway-ca-", suffix=".pem")
    atexit.register(os.unlink, path)
    with os.fdopen(handle, "wb") as file:
        file.write(together)
    return path
