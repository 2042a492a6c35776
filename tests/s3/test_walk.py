"""What lies in a folder: links, cycles, pipes, names of any bytes, and what of it matters."""

from __future__ import annotations

import os
import re
import socket
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ropeway.errors import Cancelled, LocalFileError
from ropeway.outcome import Cancellation
from ropeway.s3.globs import Globs
from ropeway.s3.walk import LocalFile, Unreadable, pick_files, walk, without_leftovers


@pytest.fixture
def root(tmp_path):
    folder = tmp_path / "source"
    folder.mkdir()
    return folder


def fill(root: Path, *names: str) -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)


def names(root: Path) -> list[str]:
    return [found.relative for found in walk(str(root))]


def picked(root: Path, *lines: str) -> list[str]:
    return [file.relative for file in pick_files(str(root), lines or ("**",), Cancellation())]


def test_a_file_is_told_with_its_size_and_time(root):
    fill(root, "a/b c.txt")
    os.utime(root / "a/b c.txt", ns=(1, 1_700_000_000_123_456_789))
    assert list(walk(str(root))) == [LocalFile("a/b c.txt", str(root / "a/b c.txt"), 9, 1_700_000_000_123_456_789)]


def test_the_order_is_that_of_the_keys(root):
    fill(root, "a/b", "a/b.txt", "a-b", "a0", "a.txt", "B", "é", "a/c/d", "a/c.d")
    assert names(root) == sorted(names(root), key=str.encode)
    assert names(root)[:3] == ["B", "a-b", "a.txt"]


def test_empty_folders_give_nothing(root):
    (root / "empty/deep").mkdir(parents=True)
    assert names(root) == []


def test_a_relative_folder_gives_absolute_paths(root, monkeypatch):
    fill(root, "a")
    monkeypatch.chdir(root.parent)
    assert [found.path for found in walk("source")] == [str(root / "a")]


def test_links_to_files_and_folders_are_followed(root, tmp_path):
    fill(tmp_path / "elsewhere", "deep/x")
    (root / "folder").symlink_to(tmp_path / "elsewhere")
    (root / "file").symlink_to(tmp_path / "elsewhere/deep/x")
    assert picked(root) == ["file", "folder/deep/x"]
    assert [file.size for file in pick_files(str(root), ["**"], Cancellation())] == [6, 6]


def test_a_folder_may_be_reached_twice(root):
    fill(root, "real/x")
    (root / "again").symlink_to("real")
    assert picked(root) == ["again/x", "real/x"]


@pytest.mark.parametrize("target", [".", "..", "../a", "../a/../.."])
def test_a_link_to_a_folder_that_it_lies_in_ends_there(root, target):
    fill(root, "a/x")
    (root / "a/loop").symlink_to(target)
    assert picked(root / "a") == ["x"]


def test_a_link_to_a_folder_above_brings_what_lies_beside(root):
    fill(root, "a/x", "b/y")
    (root / "a/up").symlink_to("..")
    assert picked(root / "a") == ["up/b/y", "x"]


def test_two_links_that_lead_to_each_other_end(root):
    fill(root, "a/x", "b/y")
    (root / "a/to-b").symlink_to("../b")
    (root / "b/to-a").symlink_to("../a")
    assert picked(root) == ["a/to-b/y", "a/x", "b/to-a/x", "b/y"]


def test_a_folder_nested_deeper_than_python_calls_is_walked(root):
    nested = ["d"] * 1500
    here = os.open(root, os.O_RDONLY)
    for name in nested:
        os.mkdir(name, dir_fd=here)
        deeper = os.open(name, os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = deeper
    os.close(os.open("x", os.O_CREAT | os.O_WRONLY, dir_fd=here))
    os.close(here)
    try:
        assert names(root) == ["/".join([*nested, "x"])]
    finally:
        subprocess.run(["rm", "-r", root], check=True)  # pytest, which tidies by recursion, cannot


def test_a_broken_link_matters_only_when_a_glob_picks_it(root):
    fill(root, "a.txt")
    (root / "b.txt").symlink_to("nowhere")
    (root / "c.txt").symlink_to("c.txt")
    assert picked(root, "a.*") == ["a.txt"]
    assert picked(root, "**", "![bc].txt") == ["a.txt"]
    with pytest.raises(LocalFileError) as caught:
        picked(root)
    assert str(caught.value) == (
        f"2 picked files in {root} cannot be uploaded: b.txt is a broken link to nowhere (No such file or directory), "
        "c.txt is a broken link to c.txt (Too many levels of symbolic links). "
        "Mend them, or take them out with a line of globs that begins with !."
    )


def test_pipes_and_sockets_are_never_opened(root):
    fill(root, "a")
    os.mkfifo(root / "pipe")
    with socket.socket(socket.AF_UNIX) as listening:
        here = os.getcwd()
        os.chdir(root)  # the path of a socket has 108 bytes at most
        listening.bind("sock")
        os.chdir(here)
        assert picked(root, "a") == ["a"]
        with pytest.raises(LocalFileError, match=r"pipe is a pipe, socket or device, sock is a pipe, socket or device"):
            picked(root)


def test_a_link_to_a_device_is_no_file(root):
    (root / "null").symlink_to("/dev/null")
    assert list(walk(str(root))) == [Unreadable("null", "is a pipe, socket or device")]


def test_a_folder_that_cannot_be_looked_into_matters_when_a_glob_may_pick_something_in_it(root, monkeypatch):
    fill(root, "a.js", "closed/b.js")
    scandir = os.scandir

    def refusing(path):
        # Root, under which tests may run, is let into every folder.
        if os.fspath(path).endswith("closed"):
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refusing)
    assert picked(root, "*.js") == ["a.js"]
    assert picked(root, "**", "!closed/**") == ["a.js"]
    for globs in (["**"], ["**/*.js"], ["*/b.js"], ["**", "!closed/b*"]):
        with pytest.raises(LocalFileError, match="closed cannot be looked into: Permission denied"):
            picked(root, *globs)


