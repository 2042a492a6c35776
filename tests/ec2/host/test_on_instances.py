"""The same scripts through Run Command, on instances of the embedded AWS: bundles from its S3, processes that answer, machines that go down."""

from __future__ import annotations

import dataclasses
import threading
import time
import urllib.request
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ropeway.aws.run_command.model import HostRun, Pace, Script, Terms
from ropeway.aws.session import Aws
from ropeway.ec2.app import App, HookScript
from ropeway.ec2.bundle import make
from ropeway.ec2.host import HostScripts
from ropeway.ec2.model import Deployment, HostReport, HostStep, Layout, Target
from ropeway.ec2.staging import presigned, stage_in_s3
from ropeway.ec2.transport import RunCommand
from ropeway.errors import Cancelled
from ropeway.outcome import Cancellation, Run
from ropeway.s3.engines import engine_for
from ropeway.s3.inputs import BucketInputs
from ropeway.s3.state.place import StatePlace
from ropeway.s3.state.releases import State
from tests.ec2.trees import File, as_folder

TERMS = Terms(pace=Pace(pauses=(0.05, 0.1, 0.2)))
SERVE = """#!/usr/bin/env python3
import http.server, os, sys
here = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
class Handler(http.server.SimpleHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(open(os.path.join(here, "version"), "rb").read())
    def log_message(self, *_): ...
http.server.ThreadingHTTPServer((os.environ["INSTANCE_ADDRESS"], 8080), Handler).serve_forever(poll_interval=3600)
"""
START = """#!/bin/sh
python3 bin/serve &
echo $! >"$ROPEWAY_SHARED_FOLDER/run/pid"
"""
STOP = """#!/bin/sh
pid=$(cat "$ROPEWAY_SHARED_FOLDER/run/pid")
kill "$pid" || exit
while kill -0 "$pid"; do sleep 0.05; done
"""
PROVE = """#!/bin/sh
for try in $(seq 100); do
  told=$(python3 -c 'import os, urllib.request as r; print(r.urlopen("http://%s:8080/" % os.environ["INSTANCE_ADDRESS"]).read().decode())') && break
  sleep 0.2
done
echo "It says $told."
[ "$told" = "$ROPEWAY_RELEASE" ]
"""
HOOKS = {"ApplicationStop": STOP, "ApplicationStart": START, "ValidateService": PROVE}


@dataclass
class Service:
    """A small HTTP service, its bundles in a bucket of its own."""

    aws: Aws
    bucket: str
    scratch: Path

    def release(self, id: str, version: str = "", **hooks: str) -> HostScripts:
        bodies = {**HOOKS, **hooks}
        tree = {"version": File((version or id).encode()), "bin/serve": File(SERVE.encode())}
        tree |= {f"hooks/{event}": File(body.encode()) for event, body in bodies.items()}
        app = App(tuple(HookScript(event, f"hooks/{event}", 90) for event in bodies), ("run/",))  # type: ignore[arg-type]
        folder = as_folder(tree, self.scratch / uuid.uuid4().hex)
        bundle = make(str(folder), str(self.scratch), app)
        engine = engine_for(self.aws, BucketInputs(bucket_name=self.bucket))
        place = stage_in_s3(engine, StatePlace(self.bucket, "bundles"), bundle, Cancellation()).place
        deployment = Deployment("shop", "web", f"d-{id}", id)
        return HostScripts(Layout("/opt/shop"), deployment, bundle, presigned(self.aws, place, 600))

    def run(self, script: Script, hosts: Sequence[Any], cancellation: Cancellation | None = None) -> list[HostRun]:
        run = Run(cancellation=cancellation or Cancellation())
        return list(RunCommand(self.aws, TERMS).run(script, [Target(host.id) for host in hosts], run))

    def reports(self, scripts: HostScripts, script: Script, step: HostStep, hosts: Sequence[Any]) -> list[HostReport]:
        runs = self.run(script, hosts)
        reports = [scripts.report(run, step) for run in runs]
        assert all(reports), runs
        assert [report.ok for report in reports if report] == [run.ok for run in runs]
        return [report for report in reports if report]

    def live(self, id: str, hosts: Sequence[Any], over: str = "") -> HostScripts:
        scripts = self.release(id)
        for script, step in (
            (scripts.stage(), "stage"),
            (scripts.switch(over=over), "switch"),
            (scripts.mark(id, State.HEALTHY), "mark"),
        ):
            reports = self.reports(scripts, script, step, hosts)  # type: ignore[arg-type]
            assert all(report.ok for report in reports), reports
        return scripts


@pytest.fixture
def service(aws: Aws, bucket: str, tmp_path: Path) -> Service:
    return Service(aws, bucket, tmp_path)


def answer_of(host: Any) -> str:
    with urllib.request.urlopen(f"http://{host.address}:8080/", timeout=60) as answer:
        return str(answer.read().decode())


