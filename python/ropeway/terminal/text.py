"""The screen, and what is laid out on it: folded texts, tables, lists that end in "and 12 more".

Nothing here parses markup: names and messages come from outside and are printed as they are, made safe by `sanitise`.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.text import Text

MOST = 20
"""Rows of a list before it ends in "and 12 more"."""

UNFOLDED = 10_000
"""Columns where no terminal says otherwise: lines in a file or a log are not folded, so that they can be searched."""

GAP = "  "
NUMBERS = {"Size", "Count", "Asked", "Ended after"}
NARROWEST = 20
"""Columns that a name gets at least."""


def console(*, stderr: bool = False) -> Console:
    """For results (stdout) or for what is told on the way (stderr). Honours NO_COLOR, COLUMNS and TERM=dumb."""
    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() or os.environ.get("COLUMNS") else UNFOLDED
    return Console(file=stream, width=width, markup=False, highlight=False, emoji=False)


def indented(screen: Console, text: Text, columns: int) -> None:
    """The text, folded at the screen's width, each line that far from the left and none filled up with blanks."""
    for line in text.wrap(screen, screen.width - columns):
        line.rstrip()
        screen.print(Text(" " * columns).append_text(line))


def table(screen: Console, head: Sequence[str], rows: Iterable[Sequence[Text]]) -> None:
    """A head without words is left out. Numbers to the right; the last column is folded where the screen ends, so that a name can be read whole.

    Not rich's own table, which fills lines up with blanks: they are copied along with a name.
    """
    lines = [*([[Text(title, style="dim") for title in head]] if any(head) else []), *rows]
    widths = [max(cell.cell_len for cell in column) for column in zip(*lines, strict=True)][:-1]
    left = sum(widths) + len(GAP) * len(widths)
    room = max(screen.width - left, NARROWEST)
    for *cells, last in lines:
        line = Text()
        for title, width, cell in zip(head, widths, cells, strict=False):
            cell.align("right" if title in NUMBERS else "left", width)
            line.append_text(cell).append(GAP)
        for folded in [last] if last.cell_len <= room else last.wrap(screen, room, overflow="fold"):
            if folded:
                line.append_text(folded)  # with the blanks at its end: a name may have some
            else:
                line.rstrip()
            screen.print(line, soft_wrap=True)
            line = Text(" " * left)


def and_more(screen: Console, count: int) -> None:
    if count > 0:
        screen.print(Text(f"and {count:,} more", style="dim"))
