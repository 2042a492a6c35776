"""Whatever a test prints, in whatever way: a secret in it fails the run, which names the test and the kind, and not the secret."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

LEAKING = """
import json, logging, subprocess, sys, warnings
from base64 import b64encode
from urllib.parse import quote

import pytest
from tests import secrecy
from tests.azure.agent import Agent as FakeAgent
from tests.cli.conftest import Terminal
from tests.leaks import watch
from tests.vsix.agent import Agent, Step
from tests.vsix.commands import StepContext

KEY = bytes.fromhex(secrecy.CUSTOMER_KEY)
SIGNED = "https://b.s3.amazonaws.com/k?X-Amz-Signature=" + "0a" * 32
JWT = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJzYzovL2V4YW1wbGUifQ.c2lnbmF0dXJl"
HEADER = "AWS4-HMAC-SHA256 Credential=AK/20261101/r/s3/aws4_request, SignedHeaders=host, Signature=" + "0a" * 32
SECRETS = {
    "secret_access_key": secrecy.SECRET_ACCESS_KEY,
    "session_token_in_an_address": quote(secrecy.SESSION_TOKEN, safe=""),
    "system_access_token_cut_off": secrecy.ACCESS_TOKEN[:9],
    "password_of_a_proxy": "http://me:" + quote(secrecy.PASSWORD, safe="") + "@proxy:8080",
    "login": "Proxy-Authorization: Basic " + b64encode(b"me:any").decode(),
    "customer_key": secrecy.CUSTOMER_KEY,
    "customer_key_in_base64": b64encode(KEY).decode(),
    "customer_key_in_two_lines": secrecy.CUSTOMER_KEY[:40] + "\\n  " + secrecy.CUSTOMER_KEY[40:],
    "header_of_a_customer_key": "x-amz-server-side-encryption-customer-key=" + b64encode(b"1" * 32).decode(),
    "presigned_address": SIGNED,
    "signature_of_a_request": f"Authorization: {HEADER}",
    "signature_alone": "Signature=" + "0a" * 32,
    "identity_token": JWT,
    "security_token": "X-Amz-Security-Token: anything",
    "security_token_in_a_trace": "x-amz-security-token=anything",
    "keys_of_somebody": json.dumps({"SecretAccessKey": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYzEXAMPLEKE"}),
    "private_key": "-----BEGIN EC PRIVATE KEY-----",
}


@pytest.mark.parametrize("which", SECRETS)
def test_kind(which):
    print("before", SECRETS[which], "after")


S = secrecy.SECRET_ACCESS_KEY
PRINT = [sys.executable, "-c", f"print({S!r}, flush=True)"]


def test_way_stderr():
    sys.stderr.write(S)

def test_way_log():
    logging.getLogger("any").warning(S)

def test_way_capsys(capsys):
    print(S)
    capsys.readouterr()

def test_way_capfd(capfd):
    subprocess.run(PRINT)
    capfd.readouterr()

def test_way_child_that_inherits():
    subprocess.run(PRINT)

def test_way_run():
    subprocess.run(PRINT, capture_output=True)

def test_way_check_output():
    subprocess.check_output(PRINT)

def test_way_pipe_that_is_read():
    with subprocess.Popen(PRINT, stdout=subprocess.PIPE) as child:
        child.stdout.readline()

def test_way_pipe_line_by_line():
    with subprocess.Popen(PRINT, stdout=subprocess.PIPE, text=True) as child:
        list(child.stdout)

def test_way_communicate_stderr():
    PRINT[2] = "import sys; " + PRINT[2].replace("flush=True", "file=sys.stderr")
    with subprocess.Popen(PRINT, stderr=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        child.communicate()

def test_way_terminal():
    terminal = Terminal(True)
    terminal.write(S[:10])
    terminal.write(S[10:])

def test_way_step(tmp_path):
    Step(PRINT, tmp_path, {}, StepContext({}, {"System.HostType": "build"}, [])).wait()

@pytest.mark.parametrize("kind", [Agent, FakeAgent])
def test_way_file_for_the_agent(tmp_path, kind):
    agent = kind(tmp_path)
    temp = tmp_path / "_work/_temp" if kind is Agent else agent.temp
    (temp / "of-a-run").mkdir()
    (temp / "of-a-run" / "summary.md").write_text(S)
    agent.close()

def test_way_watched_after_the_test(request):
    request.addfinalizer(lambda: watch("a stream", S))

def test_way_of_one_that_fails_too():
    assert S == "something else"

def test_way_setup(tmp_path, leaving): ...

@pytest.fixture
def leaving():
    print(S)


def test_fine_what_is_hidden():
    print("X-Amz-Signature=***&X-Amz-Security-Token=***; Authorization=*** Signature=")
    print("##vso[task.setsecret]" + S)
    print("x-amz-server-side-encryption-customer-key=***; x-amz-server-side-encryption-customer-key-md5=***")
    print("http://user:***@proxy:8080 and what is said of a session token or a secret access key")

def test_fine_what_nobody_prints(tmp_path):
    (tmp_path / "credentials").write_text(S)
    assert S in (tmp_path / "credentials").read_text()
"""
ROOT = Path(__file__).parents[1]


def run(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    (folder / "pytest.ini").write_text("[pytest]\n")
    (folder / "test_it.py").write_text(LEAKING)
    command = [sys.executable, "-m", "pytest", "-p", "tests.leaks", "-ra", "-p", "no:cacheprovider", *options]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("workers", ["0", "2"])
def test_each_kind_and_each_way_fails_the_run_which_shows_no_secret(tmp_path, workers):
    ran = run(
        tmp_path, "-n", workers
    )  # that no secret is in what it prints, is seen by the plugin: it watches this run, too
    assert ran.returncode == 1, ran.stdout
    caught = set(re.findall(r"^test_it\.py::(\w+)(?:\[.+\])? printed a secret: .+ in .+$", ran.stdout, re.MULTILINE))
    ways = set(re.findall(r"def (test_way_\w+)", LEAKING)) - {"test_way_of_one_that_fails_too"}
    assert caught == {"test_kind", *ways}
    assert ran.stdout.count("::test_kind[") >= 17
    assert "3 passed" in ran.stdout  # what is fine, and the call of the one that is told of afterwards
