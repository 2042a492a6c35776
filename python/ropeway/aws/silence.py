"""What is told when AWS gave no answer, or none that could be used: no credentials to ask with, no way there, broken bytes."""

from __future__ import annotations

import re
import socket
import ssl
from collections.abc import Callable, Iterator
from http.client import RemoteDisconnected
from typing import Any, TypeVar
from urllib.parse import urlsplit

from botocore import exceptions as botocore
from botocore.parsers import ResponseParserError
from urllib3 import exceptions as urllib3
from urllib3.util.ssl_match_hostname import CertificateError

from ropeway.aws.advice import BYPASS, CA, CLOCK, LOGIN, NAMES, NO_CREDENTIALS, PROXY, WAY
from ropeway.errors import CredentialsError, InputError, IntegrityError, NetworkError, RopewayError, TlsError

E = TypeVar("E", bound=BaseException)


def silence(error: Exception, doing: str) -> RopewayError:
    """The error of ours for one of botocore's or urllib3's that is no answer."""
    for kinds, told in KINDS:
        if isinstance(error, kinds):
            return told(error, doing)
    return RopewayError(f"Could not {doing}: {_line(error)}.")


def is_hopeless(error: Exception) -> bool:
    """What is the same at the fifth attempt: a certificate that does not fit, no TLS at all, a proxy that says no."""
    if isinstance(error, botocore.ProxyConnectionError) and _refusal(error) in {"403", "407"}:
        return True
    unfit = _cause(error, ssl.SSLCertVerificationError) or _cause(error, CertificateError)
    return isinstance(error, (botocore.SSLError, botocore.ProxyConnectionError)) and bool(
        unfit or _speaks_no_tls(error)
    )


# --- credentials ---------------------------------------------------------------------------------------------------------


def _no_credentials(_: Exception, doing: str) -> RopewayError:
    return CredentialsError(f"Could not {doing}: there are no AWS credentials.", advice=NO_CREDENTIALS)


def _unusable_credentials(error: Exception, doing: str) -> RopewayError:
    return CredentialsError(
        f"Could not {doing}: {_line(error)}.",
        advice="Mend the AWS configuration of this machine; a pipeline may give a service connection instead.",
    )


def _no_profile(error: Exception, doing: str) -> RopewayError:
    return CredentialsError(
        f"Could not {doing}: {_line(error)}.",
        advice="Check its name (AWS_PROFILE, or --profile on the command line) against the AWS configuration files of this machine.",
    )


# --- the network -----------------------------------------------------------------------------------------------------------


def _unreachable(error: Exception, doing: str) -> RopewayError:
    host = _host(error)
    if unresolved := _cause(error, socket.gaierror):
        return NetworkError(
            f"Could not {doing}: the name {host} cannot be resolved ({_system(unresolved)}).",
            advice="Check the region, the endpoint URL and this machine's DNS.",
        )
    if refused := _cause(error, OSError):
        return NetworkError(f"Could not {doing}: {host} cannot be reached ({_system(refused)}).", advice=WAY)
    return NetworkError(f"Could not {doing}: {host} cannot be reached ({_line(error)}).", advice=WAY)


def _no_connection_in_time(error: Exception, doing: str) -> RopewayError:
    return NetworkError(f"Could not {doing}: {_host(error)} did not take the connection in time.", advice=WAY)


def _no_answer_in_time(error: Exception, doing: str) -> RopewayError:
    return NetworkError(
        f"Could not {doing}: {_by_way(error)} took the request but did not answer in time.",
        advice="Run again later, or with fewer transfers at once.",
    )


def _closed(error: Exception, doing: str) -> RopewayError:
    plain = _detail(error, "endpoint_url").startswith("http://")
    tls = " If it speaks TLS, the endpoint URL must begin with https://." if plain else ""
    return NetworkError(
        f"Could not {doing}: {_by_way(error)} closed the connection before it had answered.",
        advice=f"Run again; if it stays so, look at the proxies and firewalls between.{tls}",
    )


