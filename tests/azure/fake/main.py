"""Stands where the bundle's main.py stands: runs the task `fake` against no AWS at all."""

import os
import sys

sys.path[:0] = os.environ["TEST_SYS_PATH"].split(os.pathsep)

import ropeway.azure.main as door  # noqa: E402 - the path comes first
import ropeway.tasks  # noqa: E402
from ropeway.azure import stopping  # noqa: E402

ropeway.tasks.__path__.append(os.path.join(os.path.dirname(__file__), "tasks"))


class NoAws:
    """What the door would hand to the task: here, what it was asked to connect with."""

    def __init__(self, inputs, connection, *, network, default_region, debug, mask):
        debug(f"GET {inputs.name}")
        self.inputs, self.connection, self.network, self.default_region = inputs, connection, network, default_region


door.connect = NoAws
stopping.TWICE = float(os.environ.get("TEST_TWICE", stopping.TWICE))

sys.exit(door.main("fake", *sys.argv[1:]))
