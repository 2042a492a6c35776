"""What Python and the launcher (tasks/launcher/launch.js) have agreed on.

Exit code 0 proves nothing: `os._exit(0)` deep in a library and a torn bundle look like it. So Python ends with one of two
codes of its own, and only after a completion was written and flushed. The launcher takes every other end for a death, and
prints the one completion, Failed, itself.
"""

from __future__ import annotations

DONE = 80
"""A flushed completion that is not Failed. The launcher ends with 0."""

FAILED = 81
"""A flushed completion that is Failed. The launcher ends with 1."""

DIED = 1
"""No completion could be written: the launcher has to."""

HOLDS_STDIN = "ROPEWAY_STDIN"
"""Set by the launcher, which holds the other end of our stdin: the end of file then means that it is gone."""

GRACE = 8.0
"""Seconds from the first request to stop until we give up. The agent sends SIGINT, 7.5 s later SIGTERM, 2.5 s later it kills the
process tree (azure-pipelines-agent, ProcessInvoker.cs)."""
