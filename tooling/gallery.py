"""`python -m tooling.gallery`: the screenshots of summaries in docs/images and images, of real runs on an embedded AWS. It needs chromium and its driver."""

from __future__ import annotations

import http.server
import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from markdown_it import MarkdownIt
from rich.console import Console
from selenium.webdriver import Chrome, ChromeOptions, ChromeService
from selenium.webdriver.common.by import By

from ropeway.azure.summary import summary
from ropeway.local import demo, demo_fleet
from ropeway.local.server import embedded
from ropeway.local.stage import BUCKET, Stage, Texts, Told, session
from ropeway.outcome import Run
from ropeway.registry import load_task
from tooling.pictures import IMAGES

LISTING = IMAGES.parents[1] / "images"
"""What the Marketplace shows (overview.md)."""
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--hide-scrollbars",
    "--no-proxy-server",
    "--disable-background-networking",
)
STYLE = """body { margin: 0; font: 14px system-ui, "DejaVu Sans", sans-serif; color: #1b1b1b; background: #fff }
main { padding: 6px 18px 10px; width: 1100px } h2 { font-size: 20px } h3 { font-size: 16px }
table { border-collapse: collapse } th, td { border: 1px solid #d0d0d0; padding: 5px 10px; text-align: left } th { background: #f4f4f4 }
td:last-child { overflow-wrap: anywhere }
pre { background: #f6f6f6; padding: 8px; white-space: pre-wrap }"""
SUITE = """within: 5s
checks:
  home page:
    http: {url: 'URL', status: 200, body: Winter at the Hörnli}
  port:
    tcp: {address: 'ADDRESS'}
  old port is closed:
    tcp: {address: 'ADDRESS', open: false}
    severity: warning
"""


def main() -> int:
    with embedded() as aws, TemporaryDirectory(prefix="ropeway-gallery-") as folder, _inside(folder, aws.endpoint_url):
        stage = Stage(Console(file=StringIO()), aws)
        aws_of_bucket, _ = session(stage, load_task("s3_upload"), {"bucket_name": BUCKET, "source_folder": "."})
        aws_of_bucket.client("s3").create_bucket(Bucket=BUCKET)
        pictures = (
            (IMAGES / "fleet-summary.png", _fleet(stage)),
            (IMAGES / "check-summary.png", _checks(stage)),
            (LISTING / "summary.png", _upload(stage)),
        )
        for place, markdown in pictures:
            _picture(markdown, place, Path(folder, f"{place.stem}.html"))
    return 0


def _fleet(stage: Stage) -> str:
    """A release that one of three instances does not take: all go back."""
    hosts = demo_fleet.fleet(stage.aws)
    demo_fleet.build(Path(), hosts)
    said = [
        _run(stage, "ec2_deploy", demo_fleet.texts(version, batches))
        for version, batches in (("v1", "100%"), ("v3", "1"))
    ]
    return said[-1]


def _checks(stage: Stage) -> str:
    """A page that is still the old one."""
    with _served(b"<h1>Summer at the H\xc3\xb6rnli</h1>") as address:
        suite = SUITE.replace("URL", f"http://{address}/").replace("ADDRESS", address)
        return _run(stage, "check", {"suite": suite})


def _upload(stage: Stage) -> str:
    """The second upload of the demo, of a site of which most is there already."""
    shutil.copytree(demo.SITE, "site")
    _run(stage, "s3_upload", demo.UPLOAD)
    demo.change(Path("site"))
    return _run(stage, "s3_upload", demo.UPLOAD_AGAIN)


def _run(stage: Stage, module: str, texts: Texts) -> str:
    task, run = load_task(module), Run(Told(stage))
    aws, given = session(stage, task, texts)
    plan: Any = task.plan(given, aws, run)
    return summary(plan, task.apply(plan, aws, run))


@contextmanager
def _inside(folder: str, endpoint: str) -> Iterator[None]:
    before = Path.cwd()
    os.environ["AWS_ENDPOINT_URL"] = endpoint
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)
        del os.environ["AWS_ENDPOINT_URL"]


@contextmanager
def _served(page: bytes) -> Iterator[str]:
    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write(page)

        def log_message(self, *_: object) -> None: ...

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()


def _picture(markdown: str, place: Path, page: Path) -> None:
    body = MarkdownIt("commonmark").enable("table").render(markdown)
    page.write_text(f"<!doctype html><meta charset=utf-8><style>{STYLE}</style><main>{body}</main>", encoding="utf-8")
    options = ChromeOptions()
    options.binary_location = shutil.which("chromium") or ""
    for flag in (*FLAGS, f"--user-data-dir={page}.profile"):
        options.add_argument(flag)
    browser = Chrome(options, ChromeService(shutil.which("chromedriver")))
    try:
        browser.set_window_size(1160, 1600)
        browser.get(page.as_uri())
        place.write_bytes(browser.find_element(By.TAG_NAME, "main").screenshot_as_png)
    finally:
        browser.quit()


if __name__ == "__main__":
    raise SystemExit(main())
