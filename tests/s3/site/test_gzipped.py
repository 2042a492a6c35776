from __future__ import annotations

import gzip
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ropeway.errors import Cancelled, LocalFileError
from ropeway.outcome import Cancellation
from ropeway.s3.site.gzipped import gzip_if_smaller


def test_what_is_smaller_is_written_and_any_gunzip_reads_it(tmp_path):
    (tmp_path / "a.css").write_bytes(b"body { color: red }\n" * 200_000)
    assert gzip_if_smaller(str(tmp_path / "a.css"), str(tmp_path / "packed.gz"), Cancellation())
    unpacked = subprocess.run(["gzip", "-dc", tmp_path / "packed.gz"], capture_output=True, check=True).stdout
    assert unpacked == (tmp_path / "a.css").read_bytes()


def test_what_would_not_be_smaller_leaves_nothing_behind(tmp_path):
    (tmp_path / "a.css").write_bytes(b"a{}")
    assert not gzip_if_smaller(str(tmp_path / "a.css"), str(tmp_path / "packed.gz"), Cancellation())
    assert not (tmp_path / "packed.gz").exists()


@given(st.binary(max_size=2000))
def test_every_text_comes_back(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("any")
    (folder / "a").write_bytes(data + bytes(1000))
    assert gzip_if_smaller(str(folder / "a"), str(folder / "b"), Cancellation())
    assert gzip.decompress((folder / "b").read_bytes()) == data + bytes(1000)


def test_neither_name_nor_time_is_in_the_bytes(tmp_path):
    for name in ("a.css", "b.css"):
        (tmp_path / name).write_bytes(b"x" * 1000)
        gzip_if_smaller(str(tmp_path / name), str(tmp_path / f"{name}.gz"), Cancellation())
    assert (tmp_path / "a.css.gz").read_bytes() == (tmp_path / "b.css.gz").read_bytes()
    assert (tmp_path / "a.css.gz").read_bytes()[:10] == bytes.fromhex("1f8b080000000000 02ff")


def test_a_file_that_cannot_be_read_and_a_stop_are_told(tmp_path):
    with pytest.raises(LocalFileError, match=r"Could not compress .*absent to .*: No such file"):
        gzip_if_smaller(str(tmp_path / "absent"), str(tmp_path / "b"), Cancellation())
    (tmp_path / "a").write_bytes(b"x" * 1000)
    stopped = Cancellation()
    stopped.ask("enough")
    with pytest.raises(Cancelled):
        gzip_if_smaller(str(tmp_path / "a"), str(tmp_path / "b"), stopped)
