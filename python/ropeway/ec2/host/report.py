"""What a script says of itself: its first line, written when it ends, and believed only with the nonce that was in the script."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, get_args

from ropeway.aws.run_command.model import HostRun
from ropeway.ec2.host.names import id_of
from ropeway.ec2.model import HostRelease, HostReport, HostStep
from ropeway.s3.state.releases import State

STEPS: tuple[HostStep, ...] = get_args(HostStep)
TEXTS = ("release", "live", "state", "previous", "hook", "why", "warning", "log", "mount", "disk")


def read_report(run: HostRun, nonce: str) -> HostReport | None:
    """None where the first line is not the one that our script ends with: then nobody knows what it has done."""
    first = run.stdout.partition("\n")[0]
    mark = f"ropeway:{nonce} "
    if not first.startswith(mark):
        return None
    try:
        return _report(json.loads(first.removeprefix(mark)))
    except (ValueError, KeyError, TypeError, RecursionError):
        return None


def output_of(run: HostRun) -> str:
    """What the hooks printed, the end of it: all but our own line."""
    first, _, rest = run.stdout.partition("\n")
    return rest if first.startswith("ropeway:") else run.stdout


def _report(told: Mapping[str, Any]) -> HostReport:
    text = {name: _text(told[name]) for name in TEXTS}
    return HostReport(
        step=STEPS[STEPS.index(told["step"])],
        ok=_truth(told["ok"]),
        release=id_of(text["release"]),
        live=id_of(text["live"]),
        live_state=State(text["state"]) if text["state"] else None,
        previous=id_of(text["previous"]),
        changed=_truth(told["changed"]),
        hook=text["hook"],
        why=text["why"],
        free=int(told["free"]),
        mount=text["mount"],
        disk=text["disk"],
        warning=text["warning"],
        log=text["log"],
        releases=tuple(_release(*map(_text, one)) for one in told["releases"]),
    )


def _release(name: str, state: str, content: str) -> HostRelease:
    return HostRelease(id_of(name), State(state), content)


def _truth(given: Any) -> bool:
    """Whatever is neither is no answer: 1 and "false" are not true."""
    if not isinstance(given, bool):
        raise TypeError
    return given


def _text(given: Any) -> str:
    """Bash has told it byte by byte."""
    if not isinstance(given, str):
        raise TypeError
    return given.encode("latin-1").decode(errors="replace")
