"""What is told when a wire brought no answer: the words of `aws.silence`, for `wire.failures`."""

from __future__ import annotations

import socket
import ssl
from http import HTTPStatus

from ropeway.aws.advice import BYPASS, CA, CLOCK, LOGIN, NAMES, PROXY, WAY
from ropeway.errors import NetworkError, RopewayError, TlsError
from ropeway.wire.failures import (
    Closed,
    CutShort,
    Failure,
    NoAnswerInTime,
    NoConnectionInTime,
    ProxyRefused,
    ProxyUnreachable,
    ProxyUntrusted,
    Unreachable,
    Untrusted,
)

AGAIN = "Run again; if it stays so, look at the proxies and firewalls between."
OUT_OF_TIME = {9, 10}
"""X509_V_ERR_CERT_NOT_YET_VALID and X509_V_ERR_CERT_HAS_EXPIRED (OpenSSL, x509_vfy.h)."""
MISNAMED = {62, 64}
"""X509_V_ERR_HOSTNAME_MISMATCH and X509_V_ERR_IP_ADDRESS_MISMATCH."""
NO_TLS = {"WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "HTTP_REQUEST", "PACKET_LENGTH_TOO_LONG"}
"""What OpenSSL makes of bytes that are no TLS."""


def unreached(failure: Failure, doing: str, *, tls: bool) -> RopewayError:
    """The error of ours for a failure. `doing` reads on from "Could not"; `tls` says whether the host was spoken to in TLS."""
    if isinstance(failure, (Unreachable, NoConnectionInTime)):
        return _no_way(failure, doing)
    if isinstance(failure, ProxyRefused):
        return _refused(failure, doing)
    if isinstance(failure, Untrusted):
        return _unfit(failure, doing)
    return _no_answer(failure, doing, tls=tls)


def _no_way(failure: Failure, doing: str) -> RopewayError:
    host, why = failure.host, failure.why
    if isinstance(failure, NoConnectionInTime):
        return NetworkError(f"Could not {doing}: {host} did not take the connection in time.", advice=WAY)
    if isinstance(failure, ProxyUnreachable):
        return NetworkError(
            f"Could not {doing}: the proxy {failure.proxy} cannot be reached ({_system(why)}).", advice=PROXY
        )
    if isinstance(why, socket.gaierror):
        return NetworkError(
            f"Could not {doing}: the name {host} cannot be resolved ({_system(why)}).",
            advice="Check the region, the endpoint URL and this machine's DNS.",
        )
    return NetworkError(f"Could not {doing}: {host} cannot be reached ({_system(why)}).", advice=WAY)


def _no_answer(failure: Failure, doing: str, *, tls: bool) -> RopewayError:
    host = f"{failure.host} (through the proxy {failure.proxy})" if failure.proxy else failure.host
    if isinstance(failure, NoAnswerInTime):
        return NetworkError(
            f"Could not {doing}: {host} took the request but did not answer in time.",
            advice="Run again later, or with fewer transfers at once.",
        )
    if isinstance(failure, Closed):
        hint = "" if tls else " If it speaks TLS, the endpoint URL must begin with https://."
        return NetworkError(
            f"Could not {doing}: {host} closed the connection before it had answered.", advice=f"{AGAIN}{hint}"
        )
    if isinstance(failure, CutShort):
        return NetworkError(
            f"Could not {doing}: the connection ended in the middle of an answer ({failure.why}).", advice=AGAIN
        )
    return NetworkError(
        f"Could not {doing}: what answered does not speak AWS's protocol ({failure.why}).",
        advice="Check the endpoint URL: it must be the store's API, not its web page.",
    )


def _refused(failure: ProxyRefused, doing: str) -> RopewayError:
    proxy, host = f"the proxy {failure.proxy}", failure.host
    status = failure.status
    words = f"{status} {HTTPStatus(status).phrase}" if status in set(HTTPStatus) else str(status)
    if status == 407:
        wants = "does not take the user and password" if failure.login else "wants a user and a password"
        return NetworkError(f"Could not {doing}: {proxy} {wants} ({words}).", advice=LOGIN)
    if status == 403:
        return NetworkError(
            f"Could not {doing}: {proxy} does not let {host} through ({words}).",
            advice=f"Have {host} let through there, {BYPASS}",
        )
    return NetworkError(
        f"Could not {doing}: {proxy} did not reach {host} ({words}).",
        advice=f"Check the region and the endpoint URL, and that the proxy knows this name; {BYPASS}",
    )


def _unfit(failure: Untrusted, doing: str) -> RopewayError:
    by_proxy, why = isinstance(failure, ProxyUntrusted), failure.why
    whose = f"the proxy {failure.proxy}" if by_proxy else failure.host
    if isinstance(why, ssl.SSLCertVerificationError):
        if why.verify_code in MISNAMED:
            return TlsError(
                f"Could not {doing}: the certificate of {whose} is another's ({why.verify_message.rstrip('.')}).",
                advice=NAMES,
            )
        return TlsError(
            f"Could not {doing}: the certificate of {whose} is not trusted ({why.verify_message}).",
            advice=CLOCK if why.verify_code in OUT_OF_TIME else CA,
        )
    reason = getattr(why, "reason", None) or str(why)
    if reason in NO_TLS:
        address = "its address" if by_proxy else "the endpoint URL"
        return TlsError(f"Could not {doing}: {whose} speaks no TLS.", advice=f"Should {address} begin with http://?")
    return TlsError(f"Could not {doing}: no TLS connection to {whose} ({reason}).", advice=CA)


def _system(error: BaseException | None) -> str:
    return getattr(error, "strerror", None) or str(error)
