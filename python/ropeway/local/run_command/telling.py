"""What SSM answers about commands and managed instances: shapes and limits of the API reference."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from moto.ssm.exceptions import SSMException

from ropeway.local.instances.fleet import Host
from ropeway.local.instances.settings import SETTINGS
from ropeway.local.run_command.command import Command
from ropeway.local.run_command.invocation import Invocation

PLUGIN = "aws:runShellScript"
LONGEST_STDOUT = 24_000
LONGEST_STDERR = 8_000
LONGEST_OF_BOTH = 2_500
"""Characters: GetCommandInvocation cuts each, ListCommandInvocations both together."""
CUT = "\n---Output truncated---"
CUT_ERROR = "\n---Error truncated----"
BETWEEN = "\n----------ERROR-------\n"

Shape = dict[str, Any]


def command(told: Command) -> Shape:
    status, details = told.state
    asked = told.asked
    return {
        "CommandId": told.command_id,
        "DocumentName": asked.document,
        "DocumentVersion": "$DEFAULT",
        "Comment": asked.comment,
        "ExpiresAfter": told.expires,
        "Parameters": asked.parameters,
        "InstanceIds": list(asked.instance_ids),
        "Targets": list(asked.targets),
        "RequestedDateTime": told.requested,
        "Status": status,
        "StatusDetails": details,
        "OutputS3Region": asked.output_region,
        "OutputS3BucketName": asked.output_bucket,
        "OutputS3KeyPrefix": asked.output_prefix,
        "MaxConcurrency": asked.max_concurrency,
        "MaxErrors": asked.max_errors,
        "TargetCount": len(told.invocations),
        "CompletedCount": told.completed,
        "ErrorCount": told.errors,
        "DeliveryTimedOutCount": told.undelivered,
        "ServiceRole": asked.service_role,
        "NotificationConfig": asked.notification,
        "CloudWatchOutputConfig": NO_LOGS,
        "TimeoutSeconds": asked.timeout,
    }


NO_LOGS = {"CloudWatchLogGroupName": "", "CloudWatchOutputEnabled": False}


def seen(told: Command) -> list[Invocation]:
    """SendCommand answers before its invocations can be found."""
    now = time.monotonic()
    return [invocation for invocation in told.invocations if now - invocation.sent >= SETTINGS.unseen]


def got(told: Command, invocation: Invocation) -> Shape:
    """GetCommandInvocation."""
    ended = not invocation.active
    return {
        "CommandId": told.command_id,
        "InstanceId": invocation.host.id,
        "Comment": told.asked.comment,
        "DocumentName": told.asked.document,
        "DocumentVersion": "$DEFAULT",
        "PluginName": PLUGIN,
        "ResponseCode": invocation.code,
        "ExecutionStartDateTime": _text(invocation.began),
        "ExecutionElapsedTime": _elapsed(invocation) if ended else "",
        "ExecutionEndDateTime": _text(invocation.ended) if invocation.began else "",
        "Status": invocation.status,
        "StatusDetails": invocation.details,
        "StandardOutputContent": cut(read(invocation.stdout, LONGEST_STDOUT), LONGEST_STDOUT, CUT) if ended else "",
        "StandardOutputUrl": url(told, invocation, "stdout"),
        "StandardErrorContent": cut(read(invocation.stderr, LONGEST_STDERR), LONGEST_STDERR, CUT_ERROR)
        if ended
        else "",
        "StandardErrorUrl": url(told, invocation, "stderr"),
        "CloudWatchOutputConfig": NO_LOGS,
    }


def listed(told: Command, invocation: Invocation, *, details: bool) -> Shape:
    """One of ListCommandInvocations."""
    return {
        "CommandId": told.command_id,
        "InstanceId": invocation.host.id,
        "InstanceName": "",
        "Comment": told.asked.comment,
        "DocumentName": told.asked.document,
        "DocumentVersion": "$DEFAULT",
        "RequestedDateTime": told.requested,
        "Status": invocation.status,
        "StatusDetails": invocation.details,
        "StandardOutputUrl": url(told, invocation, "stdout"),
        "StandardErrorUrl": url(told, invocation, "stderr"),
        "CommandPlugins": [_plugin(told, invocation)] if details else [],
        "ServiceRole": told.asked.service_role,
        "NotificationConfig": told.asked.notification,
        "CloudWatchOutputConfig": NO_LOGS,
    }


def _plugin(told: Command, invocation: Invocation) -> Shape:
    shape = {
        "Name": PLUGIN,
        "Status": invocation.status,
        "StatusDetails": invocation.details,
        "ResponseCode": invocation.code,
        "ResponseStartDateTime": invocation.began,
        "ResponseFinishDateTime": invocation.ended,
        "Output": "" if invocation.active else _both(invocation),
        "StandardOutputUrl": url(told, invocation, "stdout"),
        "StandardErrorUrl": url(told, invocation, "stderr"),
        "OutputS3Region": told.asked.output_region,
        "OutputS3BucketName": told.asked.output_bucket,
        "OutputS3KeyPrefix": told.asked.output_prefix,
    }
    return {name: value for name, value in shape.items() if value is not None}


def _both(invocation: Invocation) -> str:
    out, error = read(invocation.stdout, LONGEST_OF_BOTH), read(invocation.stderr, LONGEST_OF_BOTH)
    return cut(out + (BETWEEN + error if error else ""), LONGEST_OF_BOTH, CUT)


def read(path: Path | None, longest: int) -> str:
    """As much as is needed to know whether it is longer."""
    if path is None or not path.exists():
        return ""
    with path.open("rb") as file:
        return file.read(4 * longest + 4).decode("utf-8", "replace")[: longest + 1]


def cut(text: str, longest: int, mark: str) -> str:
    return text if len(text) <= longest else text[: longest - len(mark)] + mark


def key(told: Command, invocation: Invocation, stream: str) -> str:
    """Where the agent puts the whole output. (Systems Manager user guide, "Configuring Amazon S3 output".)"""
    prefix = f"{told.asked.output_prefix}/" if told.asked.output_prefix else ""
    return f"{prefix}{told.command_id}/{invocation.host.id}/awsrunShellScript/0.awsrunShellScript/{stream}"


def url(told: Command, invocation: Invocation, stream: str) -> str:
    asked = told.asked
    if not asked.output_bucket:
        return ""
    region = asked.output_region or invocation.host.instance.region_name
    return f"https://s3.{region}.amazonaws.com/{asked.output_bucket}/{key(told, invocation, stream)}"


def _text(when: datetime | None) -> str:
    return f"{when:%Y-%m-%dT%H:%M:%S}.{when.microsecond // 1000:03}Z" if when else ""


def _elapsed(invocation: Invocation) -> str:
    if not invocation.began or not invocation.ended:
        return ""
    return f"PT{(invocation.ended - invocation.began).total_seconds():.3f}S"


# --- managed instances ---------------------------------------------------------------------------------------------------

AGENT = "3.3.3050.0"


def information(host: Host) -> Shape:
    """One of DescribeInstanceInformation."""
    linux = host.platform == "Linux"
    return {
        "InstanceId": host.id,
        "PingStatus": host.ping,
        "LastPingDateTime": datetime.now(timezone.utc),
        "AgentVersion": AGENT,
        "IsLatestVersion": True,
        "PlatformType": host.platform,
        "PlatformName": "Amazon Linux" if linux else "Microsoft Windows Server 2022 Datacenter",
        "PlatformVersion": "2023" if linux else "10.0.20348",
        "ResourceType": "EC2Instance",
        "IPAddress": host.address,
        "ComputerName": str(host.instance.private_dns_name),
    }


def chosen(hosts: Sequence[Host], filters: Sequence[tuple[str, Sequence[str]]]) -> list[Shape]:
    return [information(host) for host in hosts if all(_passes(host, name, values) for name, values in filters)]


def _passes(host: Host, name: str, values: Sequence[str]) -> bool:
    told = information(host)
    named = {
        "InstanceIds": told["InstanceId"],
        "AgentVersion": told["AgentVersion"],
        "PingStatus": told["PingStatus"],
        "PlatformTypes": told["PlatformType"],
        "ResourceType": told["ResourceType"],
    }
    if name in named:
        return named[name] in values
    tags = {tag["key"]: tag["value"] for tag in host.instance.get_tags()}
    if name == "tag-key":
        return any(value in tags for value in values)
    if name.startswith("tag:"):
        return tags.get(name.removeprefix("tag:")) in values
    raise SSMException("InvalidFilterKey", f"The specified filter key {name} is not valid.")


def page(items: Sequence[Any], token: str | None, size: int) -> tuple[Sequence[Any], str | None]:
    """A page and the token of the next one. Raises SSMException for a token that is none of ours."""
    if token is not None and not token.isdigit():
        raise SSMException("InvalidNextToken", "The specified token isn't valid.")
    begin = int(token or 0)
    return items[begin : begin + size], str(begin + size) if begin + size < len(items) else None
