"""Route 53 checks the changes of a batch, does all or none of them, and takes a while until all of its servers know.

Route 53 API reference, ChangeResourceRecordSets (InvalidChangeBatch) and GetChange; developer guide, "Supported DNS record types" (CNAME).
"""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from moto.core.responses import ActionResult
from moto.core.utils import utcnow
from moto.route53.exceptions import Route53ClientError
from moto.route53.models import FakeZone, Route53Backend
from moto.route53.responses import Route53

from ropeway.local.instances.settings import SETTINGS
from ropeway.local.patches.patch import around
from ropeway.s3.website.endpoints import CLOUDFRONT, ZONES, website_endpoint

BEGUN: dict[str, float] = {}
"""When each change was made, by the monotonic clock."""

Record = Mapping[str, Any]


def _name(record: Record) -> str:
    return str(record["Name"]).lower().rstrip(".") + "."


def _key(record: Record) -> tuple[str, str, str]:
    return _name(record), str(record["Type"]), str(record.get("SetIdentifier", ""))


def _content(record: Record) -> tuple[object, ...]:
    alias = record.get("AliasTarget")
    target = (_name({"Name": alias["DNSName"]}), alias["HostedZoneId"]) if alias else None
    values = sorted(one["Value"] for one in record.get("ResourceRecords") or ())
    return target, values, None if alias else str(record.get("TTL"))


def _there(zone: FakeZone) -> dict[tuple[str, str, str], Record]:
    return {_key(told): told for told in map(_told, zone.rrsets)}


def _told(stored: Any) -> Record:
    told: dict[str, Any] = {"Name": stored.name, "Type": stored.type}
    if stored.set_identifier:
        told["SetIdentifier"] = stored.set_identifier
    if stored.alias_target:
        told["AliasTarget"] = stored.alias_target
        return told
    values = [one if isinstance(one, str) else one["Value"] for one in stored.records or ()]
    return {**told, "TTL": stored.ttl, "ResourceRecords": [{"Value": value} for value in values]}


def _problems(zone: FakeZone, changes: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    there = _there(zone)
    for change in changes:
        record = change["ResourceRecordSet"]
        key, name, type = _key(record), _name(record), record["Type"]
        what = f"resource record set [name='{name}', type='{type}']"
        if not f".{name}".endswith(f".{zone.name.rstrip('.')}."):
            yield f"RRSet with DNS name {name} is not permitted in zone {zone.name}"
        if change["Action"] == "DELETE":
            if key not in there:
                yield f"Tried to delete {what} but it was not found"
            elif _content(there[key]) != _content(record):
                yield f"Tried to delete {what} but the values provided do not match the current values"
            there.pop(key, None)
            continue
        if change["Action"] == "CREATE" and key in there:
            yield f"Tried to create {what} but it already exists"
        yield from _alias_problems(zone, record)
        there[key] = record
        others = {other_type for other, other_type, _ in there if other == name}
        if "CNAME" in others and others != {"CNAME"}:
            yield f"RRSet of type {type} with DNS name {name} is not permitted because a conflicting RRSet of another type exists in zone {zone.name}"


def _alias_problems(zone: FakeZone, record: Record) -> Iterator[str]:
    """An alias names the zone that its target lies in."""
    alias = record.get("AliasTarget")
    if not alias:
        return
    target = _name({"Name": alias["DNSName"]}).rstrip(".")
    if (right := _zone_of(target, zone)) and alias["HostedZoneId"] != right:
        yield (
            f"Tried to create an alias that targets {target}., type {record['Type']} in zone {alias['HostedZoneId']}, but the alias "
            "target name does not lie within the target zone"
        )


def _zone_of(target: str, zone: FakeZone) -> str:
    if re.fullmatch(r"[a-z0-9.-]+\.cloudfront\.net", target):
        return CLOUDFRONT["aws"]
    if target.endswith((".amazonaws.com", ".amazonaws.com.cn")):
        return next((id for region, id in ZONES.items() if website_endpoint(region) == target), "")
    return str(zone.resource_id) if target.endswith(zone.name.rstrip(".")) else ""


def mend() -> None:
    @around(Route53Backend, "change_resource_record_sets")
    def changed(_original: Any, route53: Route53Backend, zoneid: str, change_list: list[dict[str, Any]]) -> None:
        zone = route53.get_hosted_zone(zoneid)
        if problems := list(_problems(zone, change_list)):
            raise Route53ClientError("InvalidChangeBatch", f"[{', '.join(problems)}]")
        for change in change_list:
            _change(zone, change)

    @around(Route53, "change_resource_record_sets")
    def asked(original: Any, request: Route53) -> ActionResult:
        answer = original(request)
        id = f"C{uuid.uuid4().hex[:13].upper()}"
        BEGUN[id] = time.monotonic()
        return ActionResult({"ChangeInfo": {**answer.result["ChangeInfo"], "Id": f"/change/{id}", "Status": "PENDING"}})

    @around(Route53, "get_change")
    def looked(_original: Any, request: Route53) -> ActionResult:
        id = str(request._get_param("Id")).rpartition("/")[2]  # noqa: SLF001 - moto's own way to know
        settled = time.monotonic() - BEGUN.get(id, 0.0) >= SETTINGS.settling
        status = "INSYNC" if settled else "PENDING"
        return ActionResult({"ChangeInfo": {"Id": f"/change/{id}", "Status": status, "SubmittedAt": utcnow()}})


def _change(zone: FakeZone, change: Mapping[str, Any]) -> None:
    record = {**change["ResourceRecordSet"], "Name": _name(change["ResourceRecordSet"])}
    zone.rrsets = [stored for stored in zone.rrsets if _key(_told(stored)) != _key(record)]
    if change["Action"] != "DELETE":
        if "ResourceRecords" in record:
            record["ResourceRecords"] = [one["Value"] for one in record["ResourceRecords"]]
        zone.add_rrset(record)