def test_a_service_goes_from_release_to_release_and_back(service, embedded):
    hosts = embedded.instances.add(2)
    service.live("1", hosts)
    assert [answer_of(host) for host in hosts] == ["1", "1"]
    service.live("2", hosts, over="1")
    assert [answer_of(host) for host in hosts] == ["2", "2"]
    three = service.release("3", version="not 3")
    assert all(report.ok for report in service.reports(three, three.stage(), "stage", hosts))
    failed = service.reports(three, three.switch(over="2"), "switch", hosts[:1])
    assert [(report.ok, report.hook, report.live) for report in failed] == [(False, "ValidateService", "3")]
    back = service.reports(three, three.rollback(to="2"), "rollback", hosts[:1])
    assert [(report.ok, report.live, report.live_state) for report in back] == [(True, "2", State.HEALTHY)]
    assert [answer_of(host) for host in hosts] == ["2", "2"]
    pruned = service.reports(three, three.prune(), "prune", hosts)
    assert [report.live for report in pruned] == ["2", "2"]


def test_the_same_scripts_do_where_the_instance_has_namespaces_of_its_own(service, embedded, settings):
    """Or, where this machine has none, in its folder once more."""
    settings(isolation="namespaces")
    hosts = embedded.instances.add(1)
    service.live("1", hosts)
    assert answer_of(hosts[0]) == "1"


def test_s3_that_denies_the_instance_is_told_with_what_it_said(service, embedded):
    hosts = embedded.instances.add(1)
    scripts = service.release("1")
    late = dataclasses.replace(scripts, url=scripts.url.replace("X-Amz-Expires=600", "X-Amz-Expires=0"))
    (report,) = service.reports(late, late.stage(), "stage", hosts)
    assert report.why.startswith("S3 answered 4")
    assert "Request has expired" in report.why


def test_an_instance_that_goes_down_while_it_switches_is_put_right_afterwards(service, embedded, client_of):
    """Nobody hears of it; what runs there is dead; the next script finds the release live and unproved."""
    hosts = embedded.instances.add(1)
    (host,) = hosts
    service.live("1", hosts)
    two = service.release("2", ValidateService="#!/bin/sh\ntouch ../../shared/run/proving; sleep 600\n")
    assert service.reports(two, two.stage(), "stage", hosts)[0].ok
    proving = Path(host.folder, "opt/shop/shared/run/proving")
    ec2 = client_of("ec2")

    def crash() -> None:
        while not proving.exists():
            time.sleep(0.01)
        ec2.reboot_instances(InstanceIds=[host.id])

    crashing = threading.Thread(target=crash)
    crashing.start()
    (run,) = service.run(two.switch(over="1"), hosts)
    crashing.join()
    assert not run.ok
    assert two.report(run, "switch") is None
    (status,) = service.reports(two, two.status(), "status", hosts)
    assert (status.live, status.live_state, status.previous) == ("2", State.LIVE, "1")
    (back,) = service.reports(two, two.rollback(to="1"), "rollback", hosts)
    assert (back.ok, back.live, back.live_state) == (True, "1", State.HEALTHY)
    assert back.warning.startswith("ApplicationStop of what was live failed")  # there was nothing left to stop
    assert answer_of(host) == "1"


def test_a_pipeline_that_is_cancelled_leaves_no_hook_behind(service, embedded):
    hosts = embedded.instances.add(1)
    (host,) = hosts
    mark = uuid.uuid4().hex
    slow = f"#!/bin/sh\ntouch ../../shared/run/begun; sleep 600 # {mark}\ntouch ../../shared/run/ended\n"
    scripts = service.release("1", ApplicationStart=slow)
    assert service.reports(scripts, scripts.stage(), "stage", hosts)[0].ok
    cancellation = Cancellation()
    running = Path(host.folder, "opt/shop/shared/run")

    def cancel() -> None:
        while not (running / "begun").exists():
            time.sleep(0.01)
        cancellation.ask("the pipeline was cancelled")

    cancelling = threading.Thread(target=cancel)
    cancelling.start()
    with pytest.raises(Cancelled):
        service.run(scripts.switch(over=""), hosts, cancellation)
    cancelling.join()
    until = time.monotonic() + 100
    while hooks_of(host):
        assert time.monotonic() < until, hooks_of(host)
        time.sleep(0.05)
    assert not (running / "ended").exists()


def hooks_of(host: Any) -> list[str]:
    """The processes of hooks that run on it."""
    found = []
    for path in Path("/proc").glob("[0-9]*/environ"):
        try:
            told = path.read_bytes().decode(errors="replace").split("\0")
        except OSError:
            continue
        if f"AWS_SSM_INSTANCE_ID={host.id}" in told and any(one.startswith("LIFECYCLE_EVENT=") for one in told):
            found.append(str(path))
    return found
