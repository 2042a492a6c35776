"""What the shared options do before a task begins."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ropeway.cli.manner import Manner
from tests.aws.asked import lists_any_bucket, signers

ROPEWAY = Path(sys.executable).parent / "ropeway"


def test_a_profile_that_is_named_beats_keys_in_the_environment(ropeway, misbehaving, monkeypatch, tmp_path):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAHOSTHOSTHOST0001")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hush")
    keys = "[work]\naws_access_key_id=AKIAFILEFILEFILE0002\naws_secret_access_key=hush\n"
    Path(os.environ["AWS_SHARED_CREDENTIALS_FILE"]).write_text(keys)
    lists_any_bucket(misbehaving)
    asked = ("s3", "download", "s3://bucket", tmp_path, "--endpoint-url", misbehaving.url, "--no-match", "ignore")
    answer = ropeway(*asked, "--profile", "work")
    assert answer.code == 0, answer.err
    assert set(signers(misbehaving)) == {"AKIAFILEFILEFILE0002"}
    assert (
        "Acting with the host: shared credentials file, profile work (access key AKIA…0002), region eu-west-1"
        in answer.err
    )


def test_a_command_line_that_cannot_be_read_still_says_how_to_answer():
    assert Manner.seen_in(["s3", "--nonsense", "--json", "--no-color"]) == Manner(json=True, no_color=True)


@pytest.mark.parametrize("option", ["--json", "--strict", "--verbose", "--debug", "--no-color", "--profile"])
def test_every_task_has_the_shared_options(ropeway, carry, option):
    carry()
    assert f"\n  {option}" in ropeway("s3", "upload", "--help").out


def test_an_answer_that_cannot_be_written_is_a_failure():
    with open("/dev/full", "w") as full:
        ran = subprocess.run(
            [ROPEWAY, "--version"], stdout=full, stderr=subprocess.PIPE, text=True, check=False, timeout=60
        )
    assert ran.returncode == 1
    assert ran.stderr == "Error: Could not write the answer to standard output: No space left on device.\n"


@pytest.mark.parametrize("closed", ["1", "2"])
def test_a_stream_that_is_closed_takes_nothing_and_the_other_one_tells(closed):
    command = f"{ROPEWAY} s3 upload nowhere mybucket --json {closed}>&-"
    ran = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False, timeout=60)
    assert ran.returncode == 2
    assert "Traceback" not in ran.stdout + ran.stderr
    assert ("The target is 'mybucket'" in ran.stdout) == (closed != "1")


def test_a_reader_that_leaves_early_gets_no_trace():
    command = f"{ROPEWAY} s3 upload --help | head -1"
    ran = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True, timeout=60)
    assert ran.stdout.startswith("Usage: ropeway s3 upload")
    assert ran.stderr == ""


def loaded_by(*arguments: str) -> set[str]:
    """The modules that a command has imported when it ends."""
    code = """
import sys
from ropeway import cli
try:
    cli.main(sys.argv[1:])
except SystemExit:
    print("\\n---", *sys.modules, sep="\\n")
"""
    ran = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True, timeout=60
    )
    return set(ran.stdout.split("\n---\n")[1].split())


def test_only_what_is_asked_for_is_loaded():
    assert not {name for name in loaded_by("--version") if name.startswith(("ropeway.tasks.s3", "botocore", "moto"))}
    help = loaded_by("s3", "upload", "--help")
    assert "ropeway.tasks.s3_upload" in help
    assert not {name for name in help if name.startswith(("ropeway.tasks.s3_download", "botocore", "moto"))}
