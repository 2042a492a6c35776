"""Run Command as the transport of a rollout: one answer for each target, and the last word on each when it is stopped."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from ropeway.aws.run_command.model import HostRun, Pace, Script, Terms
from ropeway.ec2.model import Target
from ropeway.ec2.transport import RunCommand, Transport, left
from ropeway.errors import Cancelled
from ropeway.outcome import Cancellation, Run

QUICK = Terms(pace=Pace(pauses=(0.05, 0.1), grace=60.0))


def test_each_target_has_one_answer_in_its_place_and_each_end_is_told_once(aws, embedded):
    good, bad, lost = embedded.instances.add(3)
    embedded.instances.take_offline(lost.id)
    targets = [Target(id) for id in (lost.id, "i-0123456789abcdef0", good.id, bad.id)]
    script = Script(f"test $AWS_SSM_INSTANCE_ID = {good.id} || exit 4", 20)
    ends: list[HostRun] = []
    transport: Transport = RunCommand(aws, QUICK)
    runs = transport.run(script, targets, Run(), ends.append)
    assert [run.target for run in runs] == [target.id for target in targets]
    assert [run.state for run in runs] == ["Undeliverable", "NotManaged", "Success", "Failed"]
    assert sorted(ends, key=lambda run: run.target) == sorted(runs, key=lambda run: run.target)


def test_a_run_that_is_stopped_tells_of_every_target_before_it_raises(aws, embedded):
    quick, slow = embedded.instances.add(2)
    script = Script(f"test $AWS_SSM_INSTANCE_ID = {quick.id} && exit; touch begun; sleep 600", 300)
    run = Run(cancellation=Cancellation())
    ends: list[HostRun] = []

    def stop() -> None:
        while not (ends and Path(slow.folder, "begun").exists()):
            time.sleep(0.01)
        run.cancellation.ask("the pipeline was cancelled")

    stopper = threading.Thread(target=stop)
    stopper.start()
    with pytest.raises(Cancelled) as caught:
        RunCommand(aws, QUICK).run(script, [Target(quick.id), Target(slow.id)], run, ends.append)
    stopper.join()
    words = f"The script ended well on {quick.id}, was cancelled on {slow.id}."
    assert str(caught.value) == f"Stopped: the pipeline was cancelled. {words}"
    assert {run.target: run.state for run in ends} == {quick.id: "Success", slow.id: "Cancelled"}


def test_how_a_script_was_left_is_told_by_what_became_of_it():
    runs = [
        HostRun("i-1", "Failed", 1),
        HostRun("i-2", "StillRunning"),
        HostRun("i-3", "NotSent"),
        HostRun("i-4", "Vanished"),
    ]
    assert left(runs) == (
        "The script failed on i-1, may still be running on i-2, was not sent to i-3, was Vanished on i-4."
    )
