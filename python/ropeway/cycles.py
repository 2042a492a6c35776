"""How often Python looks for garbage that refers to itself."""

from __future__ import annotations

import gc

SELDOM = 50_000
"""Containers that have come and not gone, before it looks. Its own measure (700) means a tenth of an upload's CPU: plans and results of
thousands of files are looked through again and again, and are no garbage.
"""


def look_seldom() -> None:
    """For the whole process. What refers to itself is rare here (errors with their traces), and waits a little longer."""
    gc.set_threshold(SELDOM, *gc.get_threshold()[1:])
