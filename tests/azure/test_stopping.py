from __future__ import annotations

import signal
import time

from ropeway.azure.protocol import HOLDS_STDIN
from tests.azure.agent import Agent
from tests.azure.test_main import ended, wait_for

SCRIPT = """
import os, sys, time
sys.path[:0] = os.environ["TEST_SYS_PATH"].split(os.pathsep)
from ropeway.azure.stopping import listen
from ropeway.outcome import Cancellation

def give_up():
    os.write(1, b"gave up\\n")
    os._exit(7)

cancellation = Cancellation()
listen(cancellation, give_up, grace=float(sys.argv[1]))
os.write(1, b"\\nwaiting\\n")
while not cancellation.wait(60):
    pass
os.write(1, cancellation.why.encode() + b"\\n")
time.sleep(60)
"""


def listening(agent: Agent, grace: float):
    process = agent.popen([*agent.arguments[:-1], "-c", SCRIPT, str(grace)], {HOLDS_STDIN: "held"}, {})
    wait_for(process, "waiting")
    return process


def test_who_does_not_stop_within_the_grace_is_given_up(agent: Agent) -> None:
    process = listening(agent, 5)  # in which the main thread says why, however slow this machine is
    process.send_signal(signal.SIGTERM)
    ran = ended(process)
    assert (ran.code, ran.lines) == (7, ["the step was cancelled or ran out of time (SIGTERM)", "gave up"])


def test_the_end_of_the_launcher_is_no_second_request(agent: Agent) -> None:
    process = listening(agent, 60)
    process.send_signal(signal.SIGINT)
    wait_for_line = process.stdout.readline()
    time.sleep(1.1)
    process.stdin.close()
    time.sleep(0.5)
    assert wait_for_line.endswith(b"(SIGINT)\n")
    assert process.poll() is None


def test_a_signal_is_heard_while_the_main_thread_waits_for_the_cancellation(agent: Agent) -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        process = listening(agent, 60)
        process.send_signal(number)
        assert number.name.encode() in process.stdout.readline()
