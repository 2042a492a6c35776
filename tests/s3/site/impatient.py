"""`ropeway` as somebody types it, whose lock runs out within seconds: a minute, the term of daily use, is long for a test.

python -m tests.s3.site.impatient s3 deploy ...
"""

from __future__ import annotations

import operator
import sys
from collections.abc import Callable
from typing import Any

from ropeway.cli import main
from ropeway.s3.state import lock

LASTS = 12.0
"""Seconds: a third of them apart are its renewals, so that a busy machine may be late by more than that again before it is lost."""


def impatient(set_item: Callable[[Any, str, Any], None], set_attribute: Callable[[Any, str, Any], None]) -> None:
    """For this process; a test undoes it by handing in what its monkeypatch does."""
    locked: Any = lock.locked
    set_item(locked.__wrapped__.__kwdefaults__, "lasts", LASTS)
    set_attribute(lock, "PAUSE", 0.2)


if __name__ == "__main__":
    impatient(operator.setitem, setattr)
    main(sys.argv[1:])
