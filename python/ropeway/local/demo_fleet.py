"""The demo's third act: a service on three instances is released, released again, and a release that fails on one of them is put back.

A visitor asks all the time, and takes the next instance when one does not answer: everything that it asks is answered.
"""

from __future__ import annotations

import http.client
import os
import shlex
import sys
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from ropeway import terminal
from ropeway.errors import DeployFailed, IntegrityError
from ropeway.local.embedded import EmbeddedAws
from ropeway.local.instances.api import InstanceSeen
from ropeway.local.instances.fleet import SUPPORTED
from ropeway.local.stage import BUCKET, Stage, Texts, do
from ropeway.outcome import counted
from ropeway.tasks.ec2_deploy import TASK

PORT = 8080

APP = """hooks:
  ApplicationStop: scripts/stop.sh
  ApplicationStart: scripts/start.sh
  ValidateService: {script: scripts/validate.sh, timeout: 30s}
shared: [run/]
"""

SERVICE = f"""import http.server, os, pathlib, sys

VERSION = pathlib.Path(__file__).with_name("VERSION").read_bytes()
ADDRESS = (os.environ["INSTANCE_ADDRESS"], {PORT})


class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", str(len(VERSION)))
        self.end_headers()
        self.wfile.write(VERSION)

    def log_message(self, *_):
        pass


http.server.ThreadingHTTPServer(ADDRESS, Answer).serve_forever(poll_interval=3600)
"""

ASK = f"""import os, pathlib, sys, time, urllib.request

WANTED = pathlib.Path("VERSION").read_bytes()
for _ in range(100):
    try:
        with urllib.request.urlopen("http://" + os.environ["INSTANCE_ADDRESS"] + ":{PORT}/", timeout=2) as answer:
            sys.exit(0 if answer.read() == WANTED else "another version answers")
    except OSError:
        time.sleep(0.1)
sys.exit("nobody answers")
"""

STOP = """#!/bin/bash
[ -f run/pid ] || exit 0
pid=$(cat run/pid)
kill "$pid" 2>/dev/null || exit 0
while kill -0 "$pid" 2>/dev/null; do sleep 0.05; done
"""

START = """#!/bin/bash
setsid {python} service.py </dev/null >run/service.log 2>&1 &
echo $! >run/pid
"""

VALIDATE = """#!/bin/bash
{broken}exec {python} ask.py
"""

BROKEN = '[ "$AWS_SSM_INSTANCE_ID" != {where} ] || {{ echo "the database is not reached from here" >&2; exit 3; }}\n'


def perform(stage: Stage) -> None:
    """Raises what a step raises, and IntegrityError when the fleet is not as it was said to be."""
    if not SUPPORTED:
        stage.say("", "Deploys to instances are shown on Linux alone: elsewhere this AWS has no instances.")
        return
    hosts = fleet(stage.aws)
    build(Path(), hosts)
    with _endpoint(stage), _visitor(hosts) as visitor:
        stage.head(
            "9. A service comes to three instances", "Staged on all, then switched batch by batch, each one proved."
        )
        do(stage, TASK, texts("v1", "100%"))
        _see(stage, hosts, "v1")
        visitor.begins.set()

        stage.head("10. The next release", "One instance at a time. Somebody asks the service all the while.")
        do(stage, TASK, texts("v2", "1"))
        _see(stage, hosts, "v2")

        stage.head(
            "11. A release that fails",
            "Its last hook finds no database from one of the instances: everything goes back.",
        )
        _fail(stage)
        _see(stage, hosts, "v2")
    _told(stage, visitor.answers)


def fleet(aws: EmbeddedAws) -> list[InstanceSeen]:
    return sorted(aws.instances.add(3, tags={"app": "cabins"}), key=lambda host: host.id)


def build(folder: Path, hosts: Sequence[InstanceSeen]) -> None:
    """Three releases, of which the third does not work on the last host."""
    for version, broken in (("v1", ""), ("v2", ""), ("v3", hosts[2].id)):
        _build(folder / f"cabins-{version}", version, broken)


