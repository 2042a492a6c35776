"""Globs pick what azure-pipelines-task-lib picks."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest

from ropeway.errors import InputError
from ropeway.s3.globs import Glob, Globs
from tests.oracle.task_lib import ask
from tests.s3.glob_cases import Case, cases


def ours(case: Case) -> list[str]:
    globs = Globs(case.lines, root=case.root, windows=case.windows)
    return [listed for listed, path in zip(case.listed, case.paths, strict=True) if globs.matches(path)]


def theirs(asked: Sequence[Case]) -> list[list[str]]:
    return ask("match.js", [case.question for case in asked])


def picked(*lines: str, paths: str = "a.js a.map .git/x sub/b.js sub/b.map sub/deep/c.js", **rest) -> str:
    return " ".join(Globs(lines, windows=False, **rest).pick(paths.split()))


@pytest.mark.parametrize(("windows", "count"), [(False, 6000), (True, 2000)])
def test_picks_equal_those_of_task_lib(windows, count):
    asked = cases(count, windows=windows)
    answers = theirs(asked)
    assert [(case, ours(case)) for case in asked] == list(zip(asked, answers, strict=True))
    some = sum(0 < len(answer) < len(case.paths) for case, answer in zip(asked, answers, strict=True))
    assert some >= 0.3 * count


@pytest.mark.parametrize(
    "sign",
    ["@(", "?(", "+(", "*(", "!(", "[", "[!", "[^", "[[:", "[z-a]", "\\", "**", "?", " ", "/.", "/..", "//"],
)
def test_the_cases_cover_what_is_hard(sign):
    assert sum(sign in line for case in cases(6000) for line in case.lines) >= 25


def test_the_cases_cover_every_kind_of_line():
    asked = cases(6000)
    lines = [line for case in asked for line in case.lines]
    assert sum(line.startswith("!") for line in lines) > 600
    assert sum(line.startswith("!!") for line in lines) > 200
    assert sum(line.startswith("#") for line in lines) > 50
    assert sum(line != line.strip() for line in lines) > 200
    assert sum(line.endswith("/") for line in lines) > 200
    assert sum(not line.strip() for line in lines) > 40
    assert sum(line.count("[") > line.count("]") for line in lines) > 200
    assert sum(bool(case.root) and case.root in line for case in asked for line in case.lines) > 600
    assert sum("/." in path or path.startswith(".") for case in asked for path in case.paths) > 1000


# --- where we differ -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "path"),
    [("**/a/b/c/**/d/**", "a/b/c/d/e"), ("**/a/b/c/**/**", "a/b/c/x"), ("**/a/**/./b", "a/./b")],
)
def test_files_that_minimatch_loses_since_3_1_3_are_picked(line, path):
    """Its new search for what lies between two `**` stops too early. The AWS Toolkit ships 3.0.5, which picks them too."""
    case = Case((path,), (line,))
    assert ours(case) == [path]
    assert theirs([case]) == [[]]


@pytest.mark.parametrize("root", ["/build/[a]/x", "/build/+(a)", "/build/a\\b"])
def test_a_root_is_a_name_and_no_glob(root):
    """task-lib puts root and glob together into one glob, so that nothing matches below such a folder."""
    case = Case(("x.js", "y.css"), ("*.js",), root)
    assert ours(case) == [f"{root}/x.js"]
    assert theirs([case]) == [[]]


def test_a_question_mark_is_one_character_of_any_plane():
    """JavaScript counts two for a character beyond U+FFFF."""
    case = Case(("😀.js",), ("?.js",))
    assert ours(case) == ["😀.js"]
    assert theirs([case]) == [[]]


# --- what users write ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["**"], "a.js a.map .git/x sub/b.js sub/b.map sub/deep/c.js"),
        (["*"], "a.js a.map"),
        (["**/*.js"], "a.js sub/b.js sub/deep/c.js"),
        (["sub"], ""),
        (["sub/"], ""),
        (["sub/*"], "sub/b.js sub/b.map"),
        (["sub/**"], "sub/b.js sub/b.map sub/deep/c.js"),
        (["**", "!**/*.map"], "a.js .git/x sub/b.js sub/deep/c.js"),
        (["!**/*.map", "**"], "a.js a.map .git/x sub/b.js sub/b.map sub/deep/c.js"),
        (["**", "!sub/**", "sub/b.js"], "a.js a.map .git/x sub/b.js"),
        (["**/*.{js,map}"], ""),
        (["**/*.@(js|map)"], "a.js a.map sub/b.js sub/b.map sub/deep/c.js"),
        (["**/!(*.map|x)"], "a.js sub/b.js sub/deep/c.js"),
        (["# scripts", "", "*.js "], "a.js"),
        (["!!*.js"], "a.js"),
        (["!*.js"], ""),
        ([], ""),
        (["**/[ab].js"], "a.js sub/b.js"),
        (["*/b.???"], "sub/b.map"),
        (["../**"], ""),
        (["./a.js"], ""),
    ],
)
def test_lines_pick_in_order(lines, expected):
    assert picked(*lines) == expected


def test_an_absolute_glob_works_within_its_root():
    assert picked("/w/site/*.js", root="/w/site") == "a.js"
    assert picked("/w/**/b.*", root="/w/site") == "sub/b.js sub/b.map"
    assert picked("/elsewhere/*.js", root="/w/site") == ""
    assert picked("/w/site/*.js") == ""


def test_a_relative_root_is_meant_from_the_working_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert picked(f"{tmp_path}/dist/*.js", root="dist") == "a.js"


@pytest.mark.parametrize("key", ["../x", "a/../x", "a/./x", "..", "/x", "a//x"])
def test_keys_that_no_file_can_have_are_picked_so_that_they_can_be_refused(key):
    assert Globs(["**"]).matches_key(key)
    assert not Globs(["**", f"!{key}"]).matches_key(key)
    assert not Globs(["**", "!**"]).matches_key(key)
    assert not Globs(["*.js"]).matches_key(key)


def test_other_keys_are_picked_as_paths_are():
    keys = ["a.js", ".a.js", "sub/b.js", "sub/b.map"]
    assert [key for key in keys if Globs(["**/*.js", "!sub/**"]).matches_key(key)] == ["a.js", ".a.js"]


def test_on_windows_the_backslash_separates_and_case_is_ignored():
    globs = Globs(["SUB\\*.JS"], windows=True)
    assert list(globs.pick(["sub/b.js", "sub/b.css", "a.js"])) == ["sub/b.js"]


def test_a_rule_has_one_glob():
    assert Glob("**/*.html").matches("deep/index.html")
    assert not Glob("*.html").matches("deep/index.html")
    assert Glob("/w/*.html", root="/w", windows=False).matches("index.html")


def test_a_rule_that_takes_files_out_is_refused():
    with pytest.raises(InputError, match=r"The glob '!\(a\)\.js' of a rule begins with !"):
        Glob("!(a).js")


def test_a_glob_with_very_many_groups_is_refused_by_its_name():
    with pytest.raises(InputError, match=r"has more than 5 !\( in one name\.$"):
        Globs(["**/" + "!(a)" * 6])


def test_many_paths_and_many_steps_are_no_trouble():
    chance = random.Random(7)
    paths = ["/".join(chance.choice("ab") for _ in range(200)) for _ in range(20)]
    assert list(Globs(["**/a/**/b/**/a/**/b/**/a/**/b/**/c"]).pick(paths)) == []
    assert list(Globs(["**/a/**/b/**/a/**/b/**/a/**/b/**"]).pick(paths)) == paths
