"""The certificate that a server shows: whether it is trusted, and what it says, be it trusted or not.

Python's ssl reads a certificate out only where it trusts it. One that is not trusted is therefore asked for a second and a
third time: as bytes, and then with itself as the authority to trust, and with the clock left aside.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import socket
import ssl
import warnings
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from urllib3.util.ssl_match_hostname import CertificateError, match_hostname

from ropeway.checks.asking import Asking
from ropeway.checks.net.dialling import Line, NoAnswer
from ropeway.checks.net.reaching import tunnel, untrusted
from ropeway.checks.net.trusting import trusting, trusting_anybody

ANY_TIME = 0x200000
"""OpenSSL's X509_V_FLAG_NO_CHECK_TIME, which Python's ssl has no name for."""

NOT_IN_TIME = {9, 10}
"""X509_V_ERR_CERT_NOT_YET_VALID and X509_V_ERR_CERT_HAS_EXPIRED: of the certificate, or of one in its chain."""

OLDER = {"TLSv1": ssl.TLSVersion.TLSv1, "TLSv1.1": ssl.TLSVersion.TLSv1_1, "TLSv1.2": ssl.TLSVersion.TLSv1_2}


ALERT, HANDSHAKE = 21, 22
WARNING, SERVER_HELLO = b"\x01", b"\x02"

Hands = tuple[Mapping[str, Any], bytes, str]
"""What the certificate says, its bytes, and the version of TLS."""


@dataclass(frozen=True)
class Place:
    """`name` is the one that is asked for there (SNI)."""

    host: str
    port: int
    name: str


@dataclass(frozen=True)
class Shown:
    """`doubt` is why it is not trusted, None when it is. `protocol` is "TLSv1.3"."""

    names: tuple[str, ...]
    subject: str
    issuer: str
    begins: dt.datetime
    ends: dt.datetime
    protocol: str
    doubt: ssl.SSLCertVerificationError | None
    _raw: Mapping[str, Any] = field(repr=False)

    def fits(self, name: str) -> bool:
        """By its alternative names alone, as browsers read it (RFC 9525)."""
        try:
            match_hostname(dict(self._raw), name)  # type: ignore[arg-type]  # what getpeercert() gave
        except CertificateError:
            return False
        return True


def certificate_of(place: Place, ca_file: str, asking: Asking) -> Shown:
    """Raises NoAnswer where there is no TLS, LocalFileError for the CA file, Cancelled."""
    bundle = asking.way(f"https://{place.name}").ca_file
    context = trusting(bundle if isinstance(bundle, str) else None, ca_file, names_too=False)
    with Line(asking) as line:
        shake = partial(_shake, line, asking, place)
        try:
            raw, _, protocol = shake(context)
        except ssl.SSLCertVerificationError as doubt:
            return _shown(*_of_stranger(shake, doubt), doubt)
    return _shown(raw, protocol, None)


def refuses(place: Place, version: str, asking: Asking) -> bool:
    """Whether the server does not take up this version. Raises NoAnswer where that cannot be tried, Cancelled.

    It does with its first words (ServerHello): that it ends the handshake later, for want of a certificate of ours, is no refusal.
    """
    with Line(asking) as line, _connected(line, asking, place) as connection:
        try:
            connection.sendall(_hello(version, place.name))
            taken = _taken_up(connection)
            if line.cut:  # which ends what is read, too
                raise line.too_late()
            return taken != OLDER[version]
        except OSError as refusal:
            # The socket's own time may be over a moment before the line is cut: silence is no refusal.
            if line.cut or isinstance(refusal, TimeoutError):
                raise line.too_late() from refusal
            if getattr(refusal, "reason", "") in {"NO_PROTOCOLS_AVAILABLE", "NO_CIPHERS_AVAILABLE"}:
                got = f"no {version} to try it with: this machine's OpenSSL has none"
                raise NoAnswer(got, "Leave it out of refuses here.", verdict="error") from refusal
            return True


# --- shaking hands -----------------------------------------------------------------------------------------------------------


def _connected(line: Line, asking: Asking, place: Place) -> socket.socket:
    way = asking.way(
        f"https://[{place.host}]:{place.port}" if ":" in place.host else f"https://{place.host}:{place.port}"
    )
    if way.proxy_url:
        return tunnel(line, asking, way.proxy_url, place.host, place.port)
    return line.connect(place.host, place.port)


def _shake(line: Line, asking: Asking, place: Place, context: ssl.SSLContext) -> Hands:
    """What the certificate says (nothing, where it need not be trusted), its bytes, and the version of TLS."""
    with _connected(line, asking, place) as connection:
        try:
            with context.wrap_socket(connection, server_hostname=place.name) as tls:
                return tls.getpeercert() or {}, tls.getpeercert(binary_form=True) or b"", tls.version() or ""
        except ssl.SSLCertVerificationError:
            raise
        except OSError as error:
            # The socket's own time may be over a moment before the line is cut.
            raise line.too_late() if line.cut or isinstance(error, TimeoutError) else untrusted(error) from error


def _of_stranger(
    shake: Callable[[ssl.SSLContext], Hands], doubt: ssl.SSLCertVerificationError
) -> tuple[Mapping[str, Any], str]:
    _, certificate, protocol = shake(trusting_anybody())
    try:
        return shake(_taking(certificate))[0], protocol
    except ssl.SSLCertVerificationError:  # nor is it fit to be one: what was wrong at first says more
        raise untrusted(doubt) from doubt


def _taking(certificate: bytes) -> ssl.SSLContext:
    """A context that trusts this certificate and no other."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.load_verify_locations(cadata=certificate)
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN | ANY_TIME
    return context


