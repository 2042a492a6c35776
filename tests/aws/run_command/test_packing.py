"""A script as parameters of a command: nothing of it changes, whatever it holds."""

from __future__ import annotations

import base64
import gzip
import json
import subprocess

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from ropeway.aws.run_command.model import Script
from ropeway.aws.run_command.packing import MOST, packed, parameters
from ropeway.errors import InputError

TEXTS = st.text(st.characters(exclude_characters="\0", codec="utf-8"), max_size=300)


def unpacked(text: str) -> str:
    """What the short script would run, without running it."""
    _, _, rest = text.partition("<<'END'")
    return gzip.decompress(base64.b64decode(rest.partition("\n")[2].partition("\nEND\n")[0])).decode()


@given(TEXTS, st.integers(1, 3))
def test_every_sign_arrives_packed_or_not(text, times):
    assume(not (text.startswith("#!") and "{{" in text.partition("\n")[0]))
    told = parameters(Script(text * times))
    sent = "\n".join(told["commands"])
    assert (unpacked(sent) if sent != text * times else sent) == text * times
    assert "{{" not in sent
    assert len(json.dumps(told)) <= MOST


@given(TEXTS)
@example("#!\n")
def test_what_ssm_would_read_as_its_own_is_packed(text):
    assume("\n" in text or not text.startswith("#!"))
    sent = "\n".join(parameters(Script(f"{text}{{{{ssm:password}}}}"))["commands"])
    assert "{{" not in sent
    assert unpacked(sent) == f"{text}{{{{ssm:password}}}}"


def test_an_interpreter_that_ssm_would_fill_in_is_refused():
    with pytest.raises(
        InputError, match=r"The first line of a script names what runs it, and SSM would fill in '{{ssm:shell}}'"
    ):
        parameters(Script("#!{{ssm:shell}}\necho hello"))


def test_the_same_script_is_packed_to_the_same_bytes():
    assert packed("echo hello") == packed("echo hello")


@pytest.mark.parametrize(
    ("first", "shell"),
    [
        ("#!/bin/bash -e", "/bin/bash -e"),
        ("#!/usr/bin/env bash", "/usr/bin/env bash"),
        ("#! /bin/sh", "/bin/sh"),
        ("#!", "sh"),
        ("echo", "sh"),
    ],
)
def test_it_is_run_by_its_own_shell(first, shell):
    assert packed(f"{first}\nexit 3\n").splitlines()[-1] == f'{shell} "$script"'


@pytest.mark.parametrize("shell", ["sh", "bash"])
@pytest.mark.parametrize("code", [0, 3, 194, 255])
def test_its_exit_code_is_that_of_the_script_and_nothing_stays_behind(tmp_path, shell, code):
    text = packed(f"echo hello; echo $0 >&2; exit {code}")
    environment = {"TMPDIR": str(tmp_path), "PATH": "/usr/bin:/bin"}
    ended = subprocess.run([shell, "-c", text], capture_output=True, text=True, env=environment, check=False)
    assert (ended.returncode, ended.stdout) == (code, "hello\n")
    assert ended.stderr.startswith(str(tmp_path))
    assert list(tmp_path.iterdir()) == []


def test_a_host_that_cannot_unpack_it_fails_and_runs_nothing(tmp_path):
    (tmp_path / "bin").mkdir()
    for tool in ("mktemp", "base64", "rm"):
        (tmp_path / "bin" / tool).symlink_to(f"/usr/bin/{tool}")
    environment = {"TMPDIR": str(tmp_path), "PATH": str(tmp_path / "bin")}
    command = ["/bin/sh", "-c", packed("echo ran")]
    ended = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert ended.returncode == 1
    assert ended.stdout == ""
    assert "gzip" in ended.stderr


def test_other_documents_are_sent_as_they_are():
    told = parameters(Script("Write-Host '{{ }}'", 60, "C:\\shop", "AWS-RunPowerShellScript"))
    assert told == {
        "commands": ["Write-Host '{{ }}'"],
        "executionTimeout": ["60"],
        "workingDirectory": ["C:\\shop"],
    }
