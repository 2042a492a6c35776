"""The certificate of a server is trusted, is for its names, and lasts; and its TLS is not of yesterday."""

from __future__ import annotations

import datetime as dt
import re
import ssl
from collections.abc import Iterator
from dataclasses import dataclass

from ropeway.checks import settings
from ropeway.checks.asking import Asking
from ropeway.checks.finding import Finding, failed, judged, passed, together
from ropeway.checks.kind import Kind
from ropeway.checks.net.certificates import NOT_IN_TIME, OLDER, Place, Shown, certificate_of, refuses
from ropeway.checks.net.dialling import NoAnswer
from ropeway.checks.net.messages import is_host, split_address
from ropeway.checks.settings import Settings
from ropeway.outcome import counted, listing

HTTPS = 443
VERSIONS = ("TLSv1.2", "TLSv1.3")


def tls_address(given: str) -> str:
    split_address(given, HTTPS)
    return given


def host(given: str) -> str:
    """Raises ValueError, worded to follow the name of a setting."""
    if not is_host(given):
        raise ValueError(f"is {given!r}, which is no name of a host.")
    return given


def older(given: str) -> str:
    """Raises ValueError, worded to follow the name of a setting."""
    if given not in OLDER:
        raise ValueError(f"is {given!r}; it takes {', '.join(OLDER)}.")
    return given


@dataclass(frozen=True, kw_only=True)
class TlsSettings(Settings):
    address: tuple[str, ...] = settings.texts(
        "Where TLS is spoken, as `host` (port 443) or `host:port`. Several: each is a test of its own.",
        required=True,
        check=tls_address,
    )
    name: str = settings.text(
        "The name to ask for, and that the certificate must be for. Empty: the host of `address`.", check=host
    )
    names: tuple[str, ...] = settings.texts("Further names that it must be for.", check=host)
    days_left: int = settings.whole("How many days it must last yet.", default=14)
    verify: bool = settings.flag("Whether its chain must lead to an authority that is trusted here.", default=True)
    ca_file: str = settings.text("A file with certificates in PEM form of authorities to trust beside the usual ones.")
    issuer: re.Pattern[str] | None = settings.pattern("A regular expression that is found in the name of its issuer.")
    protocol: str = settings.choice(
        "The oldest version of TLS that may be what the two sides agree on.", choices=VERSIONS, default=VERSIONS[0]
    )
    refuses: tuple[str, ...] = settings.texts(
        "Versions that the server must refuse: `TLSv1`, `TLSv1.1`, `TLSv1.2`.", check=older
    )


def ask(given: TlsSettings, asking: Asking) -> Finding:
    host, port = split_address(asking.target, HTTPS)
    place = Place(host, port, given.name or host)
    try:
        shown = certificate_of(place, asking.path(given.ca_file), asking)
        return together(*_of_certificate(given, place, shown, asking), *_of_versions(given, place, shown, asking))
    except NoAnswer as silent:
        return silent.finding(f"a certificate for {place.name}")


def _of_certificate(given: TlsSettings, place: Place, shown: Shown, asking: Asking) -> Iterator[Finding]:
    yield _judged_names(shown, (place.name, *given.names))
    yield _judged_time(shown, given.days_left)
    if given.verify and shown.doubt and not _is_own_time(shown, shown.doubt):
        yield failed("a trusted certificate", f"one that is not: {_doubt(shown.doubt)}", advice=_UNTRUSTED)
    if given.issuer:
        expected = f"an issuer matching /{given.issuer.pattern}/"
        yield judged(
            asking.search(given.issuer, shown.issuer) is not None, expected, f"issuer {shown.issuer}", advice=_OTHER
        )


def _judged_names(shown: Shown, wanted: tuple[str, ...]) -> Finding:
    missed = [name for name in wanted if not shown.fits(name)]
    got = f"one for {listing(shown.names) or 'no name at all'}, issued by {shown.issuer}"
    return judged(not missed, f"a certificate for {', '.join(missed or wanted)}", got, advice=_OTHER)


def _judged_time(shown: Shown, days: int) -> Finding:
    now = dt.datetime.now(dt.timezone.utc)
    expected, until = f"{counted(days, 'day')} left", f"{shown.ends:%Y-%m-%d %H:%M} UTC"
    if shown.begins > now:
        return failed("a certificate that is valid", f"one from {shown.begins:%Y-%m-%d %H:%M} UTC on", advice=_YOUNG)
    if shown.ends <= now:
        return failed(
            expected, f"one that expired {counted((now - shown.ends).days, 'day')} ago ({until})", advice=_OLD
        )
    left = (shown.ends - now).days
    return judged(left >= days, expected, f"{counted(left, 'day')} left ({until})", advice=_OLD)


def _is_own_time(shown: Shown, doubt: ssl.SSLCertVerificationError) -> bool:
    """Whether the doubt is about the time of this certificate, which is told already, and not of one in its chain."""
    return doubt.verify_code in NOT_IN_TIME and not shown.begins <= dt.datetime.now(dt.timezone.utc) < shown.ends


def _doubt(doubt: ssl.SSLCertVerificationError) -> str:
    chain = "of one in its chain: " if doubt.verify_code in NOT_IN_TIME else ""
    return f"{chain}{doubt.verify_message.rstrip('.')}"


def _of_versions(given: TlsSettings, place: Place, shown: Shown, asking: Asking) -> Iterator[Finding]:
    yield judged(shown.protocol >= given.protocol, f"{given.protocol} or newer", shown.protocol, advice=_VERSION)
    for version in given.refuses:
        if refuses(place, version, asking):
            yield passed(f"no {version}", f"no {version}")
        else:
            yield failed(f"no {version}", f"a connection in {version}", advice=_VERSION)


def _subject(given: TlsSettings, target: str) -> str:
    return f"{target} shows a certificate with {counted(given.days_left, 'day')} left"


_UNTRUSTED = (
    "Visitors are warned of it: see which certificate is installed there, and whether the intermediate ones are sent along. "
    "For an authority of your own, name its file in caFile."
)
_OTHER = (
    "See which certificate the listener, the distribution or the server has, and whether it is chosen by name (SNI)."
)
_OLD = "Renew it; where it was renewed already, see whether the server was told to load it. An imported one is not renewed by ACM."
_YOUNG = "See whether it is the right one, and whether the clock of this machine is right."
_VERSION = "See the security policy of the listener or the distribution, or the server's own settings."

KIND = Kind(
    name="tls",
    title="TLS certificate",
    help="A certificate is trusted, is for its names, and lasts; at any port that speaks TLS from the first byte on.",
    settings=TlsSettings,
    subject=_subject,
    targets=lambda given: given.address,
    ask=ask,
    example="""
address: www.example.com
names: [example.com]
daysLeft: 21
refuses: [TLSv1, TLSv1.1]
""",
)
