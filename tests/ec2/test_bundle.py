"""A bundle: the same tree gives the same bytes, another one others, and nothing in it leads out of it."""

from __future__ import annotations

import gzip
import hashlib
import io
import lzma
import os
import shutil
import socket
import tarfile
import tracemalloc
import uuid
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ropeway.ec2.app import App, HookScript
from ropeway.ec2.bundle import Bundle, app_table, make
from ropeway.errors import Cancelled, InputError, LocalFileError
from ropeway.outcome import Cancellation
from tests.ec2.trees import APP, File, Link, Tree, as_folder, as_tar, as_zip


def packed(source: Path, into: Path, app: App | None = None) -> Bundle:
    into.mkdir(exist_ok=True)
    return make(str(source), str(into), app)


def held(bundle: Bundle) -> dict[str, tarfile.TarInfo]:
    with tarfile.open(bundle.path) as archive:
        return {member.name: member for member in archive}


# --- what is in it --------------------------------------------------------------------------------------------------------------


def test_it_is_found_under_its_sha256_and_holds_the_tree(tmp_path):
    bundle = packed(as_folder(APP, tmp_path / "shop"), tmp_path / "out")
    body = Path(bundle.path).read_bytes()
    assert bundle.sha256 == hashlib.sha256(body).hexdigest()
    assert (bundle.size, Path(bundle.path).name) == (len(body), f"{bundle.sha256}.tar.gz")
    assert bundle.content == hashlib.sha256(gzip.decompress(body)).hexdigest()
    members = held(bundle)
    assert bundle.files == len(members) - 2  # all but what we add ourselves: `app` and `release`
    assert {name.removeprefix("release/") for name in members} >= APP.keys()
    assert members["release/bin/latest"].linkname == "serve"
    assert members["release/web/index.html"].size == 6500
    assert bundle.unpacked >= 6500


def test_nothing_of_the_machine_is_in_it(tmp_path):
    for member in held(packed(as_folder(APP, tmp_path / "shop"), tmp_path / "out")).values():
        assert (member.mtime, member.uid, member.gid, member.uname, member.gname) == (0, 0, 0, "", "")


@pytest.mark.parametrize(
    ("given", "kept"),
    [(0o644, 0o644), (0o664, 0o644), (0o600, 0o600), (0o777, 0o755), (0o750, 0o750), (0o711, 0o700), (0o4755, 0o755), (0o400, 0o600)],
)  # fmt: skip
def test_of_a_mode_remains_who_may_read_and_run(tmp_path, given, kept):
    tree = as_folder({"file": File(b"x", given)}, tmp_path / "shop")
    assert held(packed(tree, tmp_path / "out"))["release/file"].mode == kept


def test_scripts_of_hooks_become_executable_because_artifacts_lose_that(tmp_path):
    tree = as_folder(
        {"s/start.sh": File(b"#!/bin/sh\n", 0o644), "link": Link("s/other"), "s/other": File(b"x")}, tmp_path / "a"
    )
    app = App((HookScript("ApplicationStart", "s/start.sh"), HookScript("ApplicationStop", "link")))
    members = held(packed(tree, tmp_path / "out", app))
    assert [members[f"release/s/{name}"].mode for name in ("start.sh", "other")] == [0o755, 0o755]


# --- the same and not the same ----------------------------------------------------------------------------------------------------


def test_folder_zip_and_tar_of_a_tree_make_the_same_bundle(tmp_path):
    sources = [
        as_folder(APP, tmp_path / "folder"),
        as_zip(APP, tmp_path / "shop.zip"),
        as_tar(APP, tmp_path / "shop.tar.gz"),
        as_tar(dict(reversed(APP.items())), tmp_path / "shop.tar", "w:"),
        as_tar({f"./{name}": item for name, item in APP.items()}, tmp_path / "shop.tar.xz", "w:xz"),
    ]
    assert len({packed(source, tmp_path / "out").sha256 for source in sources}) == 1


