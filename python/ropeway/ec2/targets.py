"""Which instances are deployed to: found once, sorted, and pinned for the run."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ropeway.aws.policy import IamAction
from ropeway.aws.session import Aws
from ropeway.ec2.model import Target
from ropeway.ec2.reading import pages, portions
from ropeway.ec2.sources import GROUPS, TARGET_GROUPS, TARGET_HEALTH, Member, addresses_of, of_group, of_target_group
from ropeway.errors import TargetsMissing
from ropeway.outcome import Run, counted, listing

INSTANCES = "ec2:DescribeInstances"

ACTIONS = (
    IamAction(INSTANCES, "*"),
    IamAction(GROUPS, "*", "for targets of an Auto Scaling group"),
    IamAction(TARGET_GROUPS, "*", "for targets of a target group"),
    IamAction(TARGET_HEALTH, "*", "for targets of a target group"),
)

MOST_VALUES = 200
"""Values of the filters of one request (EC2 API reference, "Filtering")."""

PAGE = 500
"""Instances of one answer; AWS gives 1,000 at most."""

GONE = {"terminated", "shutting-down"}


@dataclass(frozen=True)
class Tag:
    """A tag that instances must have, with any of these values, or with whatever value. `*` and `?` stand for anything."""

    key: str
    values: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.key}={'|'.join(self.values)}" if self.values else self.key

    @property
    def filter(self) -> dict[str, Any]:
        if self.values:
            return {"Name": f"tag:{self.key}", "Values": list(self.values)}
        return {"Name": "tag-key", "Values": [self.key]}


def tags(lines: Iterable[str]) -> tuple[Tag, ...]:
    """`app=shop` and `app=web-*` on two lines: either will do. `app` alone: whatever its value is. Several keys: all of them."""
    values: dict[str, list[str]] = {}
    for line in lines:
        key, has_value, value = line.partition("=")
        values.setdefault(key.strip(), []).extend([value.strip()] if has_value else [])
    return tuple(Tag(key, tuple(given)) for key, given in values.items())


@dataclass(frozen=True)
class Selection:
    """What is asked for; where several are, an instance must be in each. A target group by name or ARN."""

    instances: tuple[str, ...] = ()
    tags: tuple[Tag, ...] = ()
    auto_scaling_group: str = ""
    target_group: str = ""
    min_targets: int = 1

    def problems(self) -> Iterator[str]:
        """What can be seen without asking AWS, a sentence each."""
        if not (self.instances or self.tags or self.auto_scaling_group or self.target_group):
            yield "Say which instances: by their ids, tags, an Auto Scaling group or a target group."
        for instance in self.instances:
            if not re.fullmatch(r"i-(?:[0-9a-f]{8}|[0-9a-f]{17})", instance):
                yield f"{instance!r} is no id of an EC2 instance, as i-0123456789abcdef0."
        yield from ("A tag has no key: write key or key=value." for tag in self.tags if not tag.key)

    def __str__(self) -> str:
        parts = [
            listing(self.instances, 3) if self.instances else "",
            f"tags {', '.join(map(str, self.tags))}" if self.tags else "",
            f"Auto Scaling group {self.auto_scaling_group}" if self.auto_scaling_group else "",
            f"target group {self.target_group}" if self.target_group else "",
        ]
        return " and ".join(filter(None, parts))


@dataclass(frozen=True)
class Chosen:
    """The targets, sorted by id, and why others that were meant are not among them."""

    targets: tuple[Target, ...]
    warnings: tuple[str, ...] = ()


@dataclass
class _Finding:
    """How far the search is. `sets` are the ids that each part of the selection allows, in words."""

    selection: Selection
    aws: Aws
    described: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    sets: dict[str, set[str]] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)


def resolve(selection: Selection, aws: Aws, run: Run) -> Chosen:
    """The instances that are meant and run; those that were named by id whether they run or not: the preflight tells.

    Raises TargetsMissing for ids, groups and target groups that there are not (all ids at once), and for fewer than `min_targets`.
    """
    finding = _Finding(selection, aws)
    _look_at_tags(finding)
    _look_at_groups(finding)
    _look_at_ids(finding)
    ids = set.intersection(*finding.sets.values())
    _say_who_fell_out(finding, ids)
    running = {id for id in ids if id in selection.instances or _state(finding.described.get(id)) == "running"}
    _say_who_does_not_run(finding, ids - running)
    targets = tuple(sorted(_target(finding.described[id]) for id in running))
    _check_number(finding, targets)
    run.tell.note(f"{counted(len(targets), 'target')} by {selection}: {listing([t.title for t in targets])}.")
    return Chosen(targets, tuple(finding.warnings))


def _look_at_tags(finding: _Finding) -> None:
    if wanted := finding.selection.tags:
        found = _described(finding.aws, [tag.filter for tag in wanted])
        finding.described |= found
        finding.sets[f"tagged {', '.join(map(str, wanted))}"] = set(found)


def _look_at_groups(finding: _Finding) -> None:
    asked, aws = finding.selection, finding.aws
    if asked.auto_scaling_group:
        _add(finding, f"in the Auto Scaling group {asked.auto_scaling_group}", of_group(aws, asked.auto_scaling_group))
    if asked.target_group:
        _add(finding, f"in the target group {asked.target_group}", of_target_group(aws, asked.target_group))


def _add(finding: _Finding, where: str, members: Sequence[Member]) -> None:
    finding.sets[where] = {member.id for member in members if not member.left_out}
    finding.warnings += [f"{member.id} is left out: {member.left_out}." for member in members if member.left_out]


def _look_at_ids(finding: _Finding) -> None:
    named = finding.selection.instances
    if named:
        finding.sets["named"] = set(named)
    not_seen = sorted(set().union(*finding.sets.values()) - finding.described.keys())
    for some in portions(not_seen, MOST_VALUES):
        finding.described |= _described(finding.aws, [{"Name": "instance-id", "Values": some}])
    missing = [id for id in named if _state(finding.described.get(id)) in {"", *GONE}]
    if missing:
        told = [f"{id} ({_state(finding.described.get(id)) or 'unknown'})" for id in missing]
        raise TargetsMissing(
            f"There is no such instance in {finding.aws.region}: {listing(told, 50)}.",
            advice="Check the ids, the region (regionName) and the account of the connection. Nothing was changed.",
        )


def _described(aws: Aws, filters: list[dict[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """Filters find nothing where ids would be an error that names the first few alone."""
    found = pages(
        aws,
        "ec2",
        "describe_instances",
        "Reservations",
        doing="find the instances",
        action=INSTANCES,
        Filters=filters,
        PaginationConfig={"PageSize": PAGE},
    )
    return {instance["InstanceId"]: instance for reservation in found for instance in reservation["Instances"]}


def _say_who_fell_out(finding: _Finding, ids: set[str]) -> None:
    """Of those that were named: whoever names an instance ought to know that it gets nothing."""
    for id in sorted(set(finding.selection.instances) - ids):
        where = [words for words, found in finding.sets.items() if id not in found]
        finding.warnings.append(f"{id} is left out: it is not {' nor '.join(where)}.")


def _say_who_does_not_run(finding: _Finding, ids: set[str]) -> None:
    """Whoever is terminated is out of all things; others come back without the release."""
    for id in sorted(ids):
        state = _state(finding.described.get(id))
        if state not in {"running", *GONE}:
            beware = " It will not have this release." if state else ""
            finding.warnings.append(f"{id} is left out: it is {state or 'not there any more'}.{beware}")


def _check_number(finding: _Finding, targets: Sequence[Target]) -> None:
    least = max(finding.selection.min_targets, 1)
    if len(targets) >= least:
        return
    found = counted(len(targets), "instance") if targets else "no instance"
    raise TargetsMissing(
        f"The selection ({finding.selection}) finds {found} in {finding.aws.region}, and at least {least} must be there."
        + "".join(f" {warning}" for warning in finding.warnings[:10]),
        advice="Check the selection, the region and the account, and whether they run; minTargets says how many there must be. "
        "Nothing was changed.",
    )


def _state(instance: Mapping[str, Any] | None) -> str:
    return str(instance["State"]["Name"]) if instance else ""


def _target(instance: Mapping[str, Any]) -> Target:
    named = {tag["Key"]: tag["Value"] for tag in instance.get("Tags", ())}
    return Target(
        id=instance["InstanceId"],
        name=named.get("Name", ""),
        zone=instance.get("Placement", {}).get("AvailabilityZone", ""),
        private_address=instance.get("PrivateIpAddress", ""),
        public_address=instance.get("PublicIpAddress", ""),
        platform="windows" if str(instance.get("Platform", "")).lower() == "windows" else "linux",
        addresses=tuple(sorted({*addresses_of(instance)} - {""})),
    )
