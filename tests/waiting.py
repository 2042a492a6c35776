"""Waiting for what happens elsewhere, on a machine that may be slow."""

from __future__ import annotations

import time
from collections.abc import Callable

PATIENCE = 60.0


def wait_until(met: Callable[[], object]) -> None:
    until = time.monotonic() + PATIENCE
    while not met():
        assert time.monotonic() < until, "it does not happen"
        time.sleep(0.01)
