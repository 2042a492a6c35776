"""From paths to keys, and from keys to paths that lie inside the target folder."""

from __future__ import annotations

import os
import re
import tempfile
from pathlib import Path, PurePosixPath
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ropeway.errors import LocalFileError
from ropeway.s3.keys import fits_in_xml, folder_prefix, is_marker, keys_for, normal_prefix, paths_for


def paths(target, *keys: str, prefix: str = "", **rest) -> list[str]:
    given = {"strip": False, "flatten": False, "windows": False, "folds": False} | rest
    return [os.path.relpath(path, target) for path in paths_for(str(target), keys, prefix, **given)]


def why_refused(target, *keys: str, **rest) -> str:
    with pytest.raises(LocalFileError) as caught:
        paths(target, *keys, **rest)
    return str(caught.value)


# --- uploading -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("folder", ["site/v1", "/site/v1", "site/v1/", "//site///v1//", "site\\v1", "\\site\\v1\\"])
def test_a_target_folder_is_the_same_prefix_however_it_is_written(folder):
    assert normal_prefix(folder) == "site/v1"


@pytest.mark.parametrize("folder", ["", "/", "\\", "//"])
def test_no_target_folder_is_no_prefix(folder):
    assert normal_prefix(folder) == ""
    assert keys_for(normal_prefix(folder), ["a/b"], flatten=False) == ["a/b"]


def test_a_key_is_the_prefix_and_the_path():
    assert keys_for("site/v1", ["index.html", "js/app.js"], flatten=False) == [
        "site/v1/index.html",
        "site/v1/js/app.js",
    ]
    assert keys_for("site", ["index.html", "js/app.js"], flatten=True) == ["site/index.html", "site/app.js"]
    assert keys_for("", ["a b/é+&.txt"], flatten=False) == ["a b/é+&.txt"]


def test_all_files_that_flatten_to_one_object_are_told_in_pairs():
    with pytest.raises(LocalFileError) as caught:
        keys_for("p", ["a/x", "a/y", "b/x", "c/x", "y"], flatten=True)
    assert str(caught.value).startswith(
        "3 pairs of files would become one object: a/x and b/x, a/x and c/x, a/y and y. Rename one"
    )


def test_a_key_has_1024_bytes_at_most_not_characters():
    assert len(keys_for("p", ["é" * 511], flatten=False)[0].encode()) == 1024
    with pytest.raises(
        LocalFileError, match=r"^The keys of 1 file would be longer than S3's 1,024 bytes: é+\. Shorten targetFolder"
    ):
        keys_for("pp", ["é" * 511], flatten=False)


# --- downloading ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("folder", "prefix"),
    [
        ("", ""),
        ("/", ""),
        ("site", "site/"),
        ("site/", "site/"),
        ("/site", "site/"),
        ("a/b", "a/b/"),
        (" site ", "site/"),
    ],
)
def test_a_source_folder_is_a_prefix_that_ends_with_a_slash(folder, prefix):
    assert folder_prefix(folder) == prefix


def test_markers_of_folders_are_no_files():
    assert is_marker("a/", 0)
    assert is_marker("a_$folder$", 0)
    assert not is_marker("a/", 1)
    assert not is_marker("a_$folder$", 1)
    assert not is_marker("a", 0)


def test_a_path_is_the_key_below_the_target(tmp_path):
    assert paths(tmp_path, "site/a.txt", ".x/y z", "é") == ["site/a.txt", ".x/y z", "é"]


def test_the_prefix_may_be_left_out(tmp_path):
    assert paths(tmp_path, "site/a.txt", "site/b/c", prefix="site/", strip=True) == ["a.txt", "b/c"]
    assert paths(tmp_path, "site/a.txt", prefix="site/") == ["site/a.txt"]


def test_flattening_leaves_all_folders_out(tmp_path):
    assert paths(tmp_path, "site/a.txt", "site/b/c", prefix="site/", flatten=True) == ["a.txt", "c"]
    assert "'a/x' and 'b/x' (both would be the file x)" in why_refused(tmp_path, "a/x", "b/x", flatten=True)


