"""EC2 instances run, are well, and keep their data where it outlives them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ropeway.aws.policy import IamAction
from ropeway.checks import settings
from ropeway.checks.asking import Asking
from ropeway.checks.finding import Finding, failed, judged, passed, together, unasked
from ropeway.checks.kind import Kind
from ropeway.checks.kinds.ssm_command import instance_id
from ropeway.checks.on_instances import INSTANCES, RUN_ACTIONS, run, tagged
from ropeway.checks.settings import Settings
from ropeway.checks.storage import LOSES, lies_on
from ropeway.outcome import counted

STATUS = "ec2:DescribeInstanceStatus"
VOLUMES = "ec2:DescribeVolumes"
VOLUME_STATUS = "ec2:DescribeVolumeStatus"

LIES_ON = ("ebs", "efs", "instance-store")

WHERE = r"""
for path in {paths}; do
  line=$(findmnt -n -o SOURCE,FSTYPE,OPTIONS -T "$path" 2>/dev/null | head -n 1)
  device=$(printf '%s' "$line" | cut -d' ' -f1)
  disk=$(lsblk -n -d -o PKNAME "$device" 2>/dev/null | head -n 1)
  name=${{disk:-$(basename "$device")}}
  model=$(cat "/sys/block/$name/device/model" 2>/dev/null)
  [ -e "$path" ] || line="absent"
  printf '%s\t%s\t%s\n' "$path" "$line" "$model"
