from __future__ import annotations

import json

import pytest

from tooling import ledger
from tooling.bundle import BuildError


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "releases.json"
    path.write_text(json.dumps({"1.0.0": {"S3Upload": "aa", "S3Download": "bb"}}))
    return path


def test_a_new_version_is_added_below_the_old_ones(file):
    ledger.record("1.1.0", {"S3Upload": "cc"}, file)
    assert list(json.loads(file.read_text()).items()) == [
        ("1.0.0", {"S3Upload": "aa", "S3Download": "bb"}),
        ("1.1.0", {"S3Upload": "cc"}),
    ]


def test_the_same_content_may_be_recorded_again(file):
    before = json.loads(file.read_text())
    ledger.record("1.0.0", before["1.0.0"], file)
    assert json.loads(file.read_text()) == before


@pytest.mark.parametrize(
    ("now", "changed"),
    [
        ({"S3Upload": "aa", "S3Download": "other"}, "S3Download"),
        ({"S3Upload": "aa"}, "S3Download"),
        ({"S3Upload": "x", "S3Download": "y"}, "S3Download, S3Upload"),
    ],
)
def test_other_content_under_a_published_version_is_refused(file, now, changed):
    before = file.read_text()
    with pytest.raises(BuildError) as refused:
        ledger.record("1.0.0", now, file)
    assert str(refused.value) == (
        f"Version 1.0.0 was published with other content of {changed}. Agents never download a version twice: "
        "raise `version` in pyproject.toml, then run `make generate` and `make vsix`."
    )
    assert file.read_text() == before


def test_every_byte_and_every_name_counts(tmp_path):
    def content(files: dict[str, bytes]) -> str:
        folder = tmp_path / str(len(list(tmp_path.iterdir())))
        for name, data in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(data)
        return ledger.content(folder)

    one = content({"a/b": b"1", "c": b"2"})
    assert one == content({"c": b"2", "a/b": b"1"})
    assert (
        len(
            {
                one,
                content({"a/b": b"1", "c": b"3"}),
                content({"a/d": b"1", "c": b"2"}),
                content({"a/b": b"1c2", "c": b""}),
            }
        )
        == 4
    )


def test_the_ledger_of_the_repository_can_be_read():
    assert isinstance(ledger.read(), dict)
