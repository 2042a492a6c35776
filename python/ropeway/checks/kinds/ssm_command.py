"""A command on EC2 instances ends well."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ropeway.aws.policy import IamAction
from ropeway.aws.run_command.model import HostRun
from ropeway.aws.run_command.watching import CUTS
from ropeway.checks import settings
from ropeway.checks.asking import Asking
from ropeway.checks.finding import Finding, failed, judged, together, unasked
from ropeway.checks.kind import Kind
from ropeway.checks.on_instances import CUT_AT, INSTANCES, RUN_ACTIONS, run, tagged
from ropeway.checks.rules import TextRule, judged_text
from ropeway.checks.settings import Settings
from ropeway.outcome import counted

LAST_LINES = 20
DOCUMENTS = {"sh": "AWS-RunShellScript", "powershell": "AWS-RunPowerShellScript"}


def instance_id(given: str) -> None:
    if not re.fullmatch(r"m?i-[0-9a-f]{8,17}", given):
        raise ValueError(f"is {given!r}; write the id of an instance, as i-0123456789abcdef0.")


def exit_code(given: str) -> int:
    if not re.fullmatch(r"\d{1,3}", given) or int(given) > 255:
        raise ValueError(f"is {given!r}, which is no exit code: write 0 to 255.")
    return int(given)


@dataclass(frozen=True, kw_only=True)
class SsmCommandSettings(Settings):
    command: str = settings.text(
        "What is run, one line or several. A first line `#!/bin/bash` asks for bash.", required=True
    )
    instances: tuple[str, ...] = settings.texts("Ids of the instances.", check=instance_id)
    tags: dict[str, str] = settings.mapping(
        "In place of ids: tags that running instances must have, all of them. `*` stands for anything."
    )
    min_instances: int = settings.whole("How many instances the tags must find at least.", at_least=1, default=1)
    shell: str = settings.choice("What runs it.", choices=DOCUMENTS, default="sh")
    folder: str = settings.text("The folder it starts in.")
    exit_codes: tuple[int, ...] = settings.parsed_many(
        "The exit codes that are good.",
        word="whole number",
        read=exit_code,
        schema={"type": "integer", "minimum": 0, "maximum": 255},
        default=(0,),
    )
    output: TextRule | None = settings.short(TextRule, "contains", "Texts that stand in its output, or rules for it.")

    def problems(self) -> Iterator[str]:
        if bool(self.instances) == bool(self.tags):
            yield "set either instances or tags."
        if not self.command.strip():
            yield "command is empty."


def ask(given: SsmCommandSettings, asking: Asking) -> Finding:
    instances = [asking.target] if given.instances else tagged(asking, given.tags)
    if not given.instances and len(instances) < given.min_instances:
        expected = f"at least {counted(given.min_instances, 'running instance')} with {_tags(given)}"
        return failed(expected, counted(len(instances), "instance"), advice="Check the tags, and whether they run.")
    runs = run(asking, instances, given.command, given.folder, DOCUMENTS[given.shell])
    return together(*(_judge(given, ran, asking, alone=len(instances) == 1) for ran in runs))


def _judge(given: SsmCommandSettings, ran: HostRun, asking: Asking, *, alone: bool) -> Finding:
    where = "" if alone else f" on {ran.target}"
    expected = f"exit code {' or '.join(map(str, given.exit_codes))}{where}"
    if not ran.ended:
        return unasked(expected, f"{ran.state}{where}", advice=ran.advice, details=_told(ran))
    code = judged(
        ran.code in given.exit_codes,
        expected,
        f"exit code {ran.code}{where}",
        advice="See what it printed.",
        details=_told(ran),
    )
    return (
        code if given.output is None or code.verdict != "pass" else together(code, _output(given.output, ran, asking))
    )


def _output(rule: TextRule, ran: HostRun, asking: Asking) -> Finding:
    printed = ran.stdout.rstrip("\n")
    finding = judged_text(rule, "output", printed or None if rule.absent else ran.stdout, asking)
    if (finding.verdict == "fail" or rule.excludes) and _is_cut(ran):
        got = ran.note or f"an output that SSM cut at {CUT_AT:,} characters"
        return unasked(finding.expected, got, advice="Let the command print less.")
    return finding


def _is_cut(ran: HostRun) -> bool:
    """Its output, and not only what it printed as errors. With a note, more than the beginning could not be read."""
    return ran.cut and (bool(ran.note) or len(ran.stdout) >= CUT_AT or any(sign in ran.stdout for sign in CUTS))


def _told(ran: HostRun) -> tuple[str, ...]:
    """The end of what it printed, where the reason of a failure stands."""
    return (*_last(ran.stderr, "stderr"), *_last(ran.stdout, "stdout"))


def _last(output: str, name: str) -> Sequence[str]:
    lines = output.splitlines()
    left_out = [f"{name}: {counted(len(lines) - LAST_LINES, 'line')} before"] if len(lines) > LAST_LINES else []
    return [*left_out, *(f"{name}: {line}" for line in lines[-LAST_LINES:])]


def _tags(given: SsmCommandSettings) -> str:
    return ", ".join(f"{name}={value}" for name, value in given.tags.items())


KIND = Kind(
    name="ssm-command",
    title="Command on instances",
    help="A command, run by SSM on EC2 instances, ends with a good exit code and prints what it should. An instance that is not reached is an error.",
    settings=SsmCommandSettings,
    subject=lambda given, target: f"`{given.command.splitlines()[0]}` on {target or _tags(given)}",
    targets=lambda given: given.instances or ("",),
    ask=ask,
    actions=(*RUN_ACTIONS, IamAction(INSTANCES, "*", "for instances that are found by tags")),
    services=("ec2", "ssm"),
    runs=True,
    example="tags: {app: shop}\ncommand: systemctl is-active shop\noutput: active",
)
