"""`ropeway demo`: what a newcomer sees, and that it is true."""

from __future__ import annotations

import importlib.util
import shlex
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from ropeway.local import daemon, demo

TAMPERING = """
import sys
import sysconfig
from pathlib import Path
from ropeway.local import demo

do = demo._do

def tampered(stage, module, texts, **options):
    do(stage, module, texts, **options)
    if module == "s3_download":
        Path("back/style.css").write_text("other bytes")
        Path("back/images/cabin.svg").unlink()

demo._do = tampered
sys.exit(demo.main())
"""


ROPEWAY = str(Path(sysconfig.get_path("scripts")) / "ropeway")


def run(*command: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, encoding="utf-8", cwd=cwd, check=False)


@pytest.fixture(scope="module")
def shown(tmp_path_factory) -> str:
    """What the demo prints when all is well."""
    folder = tmp_path_factory.mktemp("demo")
    ended = run(sys.executable, "-X", "utf8", "-m", "ropeway.local.demo", cwd=folder)
    assert (ended.returncode, ended.stderr) == (0, "")
    return ended.stdout


def test_the_site_goes_up_comes_back_and_is_the_same(shown):
    count = sum(1 for path in demo.SITE.rglob("*") if path.is_file())
    for words in ("Uploaded", "Downloaded", "The same:"):
        assert f"{words} {count} files" in shown


def test_the_second_upload_says_why_each_file_goes_or_stays(shown):
    again = shown[shown.index("5. It changes") :]
    for name, reason in {
        "index.html": "content",
        "news.html": "new",
        "style.css": "headers",
        "app.mjs": "unchanged",
        "high season/Gipfel-Café.html": "unchanged",
    }.items():
        (line,) = (line for line in again.splitlines() if line.rstrip().endswith(f" {name}"))
        assert f" {reason} " in line


def test_the_listing_shows_types_and_headers_of_the_objects(shown):
    listing = shown[shown.index("2. What") : shown.index("3. It comes")]
    assert "site/app.mjs" in listing
    for words in ("text/javascript; charset=utf-8", "application/manifest+json", "no-cache", "max-age=3600"):
        assert words in listing


def test_the_commands_that_it_shows_do_what_they_say(shown, tmp_path):
    shutil.copytree(demo.SITE, tmp_path / "site")
    commands = [shlex.split(line[2:]) for line in shown.splitlines() if line.startswith("$ ")]
    assert [command[:3] for command in commands] == [
        ["ropeway", "s3", "upload"],
        ["ropeway", "s3", "download"],
        ["ropeway", "s3", "upload"],
    ]
    try:
        for _, *words in commands:
            ended = run(ROPEWAY, *words, "--local", cwd=tmp_path)
            assert ended.returncode == 0, ended.stderr
    finally:
        daemon.down()
    assert demo._contents(tmp_path / "back") == demo._contents(tmp_path / "site")


def test_it_fails_when_what_came_back_is_not_what_was_sent_and_leaves_nothing_behind(monkeypatch, tmp_path):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    ended = run(sys.executable, "-c", TAMPERING, cwd=tmp_path)
    assert ended.returncode == 1
    assert "Error: Not what was sent: images/cabin.svg, style.css." in ended.stdout
    assert "The same" not in ended.stdout
    assert list(tmp_path.iterdir()) == []


def test_without_moto_it_says_what_to_install(monkeypatch, capsys):
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    assert demo.main() == 1
    assert "Next: Install it, in a checkout of Ropeway: pip install '.[local]'." in capsys.readouterr().out
