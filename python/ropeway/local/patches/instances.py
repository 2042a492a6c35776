"""An instance is a machine: an address that answers, processes that die with it, status checks that can fail."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from moto.core.responses import ActionResult
from moto.ec2.models import EC2Backend
from moto.ec2.models.instances import Instance
from moto.ec2.responses.elastic_block_store import ElasticBlockStore
from moto.ec2.utils import filter_dict_attribute_mapping

from ropeway.local.instances.fleet import FLEET, SUPPORTED
from ropeway.local.patches.patch import around

STATUS_FILTERS = {"instance-status.status": "instance_status", "system-status.status": "system_status"}


def _addressed(instance: Instance) -> None:
    """The address of the machine is the one that DescribeInstances shows, privately and publicly: nothing leaves this machine."""
    host, interface = FLEET.get(instance.id), instance.nics[0]
    if not host:
        return
    interface.private_ip_address = host.address
    interface.private_ip_addresses[0]["PrivateIpAddress"] = host.address
    if interface.public_ip:
        interface.public_ip = host.address


def _checked(instance: Instance) -> dict[str, Any]:
    """EC2 user guide, "Status checks for your instances"."""
    if not instance.is_running():
        return {"Status": "not-applicable"}
    host = FLEET.get(instance.id)
    status = host.status if host else "ok"
    reached = {"ok": "passed", "impaired": "failed"}.get(status, status)
    return {"Status": status, "Details": [{"Name": "reachability", "Status": reached}]}


def _values(filters: Sequence[dict[str, Any]], name: str) -> Sequence[str] | None:
    return next((given["values"] for given in filters if given["name"] == name), None)


def _volume_statuses(request: ElasticBlockStore) -> ActionResult:
    """EC2 API reference, DescribeVolumeStatus. All volumes are well."""
    volumes = request.ec2_backend.describe_volumes(volume_ids=request._get_param("VolumeIds", []))  # noqa: SLF001
    well = {"Status": "ok", "Details": [{"Name": "io-enabled", "Status": "passed"}]}
    told = [{"VolumeId": v.id, "AvailabilityZone": v.zone.name, "VolumeStatus": well} for v in volumes]
    return ActionResult({"VolumeStatuses": told})


def mend() -> None:
    Instance.instance_status = property(_checked)
    Instance.system_status = property(_checked)

    @around(EC2Backend, "describe_instance_status")
    def described(original: Any, ec2: EC2Backend, ids: list[str], every: bool, filters: Any) -> list[Instance]:
        """Moto takes the filters of DescribeInstances and lets these two pass."""
        others = [given for given in filters or () if given["name"] not in STATUS_FILTERS]
        found = original(ec2, ids, every, others)
        for name, attribute in STATUS_FILTERS.items():
            values = _values(filters or (), name)
            found = [i for i in found if values is None or getattr(i, attribute)["Status"] in values]
        return list(found)

    ElasticBlockStore.describe_volume_status = _volume_statuses
    filter_dict_attribute_mapping["network-interface.addresses.private-ip-address"] = "private_ip"

    if SUPPORTED:
        _mend_machines()


def _mend_machines() -> None:
    @around(Instance, "__init__")
    def made(original: Any, instance: Instance, *args: Any, **kwargs: Any) -> None:
        original(instance, *args, **kwargs)
        FLEET.add(instance, FLEET.addresses.take())
        _addressed(instance)

    @around(Instance, "start")
    def started(original: Any, instance: Instance) -> Any:
        before = original(instance)
        _addressed(instance)
        return before

    for name, then in {"stop": FLEET.power_off, "reboot": FLEET.power_off, "terminate": FLEET.destroy}.items():

        @around(Instance, name)
        def ended(original: Any, instance: Instance, then: Any = then) -> Any:
            before = original(instance)
            if host := FLEET.get(instance.id):
                then(host)
            return before
