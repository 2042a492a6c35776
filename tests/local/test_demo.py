"""`ropeway demo`: what a newcomer sees, and that it is true."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import re
import shlex
import shutil
import socket
import subprocess
import sys
import sysconfig
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest

from ropeway.local import daemon, demo, demo_fleet, season

pytestmark = pytest.mark.timeout(900)  # the whole demo runs, as for a newcomer
TAMPERING = """
import sys
import sysconfig
from pathlib import Path
from ropeway.local import demo

do = demo.do

def tampered(stage, task, texts, **options):
    do(stage, task, texts, **options)
    if task.name == "S3Download":
        Path("back/style.css").write_text("other bytes")
        Path("back/images/cabin.svg").unlink()

demo.do = tampered
sys.exit(demo.main())
"""

OTHER_BYTES = """
import sys
from ropeway.local import demo, demo_release, stage

do = stage.do

def tampered(where, task, texts, **options):
    do(where, task, texts, **options)
    if texts.get("release_id") == "winter":
        s3 = stage.session(where, task, texts)[0].client("s3")
        s3.put_object(Bucket="ropeway-demo", Key="images/cabin.svg", Body=b"<svg/>")

demo_release.do = tampered
sys.exit(demo.main())
"""


RELEASES = ("ec2", "releases", "--application", "cabins", "--bucket-name", "ropeway-demo")
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
    again = shown[shown.index("5. It changes") : shown.index("6. A site")]
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
        ["ropeway", "s3", "deploy"],
        ["ropeway", "s3", "deploy"],
        ["ropeway", "s3", "rollback"],
        *[["ropeway", "ec2", "deploy"]] * 3,
    ]
    season.build(season.SUMMER, tmp_path / "summer")
    season.build(season.WINTER, tmp_path / "winter")
    try:
        demo_fleet.build(tmp_path, demo_fleet.fleet(daemon.up().running.aws))
        for at, (_, *words) in enumerate(commands, 1):
            ended = run(ROPEWAY, *words, "--local", cwd=tmp_path)
            assert ended.returncode == (1 if at == len(commands) else 0), ended.stderr
        told = json.loads(run(ROPEWAY, *RELEASES, "--local", "--json", cwd=tmp_path).stdout)
        assert (told["live"], [(one["id"], one["state"]) for one in told["releases"]]) == (
            "v2",
            [("v3", "rolledBack"), ("v2", "healthy"), ("v1", "healthy")],
        )
        assert [(one["kind"], one["release"], one["end"], len(one["instances"])) for one in told["deploys"]] == [
            ("deploy", "v3", "rolledBack", 3),
            ("deploy", "v2", "healthy", 3),
            ("deploy", "v1", "healthy", 3),
        ]
        listed = run(ROPEWAY, *RELEASES, "--local", cwd=tmp_path).stdout
        assert "Release v2 of cabins is live." in listed
        assert ": rolledBack on 3 instances in " in listed
        recovered = run(ROPEWAY, "ec2", "recover", *RELEASES[2:], "--local", cwd=tmp_path)
        assert (recovered.returncode, recovered.stdout) == (0, "There was nothing to undo.\n")
        listed = json.loads(
            run(ROPEWAY, "s3", "releases", "s3://ropeway-demo", "--local", "--json", cwd=tmp_path).stdout
        )
        assert [(one["id"], one["state"]) for one in listed["releases"]] == [
            ("winter", "rolledBack"),
            ("summer", "live"),
        ]
    finally:
        daemon.down()
    assert demo._contents(tmp_path / "back") == demo._contents(tmp_path / "site")


def test_a_fleet_is_back_where_it_was_when_a_release_fails_and_somebody_was_always_answered(shown):
    act = shown[shown.index("9. A service") :]
    assert re.findall(r"^All 3 instances answer (v\d)\.$", act, re.MULTILINE) == ["v1", "v2", "v2"]
    assert "v3 of cabins failed, and was rolled back in" in act
    assert "  the database is not reached from here\n" in act
    (asked,) = re.findall(
        r"^The visitor asked (\d+) times meanwhile, and got an answer each time: (.*)\.$", act, re.MULTILINE
    )
    assert all(f" by {version}" in asked[1] for version in ("v1", "v2", "v3"))


@pytest.mark.parametrize("begun", [b"", b"HTTP/1.1 200", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"])
def test_who_is_stopped_in_the_middle_of_an_answer_is_passed_over_as_one_who_does_not_answer(monkeypatch, begun):
    with socket.create_server(("127.0.0.1", 0)) as server:
        monkeypatch.setattr(demo_fleet, "PORT", server.getsockname()[1])

        def answer() -> None:
            line, _ = server.accept()
            with line:
                line.recv(4096)
                line.sendall(begun)

        thread = threading.Thread(target=answer)
        thread.start()
        assert demo_fleet._get(SimpleNamespace(address="127.0.0.1")) == ""
        thread.join()


def test_after_each_release_and_the_way_back_a_visitor_sees_that_season(shown):
    seen = re.findall(r"^A visitor sees (\w+): 12 paths of http://127.0.0.1:\d+, .* every byte\.$", shown, re.MULTILINE)
    assert seen == ["summer", "winter", "summer"]
    second = shown[shown.index("7. The next") : shown.index("8. And back")]
    uploaded = [line.split()[-1] for line in second.splitlines() if line.startswith("upload ")]
    assert [name.partition(".")[0] for name in uploaded[:3]] == ["assets/app", "assets/prices", "assets/style"]
    assert uploaded[3:] == ["404.html", "timetable", "index.html", "site.webmanifest", "sw.js"]
    back = shown[shown.index("8. And back") : shown.index("9. A service")]
    assert "Rolled s3://ropeway-demo/ back to release summer: 5 objects copied" in back


def test_it_fails_when_the_website_shows_something_else(monkeypatch, tmp_path):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    ended = run(sys.executable, "-c", OTHER_BYTES, cwd=tmp_path)
    assert ended.returncode == 1
    assert "/images/cabin.svg does not show what is in winter: it answered 200." in ended.stdout
    assert ended.stdout.count("A visitor sees") == 1


def test_an_asset_has_the_fingerprint_of_its_bytes_and_what_names_it_names_that(tmp_path):
    season.build(season.SUMMER, tmp_path)
    assets = sorted((tmp_path / "assets").iterdir())
    assert len(assets) == 3
    everything = "".join(path.read_text("utf-8") for path in tmp_path.rglob("*") if path.is_file())
    for asset in assets:
        assert asset.name.split(".")[1] == hashlib.sha256(asset.read_bytes()).hexdigest()[:16]
        assert f"/assets/{asset.name}" in everything
    assert not re.search("|".join(rf"\b{word}\b" for word in season.SUMMER), everything)


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
