"""A certificate of ACM is issued, lasts long enough, is for these names, and is in use."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any

from ropeway.aws.policy import IamAction
from ropeway.checks import settings
from ropeway.checks.asking import Asking
from ropeway.checks.finding import Finding, judged, together, unasked
from ropeway.checks.kind import Kind
from ropeway.checks.settings import Settings
from ropeway.checks.words import lasting
from ropeway.outcome import counted

DESCRIBE = "acm:DescribeCertificate"
LIST = "acm:ListCertificates"
ARN = re.compile(r"arn:[\w-]+:acm:([\w-]+):\d{12}:certificate/.+")
DAY = 86_400


@dataclass(frozen=True, kw_only=True)
class AcmCertificateSettings(Settings):
    certificate: tuple[str, ...] = settings.texts(
        "ARNs of the certificates, or the domain names they were made for.", required=True
    )
    lasts: float = settings.duration("How long it must be valid from now on.", default=30 * DAY)
    names: tuple[str, ...] = settings.texts("Names that it must be valid for; `*.` in it stands for one label.")
    in_use: bool | None = settings.flag(
        "Whether anything (a load balancer, CloudFront) must use it. Not said: it does not matter.", default=None
    )
    region: str = settings.text(
        "The region it lies in, where it is another one: CloudFront takes certificates of us-east-1 only. An ARN says its own."
    )


def ask(given: AcmCertificateSettings, asking: Asking) -> Finding:
    arns = [asking.target] if ARN.fullmatch(asking.target) else _of_domain(given, asking)
    if not arns:
        advice = "Request or import one, or check the account and the region."
        return judged(False, "a certificate", f"none for {asking.target} in this region", advice=advice)
    return together(*(_judge_one(given, asking, arn) for arn in arns))


def _of_domain(given: AcmCertificateSettings, asking: Asking) -> list[str]:
    """All that are made for that very name, of every key type: ACM lists RSA 2048 only unless it is asked (API reference)."""
    found = asking.pages(
        "acm",
        "list_certificates",
        "CertificateSummaryList",
        doing="list the certificates of ACM",
        action=LIST,
        region=given.region,
        CertificateStatuses=[
            "ISSUED",
            "PENDING_VALIDATION",
            "EXPIRED",
            "INACTIVE",
            "REVOKED",
            "FAILED",
            "VALIDATION_TIMED_OUT",
        ],
        Includes={"keyTypes": _KEY_TYPES},
    )
    same = [entry for entry in found if entry["DomainName"].lower() == asking.target.lower()]
    issued = [entry for entry in same if entry.get("Status", "ISSUED") == "ISSUED"]
    return [entry["CertificateArn"] for entry in issued or same]


def _judge_one(given: AcmCertificateSettings, asking: Asking, arn: str) -> Finding:
    where = ARN.fullmatch(arn)
    answer = asking.call(
        "acm",
        "describe_certificate",
        doing=f"read the certificate {arn}",
        action=DESCRIBE,
        region=where[1] if where else given.region,
        CertificateArn=arn,
    )
    now = parsedate_to_datetime(answer["ResponseMetadata"]["HTTPHeaders"]["date"])
    certificate = answer["Certificate"]
    if certificate["Status"] != "ISSUED":
        return _not_issued(certificate)
    return together(*_questions(given, certificate, now))


def _not_issued(certificate: dict[str, Any]) -> Finding:
    status = certificate["Status"]
    reason = certificate.get("FailureReason") or certificate.get("RevocationReason", "")
    got = f"{status} ({reason})" if reason else status
    return judged(
        False, "an issued certificate", got, advice=_ADVICE.get(status, ""), details=tuple(_validation(certificate))
    )


def _validation(certificate: dict[str, Any]) -> Iterator[str]:
    """What the owner of the domain has to put into DNS."""
    for option in certificate.get("DomainValidationOptions", ()):
        if option.get("ValidationStatus") != "SUCCESS" and (record := option.get("ResourceRecord")):
            yield f"{option['DomainName']} waits for {record['Name']} {record['Type']} {record['Value']}"


def _questions(given: AcmCertificateSettings, certificate: dict[str, Any], now: datetime) -> Iterator[Finding]:
    yield _time_left(given, certificate, now)
    if given.names:
        yield _covers(given, certificate)
    if given.in_use is not None:
        yield _used(given, certificate)


def _time_left(given: AcmCertificateSettings, certificate: dict[str, Any], now: datetime) -> Finding:
    expected = f"valid for {lasting(given.lasts)} and longer"
    if not (ends := certificate.get("NotAfter")):
        return unasked(expected, "no date of expiry", advice="ACM tells none; ask again later.")
    days = (ends - now).total_seconds() / DAY
    got = (
        f"valid until {ends:%Y-%m-%d} ({counted(int(days), 'day')} left)" if days > 0 else f"expired on {ends:%Y-%m-%d}"
    )
    return judged(days * DAY >= given.lasts, expected, got, advice=_renewing(certificate))


def _renewing(certificate: dict[str, Any]) -> str:
    """ACM user guide, "Managed certificate renewal": of its own certificates only, and only of those in use."""
    if certificate.get("Type") == "IMPORTED":
        return "It was imported, and ACM renews no imported certificate: get a new one and import it over this one (same ARN)."
    status = certificate.get("RenewalSummary", {}).get("RenewalStatus", "")
    said = f"ACM's renewal is {status}: " if status else ""
    return f"{said}see that its validation records still stand in DNS, and that something uses it. ACM renews no unused ones."


def _covers(given: AcmCertificateSettings, certificate: dict[str, Any]) -> Finding:
    has = certificate.get("SubjectAlternativeNames") or [certificate["DomainName"]]
    missing = [name for name in given.names if not any(_matches(name, pattern) for pattern in has)]
    got = f"not for {', '.join(missing)}" if missing else f"for {', '.join(given.names)}"
    details = (f"It is for {', '.join(has)}.",)
    advice = "Request one with all the names: those of an issued one never change."
    return judged(not missing, f"for {', '.join(given.names)}", got, advice=advice, details=details)


def _matches(name: str, pattern: str) -> bool:
    """A `*` stands for exactly one label, the first (RFC 6125, 6.4.3)."""
    name, pattern = name.lower(), pattern.lower()
    return name == pattern or (pattern.startswith("*.") and name.partition(".")[2] == pattern[2:])


def _used(given: AcmCertificateSettings, certificate: dict[str, Any]) -> Finding:
    by = certificate.get("InUseBy") or ()
    expected = "in use" if given.in_use else "not in use"
    got = f"in use by {counted(len(by), 'resource')}" if by else "not in use"
    advice = "Give it to the listener or the distribution." if given.in_use else "Take it off what uses it."
    return judged(bool(by) == given.in_use, expected, got, advice=advice, details=tuple(by))


_KEY_TYPES = ["RSA_1024", "RSA_2048", "RSA_3072", "RSA_4096", "EC_prime256v1", "EC_secp384r1", "EC_secp521r1"]
_ADVICE = {
    "PENDING_VALIDATION": "Put the validation records into DNS and wait.",
    "VALIDATION_TIMED_OUT": "The validation records were not seen within 72 hours: request it again.",
    "EXPIRED": "Import or request a new one, and give it to what used this one.",
    "REVOKED": "Request a new one, and give it to what used this one.",
    "FAILED": "See the reason in ACM, and request it again.",
}

KIND = Kind(
    name="acm-certificate",
    title="ACM certificate",
    help="A certificate is issued, has days left, is for the names, and is in use. ACM renews no imported ones: this tells in time.",
    settings=AcmCertificateSettings,
    subject=lambda given, target: f"{target} is issued and valid for {lasting(given.lasts)}",
    targets=lambda given: given.certificate,
    ask=ask,
    actions=(IamAction(DESCRIBE, "*"), IamAction(LIST, "*", "for a certificate that is named by its domain")),
    services=("acm",),
    example="certificate: shop.example.com\nlasts: 30d\nnames: [www.shop.example.com]\ninUse: true",
)
