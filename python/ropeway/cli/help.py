"""Help as a list, not as boxes: whole option names and readable texts at 80 columns, in the groups of the task's form."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.text import Text
from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption

from ropeway import terminal
from ropeway.cli.manner import PANEL

WIDEST = 100
"""Columns beyond which a line of prose is tiring to read."""


class Command(TyperCommand):
    """A command whose help is a list."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        screen = _console()
        with screen.capture() as capture:
            _render(screen, self, ctx)
        formatter.write(capture.get())


class Group(TyperGroup):
    """A group of commands whose help is a list. Without a command it shows that help."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        return super().parse_args(ctx, args if args or ctx.resilient_parsing else ["--help"])

    def format_help(self, ctx: Any, formatter: Any) -> None:
        screen = _console()
        with screen.capture() as capture:
            _render(screen, self, ctx)
            _commands(screen, self, ctx)
        formatter.write(capture.get())


def _console() -> Console:
    screen = terminal.console()
    screen.width = min(screen.width, WIDEST)
    return screen


def _render(screen: Console, command: TyperCommand | TyperGroup, ctx: Any) -> None:
    usage = " ".join(command.collect_usage_pieces(ctx))
    terminal.indented(screen, Text.assemble(("Usage: ", "bold"), ctx.command_path, " ", usage), 0)
    screen.print()
    for paragraph in (command.help or "").split("\n\n"):
        flowing = paragraph.replace("\n", " ")  # the source's lines are not the screen's
        terminal.indented(screen, marked_up(flowing), 0)
        screen.print()
    if command.epilog:
        _examples(screen, command.epilog)
    for title, entries in _panels(command.get_params(ctx)):
        screen.print(Text(title, style="bold"))
        for entry in entries:
            _entry(screen, _heading(entry), _described(entry))
        screen.print()


def _commands(screen: Console, group: TyperGroup, ctx: Any) -> None:
    screen.print(Text("Commands", style="bold"))
    for name in group.list_commands(ctx):
        command = group.get_command(ctx, name)
        if command and not command.hidden:
            _entry(screen, Text(name, style="cyan"), command.get_short_help_str(limit=200))


def _examples(screen: Console, epilog: str) -> None:
    """Lines in pairs: what it does, and the command."""
    screen.print(Text("Examples", style="bold"))
    for what, command in zip(*[iter(epilog.splitlines())] * 2, strict=True):
        terminal.indented(screen, Text(f"# {what}", style="dim"), 2)
        screen.print(Text(f"  {command}"), soft_wrap=True)  # whole, to be copied
    screen.print()


def _panels(params: Iterable[Any]) -> Iterator[tuple[str, list[Any]]]:
    panels: dict[str, list[Any]] = {"Arguments": [], "Options": [], PANEL: []}
    for param in params:
        if not param.hidden:
            default = "Arguments" if isinstance(param, TyperArgument) else "Options"
            panels.setdefault(param.rich_help_panel or default, []).append(param)
    yield from ((title, entries) for title, entries in panels.items() if entries)


def _entry(screen: Console, heading: Text, body: str) -> None:
    terminal.indented(screen, heading, 2)
    terminal.indented(screen, marked_up(body), 6)


def _heading(param: TyperArgument | TyperOption) -> Text:
    names = Text(", ").join(Text(name, style="cyan") for name in (*param.opts, *param.secondary_opts))
    if isinstance(param, TyperArgument):
        return Text(param.metavar or param.name, style="cyan")
    return names if param.is_flag else Text.assemble(names, " ", (param.metavar or "TEXT", "green"))


def _described(param: TyperArgument | TyperOption) -> str:
    default = f" Default: `{param.show_default}`." if isinstance(param.show_default, str) else ""
    return (param.help or "") + default


def marked_up(markdown: str) -> Text:
    """The little Markdown of the help texts: `code`, which keeps its ticks for screens without bold, and *emphasis*."""
    text = re.sub(r"(`[^`]+`)", r"[bold]\1[/bold]", escape(markdown))
    return Text.from_markup(re.sub(r"(?<![*\w])\*(\w[^*\n]*)\*(?![*\w])", r"[italic]\1[/italic]", text), emoji=False)
