"""SendCommand's request, checked as SSM checks it, and the instances that it means. (API reference, SendCommand.)"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from moto.ssm.exceptions import SSMException

from ropeway.local.instances.fleet import FLEET, Host
from ropeway.local.run_command.command import Asked
from ropeway.local.run_command.invocation import Script

LARGEST = 64 * 1024
"""Bytes of a document with its parameters."""
DOCUMENT = "AWS-RunShellScript"
PLATFORM = "Linux"
PARAMETERS = {"commands", "workingDirectory", "executionTimeout"}
LIMITS = (
    # name, largest, what is measured, in words
    ("InstanceIds", 50, len, "length less than or equal to 50"),
    ("Targets", 5, len, "length less than or equal to 5"),
    ("Comment", 100, len, "length less than or equal to 100"),
    ("TimeoutSeconds", 2_592_000, int, "value less than or equal to 2592000"),
)
SHARE = re.compile(r"([1-9]\d*|[1-9]\d%|[1-9]%|100%)|0|0%")

Request = Mapping[str, Any]


def asked(request: Request) -> Asked:
    """Raises SSMException, as SSM words it."""
    _check(request)
    parameters = {name: list(values) for name, values in (request.get("Parameters") or {}).items()}
    return Asked(
        document=request["DocumentName"],
        script=_script(parameters),
        parameters=parameters,
        instance_ids=tuple(request.get("InstanceIds") or ()),
        targets=tuple(request.get("Targets") or ()),
        comment=request.get("Comment") or "",
        timeout=request.get("TimeoutSeconds") or 3600,
        max_concurrency=request.get("MaxConcurrency") or "50",
        max_errors=request.get("MaxErrors") or "0",
        output_bucket=request.get("OutputS3BucketName") or "",
        output_prefix=request.get("OutputS3KeyPrefix") or "",
        output_region=request.get("OutputS3Region") or "",
        service_role=request.get("ServiceRoleArn") or "",
        notification=request.get("NotificationConfig") or {},
    )


def _check(request: Request) -> None:
    for name, largest, measure, words in LIMITS:
        value = request.get(name)
        if value is not None and measure(value) > largest:
            raise _invalid(name, f"Member must have {words}")
    if (request.get("TimeoutSeconds") or 30) < 30:
        raise _invalid("TimeoutSeconds", "Member must have value greater than or equal to 30")
    for name in ("MaxConcurrency", "MaxErrors"):
        if request.get(name) and not SHARE.fullmatch(request[name]):
            raise _invalid(name, "Member must satisfy regular expression pattern")
    if bool(request.get("InstanceIds")) == bool(request.get("Targets")):
        raise SSMException("ValidationException", "Specify either InstanceIds or Targets.")
    _check_document(request)


def _invalid(name: str, why: str) -> SSMException:
    member = name[0].lower() + name[1:]
    return SSMException(
        "ValidationException", f"1 validation error detected: Value at '{member}' failed to satisfy constraint: {why}"
    )


def _check_document(request: Request) -> None:
    parameters: Mapping[str, Sequence[str]] = request.get("Parameters") or {}
    if request["DocumentName"] != DOCUMENT:
        raise SSMException("InvalidDocument", f"Document with name {request['DocumentName']} does not exist.")
    if unknown := sorted(parameters.keys() - PARAMETERS):
        raise SSMException("InvalidParameters", f"{', '.join(unknown)} is not a parameter of the document.")
    if not parameters.get("commands"):
        raise SSMException("InvalidParameters", "Parameter commands is required by the document.")
    if sum(len(line.encode()) for lines in parameters.values() for line in lines) > LARGEST:
        raise SSMException("MaxDocumentSizeExceeded", "The size limit of a document is 64 KB.")


def _script(parameters: Mapping[str, Sequence[str]]) -> Script:
    (seconds,) = parameters.get("executionTimeout") or ["3600"]
    if not re.fullmatch(r"[1-9]\d{0,5}", seconds) or int(seconds) > 172_800:
        raise SSMException("InvalidParameters", f"executionTimeout must be a number from 1 to 172800, not {seconds}.")
    (folder,) = parameters.get("workingDirectory") or [""]
    return Script(PLATFORM, "\n".join(parameters["commands"]) + "\n", folder, float(seconds))


# --- which instances -----------------------------------------------------------------------------------------------------


def hosts(asked: Asked, account: str, region: str) -> list[Host]:
    """Raises SSMException when an instance that is named cannot be sent a command."""
    managed = [host for host in FLEET.of(account, region) if host.managed]
    if asked.instance_ids:
        return _named(asked.instance_ids, managed, account)
    return [host for host in managed if all(_is_meant(host, target) for target in asked.targets)]


def _named(ids: Sequence[str], managed: Sequence[Host], account: str) -> list[Host]:
    if len(set(ids)) < len(ids):
        raise SSMException("DuplicateInstanceId", "You can't specify a managed node ID in more than one association.")
    by_id = {host.id: host for host in managed if host.running}
    if missing := [instance_id for instance_id in ids if instance_id not in by_id]:
        words = f"Instances [[{', '.join(missing)}]] not in a valid state for account {account}"
        raise SSMException("InvalidInstanceId", words)
    found = [by_id[instance_id] for instance_id in sorted(ids)]
    if others := [host.id for host in found if host.platform != PLATFORM]:
        words = f"The document doesn't support the platform type of the given managed node IDs: {', '.join(others)}."
        raise SSMException("UnsupportedPlatformType", words)
    return found


def _is_meant(host: Host, target: Mapping[str, Any]) -> bool:
    """Values are compared as they are: Run Command knows no wildcards."""
    key, values = target["Key"], target.get("Values", [])
    tags = {tag["key"]: tag["value"] for tag in host.instance.get_tags()}
    kinds: dict[str, Callable[[], bool]] = {
        "InstanceIds": lambda: host.id in values,
        "tag-key": lambda: any(value in tags for value in values),
    }
    if key in kinds:
        return kinds[key]()
    if not key.startswith("tag:"):
        raise SSMException("ValidationException", f"The embedded AWS knows no targets by {key}.")
    return tags.get(key.removeprefix("tag:")) in values