done
"""
"""Prints for each path: what it is mounted from, the kind of its file system, and the model of its disk."""


@dataclass(frozen=True, kw_only=True)
class VolumeRule(Settings):
    device: str = settings.text(
        "The device name of the attachment, as `/dev/sdf`. `root` is the root volume.", required=True
    )
    encrypted: bool | None = settings.flag("Whether it must be encrypted. Not said: it does not matter.", default=None)
    min_gib: int = settings.whole("How large it must be at least, in GiB.", default=0)
    kept: bool | None = settings.flag("Whether it must outlive the instance (`DeleteOnTermination` off).", default=None)


@dataclass(frozen=True, kw_only=True)
class MountRule(Settings):
    path: str = settings.text("The folder on the instance.", required=True)
    storage: str = settings.choice(
        "What it must lie on. An instance store loses its data when the instance stops; EBS and EFS keep it.",
        choices=LIES_ON,
    )
    file_system: str = settings.text("The id of the EFS file system, as `fs-0123456789abcdef0`.")

    def problems(self) -> Iterator[str]:
        if not self.storage:
            yield f"storage is required: one of {', '.join(LIES_ON)}."
        if self.file_system and self.storage != "efs":
            yield "fileSystem goes with storage: efs."
        if not self.path.startswith("/") or any(mark in self.path for mark in "'\n\t"):
            yield f"path is {self.path!r}; write an absolute path."


@dataclass(frozen=True, kw_only=True)
class Ec2InstanceSettings(Settings):
    instances: tuple[str, ...] = settings.texts("Ids of the instances.", check=instance_id)
    tags: dict[str, str] = settings.mapping(
        "In place of ids: tags that running instances must have, all of them. `*` stands for anything."
    )
    min_instances: int = settings.whole(
        "How many running instances the tags must find at least.", at_least=1, default=1
    )
    volumes: tuple[VolumeRule, ...] = settings.records(VolumeRule, "EBS volumes that must be attached and well.")
    mounts: tuple[MountRule, ...] = settings.records(
        MountRule, "Folders and what they must lie on. It is looked up on the instance, by SSM."
    )

    def problems(self) -> Iterator[str]:
        if bool(self.instances) == bool(self.tags):
            yield "set either instances or tags."


def ask(given: Ec2InstanceSettings, asking: Asking) -> Finding:
    ids = [asking.target] if given.instances else tagged(asking, given.tags)
    if len(ids) < given.min_instances and not given.instances:
        expected = f"at least {counted(given.min_instances, 'running instance')}"
        return failed(expected, counted(len(ids), "instance"), advice="Check the tags, and whether they run.")
    states = together(*(_judge_state(instance) for instance in _described(asking, ids)))
    if states.verdict != "pass":
        return states
    return together(_judge_checks(asking, ids), *_judge_volumes(given, asking, ids), *_judge_mounts(given, asking, ids))


def _described(asking: Asking, ids: Sequence[str]) -> list[dict[str, Any]]:
    reservations = asking.pages(
        "ec2",
        "describe_instances",
        "Reservations",
        doing=f"look at {', '.join(ids)}",
        action=INSTANCES,
        InstanceIds=list(ids),
    )
    return [instance for reservation in reservations for instance in reservation["Instances"]]


def _judge_state(instance: Mapping[str, Any]) -> Finding:
    state = instance["State"]["Name"]
    why = instance.get("StateReason", {}).get("Message", "") or instance.get("StateTransitionReason", "")
    got = f"{instance['InstanceId']} {state}{f' ({why})' if why and state != 'running' else ''}"
    return judged(state == "running", "a running instance", got, advice="Start it, or take it out of the fleet.")


# --- status checks -----------------------------------------------------------------------------------------------------------


def _judge_checks(asking: Asking, ids: Sequence[str]) -> Finding:
    told = asking.pages(
        "ec2",
        "describe_instance_status",
        "InstanceStatuses",
        doing=f"read the status checks of {', '.join(ids)}",
        action=STATUS,
        InstanceIds=list(ids),
    )
    if silent := sorted(set(ids) - {status["InstanceId"] for status in told}):
        return unasked(
            "status checks", f"none of {', '.join(silent)}", advice="Just started, or just stopped: ask again."
        )
    return together(*(_judge_status(status) for status in told))


def _judge_status(status: Mapping[str, Any]) -> Finding:
    """Of the machine (`instance`), of what it stands on (`system`), and of its volumes where AWS says so (`EBS`)."""
    checks = {"instance": status["InstanceStatus"], "system": status["SystemStatus"]}
    if attached := status.get("AttachedEbsStatus"):
        checks["EBS"] = attached
    unwell = {name: check["Status"] for name, check in checks.items() if check["Status"] not in _WELL}
    events = tuple(
        f"AWS has planned {event['Code']}: {event.get('Description', '')}" for event in status.get("Events", ())
    )
    id, expected = status["InstanceId"], "status checks ok"
    if not unwell:
        return passed(expected, f"{id} ok", details=events)
    got = f"{id}: {', '.join(f'{name} {state}' for name, state in unwell.items())}"
    advice = next(_ADVICE[state] for state in ("impaired", *_ADVICE) if state in unwell.values() or state == "")
    return failed(expected, got, advice=advice, details=events)


_WELL = {"ok", "not-applicable"}
_ADVICE = {
    "impaired": "See the instance's system log; a system check that fails is AWS's: stop and start it elsewhere.",
    "initializing": "The checks are not over: give it more time.",
    "insufficient-data": "The checks are not over: give it more time.",
    "": "See the status checks in EC2.",
}


# --- volumes -----------------------------------------------------------------------------------------------------------------


def _judge_volumes(given: Ec2InstanceSettings, asking: Asking, ids: Sequence[str]) -> Iterator[Finding]:
    if not given.volumes:
        return
    for instance in _described(asking, ids):
        for rule in given.volumes:
            yield _judge_volume(rule, instance, asking)


def _judge_volume(rule: VolumeRule, instance: Mapping[str, Any], asking: Asking) -> Finding:
    device = instance.get("RootDeviceName", "") if rule.device == "root" else rule.device
    found = [mapping for mapping in instance.get("BlockDeviceMappings", ()) if mapping["DeviceName"] == device]
    where = f"{device} of {instance['InstanceId']}"
    if not found:
        has = ", ".join(mapping["DeviceName"] for mapping in instance.get("BlockDeviceMappings", ()))
        return failed(f"a volume at {where}", "none", advice=f"Attach it. The instance has {has or 'no EBS volumes'}.")
    ebs = found[0]["Ebs"]
    volume = asking.call(
        "ec2", "describe_volumes", doing=f"look at {where}", action=VOLUMES, VolumeIds=[ebs["VolumeId"]]
    )["Volumes"][0]
    return together(*_questions(rule, where, ebs, volume), _judge_volume_status(asking, where, ebs["VolumeId"]))


def _questions(rule: VolumeRule, where: str, ebs: Mapping[str, Any], volume: Mapping[str, Any]) -> Iterator[Finding]:
    state = ebs.get("Status", "")
    yield judged(state == "attached", f"{where} attached", state, advice="Wait until it is attached.")
    if rule.min_gib:
        got = f"{where} of {volume['Size']} GiB"
        yield judged(volume["Size"] >= rule.min_gib, f"{rule.min_gib} GiB", got, advice="Make the volume larger.")
    if rule.encrypted is not None:
        yield _yes_or_no(rule.encrypted, volume.get("Encrypted", False), where, "encrypted", "not encrypted")
    if rule.kept is not None:
        stays = not ebs.get("DeleteOnTermination", False)
        yield _yes_or_no(rule.kept, stays, where, "kept at termination", "deleted at termination")


def _yes_or_no(wanted: bool, is_so: bool, where: str, yes: str, no: str) -> Finding:
    return judged(wanted == is_so, yes if wanted else no, f"{where} {yes if is_so else no}")


def _judge_volume_status(asking: Asking, where: str, volume_id: str) -> Finding:
    told = asking.call(
        "ec2",
        "describe_volume_status",
        doing=f"read the status of {where}",
        action=VOLUME_STATUS,
        VolumeIds=[volume_id],
    )["VolumeStatuses"]
    state = told[0]["VolumeStatus"]["Status"] if told else "insufficient-data"
    if state == "insufficient-data":  # the checks of a new volume are not over; nothing is known to be wrong
        return passed("a volume that is ok", f"{where} not checked yet")
    return judged(state == "ok", "a volume that is ok", f"{where} {state}", advice="See the volume's status in EC2.")


# --- mounts ------------------------------------------------------------------------------------------------------------------


def _judge_mounts(given: Ec2InstanceSettings, asking: Asking, ids: Sequence[str]) -> Iterator[Finding]:
    if not given.mounts:
        return
    paths = " ".join(f"'{mount.path}'" for mount in given.mounts)
    for ran in run(asking, ids, WHERE.format(paths=paths).strip()):
        if not ran.ended or ran.code:
            advice = "See whether the instance is reached by SSM, and has findmnt and lsblk."
            yield unasked("to see the mounts", f"{ran.state} on {ran.target}", advice=advice)
            continue
        told = dict(line.split("\t", 1) for line in ran.stdout.splitlines() if "\t" in line)
        yield from (_judge_mount(mount, told.get(mount.path, ""), ran.target) for mount in given.mounts)


def _judge_mount(mount: MountRule, told: str, instance: str) -> Finding:
    line, _, model = told.partition("\t")
    where, expected = f"{mount.path} on {instance}", f"{mount.path} on {mount.storage}"
    if line == "absent":
        return failed(expected, f"no {where}", advice="Mount it, and put it into /etc/fstab.")
    kind = lies_on(line, model)
    advice = "See what is mounted there, and /etc/fstab."
    if kind != mount.storage:
        return failed(
            expected, f"{where}: {kind}", advice=LOSES if kind == "instance-store" else advice, details=(line,)
        )
    if mount.file_system and mount.file_system not in line:
        return failed(f"{expected} {mount.file_system}", f"{where}: {line.split(' ')[0]}", advice=advice)
    return passed(expected, f"{where}: {kind}", details=(line,))


KIND = Kind(
    name="ec2-instance",
    title="EC2 instance",
    help="Instances run, pass their status checks, have their volumes, and their folders lie on what keeps the data.",
    settings=Ec2InstanceSettings,
    subject=lambda given, target: f"{target or ', '.join(f'{k}={v}' for k, v in given.tags.items())} runs and is well",
    targets=lambda given: given.instances or ("",),
    ask=ask,
    actions=(
        IamAction(INSTANCES, "*"),
        IamAction(STATUS, "*"),
        IamAction(VOLUMES, "*", "for `volumes`"),
        IamAction(VOLUME_STATUS, "*", "for `volumes`"),
        *(IamAction(needed.action, needed.resource, "for `mounts`") for needed in RUN_ACTIONS),
    ),
    services=("ec2", "ssm"),
    example="""\
tags: {app: shop}
minInstances: 2
volumes: [{device: root, encrypted: true}]
mounts: [{path: /var/lib/shop, storage: ebs}]
""",
)
