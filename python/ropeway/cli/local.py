"""`ropeway local up|down|reset|status`: the embedded AWS that stays, in the hands of its user."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import typer
from rich.console import Console
from rich.text import Text

from ropeway import terminal
from ropeway.cli.manner import Manner
from ropeway.cli.reporting import DONE
from ropeway.local import daemon
from ropeway.local.daemon import Running
from ropeway.outcome import counted, duration, in_units


@dataclass(frozen=True)
class Answer:
    """A sentence, and the server as long as it runs."""

    sentence: str
    running: Running | None = None


def local(act: str, given: Mapping[str, Any]) -> int:
    """Carry out one of `ACTS` and say what came of it; the exit code."""
    answer = ACTS[act]()
    if Manner.of(given).json:
        typer.echo(json.dumps(as_json(answer), indent=2))
    else:
        render(terminal.console(), answer)
    return DONE


# --- what can be done ------------------------------------------------------------------------------------------------

NOT_UP = Answer("The embedded AWS is not up. `ropeway local up` starts it.")


def _up() -> Answer:
    up = daemon.up()
    if not up.began:
        return Answer("The embedded AWS was up already.", up.running)
    before = " The one before had ended without a word, and what it held is gone." if up.after_crash else ""
    return Answer(f"The embedded AWS is up.{before}", up.running)


def _down() -> Answer:
    return Answer("The embedded AWS is down, and what it held is gone.") if daemon.down() else NOT_UP


def _reset() -> Answer:
    running = daemon.reset()
    return Answer("The embedded AWS is empty.", running) if running else NOT_UP


def _status() -> Answer:
    running = daemon.status()
    if running is None:
        return NOT_UP
    since = duration(time.time() - running.started)
    return Answer(f"The embedded AWS has been up for {since}.", running)


ACTS: Mapping[str, Callable[[], Answer]] = {"up": _up, "status": _status, "reset": _reset, "down": _down}


# --- saying it ---------------------------------------------------------------------------------------------------------


def render(screen: Console, answer: Answer) -> None:
    screen.print(Text(answer.sentence, style="bold"))
    if running := answer.running:
        screen.print(f"It listens at {running.endpoint_url} (process {running.pid}).")
        for bucket in running.buckets:
            holds = f"{counted(bucket.objects, 'object')}, {in_units(bucket.bytes)}"
            screen.print(f"  s3://{bucket.name}: {holds}")
        if not running.buckets:
            screen.print("There is no bucket in it.")
        screen.print("\nRopeway's commands use it with --local. Other programs find it by:")
        for name, value in environment(running).items():
            screen.print(f"  export {name}={value}", soft_wrap=True)


def environment(running: Running) -> dict[str, str]:
    """The variables by which the AWS CLI and SDKs find it."""
    aws = running.aws
    return {
        "AWS_ENDPOINT_URL": running.endpoint_url,
        "AWS_REGION": aws.region,
        "AWS_ACCESS_KEY_ID": aws.connection.access_key_id,
        "AWS_SECRET_ACCESS_KEY": aws.connection.secret_access_key,
    }


def as_json(answer: Answer) -> dict[str, Any]:
    """Every key is always there."""
    running = answer.running
    return {
        "up": running is not None,
        "message": answer.sentence,
        "endpointUrl": running.endpoint_url if running else "",
        "pid": running.pid if running else 0,
        "buckets": [asdict(bucket) for bucket in running.buckets] if running else [],
        "environment": environment(running) if running else {},
    }
