"""`ropeway local`: one server a user, in a process of its own."""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import ClassVar

import boto3
import pytest

from ropeway.errors import LocalFileError, RopewayError
from ropeway.local import daemon, state
from ropeway.version import VERSION
from tests.local.running import Runner


@pytest.fixture(autouse=True)
def left_behind() -> Iterator[None]:
    yield
    daemon.down()


def client(running: daemon.Running):
    connection = running.aws.connection
    return boto3.client(
        "s3",
        endpoint_url=running.endpoint_url,
        region_name=running.aws.region,
        aws_access_key_id=connection.access_key_id,
        aws_secret_access_key=connection.secret_access_key,
    )


def test_up_starts_one_and_finds_it_again():
    first = daemon.up()
    assert (first.began, first.after_crash, first.running.version) == (True, False, VERSION)
    assert abs(first.running.started - time.time()) < 60
    again = daemon.up()
    assert (again.began, again.running) == (False, first.running)


def test_two_at_once_start_one():
    program = "from ropeway.local import daemon; up = daemon.up(); print(up.running.pid, up.began)"
    racing = [subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) for _ in range(3)]
    told = [process.communicate()[0].split() for process in racing]
    assert len({pid for pid, _ in told}) == 1
    assert sorted(began for _, began in told) == ["False", "False", "True"]
    assert daemon.status().pid == int(told[0][0])


def test_it_holds_what_was_stored_until_it_is_emptied():
    s3 = client(daemon.up().running)
    s3.create_bucket(Bucket="kept")
    s3.put_object(Bucket="kept", Key="a", Body=b"123")
    s3.put_object(Bucket="kept", Key="b", Body=b"4")
    s3.close()
    assert daemon.status().buckets == (daemon.BucketHeld("kept", 2, 4),)
    assert daemon.reset().buckets == ()
    assert daemon.status().buckets == ()


def test_down_ends_the_process_and_forgets_it():
    running = daemon.up().running
    assert daemon.down() == running
    assert not state.state_path().exists()
    with pytest.raises(ProcessLookupError):
        os.kill(running.pid, 0)
    assert (daemon.status(), daemon.reset(), daemon.down()) == (None, None, None)


def test_what_is_written_down_is_for_the_user_alone():
    daemon.up()
    assert stat.S_IMODE(state.state_path().stat().st_mode) == 0o600
    assert stat.S_IMODE(state.folder().stat().st_mode) == 0o700


def test_a_crash_is_noticed_and_mended():
    crashed = daemon.up().running
    os.kill(crashed.pid, signal.SIGKILL)
    while daemon.status():
        time.sleep(0.01)
    assert state.state_path().exists()
    up = daemon.up()
    assert (up.began, up.after_crash) == (True, True)
    assert up.running.pid != crashed.pid


class Stranger(BaseHTTPRequestHandler):
    """Another program that got the port of a server that crashed."""

    asked: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.asked.append(self.command)
        body = json.dumps({"pid": 1, "buckets": []}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET  # noqa: N815

    def log_message(self, *_: object) -> None: ...


def test_another_program_at_the_port_is_left_alone():
    with HTTPServer(("127.0.0.1", 0), Stranger) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        state.make_folder()
        url = f"http://127.0.0.1:{server.server_address[1]}"
        state.write(state.State(url, os.getpid(), VERSION, 0.0, "token"))
        assert daemon.status() is None
        assert daemon.down() is None
        assert set(Stranger.asked) == {"GET"}
        server.shutdown()
        thread.join()


def test_a_server_that_hangs_is_an_error_that_says_which_process(monkeypatch):
    running = daemon.up().running
    os.kill(running.pid, signal.SIGSTOP)
    words = f"process {running.pid}.* does not answer.* End process {running.pid}"
    try:
        with monkeypatch.context() as hurried:
            hurried.setattr(daemon, "ANSWER_SECONDS", 0.2)  # only now: one that starts, or stops, may take longer
            with pytest.raises(RopewayError, match=words):
                daemon.up()
    finally:
        os.kill(running.pid, signal.SIGCONT)


def test_a_server_that_is_no_longer_written_down_ends_by_itself():
    running = daemon.up().running
    state.forget()
    daemon._begun[-1].wait(120)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", int(running.endpoint_url.rpartition(":")[2])))


def test_only_its_owner_may_stop_it():
    running = daemon.up().running
    stranger = state.State(running.endpoint_url, running.pid, VERSION, 0.0, "guessed")
    assert daemon._ask(stranger, "POST", "/stop") == {}
    assert daemon.status() == running


def test_a_start_that_fails_names_the_log(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(state.folder()))
    (state.folder() / "moto").mkdir(parents=True)
    (state.folder() / "moto" / "__init__.py").write_text("raise SystemExit('moto is broken')")
    with pytest.raises(RopewayError, match=r"did not start\. Its log says why: ") as caught:
        daemon.up()
    assert "moto is broken" in state.log_path().read_text()
    assert str(state.log_path()) in str(caught.value)


def test_without_moto_it_says_what_to_install(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(
        RopewayError, match=r"not installed\. Install it, in a checkout of Ropeway: pip install '\.\[local\]'"
    ):
        daemon.up()


def test_a_state_folder_that_cannot_be_made_is_named(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    with pytest.raises(LocalFileError, match=r"Could not make the folder .*file/ropeway: Not a directory"):
        daemon.up()
    monkeypatch.delenv("XDG_STATE_HOME")


@pytest.mark.parametrize(
    ("platform", "variables", "expected"),
    [
        ("linux", {}, "{home}/.local/state/ropeway"),
        ("linux", {"XDG_STATE_HOME": "/elsewhere"}, "/elsewhere/ropeway"),
        ("darwin", {}, "{home}/Library/Application Support/ropeway"),
        ("win32", {"LOCALAPPDATA": "/local"}, "/local/ropeway"),
    ],
)
def test_the_state_lies_where_the_platform_keeps_such_things(hermetic, monkeypatch, platform, variables, expected):
    monkeypatch.setattr(state.sys, "platform", platform)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert state.folder().as_posix() == expected.format(home=hermetic)


def test_its_instances_run_commands_and_end_with_it():
    running = daemon.up().running
    (seen,) = running.aws.instances.add()
    connection = running.aws.connection
    ssm = boto3.client(
        "ssm",
        endpoint_url=running.endpoint_url,
        region_name=running.aws.region,
        aws_access_key_id=connection.access_key_id,
        aws_secret_access_key=connection.secret_access_key,
    )
    told = Runner(ssm).run("setsid sleep 600 >/dev/null 2>&1 & echo $!", to=seen.id)
    ssm.close()
    assert running.aws.instances.all() == [seen]
    daemon.down()
    assert not Path("/proc", told["StandardOutputContent"].strip()).exists()
    assert not Path(seen.folder).exists()