def texts(version: str, batches: str) -> Texts:
    return {
        "source_path": f"cabins-{version}",
        "application": "cabins",
        "bucket_name": BUCKET,
        "instance_tags": "app=cabins",
        "release_id": version,
        "batches": batches,
    }


def _fail(stage: Stage) -> None:
    try:
        do(stage, TASK, texts("v3", "1"))
    except DeployFailed as expected:
        stage.say("")
        terminal.render_error(stage.screen, expected)
        return
    raise IntegrityError("v3 fails on one instance, and was deployed all the same.", advice="This is a bug in Ropeway.")


def _build(folder: Path, version: str, broken: str) -> None:
    """What a pipeline would have built."""
    (folder / "scripts").mkdir(parents=True)
    for name, text in (("VERSION", version), ("service.py", SERVICE), ("ask.py", ASK), ("ropeway-app.yml", APP)):
        (folder / name).write_text(text)
    where = BROKEN.format(where=broken) if broken else ""
    scripts = {"stop.sh": STOP, "start.sh": START, "validate.sh": VALIDATE}
    for name, text in scripts.items():
        script = folder / "scripts" / name
        script.write_text(text if name == "stop.sh" else text.format(python=shlex.quote(sys.executable), broken=where))
        script.chmod(0o755)


@contextmanager
def _endpoint(stage: Stage) -> Iterator[None]:
    """Of every service: the endpoint among the inputs is S3's."""
    before = os.environ.get("AWS_ENDPOINT_URL")
    os.environ["AWS_ENDPOINT_URL"] = stage.aws.endpoint_url
    try:
        yield
    finally:
        del os.environ["AWS_ENDPOINT_URL"]
        if before is not None:
            os.environ["AWS_ENDPOINT_URL"] = before


# --- as a visitor sees it ------------------------------------------------------------------------------------------------------


def _see(stage: Stage, hosts: Sequence[InstanceSeen], version: str) -> None:
    answers = [_get(host) for host in hosts]
    if answers != [version] * len(hosts):
        raise IntegrityError(f"The instances answer {answers}, and not {version}.", advice="This is a bug in Ropeway.")
    stage.say(f"All {len(hosts)} instances answer {version}.", style="bold green")


def _get(host: InstanceSeen) -> str:
    """Empty where nobody answers, or somebody who is stopped in the middle of a word."""
    try:
        with closing(http.client.HTTPConnection(host.address, PORT, timeout=5)) as connection:
            connection.request("GET", "/")
            return connection.getresponse().read().decode()
    except (OSError, http.client.HTTPException):
        return ""


class _Visitor(threading.Thread):
    """Asks one instance after the other, and the next one where nobody answers. `answers` counts them; the empty one is none at all."""

    def __init__(self, hosts: Sequence[InstanceSeen]) -> None:
        super().__init__(name="visitor", daemon=True)
        self.begins, self.ends = threading.Event(), threading.Event()
        self.answers: Counter[str] = Counter()
        self._hosts = list(hosts)

    def run(self) -> None:
        self.begins.wait()
        while not self.ends.wait(0.05):
            self.answers[next(filter(None, map(_get, self._hosts)), "")] += 1
            self._hosts.append(self._hosts.pop(0))


@contextmanager
def _visitor(hosts: Sequence[InstanceSeen]) -> Iterator[_Visitor]:
    visitor = _Visitor(hosts)
    visitor.start()
    try:
        yield visitor
    finally:
        visitor.ends.set()
        visitor.begins.set()
        visitor.join()


def _told(stage: Stage, answers: Counter[str]) -> None:
    if answers[""]:
        raise IntegrityError(f"{answers['']} requests were answered by nobody.", advice="This is a bug in Ropeway.")
    parts = ", ".join(f"{count:,} by {version}" for version, count in sorted(answers.items()))
    stage.say(
        f"The visitor asked {counted(answers.total(), 'time')} meanwhile, and got an answer each time: {parts}.",
        style="bold green",
    )
