"""The command line: a door beside the agent's, to the same tasks."""

from __future__ import annotations

import dataclasses
import os
import sys
from collections.abc import Sequence

import typer

from ropeway.cli.manner import Manner
from ropeway.cli.reporting import Account, report
from ropeway.cli.tree import command_line
from ropeway.cycles import look_seldom
from ropeway.errors import InputError, LocalFileError


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command and exit with its code. `arguments` are the process's own unless they are given."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    look_seldom()
    _open_streams()
    manner = Manner.seen_in(given)
    manner.settle()
    try:
        code = command_line()(args=given, prog_name="ropeway", standalone_mode=False)
    except Exception as error:  # noqa: BLE001 - not swallowed: it is reported, as a bug of ours unless it is foreseen
        manner = dataclasses.replace(manner, json=manner.json and not _is_of_stdout(error))
        code = report(Account(error=_foreseen(error)), manner)
    sys.exit(code)


def _open_streams() -> None:
    """Whoever closes a stream (`>&-`) wants nothing from it: Python has None in its place then (sys.stdout)."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115 - until the process ends
        # A name that this terminal's encoding lacks is spelled out instead of ending the run.
        getattr(sys, name).reconfigure(errors="backslashreplace")


def _foreseen(error: Exception) -> Exception:
    """What typer and the system raise, as one of our errors."""
    if isinstance(error, typer.TyperException):
        context = getattr(error, "ctx", None)
        command = context.command_path if context else "ropeway"
        return InputError([error.format_message()]).advised(f"`{command} --help` says what there is.")
    if _is_of_stdout(error):
        return LocalFileError(f"Could not write the answer to standard output: {getattr(error, 'strerror', error)}.")
    return error


def _is_of_stdout(error: Exception) -> bool:
    """Standard output has no name; it can then take no JSON either. What a task meets in files is told by `perform`."""
    return isinstance(error, OSError) and error.filename is None
