"""The pages say what is so: anchors lead somewhere, commands can be typed, quoted words are the code's, and no page lies in a corner."""

from __future__ import annotations

import ast
import functools
import re
import shlex
from pathlib import Path

import pytest

from ropeway.cli import main
from ropeway.registry import all_tasks

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
PAGES = [*sorted(ROOT.glob("*.md")), *sorted(DOCS.rglob("*.md"))]
LINK = re.compile(r"!?\[[^\]]*\]\((?!https?://|mailto:)([^)#\s]*)(?:#([^)]*))?\)")
EACH_PAGE = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


@functools.cache
def text(page: Path) -> str:
    return page.read_text(encoding="utf-8")


@functools.cache
def anchors(page: Path) -> frozenset[str]:
    """As Azure Repos and GitHub make them of headings: lower case, blanks to hyphens, and no other signs."""
    prose = re.sub(r"^```.*?^```", "", text(page), flags=re.MULTILINE | re.DOTALL)
    headings = re.findall(r"^#+ (.*)$", prose, re.MULTILINE)
    return frozenset(re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings)


# --- links -----------------------------------------------------------------------------------------------------------------


@EACH_PAGE
def test_a_link_to_a_place_on_a_page_leads_there(page):
    wrong = [
        f"{path}#{anchor}"
        for path, anchor in LINK.findall(text(page))
        if anchor and anchor not in anchors((page.parent / path).resolve() if path else page)
    ]
    assert wrong == []


def test_every_page_can_be_reached_from_the_readme():
    found, ahead = set(), [ROOT / "README.md"]
    while ahead:
        page = ahead.pop()
        found.add(page)
        linked = {(page.parent / path).resolve() for path, _ in LINK.findall(text(page)) if path.endswith(".md")}
        ahead += linked - found
    assert sorted(set(PAGES) - found - {ROOT / "overview.md"}) == []


def test_every_picture_is_shown_and_small():
    shown = {(page.parent / path).resolve() for page in PAGES for path, _ in LINK.findall(text(page))}
    pictures = [*DOCS.glob("images/*"), *ROOT.glob("images/*")]
    assert [picture.name for picture in pictures if picture not in shown] == ["extension.png"]  # the icon
    assert [picture.name for picture in pictures if picture.stat().st_size > 120_000] == []


# --- commands --------------------------------------------------------------------------------------------------------------


def typed(page: Path) -> list[str]:
    """Each line of a block for a shell that calls `ropeway`; of a console, what stands behind its prompt."""
    blocks = re.findall(r"^ *```(?:sh|console)\n(.*?)^ *```", text(page), re.MULTILINE | re.DOTALL)
    lines = [line.strip().removeprefix("$ ") for block in blocks for line in block.replace("\\\n", " ").splitlines()]
    return [line for line in lines if line.startswith("ropeway ")]


ALL_TYPED = [(page, line) for page in PAGES for line in typed(page)]


def test_there_are_commands_on_the_pages():
    assert len(ALL_TYPED) >= 30


@pytest.mark.parametrize(("page", "line"), ALL_TYPED, ids=[f"{page.stem}: {line[:70]}" for page, line in ALL_TYPED])
def test_a_command_on_a_page_is_one_that_is_understood(page, line, capsys):
    """Asked for its help with all that is typed: what no command knows is refused before that."""
    words = shlex.split(re.split(r" [|>] ", line)[0], comments=True)[1:]
    with pytest.raises(SystemExit) as ended:
        main([*words, "--help"])
    said = capsys.readouterr()
    assert ended.value.code == 0, said.err
    assert said.out.startswith(f"Usage: ropeway {words[0]}")


def test_a_command_that_is_none_is_refused(capsys):
    for words in (["s3", "uplaod"], ["s3", "upload", "dist", "s3://b", "--dry"], ["lift"]):
        with pytest.raises(SystemExit) as ended:
            main([*words, "--help"])
        assert ended.value.code == 2
    capsys.readouterr()


# --- words -----------------------------------------------------------------------------------------------------------------


@functools.cache
def words_of_the_code() -> str:
    """All texts of the package and the launcher, in which an expression is an ellipsis."""
    said = [
        "".join(part.value if isinstance(part, ast.Constant) else "…" for part in node.values)
        if isinstance(node, ast.JoinedStr)
        else node.value
        for path in (ROOT / "python" / "ropeway").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str))
    ]
    launchers = [path.read_text(encoding="utf-8") for path in (ROOT / "tasks" / "launcher").glob("*.js")]
    return "\n".join([*said, *launchers])


QUOTED = [
    quoted
    for page in (DOCS / "troubleshooting.md", *sorted(DOCS.glob("tasks/*.md")))
    for quoted in re.findall("“([^”]*)”", text(page))
]


@pytest.mark.parametrize("quoted", [quoted for quoted in QUOTED if quoted.strip()], ids=lambda quoted: quoted[:60])
def test_words_in_quotes_are_the_codes_own(quoted):
    parts = [part.strip() for part in quoted.split("…") if part.strip()]
    assert [part for part in parts if part not in words_of_the_code()] == []


def test_the_page_about_the_architecture_names_each_room():
    rooms = {path.name for path in (ROOT / "python" / "ropeway").iterdir() if (path / "__init__.py").exists()}
    page = text(DOCS / "architecture.md")
    assert [room for room in sorted(rooms) if f"`{room}`" not in page] == []


def test_the_listing_names_every_task():
    assert [
        task.name for task in all_tasks() if f"`{task.pipeline_name}@{task.major}`" not in text(ROOT / "overview.md")
    ] == []


@pytest.mark.parametrize("task", all_tasks(), ids=lambda task: task.name)
def test_a_task_has_a_page_with_an_example_its_inputs_its_policy_and_what_to_do_when_it_fails(task):
    page = DOCS / "tasks" / f"{'-'.join(task.command)}.md"
    headings = re.findall(r"^## (.*)$", text(page), re.MULTILINE)
    assert {"Inputs", "Outputs", "IAM policy", "When it fails"} <= set(headings)
    assert f"- task: {task.pipeline_name}@{task.major}" in text(page)
    assert f"ropeway {' '.join(task.command)} " in text(page)