def test_neither_time_nor_umask_nor_place_make_a_difference(tmp_path):
    first = packed(as_folder(APP, tmp_path / "one"), tmp_path / "out")
    other = shutil.copytree(tmp_path / "one", tmp_path / "somewhere" / "else", symlinks=True)
    for path in other.rglob("*"):
        if not path.is_symlink():
            os.utime(path, (1, 1))
            path.chmod(path.stat().st_mode | 0o020)
    assert packed(other, tmp_path / "out") == first


NAMES = st.text("ab.\u00e9 -", min_size=1, max_size=4).filter(lambda name: name.strip(".") != "")
PATHS = st.lists(NAMES, min_size=1, max_size=3).map("/".join)
FILES = st.builds(File, st.binary(max_size=40), st.sampled_from([0o644, 0o755, 0o600]))
TREES = st.dictionaries(PATHS, FILES, min_size=1, max_size=5).filter(
    lambda tree: not any(one.startswith(f"{other}/") for one in tree for other in tree)
)


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("trees")


@given(TREES, TREES)
def test_two_bundles_are_the_same_when_the_trees_are(scratch, one, other):
    def sha256(tree: Tree) -> tuple[str, str]:
        bundle = packed(as_folder(tree, scratch / uuid.uuid4().hex), scratch / "out")
        return bundle.sha256, bundle.content

    assert sha256(one) == sha256(dict(reversed(one.items())))
    first, second = sha256(one), sha256(other)
    assert (first == second) == (one == other)
    assert (first[0] == second[0]) == (first[1] == second[1])


def test_another_hook_is_another_release(tmp_path):
    tree = as_folder({"a.sh": File(b"x")}, tmp_path / "shop")
    timeouts = [App((HookScript("ApplicationStart", "a.sh", seconds),)) for seconds in (10, 20)]
    assert len({packed(tree, tmp_path / "out", app).content for app in timeouts}) == 2


def test_the_app_as_the_host_reads_it():
    app = App((HookScript("ApplicationStart", "a b.sh", 60, "shop"), HookScript("ApplicationStop", "c")), ("log/", "x"))
    assert app_table(app).decode().splitlines() == [
        "hook\tApplicationStart\t60\tshop\ta b.sh",
        "hook\tApplicationStop\t300\t-\tc",
        "shared\tfolder\tlog",
        "shared\tfile\tx",
        "end",
    ]


# --- the app in it ------------------------------------------------------------------------------------------------------------------


def test_the_app_is_read_from_the_bundle_unless_another_one_is_given(tmp_path):
    told = File(b"hooks: {ApplicationStart: a.sh}")
    archive = as_zip({"ropeway-app.yml": told, "a.sh": File(b"x")}, tmp_path / "shop.zip")
    assert packed(archive, tmp_path / "out").app == App((HookScript("ApplicationStart", "a.sh"),))
    assert packed(archive, tmp_path / "out", App(owner="shop")).app == App(owner="shop")


def test_a_hook_without_its_file_is_refused_before_anything_is_packed(tmp_path):
    tree = as_folder({"a": File(), "b": None, "c": Link("nowhere")}, tmp_path / "shop")
    app = App(
        (
            HookScript("ApplicationStart", "start.sh"),
            HookScript("ApplicationStop", "b"),
            HookScript("AfterInstall", "c"),
        )
    )
    with pytest.raises(InputError) as refused:
        packed(tree, tmp_path / "out", app)
    assert [problem.split(", which")[0] for problem in refused.value.problems] == [
        "ApplicationStart runs start.sh", "ApplicationStop runs b", "AfterInstall runs c",
    ]  # fmt: skip
    assert not list((tmp_path / "out").iterdir())


def test_a_script_with_windows_line_ends_is_refused(tmp_path):
    tree = as_folder({"a.sh": File(b"#!/bin/bash\r\necho hi\r\n")}, tmp_path / "shop")
    with pytest.raises(InputError, match=r"a\.sh of ApplicationStart has Windows line ends"):
        packed(tree, tmp_path / "out", App((HookScript("ApplicationStart", "a.sh"),)))