def _cut_short(error: Exception, doing: str) -> RopewayError:
    broken = _cause(error, urllib3.ProtocolError)
    words = broken.args[0] if broken else _line(error)
    return NetworkError(
        f"Could not {doing}: the connection ended in the middle of an answer ({words}).",
        advice="Run again; if it stays so, look at the proxies and firewalls between.",
    )


# --- proxies ---------------------------------------------------------------------------------------------------------------


def _proxy(error: Exception, doing: str) -> RopewayError:
    proxy = f"the proxy {_proxy_host(error)}"
    if status := _refusal(error):
        return _refused_by(proxy, status, error, doing)
    if _cause(error, RemoteDisconnected):
        return _closed(error, doing)
    if _speaks_no_tls(error):
        return TlsError(f"Could not {doing}: {proxy} speaks no TLS.", advice="Should its address begin with http://?")
    if _cause(error, ssl.SSLError) or _cause(error, CertificateError):
        return _unfit(error, doing, proxy)
    why = _cause(error, OSError)
    return NetworkError(
        f"Could not {doing}: {proxy} cannot be reached ({_system(why) if why else _line(error)}).", advice=PROXY
    )


def _refused_by(proxy: str, status: str, error: Exception, doing: str) -> RopewayError:
    host, words = _host(error), _system(_cause(error, OSError) or OSError(status))
    if status == "407" and "@" in _detail(error, "proxy_url"):
        return NetworkError(f"Could not {doing}: {proxy} does not take the user and password ({words}).", advice=LOGIN)
    if status == "407":
        return NetworkError(f"Could not {doing}: {proxy} wants a user and a password ({words}).", advice=LOGIN)
    if status == "403":
        return NetworkError(
            f"Could not {doing}: {proxy} does not let {host} through ({words}).",
            advice=f"Have {host} let through there, {BYPASS}",
        )
    return NetworkError(
        f"Could not {doing}: {proxy} did not reach {host} ({words}).",
        advice=f"Check the region and the endpoint URL, and that the proxy knows this name; {BYPASS}",
    )


# --- TLS -------------------------------------------------------------------------------------------------------------------


def _tls(error: Exception, doing: str) -> RopewayError:
    if _speaks_no_tls(error):
        return TlsError(
            f"Could not {doing}: {_host(error)} speaks no TLS.", advice="Should the endpoint URL begin with http://?"
        )
    return _unfit(error, doing, _host(error))


def _unfit(error: Exception, doing: str, whose: str) -> RopewayError:
    if unverified := _cause(error, ssl.SSLCertVerificationError):
        return TlsError(
            f"Could not {doing}: the certificate of {whose} is not trusted ({unverified.verify_message}).",
            advice=CLOCK if unverified.verify_code in OUT_OF_TIME else CA,
        )
    if misnamed := _cause(error, CertificateError):
        return TlsError(
            f"Could not {doing}: the certificate of {whose} is another's ({_line(misnamed)}).", advice=NAMES
        )
    broken = _cause(error, ssl.SSLError)
    why = broken.reason if broken and broken.reason else _line(error)
    return TlsError(f"Could not {doing}: no TLS connection to {whose} ({why}).", advice=CA)


OUT_OF_TIME = {9, 10}
"""X509_V_ERR_CERT_NOT_YET_VALID and X509_V_ERR_CERT_HAS_EXPIRED (OpenSSL, x509_vfy.h)."""


# --- something else there ----------------------------------------------------------------------------------------------------


def _no_aws(error: Exception, doing: str) -> RopewayError:
    return NetworkError(
        f"Could not {doing}: what answered does not speak AWS's protocol ({_line(error)[:200]}).",
        advice="Check the endpoint URL: it must be the store's API, not its web page.",
    )


# --- the rest --------------------------------------------------------------------------------------------------------------


def _wrong_bytes(error: Exception, doing: str) -> RopewayError:
    return IntegrityError(
        f"Could not {doing}: the bytes that arrived are not those that were sent ({_line(error)}).", advice="Run again."
    )


def _wrong_asked(error: Exception, doing: str) -> RopewayError:
    return InputError([f"Could not {doing}: {_line(error)}."])


