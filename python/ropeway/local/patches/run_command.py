"""SSM's Run Command runs."""

from __future__ import annotations

import json
from typing import Any

from moto.core.responses import ActionResult
from moto.s3.models import s3_backends
from moto.ssm.exceptions import SSMException
from moto.ssm.responses import SimpleSystemManagerResponse as Ssm

from ropeway.local.instances.fleet import FLEET
from ropeway.local.patches import profiles
from ropeway.local.run_command import sending, telling
from ropeway.local.run_command.command import Command
from ropeway.local.run_command.invocation import Invocation

Place = tuple[str, str]
"""An account and a region."""

COMMANDS: dict[Place, dict[str, Command]] = {}


def _end_all() -> None:
    for command in [command for commands in COMMANDS.values() for command in commands.values()]:
        command.end()
    COMMANDS.clear()


def _place(request: Ssm) -> Place:
    return request.current_account, request.region


def _here(request: Ssm) -> dict[str, Command]:
    return COMMANDS.setdefault(_place(request), {})


def _asked(request: Ssm) -> dict[str, Any]:
    return dict(json.loads(request.body or "{}"))


def send_command(request: Ssm) -> ActionResult:
    asked = sending.asked(_asked(request))
    command = Command(asked, sending.hosts(asked, *_place(request)), _bring_output)
    _here(request)[command.command_id] = command
    answer = telling.command(command)
    command.begin()
    return ActionResult({"Command": {**answer, "CompletedCount": 0, "ErrorCount": 0, "TargetCount": 0}})


def _bring_output(command: Command, invocation: Invocation) -> None:
    """Whole, and only what is not empty. A bucket that is not there is not the command's business."""
    bucket = command.asked.output_bucket
    where = s3_backends.bucket_accounts.get(bucket)
    if not where:
        return
    for stream, path in (("stdout", invocation.stdout), ("stderr", invocation.stderr)):
        if path and path.exists() and path.stat().st_size:
            partition, account = where
            key = telling.key(command, invocation, stream)
            s3_backends[account][partition].put_object(bucket, key, path.read_bytes())


def _find(request: Ssm, command_id: str) -> Command:
    if command_id not in _here(request):
        raise SSMException("InvalidCommandId", "The specified command ID isn't valid.")
    return _here(request)[command_id]


def cancel_command(request: Ssm) -> ActionResult:
    """A request: what runs is killed soon, what has ended stays as it is."""
    asked = _asked(request)
    command, ids = _find(request, asked["CommandId"]), asked.get("InstanceIds") or ()
    if unknown := set(ids) - set(command.instance_ids):
        raise SSMException("InvalidInstanceId", f"{', '.join(sorted(unknown))} is not among the command's instances.")
    command.cancel(ids)
    return ActionResult({})


def get_command_invocation(request: Ssm) -> ActionResult:
    asked = _asked(request)
    command = _here(request).get(asked["CommandId"])
    found = [i for i in telling.seen(command) if i.host.id == asked["InstanceId"]] if command else []
    if not command or not found:
        raise SSMException(
            "InvocationDoesNotExist",
            "The command ID and managed node ID you specified didn't match any invocations.",
        )
    if asked.get("PluginName", telling.PLUGIN) not in {telling.PLUGIN, "runShellScript"}:
        raise SSMException("InvalidPluginName", "The plugin name isn't valid.")
    return ActionResult(telling.got(command, found[0]))


def list_command_invocations(request: Ssm) -> ActionResult:
    asked = _asked(request)
    commands = [_find(request, asked["CommandId"])] if asked.get("CommandId") else list(_here(request).values())
    filters = {item["key"]: item["value"] for item in asked.get("Filters") or ()}
    told = [
        telling.listed(command, invocation, details=bool(asked.get("Details")))
        for command in commands
        for invocation in telling.seen(command)
        if asked.get("InstanceId") in {None, invocation.host.id} and filters.get("Status") in {None, invocation.status}
    ]
    return _page(asked, "CommandInvocations", told)


def list_commands(request: Ssm) -> ActionResult:
    asked = _asked(request)
    commands = [_find(request, asked["CommandId"])] if asked.get("CommandId") else list(_here(request).values())
    told = [telling.command(c) for c in commands if asked.get("InstanceId") in {None, *c.instance_ids}]
    filters = {item["key"]: item["value"] for item in asked.get("Filters") or ()}
    return _page(asked, "Commands", [shape for shape in told if filters.get("Status") in {None, shape["Status"]}])


def describe_instance_information(request: Ssm) -> ActionResult:
    asked = _asked(request)
    filters = [(item["Key"], item["Values"]) for item in asked.get("Filters") or ()]
    filters += [(item["key"], item["valueSet"]) for item in asked.get("InstanceInformationFilterList") or ()]
    hosts = [host for host in FLEET.of(*_place(request)) if host.managed]
    return _page(asked, "InstanceInformationList", telling.chosen(hosts, filters))


def _page(asked: dict[str, Any], name: str, items: list[Any]) -> ActionResult:
    size = asked.get("MaxResults") or 50
    items_here, token = telling.page(items, asked.get("NextToken"), min(size, 50))
    return ActionResult({name: items_here, **({"NextToken": token} if token else {})})


def mend() -> None:
    for method in (
        send_command,
        cancel_command,
        get_command_invocation,
        list_command_invocations,
        list_commands,
        describe_instance_information,
    ):
        setattr(Ssm, method.__name__, method)
    FLEET.is_known, FLEET.is_reached = profiles.is_known, profiles.is_reached
    FLEET.at_end.append(_end_all)
