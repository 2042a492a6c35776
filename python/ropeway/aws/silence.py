"""What is told when AWS gave no answer, or none that could be used: no credentials to ask with, no way there, broken bytes."""

from __future__ import annotations

import re
import socket
import ssl
from collections.abc import Callable, Iterator
from typing import Any, TypeVar
from urllib.parse import urlsplit

from botocore import exceptions as botocore
from botocore.parsers import ResponseParserError
from urllib3 import exceptions as urllib3
from urllib3.util.ssl_match_hostname import CertificateError

from ropeway.errors import CredentialsError, InputError, IntegrityError, NetworkError, RopewayError, TlsError

NO_CREDENTIALS = (
    "In a pipeline, give a service connection or the variables AWS.AccessKeyID and AWS.SecretAccessKey. Everywhere, AWS's own "
    "chain counts: AWS_ACCESS_KEY_ID, a profile, the role of a container or an instance."
)
CA = (
    "If a proxy or a store of yours signs its own certificates, give their authority: the agent's --sslcacert, or a file in "
    "AWS_CA_BUNDLE."
)
LOGIN = "Set them where the proxy is set: the agent's --proxyusername and --proxypassword, or HTTPS_PROXY."
WAY = "Check the endpoint URL, firewalls, and that there is a way out: a NAT, a VPC endpoint, a proxy."

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
        advice="Mend the AWS configuration of this machine, or give a service connection.",
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
        f"Could not {doing}: {_host(error)} took the request but did not answer in time.",
        advice="Run again later, or with fewer transfers at once.",
    )


def _closed(error: Exception, doing: str) -> RopewayError:
    return NetworkError(
        f"Could not {doing}: {_host(error)} closed the connection before it had answered.",
        advice="Run again; if it stays so, look at the proxies and firewalls between.",
    )


def _cut_short(error: Exception, doing: str) -> RopewayError:
    broken = _cause(error, urllib3.ProtocolError)
    words = broken.args[0] if broken else _line(error)
    return NetworkError(
        f"Could not {doing}: the connection ended in the middle of an answer ({words}).",
        advice="Run again; if it stays so, look at the proxies and firewalls between.",
    )


def _proxy(error: Exception, doing: str) -> RopewayError:
    proxy = urlsplit(_detail(error, "proxy_url")).netloc.rpartition("@")[2] or "between"
    why = _cause(error, OSError)
    words = _system(why) if why else _line(error)
    if "407" in words:
        return NetworkError(
            f"Could not {doing}: the proxy {proxy} wants a user and a password ({words}).",
            advice=LOGIN,
        )
    return NetworkError(
        f"Could not {doing}: the proxy {proxy} did not lead there ({words}).",
        advice="Check the proxy's address, and that it lets AWS's addresses through.",
    )


def _tls(error: Exception, doing: str) -> RopewayError:
    unverified = _cause(error, ssl.SSLCertVerificationError)
    host = _host(error)
    if unverified:
        return TlsError(
            f"Could not {doing}: the certificate of {host} is not trusted ({unverified.verify_message}).", advice=CA
        )
    broken = _cause(error, ssl.SSLError)
    if broken and broken.reason in {"WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE"}:
        return TlsError(
            f"Could not {doing}: {host} speaks no TLS.", advice="Should the endpoint URL begin with http://?"
        )
    why = broken.reason if broken and broken.reason else _line(error)
    return TlsError(f"Could not {doing}: no TLS connection to {host} ({why}).", advice=CA)


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
            botocore.ProfileNotFound,
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
