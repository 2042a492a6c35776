"""What the README shows is what happens: each block after `<!-- run -->` is run, and its output is compared to the letter."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
BLOCK = re.compile(r"<!-- run -->\n```console\n\$ (?P<command>(?:.*\\\n)*.*)\n(?P<printed>(?:.*\n)*?)```\n")


def blocks() -> list[tuple[str, str, str]]:
    pages = [ROOT / "README.md", *sorted(ROOT.glob("docs/**/*.md"))]
    return [
        (str(page.relative_to(ROOT)), found["command"], found["printed"])
        for page in pages
        for found in BLOCK.finditer(page.read_text(encoding="utf-8"))
    ]


@pytest.fixture
def command_line(hermetic):
    """A shell as a reader has it: the command on the path, and an embedded AWS of its own that is ended afterwards."""
    environment = os.environ | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "COLUMNS": "120",
    }

    def run(command: str) -> str:
        done = subprocess.run(
            ["bash", "-c", command],
            cwd=ROOT,
            env=environment,
            check=False,
            text=True,
            encoding="utf-8",
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        return done.stdout

    yield run
    run("ropeway local down")


def as_shown(printed: str) -> str:
    """The port is another one each time; trailing blanks are no part of a page."""
    return re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:PORT", re.sub(r" +$", "", printed, flags=re.MULTILINE)).strip()


def test_the_readme_shows_at_least_one_run():
    assert [page for page, _, _ in blocks()].count("README.md") >= 1


@pytest.mark.parametrize(("page", "command", "printed"), blocks(), ids=lambda value: value[:40])
def test_a_block_prints_what_the_page_shows(command_line, page, command, printed):
    assert as_shown(command_line(command)) == as_shown(printed), f"{page} shows something else for: {command}"


def links(page: Path) -> list[str]:
    """The files that a page points at."""
    return re.findall(r"\]\((?!https?://|#|mailto:)([^)#]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))


def test_links_between_pages_lead_somewhere():
    pages = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("tasks/*.md")]
    assert [
        f"{page.name} -> {link}" for page in pages for link in links(page) if not (page.parent / link).exists()
    ] == []
