"""One check, asked as the runner asks it: its settings come out of YAML, what it raises becomes a finding."""

from __future__ import annotations

from collections.abc import Callable
from textwrap import dedent
from typing import Any

from ropeway.aws.connection import AwsInputs, Connection
from ropeway.aws.session import Aws, connect
from ropeway.checks.asking import World
from ropeway.checks.finding import Finding
from ropeway.checks.kind import Kind
from ropeway.checks.once import ask_once
from ropeway.checks.settings import read
from ropeway.checks.yaml import parse

Ask = Callable[..., Finding]


def settings_of(kind: Kind[Any], yaml: str) -> Any:
    """Raises Mistakes."""
    return read(kind.settings, parse(dedent(yaml)), kind.name)


def ask(
    kind: Kind[Any], yaml: str, aws: Aws | None = None, *, target: str | None = None, timeout: float = 20, **world: Any
) -> Finding:
    """What `kind` finds of `target` (its first one, when none is named)."""
    given = settings_of(kind, yaml)
    target = kind.targets(given)[0] if target is None else target
    return ask_once(kind, given, target, timeout, World(aws=aws or nowhere(), **world))


def nowhere() -> Aws:
    """An AWS that nobody can reach: for kinds that do not ask it."""
    return connect(AwsInputs(region_name="eu-west-1"), Connection("nobody", "AKIDEXAMPLE", "secret"))
