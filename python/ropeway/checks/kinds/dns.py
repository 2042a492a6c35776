"""DNS answers with the records that it should, here or at a resolver of one's choice."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from dns.exception import DNSException, Timeout
from dns.name import from_text
from dns.rdatatype import CNAME, TXT
from dns.resolver import NXDOMAIN, Answer, NoNameservers, NoResolverConfiguration, Resolver
from dns.resolver import NoAnswer as NoRecord

from ropeway.checks import settings
from ropeway.checks.asking import Asking
from ropeway.checks.finding import Finding, failed, judged, passed, together
from ropeway.checks.kind import Kind
from ropeway.checks.net.dialling import NoAnswer, addresses_of
from ropeway.checks.net.messages import split_address
from ropeway.checks.settings import Settings
from ropeway.checks.words import some_text
from ropeway.outcome import listing

TYPES = ("A", "AAAA", "CNAME", "TXT", "MX", "NS", "SOA", "CAA", "SRV", "PTR")
ADDRESSES = ("A", "AAAA")
PORT = 53
LONGEST = 5.0
"""Seconds for one question: the runner asks again."""


def dns_name(given: str) -> str:
    """Raises ValueError, worded to follow the name of a setting."""
    some_text(given)
    try:
        from_text(given)
    except (DNSException, UnicodeError) as wrong:
        raise ValueError(f"is {given!r}, which is no name of DNS ({wrong}).") from None
    return given


def resolver_address(given: str) -> str:
    split_address(given, PORT)
    return given


@dataclass(frozen=True, kw_only=True)
class DnsSettings(Settings):
    name: tuple[str, ...] = settings.texts(
        "The name, or several; each is a test of its own.", required=True, check=dns_name
    )
    type: str = settings.choice("The type of its records.", choices=TYPES, default="A")
    records: tuple[str, ...] = settings.texts(
        "The records that it must have, these and no others, in any order: `10 mail.example.com` for MX, the bare text for TXT."
    )
    contains: tuple[str, ...] = settings.texts("Records that must be among those that it has.")
    absent: bool = settings.flag("`true`: there must be no record of this type.")
    alias_of: str = settings.text(
        "A name that it must lead to: by a CNAME, or by having an address in common with it, as an alias record of Route 53 has.", check=dns_name
    )  # fmt: skip
    resolver: tuple[str, ...] = settings.texts(
        "Whom to ask, as `host` or `host:port`, each for itself: the name servers of the zone, or `8.8.8.8`. Empty: whom this machine asks.",
        check=resolver_address,
    )
    min_ttl: float | None = settings.duration("How long a record may be kept, at least.")
    max_ttl: float | None = settings.duration(
        "How long a record may be kept, at most, and a CNAME on the way to it; who answers from memory has less."
    )

    def problems(self) -> Iterator[str]:
        if self.absent and (self.records or self.contains or self.alias_of):
            yield "absent stands alone: what is not there has no records."
        if self.alias_of and self.type not in {*ADDRESSES, "CNAME"}:
            yield f"aliasOf is about addresses: it takes the type A, AAAA or CNAME, not {self.type}."


@dataclass(frozen=True)
class Found:
    """`through` are the names that lead to the records. `ttl` and `longest` are the shortest and the longest on the way to
    them, in seconds: an old answer is gone when the last of its records is.
    """

    records: tuple[str, ...]
    through: tuple[str, ...] = ()
    ttl: int = 0
    longest: int = 0
    why_none: str = ""


def targets(given: DnsSettings) -> dict[str, tuple[str, str]]:
    """Each with the name, and with whom to ask (empty: whom this machine asks)."""
    if not given.resolver:
        return {name: (name, "") for name in given.name}
    return {f"{name} at {resolver}": (name, resolver) for name in given.name for resolver in given.resolver}


def ask(given: DnsSettings, asking: Asking) -> Finding:
    name, where = targets(given)[asking.target]
    try:
        resolver = _resolver(where, asking)
        found = _look_up(resolver, name, given.type, asking)
        if given.absent:
            return judged(not found.records, f"no record of type {given.type}", _told(given, found), advice=_TOO_MANY)
        if not found.records:
            return failed(_wanted(given), found.why_none, advice=_NONE)
        return together(*_questions(given, found, resolver, asking))
    except NoAnswer as silent:
        return silent.finding(_wanted(given))


def _questions(given: DnsSettings, found: Found, resolver: Resolver, asking: Asking) -> Iterator[Finding]:
    got, has = _told(given, found), {_alike(record, given.type) for record in found.records}
    exactly, among = ({_alike(record, given.type) for record in wanted} for wanted in (given.records, given.contains))
    yield judged(not exactly or has == exactly, _wanted(given), got, advice=_OTHERS)
    if given.contains:
        yield judged(among <= has, f"{given.type} with {', '.join(given.contains)}", got, advice=_OTHERS)
    if given.alias_of:
        yield _judged_alias(given, found, resolver, asking)
    if given.min_ttl is not None:
        yield judged(found.ttl >= given.min_ttl, f"a TTL of {given.min_ttl:g} s or more", f"{found.ttl} s")
    if given.max_ttl is not None:
        yield judged(found.longest <= given.max_ttl, f"a TTL of {given.max_ttl:g} s or less", f"{found.longest} s")


def _judged_alias(given: DnsSettings, found: Found, resolver: Resolver, asking: Asking) -> Finding:
    """Of a balancer with many addresses, each answer holds some: one in common is enough."""
    expected = f"what {given.alias_of} leads to"
    if _alike(given.alias_of, "CNAME") in {_alike(name, "CNAME") for name in (*found.through, *found.records)}:
        return passed(expected, "a CNAME that leads there")
    theirs = _look_up(resolver, given.alias_of, given.type, asking)
    common = {_alike(one, given.type) for one in found.records} & {_alike(one, given.type) for one in theirs.records}
    got = f"{', '.join(found.records)}, while {given.alias_of} has {', '.join(theirs.records) or theirs.why_none}"
    return (
        passed(expected, f"{', '.join(sorted(common))} in common") if common else failed(expected, got, advice=_OTHERS)
    )


# --- asking ------------------------------------------------------------------------------------------------------------------


def _resolver(where: str, asking: Asking) -> Resolver:
    try:
        resolver = Resolver(configure=not where)
    except NoResolverConfiguration as none:
        raise NoAnswer("nobody to ask: this machine has no resolver", _UNSET, verdict="error") from none
    if where:
        host, port = split_address(where, PORT)
        resolver.nameservers = [address[4][0] for address in addresses_of(host, port, asking)]
        resolver.port = port
    return resolver


def _look_up(resolver: Resolver, name: str, type: str, asking: Asking) -> Found:
    seconds = min(asking.left, LONGEST)
    try:
        answer = resolver.resolve(name, type, lifetime=seconds, search=False)
    except NXDOMAIN:
        return Found((), why_none="no such name (NXDOMAIN)")
    except NoRecord:
        return Found((), why_none=f"no record of type {type}")
    except Timeout as silent:
        raise NoAnswer(
            f"no answer of {_asked(resolver)} within {min(asking.timeout, LONGEST):g} s", _SILENT, verdict="error"
        ) from silent
    except NoNameservers as refused:
        raise NoAnswer(f"no answer of {_asked(resolver)} ({_reasons(refused)})", _REFUSED, verdict="error") from refused
    return _found(answer)


def _found(answer: Answer) -> Found:
    through = (str(one.target) for rrset in answer.response.answer for one in rrset if rrset.rdtype == CNAME)
    ttls = [rrset.ttl for rrset in answer.response.answer]
    return Found(tuple(sorted(map(_text, answer))), tuple(through), min(ttls), max(ttls))


def _asked(resolver: Resolver) -> str:
    return listing([str(server) for server in resolver.nameservers])


def _reasons(refused: NoNameservers) -> str:
    errors: Any = refused.kwargs["errors"]
    return ", ".join(dict.fromkeys(str(error[3]) for error in errors))


# --- reading -----------------------------------------------------------------------------------------------------------------


def _text(record: Any) -> str:
    """As it stands in a zone, but for the dots at the end of names and the quotes around a text."""
    if record.rdtype == TXT:
        return b"".join(record.strings).decode("utf-8", "replace")
    return re.sub(r"\.(?=\s|$)", "", record.to_text()) or "."


def _alike(record: str, type: str) -> str:
    """Two records that mean the same are alike."""
    if type == "TXT":
        return record
    try:
        return str(ipaddress.ip_address(record))
    except ValueError:
        return " ".join(re.sub(r"\.(?=\s|$)", "", record).lower().split())


def _wanted(given: DnsSettings) -> str:
    if given.absent:
        return f"no record of type {given.type}"
    return f"{given.type} {', '.join(given.records)}" if given.records else f"a record of type {given.type}"


def _told(given: DnsSettings, found: Found) -> str:
    through = f" by {', '.join(found.through)}" if found.through and given.type != "CNAME" else ""
    return f"{given.type} {', '.join(found.records)}{through} (TTL {found.ttl} s)" if found.records else found.why_none


def _subject(given: DnsSettings, target: str) -> str:
    if given.alias_of:
        return f"{target} leads to {given.alias_of}"
    return f"{target} has {_wanted(given)}"


_NONE = (
    "See whether the record is in the zone that the world asks (the name servers of the domain), and spelled like this."
)
_OTHERS = (
    "See the record in the zone; where it is right there, this resolver may still know the old one: wait for its TTL."
)
_TOO_MANY = "Delete the record; where it is gone already, this resolver may still know it: wait for its TTL."
_SILENT = "See whether port 53 is open to it, by UDP and TCP, or name another resolver."
_REFUSED = "REFUSED: it does not answer for this name, or not to this machine. SERVFAIL: the zone, or DNSSEC, is broken on its way."
_UNSET = "Name one (resolver)."

KIND = Kind(
    name="dns",
    title="DNS record",
    help="A name has the records that it should, or leads to the same as another one. DNS is asked, no file of this machine.",
    settings=DnsSettings,
    subject=_subject,
    targets=lambda given: tuple(targets(given)),
    ask=ask,
    example="""
name: www.example.com
aliasOf: d111111abcdef8.cloudfront.net
resolver: 8.8.8.8
maxTtl: 5m
""",
)