@pytest.mark.parametrize(
    ("key", "why"),
    [
        ("../x", "it has a .. in it"),
        ("a/../../x", "it has a .. in it"),
        ("a/..", "it has a .. in it"),
        ("..", "it has a .. in it"),
        ("./x", "it has a . in it"),
        ("/etc/passwd", "it has a folder without a name"),
        ("a//b", "it has a folder without a name"),
        ("a/", "it ends with / as a folder does, but has content"),
        ("a\0b", "it has a NUL in it"),
        ("a/" + "x" * 256, "a name in it is longer than 255"),
    ],
)
def test_a_key_that_is_no_path_is_refused_everywhere(tmp_path, key, why):
    told = (
        f"1 key cannot be a file below {tmp_path}: {key!r} ({why}). Nothing was written. "
        "Take them out with a line of globs that begins with !, or rename the objects."
    )
    assert why_refused(tmp_path, "fine", key) == told
    assert why_refused(tmp_path, "fine", key, windows=True) == told


@pytest.mark.parametrize(
    ("key", "why"),
    [
        ("C:/x", "Windows takes no ':' in a name"),
        ("a:stream", "Windows takes no ':' in a name"),
        ("..\\x", "Windows takes no '\\\\' in a name"),
        ("\\\\server\\x", "Windows takes no '\\\\' in a name"),
        ("what?<>", "Windows takes no '<' '>' '?' in a name"),
        ("a\tb", "Windows takes no '\\t' in a name"),
        ("CON", "Windows keeps that name for a device"),
        ("a/nul.txt", "Windows keeps that name for a device"),
        ("com1.tar.gz/x", "Windows keeps that name for a device"),
        ("LPT¹ .txt", "Windows keeps that name for a device"),
        ("conin$", "Windows keeps that name for a device"),
        ("a./x", "Windows drops the dot or space at the end of a name"),
        ("a ", "Windows drops the dot or space at the end of a name"),
        ("...", "Windows drops the dot or space at the end of a name"),
        ("x" * 256, "a name in it is longer than 255"),
    ],
)
def test_a_key_that_is_no_path_on_windows_is_refused_there(tmp_path, key, why):
    assert f"{key!r} ({why})" in why_refused(tmp_path, key, windows=True)
    if len(key) < 256:
        assert paths(tmp_path, key) == [key]


@pytest.mark.parametrize("key", ["console.log", "CONfig", "a.con", "com", "COM10", "nul_", "é" * 200])
def test_a_key_that_only_looks_forbidden_on_windows_is_taken(tmp_path, key):
    assert paths(tmp_path, key, windows=True) == [key]


def test_a_name_is_counted_in_bytes_or_on_windows_in_utf_16_units(tmp_path):
    assert "is longer than 255" in why_refused(tmp_path, "é" * 128)
    assert paths(tmp_path, "é" * 128, windows=True) == ["é" * 128]


@pytest.mark.parametrize(
    ("one", "other"),
    [("README", "readme"), ("A/x", "a/x"), ("caf\u00e9", "cafe\u0301"), ("ÉCOLE", "e\u0301cole"), ("ﬁle", "FILE")],
)
def test_names_that_are_one_file_here_are_refused_here(tmp_path, one, other):
    assert f"{one!r} and {other!r} (both would be the file {other})" in why_refused(tmp_path, one, other, folds=True)
    assert paths(tmp_path, one, other) == [one, other]


def test_a_name_cannot_be_a_file_and_a_folder(tmp_path):
    assert "'a' ('a/b/c' needs a folder of that name)" in why_refused(tmp_path, "a", "a/b/c")
    assert "'a/b' ('a/b/c' needs a folder of that name)" in why_refused(tmp_path, "a/b", "a/b/c")
    assert "'A' ('a/b' needs a folder of that name)" in why_refused(tmp_path, "A", "a/b", folds=True)
    assert paths(tmp_path, "A", "a/b", "a.b") == ["A", "a/b", "a.b"]


def test_every_problem_is_told_at_once_and_ten_of_them_by_name(tmp_path):
    told = why_refused(tmp_path, *(f"../{n}" for n in range(20)), "a", "a/b")
    assert told.startswith(f"21 keys cannot be a file below {tmp_path}: '../0' (it has a .. in it), ")
    assert "'../9' (it has a .. in it) and 11 more. Nothing was written." in told
    mixed = why_refused(tmp_path, "..", "x/y", "X/y", "a", "a/b", folds=True)
    for words in ("'..' (", "'x/y' and 'X/y' (", "'a' ('a/b' needs"):
        assert words in mixed


