"""Hosted zones, and the alias records in them. (Route 53 API reference; developer guide, "Choosing between alias and non-alias records".)"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ropeway.aws.answers import asking
from ropeway.aws.session import Aws
from ropeway.errors import InputError, RopewayError
from ropeway.outcome import Run, duration
from ropeway.s3.website.endpoints import AliasTarget

TYPES = ("A", "AAAA")
ALONE = frozenset({"CNAME", "NS"})
"""A CNAME suffers no other record of its name (RFC 1034, section 3.6.2); an NS below the zone's own name hands the name to another zone."""
LONGEST = 600.0
"""Seconds until all of Route 53's servers know a change; it takes a minute as a rule."""
PAUSES = (0.2, 0.5, 1.0, 2.0, 5.0)
"""Seconds between two looks at a change; the last one again and again."""


@dataclass(frozen=True)
class Zone:
    """A public hosted zone. `name` without a dot at its end."""

    id: str
    name: str

    def holds(self, host: str) -> bool:
        return host == self.name or host.endswith(f".{self.name}")


@dataclass(frozen=True)
class AliasRecord:
    """A record that would be made, instead of `seen` (as Route 53 tells it) where there is one."""

    zone: Zone
    host: str
    type: str
    target: AliasTarget
    seen: Mapping[str, Any] | None = field(default=None, hash=False)

    @property
    def is_right(self) -> bool:
        there = (self.seen or {}).get("AliasTarget", {})
        return bool(there) and (_bare(there["DNSName"]), there["HostedZoneId"]) == (self.target.host, self.target.zone)

    @property
    def was(self) -> str:
        """What it says now, in a few words; empty where there is none."""
        if not self.seen:
            return ""
        if "AliasTarget" in self.seen:
            return _bare(self.seen["AliasTarget"]["DNSName"])
        return ", ".join(one["Value"] for one in self.seen.get("ResourceRecords", ()))


def zone_of(host: str, zones: Sequence[Zone], id: str) -> Zone:
    """The one with the longest name that holds this host, or the one of this id. Raises InputError where there is none, or more than one."""
    holding = [zone for zone in zones if zone.holds(host) and id in {"", zone.id}]
    if not holding:
        named = f" (hostedZoneId is {id})" if id else ""
        known = ", ".join(sorted(zone.name for zone in zones)) or "none"
        raise InputError([f"No public hosted zone of this account holds {host}{named}; there are: {known}."]).advised(
            "Make the zone first, or choose the connection of the account that has it."
        )
    longest = max(len(zone.name) for zone in holding)
    found = [zone for zone in holding if len(zone.name) == longest]
    if len(found) > 1:
        ids = ", ".join(sorted(zone.id for zone in found))
        raise InputError([f"{len(found)} public hosted zones are called {found[0].name}: {ids}."]).advised(
            "Say which one the name servers of the domain are of: hostedZoneId."
        )
    return found[0]


def alias_records(
    zone: Zone, host: str, target: AliasTarget, there: Iterable[Mapping[str, Any]]
) -> Iterator[AliasRecord]:
    """A and AAAA. `there` are the records of this name. Raises InputError for records that it cannot stand beside."""
    seen = {str(record["Type"]): record for record in there}
    for type, record in seen.items():
        if type in ALONE and not (type == "NS" and host == zone.name):
            raise InputError(
                [
                    f"{host} has a record of type {type} in the zone {zone.name} ({zone.id}): no alias can stand beside it."
                ]
            ).advised("Delete that record first. Nothing was changed.")
        if type in TYPES and "SetIdentifier" in record:
            raise InputError(
                [f"{host} has records of type {type} with a routing policy (weighted, by latency, ...) in {zone.id}."]
            ).advised("Ropeway does not touch those: delete them first, or leave the name out of dnsAliases.")
    for type in TYPES:
        yield AliasRecord(zone, host, type, target, seen.get(type))


def _bare(name: str) -> str:
    return name.lower().rstrip(".")


# --- asking Route 53 --------------------------------------------------------------------------------------------------------


def public_zones(aws: Aws) -> tuple[Zone, ...]:
    client = aws.client("route53")
    with asking("list the hosted zones", action="route53:ListHostedZones"):
        pages = list(client.get_paginator("list_hosted_zones").paginate())
    every = (zone for page in pages for zone in page["HostedZones"])
    public = (zone for zone in every if not zone.get("Config", {}).get("PrivateZone"))
    return tuple(Zone(zone["Id"].rpartition("/")[2], _bare(zone["Name"])) for zone in public)


def records_of(aws: Aws, zone: Zone, host: str) -> tuple[Mapping[str, Any], ...]:
    """All of this name, whatever their type. One page holds them: they are 100 at most, and come first."""
    with asking(f"list the records of {host} in the hosted zone {zone.id}", action="route53:ListResourceRecordSets"):
        answer = aws.client("route53").list_resource_record_sets(
            HostedZoneId=zone.id, StartRecordName=host, MaxItems="300"
        )
    return tuple(record for record in answer["ResourceRecordSets"] if _bare(record["Name"]) == host)


def change_records(aws: Aws, zone: Zone, records: Sequence[AliasRecord], run: Run) -> None:
    """All or none of them, and only over what was seen: Route 53 refuses it when somebody has changed one meanwhile.

    Returns when all of its servers know. Raises AwsError, RopewayError when they do not in time, Cancelled.
    """
    run.cancellation.check()
    hosts = ", ".join(dict.fromkeys(record.host for record in records))
    batch = {"Comment": "Ropeway", "Changes": [change for record in records for change in _changes(record)]}
    with asking(f"set the records of {hosts} in the hosted zone {zone.id}", action="route53:ChangeResourceRecordSets"):
        told = aws.client("route53").change_resource_record_sets(HostedZoneId=zone.id, ChangeBatch=batch)["ChangeInfo"]
    _settle(aws, told, hosts, run)


def _changes(record: AliasRecord) -> Iterator[Mapping[str, Any]]:
    if record.seen:
        yield {"Action": "DELETE", "ResourceRecordSet": dict(record.seen)}
    alias = {"HostedZoneId": record.target.zone, "DNSName": record.target.host, "EvaluateTargetHealth": False}
    yield {"Action": "CREATE", "ResourceRecordSet": {"Name": record.host, "Type": record.type, "AliasTarget": alias}}


def _settle(aws: Aws, change: Mapping[str, Any], hosts: str, run: Run) -> None:
    id, waited = change["Id"].rpartition("/")[2], 0.0
    for pause in _pauses():
        if change["Status"] == "INSYNC":
            return
        if waited > LONGEST:
            raise RopewayError(
                f"The records of {hosts} are set, but not known to all servers of Route 53 after {duration(waited)} (change {id}).",
                advice="It goes on without Ropeway. Run again: what is set is not set again.",
            )
        run.cancellation.wait(pause)
        run.cancellation.check()
        waited += pause
        with asking(f"see how far the change {id} of {hosts} is", action="route53:GetChange"):
            change = aws.client("route53").get_change(Id=id)["ChangeInfo"]


def _pauses() -> Iterator[float]:
    yield from PAUSES
    while True:
        yield PAUSES[-1]
