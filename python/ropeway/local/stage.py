"""Where the demo takes place: what is printed before each step is the command that does the same, made from the very texts that the step is given."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.text import Text

from ropeway import inputs as reading
from ropeway import terminal
from ropeway.aws.session import Aws, connect
from ropeway.inputs import hyphens
from ropeway.local.embedded import EmbeddedAws
from ropeway.outcome import Outcome, Progress, Run, duration
from ropeway.sanitise import one_line
from ropeway.tasks.task import Task

BUCKET = "ropeway-demo"
PLACES = {"bucket_name", "source_folder", "target_folder"}

Texts = Mapping[str, str]


@dataclass(frozen=True)
class Stage:
    """Where the demo takes place: in the working directory, so that the commands are as short as they are written."""

    screen: Console
    aws: EmbeddedAws

    def say(self, *lines: str, style: str = "") -> None:
        for line in lines:
            self.screen.print(Text(line, style=style))

    def head(self, title: str, about: str) -> None:
        self.say("", title, style="bold yellow")
        self.say(about)


def do(stage: Stage, task: Task[Any, Any], texts: Texts, *, all_steps: bool = False) -> None:
    """Say the command, plan, say the plan, and do it. Raises the error that ended it."""
    stage.say("", f"$ {command(task, texts)}", "", style="bold cyan")
    run = Run(Told(stage))
    aws, given = session(stage, task, texts)
    plan = task.plan(given, aws, run)
    terminal.render_plan(stage.screen, plan, all_steps=all_steps)
    outcome: Outcome[Any] = task.apply(plan, aws, run)
    style = "bold red" if outcome.error else "bold green"
    stage.say("", f"{one_line(outcome.title)} in {duration(outcome.seconds)}", style=style)
    terminal.render_warnings(stage.screen, outcome.warnings)
    if outcome.error:
        raise outcome.error


def session(stage: Stage, task: Task[Any, Any], texts: Texts) -> tuple[Aws, Any]:
    """The step's own texts, with the AWS of this demo for AWS."""
    where = {"endpoint_url": stage.aws.endpoint_url, "region_name": stage.aws.region}
    given = reading.read(task.inputs, {**texts, **where}, hyphens)
    return connect(given, stage.aws.connection), given


@dataclass(frozen=True)
class Told:
    """What a task tells on the way; it is too quick here for progress."""

    stage: Stage

    def note(self, message: str) -> None:
        self.stage.say(one_line(message), style="dim")

    def progress(self, progress: Progress) -> None: ...


def command(task: Task[Any, Any], texts: Texts) -> str:
    """The command line that gives the task these texts."""
    placed = PLACES if "target_folder" in {item.field for item in reading.declared(task.inputs)} else set()
    words = ["ropeway", *task.command, *(_places(task, texts) if placed else ())]
    for field, text in texts.items():
        if field not in placed:
            words += (
                [hyphens(field)]
                if text == "true"
                else [word for line in text.splitlines() for word in (hyphens(field), line)]
            )
    return shlex.join(words)


def _places(task: Task[Any, Any], texts: Texts) -> tuple[str, ...]:
    source, target = texts.get("source_folder", ""), texts.get("target_folder", "")
    if task.command[-1] == "download":
        return f"s3://{texts['bucket_name']}/{source}", target
    there = f"s3://{texts['bucket_name']}" + (f"/{target}" if target else "")
    return (source, there) if source else (there,)
