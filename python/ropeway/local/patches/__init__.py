"""Where moto only pretends, it is mended here: a file is one thing that AWS does and moto does not."""

from __future__ import annotations

import functools


@functools.cache
def apply() -> None:
    """Once a process."""
