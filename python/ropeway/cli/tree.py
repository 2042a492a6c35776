"""The tree of commands. The tasks' commands are made from what the tasks declare; no option of theirs is listed by hand."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import typer

from ropeway.cli.examples import DESCRIBING, EXAMPLES, MIGRATING
from ropeway.cli.help import Command, Group
from ropeway.cli.manner import PANEL, shared
from ropeway.cli.parameters import keyword, parameters
from ropeway.cli.places import arguments
from ropeway.registry import load_task, task_modules
from ropeway.tasks.task import Task
from ropeway.version import VERSION

ABOUT = """Deploys to AWS what an Azure pipeline has built: the pipeline tasks, from the command line.

Every command that works in AWS takes `--dry-run` (say what would be done, and stop), `--json` (for scripts) and `--local` (an AWS on this machine, no account needed)."""

GROUPS = {"s3": "Files to Amazon S3 and back.", "ec2": "Releases to EC2 instances and back."}
"""What the tasks of one group have in common."""


def command_line() -> typer.Typer:
    """The whole command line."""
    app = typer.Typer(cls=Root, help=ABOUT, pretty_exceptions_enable=False)
    app.callback()(_root)
    for group, about in GROUPS.items():
        app.add_typer(typer.Typer(cls=TaskGroup, help=about), name=group)
    app.add_typer(_local(), name="local")
    app.add_typer(typer.Typer(cls=TaskGroup, help=SETUP), name="setup")
    app.command("demo", cls=Command, help=DEMO)(signed(_demo, shared("no_color")))
    app.command("migrate", cls=Command, help=MIGRATE, epilog=MIGRATING)(_migrate())
    app.command("schema", cls=Command, help=SCHEMA, epilog=DESCRIBING)(_schema())
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

LOCAL = """The embedded AWS: S3, EC2, SSM and others on this machine, for trying things without an account.

`--local` at any command uses it, and starts it when it is not up. It keeps what it holds until it goes down."""

ACTS = {
    "up": "Start it, unless it is up. It stays until it is stopped.",
    "status": "Say whether it is up, where it listens, and which buckets it holds.",
    "reset": "Empty it, as if it had just been started.",
    "down": "Stop it. What it holds is gone.",
}


DEMO = """See it work on an embedded AWS: a small site goes up, comes back, and is compared; another one, and a service, are released and taken back.

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


# --- setting up ----------------------------------------------------------------------------------------------------------

SETUP = "From nothing to a first release: what AWS and Azure DevOps must know before a pipeline can deploy."
POLICY = """Print the least IAM policy that these tasks need, or make it.

The policy allows what the tasks declare that they need, on this bucket and prefix, and nothing else. What only some inputs need is in it when they are
named (`--using`). With `--apply` it is made in IAM, with the role or user that acts under it; what is there already is changed only where it differs."""


def _policy() -> Any:
    from ropeway.cli import setups  # noqa: PLC0415 - as the modules of tasks

    def run(**given: Any) -> int:
        return setups.policy(given)

    tasks = inspect.Parameter(
        "tasks",
        inspect.Parameter.POSITIONAL_OR_KEYWORD,
        default=typer.Argument(
            ..., metavar="TASK", help="The tasks: s3-upload, s3-deploy, check, ...", show_default=False
        ),
        annotation=list[str],
    )
    options = shared("json", "local", "profile", "debug", "no_color")
    made = signed(run, (tasks, *parameters(setups.ASKED, {"dry_run": PANEL}), *options))
    return _single(setups.ASKED.command, made, POLICY)


CONNECTION = """Make the service connection that the pipelines act under, or change it.

What is there already is compared, and changed only where it differs; a second run changes nothing. Secrets come from a prompt or from the environment, never from
an argument."""
PIPELINE = """Make a pipeline that releases by one of the tasks, with its environments and what they wait for.

A YAML pipeline is written into a repository of Azure Repos; `--form classic` makes a release definition for the artifact of a build. A second run changes nothing."""


def _connection() -> Any:
    return _set_up("CONNECTION", CONNECTION)


def _pipeline() -> Any:
    argument = typer.Argument(
        ..., metavar="TASK", help="The task: s3-upload, s3-deploy, ec2-deploy, ...", show_default=False
    )
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    return _set_up("PIPELINE", PIPELINE, inspect.Parameter("task", kind, default=argument, annotation=str))


def _set_up(which: str, about: str, *own: inspect.Parameter) -> Any:
    from ropeway.cli import organizations  # noqa: PLC0415 - as the modules of tasks

    setup: organizations.Setup = getattr(organizations, which)

    def run(**given: Any) -> int:
        return organizations.set_up(setup, given)

    options = shared("json", "verbose", "debug", "no_color")
    return _single(setup.command, signed(run, (*own, *parameters(setup, {"dry_run": PANEL}), *options)), about)


DOCTOR = """Find out why it does not work: each link of the chain is tried, and one that is broken is named with the way to mend it.

From this machine through Azure DevOps and the AWS account to the bucket and the instances. Nothing is changed. What is not named is not tried: the more options,
the more links. The exit code is 1 when a link is broken."""


def _doctor() -> Any:
    from ropeway.cli import doctor  # noqa: PLC0415 - as the modules of tasks

    def run(**given: Any) -> int:
        return doctor.doctor(given)

    argument = typer.Argument(None, metavar="TASK", help="The tasks: s3-upload, s3-deploy, ...", show_default=False)
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    tasks = inspect.Parameter("tasks", kind, default=argument, annotation=list[str] | None)
    own = [one for one in parameters(doctor.ASKED, {}) if one.name != "dry_run"]  # it never writes
    options = shared("json", "local", "strict", "profile", "debug", "no_color")
    return _single(doctor.ASKED.command, signed(run, (tasks, *own, *options)), DOCTOR)


