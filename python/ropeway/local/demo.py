"""`ropeway demo`: a small site goes up to an embedded AWS, comes back, is compared, and goes up again after a change.

What is printed before each step is the command that does the same; it is made from the very texts that the step is given.
"""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ropeway import inputs as reading
from ropeway import terminal
from ropeway.aws.session import Aws, connect
from ropeway.errors import IntegrityError, RopewayError
from ropeway.inputs import hyphens
from ropeway.local.embedded import EmbeddedAws, require
from ropeway.outcome import Outcome, Progress, Run, counted, duration, in_units
from ropeway.registry import load_task
from ropeway.sanitise import one_line
from ropeway.tasks.task import Task

BUCKET = "ropeway-demo"
PREFIX = "site"
SITE = Path(__file__).parent / "site"

Texts = Mapping[str, str]

UPLOAD: Texts = {
    "source_folder": "site",
    "bucket_name": BUCKET,
    "target_folder": PREFIX,
    "create_bucket": "true",
    "cache_control": "**/*.html=no-cache\n**=max-age=3600",
}
DOWNLOAD: Texts = {
    "bucket_name": BUCKET,
    "source_folder": PREFIX,
    "target_folder": "back",
    "strip_prefix": "true",
}
UPLOAD_AGAIN: Texts = {
    "source_folder": "site",
    "bucket_name": BUCKET,
    "target_folder": PREFIX,
    "cache_control": "**/*.html=no-cache\n**/*.css=max-age=60\n**=max-age=3600",
    "skip_unchanged": "true",
}


def main(screen: Console | None = None) -> int:
    """Run it, print it, and answer the exit code: 0 only when every byte came back."""
    screen = screen or terminal.console()
    try:
        require()
        from ropeway.local.server import embedded  # noqa: PLC0415 - it needs moto, which may not be there

        with embedded() as aws, TemporaryDirectory(prefix="ropeway-demo-") as folder, _inside(folder):
            _perform(Stage(screen, aws))
    except RopewayError as error:
        terminal.render_error(screen, error)
        return error.exit_code
    return 0


@contextmanager
def _inside(folder: str) -> Iterator[None]:
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


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


def _perform(stage: Stage) -> None:
    stage.say("Ropeway carries what a pipeline built over to AWS.", style="bold")
    stage.say("This demo needs no account: an AWS of its own runs in this process, and is gone when it ends.")
    shutil.copytree(SITE, "site")

    stage.head("1. A site goes up", "HTML is asked for anew each time, everything else may be kept for an hour.")
    _do(stage, "s3_upload", UPLOAD)

    stage.head(
        "2. What the bucket holds", "Content types and charsets come from the names, a checksum travels with each file."
    )
    _list(stage)

    stage.head("3. It comes back", "Each object becomes a file again; the prefix is left out.")
    _do(stage, "s3_download", DOWNLOAD)

    stage.head("4. Is it the same?", "The two folders are compared byte for byte.")
    _compare(stage, Path("site"), Path("back"))

    stage.head(
        "5. It changes, and goes up again",
        "One page is edited, one is new, and style sheets may be kept for a minute only. The rest need not travel.",
    )
    _change(Path("site"))
    _do(stage, "s3_upload", UPLOAD_AGAIN, all_steps=True)

    stage.head("What next?", "The same commands with --local use an embedded AWS that stays until you stop it:")
    stage.say(
        "  ropeway s3 upload FOLDER s3://my-bucket --create-bucket --local --dry-run   say what would be done, and stop",
        "  ropeway local status                                                        what it holds",
        "  ropeway s3 upload --help                                                    all that an upload can do",
        style="cyan",
    )
    stage.say("Without --local they work on AWS itself. docs/ tells how a pipeline does the same.")


# --- the steps -----------------------------------------------------------------------------------------------------------


def _do(stage: Stage, module: str, texts: Texts, *, all_steps: bool = False) -> None:
    task = load_task(module)
    stage.say("", f"$ {command(task, texts)}", "", style="bold cyan")
    run = Run(Told(stage))
    aws, given = _session(stage, task, texts)
    plan = task.plan(given, aws, run)
    terminal.render_plan(stage.screen, plan, all_steps=all_steps)
    outcome: Outcome[Any] = task.apply(plan, aws, run)
    stage.say("", f"{one_line(outcome.title)} in {duration(outcome.seconds)}", style="bold green")
    terminal.render_warnings(stage.screen, outcome.warnings)
    if outcome.error:
        raise outcome.error


def _session(stage: Stage, task: Task[Any, Any], texts: Texts) -> tuple[Aws, Any]:
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
    there = f"s3://{BUCKET}/{PREFIX}"
    places = [texts["source_folder"], there] if task.command[-1] == "upload" else [there, texts["target_folder"]]
    words = ["ropeway", *task.command, *places]
    for field, text in texts.items():
        if field not in {"bucket_name", "source_folder", "target_folder"}:
            words += (
                [hyphens(field)]
                if text == "true"
                else [w for line in text.splitlines() for w in (hyphens(field), line)]
            )
    return shlex.join(words)


def _list(stage: Stage) -> None:
    aws, _ = _session(stage, load_task("s3_upload"), UPLOAD)
    s3 = aws.client("s3")
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for column in ("Key", "Size", "Content type", "Cache control"):
        table.add_column(column, justify="right" if column == "Size" else "left", overflow="fold")
    for found in s3.list_objects_v2(Bucket=BUCKET, Prefix=f"{PREFIX}/")["Contents"]:
        head = s3.head_object(Bucket=BUCKET, Key=found["Key"])
        shown = found["Key"], in_units(found["Size"]), head["ContentType"], head["CacheControl"]
        table.add_row(*(Text(one_line(text)) for text in shown))
    stage.say("")
    stage.screen.print(table)


def _compare(stage: Stage, sent: Path, received: Path) -> None:
    """Raises IntegrityError when a file is missing, is one too many, or holds other bytes."""
    before, after = _contents(sent), _contents(received)
    differ = sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))
    if differ:
        raise IntegrityError(
            f"Not what was sent: {', '.join(differ)}.", advice="This is a bug in Ropeway: please report it."
        )
    total = in_units(sum(len(content) for content in before.values()))
    stage.say("", f"The same: {counted(len(before), 'file')}, {total}, every byte.", style="bold green")


def _contents(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def _change(site: Path) -> None:
    page = site / "index.html"
    page.write_text(page.read_text("utf-8").replace("every quarter of an hour", "every ten minutes"), "utf-8")
    news = (site / "high season" / "Gipfel-Café.html").read_text("utf-8").replace("Gipfel-Café", "News")
    (site / "news.html").write_text(news.replace("../", ""), "utf-8")


if __name__ == "__main__":
    sys.exit(main())