def test_who_comes_from_codedeploy_is_told_how_to_move(tmp_path):
    tree = {"appspec.yml": File(b"version: 0.0"), "a": File()}
    with pytest.raises(InputError, match=r"There is an appspec\.yml .* script for its location, user for runas"):
        packed(as_folder(tree, tmp_path / "one"), tmp_path / "out")
    both = as_folder({**tree, "ropeway-app.yml": File(b"")}, tmp_path / "both")
    assert packed(both, tmp_path / "out").app == App()
    assert packed(tmp_path / "one", tmp_path / "out", App()).app == App()


def test_a_mistake_in_the_app_is_told_with_its_line(tmp_path):
    tree = as_folder({"ropeway-app.yml": File(b"\nhook: {}\n")}, tmp_path / "shop")
    with pytest.raises(InputError, match=r"^ropeway-app\.yml:2:1: 'hook' is not a setting"):
        packed(tree, tmp_path / "out")


def test_a_shared_path_behind_a_link_is_refused(tmp_path):
    tree = as_folder({"real/a": File(), "x": Link("real")}, tmp_path / "shop")
    with pytest.raises(InputError, match="x/log/ lies below x, which is a link"):
        packed(tree, tmp_path / "out", App(shared=("x/log/",)))


# --- what nobody may put into it ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "tree",
    [
        {"out": Link("/etc/passwd")},
        {"out": Link("../secret")},
        {"a/b/out": Link("../../../secret")},
        {"deep/er": None, "in": Link("deep/er"), "out": Link("in/../../..")},
        {"a/b/top": Link("../.."), "a/b/out": Link("top/..")},
        {"round": Link("about"), "about": Link("round")},
    ],
)
@pytest.mark.parametrize("kind", ["folder", "zip", "tar"])
def test_links_that_lead_out_are_refused(tmp_path, tree, kind):
    make_it = {"folder": as_folder, "zip": as_zip, "tar": as_tar}[kind]
    with pytest.raises(LocalFileError, match=r"lead out of it: .* -> "):
        packed(make_it(tree, tmp_path / "shop"), tmp_path / "out")


def test_links_within_it_stay_links_even_through_others(tmp_path):
    tree: Tree = {"deep/er/file": File(b"x"), "in": Link("deep/er"), "back": Link("in/.."), "later": Link("not/there")}
    members = held(packed(as_folder(tree, tmp_path / "shop"), tmp_path / "out"))
    links = {name.removeprefix("release/"): info.linkname for name, info in members.items() if info.issym()}
    assert links == {"in": "deep/er", "back": "in/..", "later": "not/there"}


@pytest.mark.parametrize("name", ["/etc/cron.d/evil", "../evil", "a/../../evil"])
@pytest.mark.parametrize("make_it", [as_zip, as_tar])
def test_archives_with_paths_that_lead_out_are_refused(tmp_path, name, make_it):
    with pytest.raises(LocalFileError, match="lies outside of it"):
        packed(make_it({name: File(b"x")}, tmp_path / "archive"), tmp_path / "out")


def test_a_file_below_a_link_is_refused(tmp_path):
    archive = as_tar({"a": Link("b"), "a/x": File(b"x"), "b/y": File()}, tmp_path / "archive")
    with pytest.raises(LocalFileError, match=r"a/x .* lies in a, which is no folder"):
        packed(archive, tmp_path / "out")


def test_devices_pipes_and_sockets_are_refused(tmp_path, monkeypatch):
    pipe = as_folder({"a": File()}, tmp_path / "pipe")
    os.mkfifo(pipe / "fifo")
    with pytest.raises(LocalFileError, match="fifo is no file, no folder and no link"):
        packed(pipe, tmp_path / "out")
    listening = as_folder({"a": File()}, tmp_path / "s")
    with socket.socket(socket.AF_UNIX) as listener:
        monkeypatch.chdir(listening)  # a socket's path has at most 107 bytes
        listener.bind("socket")
        with pytest.raises(LocalFileError, match="socket is no file"):
            packed(listening, tmp_path / "out")
    device = tarfile.TarInfo("null")
    device.type, device.devmajor, device.devminor = tarfile.CHRTYPE, 1, 3
    with tarfile.open(tmp_path / "device.tar", "w") as archive:
        archive.addfile(device)
    with pytest.raises(LocalFileError, match=r"null in .* is no file"):
        packed(tmp_path / "device.tar", tmp_path / "out")


