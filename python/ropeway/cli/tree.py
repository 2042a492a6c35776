"""The tree of commands. The tasks' commands are made from what the tasks declare; no option of theirs is listed by hand."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import typer

from ropeway.cli.examples import EXAMPLES, MIGRATING
from ropeway.cli.help import Command, Group
from ropeway.cli.manner import PANEL, shared
from ropeway.cli.parameters import keyword, parameters
from ropeway.cli.places import arguments
from ropeway.registry import load_task, task_modules
from ropeway.tasks.task import Task
from ropeway.version import VERSION

ABOUT = """Carries what a pipeline built over to AWS: the pipeline tasks, from the command line.

Every command that acts takes `--dry-run` (say what would be done, and stop), `--json` (for scripts) and `--local` (an AWS on this machine, no account needed)."""

GROUPS = {"s3": "Files to Amazon S3 and back."}
"""What the tasks of one group have in common."""


def command_line() -> typer.Typer:
    """The whole command line."""
    app = typer.Typer(cls=Group, help=ABOUT, pretty_exceptions_enable=False)
    app.callback()(_root)
    for group, about in GROUPS.items():
        app.add_typer(typer.Typer(cls=TaskGroup, help=about), name=group)
    app.add_typer(_local(), name="local")
    app.command("demo", cls=Command, help=DEMO)(signed(_demo, shared("no_color")))
    app.command("migrate", cls=Command, help=MIGRATE, epilog=MIGRATING)(_migrate())
    return app


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"ropeway {VERSION}")
        raise typer.Exit


def _root(
    version: bool = typer.Option(
        False, "--version", help="Print the version and stop.", is_eager=True, callback=_version
    ),
) -> None:
    pass


# --- the embedded AWS ----------------------------------------------------------------------------------------------------

LOCAL = """The embedded AWS: an S3 on this machine, for trying things without an account.

`--local` at any command uses it, and starts it when it is not up. It keeps what it holds until it goes down."""

ACTS = {
    "up": "Start it, unless it is up. It stays until it is stopped.",
    "status": "Say whether it is up, where it listens, and which buckets it holds.",
    "reset": "Empty it, as if it had just been started.",
    "down": "Stop it. What it holds is gone.",
}


DEMO = """See it work: a small site goes up to an embedded AWS, comes back, and is compared.

Needs no account and no network, and leaves nothing behind."""


def _demo(**_: Any) -> int:
    from ropeway.local.demo import main  # noqa: PLC0415 - what it shows is not needed for its help

    return main()


def _local() -> typer.Typer:
    app = typer.Typer(cls=Group, help=LOCAL)
    for name, about in ACTS.items():
        app.command(name, cls=Command, help=about)(_act(name))
    return app


def _act(name: str) -> Any:
    def run(**given: Any) -> int:
        from ropeway.cli.local import local  # noqa: PLC0415 - what talks to it is not needed for its help

        return local(name, given)

    return signed(run, shared("json", "debug", "no_color"))


# --- moving over ---------------------------------------------------------------------------------------------------------

MIGRATE = """Move pipelines over from the AWS Toolkit for Azure DevOps.

Shows how the YAML changes (pipelines and templates alike), and what the changed steps will meet otherwise than before. Nothing is written without `--write`."""


def _migrate() -> Any:
    def run(**given: Any) -> int:
        from ropeway.cli import migrate  # noqa: PLC0415 - what reads YAML is not needed for its help

        return migrate.run(given)

    files = inspect.Parameter(
        "files",
        inspect.Parameter.POSITIONAL_OR_KEYWORD,
        default=typer.Argument(..., metavar="FILE", help="The YAML of pipelines or templates.", show_default=False),
        annotation=list[str],
    )
    write = typer.Option(False, "--write", help="Write the changed YAML into the files.", show_default=False)
    strict = typer.Option(
        False,
        "--strict",
        help="Exit with 3 when a step meets something otherwise than before, or stays the Toolkit's.",
        rich_help_panel=PANEL,
        show_default=False,
    )
    own = (files, keyword("write", bool, write), keyword("strict", bool, strict))
    return signed(run, (*own, *shared("json", "no_color")))


# --- the tasks -----------------------------------------------------------------------------------------------------------


class TaskGroup(Group):
    """The tasks whose command begins with this group's name."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.commands = LazyCommands(self.name or "")  # type: ignore[assignment]  # typer only reads it


class LazyCommands(Mapping[str, Any]):
    """Command name -> command. A task's module is imported when its command is asked for: start-up counts."""

    def __init__(self, group: str) -> None:
        self._modules = {
            module.removeprefix(f"{group}_").replace("_", "-"): module
            for module in task_modules()
            if module.startswith(f"{group}_")
        }

    def __getitem__(self, name: str) -> Any:
        return command(load_task(self._modules[name]))

    def __iter__(self) -> Iterator[str]:
        return iter(self._modules)

    def __len__(self) -> int:
        return len(self._modules)


def command(task: Task[Any, Any]) -> Any:
    """The command of one task."""
    single = typer.Typer(add_completion=False)
    about = f"{task.description}\n\n{task.help}"
    single.command(task.command[-1], cls=Command, help=about, epilog=EXAMPLES[task.command])(_function(task))
    return typer.main.get_command(single)


def _function(task: Task[Any, Any]) -> Any:
    def run(**given: Any) -> int:
        from ropeway.cli.perform import perform  # noqa: PLC0415 - what runs a task is not needed for its help

        return perform(task, given)

    options = shared("json", "local", "strict", "profile", "verbose", "debug", "no_color")
    return signed(run, (*arguments(task), *parameters(task, {"dry_run": PANEL}), *options))


def signed(run: Callable[..., int], parameters: Sequence[inspect.Parameter]) -> Callable[..., int]:
    """The function with this signature: it is where typer reads options from."""
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]  # inspect's own way to say it
    return run
