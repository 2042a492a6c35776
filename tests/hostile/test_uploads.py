"""Each entry as the name of a file: it becomes the object of that key, byte for byte, or an error names it; and all come back."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from ropeway.azure.protocol import DONE, FAILED
from tests.hostile.corpus import LENGTHS, TEXTS
from tests.hostile.reading import executed, found, named

COMMANDS = {"task.debug", "task.setprogress", "task.setvariable", "task.uploadsummary", "task.complete"}
OUTPUTS = {
    "filesUploaded",
    "filesDownloaded",
    "filesSkipped",
    "bytesUploaded",
    "bytesDownloaded",
    "s3Prefix",
    "targetFolder",
    "listFile",
}


def is_utf_8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def put(folder: Path, name: str) -> bool:
    """Whether there is a file of that name now."""
    if not {"", ".", ".."}.isdisjoint(name.split("/")):
        return False
    try:
        path = os.path.join(folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        Path(path).write_bytes(os.fsencode(name))
    except (OSError, ValueError):  # too long, a NUL, half a character
        return False
    return True


@pytest.fixture
def tree(tmp_path: Path) -> dict[str, bytes]:
    """A folder with every name that is UTF-8 and that this file system takes, each in a folder of its own, but for the longest."""
    for number, text in enumerate(filter(is_utf_8, TEXTS)):
        put(tmp_path / "source", text if text in LENGTHS.values() else f"{number}/{text}")
    too_long = LENGTHS["a key of 1,025 bytes"]
    os.unlink(tmp_path / "source" / too_long)
    return found(tmp_path / "source")


def commands_are_ours(log: bytes) -> bool:
    ran = executed(log)
    names = {command.properties["variable"] for command in ran if command.name == "task.setvariable"}
    return {command.name for command in ran} <= COMMANDS and names <= OUTPUTS


def test_all_names_go_up_and_come_back_byte_for_byte(run, s3, bucket, tree, tmp_path):
    assert len(tree) > 350
    up = run("s3_upload", bucketName=bucket, sourceFolder=str(tmp_path / "source"))
    assert up["exit code"] == str(DONE).encode(), up["log"]
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket)
    keys = [entry["Key"] for page in pages for entry in page["Contents"]]
    assert sorted(keys) == sorted(tree)
    assert {key: s3.get_object(Bucket=bucket, Key=key)["Body"].read() for key in keys} == tree
    down = run("s3_download", bucketName=bucket, targetFolder=str(tmp_path / "back"))
    assert down["exit code"] == str(DONE).encode(), down["log"]
    assert found(tmp_path / "back") == tree
    again = run("s3_upload", bucketName=bucket, sourceFolder=str(tmp_path / "source"), skipUnchanged="true")
    assert f"{len(tree)} left as it is: skip, unchanged".encode() in again["log"]
    assert all(commands_are_ours(ran["log"]) for ran in (up, down, again))


NO_KEYS = [text for text in TEXTS if re.search("[\udc80-\udcff]", text) and not re.search("[\ud800-\udc7f]", text)]


@pytest.mark.parametrize("text", [*NO_KEYS, LENGTHS["a key of 1,025 bytes"]], ids=ascii)
def test_a_name_that_can_be_no_key_is_named_in_an_error_and_nothing_is_sent(run, s3, bucket, tmp_path, text):
    put(tmp_path / "source", "harmless")
    assert put(tmp_path / "source", text)
    ran = run("s3_upload", bucketName=bucket, sourceFolder=str(tmp_path / "source"))
    assert ran["exit code"] == str(FAILED).encode()
    assert named(ran["log"], text)
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 0