def test_a_name_that_is_no_utf_8_matters_only_when_a_glob_picks_it(root):
    fill(root, "a")
    os.mkdir(os.fsencode(root) + b"/dir\xff")
    for name in (b"/caf\xe9.txt", b"/dir\xff/x"):
        os.close(os.open(os.fsencode(root) + name, os.O_CREAT))
    assert picked(root, "a") == ["a"]
    with pytest.raises(LocalFileError) as caught:
        picked(root)
    assert "caf\udce9.txt has a name that is not valid UTF-8, dir\udcff/x has" in str(caught.value)


def test_of_many_problems_ten_are_named(root):
    for n in range(12):
        (root / f"broken{n:02}").symlink_to("nowhere")
    with pytest.raises(LocalFileError, match=r"^12 picked files .*broken09 is .* and 2 more\. Mend them"):
        picked(root)


def test_a_source_folder_that_is_none_is_told_in_its_own_words(root):
    fill(root, "file")
    (root / "broken").symlink_to("nowhere")
    for folder, words in {
        "none": "none does not exist. Check its name, and that an earlier step made it.",
        "sub\\none": "sub\\none does not exist. On this machine a backslash is a character of a name like any other: write / between folders.",
        "broken": "broken does not exist.",
        "file": "file is a file. Name the folder it is in, and the file in the globs.",
        "file/x": "file/x does not exist.",
        "x" * 300: "cannot be read: File name too long.",
    }.items():
        with pytest.raises(LocalFileError, match=re.escape(words)):
            picked(root / folder)


def test_a_source_folder_may_be_a_link(root, tmp_path):
    fill(root, "x")
    (tmp_path / "link").symlink_to(root)
    assert picked(tmp_path / "link") == ["x"]
    assert picked(tmp_path / "link", f"{tmp_path}/link/*") == ["x"]


def test_folders_in_which_nothing_can_match_are_not_looked_into(root, monkeypatch):
    fill(root, "src/a.js", "node_modules/x/y.js", "docs/deep/a.md")
    opened = []
    scandir = os.scandir
    monkeypatch.setattr(os, "scandir", lambda path: opened.append(os.path.relpath(path, root)) or scandir(path))
    assert picked(root, "src/*.js", "docs/*.md", "**/*.js", "!node_modules/**") == ["src/a.js"]
    assert opened == [".", "docs", "docs/deep", "src"]
    opened.clear()
    assert picked(root, "src/*.js") == ["src/a.js"]
    assert opened == [".", "src"]


LINES = st.lists(
    st.builds(
        lambda sign, parts: sign + "/".join(parts),
        st.sampled_from(["", "", "!"]),
        st.lists(st.sampled_from(["**", "*", "a", "b", "?", "!(a)", "[ab]", "..", ".", ""]), min_size=1, max_size=5),
    ),
    max_size=4,
)
NAMES = st.lists(st.sampled_from("abc"), min_size=1, max_size=4)


@given(LINES, NAMES, NAMES)
@settings(max_examples=300)
def test_what_is_picked_below_a_folder_was_expected_there(lines, folder, below):
    globs = Globs(lines, windows=False)
    if globs.matches("/".join([*folder, *below])):
        assert globs.may_pick_below("/".join(folder))


def test_walking_stops_when_asked_to(root):
    fill(root, "a")
    cancellation = Cancellation()
    cancellation.ask("the run was cancelled")
    with pytest.raises(Cancelled):
        pick_files(str(root), ["**"], cancellation)


def test_what_a_killed_download_left_is_no_file_to_upload(tmp_path):
    names = ["a.txt", "b/.a.txt.ropeway-1a2b3c4d", "b/.ropeway-1a2b3c4d", "c.ropeway-1a2b3c4d", ".a.ropeway-1a2b3c4"]
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    kept, warnings = without_leftovers(pick_files(str(tmp_path), ["**"], Cancellation()))
    assert sorted(file.relative for file in kept) == sorted(set(names) - {"b/.a.txt.ropeway-1a2b3c4d"})
    (warning,) = warnings
    assert warning.startswith(
        "Left out 1 file of a download that was killed before its end: b/.a.txt.ropeway-1a2b3c4d."
    )


def test_where_no_download_was_killed_nothing_is_left_out(tmp_path):
    (tmp_path / "a").write_bytes(b"")
    files = pick_files(str(tmp_path), ["**"], Cancellation())
    assert without_leftovers(files) == (files, ())
