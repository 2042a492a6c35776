"""Whether names that differ in case are one file is asked of the folder itself, and nothing is written for it."""

from __future__ import annotations

import os
import sys

import pytest

from ropeway.errors import LocalFileError
from ropeway.s3.keys import paths_for
from ropeway.s3.spelling import ignores_case

TWINS = ("README", "readme")
UNICODE = ("caf\u00e9", "cafe\u0301")


def is_refused(target, *keys: str) -> bool:
    told = ""
    try:
        paths_for(str(target), keys, "", strip=False, flatten=False)
    except LocalFileError as error:
        told = error.message
    assert not told or f"{keys[0]!r} and {keys[1]!r} (both would be the file {keys[1]})" in told
    return bool(told)


@pytest.mark.parametrize("target", [".", "new/deep", "Empty"])
def test_twins_are_refused_in_a_folder_that_ignores_case_whatever_the_system(caseless, tmp_path, target):
    (tmp_path / "Empty").mkdir()
    assert is_refused(tmp_path / target, *TWINS)
    assert [path.name for path in tmp_path.rglob("*")] == ["Empty"]


@pytest.mark.parametrize("platform", ["linux", "darwin"])
def test_twins_are_two_files_in_a_folder_that_tells_case_apart_whatever_the_system(monkeypatch, tmp_path, platform):
    monkeypatch.setattr(sys, "platform", platform)
    (tmp_path / "Here").touch()
    assert not is_refused(tmp_path, *TWINS)
    assert is_refused(tmp_path, *UNICODE) == (platform == "darwin")  # which keeps one form of a name in any case


def test_both_spellings_side_by_side_tell_case_apart(caseless, tmp_path):
    for name in TWINS:
        (tmp_path / name).touch()
    assert not is_refused(tmp_path, *TWINS)


@pytest.mark.parametrize("usual", [True, False])
def test_what_lies_around_an_empty_mount_says_nothing_of_it(monkeypatch, tmp_path, usual):
    (tmp_path / "mounted").mkdir()
    real = os.stat

    def stat(path, **rest):
        values = list(real(path, **rest))[:10]
        values[2] += os.fspath(path).endswith("mounted")
        return os.stat_result(values)

    monkeypatch.setattr(os, "stat", stat)
    assert ignores_case(str(tmp_path / "mounted" / "new"), usual=usual) == usual


def test_a_folder_that_may_not_be_read_leaves_it_to_the_one_above(monkeypatch, tmp_path):
    real = os.listdir

    def listdir(path):
        if os.fspath(path) == str(tmp_path):
            raise PermissionError(path)
        return real(path)

    monkeypatch.setattr(os, "listdir", listdir)
    assert not ignores_case(str(tmp_path), usual=True)