Told = Callable[[Exception, str], RopewayError]

KINDS: tuple[tuple[tuple[type[Exception], ...], Told], ...] = (
    ((botocore.NoCredentialsError,), _no_credentials),
    ((botocore.ProfileNotFound,), _no_profile),
    (
        (
            botocore.PartialCredentialsError,
            botocore.CredentialRetrievalError,
            botocore.MetadataRetrievalError,
            botocore.TokenRetrievalError,
            botocore.SSOError,
            botocore.LoginError,
            botocore.RefreshWithMFAUnsupportedError,
            botocore.UnknownCredentialError,
            botocore.ConfigParseError,
            botocore.ConfigNotFound,
            botocore.InvalidConfigError,
        ),
        _unusable_credentials,
    ),
    # SSLError, ProxyConnectionError and the two timeouts are botocore.ConnectionErrors too: the order counts.
    ((botocore.SSLError, urllib3.SSLError), _tls),
    ((botocore.ProxyConnectionError,), _proxy),
    ((botocore.ConnectTimeoutError,), _no_connection_in_time),
    ((botocore.ReadTimeoutError, urllib3.ReadTimeoutError), _no_answer_in_time),
    ((botocore.ConnectionClosedError,), _closed),
    ((botocore.ResponseStreamingError, botocore.IncompleteReadError, urllib3.ProtocolError), _cut_short),
    ((botocore.ConnectionError, botocore.HTTPClientError, urllib3.HTTPError), _unreachable),
    ((ResponseParserError,), _no_aws),
    ((botocore.FlexibleChecksumError, botocore.ChecksumError), _wrong_bytes),
    (
        (
            botocore.ParamValidationError,
            botocore.ValidationError,
            botocore.InvalidDNSNameError,
            botocore.InvalidHostLabelError,
            botocore.EndpointProviderError,
            botocore.EndpointVariantError,
            botocore.UnsupportedS3ArnError,
            botocore.UnsupportedS3ConfigurationError,
            botocore.UnsupportedS3AccesspointConfigurationError,
        ),
        _wrong_asked,
    ),
)


def _refusal(error: Exception) -> str:
    """The status with which a proxy answered CONNECT; http.client has it in words only."""
    found = re.search(r"Tunnel connection failed: (\d{3})", str(_detail(error, "error")))
    return found[1] if found else ""


def _speaks_no_tls(error: Exception) -> bool:
    broken = _cause(error, ssl.SSLError)
    return broken is not None and broken.reason in {"WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE"}


def _detail(error: Exception, name: str) -> Any:
    return getattr(error, "kwargs", {}).get(name, "")


def _host(error: Exception) -> str:
    """Host and port alone: a path may be long, a query may hold a signature."""
    return urlsplit(_detail(error, "endpoint_url")).netloc or "the other side"


def _by_way(error: Exception) -> str:
    """Behind a proxy nobody can tell which of the two it was."""
    proxy = _proxy_host(error)
    return f"{_host(error)} (through the proxy {proxy})" if proxy else _host(error)


def _proxy_host(error: Exception) -> str:
    return urlsplit(_detail(error, "proxy_url") or "").netloc.rpartition("@")[2]


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error and what it was made of: botocore and urllib3 keep the causes in several places."""
    yield error
    held = [_detail(error, "error"), getattr(error, "reason", None), *error.args, error.__cause__]  # type: ignore[arg-type]
    for inner in held:
        if isinstance(inner, BaseException):
            yield from _chain(inner)


def _cause(error: BaseException, kind: type[E]) -> E | None:
    """Botocore's own are no causes, though some of them are OSErrors."""
    return next((e for e in _chain(error) if isinstance(e, kind) and not isinstance(e, botocore.BotoCoreError)), None)


def _system(error: OSError) -> str:
    return error.strerror or str(error)


def _line(error: BaseException) -> str:
    """The words in one line, without the full stop that ours adds."""
    return re.sub(r"\s+", " ", str(error)).strip().rstrip(".")