def test_a_hard_link_of_an_archive_is_the_file_it_leads_to(tmp_path):
    with tarfile.open(tmp_path / "a.tar.gz", "w:gz") as archive:
        first, second = tarfile.TarInfo("one"), tarfile.TarInfo("two")
        first.size = 5
        second.type, second.linkname = tarfile.LNKTYPE, "one"
        archive.addfile(first, io.BytesIO(b"hello"))
        archive.addfile(second)
    alike = as_folder({"one": File(b"hello"), "two": File(b"hello")}, tmp_path / "alike")
    assert packed(tmp_path / "a.tar.gz", tmp_path / "out").sha256 == packed(alike, tmp_path / "out").sha256


def test_a_tar_archive_that_ends_with_a_jar_is_not_taken_for_the_jar(tmp_path):
    """A zip is known by its end: a tar archive has one there, when its last file is a jar and nothing compresses it."""
    jar = as_zip({"META-INF/MANIFEST.MF": File(b"x")}, tmp_path / "shop.jar").read_bytes()
    tree = {"ropeway-app.yml": File(b"owner: shop"), "shop.jar": File(jar)}
    bundle = packed(as_tar(tree, tmp_path / "shop.tar", "w:"), tmp_path / "out")
    assert held(bundle).keys() == {"app", "release", "release/ropeway-app.yml", "release/shop.jar"}
    assert bundle.app == App(owner="shop")


# --- what cannot be packed --------------------------------------------------------------------------------------------------------------


