"""Brotli by a real Node: what it wrote is read back by Node's other half."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import pytest

from ropeway.errors import Cancelled, LocalFileError
from ropeway.outcome import Cancellation
from ropeway.s3.site.brotli import NODE, brotli_if_smaller

UNPACK = "process.stdout.write(require('zlib').brotliDecompressSync(require('fs').readFileSync(process.argv[1])))"


@pytest.fixture
def press(tmp_path):
    """Writes files (name -> bytes) and presses them; the bytes of what is smaller, by name."""

    def run(files, cancellation=None):
        for name, body in files.items():
            (tmp_path / name).write_bytes(body)
        targets = {str(tmp_path / name): str(tmp_path / f"{name}.br") for name in files}
        smaller = brotli_if_smaller(targets, cancellation or Cancellation())
        assert {path for path in targets if os.path.exists(targets[path])} == smaller
        return {os.path.basename(path): (tmp_path / f"{path}.br").read_bytes() for path in smaller}

    return run


def unpacked(path) -> bytes:
    return subprocess.run(["node", "-e", UNPACK, path], capture_output=True, check=True).stdout


def test_what_is_smaller_is_written_and_comes_back(press, tmp_path):
    text = b"body { color: red }\n" * 2_000 + os.urandom(10_000)
    files = {
        "a.css": text,
        'Gipfel-Caf\u00e9 \' "1".html': b"<p>high</p>" * 99,
        **{f"{n}.js": b"x" * 999 for n in range(20)},
    }
    packed = press(files)
    assert packed.keys() == files.keys()
    assert len(packed["a.css"]) < len(text)
    for name in ("a.css", 'Gipfel-Caf\u00e9 \' "1".html', "7.js"):
        assert unpacked(tmp_path / f"{name}.br") == files[name]


def test_what_would_not_be_smaller_leaves_nothing_behind(press):
    assert press({"a": b"a{}", "empty": b"", "noise": os.urandom(5000)}) == {}


def test_the_same_bytes_give_the_same_bytes(press):
    body = b"".join(b"%d %x\n" % (n, n * n) for n in range(3_000))
    packed = press({"a": body, "b": body})
    assert packed["a"] == packed["b"] == press({"a": body})["a"]


def test_one_node_presses_them_all_without_what_the_pipeline_sets_for_its_own(press, tmp_path, monkeypatch):
    node = tmp_path / "node of the agent"
    node.write_text(
        f'#!/bin/sh\necho "started $NODE_OPTIONS" >> "{tmp_path}/log"\nexec "{shutil.which("node")}" "$@"\n'
    )
    node.chmod(0o755)
    monkeypatch.setenv(NODE, str(node))
    monkeypatch.setenv("NODE_OPTIONS", "--require ./absent.js")
    assert len(press({str(n): b"x" * 1000 for n in range(12)})) == 12
    assert (tmp_path / "log").read_text() == "started \n"


def test_no_file_needs_no_node(press, monkeypatch):
    monkeypatch.setenv(NODE, "/absent/node")
    assert press({}) == {}


def test_without_a_node_it_says_what_to_do(press, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(LocalFileError, match="Brotli needs Node, and there is no program node on the PATH") as wrong:
        press({"a": b"x"})
    assert wrong.value.advice == "Install Node 20 or newer, or use gzip in ropeway.yml, which needs nothing."
    monkeypatch.setenv(NODE, "/absent/node")
    with pytest.raises(LocalFileError, match=r"Could not run /absent/node: No such file or directory\."):
        press({"a": b"x"})


def test_a_node_that_cannot_or_does_not_is_an_error(press, tmp_path, monkeypatch):
    (tmp_path / "other").mkdir()
    with pytest.raises(
        LocalFileError, match=r"Could not compress with Brotli: .*node ended with 1: ENOENT: no such file.*dir/a"
    ):
        brotli_if_smaller({str(tmp_path / "other"): str(tmp_path / "dir" / "a")}, Cancellation())
    monkeypatch.setenv(NODE, shutil.which("true"))
    with pytest.raises(LocalFileError, match=r"Could not compress .*/a to .*/a\.br: No such file"):
        press({"a": b"x" * 100})
    monkeypatch.setenv(NODE, shutil.which("false"))
    with pytest.raises(LocalFileError, match=r"false ended with 1: it said nothing\."):
        press({"a": b"x" * 100})


def test_a_stop_ends_the_node_too(press, tmp_path, monkeypatch):
    node = tmp_path / "slow"
    node.write_text(
        f"#!{sys.executable}\nimport os, time\nopen('{tmp_path}/pid', 'w').write(str(os.getpid()))\ntime.sleep(600)\n"
    )
    node.chmod(0o755)
    monkeypatch.setenv(NODE, str(node))

    class Stopped(Cancellation):
        def check(self):
            if (tmp_path / "pid").exists() and (tmp_path / "pid").read_text():
                self.ask("enough")
            super().check()

    with pytest.raises(Cancelled):
        press({"a": b"x"}, Stopped())
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)
