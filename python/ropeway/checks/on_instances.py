"""Commands on EC2 instances, by SSM Run Command, as the kinds run them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

from ropeway.aws.run_command.line import Line
from ropeway.aws.run_command.model import HostRun, Pace, Script, Terms
from ropeway.aws.run_command.running import ACTIONS
from ropeway.aws.run_command.running import run as run_by_ssm
from ropeway.aws.run_command.states import OVERDUE
from ropeway.checks.asking import Asking
from ropeway.errors import NetworkError

RUN_ACTIONS = ACTIONS
INSTANCES = "ec2:DescribeInstances"

CUT_AT = 24_000
"""Characters of an output that GetCommandInvocation tells (API reference)."""

LATER = 5
"""Seconds that SSM has beyond ours to end a script: so that it is we who say what was waited for."""

PACE = Pace(pauses=(0.2, 0.3, 0.5, 1.0))


def run(asking: Asking, instances: Sequence[str], text: str, folder: str = "", document: str = "") -> Iterator[HostRun]:
    """On all of them at the same time. What is not over when the attempt is, is cancelled, and NetworkError raised."""
    seconds = max(math.ceil(asking.left), 1)
    script = Script(text, seconds + LATER, folder, document or Script.document)
    terms = Terms(delivery=seconds, overall=asking.left, comment="Ropeway check", pace=PACE)
    line = Line(asking.world.aws)
    cancellation = asking.world.cancellation
    try:
        runs = run_by_ssm(asking.world.aws, instances, script, terms=terms, cancellation=cancellation, line=line)
    finally:
        asking.request_ids.extend(line.request_ids)
    cancellation.check()
    for ran in runs:
        if ran.state == OVERDUE:
            raise NetworkError(f"The command on {ran.target} did not end in time. {ran.note}", advice=ran.advice)
        yield ran


def tagged(asking: Asking, tags: Mapping[str, str]) -> list[str]:
    """The ids of the running instances that have all these tags; `*` and `?` in a value stand for anything (EC2 filters)."""
    filters = [{"Name": f"tag:{name}", "Values": [value]} for name, value in tags.items()]
    reservations = asking.pages(
        "ec2",
        "describe_instances",
        "Reservations",
        doing="find the instances",
        action=INSTANCES,
        Filters=[*filters, {"Name": "instance-state-name", "Values": ["running"]}],
    )
    return sorted(instance["InstanceId"] for reservation in reservations for instance in reservation["Instances"])
