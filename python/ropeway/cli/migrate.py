"""`ropeway migrate`: the changed YAML as a diff, and what somebody has to look at."""

from __future__ import annotations

import difflib
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import typer
from rich.text import Text

from ropeway import as_json, terminal
from ropeway.cli.manner import Manner
from ropeway.cli.reporting import DONE, WARNED
from ropeway.errors import InputError, LocalFileError
from ropeway.migrate.migration import Met, Migration, Remark, migrate
from ropeway.outcome import counted
from ropeway.sanitise import one_line

STYLES = {"+": "green", "-": "red", "@": "cyan"}


def run(given: Mapping[str, Any]) -> int:
    """Show, and with `--write` write, what becomes of the files; the exit code. All are read before one is written."""
    manner = Manner.of(given)
    migrations = _read(given["files"])
    changed = [migration for migration in migrations if migration.before != migration.after]
    for migration in changed if given["write"] else ():
        _write(migration)
    if manner.json:
        typer.echo(as_json.dumps({"files": [_answer(migration, written=given["write"]) for migration in migrations]}))
    else:
        _render(migrations, changed, written=given["write"])
    return WARNED if manner.strict and any(map(_is_to_be_looked_at, migrations)) else DONE


def _is_to_be_looked_at(migration: Migration) -> bool:
    return bool(migration.differences or migration.remarks or migration.left)


# --- files -------------------------------------------------------------------------------------------------------------


def _read(paths: Sequence[str]) -> list[Migration]:
    """Raises InputError with all that is no YAML, LocalFileError for a file that cannot be read."""
    problems: list[str] = []
    migrations = []
    for path in paths:
        try:
            migrations.append(migrate(path, _text(path)))
        except InputError as wrong:
            problems += wrong.problems
    if problems:
        raise InputError(problems).advised("Mend these lines, and run again. Nothing was written.")
    return migrations


def _text(path: str) -> str:
    """As it is, with its line ends and its byte order mark."""
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise LocalFileError(
            f"Could not read {path}: {error.strerror}.", advice="Name the YAML file of a pipeline that can be read."
        ) from error
    try:
        return data.decode()
    except UnicodeDecodeError as wrong:
        line = data.count(b"\n", 0, wrong.start) + 1
        raise InputError([f"{path}, line {line}: this is no UTF-8, which a pipeline must be."]) from None


def _write(migration: Migration) -> None:
    """Whole or not at all, through a link to what it leads to. Raises LocalFileError."""
    path = Path(migration.path).resolve()
    try:
        with tempfile.TemporaryDirectory(prefix=".ropeway-", dir=path.parent) as folder:
            new = Path(folder, path.name)
            new.write_bytes(migration.after.encode())
            shutil.copymode(path, new)
            os.replace(new, path)
    except OSError as error:
        raise LocalFileError(f"Could not write {path}: {error.strerror}.") from error


# --- for a person ------------------------------------------------------------------------------------------------------


def _render(migrations: Sequence[Migration], changed: Sequence[Migration], *, written: bool) -> None:
    screen, telling = terminal.console(), terminal.console(stderr=True)
    for migration in migrations:
        for line in _diff(migration):
            screen.print(Text(one_line(line), style=STYLES.get(line[:1], "")), soft_wrap=True)
        for columns, text in _said(migration):
            terminal.indented(telling, text, columns)
    if changed:
        told = (
            f"Wrote {counted(len(changed), 'file')}." if written else "Nothing was written. Give --write to write it."
        )
        telling.print(told)


def _diff(migration: Migration) -> Iterator[str]:
    before, after = (text.removesuffix("\n").split("\n") for text in (migration.before, migration.after))
    for line in difflib.unified_diff(before, after, migration.path, migration.path, lineterm=""):
        yield line.removesuffix("\r")


_Line = tuple[int, Text]
"""How many columns from the left, and what stands there."""


def _said(migration: Migration) -> Iterator[_Line]:
    steps = counted(len(migration.moved), "step")
    yield 0, Text(one_line(f"{migration.path}: {steps} of the AWS Toolkit to move over."), style="bold")
    for remark in migration.remarks:
        yield 2, Text.assemble(("Warning: ", "bold yellow"), one_line(f"line {remark.line}: {remark.message}"))
    for met in migration.differences:
        yield from _difference(met)
    for left in migration.left:
        yield 2, Text(one_line(f"line {left.line}: {left.message} stays: Ropeway has no such task."))


def _difference(met: Met) -> Iterator[_Line]:
    lines = f"line{'s' if len(met.lines) > 1 else ''} {', '.join(map(str, met.lines))}"
    yield 2, Text(f"{lines}: {met.difference.what}")
    yield 4, Text.assemble(("AWS Toolkit: ", "dim"), met.difference.toolkit)
    yield 4, Text.assemble(("Ropeway: ", "dim"), met.difference.ropeway)


# --- for a script ------------------------------------------------------------------------------------------------------


def _answer(migration: Migration, *, written: bool) -> dict[str, Any]:
    """Every key is always there."""
    changed = migration.before != migration.after
    return {
        "path": migration.path,
        "changed": changed,
        "written": written and changed,
        "diff": "".join(f"{line}\n" for line in _diff(migration)),
        "steps": [{"line": step.line, "task": step.message} for step in migration.moved],
        "differences": [_met(met) for met in migration.differences],
        "warnings": [_remark(remark) for remark in migration.remarks],
        "notCovered": [{"line": step.line, "task": step.message} for step in migration.left],
    }


def _met(met: Met) -> dict[str, Any]:
    difference = met.difference
    return {
        "name": difference.name,
        "lines": list(met.lines),
        "what": difference.what,
        "toolkit": difference.toolkit,
        "ropeway": difference.ropeway,
    }


def _remark(remark: Remark) -> dict[str, Any]:
    return {"line": remark.line, "message": remark.message}