def test_a_link_in_the_target_may_not_lead_out_of_it(tmp_path):
    target = tmp_path / "target"
    (target / "real").mkdir(parents=True)
    (target / "inside").symlink_to("real")
    (target / "out").symlink_to(tmp_path)
    (target / "nowhere").symlink_to(tmp_path / "absent")
    (target / "sibling").symlink_to(tmp_path / "target2")
    assert paths(target, "inside/x", "real/y") == ["inside/x", "real/y"]
    for name in ("out", "nowhere", "sibling"):
        words = f"'{name}/deep/x' ({name} is a link there that leads out of the target folder)"
        assert words in why_refused(target, f"{name}/deep/x")


def test_the_target_itself_may_be_a_link(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    assert paths(tmp_path / "link", "a/b") == ["a/b"]


def test_files_that_stand_where_folders_must_be_are_told(tmp_path):
    (tmp_path / "a").write_text("mine")
    assert "'a/b' (a is a file there)" in why_refused(tmp_path, "a/b")
    with pytest.raises(LocalFileError, match=re.escape(f"The target folder {tmp_path}/a is a file.")):
        paths(tmp_path / "a", "x")


# --- whatever the keys are -----------------------------------------------------------------------------------------------

PARTS = st.one_of(
    st.sampled_from(
        [
            "",
            ".",
            "..",
            "a",
            "A",
            "b",
            "...",
            "CON",
            "nul.txt",
            "a ",
            "C:",
            "\\",
            "..\\",
            "\u00e9",
            "e\u0301",
            "~",
            "\0",
        ]
    ),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=5),
)
KEYS = st.lists(st.lists(PARTS, min_size=1, max_size=4).map("/".join), min_size=1, max_size=5, unique=True)


def accepted(target: str, keys: list[str], **rest) -> dict[str, str]:
    """Those that are taken one by one, and then together."""
    fine = []
    for key in keys:
        try:
            paths_for(target, [*fine, key], "", strip=False, **rest)
        except LocalFileError:
            continue
        fine.append(key)
    return dict(zip(fine, paths_for(target, fine, "", strip=False, **rest), strict=True))


@given(KEYS, st.booleans(), st.booleans(), st.booleans())
@settings(max_examples=500, deadline=None)
def test_every_path_lies_inside_the_target_and_no_two_keys_share_one(keys, flatten, windows, folds):
    target = "/srv/target"
    found = accepted(target, keys, flatten=flatten, windows=windows, folds=folds)
    places = list(found.values())
    assert len({place.casefold() if folds else place for place in places}) == len(places)
    for key, place in found.items():
        assert os.path.normpath(place) == place
        inside = PurePosixPath(place).relative_to(target)
        assert str(inside) == (key.rpartition("/")[2] if flatten else key)
        assert not any(PurePosixPath(other).is_relative_to(place) for other in places if other != place)
        if windows:
            assert not set(str(inside)) & set('<>:"\\|?*')


@given(KEYS)
@settings(max_examples=100, deadline=None)
def test_what_is_accepted_can_be_written_and_read_back(keys):
    with tempfile.TemporaryDirectory() as target:
        found = accepted(target, keys, flatten=False, windows=False, folds=False)
        for key, place in found.items():
            os.makedirs(os.path.dirname(place), exist_ok=True)
            Path(place).write_bytes(key.encode())
        files = [path for path in Path(target).rglob("*") if path.is_file()]
        assert {str(path.relative_to(target)): path.read_bytes().decode() for path in files} == {
            key: key for key in found
        }


# --- deleting -------------------------------------------------------------------------------------------------------------


@given(st.text(st.characters(codec="utf-8"), max_size=8))
@example("\x00")
@example("\x1f")
@example("\x7f\x85")
@example("\ufffe")
@example("\U0001f388")
def test_a_key_fits_in_xml_when_a_parser_gives_it_back(key):
    try:
        read = ET.fromstring(f"<k>{escape(key, {chr(13): '&#13;'})}</k>").text or ""
    except ET.ParseError:
        read = None
    assert fits_in_xml(key) == (read == key)
