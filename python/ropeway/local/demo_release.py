"""The demo's second act: a site is released, released again and taken back. After each step every page and asset is asked of the website."""

from __future__ import annotations

import gzip
import http.client
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

from ropeway.errors import IntegrityError
from ropeway.local.season import SUMMER, WINTER, build
from ropeway.local.stage import BUCKET, Stage, Texts, do
from ropeway.outcome import counted, in_units
from ropeway.tasks.s3_deploy import ROLLBACK, TASK

FIRST: Texts = {
    "source_folder": "summer",
    "bucket_name": BUCKET,
    "release_id": "summer",
    "protected": "site/**",
    "website": "true",
    "error_document": "404.html",
    "public_read": "true",
    "versioning": "true",
}
SECOND: Texts = {"source_folder": "winter", "bucket_name": BUCKET, "release_id": "winter", "protected": "site/**"}
BACK: Texts = {"bucket_name": BUCKET}


def perform(stage: Stage) -> None:
    """Raises what a step raises, and IntegrityError when the website shows something else."""
    build(SUMMER, Path("summer"))
    build(WINTER, Path("winter"))

    stage.head(
        "6. A site is released",
        "What a bundler has built becomes the whole site, served by the bucket; what lies there already is protected.",
    )
    do(stage, TASK, FIRST)
    _visit(stage, "summer")

    stage.head(
        "7. The next release",
        "Fingerprinted assets first, pages after them: nobody sees a page without its assets. The old ones stay for pages that are open.",
    )
    do(stage, TASK, SECOND)
    _visit(stage, "winter")

    stage.head(
        "8. And back", "No build, no upload: the bucket has kept the versions that the release before was made of."
    )
    do(stage, ROLLBACK, BACK)
    _visit(stage, "summer")


# --- as a visitor sees it ------------------------------------------------------------------------------------------------------


def _visit(stage: Stage, folder: str) -> None:
    address = stage.aws.website(BUCKET)
    visited = dict(_expected(Path(folder)))
    for path, (status, body) in visited.items():
        seen = _get(address, path)
        if seen != (status, body):
            raise IntegrityError(
                f"{address}{path} does not show what is in {folder}: it answered {seen[0]}.",
                advice="This is a bug in Ropeway: please report it.",
            )
    total = in_units(sum(len(body) for _, body in visited.values()))
    told = f"A visitor sees {folder}: {counted(len(visited), 'path')} of {address}, {total}, every byte."
    stage.say(told, style="bold green")


def _expected(folder: Path) -> Iterator[tuple[str, tuple[int, bytes]]]:
    """Path -> status and body: of the first page, of each file, of the redirect, and of what is not there."""
    yield "/", (200, (folder / "index.html").read_bytes())
    for file in sorted(folder.rglob("*")):
        name = file.relative_to(folder).as_posix()
        if file.is_file() and name not in {"_redirects", "ropeway.yml"}:
            yield "/" + name.replace("timetable.html", "timetable"), (200, file.read_bytes())
    yield "/fahrplan", (301, b"/timetable")
    yield "/lake", (403, (folder / "404.html").read_bytes())  # 404 would tell who may not list that it is not there


def _get(address: str, path: str) -> tuple[int, bytes]:
    """Status, and the body as a browser unpacks it; of a redirect, where it leads."""
    with closing(http.client.HTTPConnection(urlsplit(address).netloc, timeout=30)) as connection:
        connection.request("GET", path, headers={"Accept-Encoding": "gzip"})
        answer = connection.getresponse()
        body = answer.read()
    if answer.headers.get("Content-Encoding") == "gzip":
        body = gzip.decompress(body)
    return answer.status, (answer.headers.get("Location") or "").encode() if answer.status == 301 else body
