"""`ropeway demo`: a small site goes up to an embedded AWS, comes back, is compared, and goes up again after a change. Then one is released, and taken back."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ropeway import terminal
from ropeway.errors import IntegrityError, RopewayError
from ropeway.local import demo_fleet, demo_release
from ropeway.local.embedded import require
from ropeway.local.stage import BUCKET, Stage, Texts, do, session
from ropeway.outcome import counted, in_units
from ropeway.registry import load_task
from ropeway.sanitise import one_line

PREFIX = "site"
SITE = Path(__file__).parent / "site"

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


def _perform(stage: Stage) -> None:
    stage.say("Ropeway deploys to AWS what an Azure pipeline has built.", style="bold")
    stage.say("This demo needs no account: an AWS of its own runs in this process, and is gone when it ends.")
    shutil.copytree(SITE, "site")

    stage.head("1. A site goes up", "HTML is asked for anew each time, everything else may be kept for an hour.")
    do(stage, load_task("s3_upload"), UPLOAD)

    stage.head(
        "2. What the bucket holds", "Content types and charsets come from the names, a checksum travels with each file."
    )
    _list(stage)

    stage.head("3. It comes back", "Each object becomes a file again; the prefix is left out.")
    do(stage, load_task("s3_download"), DOWNLOAD)

    stage.head("4. Is it the same?", "The two folders are compared byte for byte.")
    _compare(stage, Path("site"), Path("back"))

    stage.head(
        "5. It changes, and goes up again",
        "One page is edited, one is new, and style sheets may be kept for a minute only. The rest need not travel.",
    )
    change(Path("site"))
    do(stage, load_task("s3_upload"), UPLOAD_AGAIN, all_steps=True)

    demo_release.perform(stage)
    demo_fleet.perform(stage)

    stage.head("What next?", "The same commands with --local use an embedded AWS that stays until you stop it:")
    stage.say(
        "  ropeway s3 upload FOLDER s3://my-bucket --create-bucket --local --dry-run   say what would be done, and stop",
        "  ropeway local status                                                        what it holds",
        "  ropeway s3 deploy --help                                                    all that a release of a site can do",
        style="cyan",
    )
    stage.say("Without --local they work on AWS itself. docs/ tells how a pipeline does the same.")


# --- the steps -----------------------------------------------------------------------------------------------------------


def _list(stage: Stage) -> None:
    aws, _ = session(stage, load_task("s3_upload"), UPLOAD)
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


def change(site: Path) -> None:
    """Edit a page, and add one."""
    page = site / "index.html"
    page.write_text(page.read_text("utf-8").replace("every quarter of an hour", "every ten minutes"), "utf-8")
    news = (site / "high season" / "Gipfel-Café.html").read_text("utf-8").replace("Gipfel-Café", "News")
    (site / "news.html").write_text(news.replace("../", ""), "utf-8")


if __name__ == "__main__":
    sys.exit(main())
