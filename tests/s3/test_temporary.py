"""A file that appears whole or not at all."""

import errno
import os

import pytest

from ropeway.errors import Cancelled, LocalFileError
from ropeway.s3 import temporary
from ropeway.s3.temporary import Temporary


def test_it_appears_when_it_is_kept_with_its_folders(tmp_path):
    target = tmp_path / "deep" / "er" / "file.bin"
    file = Temporary(str(target))
    file.open(6)
    file.write(3, b"def")
    file.write(0, b"abc")
    (beside,) = target.parent.iterdir()
    assert beside.name.startswith(".file.bin.ropeway-")
    file.keep()
    assert target.read_bytes() == b"abcdef"
    assert os.listdir(target.parent) == ["file.bin"]


def test_it_replaces_what_was_there(tmp_path):
    target = tmp_path / "file.bin"
    target.write_bytes(b"much longer before")
    file = Temporary(str(target))
    file.open(3)
    file.write(0, b"new")
    assert target.read_bytes() == b"much longer before"
    file.keep()
    file.discard()
    assert target.read_bytes() == b"new"


def test_discarding_leaves_nothing_and_refuses_a_late_writer(tmp_path):
    file = Temporary(str(tmp_path / "file.bin"))
    file.open(3)
    file.discard()
    assert os.listdir(tmp_path) == []
    with pytest.raises(Cancelled):
        file.write(0, b"abc")
    with pytest.raises(Cancelled):
        file.open(3)
    assert os.listdir(tmp_path) == []


def test_discarding_what_was_never_opened_or_is_gone_already_does_nothing(tmp_path):
    Temporary(str(tmp_path / "never")).discard()
    file = Temporary(str(tmp_path / "file.bin"))
    file.open(3)
    for name in os.listdir(tmp_path):
        os.unlink(tmp_path / name)
    file.discard()


def test_the_mode_is_that_of_any_new_file(tmp_path):
    (tmp_path / "other").touch()
    file = Temporary(str(tmp_path / "file.bin"))
    file.open(0)
    file.keep()
    assert (tmp_path / "file.bin").stat().st_mode == (tmp_path / "other").stat().st_mode


@pytest.mark.parametrize("name", ["a" * 255, "ä" * 127, "日" * 85])
def test_a_name_as_long_as_the_file_system_takes_is_fine(tmp_path, name):
    file = Temporary(str(tmp_path / name))
    file.open(1)
    file.write(0, b"x")
    file.keep()
    assert os.listdir(tmp_path) == [name]


def test_a_folder_in_its_place_is_named_before_anything_is_written(tmp_path):
    (tmp_path / "site").mkdir()
    with pytest.raises(LocalFileError, match=r"site cannot be written: Is a directory. There is a folder of that name"):
        Temporary(str(tmp_path / "site")).open(1)
    assert os.listdir(tmp_path) == ["site"]


def test_a_file_where_a_folder_is_needed_is_an_error_with_the_path(tmp_path):
    (tmp_path / "site").touch()
    with pytest.raises(LocalFileError, match=r"site/index.html cannot be written: Not a directory|File exists"):
        Temporary(str(tmp_path / "site" / "index.html")).open(1)


@pytest.mark.parametrize("times", [2, 3])
def test_a_file_that_a_virus_scanner_holds_for_a_moment_is_waited_for(tmp_path, monkeypatch, times):
    """As on Windows, where that is an error."""
    replace, held = os.replace, [PermissionError(errno.EACCES, "Access is denied")] * times
    monkeypatch.setattr(temporary, "HELD", (0.001, 0.001))

    def replace_late(path, target):
        if held:
            raise held.pop()
        replace(path, target)

    monkeypatch.setattr(os, "replace", replace_late)
    file = Temporary(str(tmp_path / "file.bin"))
    file.open(0)
    if times == 2:
        file.keep()
        assert os.listdir(tmp_path) == ["file.bin"]
    else:
        with pytest.raises(LocalFileError, match="Access is denied"):
            file.keep()


@pytest.mark.parametrize("links", [True, False], ids=["by a link", "without links"])
def test_it_takes_no_name_that_somebody_has_by_now_where_it_is_to_be_new(tmp_path, monkeypatch, links):
    def none(*_):
        raise OSError(errno.EOPNOTSUPP, "Operation not supported")

    if not links:
        monkeypatch.setattr(os, "link", none)
    for name in ("free", "taken"):
        file = Temporary(str(tmp_path / name))
        file.open(3)
        file.write(0, b"new")
        if name == "free":
            file.keep(1_000_000_000, only_new=True)
            continue
        (tmp_path / "taken").write_bytes(b"theirs")
        with pytest.raises(
            LocalFileError, match=r"1 file would be overwritten: .*taken\. Somebody has written it since"
        ):
            file.keep(only_new=True)
        file.discard()
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"free": b"new", "taken": b"theirs"}
    assert ((tmp_path / "free").stat().st_nlink, (tmp_path / "free").stat().st_mtime_ns) == (1, 1_000_000_000)


def test_a_rename_that_fails_leaves_no_temporary_file(tmp_path):
    file = Temporary(str(tmp_path / "late"))
    file.open(1)
    (tmp_path / "late" / "in the way").mkdir(parents=True)
    with pytest.raises(LocalFileError, match="late cannot be written"):
        file.keep()
    file.discard()
    assert os.listdir(tmp_path) == ["late"]


@pytest.mark.parametrize("name", ["file", "ü" * 200, "line\nbreak"])
def test_a_temporary_name_is_known_for_one(tmp_path, name):
    file = Temporary(str(tmp_path / name))
    file.open(1)
    (found,) = os.listdir(tmp_path)
    file.discard()
    assert temporary.is_temporary(found)
    assert not temporary.is_temporary(name)