def _only(version: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_ciphers("ALL:@SECLEVEL=0")  # the old versions need digests that are not offered any more
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # that they are old is why they are tried
        context.minimum_version = context.maximum_version = OLDER[version]
    return context


def _hello(version: str, name: str) -> bytes:
    """What a client says first."""
    said = ssl.MemoryBIO()
    with contextlib.suppress(ssl.SSLWantReadError):
        _only(version).wrap_bio(ssl.MemoryBIO(), said, server_hostname=name).do_handshake()
    return said.read()


def _taken_up(connection: socket.socket) -> int:
    """The version in the answer to it (RFC 5246, 6.2.1 and 7.4.1.3); 0 where it is no such answer. A mere warning may come before it."""
    with connection.makefile("rb") as answer:
        while len(head := answer.read(5)) == 5:
            words = answer.read(int.from_bytes(head[3:], "big"))
            if (head[0], words[:1]) != (ALERT, WARNING):
                is_hello = (head[0], words[:1]) == (HANDSHAKE, SERVER_HELLO)
                return int.from_bytes(words[4:6], "big") if is_hello else 0
    return 0


# --- reading -----------------------------------------------------------------------------------------------------------------


def _shown(raw: Mapping[str, Any], protocol: str, doubt: ssl.SSLCertVerificationError | None) -> Shown:
    return Shown(
        names=tuple(value.strip() for kind, value in raw.get("subjectAltName", ()) if kind in {"DNS", "IP Address"}),
        subject=_name(raw.get("subject", ())),
        issuer=_name(raw.get("issuer", ())),
        begins=_time(raw["notBefore"]),
        ends=_time(raw["notAfter"]),
        protocol=protocol,
        doubt=doubt,
        _raw=raw,
    )


def _name(parts: Iterable[Iterable[tuple[str, str]]]) -> str:
    """What stands for somebody in it: "Amazon RSA 2048 M02 (Amazon)"."""
    found = {kind: value for part in parts for kind, value in part}
    name, of = found.get("commonName", ""), found.get("organizationName", "")
    return f"{name} ({of})" if name and of else name or of or "nobody"


def _time(text: str) -> dt.datetime:
    return dt.datetime.fromtimestamp(ssl.cert_time_to_seconds(text), dt.timezone.utc)
