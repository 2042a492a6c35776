"""What went wrong: warnings, errors with what to do next, and the trace of what nobody foresaw."""

from __future__ import annotations

import platform
import sys
import traceback
from collections.abc import Iterable, Iterator
from itertools import islice

from rich.console import Console
from rich.text import Text

from ropeway.errors import Cancelled, InputError, RopewayError
from ropeway.sanitise import one_line
from ropeway.version import VERSION


def render_warnings(screen: Console, warnings: Iterable[str]) -> None:
    for warning in warnings:
        screen.print(Text.assemble(("Warning: ", "bold yellow"), one_line(warning)))


def render_error(screen: Console, error: BaseException, *, trace: bool = False) -> None:
    """What, to what, what AWS said, what next. An exception that nobody foresaw is a bug of ours, and shows its trace."""
    if trace or not isinstance(error, RopewayError):
        _render_trace(screen, error)
    for style, head, line in _error_lines(error):
        screen.print(Text.assemble((head, style), one_line(line)))


def _error_lines(error: BaseException) -> Iterator[tuple[str, str, str]]:
    if isinstance(error, InputError):
        yield "bold red", "Error: ", error.problems[0]
        for problem in islice(error.problems, 1, None):
            yield "bold red", "Error: ", problem
    elif isinstance(error, Cancelled):
        yield "bold yellow", "", error.message
    elif isinstance(error, RopewayError):
        first, *more = error.message.splitlines() or [""]
        yield "bold red", "Error: ", first
        yield from (("", "", line) for line in more)
    else:
        yield "bold red", "Error: ", f"{type(error).__name__}: {error}"
    if advice := advice_of(error):
        yield "bold", "Next: ", advice


def advice_of(error: BaseException) -> str:
    """What to do next."""
    if isinstance(error, RopewayError):
        return error.advice
    here = f"ropeway {VERSION}, Python {platform.python_version()}, {sys.platform}"
    return (
        f"This is a bug in Ropeway, not a fault of yours. Please report it with the lines above and this one ({here})."
    )


def _render_trace(screen: Console, error: BaseException) -> None:
    for chunk in traceback.format_exception(error):
        for line in chunk.splitlines():
            screen.print(Text(one_line(line), style="dim"))