def _single(names: tuple[str, ...], made: Callable[..., int], about: str) -> Any:
    single = typer.Typer(add_completion=False)
    single.command(names[-1], cls=Command, help=about, epilog=EXAMPLES[names])(made)
    return typer.main.get_command(single)


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


# --- for editors ---------------------------------------------------------------------------------------------------------

SCHEMA = """Print the JSON Schema of our steps, for editors and for checks of a pipeline's YAML.

It checks the steps of Ropeway and lets everything else be. With `--onto` it prints your organisation's schema of Azure Pipelines with our steps in it."""


def _schema() -> Any:
    def run(**given: Any) -> int:
        from ropeway.cli import schema  # noqa: PLC0415 - as the modules of tasks

        return schema.run(given)

    onto = typer.Option(
        None,
        "--onto",
        help="The schema of your organisation, which `https://dev.azure.com/ORGANISATION/_apis/distributedtask/yamlschema` gives; "
        "`-` reads it from standard input.",
        metavar="FILE",
        show_default=False,
    )
    return signed(run, (keyword("onto", str | None, onto), *shared("no_color")))


# --- the tasks -----------------------------------------------------------------------------------------------------------


ALONE = tuple(module for module in task_modules() if "_" not in module)
"""The tasks that are in no group."""
LATE: Mapping[str, Callable[[], Any]] = {"doctor": _doctor}
"""What else is made when it is asked for."""


class Root(Group):
    """The whole tree. A task's module is imported when its command is asked for."""

    def list_commands(self, ctx: Any) -> list[str]:
        others = [name for name in super().list_commands(ctx) if name not in GROUPS]
        return [*GROUPS, *ALONE, *LATE, *others]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name in LATE:
            return LATE[cmd_name]()
        return command(load_task(cmd_name)) if cmd_name in ALONE else super().get_command(ctx, cmd_name)


class TaskGroup(Group):
    """The tasks whose command begins with this group's name, and what else there is of their kind."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.commands = LazyCommands(self.name or "")  # type: ignore[assignment]  # typer only reads it


class LazyCommands(Mapping[str, Any]):
    """Command name -> command. A task's module is imported when its command is asked for: start-up counts."""

    def __init__(self, group: str) -> None:
        self._made: dict[str, Callable[[], Any]] = {
            module.removeprefix(f"{group}_").replace("_", "-"): partial(_of_module, module)
            for module in task_modules()
            if module.startswith(f"{group}_")
        } | BESIDE.get(group, {})

    def __getitem__(self, name: str) -> Any:
        return self._made[name]()

    def __iter__(self) -> Iterator[str]:
        return iter(self._made)

    def __len__(self) -> int:
        return len(self._made)


def _of_module(module: str) -> Any:
    return command(load_task(module))


# --- sites ---------------------------------------------------------------------------------------------------------------

RELEASES = "List the releases of a site: which is live, which were, which failed."
LOCK = "The lock of a site, which keeps two deployers apart."
LOCK_ACTS = {
    "status": "Say who holds the lock, since when, and until when.",
    "break": "Free the lock, whoever holds it. A deploy that still runs finds out and stops.",
}


def _rollback() -> Any:
    from ropeway.tasks.s3_deploy import ROLLBACK  # noqa: PLC0415 - as the modules of tasks

    return command(ROLLBACK)


def _releases() -> Any:
    return _question(("s3", "releases"), RELEASES)


def _lock() -> Any:
    app = typer.Typer(cls=Group, help=LOCK, add_completion=False)
    group: Any = typer.main.get_group(app)
    group.commands = {name: _question(("s3", "lock", name), about) for name, about in LOCK_ACTS.items()}
    return group


def _question(names: tuple[str, ...], about: str) -> Any:
    """A command about a site or an application that is no task's: it moves no objects."""
    from ropeway.cli import applications, sites  # noqa: PLC0415 - as the modules of tasks
    from ropeway.cli.sites import answer  # noqa: PLC0415 - the same

    question = {**sites.QUESTIONS, **applications.QUESTIONS}[names]

    def run(**given: Any) -> int:
        return answer(question, given)

    options = shared("json", "local", "profile", "debug", "no_color")
    single = typer.Typer(add_completion=False)
    own = (option for option in parameters(question, {"dry_run": PANEL}) if option.name not in question.unasked)
    made = signed(run, (*arguments(question), *own, *options))
    single.command(names[-1], cls=Command, help=about, epilog=EXAMPLES[names])(made)
    return typer.main.get_command(single)


# --- applications --------------------------------------------------------------------------------------------------------

RELEASES_EC2 = "List the releases of an application, and its last deploys: who, when, what, how it ended."
RECOVER = """Put back what a deploy that died has left: targets into their load balancers, Auto Scaling groups as they were.

The post-job step of a pipeline and the next deploy do the same."""


def _rollback_ec2() -> Any:
    from ropeway.tasks.ec2_deploy import ROLLBACK  # noqa: PLC0415 - as the modules of tasks

    return command(ROLLBACK)


BESIDE: Mapping[str, dict[str, Callable[[], Any]]] = {
    "setup": {"policy": _policy, "connection": _connection, "pipeline": _pipeline},
    "s3": {"releases": _releases, "rollback": _rollback, "lock": _lock},
    "ec2": {
        "rollback": _rollback_ec2,
        "releases": partial(_question, ("ec2", "releases"), RELEASES_EC2),
        "recover": partial(_question, ("ec2", "recover"), RECOVER),
    },
}
"""Commands of a group that are no pipeline tasks."""


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
