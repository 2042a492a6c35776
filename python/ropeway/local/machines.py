"""The instances of this process, as their user is shown them."""

from __future__ import annotations

from typing import Any

from moto.core import DEFAULT_ACCOUNT_ID
from moto.ec2.models import ec2_backends

from ropeway.local.embedded import REGION
from ropeway.local.instances.fleet import FLEET, SUPPORTED, Host, isolation
from ropeway.local.instances.roots import namespaces_missing
from ropeway.local.instances.settings import SETTINGS
from ropeway.local.patches import mend_loaded


def add(
    count: int = 1,
    tags: dict[str, str] | None = None,
    region: str = REGION,
    zone: str = "",
    instance_type: str = "t3.micro",
) -> list[dict[str, Any]]:
    """Run so many of them, in the account that every client without an account of its own is in."""
    if not SUPPORTED:
        raise ValueError("The embedded AWS has machines on Linux only.")
    mend_loaded()
    reservation = ec2_backends[DEFAULT_ACCOUNT_ID][region].run_instances(
        "ami-0abcdef1234567890",
        count,
        None,
        [],
        instance_type=instance_type,
        is_instance_type_default=False,
        placement=zone or None,
        region_name=region,
        tags={"instance": tags or {}},
    )
    return [_told(host) for instance in reservation.instances if (host := FLEET.get(instance.id))]


def seen() -> list[dict[str, Any]]:
    return [_told(host) for host in FLEET.all()]


def change(instance_id: str, changes: dict[str, str]) -> dict[str, Any]:
    """Raises KeyError for an instance that there is not, ValueError for a change that cannot be."""
    host = FLEET.get(instance_id)
    if not host:
        raise KeyError(instance_id)
    host.change(changes)
    return _told(host)


def _told(host: Host) -> dict[str, Any]:
    wanted = SETTINGS.isolation
    return {
        "id": host.id,
        "address": host.address,
        "folder": str(host.root(FLEET.processes).folder),
        "state": str(host.instance.state),
        "agent": host.agent,
        "status": host.status,
        "isolation": isolation(),
        "isolation_missing": namespaces_missing() if wanted == "namespaces" else "",
        "tags": {tag["key"]: tag["value"] for tag in host.instance.get_tags()},
    }