def test_nothing_and_what_is_not_there_are_refused(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(LocalFileError, match="There is nothing in"):
        packed(tmp_path / "empty", tmp_path / "out")
    with pytest.raises(LocalFileError, match="There is no "):
        packed(tmp_path / "absent", tmp_path / "out")
    (tmp_path / "text").write_text("no archive")
    with pytest.raises(LocalFileError, match="is no folder, and no zip or tar archive"):
        packed(tmp_path / "text", tmp_path / "out")


def test_an_archive_that_is_cut_off_is_refused(tmp_path):
    archive = as_tar({"a": File(os.urandom(100_000))}, tmp_path / "whole.tar.gz")
    cut = tmp_path / "cut.tar.gz"
    cut.write_bytes(archive.read_bytes()[:50_000])
    with pytest.raises(LocalFileError, match="cannot be unpacked"):
        packed(cut, tmp_path / "out")


def test_a_zip_with_damaged_bytes_is_refused(tmp_path):
    archive = as_zip({"a": File(os.urandom(1000))}, tmp_path / "a.zip")
    body = bytearray(archive.read_bytes())
    body[500] ^= 0xFF
    archive.write_bytes(body)
    with pytest.raises(LocalFileError, match="The bundle cannot be made: Bad CRC-32"):
        packed(archive, tmp_path / "out")
    assert not list((tmp_path / "out").iterdir())


def damaged(how: str, tmp_path: Path) -> Path:
    """An archive of three files as it is when something went wrong on its way."""
    body = bytearray(as_tar({name: File(name.encode() * 600) for name in "abc"}, tmp_path / "whole", "w:").read_bytes())
    second = 3 * tarfile.BLOCKSIZE  # a header and two blocks before it
    if how == "cut.tar":
        body = body[: 2 * second]
    if how.startswith("header."):
        body[second] ^= 0xFF
    whole = {"gz": lambda told: gzip.compress(told, 0), "xz": lzma.compress}.get(how.rpartition(".")[2], bytes)(
        bytes(body)
    )
    if how == "content.tar.gz":
        whole = whole.replace(b"b" * 600, b"b" * 599 + b"X")
    path = tmp_path / how
    path.write_bytes(whole[:-8] if how.startswith("trailer.") else whole)
    return path


@pytest.mark.parametrize(
    "how", ["cut.tar", "header.tar", "header.tar.gz", "content.tar.gz", "trailer.tar.gz", "trailer.tar.xz"]
)
def test_an_archive_that_is_damaged_is_refused_and_not_deployed_in_part(tmp_path, how):
    with pytest.raises(LocalFileError, match=rf"{how} cannot be unpacked: .* Look at how it was made\."):
        packed(damaged(how, tmp_path), tmp_path / "out")
    assert not list((tmp_path / "out").iterdir())


def test_a_zip_whose_names_are_no_text_is_refused(tmp_path):
    archive = as_zip({"\u00e4": File(b"x")}, tmp_path / "a.zip")
    archive.write_bytes(archive.read_bytes().replace("\u00e4".encode(), b"\xff\xfe"))
    with pytest.raises(LocalFileError, match="cannot be unpacked: 'utf-8' codec can't decode"):
        packed(archive, tmp_path / "out")


def test_a_zip_that_is_packed_by_lzma_and_damaged_is_refused(tmp_path):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("a", os.urandom(10_000))
    body = bytearray(path.read_bytes())
    body[50:60] = b"\xff" * 10
    path.write_bytes(body)
    with pytest.raises(LocalFileError, match="The bundle cannot be made: "):
        packed(path, tmp_path / "out")


def test_a_link_as_long_as_a_file_is_refused_before_it_is_read(tmp_path):
    archive = as_zip({"a": Link("x" * 5000)}, tmp_path / "a.zip")
    with pytest.raises(LocalFileError, match=r"a in .*a\.zip is a link of 5000 bytes\."):
        packed(archive, tmp_path / "out")


def test_a_hard_link_to_a_folder_is_refused(tmp_path):
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        folder, link = tarfile.TarInfo("folder"), tarfile.TarInfo("link")
        folder.type = tarfile.DIRTYPE
        link.type, link.linkname = tarfile.LNKTYPE, "folder"
        archive.addfile(folder)
        archive.addfile(link)
    with pytest.raises(LocalFileError, match=r"link in .*a\.tar is a hard link to folder, which is no file\."):
        packed(tmp_path / "a.tar", tmp_path / "out")


@pytest.mark.parametrize("becomes", [b"", b"longer than it was"])
def test_a_file_that_changes_while_it_is_packed_is_refused(tmp_path, monkeypatch, becomes):
    tree = as_folder({"a": File(b"hello"), "b": File(b"x")}, tmp_path / "shop")
    from ropeway.ec2 import bundle as room

    def read_then_change(*given: object) -> object:
        entries = read_tree(*given)
        (tree / "a").write_bytes(becomes)
        return entries

    read_tree = room.read_tree
    monkeypatch.setattr(room, "read_tree", read_then_change)
    with pytest.raises(LocalFileError, match="a changed while it was packed"):
        packed(tree, tmp_path / "out")


def test_a_zip_of_windows_is_read_with_its_backslashes(tmp_path):
    path = tmp_path / "net.zip"
    with zipfile.ZipFile(path, "w") as archive:
        info = zipfile.ZipInfo("x")
        info.filename, info.create_system = "web\\index.html", 0
        archive.writestr(info, b"hello")
    assert held(packed(path, tmp_path / "out"))["release/web/index.html"].mode == 0o644


def test_it_stops_when_it_is_asked_to(tmp_path):
    cancellation = Cancellation()
    cancellation.ask("the pipeline was cancelled")
    with pytest.raises(Cancelled):
        make(str(as_folder(APP, tmp_path / "shop")), str(tmp_path), cancellation=cancellation)


def test_memory_does_not_grow_with_the_size_of_files(tmp_path):
    big = as_folder({"big": File(b"")}, tmp_path / "shop")
    with open(big / "big", "r+b") as file:
        file.truncate(60_000_000)
    tracemalloc.start()
    packed(big, tmp_path / "out")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 20_000_000  # what else runs in this process takes some, too
