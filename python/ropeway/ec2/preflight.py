"""The targets before anything changes: each is asked whether it can take a release, and which one it has.

All that is found is told, of all targets, so that it is mended at once. Nothing is written, here or there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ropeway.aws.policy import IamAction
from ropeway.aws.run_command.model import HostRun, Script
from ropeway.aws.session import Aws
from ropeway.checks.storage import lies_on
from ropeway.ec2.model import Found, HostReport, Target
from ropeway.ec2.reading import call, pages, portions
from ropeway.ec2.transport import Transport
from ropeway.outcome import Run, in_units

STATUS = "ec2:DescribeInstanceStatus"
INFORMATION = "ssm:DescribeInstanceInformation"

ACTIONS = (IamAction(STATUS, "*"), IamAction(INFORMATION, "*"))

MOST_STATUSES = 100
"""Instance ids of one DescribeInstanceStatus (EC2 API reference)."""

MOST_AGENTS = 50
"""Managed nodes of one answer (SSM API reference, DescribeInstanceInformation)."""

Told = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Question:
    """What every host is asked: a script that changes nothing, and how its answer is read (None: it is none).

    `folder` is where releases will lie, `needed` the bytes that must be free there: but for a host that has this `content` as `release`.
    """

    script: Script
    read: Callable[[HostRun], HostReport | None]
    folder: str
    needed: int = 0
    release: str = ""
    content: str = ""


@dataclass
class _Looked:
    """What AWS says of a target: why it cannot be deployed to, and what to beware of."""

    problems: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def look(targets: Sequence[Target], question: Question, transport: Transport, aws: Aws, run: Run) -> tuple[Found, ...]:
    """One Found for each target, in their order.

    Raises RopewayError for what concerns all of them: no permission, no credentials, cancelled.
    """
    statuses, agents = _statuses(aws, targets), _agents(aws, targets)
    looked = {target.id: _looked(target, statuses, agents) for target in targets}
    ready = [target for target in targets if not looked[target.id].problems]
    runs = transport.run(question.script, ready, run) if ready else ()
    said = {told.target: told for told in runs}
    return tuple(_found(target, looked[target.id], said.get(target.id), question) for target in targets)


# --- what AWS says ---------------------------------------------------------------------------------------------------------


def _statuses(aws: Aws, targets: Sequence[Target]) -> Told:
    found: dict[str, Mapping[str, Any]] = {}
    for ids in portions([target.id for target in targets], MOST_STATUSES):
        answer = call(
            aws,
            "ec2",
            "describe_instance_status",
            doing="see whether the instances run",
            action=STATUS,
            InstanceIds=ids,
            IncludeAllInstances=True,
        )
        found |= {told["InstanceId"]: told for told in answer["InstanceStatuses"]}
    return found


def _agents(aws: Aws, targets: Sequence[Target]) -> Told:
    found: dict[str, Mapping[str, Any]] = {}
    for ids in portions([target.id for target in targets], MOST_AGENTS):
        listed = pages(
            aws,
            "ssm",
            "describe_instance_information",
            "InstanceInformationList",
            doing="see whether SSM's agents are online",
            action=INFORMATION,
            Filters=[{"Key": "InstanceIds", "Values": ids}],
            PaginationConfig={"PageSize": MOST_AGENTS},
        )
        found |= {told["InstanceId"]: told for told in listed}
    return found


def _looked(target: Target, statuses: Told, agents: Told) -> _Looked:
    status, agent, looked = statuses.get(target.id), agents.get(target.id), _Looked()
    state = status["InstanceState"]["Name"] if status else "unknown to EC2"
    if status is None or state != "running":
        looked.problems.append(f"It is {state}, and must be running.")
        return looked
    looked.problems += _impaired(status)
    looked.warnings += _unsure(status)
    looked.warnings += _planned(status)
    looked.problems += _unreachable(target, agent)
    return looked


def _checks(status: Mapping[str, Any]) -> dict[str, str]:
    named = {"instance": "InstanceStatus", "system": "SystemStatus", "EBS": "AttachedEbsStatus"}
    return {name: status[member]["Status"] for name, member in named.items() if status.get(member)}


def _impaired(status: Mapping[str, Any]) -> Iterator[str]:
    for name, state in _checks(status).items():
        if state == "impaired":
            yield f"Its {name} status check fails: see EC2, and its system log."


def _unsure(status: Mapping[str, Any]) -> Iterator[str]:
    for name, state in _checks(status).items():
        if state in {"initializing", "insufficient-data"}:
            yield f"Its {name} status check is not over ({state})."


def _planned(status: Mapping[str, Any]) -> Iterator[str]:
    """EC2 user guide, "Scheduled events for your instances": one that is over says so in its description."""
    for event in status.get("Events", ()):
        description = str(event.get("Description", ""))
        if not description.startswith(("[Completed]", "[Canceled]")):
            when = f" on {event['NotBefore']:%Y-%m-%d at %H:%M} UTC" if event.get("NotBefore") else ""
            yield f"AWS has planned {event['Code']} for it{when}: {description.rstrip('.')}."


def _unreachable(target: Target, agent: Mapping[str, Any] | None) -> Iterator[str]:
    if agent is None:
        yield (
            "SSM does not know it: it needs SSM's agent, an instance profile with what AmazonSSMManagedInstanceCore allows "
            "(ssm:UpdateInstanceInformation first of all), and a way to SSM's endpoints."
        )
        return
    platform = str(agent.get("PlatformType") or target.platform)
    if platform.lower() != "linux":
        yield f"It runs {platform}, and Ropeway deploys to Linux."
    if agent.get("PingStatus") != "Online":
        yield f"SSM's agent on it is not online: {_heard(agent)}."


def _heard(agent: Mapping[str, Any]) -> str:
    heard = agent.get("LastPingDateTime")
    when = f", last heard of on {heard:%Y-%m-%d at %H:%M} UTC" if heard else ""
    return f"{agent.get('PingStatus') or 'nothing is known'}{when} (agent {agent.get('AgentVersion') or 'unknown'})"


# --- what the host says ----------------------------------------------------------------------------------------------------


def _found(target: Target, looked: _Looked, ran: HostRun | None, question: Question) -> Found:
    found = Found(target, problems=tuple(looked.problems), warnings=tuple(looked.warnings))
    if ran is None:
        return found
    report = question.read(ran)
    if report is None or not ran.ok or not report.ok:
        return replace(found, problems=(*found.problems, _no_status(ran, report)))
    kind, volume = storage(report)
    return replace(
        found,
        report=report,
        problems=(*found.problems, *_too_full(report, question)),
        warnings=(*found.warnings, *_losing(kind, question), *_unmeasured(report, question)),
        volume=volume,
    )


def _no_status(ran: HostRun, report: HostReport | None) -> str:
    why = report.why if report and report.why else ran.why
    lines = [line for line in (ran.stderr or ran.stdout).splitlines() if line.strip()]
    printed = f" It printed: {lines[-1].strip()}" if lines and report is None and ran.ended else ""
    return f"Its state could not be read. {why} {ran.advice}".rstrip() + printed


def _too_full(report: HostReport, question: Question) -> Iterator[str]:
    there = report.find(question.release)
    if there and there.content == question.content:
        return  # nothing has to arrive, and who goes back because a disk is full must not be kept from it by that
    if 0 <= report.free < question.needed:
        yield f"{in_units(report.free)} are free where {question.folder} lies, and {in_units(question.needed)} are needed."


def _unmeasured(report: HostReport, question: Question) -> Iterator[str]:
    if report.free < 0:
        yield f"How much is free where {question.folder} lies could not be read there (df): nobody has seen that there is room."


def _losing(kind: str, question: Question) -> Iterator[str]:
    if kind == "instance-store":
        yield (
            f"{question.folder} lies on an instance store, which loses its data when the instance stops: EBS and EFS keep it."
        )
    if kind == "memory":
        yield f"{question.folder} lies in memory, which loses its data when the instance reboots: EBS and EFS keep it."


def storage(report: HostReport) -> tuple[str, str]:
    """What the folder lies on: ebs, efs, instance-store, memory, or empty; and the same in words."""
    model, _, serial = report.disk.partition("|")
    source, _, kind_of_files = report.mount.partition(" ")
    kind = "memory" if kind_of_files.strip() in {"tmpfs", "ramfs"} else lies_on(report.mount, model)
    if kind == "ebs":
        return kind, f"EBS volume {_volume_id(serial)}".rstrip()
    words = {"efs": f"EFS ({source})", "instance-store": "instance store", "memory": "memory"}
    return (kind, words[kind]) if kind in words else ("", "")


def _volume_id(serial: str) -> str:
    """An NVMe volume's serial number is its id without the hyphen. (EC2 user guide, "Identify NVMe volumes".)"""
    return serial.strip().replace("vol", "vol-", 1) if serial.strip().startswith("vol0") else ""
